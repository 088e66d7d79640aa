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
		death{"asleep-fields", "deadlock", "main.(*account).transfer", transfers},
		death{"asleep-lock-channel", "deadlock", "*", lockChannel},
		death{"asleep-pool", "deadlock", "main.pool", pool},
		death{"asleep-readers", "deadlock", "*", readers},
		death{"hung-lock-channel", "deadlock", "*", func() {
			go lockChannel()
			time.Sleep(100 * time.Millisecond)
			os.Stdout.WriteString("ready\n")
			time.Sleep(time.Minute)
		}},
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

type account struct {
	name string
	lock sync.Mutex
	sum  int
}

//go:noinline
func (a *account) transfer(b *account, mine, other chan bool) {
	a.lock.Lock()
	close(mine)
	<-other
	b.lock.Lock()
	a.sum, b.sum = a.sum-1, b.sum+1
	b.lock.Unlock()
	a.lock.Unlock()
}

//go:noinline
func transfers() {
	a, b := &account{name: "a"}, &account{name: "b"}
	x, y := make(chan bool), make(chan bool)
	go a.transfer(b, x, y)
	b.transfer(a, y, x)
}

//go:noinline
func produce(lock *sync.Mutex, to chan int, locked chan bool) {
	lock.Lock()
	defer lock.Unlock()
	close(locked)
	to <- 1
}

//go:noinline
func consume(lock *sync.Mutex, from chan int, locked chan bool) {
	<-locked
	lock.Lock()
	defer lock.Unlock()
	length = <-from
}

//go:noinline
func lockChannel() {
	lock, c, locked := new(sync.Mutex), make(chan int), make(chan bool)
	go produce(lock, c, locked)
	consume(lock, c, locked)
}

// It waits for workers before it tells them that there is no more work.
//
//go:noinline
func pool() {
	var wg sync.WaitGroup
	jobs := make(chan int)
	for i := 0; i < 2; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range jobs {
				length += n
			}
		}()
	}
	jobs <- 1
	wg.Wait()
	close(jobs)
}

// Who reads already can't begin to read again once a writer waits.
//
//go:noinline
func readers() {
	var lock sync.RWMutex
	lock.RLock()
	go func() {
		lock.Lock()
		lock.Unlock()
	}()
	time.Sleep(50 * time.Millisecond)
	lock.RLock()
}

//go:noinline
func overflow(n int) int { return overflow(n+1) + n }

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
