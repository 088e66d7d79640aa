// Package bare has assembly that calls Go, and keeps no frame pointer, or another thing in its register.
package bare

// Func is what they call.
var Func func()

func Bare()
func Naked()
func Pushed()
func Framed()
func Scratch()

//go:nosplit
func Nosplit() { call() }

//go:noinline
func call() { Func() }
