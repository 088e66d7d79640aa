package main

import (
	"os"
	"reflect"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"
)

type user struct {
	ID   int
	Name string
	Mail []string
}

type request struct {
	Path string
	User *user
}

type named interface{ name() string }

func (u *user) name() string { return u.Name }

var (
	nothing *user
	empty   = &request{Path: "/"}
	sink    interface{}
	length  int
	hello   = uintptr(0x6f77206f6c6c6568) // "hello wo"
)

func init() {
	add(
		death{"nil-field", "nil_dereference", "main.nilField", func() { nilField(nothing) }},
		death{"nil-write", "nil_dereference", "main.nilWrite", func() { nilWrite(nothing) }},
		death{"nil-deep", "nil_dereference", "main.nilDeep", func() { nilDeep(empty) }},
		death{"nil-global", "nil_dereference", "main.nilGlobal", nilGlobal},
		death{"nil-func", "nil_dereference", "main.nilFunc", func() { nilFunc(nil) }},
		death{"nil-interface", "nil_dereference", "main.nilInterface", func() { nilInterface(nil) }},
		death{"nil-receiver", "nil_dereference", "main.(*user).name", func() { nilReceiver(nothing) }},
		death{"nil-goroutine", "nil_dereference", "main.nilField", func() { go nilField(nothing); time.Sleep(time.Minute) }},
		death{"nil-in-defer", "nil_dereference", "main.nilField", func() { defer nilField(nothing) }},
		death{"nil-variables", "nil_dereference", "main.nilVariables", func() { nilVariables([]string{"anna", "bert"}) }},
		death{"wild-read", "wild_address", "main.wildRead", func() { wildRead(0x5a5a5a5a0000) }},
		death{"wild-write", "wild_address", "main.wildWrite", func() { wildWrite(0x5a5a5a5a0000) }},
		death{"wild-text", "wild_address", "main.nilField", func() { nilField(*(**user)(unsafe.Pointer(&hello))) }},
		death{"wild-panic", "wild_address", "main.wildRead", func() {
			debug.SetPanicOnFault(true)
			wildRead(0x5a5a5a5a0000)
		}},
		death{"write-to-text", "wild_address", "main.writeToText", writeToText},
		death{"race-checkptr", "checkptr", "main.misaligned", func() { misaligned(make([]byte, 32)) }},
		death{"cut-mapping", "bus_error", "main.cutMapping", cutMapping},
	)
}

//go:noinline
func nilField(u *user) { sink = u.Name }

//go:noinline
func nilWrite(u *user) { u.ID = 7 }

//go:noinline
func nilDeep(r *request) {
	length += used(r)
	length = len(r.User.Name)
}

//go:noinline
func used(r *request) int { return len(r.Path) }

//go:noinline
func lookup(name string) *user {
	if len(name) > 9 {
		return &user{Name: name}
	}
	return nothing
}

//go:noinline
func add2(to *[3]int, name string) { to[len(name)%3]++ }

// What it has in variables when it meets the nil that a call gave.
//
//go:noinline
func nilVariables(names []string) {
	var counts [3]int
	total := 0
	for i, name := range names {
		total += len(name)
		add2(&counts, name)
		last := lookup(name)
		length += used(empty)
		length += last.ID + i + total + counts[1]
	}
}

//go:noinline
func nilGlobal() { length = len(empty.User.Mail) }

//go:noinline
func nilFunc(f func()) { f(); length++ }

//go:noinline
func nilInterface(n named) { sink = n.name() }

//go:noinline
func nilReceiver(n named) { sink = n.name() }

//go:noinline
func wildRead(at uintptr) { length = *(*int)(*(*unsafe.Pointer)(unsafe.Pointer(&at))) }

//go:noinline
func wildWrite(at uintptr) { *(*int)(*(*unsafe.Pointer)(unsafe.Pointer(&at))) = 1 }

//go:noinline
func writeToText() {
	code := reflect.ValueOf(nilWrite).Pointer()
	*(*int)(*(*unsafe.Pointer)(unsafe.Pointer(&code))) = 1
}

// Dies only where unsafe conversions are checked (-race).
//
//go:noinline
func misaligned(b []byte) { sink = *(**int)(unsafe.Pointer(&b[1])) }

//go:noinline
func cutMapping() {
	f, err := os.CreateTemp("", "zoo")
	if err != nil {
		panic(err)
	}
	os.Remove(f.Name())
	if err := f.Truncate(8192); err != nil {
		panic(err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, 8192, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	if err := f.Truncate(0); err != nil {
		panic(err)
	}
	length = int(b[5000])
}
