// Dies of a plain nil dereference in a method that was called through an interface; nothing is torn, and none of it must be accused.
package main

import (
	"os"
	"runtime"
)

type item struct {
	next *item
	n    int
}

type speaker interface{ speak() int }

type talker struct {
	it   *item
	more [6]*item
}

var (
	total int
	keep  [64][]byte
)

// Over where free objects of its size were.
//
//go:noinline
func collect() {
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	for i := range keep {
		keep[i] = make([]byte, 56)
	}
}

// Nobody needs the talker any more when it meets nil.
//
//go:noinline
func (t *talker) speak() int {
	it := t.it
	collect()
	return it.next.n
}

//go:noinline
func saysDead(s speaker) int {
	n := s.speak()
	total += n
	return n
}

// Larger than what it is embedded in.
type inner struct {
	it   *item
	more [30]*item
}

type outer struct {
	*inner
	id int
}

//go:noinline
func (i *inner) speak() int {
	it := i.it
	i = nil
	return it.next.n
}

//go:noinline
func saysEmbedded(s speaker) int {
	n := s.speak()
	total += n
	if n > 100 {
		n += s.speak()
	}
	return n
}

func main() {
	switch os.Args[1] {
	case "dead":
		saysDead(&talker{it: &item{}})
	case "embedded":
		saysEmbedded(&outer{inner: &inner{it: &item{}}, id: 7})
	}
}
