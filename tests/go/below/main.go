// below is a program whose runtime a tool has changed (tests/overlay.py): it calls package tool in a system call, in
// the monitor and in the signal handler. A tag says what the tool does wrong there:
//
//	splits     its code in the system call has a stack check
//	stores     its code in the monitor stores a pointer
//	allocates  its code in the signal handler allocates
//	locks      ... stops a timer
//	careful    nothing
package main

import (
	"fmt"
	"syscall"
	"time"

	"below/tool"
)

func main() {
	tool.Begin()
	syscall.Kill(syscall.Getpid(), syscall.SIGURG)
	time.Sleep(time.Millisecond)
	fmt.Println("served")
}
