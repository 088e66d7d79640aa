// storing runs for as long as its input is open, and stores strings, slices and interfaces all the time: each
// goroutine its own, so that a delay between their words changes nothing, and each checks what it has stored.
//
//	storing THREADS GOROUTINES
//
// It speaks as tests/go/running does: `rounds` says how many there were and how many were wrong, a number has so
// many strings stored by main.stored.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

type speaker interface{ speak() int }

type one struct{ n int }
type two struct{ s string }

func (o *one) speak() int { return o.n }
func (t *two) speak() int { return len(t.s) }

type object struct {
	n           int
	text, other string
	list        []*one
	value       speaker
}

//go:noinline
func (o *object) stored(s string) { o.text = s }

// From Go 1.22 on both lie behind one check, and what comes next is moved together with the last store.
//
//go:noinline
func (o *object) both(a, b string, then *int) int {
	o.text, o.other = a, b
	return *then
}

//go:noinline
func (o *object) fill(list []*one, v speaker) { o.list, o.value = list, v }

//go:noinline
func (o *object) add(x *one) { o.list = append(o.list, x) }

var rounds, wrong int64

// It goes on behind a fault.
func (o *object) fault(a, b string) (recovered bool) {
	defer func() { recovered = recover() != nil }()
	o.both(a, b, nil)
	return
}

func check(right bool) {
	if !right {
		atomic.AddInt64(&wrong, 1)
	}
}

func compute(k int) {
	names := []string{"", "a", "name of some length", strings.Repeat("x", 100+k)}
	x, y := &one{5}, &two{"three"}
	for i := k; ; i++ {
		o, a, b := new(object), names[i%4], names[(i+1)%4]
		o.stored(a)
		check(o.text == a)
		n := o.both(b, a, &x.n)
		check(n == 5 && o.text == b && o.other == a)
		if i%16 == 0 {
			check(o.fault(a, b) && o.text == a && o.other == b)
		}
		o.fill([]*one{x, x}, y)
		check(len(o.list) == 2 && o.value.speak() == 5)
		for j := 0; j < 5; j++ {
			o.add(x)
		}
		check(len(o.list) == 7 && cap(o.list) >= 7 && o.list[6] == x)
		atomic.AddInt64(&rounds, 1)
	}
}

var kept = new(object)

func main() {
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	for i := 0; i < n; i++ {
		go compute(i)
	}
	fmt.Println("ready", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		line := in.Text()
		if line == "rounds" {
			fmt.Println(atomic.LoadInt64(&rounds), atomic.LoadInt64(&wrong))
			continue
		}
		if strings.HasPrefix(line, "exec ") {
			args := strings.Fields(line)[1:]
			panic(syscall.Exec(args[0], args, os.Environ()))
		}
		n, err := strconv.Atoi(line)
		if err != nil {
			panic(err)
		}
		sum := 0
		for i := 1; i < n; i++ {
			kept.stored("four")
			sum += i - 1 + len(kept.text)
		}
		fmt.Println("called", n, sum)
	}
	if w := atomic.LoadInt64(&wrong); w != 0 {
		fmt.Println("wrong", w)
		os.Exit(1)
	}
}
