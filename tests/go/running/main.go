// A program that runs for as long as its input is open. What it does is decided line by line, so that a test
// knows how often each function was called while it was watched.
//
//	running THREADS GOROUTINES
//
// THREADS goroutines, each with a thread of its own, sit in a system call; GOROUTINES others compute all the
// time in functions that a test patches, and check what these give.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

type point struct {
	name string
	x, y int
}

//go:noinline
func called(n int, s string) (int, error) {
	if n < 0 {
		return 0, fmt.Errorf("negative: %d", n)
	}
	return n + len(s), nil
}

// Small functions with short exits: wherever a thread stands, it is often inside a window.
//
//go:noinline
func mix(a, b uint64) uint64 {
	a ^= b << 7
	a += b>>9 | 1
	return a ^ a>>3
}

//go:noinline
func move(p *point, by int) int {
	p.x += by
	p.y -= by
	return p.x + p.y
}

//go:noinline
func fold(p *point, n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += move(p, i)
	}
	return sum
}

//go:noinline
func grow(n int, pad [64]byte) int {
	if n == 0 {
		return int(pad[0])
	}
	pad[n%64]++
	return grow(n-1, pad) + 1
}

var rounds, wrong int64

func compute() {
	p := &point{"p", 3, 4}
	var h uint64
	for i := 0; ; i++ {
		before := h
		h = mix(h, uint64(i))
		a := before ^ uint64(i)<<7
		a += uint64(i)>>9 | 1
		if h != a^a>>3 {
			atomic.AddInt64(&wrong, 1)
		}
		if fold(p, 10) != 70 {
			atomic.AddInt64(&wrong, 1)
		}
		if i%64 == 0 {
			done := make(chan int)
			go func() { done <- grow(40, [64]byte{}) }()
			if <-done != 40 {
				atomic.AddInt64(&wrong, 1)
			}
		}
		atomic.AddInt64(&rounds, 1)
	}
}

func block(up *sync.WaitGroup) {
	runtime.LockOSThread()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	up.Done()
	var b [1]byte
	for {
		if _, err := syscall.Read(fds[0], b[:]); err != nil {
			atomic.AddInt64(&wrong, 1) // a read is made again by the kernel, so nobody sees EINTR
		}
	}
}

// A thread waits in the kernel, where nothing but its end can stop it, for as many seconds as a child lives: as a
// parent of vfork does.
func stuck(seconds int) uintptr {
	in := make(chan uintptr)
	wait := syscall.Timespec{Sec: int64(seconds)}
	go func() {
		runtime.LockOSThread()
		in <- uintptr(syscall.Gettid())
		runtime.Gosched() // it is told before our P is held
		// Raw: the child has no other threads, and would wait for one on its way out of Go's system call.
		pid, _, _ := syscall.RawSyscall6(syscall.SYS_CLONE, syscall.CLONE_VFORK|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		if pid == 0 {
			syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&wait)), 0, 0)
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		syscall.Wait4(int(pid), nil, 0, nil)
	}()
	return <-in
}

// Each call on a thread of its own, which ends with it.
func come(n int) {
	for i := 0; i < n; i++ {
		done := make(chan int)
		go func() {
			runtime.LockOSThread()
			n, _ := called(1, "four")
			done <- n
		}()
		if <-done != 5 {
			atomic.AddInt64(&wrong, 1)
		}
	}
}

//go:noinline
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	var up sync.WaitGroup
	threads := number(os.Args[1])
	up.Add(threads)
	for i := 0; i < threads; i++ {
		go block(&up)
	}
	up.Wait()
	for i := 0; i < number(os.Args[2]); i++ {
		go compute()
	}
	fmt.Println("ready", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		line := in.Text()
		switch {
		case line == "rounds":
			fmt.Println(atomic.LoadInt64(&rounds), atomic.LoadInt64(&wrong))
		case strings.HasPrefix(line, "exec "):
			args := strings.Fields(line)[1:]
			panic(syscall.Exec(args[0], args, os.Environ()))
		case line == "ignore":
			signal.Ignore(syscall.SIGURG)
			fmt.Println("ignored")
		case strings.HasPrefix(line, "stuck "):
			fmt.Println("stuck", stuck(number(strings.Fields(line)[1])))
		case strings.HasPrefix(line, "threads "):
			come(number(strings.Fields(line)[1]))
			fmt.Println("ended")
		default:
			sum := 0
			for i := 0; i < number(line); i++ {
				n, _ := called(i-1, "four")
				sum += n
			}
			fmt.Println("called", line, sum)
		}
	}
	if w := atomic.LoadInt64(&wrong); w != 0 {
		fmt.Println("wrong", w)
		os.Exit(1)
	}
}
