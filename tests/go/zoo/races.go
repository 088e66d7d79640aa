package main

import "runtime"

// What the race detector tells of: the program may live.

type record struct {
	number int
	words  map[string]int
}

var shared = &record{words: map[string]int{}}

func init() {
	add(
		death{"race-word", "data_race", "main.putNumber", func() {
			unordered(func() { putNumber(shared) })
			sink = getNumber(shared)
		}},
		death{"race-map", "data_race", "main.putWord", func() {
			unordered(func() { putWord(shared) })
			sink = getWord(shared)
		}},
		death{"race-and-panic", "panic", "main.dieOfIt", func() {
			unordered(func() { putNumber(shared) })
			dieOfIt(getNumber(shared))
		}},
	)
}

// unordered has another goroutine do it, and comes back when that has ended: nothing says so to the detector.
func unordered(do func()) {
	before := runtime.NumGoroutine()
	go do()
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

//go:noinline
func putNumber(p *record) { p.number = 7 }

//go:noinline
func getNumber(p *record) int { return p.number }

//go:noinline
func putWord(p *record) { p.words["a"] = 1 }

//go:noinline
func getWord(p *record) int { return p.words["a"] }

//go:noinline
func dieOfIt(n int) { panic(n) }
