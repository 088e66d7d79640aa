// lines N: lines of every kind, marked by `at NAME`, and at the end how often control was at each. With `loop` behind N it
// does so until its input ends.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

type state struct {
	a, b, c int
	text    string
}

var sink int64

//go:noinline
func touch(n int) int {
	return n&7 + 1
}

//go:noinline
func loops(n int, s *state) int {
	t := 0
	for i := 0; i < n; i++ {
		if i%3 == 0 {
			s.a += i + t // at third
			continue
		}
		t += touch(i) + s.b // at other
		for k := 0; k < 4; k++ {
			s.c += touch(k) * t // at inner
		}
	}
	return t + s.a + s.c // at end
}

func inlined(s *state, n int) int {
	s.b += n * 3 // at inlined
	return s.b ^ n
}

//go:noinline
func callers(n int, s *state) (t int) {
	for i := 0; i < n; i++ {
		t += inlined(s, i) // at caller
		if t&1 == 0 {
			t += inlined(s, t) + touch(t)
		} else {
			t -= inlined(s, 5) + touch(i)
		}
	}
	return t
}

//go:noinline
func floats(n int, x float64) float64 {
	y := x
	for i := 0; i < n; i++ {
		y = y*1.000001 + float64(touch(i)) // at float
	}
	return y
}

//go:noinline
func choose(n int, s *state) string {
	switch touch(n) {
	case 1:
		s.text = strconv.Itoa(n) + "one" // at one
	case 2, 3:
		s.text = s.text + strconv.Itoa(n) // at few
	case 4:
		return fmt.Sprint(s.text, n) // at four
	}
	return s.text
}

//go:noinline
func recovers(n int, s *state) (r int) {
	defer func() {
		if e := recover(); e != nil {
			s.a, r = s.a+touch(n), -n // at recovered
		}
	}()
	var none *state
	if n%2 == 0 {
		s.b += none.c // at fault
	}
	return n
}

//go:noinline
func grows(n int, s *state) int {
	var frame [300]byte
	frame[n%300] = byte(n)
	if n > 0 {
		return grows(n-1, s) + int(frame[touch(n)]) // at deep
	}
	return len(s.text)
}

func round(n int, count map[string]int64, mu *sync.Mutex) {
	s := &state{text: "x"}
	own := map[string]int64{}
	out := loops(n, s)
	own["third"] += int64((n + 2) / 3)
	own["other"] += int64(n - (n+2)/3)
	own["inner"] += 4 * int64(n-(n+2)/3)
	own["end"]++
	out += callers(n, s)
	own["caller"] += int64(n)
	own["inlined"] += 2 * int64(n)
	out += int(floats(n, 1.5))
	own["float"] += int64(n)
	for i := 0; i < 32; i++ {
		out += len(choose(i, s))
	}
	own["one"] += 4
	own["few"] += 8
	own["four"] += 4
	if len(os.Args) == 2 { // faults only without `loop`
		for i := 0; i < 10; i++ {
			out += recovers(i, s)
		}
		own["recovered"] += 5
		own["fault"] += 5
	}
	out += grows(100, s)
	own["deep"] += 100
	each := func(k int) {
		s.c += touch(k) + out // at closure
	}
	for i := 0; i < 9; i++ {
		f := each
		if i > n {
			f = nil
		}
		call(f, i)
	}
	own["closure"] += 9
	atomic.AddInt64(&sink, int64(out))
	mu.Lock()
	for k, v := range own {
		count[k] += v
	}
	mu.Unlock()
}

//go:noinline
func call(f func(int), i int) {
	f(i)
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	count := map[string]int64{}
	var mu sync.Mutex
	var end int32
	if len(os.Args) > 2 {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			atomic.StoreInt32(&end, 1)
		}()
		fmt.Println("ready", os.Getpid())
	} else {
		end = 1
	}
	for first := true; first || atomic.LoadInt32(&end) == 0; first = false {
		var all sync.WaitGroup
		for i := 0; i < 8; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				round(n, count, &mu)
			}()
		}
		all.Wait()
		runtime.GC()
	}
	for k, v := range count {
		fmt.Println(k, v)
	}
	fmt.Fprintln(os.Stderr, atomic.LoadInt64(&sink) != 0)
}
