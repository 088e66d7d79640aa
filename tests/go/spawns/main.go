// spawns makes goroutines in every way there is, and writes of each of its own to the file that is named: its number,
// that of who made it, and the line that did.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var (
	lock sync.Mutex
	out  *bufio.Writer
	done sync.WaitGroup
)

func goid() int {
	var text [64]byte
	words := bytes.Fields(text[:runtime.Stack(text[:], false)])
	id, err := strconv.Atoi(string(words[1]))
	if err != nil {
		panic(err)
	}
	return id
}

func line() int {
	_, _, line, _ := runtime.Caller(1)
	return line
}

func born(parent, line int) {
	lock.Lock()
	fmt.Fprintln(out, goid(), parent, line)
	lock.Unlock()
}

//go:noinline
func child(n, parent, at int) {
	defer done.Done()
	born(parent, at)
	switch n % 4 {
	case 1:
		runtime.Goexit()
	case 2:
		defer func() { recover() }()
		panic(n)
	}
}

// A tree: each makes four more.
func tree(depth, parent, at int) {
	defer done.Done()
	born(parent, at)
	for i := 0; i < 4 && depth > 0; i++ {
		done.Add(1)
		go tree(depth-1, goid(), line())
	}
}

func main() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	out = bufio.NewWriter(f)
	before := runtime.NumGoroutine()
	for i := 0; i < 10000; i++ {
		done.Add(1)
		go child(i, goid(), line())
	}
	done.Add(1)
	go tree(4, goid(), line())
	for i := 0; i < 8; i++ {
		done.Add(1)
		go func(parent int) {
			defer done.Done()
			runtime.LockOSThread() // its thread ends with it
			born(parent, 0)
		}(goid())
	}
	pulls()
	done.Wait()
	for runtime.NumGoroutine() > before { // they have said Done, but not ended
		time.Sleep(time.Millisecond)
	}
	out.Flush()
}
