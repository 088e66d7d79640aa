package main

import (
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
	)
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
