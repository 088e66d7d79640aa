// A function that is called all the time, and one that is called now and then.
package main

import (
	"fmt"
	"sync/atomic"
)

//go:noinline
func hot(n int) int {
	return 3*n + 1
}

//go:noinline
func cold(n int) (sum int) {
	for i := 0; i < 3000; i++ {
		sum += hot(i + n)
	}
	return sum
}

// Its first instruction has a lock prefix, which the kernel does not put a probe on.
//
//go:noinline
func masked(p *uint32, mask uint32) {
	atomic.AndUint32(p, mask)
}

func main() {
	flags := uint32(255)
	masked(&flags, 15)
	sum := 0
	for i := 0; i < 300; i++ {
		sum += cold(i)
	}
	fmt.Println(sum, flags)
}
