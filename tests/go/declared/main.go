// Meets nil while a variable is being declared, or when it has been: what lay in its place before must not be shown as its value.
package main

import (
	"os"
	"runtime"
)

type node struct {
	next *node
	n    int
}

type pair struct{ a, b int }

type wide struct{ a, b, c, d, e int }

var (
	list  = []*node{{next: &node{n: 1}}, {next: &node{n: 2}}, {}}
	total int
)

//go:noinline
func use(p *pair) { total += p.a + p.b }

//go:noinline
func useWide(p *wide) { total += p.a + p.e }

//go:noinline
func made(a, b int) pair { return pair{a, b} }

// Leaves something in what will be frames.
//
//go:noinline
func dirty(n int) {
	var all [64]int
	for i := range all {
		all[i] = 0x5a5a
	}
	for i := range all {
		total += all[(i+n)%64]
	}
}

//go:noinline
func literal(p *node) {
	before := pair{a: 3, b: 4}
	use(&before)
	unfinished := pair{
		a: 7,
		b: p.next.n,
	}
	use(&unfinished)
}

//go:noinline
func call(p *node) {
	before := pair{a: 3, b: 4}
	use(&before)
	unfinished := made(
		7,
		p.next.n,
	)
	use(&unfinished)
}

// The third time around it still has what the second one left.
//
//go:noinline
func around(all []*node) {
	before := pair{a: 3, b: 4}
	use(&before)
	for _, p := range all {
		unfinished := pair{
			a: 7,
			b: p.next.n,
		}
		use(&unfinished)
	}
}

//go:noinline
func large(p *node) {
	before := pair{a: 3, b: 4}
	use(&before)
	unfinished := wide{
		a: 7,
		e: p.next.n,
	}
	useWide(&unfinished)
}

// Built where it lies, a field at a time: zero first.
//
//go:noinline
func inPlace(p *node) {
	before := pair{a: 3, b: 4}
	use(&before)
	unfinished := wide{
		a: total,
		d: p.next.n,
	}
	total += unfinished.a + unfinished.d
}

// The same in a loop.
//
//go:noinline
func inPlaceAround(all []*node) {
	before := pair{a: 3, b: 4}
	use(&before)
	for _, p := range all {
		unfinished := wide{
			a: total,
			d: p.next.n,
		}
		total += unfinished.a + unfinished.d
	}
}

// Declared in the loop, and complete when it meets nil; changed on one of two ways.
//
//go:noinline
func complete(all []*node) {
	before := pair{a: 3, b: 4}
	use(&before)
	for i, p := range all {
		after := pair{
			a: i,
			b: 9,
		}
		if i > 1 {
			after.b = 8
		}
		use(&after)
		total += p.next.n
	}
}

// The second may lie where the first one was, when that is not needed any more.
//
//go:noinline
func shared(p *node, n int) {
	before := pair{a: 3, b: 4}
	use(&before)
	var first [8]int
	for i := range first {
		first[i] = i * n
	}
	total += first[n&7]
	var second [8]int
	for i := range second {
		second[i] = 9
	}
	total += second[n&7]
	total += p.next.n
}

func main() {
	dirty(1)
	switch os.Args[1] {
	case "literal":
		literal(list[2])
	case "call":
		call(list[2])
	case "around":
		around(list)
	case "large":
		large(list[2])
	case "in-place":
		inPlace(list[2])
	case "in-place-around":
		inPlaceAround(list)
	case "shared":
		shared(list[2], 5)
	case "complete":
		complete(list)
	}
	runtime.KeepAlive(total)
}
