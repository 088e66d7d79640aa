// loop measures what a call of main.target costs, traced or not: bursts of calls that fit into a ring,
// each timed by itself, with pauses in which a reader can catch up. It prints the median burst, in
// nanoseconds for each call.
//
//	loop BURSTS CALLS PAUSE [THREADS]
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync/atomic"
	"time"
)

var sink int64

//go:noinline
func target(n int, name string) int { return n + len(name) }

// The loop itself, around a call that is never traced: what is left is the call of target.
//
//go:noinline
func empty(n int, name string) int { return n + len(name) }

func burst(calls int, f func(int, string) int) float64 {
	sum := 0
	start := time.Now()
	for i := 0; i < calls; i++ {
		sum += f(i, "some name or other")
	}
	d := time.Since(start)
	atomic.AddInt64(&sink, int64(sum))
	return float64(d.Nanoseconds()) / float64(calls)
}

func number(i, or int) int {
	if i >= len(os.Args) {
		return or
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	bursts, calls, threads := number(1, 50), number(2, 20000), number(4, 1)
	pause, err := time.ParseDuration(os.Args[3])
	if err != nil {
		panic(err)
	}
	// One thread for each worker from beginning to end, so that each keeps its ring.
	start, took := make([]chan struct{}, threads), make(chan float64, threads)
	for t := range start {
		start[t] = make(chan struct{})
		go func(start chan struct{}) {
			runtime.LockOSThread()
			for range start {
				took <- burst(calls, target)
			}
		}(start[t])
	}
	burst(calls, empty)
	var all, bare []float64
	for b := 0; b < bursts; b++ {
		bare = append(bare, burst(calls, empty))
		for _, s := range start {
			s <- struct{}{}
		}
		for range start {
			all = append(all, <-took)
		}
		time.Sleep(pause)
	}
	sort.Float64s(all)
	sort.Float64s(bare)
	fmt.Printf("%.2f %.2f\n", all[len(all)/2], bare[len(bare)/2])
}
