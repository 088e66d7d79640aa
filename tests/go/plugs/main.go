// plugs may load plugins: so its symbols are all visible to others, also the one that says where a
// thread keeps its goroutine.
package main

import (
	"fmt"
	_ "plugin"
)

//go:noinline
func work(i int) int {
	if i == 0 {
		return 0
	}
	return work(i-1) + i
}

func main() {
	done := make(chan int)
	for i := 0; i < 50; i++ {
		go func(i int) { done <- work(i) }(i)
	}
	sum := 0
	for i := 0; i < 50; i++ {
		sum += <-done
	}
	fmt.Println(sum)
}
