//go:build go1.23
// +build go1.23

package main

import "seed/expect"

//go:noinline
func upTo(n int) func(yield func(int) bool) {
	expect.Hit("main.upTo")
	return func(yield func(int) bool) {
		expect.Hit("main.upTo.func1")
		for i := 0; i < n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

//go:noinline
func ranges(n int) (sum int) {
	expect.Hit("main.ranges")
	for i := range upTo(n) {
		expect.Hit("main.ranges-range1")
		if i == 7 {
			return sum
		}
		sum += i
	}
	return -sum
}

func rangeCounts() {
	for i := 0; i < 12; i++ {
		ranges(i)
	}
}
