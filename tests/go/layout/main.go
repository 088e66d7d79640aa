// layout prints what reflect says about types: a JSON object a line, for test_types.py.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"text/template"
	"time"
	"unsafe"
)

type small struct {
	A bool
	B int16
	C uint8
	D int64
	E float32
	F complex128
}

type Embedding struct {
	small `layout:"embedded"`
	*strings.Reader
	io.Writer
	_    int32
	Name string `json:"name,omitempty"`
	tail struct{}
}

type recursive struct {
	next  *recursive
	byKey map[string]recursiveMap
	sub   []recursive
}

type recursiveMap map[string]recursiveMap

type wide struct {
	key   [200]byte
	value [3]string
}

type named int

func (named) String() string { return "" }

type visitor func(int, ...string) (named, error)

type empty struct{}

var values = []interface{}{
	small{}, Embedding{}, recursive{}, recursiveMap{}, named(0), visitor(nil), empty{},
	map[wide]wide{}, map[int8]bool{}, map[string]struct{}{}, map[interface{}]complex64{},
	[0]string{}, [7]small{}, [][]byte{}, make(chan int), make(<-chan error), make(chan<- *small),
	func(a int, b ...interface{}) {}, struct {
		X, Y int8
		Z    *int
	}{}, unsafe.Pointer(nil), uintptr(0), complex64(0), 'x', 1.5,
	time.Time{}, time.Duration(0), &url.URL{}, &template.Template{}, &sync.Mutex{}, sync.Map{},
	errors.New(""), os.Stdout, fmt.Stringer(named(0)), new(error), new(io.ReadWriter),
	new(interface{}),
}

type field struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Offset   uint64 `json:"offset"`
	Size     uint64 `json:"size"`
	Embedded bool   `json:"embedded"`
	Tag      string `json:"tag,omitempty"`
}

type description struct {
	Name    string  `json:"name"`
	Package string  `json:"package"`
	Kind    string  `json:"kind"`
	Size    uint64  `json:"size"`
	Align   int     `json:"align"`
	Length  *int    `json:"length,omitempty"`
	Key     string  `json:"key,omitempty"`
	Elem    string  `json:"elem,omitempty"`
	Fields  []field `json:"fields"`
	Address string  `json:"address"`
}

var seen = map[reflect.Type]bool{}

func address(t reflect.Type) uintptr { return reflect.ValueOf(t).Pointer() }

func describe(t reflect.Type, out *json.Encoder) {
	if seen[t] {
		return
	}
	seen[t] = true
	d := description{Name: t.String(), Package: t.PkgPath(), Kind: t.Kind().String(), Size: uint64(t.Size()),
		Align: t.Align(), Fields: []field{}, Address: fmt.Sprintf("0x%x", address(t))}
	var next []reflect.Type
	switch t.Kind() {
	case reflect.Array:
		n := t.Len()
		d.Length = &n
	case reflect.Map:
		d.Key = t.Key().String()
		next = append(next, t.Key())
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			d.Fields = append(d.Fields, field{f.Name, f.Type.String(), uint64(f.Offset), uint64(f.Type.Size()),
				f.Anonymous, string(f.Tag)})
			next = append(next, f.Type)
		}
	case reflect.Func:
		for i := 0; i < t.NumIn(); i++ {
			next = append(next, t.In(i))
		}
		for i := 0; i < t.NumOut(); i++ {
			next = append(next, t.Out(i))
		}
	}
	switch t.Kind() {
	case reflect.Array, reflect.Chan, reflect.Map, reflect.Ptr, reflect.Slice:
		d.Elem = t.Elem().String()
		next = append(next, t.Elem())
	}
	out.Encode(d)
	for _, n := range next {
		describe(n, out)
	}
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, v := range values {
		describe(reflect.TypeOf(v), out)
	}
}
