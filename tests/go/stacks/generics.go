//go:build go1.18

package main

//go:noinline
func apply[T any](v T, f func(T) int) int { return f(v) }

type list[T any] struct{ items []T }

//go:noinline
func (l *list[T]) each(f func(T)) {
	for _, v := range l.items {
		f(v)
	}
}

func generics() {
	apply(next(), here)
	apply("text", func(string) int { return here(next()) })
	(&list[string]{[]string{"a", "b"}}).each(func(string) { here(next()) })
	(&list[int]{[]int{1}}).each(func(int) { inlinedTwice(next()) })
}
