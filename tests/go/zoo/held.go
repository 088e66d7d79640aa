package main

type page struct {
	next *page
	data [1000]int
}

var pages *page

func init() {
	add(
		death{"memory-held", "out_of_memory", "main.memory", memoryHeld},
	)
}

// Holds 32 MiB, and then asks for more than there is.
//
//go:noinline
func memoryHeld() {
	for i := 0; i < 4096; i++ {
		pages = &page{next: pages}
	}
	memory(1 << 45)
}
