package main

import (
	"net"
	"os"
	"reflect"
	"runtime"
	"sync"
	"time"
)

// Nothing is wrong with these: they are stopped by a signal from outside.
func init() {
	for name, f := range map[string]func(){
		"healthy-idle": func() {}, "healthy-busy": busy, "healthy-garbage": garbage,
		"healthy-locks": contend, "healthy-server": serve, "healthy-many": many,
		"healthy-waiting": waiting, "healthy-timers": timers, "healthy-recovers": recovers,
		"healthy-pipeline": pipeline, "healthy-chain": chain, "healthy-boxed": boxed,
		"healthy-parts": parts, "healthy-but-for-locks": butForLocks,
	} {
		f := f
		add(death{name, "stopped", "-", func() {
			f()
			os.Stdout.WriteString("ready\n")
			time.Sleep(time.Minute)
		}})
	}
}

func busy() {
	go func() {
		for n := 1; ; n++ {
			if n == 0 {
				length++
			}
		}
	}()
}

func garbage() {
	go func() {
		for {
			sink = make([]byte, 1<<16)
			runtime.GC()
		}
	}()
}

func contend() {
	var mu sync.Mutex
	for i := 0; i < 4; i++ {
		go func() {
			for {
				mu.Lock()
				length++
				mu.Unlock()
			}
		}()
	}
}

func serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go l.Accept()
}

func many() {
	c := make(chan int)
	for i := 0; i < 1000; i++ {
		go func() { <-c }()
	}
}

func waiting() {
	var wg sync.WaitGroup
	wg.Add(1)
	go wg.Wait()
	var mu sync.Mutex
	mu.Lock()
	go mu.Lock()
	go func() { reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(make(chan int))}}) }()
	time.Sleep(10 * time.Millisecond)
}

type both struct{ first, second sync.Mutex }

//go:noinline
func (b *both) lockFirst() {
	b.first.Lock()
	b.first.Unlock()
}

//go:noinline
func (b *both) lockSecond() {
	b.second.Lock()
	b.second.Unlock()
}

// Two that wait for two locks of one struct, which a third one holds.
func parts() {
	b, held := new(both), make(chan bool)
	go func() {
		b.first.Lock()
		b.second.Lock()
		close(held)
		time.Sleep(time.Minute)
		b.first.Unlock()
		b.second.Unlock()
	}()
	<-held
	go b.lockFirst()
	go b.lockSecond()
	time.Sleep(10 * time.Millisecond)
}

// A circle, and one outside of it who has all that is in it.
func butForLocks() {
	a, b := &account{name: "a"}, &account{name: "b"}
	x, y := make(chan bool), make(chan bool)
	go a.transfer(b, x, y)
	go b.transfer(a, y, x)
	go func() {
		time.Sleep(time.Minute)
		length = a.sum + b.sum
	}()
	time.Sleep(10 * time.Millisecond)
}

type watched struct {
	lock sync.Mutex
	quit chan bool
}

//go:noinline
func (w *watched) watch() {
	every := time.NewTicker(time.Minute)
	for {
		select {
		case <-every.C:
			length++
		case <-w.quit:
			return
		}
	}
}

//go:noinline
func (w *watched) end(quit chan bool) {
	w.lock.Lock()
	defer w.lock.Unlock()
	close(quit)
}

var release func()

// One waits for a lock, another to be told by him, who goes on when the time comes: no circle.
func timers() {
	go func() {
		for range time.Tick(time.Millisecond) {
			length++
		}
	}()
	w := &watched{quit: make(chan bool)}
	w.lock.Lock()
	release = w.lock.Unlock
	go w.watch()
	go w.end(w.quit)
}

func recovers() {
	go func() {
		for {
			func() {
				defer func() { sink = recover() }()
				nilField(nothing)
			}()
			time.Sleep(time.Millisecond)
		}
	}()
}

func pipeline() {
	a, b := make(chan int), make(chan int)
	go func() {
		for i := 0; ; i++ {
			a <- i
		}
	}()
	go func() {
		for v := range a {
			b <- v
		}
	}()
	go func() {
		for v := range b {
			length = v
		}
	}()
}

var inner, outer sync.Mutex

//go:noinline
func lockInnerAndOuter(a, b *sync.Mutex) {
	a.Lock()
	b.Lock()
	b.Unlock()
	a.Unlock()
}

// One waits for who waits for who sleeps, and no stack has the address of what the sleeper holds.
func chain() {
	go func() {
		outer.Lock()
		time.Sleep(time.Minute)
		outer.Unlock()
	}()
	for i := 0; i < 2; i++ {
		time.Sleep(20 * time.Millisecond)
		go lockInnerAndOuter(&inner, &outer)
	}
	time.Sleep(20 * time.Millisecond)
}

type inside struct {
	of   *point
	list []int
}

type whole struct {
	Number int
	In     inside
	Text   string
}

type long struct {
	texts [200]string
	lists [100][]int
}

var (
	boxes  []interface{}
	shapes []shape
	buffer [64]byte
)

// Interfaces whose values lie wherever values may lie: all of them are whole.
func boxed() {
	n := len(os.Args)
	text := os.Args[0]
	w := &whole{n, inside{&point{n, n}, []int{n}}, text}
	many := make([]whole, 9)
	boxes = append(boxes, nil, n, uint8(n), int16(n), n+1000, float64(n), n == 2, 7, "constant", text, text[1:], "", struct{}{},
		[0]int{}, [1]*point{{n, n}}, struct{ p *point }{&point{n, n}}, *w, w, &w.In, &w.In.of, &w.In.list, &w.Text, &many[3],
		&many[8].Text, (*whole)(nil), (map[string]int)(nil), map[string]int{text: n}, (chan int)(nil), make(chan int, 3),
		make(chan *point), make(chan struct{}), func() int { return n }, boxed, time.Now, time.Now(), []byte(text), []string{text},
		&buffer, buffer[:], new([0]int), new(struct{}), new(long), long{}, &new(long).lists[99], new([4096]*point), [300]*point{}, os.Stdout, os.Args,
		uintptr(n), complex(float64(n), 1), error(nil), os.ErrExist, time.Second, reflect.ValueOf(n), reflect.TypeOf(w), &boxes)
	v := reflect.ValueOf(*w)
	for i := 0; i < v.NumField(); i++ {
		boxes = append(boxes, v.Field(i).Interface())
	}
	boxes = append(boxes, reflect.New(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeOf(w)}})).Interface(),
		reflect.MakeSlice(reflect.SliceOf(reflect.TypeOf(*w)), 2, 2).Interface(), reflect.Zero(reflect.TypeOf(*w)).Interface(),
		reflect.MakeFunc(reflect.TypeOf(boxed), func([]reflect.Value) []reflect.Value { return nil }).Interface())
	for i := 0; i < 4; i++ {
		shapes = append(shapes, &circle{of: &point{i, i}}, &square{i, i}, (*square)(nil), &[]circle{{}, {}, {r: i}}[2], nil)
	}
	runtime.GC()
}
