//go:build cgoseed

package main

/*
static int times(int n, int (*f)(int)) { int sum = 0; while (n--) sum += f(n); return sum; }
int called_back(int);
static int call_back(int n) { return times(n, called_back); }
*/
import "C"
import "runtime"

//export called_back
func called_back(n C.int) C.int {
	if n == 1 {
		runtime.Gosched() // what was kept of the caller is overwritten
	}
	if n == 2 {
		C.call_back(1)
	}
	return C.int(here(next()))
}

//go:noinline
func callsBack() { C.call_back(4) }
