//go:build cgoseed
// +build cgoseed

package main

/*
#include <stdint.h>

extern int64_t goBack(int64_t n, char *text);

static __thread int64_t depth;

static int64_t c_calls(int64_t n)
{
	depth++;
	return n == 0 ? depth : goBack(n, "from C");
}
*/
import "C"

import (
	"sync"

	"seed/expect"
)

//export goBack
func goBack(n C.int64_t, text *C.char) C.int64_t {
	expect.Hit("main.goBack")
	return intoC(n-1) + calledBack(int(n), C.GoString(text))
}

//go:noinline
func calledBack(n int, text string) C.int64_t {
	expect.Hit("main.calledBack")
	return C.int64_t(n + len(text))
}

//go:noinline
func intoC(n C.int64_t) C.int64_t {
	expect.Hit("main.intoC")
	return C.c_calls(n)
}

func cgoCalls() {
	var wait sync.WaitGroup
	for i := 0; i < 20; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for j := 0; j < 10; j++ {
				intoC(C.int64_t(j % 5))
			}
		}()
	}
	wait.Wait()
}
