// A function that is called all the time, and one that is called now and then.
package main

import "fmt"

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

func main() {
	sum := 0
	for i := 0; i < 300; i++ {
		sum += cold(i)
	}
	fmt.Println(sum)
}
