package main

import (
	"net"
	"os"
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
		"healthy-pipeline": pipeline, "healthy-chain": chain,
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
}

func timers() {
	go func() {
		for range time.Tick(time.Millisecond) {
			length++
		}
	}()
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
