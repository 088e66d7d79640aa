// Panics that are recovered: and logged, while the program goes on and perhaps ends of something else, or made anew.
package main

import (
	"fmt"
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

type pair struct{ a, b int }

//go:noinline
func second(p *pair) int { return p.b }

// As a transaction does that is rolled back.
//
//go:noinline
func within(f func()) {
	defer func() {
		if r := recover(); r != nil {
			panic(r)
		}
	}()
	f()
}

//go:noinline
func fault() { second(nil) }

//go:noinline
func index(s []int, i int) int { return s[i] }

//go:noinline
func clear(p *pair) { p.a = 0 }

//go:noinline
func serve(p *pair) {
	defer clear(p)
	panic("no port")
}

//go:noinline
func faults(p *pair) {
	defer clear(p)
	second(p)
}

//go:noinline
func wrap() {
	defer func() { panic(fmt.Sprint("wrapped: ", recover())) }()
	real()
}

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
	case "again-fault":
		within(fault)
	case "again-index":
		within(func() { index(nil, len(os.Args)) })
	case "again-text":
		within(real)
	case "again-twice":
		within(func() { within(real) })
	case "chain":
		serve(nil)
	case "chain-faults":
		faults(nil)
	case "chain-wrapped":
		wrap()
	case "real":
		real()
	}
}
