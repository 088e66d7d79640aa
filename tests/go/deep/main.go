// deep SECONDS GOROUTINES PERIOD: every PERIOD a new goroutine calls itself 35 levels deep, so that its stack moves again
// and again on the way, and comes back. GOROUTINES others work meanwhile. The end says how many levels there were.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

var levels, returned int64

//go:noinline
func descend(n int, name string) (sum int, err error) {
	var frame [512]byte
	frame[n] = byte(len(name))
	atomic.AddInt64(&levels, 1)
	if n > 1 {
		sum, err = descend(n-1, name)
	}
	atomic.AddInt64(&returned, 1)
	return sum + int(frame[n]), err
}

//go:noinline
func work(n int) int {
	return n*7 + 1
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	period, err := time.ParseDuration(os.Args[3])
	if err != nil {
		panic(err)
	}
	for i := 0; i < number(os.Args[2]); i++ {
		go func(n int) {
			for {
				n = work(n)
				time.Sleep(100 * time.Millisecond)
			}
		}(i)
	}
	wrong := 0
	for until := time.Now().Add(time.Duration(number(os.Args[1])) * time.Second); time.Now().Before(until); {
		sums := make(chan int)
		go func() {
			sum, _ := descend(35, "seven b")
			sums <- sum
		}()
		if <-sums != 35*7 {
			wrong++
		}
		time.Sleep(period)
	}
	fmt.Println(levels, returned, wrong)
}
