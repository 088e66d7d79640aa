package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"seed/expect"
)

// Frames that end without a return, and results that a deferred function sets.

//go:noinline
func thrower(n int) int {
	expect.Hit("main.thrower")
	if n == 0 {
		panic(errors.New("thrown"))
	}
	return passes(n-1) + 1
}

//go:noinline
func passes(n int) int {
	expect.Hit("main.passes")
	return thrower(n) + 1
}

//go:noinline
func catcher(n int) (text string, err error) {
	expect.Hit("main.catcher")
	defer func() {
		expect.Hit("main.catcher.func1")
		if r := recover(); r != nil {
			text, err = "caught", r.(error)
		}
	}()
	return fmt.Sprint(passes(n)), nil
}

//go:noinline
func divides(a, b int) (q int, err error) {
	expect.Hit("main.divides")
	defer func() {
		expect.Hit("main.divides.func1")
		if r := recover(); r != nil {
			err = r.(error)
		}
	}()
	return quotient(a, b), nil
}

//go:noinline
func quotient(a, b int) int {
	expect.Hit("main.quotient")
	return a / b
}

//go:noinline
func dereferences(p *user) (id int) {
	expect.Hit("main.dereferences")
	defer func() {
		expect.Hit("main.dereferences.func1")
		if recover() != nil {
			id = -1
		}
	}()
	return loads(p)
}

//go:noinline
func loads(p *user) int {
	expect.Hit("main.loads")
	return p.ID
}

// The first thing it does is to fault: the instruction may well be one that was moved.
//
//go:noinline
func bareLoad(p *user) int { return p.ID }

//go:noinline
func catchesBare(p *user) (id int) {
	expect.Hit("main.catchesBare")
	defer func() {
		expect.Hit("main.catchesBare.func1")
		if recover() != nil {
			id = -1
		}
	}()
	expect.Hit("main.bareLoad")
	return bareLoad(p)
}

// A panic in a deferred function, while another one is under way.
//
//go:noinline
func nested() (text string) {
	expect.Hit("main.nested")
	defer func() {
		expect.Hit("main.nested.func1")
		text = fmt.Sprint(recover())
	}()
	nestedInner()
	return "not reached"
}

//go:noinline
func nestedInner() {
	expect.Hit("main.nestedInner")
	defer func() {
		expect.Hit("main.nestedInner.func1")
		panic("second")
	}()
	panic("first")
}

// Recovered, and thrown again.
//
//go:noinline
func rethrows() {
	expect.Hit("main.rethrows")
	defer func() {
		expect.Hit("main.rethrows.func1")
		if r := recover(); r != nil {
			panic(fmt.Sprint("again: ", r))
		}
	}()
	thrower(0)
}

//go:noinline
func catchesRethrown() (text string) {
	expect.Hit("main.catchesRethrown")
	defer func() {
		expect.Hit("main.catchesRethrown.func1")
		text = fmt.Sprint(recover())
	}()
	rethrows()
	return "not reached"
}

// After recovery the caller goes on calling at the same depths.
//
//go:noinline
func afterwards(n int) int {
	expect.Hit("main.afterwards")
	if n == 0 {
		return 0
	}
	catcher(n % 3)
	return afterwards(n-1) + 1
}

//go:noinline
func leaves(n int, done *sync.WaitGroup) {
	expect.Hit("main.leaves")
	if n == 0 {
		runtime.Goexit()
	}
	leaves(n-1, done)
}

//go:noinline
func leavesDeferring(done *sync.WaitGroup) {
	expect.Hit("main.leavesDeferring")
	defer done.Done()
	defer tidies(3)
	leaves(2, done)
}

//go:noinline
func tidies(n int) int {
	expect.Hit("main.tidies")
	return n * 2
}

// A panic recovered while deferred functions run because of Goexit.
//
//go:noinline
func leavesAndPanics(done *sync.WaitGroup) {
	expect.Hit("main.leavesAndPanics")
	defer done.Done()
	defer func() {
		expect.Hit("main.leavesAndPanics.func1")
		catcher(1)
	}()
	runtime.Goexit()
}

func panics() {
	const times = 20
	for i := 0; i < times; i++ {
		// thrower(n) calls passes(n-1), and so down to thrower(0): n+1 each, none of which returns.
		n := i % 4
		catcher(n)
		expect.Ends("main.catcher", "recovered", 1)
		expect.Ends("main.thrower", "panic", int64(n)+1)
		expect.Ends("main.passes", "panic", int64(n)+1)

		divides(i, i%2)
		if i%2 == 0 {
			expect.Ends("main.divides", "recovered", 1)
			expect.Ends("main.quotient", "panic", 1)
		}

		dereferences(nil)
		dereferences(theUser)
		expect.Ends("main.dereferences", "recovered", 1)
		expect.Ends("main.loads", "panic", 1)
		catchesBare(nil)
		catchesBare(theUser)
		expect.Ends("main.catchesBare", "recovered", 1)
		expect.Ends("main.bareLoad", "panic", 1)

		nested()
		expect.Ends("main.nested", "recovered", 1)
		expect.Ends("main.nestedInner", "panic", 1)
		expect.Ends("main.nestedInner.func1", "panic", 1)

		catchesRethrown()
		expect.Ends("main.catchesRethrown", "recovered", 1)
		expect.Ends("main.rethrows", "panic", 1)
		expect.Ends("main.rethrows.func1", "panic", 1)
		expect.Ends("main.thrower", "panic", 1)
	}
	afterwards(10)
	for i := 1; i <= 10; i++ {
		threw := int64(i%3) + 1
		expect.Ends("main.catcher", "recovered", 1)
		expect.Ends("main.thrower", "panic", threw)
		expect.Ends("main.passes", "panic", threw)
	}

	var done sync.WaitGroup
	for i := 0; i < times; i++ {
		done.Add(2)
		go leavesDeferring(&done)
		go leavesAndPanics(&done)
	}
	done.Wait()
	expect.Ends("main.leavesDeferring", "goexit", times)
	expect.Ends("main.leaves", "goexit", 3*times)
	expect.Ends("main.leavesAndPanics", "goexit", times)
	expect.Ends("main.catcher", "recovered", times)
	expect.Ends("main.thrower", "panic", 2*times)
	expect.Ends("main.passes", "panic", 2*times)
}

// The program dies of it.
//
//go:noinline
func fatal(n int) {
	expect.Hit("main.fatal")
	if n == 0 {
		expect.Ends("main.fatal", "unfinished", 4)
		expect.Ends("main.main", "unfinished", 1)
		expect.Write()
		fmt.Fprintln(os.Stderr, "seed: dying now")
		panic("nobody recovers this")
	}
	fatal(n - 1)
}
