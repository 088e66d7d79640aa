//go:build cgoseed

package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>

static int times(int n, int (*f)(int)) { int sum = 0; while (n--) sum += f(n); return sum; }
int called_back(int);
static int call_back(int n) { return times(n, called_back); }
static void *in_thread(void *unused) { (void)unused; called_back(9); return 0; }
static void call_back_in_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, 0, in_thread, 0);
	pthread_join(thread, 0);
}
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
func callsBack() {
	C.call_back(4)
	C.call_back_in_thread() // nothing of Go called it
}
