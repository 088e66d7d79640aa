// base is the small Go program whose binary the fuzz targets change bytes of: a function, a method, a
// closure, a type of each kind, and little else.
package main

import "errors"

type kinds struct {
	B  bool
	I  int
	F  float64
	C  complex64
	S  string
	A  [3]int16
	L  []byte
	P  *kinds
	M  map[string]int
	E  error
	N  interface{}
	Fn func(int) string
	Ch chan int
}

type shape interface{ area() int }

type square struct{ side int }

func (s square) area() int { return s.side * s.side }

//go:noinline
func text(k kinds, more ...string) (n int, err error) {
	defer func() { n += len(more) }()
	for _, m := range more {
		n += len(m)
	}
	if n > k.I {
		return n, errors.New("too long")
	}
	return n, nil
}

//go:noinline
func sum(shapes []shape, m map[string]int, p *kinds, ch chan int, f func(int) string) int {
	total := len(m) + len(f(p.I)) + cap(ch)
	for _, s := range shapes {
		total += s.area()
	}
	return total
}

func main() {
	k := kinds{I: 7, S: "text", M: map[string]int{"a": 1}}
	n, err := text(k, "one", "two", "three")
	k.E, k.N = err, square{2}
	println(n, sum([]shape{square{3}, &square{4}}, k.M, &k, make(chan int, 2), func(i int) string { return k.S[:i%4] }))
}
