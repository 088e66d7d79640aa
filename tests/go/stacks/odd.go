package main

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"

	"stacks/bare"
)

// Assembly that calls Go, and functions in which the compiler makes no frame.
func throughAssembly() {
	bare.Func = func() { here(next()) }
	calls := []func(){bare.Bare, bare.Naked, bare.Pushed, bare.Framed, bare.Nosplit}
	for _, f := range calls {
		f()
	}
	bare.Bare()
	bare.Naked()
	bare.Pushed()
	bare.Nosplit()
	twice := bare.Func
	bare.Func = func() {
		bare.Func = twice
		bare.Naked()
	}
	bare.Pushed()
	ran := make(chan bool, 2)
	bare.Func = func() { here(next()); ran <- true }
	for _, f := range append(calls, bare.Scratch) {
		f := f
		go func() { f() }()
		go f()
		<-ran
		<-ran
	}
	bare.Func = func() { faultsInLeaf(nil) }
	bare.Naked()
}

func throughReflect() {
	made := reflect.MakeFunc(reflect.TypeOf(func(int) int { return 0 }), func(in []reflect.Value) []reflect.Value {
		here(next())
		return in
	}).Interface().(func(int) int)
	call(made)
	bound := reflect.ValueOf(&square{1, 2, 3}).MethodByName("String").Interface().(func() string)
	bound()
}

func finalized() {
	done := make(chan bool)
	runtime.SetFinalizer(new(square), func(*square) { here(next()); close(done) })
	runtime.GC()
	<-done
}

//go:noinline
func caught(f func()) {
	defer func() {
		here(next())
		recover()
	}()
	f()
}

// Faults in assembly without a frame, in what makes no frame of its own, and by a call to nowhere.
func faultsOddly() {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	none, err := syscall.Mmap(-1, 0, 1<<16, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	some := make([]byte, 1<<12)
	caught(func() { copy(some, none) })
	caught(func() { copy(none[1:], some) })
	caught(func() { use(&[4]int{len(string(none[:5]))}) })
	caught(func() {
		if string(some) == *(*string)(unsafe.Pointer(&struct {
			p *byte
			n int
		}{&none[0], len(some)})) {
			panic("equal")
		}
	})
	var zero uintptr
	at := &zero
	nowhere := *(*func())(unsafe.Pointer(&at))
	caught(nowhere)
	caught(func() { nowhere() })
	caught(func() { var s shape; s.area(1) })
	caught(func() { var f func(); f() })
	caught(func() { var s *circle; s.area(1) })
	zeros := 0
	caught(func() { zeros = 1 / zeros })
}
