// forks forks by itself, as a C library might: parent and child both go on running Go code. The child
// shares the parent's memory mappings of MAP_SHARED, and the same goroutine runs on in both.
package main

/*
#include <sys/wait.h>

static int wait_for(int pid) { int status; waitpid(pid, &status, 0); return WIFEXITED(status) ? WEXITSTATUS(status) : 255; }
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"syscall"
)

// The child goes through nothing that takes a lock of the runtime: another thread may have held it at the fork.
func leave(status uintptr) { syscall.RawSyscall(syscall.SYS_EXIT_GROUP, status, 0, 0) }

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
	want := worked(1000)
	pid, _, _ := syscall.RawSyscall(syscall.SYS_FORK, 0, 0, 0)
	if pid == 0 {
		for i := 0; i < 50; i++ {
			if worked(1000) != want {
				leave(1)
			}
		}
		leave(42)
	}
	for i := 0; i < 20; i++ {
		if worked(1000) != want {
			panic("a wrong sum")
		}
	}
	fmt.Println("child", C.wait_for(C.int(pid)))
}
