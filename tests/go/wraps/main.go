// Methods so small that they exist in the compiler's wrappers only, and others that those call.
package main

import (
	"fmt"
	"sort"
)

// What sort.Sort calls are the methods of *ages, which the compiler made.
type ages []int

func (a ages) Len() int           { return len(a) }
func (a ages) Less(i, j int) bool { return a[i] < a[j] }
func (a ages) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

type counter struct{ n int }

func (c *counter) count() int { c.n++; return c.n }

type clerk struct {
	name string
	counter
}

type counts interface{ count() int }

//go:noinline
func (c counter) slow(by int) int { return c.n + by }

type slows interface{ slow(by int) int }

type vault struct{ key string }

func (v *vault) open(secret string) bool { return v.key == secret }

//go:noinline
func call(f func(string) bool, secret string) bool { return f(secret) }

//go:noinline
func all(a sort.Interface, c counts, s slows) {
	sort.Sort(a)
	for i := 0; i < 3; i++ {
		c.count()
	}
	s.slow(4)
}

func main() {
	a := ages{3, 1, 2}
	c := &clerk{name: "Prosser"}
	all(a, c, &c.counter)
	v := &vault{"mostly harmless"}
	fmt.Println(a, c.n, call(v.open, "mostly harmless"))
}
