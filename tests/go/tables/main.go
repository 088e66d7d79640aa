// Program tables calls its functions as often as it says, and prints what it counted itself.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var counted = map[string]map[string]int{}

//go:noinline
func hit(name, what string) {
	if counted[name] == nil {
		counted[name] = map[string]int{}
	}
	counted[name][what]++
}

type bad struct{ n int }

func (b bad) Error() string { return "bad " + strconv.Itoa(b.n) }

var errPlain = errors.New("plain")

//go:noinline
func check(n int) error {
	hit("main.check", "calls")
	switch {
	case n%10 == 0:
		hit("main.check", "errors")
		return bad{n}
	case n%7 == 0:
		hit("main.check", "errors")
		return errPlain
	}
	return nil
}

//go:noinline
func find(name string, n int) (string, int, error) {
	hit("main.find", "calls")
	if n < 0 {
		hit("main.find", "errors")
		return "", 0, errPlain
	}
	return name, n, nil
}

//go:noinline
func boom(n int) error {
	hit("main.boom", "calls")
	if n%3 == 0 {
		hit("main.boom", "panics")
		panic(n)
	}
	return nil
}

//go:noinline
func safely(n int) (err error) {
	hit("main.safely", "calls")
	defer func() {
		if recover() != nil {
			err = errPlain
			hit("main.safely", "errors")
		}
	}()
	return boom(n)
}

//go:noinline
func fact(n int) int {
	hit("main.fact", "calls")
	if n <= 1 {
		return 1
	}
	return n * fact(n-1)
}

//go:noinline
func nap(d time.Duration) {
	hit("main.nap", "calls")
	time.Sleep(d)
}

//go:noinline
func naps(n int, d time.Duration) {
	hit("main.naps", "calls")
	for i := 0; i < n; i++ {
		nap(d)
	}
}

//go:noinline
func label(kind string, size int) int {
	hit("main.label", kind)
	return len(kind) + size
}

func mix() {
	for i := 1; i <= 200; i++ {
		check(i)
		find("x", i-50)
		safely(i)
	}
	for i := 0; i < 5; i++ {
		fact(20)
	}
	naps(10, 10*time.Millisecond)
	naps(1, 200*time.Millisecond)
	for i := 0; i < 100; i++ {
		label([]string{"tea", "cup", "tea", "towel"}[i%4], 1<<(i%11))
	}
}

// many has more different values than a table has lines.
func many() {
	for i := 0; i < 25000; i++ {
		label("k"+strconv.Itoa(i), i)
	}
	counted["main.label"] = map[string]int{"calls": 25000}
}

//go:noinline
func tick(n uint64) uint64 { return n*6364136223846793005 + 1442695040888963407 }

// hot calls one function n times, as fast as it goes, on each of two threads.
func hot(n int) {
	var wg sync.WaitGroup
	var sums [2]uint64
	for t := range sums {
		wg.Add(1)
		go func(t int) {
			defer wg.Done()
			runtime.LockOSThread()
			sum := uint64(t)
			for i := 0; i < n; i++ {
				sum = tick(sum)
			}
			sums[t] = sum
		}(t)
	}
	wg.Wait()
	counted["main.tick"] = map[string]int{"calls": 2 * n}
	fmt.Fprintln(os.Stderr, sums[0], sums[1])
}

// threads are many and short: each calls tick n times and ends with its goroutine.
func threads(k, n int) {
	var wg sync.WaitGroup
	for t := 0; t < k; t++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // not unlocked: the thread ends
			sum := uint64(1)
			for i := 0; i < n; i++ {
				sum = tick(sum)
			}
		}()
		if t%16 == 15 {
			wg.Wait()
		}
	}
	wg.Wait()
	counted["main.tick"] = map[string]int{"calls": k * n}
}

func layer(inner func(int)) func(int) {
	return func(n int) {
		defer func() { hit("main.layer.func1", "calls") }()
		inner(n)
	}
}

// layers has a copy of the closure for each place that layer is inlined at, one called by the other.
func layers() {
	inner := layer(func(n int) { nap(time.Duration(n) * time.Millisecond) })
	outer := layer(layer(inner))
	for i := 0; i < 5; i++ {
		outer(20)
	}
}

func number(i int) int {
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func main() {
	switch os.Args[1] {
	case "mix":
		mix()
	case "many":
		many()
	case "layers":
		layers()
	case "hot":
		hot(number(2))
	case "threads":
		threads(number(2), number(3))
	case "naps":
		naps(number(2), time.Duration(number(3))*time.Millisecond)
	}
	json.NewEncoder(os.Stdout).Encode(counted)
}
