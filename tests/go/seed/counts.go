package main

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"seed/expect"
)

// Calls of each kind, counted by the functions themselves.

//go:noinline
func fib(n int) int {
	expect.Hit("main.fib")
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:noinline
func isEven(n int) bool {
	expect.Hit("main.isEven")
	return n == 0 || isOdd(n-1)
}

//go:noinline
func isOdd(n int) bool {
	expect.Hit("main.isOdd")
	return n != 0 && isEven(n-1)
}

type shape interface {
	area() int
	grow(by int)
}

type square struct{ side int }

type box struct{ w, h int }

type crate struct {
	*box
	label string
}

//go:noinline
func (s square) area() int {
	expect.Hit("main.square.area")
	return s.side * s.side
}

//go:noinline
func (s square) grow(by int) { expect.Hit("main.square.grow") }

//go:noinline
func (b *box) area() int {
	expect.Hit("main.(*box).area")
	return b.w * b.h
}

//go:noinline
func (b *box) grow(by int) {
	expect.Hit("main.(*box).grow")
	b.w += by
	b.h += by
}

//go:noinline
func total(shapes []shape) (sum int) {
	expect.Hit("main.total")
	for _, s := range shapes {
		s.grow(1)
		sum += s.area()
	}
	return sum
}

//go:noinline
func adder(n int) func(int) int {
	expect.Hit("main.adder")
	return func(m int) int {
		expect.Hit("main.adder.func1")
		return n + m
	}
}

//go:noinline
func counter() (inc func(), get func() int) {
	expect.Hit("main.counter")
	n := 0
	inc = func() {
		expect.Hit("main.counter.func1")
		n++
	}
	get = func() int {
		expect.Hit("main.counter.func2")
		return n
	}
	return inc, get
}

//go:noinline
func apply(f func(int) int, n int) int {
	expect.Hit("main.apply")
	return f(n)
}

//go:noinline
func double(n int) int {
	expect.Hit("main.double")
	return 2 * n
}

//go:noinline
func (b *box) scaled(n int) int {
	expect.Hit("main.(*box).scaled")
	return b.w * n
}

//go:noinline
func (s square) scaled(n int) int {
	expect.Hit("main.square.scaled")
	return s.side * n
}

//go:noinline
func leaf(n int) int {
	expect.Hit("main.leaf")
	return n ^ 0x55
}

//go:noinline
func middle(n int) int {
	expect.Hit("main.middle")
	return leaf(n) + leaf(n+1)
}

//go:noinline
func outer(n int) (sum int) {
	expect.Hit("main.outer")
	for i := 0; i < n; i++ {
		sum += middle(i)
	}
	return sum
}

// Many ways out of one function.
//
//go:noinline
func manyExits(n int) string {
	expect.Hit("main.manyExits")
	switch n {
	case 0:
		return "zero"
	case 1:
		return fmt.Sprint(n)
	case 2, 3, 4:
		return strings.Repeat("x", n)
	case 5:
		if double(n) > 10 {
			return ""
		}
		return "five"
	}
	for i := 0; i < n; i++ {
		if i*i > n {
			return fmt.Sprint("root ", i)
		}
	}
	return "never"
}

// So big a frame that the stack check is the long one.
//
//go:noinline
func bigFrame(n int) int {
	expect.Hit("main.bigFrame")
	var a [8192]byte
	for i := range a {
		a[i] = byte(n + i)
	}
	sort.Slice(a[:64], func(i, j int) bool { return a[i] < a[j] })
	return int(a[0]) + int(a[8191])
}

//go:noinline
func deferOrder(n int) (trace string) {
	expect.Hit("main.deferOrder")
	for i := 0; i < n; i++ {
		i := i
		defer func() {
			expect.Hit("main.deferOrder.func1")
			trace += fmt.Sprint(i)
		}()
	}
	return ""
}

//go:noinline
func deferChanges(n int) (result int, err error) {
	defer func() {
		expect.Hit("main.deferChanges.func1")
		result *= 10
		err = fmt.Errorf("changed %d", n)
	}()
	return n, nil
}

// A call that lasts for a time that is known from both sides.
//
//go:noinline
func lasts(d time.Duration) (inside int64) {
	expect.Hit("main.lasts")
	t := time.Now()
	for time.Since(t) < d {
	}
	return int64(time.Since(t))
}

func counts() {
	fib(15)
	isEven(1000)
	for i := 0; i < 100; i++ {
		total([]shape{square{3}, &box{1, 2}, &crate{&box{4, 5}, "c"}, &square{2}})
	}
	for i := 0; i < 50; i++ {
		f := adder(i)
		apply(f, 1)
		apply(double, i)
		b := &box{i, 2}
		apply(b.scaled, 2)
		apply(square{i}.scaled, 3)
		apply((&square{i}).scaled, 3)
	}
	inc, get := counter()
	for i := 0; i < 30; i++ {
		inc()
	}
	get()
	outer(10)
	expect.Called("main.leaf", "main.middle", 20)
	expect.Called("main.middle", "main.outer", 10)
	for i := 0; i < 40; i++ {
		manyExits(i % 10)
	}
	for i := 0; i < 20; i++ {
		bigFrame(i)
	}
	for i := 0; i < 12; i++ {
		deferOrder(i)
		expect.Hit("main.deferChanges")
		expect.Do("main.deferChanges", deferChanges, "n|result err", i)
	}
	for _, d := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 100 * time.Microsecond} {
		before, start := time.Now(), time.Now().UnixNano()
		inside := lasts(d)
		expect.Took(expect.Span{Func: "main.lasts", AtLeast: inside, AtMost: int64(time.Since(before)), Start: start})
	}
	genericCounts()
	rangeCounts()
}
