// stacks calls main.here from everywhere, and here says who called it, as the runtime sees it: one JSON object a
// line of the file that is named, {"id", "frames": [[function, file, line], …]}, innermost first.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"runtime"
	"sort"
	"sync"
	"time"
)

type said struct {
	ID     int             `json:"id"`
	Frames [][]interface{} `json:"frames"`
}

var (
	lock sync.Mutex
	out  = json.NewEncoder(create(os.Args[1]))
	last int
)

func create(path string) *os.File {
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	return f
}

//go:noinline
func here(id int) int {
	var pcs [400]uintptr
	s := said{ID: id}
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		s.Frames = append(s.Frames, []interface{}{f.Function, f.File, f.Line})
		if !more {
			break
		}
	}
	lock.Lock()
	out.Encode(s)
	lock.Unlock()
	return id
}

func next() int {
	lock.Lock()
	defer lock.Unlock()
	last++
	return last
}

func inlinedOnce(id int) int  { return here(id) + 1 }
func inlinedTwice(id int) int { return inlinedOnce(id) * 2 }

//go:noinline
func recursive(n int) int {
	if n == 0 {
		return inlinedTwice(next())
	}
	return recursive(n-1) + 1
}

// Two kilobytes in each frame: the stack moves on the way down.
//
//go:noinline
func grows(n int) int {
	var room [256]int
	for i := range room {
		room[i] = n + i
	}
	if n == 0 {
		return here(next())
	}
	return grows(n-1) + room[n]
}

type shape interface{ area(id int) int }
type square struct{ a, b, c int }
type circle struct{ *square }

//go:noinline
func (s square) area(id int) int { return here(id) + s.a }

func (s *square) grow(id int) int { return here(id) + s.b }

//go:noinline
func measure(s shape) int { return s.area(next()) }

//go:noinline
func call(f func(int) int) int { return f(next()) }

//go:noinline
func defers() (id int) {
	defer here(next())
	defer func() { id = inlinedTwice(next()) }()
	return 1
}

//go:noinline
func panics(p *square) {
	defer func() {
		here(next())
		recover()
		here(next())
	}()
	throws(p)
}

//go:noinline
func throws(p *square) {
	if p == nil {
		panic("thrown")
	}
	p = nil
	loads(p, 1)
}

//go:noinline
func loads(p *square, n int) int {
	var room [4]int
	room[n&3] = n
	use(&room)
	return p.c + room[0]
}

// Without a frame of its own, so BP is that of its caller when it faults.
//
//go:noinline
func leaf(p *square) int { return p.c }

//go:noinline
func faultsInLeaf(p *square) {
	defer func() {
		here(next())
		recover()
	}()
	leaf(p)
}

//go:noinline
func faultsTwice(p *square) {
	defer func() {
		defer func() {
			here(next())
			recover()
		}()
		leaf(p)
	}()
	leaf(p)
}

//go:noinline
func use(*[4]int) {}

//go:noinline
func leaves(done *sync.WaitGroup) {
	defer done.Done()
	defer func() { here(next()) }()
	runtime.Goexit()
}

type sorted []int

func (s sorted) Len() int           { return len(s) }
func (s sorted) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s sorted) Less(i, j int) bool { return s[i] < s[j] && here(next()) > 0 }

var fromInit = here(next())

func init() { here(next()) }

func main() {
	here(next())
	inlinedOnce(next())
	inlinedTwice(next())
	for _, n := range []int{1, 5, 40, 100} {
		recursive(n)
	}
	grows(60)

	s := &square{1, 2, 3}
	measure(s)
	measure(*s)
	measure(circle{s})
	call(s.grow)
	call(s.area)
	call((*s).area)
	call(here)
	k := 3
	call(func(id int) int { k++; return here(id) + k })
	defers()
	panics(nil)
	panics(s)
	faultsInLeaf(nil)
	faultsInLeaf(s)
	func() {
		defer func() { recover() }()
		faultsTwice(nil)
	}()
	sort.Sort(sorted{3, 1, 2})
	sort.Slice([]int{2, 1}, func(i, j int) bool { return here(next()) > 0 })
	new(sync.Once).Do(func() { here(next()) })
	reflect.ValueOf(here).Call([]reflect.Value{reflect.ValueOf(next())})
	reflect.ValueOf(s).MethodByName("String").Call(nil)

	var done sync.WaitGroup
	for i := 0; i < 50; i++ {
		done.Add(3)
		go func() { defer done.Done(); here(next()) }()
		go grows2(i, &done)
		go leaves(&done)
	}
	go here(next())
	done.Wait()
	fired := make(chan bool)
	time.AfterFunc(time.Millisecond, func() { here(next()); close(fired) })
	<-fired
	generics()
	callsBack()
	throughAssembly()
	throughReflect()
	finalized()
	faultsOddly()
	iterates()
	time.Sleep(10 * time.Millisecond)
}

func (s *square) String() string { here(next()); return "square" }

//go:noinline
func grows2(n int, done *sync.WaitGroup) {
	defer done.Done()
	grows(n)
}
