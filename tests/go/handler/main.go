// A program whose C part takes SIGSEGV for itself, after the runtime has: whoever faults ends it. It answers each
// line of its input by calling hold with a good, a nil and a wild pointer.
package main

/*
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void on_fault(int sig) { _exit(42); }

static void take(void) {
	struct sigaction act;
	memset(&act, 0, sizeof(act));
	act.sa_handler = on_fault;
	act.sa_flags = SA_ONSTACK;
	sigaction(SIGSEGV, &act, NULL);
}
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"unsafe"
)

type point struct{ x, y int }

//go:noinline
func hold(p *point, name string) bool { return p == nil }

//go:noinline
func wild() *point {
	at := uintptr(0x123456780)
	return *(**point)(unsafe.Pointer(&at))
}

func main() {
	C.take()
	fmt.Println("ready", os.Getpid())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(hold(&point{1, 2}, "good"), hold(nil, "nil"), hold(wild(), "wild"))
	}
}
