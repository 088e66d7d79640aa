package main

import (
	"fmt"
	"runtime"
	"sync"

	"seed/expect"
)

// Grows the stack of its goroutine again and again: a kilobyte in each of 35 frames.
//
//go:noinline
func deep(n int, sum *int) int {
	expect.Hit("main.deep")
	var frame [128]int
	for i := range frame {
		frame[i] = n + i
	}
	if n > 0 {
		frame[0] = deep(n-1, sum)
	}
	*sum += frame[127]
	return frame[0] + 1
}

//go:noinline
func visit(i int, name string) (square int, back string) {
	expect.Hit("main.visit")
	runtime.Gosched()
	return i * i, name + "'"
}

// Changes the thread in the middle of a call.
//
//go:noinline
func migrates(i int, in <-chan int, out chan<- int) int {
	expect.Hit("main.migrates")
	v := <-in
	runtime.LockOSThread()
	w := visitLocked(v)
	runtime.UnlockOSThread()
	out <- w
	return w + i
}

//go:noinline
func visitLocked(v int) int {
	expect.Hit("main.visitLocked")
	runtime.Gosched()
	return v + 1
}

func goroutines() {
	var wait sync.WaitGroup
	for i := 0; i < 1000; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			sum := 0
			if deep(34, &sum) != 35 {
				panic("deep")
			}
		}(i)
	}
	wait.Wait()

	start := make(chan struct{})
	for i := 0; i < many; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			<-start
			name := fmt.Sprint("goroutine ", i)
			square, back := visit(i, name)
			expect.Add(expect.Call{Func: "main.visit", Goid: expect.Goid(),
				Args:    []expect.Value{expect.Of("i", &i), expect.Of("name", &name)},
				Results: []expect.Value{expect.Of("square", &square), expect.Of("back", &back)}})
		}(i)
	}
	close(start)
	wait.Wait()

	in, out := make(chan int), make(chan int)
	for i := 0; i < 100; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			migrates(i, in, out)
		}(i)
	}
	for i := 0; i < 100; i++ {
		in <- i
		<-out
	}
	wait.Wait()
}
