// Panics that are recovered: and logged, while the program goes on and perhaps ends of something else, or made anew.
package main

import (
	"log"
	"os"
	"os/exec"
	"runtime/debug"
)

//go:noinline
func handle(s []int, i int) int {
	defer func() {
		if r := recover(); r != nil {
			log.Printf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return s[i]
}

//go:noinline
func child() {
	c := exec.Command(os.Args[0], "real")
	c.Stderr = os.Stderr
	_ = c.Run()
}

//go:noinline
func real() { panic("the real one") }

func main() {
	log.Print("starts")
	switch os.Args[1] {
	case "logged":
		handle(nil, 3)
	case "logged-status":
		handle(nil, 3)
		os.Exit(1)
	case "logged-deadlock":
		handle(nil, 3)
		select {}
	case "logged-panic":
		handle(nil, 3)
		real()
	case "child":
		child()
	case "real":
		real()
	}
}
