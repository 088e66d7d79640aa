package main

import (
	"os"
	"runtime"
	"time"
	"unsafe"
)

type line struct {
	number int
	text   string
}

type words struct {
	at  unsafe.Pointer
	len int
}

var (
	written = &line{number: 7}
	tails   [4]interface{}
	shorts  []*[16]byte
)

func init() {
	add(
		death{"torn-string", "marked_free_object", "*", tornString},
		death{"bad-pointer", "bad_pointer", "*", badPointer},
		death{"torn-interface", "wild_address", "main.(*circle).area", func() {
			tear(drawn, 0x5a5a5a5a0000)
			draw(drawn)
		}},
		death{"torn-interface-mended", "nil_dereference", "main.(*circle).area", func() {
			tear(drawn, 3)
			drawAfter(drawn, func() { drawn.shape = new(square) })
		}},
		death{"torn-interface-number", "nil_dereference", "main.(*circle).area", func() {
			numbered.of = len(os.Args) // the runtime has small numbers in a table
			at := (*[2]unsafe.Pointer)(unsafe.Pointer(&numbered.of))
			number := at[1]
			numbered.of = &circle{of: &point{}}
			at[1] = number
			area(numbered.of.(shape))
		}},
	)
}

var kept struct{ list *entry }

type entry struct {
	next   *entry
	number int
	of     *int
	size   int
}

// Keeps, as a number, what led to an object that the collector has taken back.
//
//go:noinline
func badPointer() {
	kept.list = &entry{next: new(entry), size: 77}
	for i := 0; i < 50; i++ { // its memory may have been given to others meanwhile
		at := numberOf(1 << 20)
		runtime.GC()
		runtime.GC()
		*(*uintptr)(unsafe.Pointer(&kept.list.of)) = at
		runtime.GC()
		*(*uintptr)(unsafe.Pointer(&kept.list.of)) = 0
	}
}

//go:noinline
func numberOf(n int) uintptr { return uintptr(unsafe.Pointer(&make([]int, n)[n-5])) }

type shape interface{ area() int }
type point struct{ x, y int }
type circle struct {
	of *point
	r  int
}
type square struct{ a, b int }

func (c *circle) area() int { return c.of.x + c.r }
func (s *square) area() int { return s.a * s.b }

type drawing struct {
	title string
	shape shape
}

var (
	drawn    = &drawing{title: "drawn"}
	numbered struct{ of interface{} }
)

// The type of a circle and the data of a square, as a reader sees them who comes between the words.
//
//go:noinline
func tear(d *drawing, a int) {
	d.shape = &circle{of: &point{}}
	at := (*[2]unsafe.Pointer)(unsafe.Pointer(&d.shape))
	at[1] = unsafe.Pointer(&square{a, 2})
}

//go:noinline
func draw(d *drawing) { length = d.shape.area() }

//go:noinline
func area(s shape) { length = s.area() }

// By the time of the call the field is whole again.
//
//go:noinline
func drawAfter(d *drawing, mend func()) {
	s := d.shape
	mend()
	length = s.area()
}

// What a reader sees who comes between the two words of a store: the pointer of a short text and the
// length of a long one; and what he keeps of it, a part of its end.
//
//go:noinline
func tornString() {
	for i := 0; i < 64; i++ {
		shorts = append(shorts, new([16]byte))
	}
	short := shorts[3]
	for i := range shorts {
		if shorts[i] != short {
			shorts[i] = nil
		}
	}
	shorts = nil
	runtime.GC() // the others are free now
	runtime.GC()
	at := (*words)(unsafe.Pointer(&written.text))
	at.at, at.len = unsafe.Pointer(short), 3000
	for i := range tails {
		tails[i] = written.text[96+16*i : 120+16*i]
	}
	for i := 0; i < 100; i++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
