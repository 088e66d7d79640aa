package random

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"unsafe"

	"signatures/expect"
)

// Value is a parameter or result, with the words that it is made of: what a tracer can show where
// types are gone.
type Value struct {
	expect.Value
	Words []string `json:"words"`
}

// Call is one call that the program has made.
type Call struct {
	Func    string  `json:"func"`
	Args    []Value `json:"args"`
	Results []Value `json:"results"`
}

// Of is what a pointer leads to.
func Of(name string, pointer interface{}) Value {
	v := reflect.ValueOf(pointer).Elem()
	return Value{expect.Of(name, pointer), words(v.Type(), unsafe.Pointer(v.UnsafeAddr()), []string{})}
}

func words(t reflect.Type, at unsafe.Pointer, to []string) []string {
	switch t.Kind() {
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			to = words(t.Field(i).Type, unsafe.Pointer(uintptr(at)+t.Field(i).Offset), to)
		}
		return to
	case reflect.Array:
		for i := 0; i < t.Len(); i++ {
			to = words(t.Elem(), unsafe.Pointer(uintptr(at)+uintptr(i)*t.Elem().Size()), to)
		}
		return to
	case reflect.Complex64:
		return append(to, word(at, 4), word(unsafe.Pointer(uintptr(at)+4), 4))
	case reflect.String, reflect.Slice, reflect.Interface, reflect.Complex128:
		for i := uintptr(0); i < t.Size(); i += 8 {
			to = append(to, word(unsafe.Pointer(uintptr(at)+i), 8))
		}
		return to
	}
	return append(to, word(at, t.Size()))
}

func word(at unsafe.Pointer, size uintptr) string {
	switch size {
	case 1:
		return fmt.Sprintf("0x%x", *(*uint8)(at))
	case 2:
		return fmt.Sprintf("0x%x", *(*uint16)(at))
	case 4:
		return fmt.Sprintf("0x%x", *(*uint32)(at))
	}
	return fmt.Sprintf("0x%x", *(*uint64)(at))
}

var to *bufio.Writer

// Tell writes a call into the file that SIGNATURES_EXPECT names.
func Tell(c Call) {
	if to == nil {
		f, err := os.Create(os.Getenv("SIGNATURES_EXPECT"))
		if err != nil {
			panic(err)
		}
		to = bufio.NewWriter(f)
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	to.Write(append(b, '\n'))
}

// End writes what Tell has kept.
func End() { to.Flush() }
