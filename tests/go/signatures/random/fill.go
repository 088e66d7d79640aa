// Package random fills values of any type, from a seed, and tells the words that they are made of.
// The functions of this program are written by tests/signatures.py.
package random

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"reflect"
	"syscall"
	"time"
	"unsafe"
)

// Most is how many elements, entries and bytes of a text there are at most.
const (
	Most     = 5
	MostText = 20
)

// Dynamic lists pointers to values whose types interfaces may hold, besides the usual ones.
var Dynamic []interface{}

var usual = []interface{}{
	new(string), new(int), new(bool), new(float64), new(int64), new(uint64), new(int32),
	new([]byte), new(time.Duration),
}

var (
	timeType  = reflect.TypeOf(time.Time{})
	errorType = reflect.TypeOf((*error)(nil)).Elem()
)

// Source is xorshift: the same numbers in every release.
type Source struct{ state uint64 }

func From(seed uint64) *Source { return &Source{seed*0x9e3779b97f4a7c15 | 1} }

func (s *Source) bits() uint64 {
	s.state ^= s.state << 13
	s.state ^= s.state >> 7
	s.state ^= s.state << 17
	return s.state * 0x2545f4914f6cdd1d
}

// Below gives 0 to n-1.
func (s *Source) Below(n int) int { return int(s.bits() >> 33 % uint64(n)) }

func (s *Source) one(in int) bool { return s.Below(in) == 0 }

// number is often one that sits at an edge.
func (s *Source) number() uint64 {
	switch s.Below(6) {
	case 0:
		return 0
	case 1:
		return math.MaxUint64
	case 2:
		return uint64(s.Below(100))
	case 3:
		return 1 << uint(s.Below(64))
	}
	return s.bits()
}

func (s *Source) float() float64 {
	switch s.Below(8) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1 - 2*s.Below(2))
	case 2:
		return math.Copysign(0, -1)
	case 3:
		return float64(s.Below(1000)) / 8
	case 4:
		return math.Float64frombits(s.bits()>>12 | 1) // tiny, perhaps denormal
	}
	return (float64(s.bits()>>11)/(1<<53) - 0.5) * math.Pow(10, float64(s.Below(40)-20))
}

func (s *Source) text() string {
	b := make([]rune, s.Below(MostText/4))
	for i := range b {
		b[i] = []rune{'a' + rune(s.Below(26)), '"', '\n', 0, 'é', '→', '🦅'}[s.Below(7)]
	}
	if s.one(16) {
		return string(b) + "\xff"
	}
	return string(b)
}

// Fill gives what a pointer leads to a value.
func (s *Source) Fill(pointer interface{}) { s.fill(reflect.ValueOf(pointer).Elem(), 0) }

// fill writes unexported and blank fields, too.
func (s *Source) fill(v reflect.Value, depth int) {
	t := v.Type()
	v = reflect.NewAt(t, unsafe.Pointer(v.UnsafeAddr())).Elem()
	if t == timeType {
		v.Set(reflect.ValueOf(time.Unix(int64(s.bits()>>32), int64(s.Below(1e9))).UTC()))
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(s.one(2))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(s.number()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(s.number())
	case reflect.Float32, reflect.Float64:
		v.SetFloat(s.float())
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(s.float(), s.float()))
	case reflect.String:
		v.SetString(s.text())
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			s.fill(v.Index(i), depth)
		}
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			s.fill(v.Field(i), depth)
		}
	default:
		if s.one(6) || depth > 3 {
			v.Set(reflect.Zero(t))
			return
		}
		s.refer(v, t, depth+1)
	}
}

// refer makes what is behind a pointer of some kind.
func (s *Source) refer(v reflect.Value, t reflect.Type, depth int) {
	switch t.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, s.Below(Most+1), Most+s.Below(3)))
		for i := 0; i < v.Len(); i++ {
			s.fill(v.Index(i), depth)
		}
	case reflect.Ptr:
		v.Set(reflect.New(t.Elem()))
		s.fill(v.Elem(), depth)
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		for i := s.Below(Most + 1); i > 0; i-- {
			key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			s.fill(key, depth)
			s.fill(elem, depth)
			if key.Interface() == key.Interface() { // what holds a NaN is not found again
				v.SetMapIndex(key, elem)
			}
		}
	case reflect.Chan:
		v.Set(reflect.MakeChan(t, Most))
		for i := s.Below(Most); i > 0; i-- {
			v.Send(reflect.Zero(t.Elem()))
		}
	case reflect.Func:
		v.Set(reflect.ValueOf(functions[s.Below(len(functions))]).Convert(t))
	case reflect.UnsafePointer:
		v.SetPointer(unsafe.Pointer(new(int)))
	case reflect.Interface:
		s.box(v, t, depth)
	default:
		panic("random: kind " + t.Kind().String())
	}
}

// box puts a value into an interface.
func (s *Source) box(v reflect.Value, t reflect.Type, depth int) {
	if t == errorType && !s.one(3) {
		v.Set(reflect.ValueOf(s.err()))
		return
	}
	var from []interface{}
	for _, d := range append(usual, Dynamic...) {
		if reflect.TypeOf(d).Elem().Implements(t) {
			from = append(from, d)
		}
	}
	if len(from) == 0 {
		return
	}
	in := reflect.New(reflect.TypeOf(from[s.Below(len(from))]).Elem()).Elem()
	s.fill(in, depth)
	v.Set(in)
}

func (s *Source) err() error {
	switch s.Below(4) {
	case 0:
		return errors.New(s.text())
	case 1:
		return fmt.Errorf("%d: %w", s.Below(10), errors.New("cause"))
	case 2:
		return &fs.PathError{Op: "open", Path: s.text(), Err: syscall.Errno(s.Below(3) + 1)}
	}
	return syscall.Errno(s.Below(40) + 1)
}

var functions = []func(int) string{one, two, func(i int) string { return one(i) + two(i) }}

//go:noinline
func one(i int) string { return fmt.Sprint(i) }

//go:noinline
func two(i int) string { return fmt.Sprint(2 * i) }
