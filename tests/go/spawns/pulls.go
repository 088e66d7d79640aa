//go:build go1.23

package main

import "iter"

func numbers(parent int) func(func(int) bool) {
	return func(yield func(int) bool) {
		born(parent, 0)
		for i := 0; i < 3 && yield(i); i++ {
		}
	}
}

// Coroutines: made by the runtime, and ended without goexit1.
func pulls() {
	for i := 0; i < 20; i++ {
		next, stop := iter.Pull(numbers(goid()))
		next()
		if i%2 == 0 {
			next()
			next()
			next()
		}
		stop()
	}
}
