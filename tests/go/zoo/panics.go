package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
)

type custom struct{ code int }

func (c custom) Error() string { return fmt.Sprintf("custom %d", c.code) }

func init() {
	add(
		death{"index", "runtime_error", "main.index", func() { index([]int{1, 2}, 5) }},
		death{"bounds", "runtime_error", "main.bounds", func() { bounds("short", 9) }},
		death{"divide", "runtime_error", "main.divide", func() { divide(0) }},
		death{"make-negative", "runtime_error", "main.makeSlice", func() { makeSlice(-1) }},
		death{"uncomparable", "runtime_error", "main.compare", func() { compare([]int{1}, []int{1}) }},
		death{"unhashable", "runtime_error", "main.hash", func() { hash([]int{1}) }},
		death{"assertion", "interface_conversion", "main.assertion", func() { assertion("text") }},
		death{"assertion-nil", "interface_conversion", "main.assertion", func() { assertion(nil) }},
		death{"assertion-method", "interface_conversion", "main.assertionMethod", func() { assertionMethod(7) }},
		death{"panic-text", "panic", "main.panicText", panicText},
		death{"panic-error", "panic", "main.panicError", panicError},
		death{"panic-custom", "panic", "main.panicCustom", panicCustom},
		death{"panic-in-panic", "panic", "main.panicInPanic", panicInPanic},
		death{"panic-goroutine", "panic", "main.panicText", func() { go starts(); time.Sleep(time.Minute) }},
		death{"panic-first-thread-gone", "panic", "main.panicText", firstThreadGone},
		death{"panic-labels", "panic", "main.panicText", panicLabels},
		death{"nil-map", "panic", "main.nilMap", func() { nilMap(nil) }},
		death{"close-closed", "panic", "main.closeTwice", closeTwice},
		death{"send-closed", "panic", "main.sendClosed", sendClosed},
		death{"negative-waitgroup", "panic", "main.negative", negative},
		death{"unlock", "sync_misuse", "main.unlock", unlock},
		death{"runlock", "sync_misuse", "main.runlock", runlock},
		death{"goexit", "main_goexit", "-", runtime.Goexit},
	)
}

//go:noinline
func index(s []int, i int) { length = s[i] }

//go:noinline
func bounds(s string, i int) { length = len(s[i:]) }

//go:noinline
func divide(n int) { length = 7 / n }

//go:noinline
func makeSlice(n int) { sink = make([]int, n) }

//go:noinline
func compare(a, b interface{}) { sink = a == b }

//go:noinline
func hash(k interface{}) { sink = map[interface{}]int{k: 1} }

//go:noinline
func assertion(v interface{}) { length = v.(int) }

//go:noinline
func assertionMethod(v interface{}) { sink = v.(error) }

//go:noinline
func panicText() { panic("boom") }

//go:noinline
func starts() {
	go panicText()
	time.Sleep(time.Minute)
}

// The thread that the process began with ends, and the process goes on.
func firstThreadGone() {
	go func() {
		for state := ""; !strings.Contains(state, ") Z "); time.Sleep(time.Millisecond) {
			text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", os.Getpid()))
			if err != nil {
				panic(err)
			}
			state = string(text)
		}
		panicText()
	}()
	for runtime.LockOSThread(); syscall.Gettid() != os.Getpid(); runtime.LockOSThread() {
		runtime.UnlockOSThread()
		time.Sleep(time.Millisecond)
	}
	syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
}

// From Go 1.26 on labels may stand where the goroutine is told of.
func panicLabels() {
	labels := pprof.Labels("tenant", "acme", "a [b]: c", "d {e}: f")
	pprof.Do(context.Background(), labels, func(context.Context) { go starts() })
	time.Sleep(time.Minute)
}

//go:noinline
func panicError() { panic(errors.New("an error")) }

//go:noinline
func panicCustom() { panic(custom{7}) }

//go:noinline
func panicInPanic() {
	defer func() { panic("second") }()
	panic("first")
}

//go:noinline
func nilMap(m map[string]int) { m["x"] = 1 }

//go:noinline
func closeTwice() {
	c := make(chan int)
	close(c)
	close(c)
}

//go:noinline
func sendClosed() {
	c := make(chan int, 1)
	close(c)
	c <- 1
}

//go:noinline
func negative() {
	var wg sync.WaitGroup
	wg.Done()
}

//go:noinline
func unlock() {
	var mu sync.Mutex
	mu.Unlock()
}

//go:noinline
func runlock() {
	var mu sync.RWMutex
	mu.RUnlock()
}
