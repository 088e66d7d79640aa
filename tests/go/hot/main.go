// A function that is called all the time, and one that is called now and then; with a number, one that is mostly given nil.
package main

import (
	"fmt"
	"os"
	"strconv"
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

type node struct{ n int }

//go:noinline
func follow(p *node) int {
	if p == nil {
		return 0
	}
	return p.n
}

// One in a hundred thousand is there.
func followed(n int) (sum int) {
	for i := 0; i < n; i++ {
		var p *node
		if i%100000 == 0 {
			p = &node{7}
		}
		sum += follow(p)
	}
	return sum
}

func main() {
	if len(os.Args) > 1 {
		n, _ := strconv.Atoi(os.Args[1])
		fmt.Println(followed(n))
		return
	}
	flags := uint32(255)
	masked(&flags, 15)
	sum := 0
	for i := 0; i < 300; i++ {
		sum += cold(i)
	}
	fmt.Println(sum, flags)
}
