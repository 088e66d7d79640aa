package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

type node struct{ next *node }

func (n *node) String() string { return fmt.Sprintf("node %v", n) }

func init() {
	add(
		death{"asleep-channel", "deadlock", "main.asleepChannel", asleepChannel},
		death{"asleep-nil-channel", "deadlock", "main.asleepNilChannel", asleepNilChannel},
		death{"asleep-select", "deadlock", "main.asleepSelect", asleepSelect},
		death{"asleep-waitgroup", "deadlock", "main.asleepWaitGroup", asleepWaitGroup},
		death{"asleep-lock-twice", "deadlock", "main.lockTwice", lockTwice},
		death{"asleep-two-locks", "deadlock", "*", twoLocks},
		death{"hung-two-locks", "deadlock", "main.lockBoth", func() {
			go twoLocks()
			time.Sleep(100 * time.Millisecond)
			os.Stdout.WriteString("ready\n")
			time.Sleep(time.Minute)
		}},
		death{"overflow", "stack_overflow", "main.overflow", small(func() { overflow(1) })},
		death{"overflow-two", "stack_overflow", "*", small(func() { ping(1) })},
		death{"overflow-string", "stack_overflow", "*", small(func() { sink = (&node{}).String() })},
		death{"maps-written", "concurrent_map", "*", mapsWritten},
		death{"maps-read", "concurrent_map", "*", mapsRead},
		death{"maps-ranged", "concurrent_map", "*", mapsRanged},
		death{"memory", "out_of_memory", "main.memory", func() { memory(1 << 45) }},
		death{"threads", "threads_exhausted", "*", threads},
	)
}

// The usual limit takes ten seconds to reach.
func small(f func()) func() {
	return func() {
		debug.SetMaxStack(4 << 20)
		f()
	}
}

//go:noinline
func asleepChannel() { <-make(chan int) }

//go:noinline
func asleepNilChannel() {
	var c chan int
	c <- 1
}

//go:noinline
func asleepSelect() { select {} }

//go:noinline
func asleepWaitGroup() {
	var wg sync.WaitGroup
	wg.Add(1)
	wg.Wait()
}

var first, second sync.Mutex

//go:noinline
func lockTwice() {
	first.Lock()
	first.Lock()
}

//go:noinline
func lockBoth(a, b *sync.Mutex, mine, other chan bool) {
	a.Lock()
	close(mine)
	<-other
	b.Lock()
	b.Unlock()
	a.Unlock()
}

//go:noinline
func twoLocks() {
	x, y := make(chan bool), make(chan bool)
	go lockBoth(&first, &second, x, y)
	lockBoth(&second, &first, y, x)
}

//go:noinline
func overflow(n int) int { return overflow(n+1) + 1 }

//go:noinline
func ping(n int) int { return pong(n+1) + 1 }

//go:noinline
func pong(n int) int { return ping(n+2) - 1 }

//go:noinline
func writes(m map[int]int) {
	for i := 0; ; i++ {
		m[i%100] = i
	}
}

//go:noinline
func mapsWritten() {
	m := map[int]int{}
	go writes(m)
	writes(m)
}

//go:noinline
func mapsRead() {
	m := map[int]int{}
	go writes(m)
	for i := 0; ; i++ {
		length += m[i%100]
	}
}

//go:noinline
func mapsRanged() {
	m := map[int]int{}
	go writes(m)
	for {
		for k := range m {
			length += k
		}
	}
}

//go:noinline
func memory(n int) { sink = make([]byte, n) }

func threads() {
	debug.SetMaxThreads(12)
	for i := 0; i < 30; i++ {
		go func() {
			var p [2]int
			var b [1]byte
			if err := syscall.Pipe(p[:]); err == nil {
				length, _ = syscall.Read(p[0], b[:])
			}
		}()
	}
	time.Sleep(time.Minute)
	os.Exit(4)
}
