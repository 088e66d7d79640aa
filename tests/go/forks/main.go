// forks forks by itself, as a C library might: parent and child both go on running Go code. The child
// shares the parent's memory mappings of MAP_SHARED, and the same goroutine runs on in both.
package main

/*
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int fork_here(void) { return fork(); }
static int wait_for(int pid) { int status; waitpid(pid, &status, 0); return WIFEXITED(status) ? WEXITSTATUS(status) : 255; }
static void leave(int status) { _exit(status); }
*/
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

//go:noinline
func work(i int) int { return i*2654435761 ^ i>>7 }

//go:noinline
func worked(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += work(i)
	}
	return sum
}

func main() {
	debug.SetGCPercent(-1) // the child has no other threads
	// Nor has it one that would give back a P: leave some idle, whatever sysmon does during the fork.
	runtime.GOMAXPROCS(16)
	runtime.LockOSThread()
	want := worked(1000)
	pid := C.fork_here()
	if pid == 0 {
		for i := 0; i < 50; i++ {
			if worked(1000) != want {
				C.leave(1)
			}
		}
		C.leave(42)
	}
	for i := 0; i < 20; i++ {
		if worked(1000) != want {
			panic("a wrong sum")
		}
	}
	fmt.Println("child", C.wait_for(pid))
}
