//go:build go1.23

package main

import "iter"

func three(yield func(int) bool) {
	for i := 0; i < 3; i++ {
		if !yield(i) {
			return
		}
	}
}

func iterates() {
	for range three {
		defer here(next())
		here(next())
	}
	take, stop := iter.Pull(func(yield func(int) bool) { here(next()); yield(1); here(next()) })
	take()
	take()
	stop()
}
