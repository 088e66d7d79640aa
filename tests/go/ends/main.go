// ends has a function for each way in which calls end. Its argument says which one to run.
package main

import (
	"os"
	"runtime"
	"sync"
	"syscall"
)

var wait sync.WaitGroup

//go:noinline
func throws(n int) int { panic(n) }

//go:noinline
func fine(n int) int { return n + 1 }

//go:noinline
func catches() { recover() }

//go:noinline
func recovers() int {
	defer catches()
	return fine(throws(1))
}

// What comes after the recovery lies deeper than what the panic has ended.
//
//go:noinline
func goesOn() int { return recovers() + farther(1) }

//go:noinline
func farther(n int) int {
	var room [1024]byte
	room[n] = 1
	return fine(int(room[n-1]))
}

//go:noinline
func dies() int { return fine(throws(1)) }

// Each level recovers what the one below throws, and throws again.
//
//go:noinline
func again(n int) int {
	defer rethrows(n)
	if n == 0 {
		throws(0)
	}
	return again(n - 1)
}

//go:noinline
func rethrows(n int) {
	if r := recover(); r != nil && n < 2 {
		throws(n + 1)
	}
}

// A deferred function throws something of its own and recovers that alone.
//
//go:noinline
func keepsTheFirst() (got interface{}) {
	defer func() { got = recover() }()
	throwsWithCare()
	return
}

//go:noinline
func throwsWithCare() {
	defer caresBadly()
	throws(1)
}

//go:noinline
func caresBadly() { recovers() }

// A second panic takes the place of the first.
//
//go:noinline
func replaces() (got interface{}) {
	defer func() { got = recover() }()
	throwsTwice()
	return
}

//go:noinline
func throwsTwice() {
	defer throwsInDefer()
	throws(1)
}

//go:noinline
func throwsInDefer() { throws(2) }

//go:noinline
func leaves() { runtime.Goexit() }

//go:noinline
func leavesLate() {
	defer leaves()
	fine(1)
}

// Goexit puts an end to the panic, and is what ends all calls from there on.
//
//go:noinline
func leavesPanicking() {
	defer leaves()
	throws(1)
}

// A deferred function of a goroutine that leaves recovers from a panic of its own, and one leaves again.
//
//go:noinline
func leavesTwice() {
	defer leaves()
	defer recovers()
	leaves()
}

//go:noinline
func exits(n int) int {
	if n == 0 {
		os.Exit(3)
	}
	return exits(n-1) + 1
}

//go:noinline
func exitsInDefer() {
	defer exits(0)
	throws(1)
}

//go:noinline
func isKilled(n int) int {
	if n == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return isKilled(n-1) + 1
}

//go:noinline
func blocks(ready chan<- bool) {
	ready <- true
	select {}
}

//go:noinline
func overflows(n int) int { return overflows(n+1) + 1 }

//go:noinline
func goes(f func()) {
	wait.Add(1)
	go starts(f)
	wait.Wait()
}

//go:noinline
func starts(f func()) {
	defer wait.Done()
	f()
}

func main() {
	switch os.Args[1] {
	case "recovers":
		recovers()
	case "goesOn":
		goesOn()
	case "dies":
		dies()
	case "dies-beside":
		ready := make(chan bool)
		go blocks(ready)
		<-ready
		dies()
	case "again":
		again(2)
	case "keepsTheFirst":
		if keepsTheFirst() != 1 {
			os.Exit(1)
		}
	case "replaces":
		if replaces() != 2 {
			os.Exit(1)
		}
	case "leaves":
		goes(leaves)
	case "leavesLate":
		goes(leavesLate)
	case "leavesPanicking":
		goes(leavesPanicking)
	case "leavesTwice":
		goes(leavesTwice)
	case "mainLeaves":
		leaves()
	case "exits":
		exits(2)
	case "exitsInDefer":
		exitsInDefer()
	case "exitsBeside":
		ready := make(chan bool)
		go blocks(ready)
		<-ready
		exits(0)
	case "isKilled":
		isKilled(2)
	case "deadlocks":
		select {}
	case "overflows":
		overflows(0)
	}
}
