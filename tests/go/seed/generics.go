//go:build go1.18
// +build go1.18

package main

import (
	"fmt"

	"seed/expect"
)

type number interface {
	~int | ~int64 | ~float64
}

type list[T any] struct {
	items []T
	limit int
}

type pair[K comparable, V any] struct {
	Key   K
	Value V
}

//go:noinline
func sum[T number](items []T, start T) (total T) {
	expect.Hit("main.sum")
	total = start
	for _, i := range items {
		total += i
	}
	return total
}

//go:noinline
func transform[T, U any](items []T, f func(T) U) []U {
	expect.Hit("main.transform")
	var out []U
	for _, i := range items {
		out = append(out, f(i))
	}
	return out
}

//go:noinline
func (l *list[T]) push(item T) int {
	expect.Hit("main.(*list).push")
	l.items = append(l.items, item)
	return len(l.items)
}

//go:noinline
func (p pair[K, V]) text(prefix string) string {
	expect.Hit("main.pair.text")
	return fmt.Sprint(prefix, p.Key, p.Value)
}

//go:noinline
func pairUp[K comparable, V any](k K, v V) pair[K, V] {
	expect.Hit("main.pairUp")
	return pair[K, V]{k, v}
}

func genericCounts() {
	for i := 0; i < 10; i++ {
		sum([]int{1, 2, i}, i)
		sum([]float64{1.5, float64(i)}, 2)
		sum([]celsius{1, 2}, 3)
		transform([]int{1, 2}, func(n int) string { return fmt.Sprint(n) })
		transform([]string{"a"}, func(s string) user { return user{1, s} })
		(&list[int]{}).push(i)
		(&list[user]{}).push(user{i, "u"})
		(&list[*user]{}).push(theUser)
		pairUp("k", i).text("p")
		pairUp(i, theUser).text("q")
	}
}

func genericValues() {}
