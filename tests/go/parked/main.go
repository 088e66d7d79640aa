// parked: goroutines that wait for everything one can wait for, each in a function of its own whose
// arguments are known; and as many more in one place as it is told.
//
// It says "ready PID" and where its locks and channels lie; "echo" answers on stdin. "die" ends
// it by an abort with a core.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type user struct {
	ID   int
	Name string
}

var (
	mu    sync.Mutex
	rw    sync.RWMutex
	wg    sync.WaitGroup
	cond  = sync.NewCond(new(sync.Mutex))
	empty = make(chan user)
	full  = make(chan int, 2)
	never = make(chan bool)
	sink  uint64
)

//go:noinline
func receives(u *user, n int) {
	v := <-empty
	fmt.Println(u.Name, n, v)
}

//go:noinline
func sends(s string, b []byte) {
	full <- len(s)
	fmt.Println(s, b)
}

//go:noinline
func selects(n int) {
	select {
	case <-never:
	case full <- n:
	}
	fmt.Println(n)
}

//go:noinline
func locks(name string) {
	mu.Lock()
	defer mu.Unlock()
	fmt.Println(name)
}

//go:noinline
func readLocks(name string) {
	rw.RLock()
	defer rw.RUnlock()
	fmt.Println(name)
}

//go:noinline
func waits(n int) {
	wg.Wait()
	fmt.Println(n)
}

//go:noinline
func waitsForCond(n int) {
	cond.L.Lock()
	cond.Wait()
	cond.L.Unlock()
	fmt.Println(n)
}

//go:noinline
func sleeps(d time.Duration) {
	time.Sleep(d)
	fmt.Println(d)
}

//go:noinline
func reads(fd int) {
	var b [1]byte
	n, err := syscall.Read(fd, b[:])
	fmt.Println(n, err)
}

//go:noinline
func accepts(l net.Listener) {
	c, err := l.Accept()
	fmt.Println(c, err)
}

//go:noinline
func spins(n uint64) {
	for x := n; ; x = x*6364136223846793005 + 1 {
		if x == 0 {
			sink++
		}
	}
}

//go:noinline
func deep(n int) {
	if n == 0 {
		<-never
	} else {
		deep(n - 1)
	}
	sink++
}

//go:noinline
func one(i int, from string) {
	<-never
	fmt.Println(i, from)
}

func start(n int) {
	u := &user{7, "gopher"}
	go receives(u, 42)
	go sends("hello", []byte{1, 2, 3})
	go selects(9)
	go locks("mutex")
	go readLocks("rwmutex")
	go waits(5)
	go waitsForCond(6)
	go sleeps(time.Hour)
	go deep(10)
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		panic(err)
	}
	go reads(p[0])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go accepts(l)
	go spins(3)
	for i := 0; i < n; i++ {
		go one(i, "start")
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	mu.Lock()
	rw.Lock()
	wg.Add(3)
	full <- 1
	full <- 2
	start(n)
	for runtime.NumGoroutine() < n+13 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	fmt.Printf("ready %d mu %p rw %p wg %p cond %p empty %p full %p never %p\n", os.Getpid(), &mu, &rw, &wg, cond, empty, full, never)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "die" {
			syscall.Kill(os.Getpid(), syscall.SIGABRT)
			select {}
		}
		fmt.Println(in.Text())
	}
	os.Exit(0)
}
