package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"time"
	"unsafe"

	"seed/expect"
)

type user struct {
	ID   int
	Name string
}

type node struct {
	Label string
	Next  *node
	Data  map[string]int
}

type (
	s2   struct{ A, B int }
	s5   struct{ A, B, C, D, E int }
	s9   struct{ A, B, C, D, E, F, G, H, I int }
	s10  struct{ A, B, C, D, E, F, G, H, I, J int }
	sArr struct {
		A int
		X [2]int
	}
	sGap struct {
		A int
		_ int
		C int
	}
	sSmall struct {
		A    int
		Z    [0]int
		E    struct{}
		B, C uint8
	}
	sText struct {
		A, B, C, D int
		S          string
	}
	sMixed struct {
		Flag  bool
		Small int8
		F     float32
		Name  string
		Err   error
		Raw   []byte
		Inner s2
		When  time.Duration
	}
	sString struct {
		S string
		N int
	}
	celsius  float64
	weekday  uint8
	nameList []string
	onePtr   struct{ P *user }
	named    interface{ Name() string }
)

func (u *user) Error() string { return "user " + u.Name }

// The rows of the table of argument places: what travels in registers and what on the stack.

//go:noinline
func nine(a int, b int8, c uint16, d string, e []byte, f float64, g bool, h error, i *user) (int, string) {
	return a + int(b) + int(c) + len(e) + int(f), d + "!"
}

//go:noinline
func row1(a int, s string, b []byte, e error) int { return a + len(s) + len(b) }

//go:noinline
func row2(s s5, k int) int { return s.A + s.E + k }

//go:noinline
func row3(s s9) int { return s.A + s.I }

//go:noinline
func row4(s s10, k int) int { return s.A + s.J + k }

//go:noinline
func row5(a int, s s9, b int) int { return a + s.A + s.I + b }

//go:noinline
func row6(x [2]int, a int) int { return x[0] + x[1] + a }

//go:noinline
func row6s(x [1]string, a int) int { return len(x[0]) + a }

//go:noinline
func row7(x sArr, a int) int { return x.A + x.X[1] + a }

//go:noinline
func row8(a int, f float64, g float32, c complex128, i int8, z bool) {
	// Used: in a stripped file nothing else tells which words came in the registers of floats.
	used.f, used.i, used.z = f+float64(g)+real(c)+imag(c), a+int(i), z
}

var used struct {
	f float64
	i int
	z bool
}

//go:noinline
func row9(x sGap, k int) int { return x.A + x.C + k }

//go:noinline
func row9s(x sSmall, k int) int { return x.A + int(x.B) + int(x.C) + k }

//go:noinline
func row10(n sText, s, t string) int { return n.A + len(n.S) + len(s) + len(t) }

//go:noinline
func row11(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p float64, q int) float64 {
	return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + float64(q)
}

//go:noinline
func row12(a int) (int, s10, string) {
	return a + 1, s10{a, 2, 3, 4, 5, 6, 7, 8, 9, a * 2}, strings.Repeat("r", a)
}

//go:noinline
func row13(a int) ([2]int, string) { return [2]int{a, -a}, fmt.Sprint(a) }

//go:noinline
func (t sString) row14(x int) int { return len(t.S) + t.N + x }

//go:noinline
func row14s(a int8, b int16, c int32, d uint8, e uint16, f uint32, g int8, h int16, i int32, j int16, k int64, l uint8) int64 {
	return int64(a) + int64(b) + int64(c) + int64(d) + int64(e) + int64(f) + int64(g) + int64(h) + int64(i) + int64(j) + k + int64(l)
}

//go:noinline
func row15(a int, xs ...string) int { return a + len(xs) }

// Each kind of value on its own, as argument and as result.

//go:noinline
func echoInt(v int) int { return v }

//go:noinline
func echoSmall(a int8, b uint8, c int16, d uint16, e int32, f uint32) (int8, uint8, int16, uint16, int32, uint32) {
	return a, b, c, d, e, f
}

//go:noinline
func echoWide(a int64, b uint64, c uintptr) (int64, uint64, uintptr) { return a, b, c }

//go:noinline
func echoBool(a, b bool) (bool, bool) { return a, b }

//go:noinline
func echoFloat(a float64, b float32) (float64, float32) { return a, b }

//go:noinline
func echoComplex(a complex128, b complex64) (complex128, complex64) { return a, b }

//go:noinline
func echoString(s string) (out string) { return s }

//go:noinline
func echoBytes(b []byte) []byte { return b }

//go:noinline
func echoInts(v []int) []int { return v }

//go:noinline
func echoStrings(v []string) []string { return v }

//go:noinline
func echoUsers(v []user, p []*user) ([]user, []*user) { return v, p }

//go:noinline
func echoArray(v [3]int, w [2]string, z [0]int) ([3]int, [2]string) { return v, w }

//go:noinline
func echoMap(m map[string]int) map[string]int { return m }

//go:noinline
func echoIntMap(m map[int]string) map[int]string { return m }

//go:noinline
func echoUserMap(m map[user]*user) map[user]*user { return m }

//go:noinline
func echoBigMap(m map[[20]int][20]int) map[[20]int][20]int { return m }

//go:noinline
func echoUser(p *user) *user { return p }

//go:noinline
func echoNode(p *node) *node { return p }

//go:noinline
func echoPtrPtr(p **int, q *string) (**int, *string) { return p, q }

//go:noinline
func echoMixed(m sMixed) sMixed { return m }

//go:noinline
func echoAny(v interface{}) interface{} { return v }

//go:noinline
func echoError(err error) error { return err }

//go:noinline
func echoNamed(n named) named { return n }

//go:noinline
func echoFunc(f func(int) int) func(int) int { return f }

//go:noinline
func echoChan(c chan int, r <-chan string, s chan<- struct{}) chan int { return c }

//go:noinline
func echoDuration(d time.Duration) time.Duration { return d }

//go:noinline
func echoTime(t time.Time, p *time.Time) time.Time { return t }

//go:noinline
func echoNamedTypes(c celsius, w weekday, l nameList) (celsius, weekday, nameList) { return c, w, l }

//go:noinline
func echoPointerShaped(o onePtr) onePtr { return o }

//go:noinline
func echoUnsafe(p unsafe.Pointer) unsafe.Pointer { return p }

//go:noinline
func echoContext(ctx context.Context, r io.Reader) error { return ctx.Err() }

//go:noinline
func blank(_ int, b string, _ []byte) int { return len(b) }

//go:noinline
func unnamed(int, string) (int, error) { return 7, nil }

//go:noinline
func nothing() {}

//go:noinline
func manyResults() (a int, b string, c []int, d error, e float64, f *user, g map[string]int) {
	return 1, "two", []int{3}, errors.New("four"), 5.5, theUser, map[string]int{"seven": 7}
}

//go:noinline
func (u user) describe(prefix string) string { return prefix + u.Name }

//go:noinline
func (u *user) rename(to string) (was string) { was, u.Name = u.Name, to; return }

func (w weekday) Name() string { return fmt.Sprint("day ", uint8(w)) }

// Arguments that no sound program has: nil, torn and wild pointers.

//go:noinline
func wildPointer(p *user, n int) int { return n }

//go:noinline
func wildString(s string, n int) int { return n }

//go:noinline
func wildSlice(v []int, n int) int { return n }

//go:noinline
func wildMap(m map[string]int, n int) int { return n }

//go:noinline
func wildInterface(v interface{}, e error, n int) int { return n }

var (
	theUser = &user{42, "Zaphod"}
	theChan = make(chan int, 5)
)

func values() {
	valueRows()
	valueNumbers()
	valueText()
	valueCollections()
	valuePointers()
	valueInterfaces()
	valueOthers()
	valueWild()
	genericValues()
}

func valueRows() {
	ten := s10{1, -2, 3, 4, 5, 6, 7, 8, 9, 1000}
	nines := s9{11, 12, 13, 14, 15, 16, 17, 18, 19}
	do := expect.Do
	for i := 0; i < 3; i++ {
		do("main.nine", nine, "a b c d e f g h i", 1+i, -2, 60000, "nine", []byte("bytes"), 2.5, true, errors.New("boom"), theUser)
		do("main.row1", row1, "a s b e", i, "text", []byte{0, 1, 255}, nil)
		do("main.row2", row2, "s k", s5{1, 2, 3, 4, 5}, i)
		do("main.row3", row3, "s", nines)
		do("main.row4", row4, "s k", ten, i)
		do("main.row5", row5, "a s b", -1, nines, i)
		do("main.row6", row6, "x a", [2]int{8, 9}, i)
		do("main.row6s", row6s, "x a", [1]string{"one"}, i)
		do("main.row7", row7, "x a", sArr{1, [2]int{2, 3}}, i)
		do("main.row8", row8, "a f g c i z", i, 1.25, float32(-0.5), complex(1, -2), -128, true)
		do("main.row9", row9, "x k", sGap{A: 5, C: 6}, i)
		do("main.row9s", row9s, "x k", sSmall{A: 5, B: 200, C: 7}, i)
		do("main.row10", row10, "n s t", sText{1, 2, 3, 4, "in"}, "second", "third")
		do("main.row11", row11, "a b c d e f g h i j k l m n o p q",
			1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16.5, i)
		do("main.row12", row12, "a", i)
		do("main.row13", row13, "a", i)
		do("main.sString.row14", sString.row14, "t x", sString{"recv", 3}, i)
		do("main.row14s", row14s, "a b c d e f g h i j k l",
			-1, -2, -3, 250, 65000, 4000000000, -4, -5, -6, -7, math.MinInt64, 251)
		do("main.row15", row15, "a xs", i, "x", "yy", "zzz")
	}
	do("main.row15", row15, "a xs", 1)
}

func valueNumbers() {
	do := expect.Do
	for _, v := range []int{0, 1, -1, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -1<<53 - 1} {
		do("main.echoInt", echoInt, "v", v)
	}
	do("main.echoSmall", echoSmall, "a b c d e f", -128, 255, -32768, 65535, math.MinInt32, uint32(math.MaxUint32))
	do("main.echoSmall", echoSmall, "a b c d e f", 1, 2, 3, 4, 5, 6)
	do("main.echoWide", echoWide, "a b c", math.MinInt64, uint64(math.MaxUint64), uintptr(4096))
	do("main.echoBool", echoBool, "a b", true, false)
	for _, f := range []float64{0, 1, -1, 0.1, 1e300, 5e-324, 1.5e-7, 123456789.125, math.Pi, math.Inf(1), math.Inf(-1), math.NaN(), 1e21, 1e20} {
		do("main.echoFloat", echoFloat, "a b", f, float32(f))
	}
	do("main.echoComplex", echoComplex, "a b", complex(1.5, -2), complex64(complex(0, 3)))
	do("main.echoNamedTypes", echoNamedTypes, "c w l", celsius(-40), weekday(3), nameList{"a", "b"})
}

func valueText() {
	do := expect.Do
	for _, s := range []string{"", "a", "hello, world", "naïve ☃ 𝄞", "tab\tnew\nline\x00\x1b[31m", "bad\xff\xfeutf8", `quote"back\slash`,
		strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("☃", 30), strings.Repeat("long ", 1000)} {
		do("main.echoString", echoString, "s|out", s)
	}
	do("main.echoBytes", echoBytes, "b", nil)
	for _, n := range []int{0, 1, 63, 64, 65, 5000} {
		do("main.echoBytes", echoBytes, "b", []byte(strings.Repeat("b", n)))
	}
}

func valueCollections() {
	do := expect.Do
	do("main.echoInts", echoInts, "v", nil)
	do("main.echoStrings", echoStrings, "v", nil)
	for _, n := range []int{0, 1, 7, 8, 9, 100} {
		ints, texts := []int{}, []string{}
		for i := 0; i < n; i++ {
			ints = append(ints, i*i-5)
			texts = append(texts, fmt.Sprint("item ", i))
		}
		do("main.echoInts", echoInts, "v", ints)
		do("main.echoStrings", echoStrings, "v", texts)
	}
	do("main.echoUsers", echoUsers, "v p", []user{{1, "a"}, {2, "b"}}, []*user{theUser, nil})
	do("main.echoArray", echoArray, "v w z", [3]int{1, 2, 3}, [2]string{"x", "y"}, [0]int{})

	do("main.echoMap", echoMap, "m", nil)
	for _, n := range []int{0, 1, 3, 8, 9, 50, 5000} {
		m, im := map[string]int{}, map[int]string{}
		for i := 0; i < n; i++ {
			m[fmt.Sprint("key", i)] = i
			im[i] = fmt.Sprint("value", i)
		}
		if n > 8 {
			expect.Grown(m)
			expect.Grown(im)
		}
		do("main.echoMap", echoMap, "m", m)
		do("main.echoIntMap", echoIntMap, "m", im)
		for i := 0; i < n*3/4; i++ {
			delete(m, fmt.Sprint("key", i))
		}
		do("main.echoMap", echoMap, "m", m)
	}
	do("main.echoUserMap", echoUserMap, "m", map[user]*user{{1, "k"}: theUser, {2, "l"}: nil})
	do("main.echoBigMap", echoBigMap, "m", map[[20]int][20]int{{1}: {2}, {3}: {4}})
}

func valuePointers() {
	do := expect.Do
	n, s := 5, "pointed"
	pn := &n
	do("main.echoUser", echoUser, "p", nil)
	do("main.echoUser", echoUser, "p", &user{1, "Arthur"})
	do("main.echoNode", echoNode, "p", &node{"first", &node{"second", &node{"third", nil, nil}, map[string]int{"two": 2}}, map[string]int{"one": 1}})
	loop := &node{Label: "loop"}
	loop.Next = loop
	do("main.echoNode", echoNode, "p", loop)
	do("main.echoPtrPtr", echoPtrPtr, "p q", &pn, &s)
	do("main.echoPtrPtr", echoPtrPtr, "p q", nil, nil)
	do("main.echoMixed", echoMixed, "m", sMixed{true, -3, 1.5, "mixed", errors.New("in struct"), []byte("raw"), s2{7, 8}, 3 * time.Second})
	do("main.echoMixed", echoMixed, "m", sMixed{})
	do("main.echoPointerShaped", echoPointerShaped, "o", onePtr{theUser})
	do("main.user.describe", user.describe, "u prefix", user{3, "Trillian"}, "Ms ")
	do("main.(*user).rename", (*user).rename, "u to|was", &user{4, "Slartibartfast"}, "Bob")
	do("main.echoUnsafe", echoUnsafe, "p", unsafe.Pointer(theUser))
}

func valueInterfaces() {
	do := expect.Do
	for _, v := range []interface{}{nil, 7, int8(-7), uint16(9), "text", 2.5, true, []int{1, 2}, [2]int{3, 4}, *theUser, theUser, (*user)(nil),
		map[string]int{"k": 1}, time.Second, celsius(36.6), weekday(5), struct{ X int }{9}, onePtr{theUser}, errors.New("as any"),
		'x', byte(0), byte(200), uint64(math.MaxUint64), complex(1, 2), []byte("bytes in any"), struct{}{}} {
		do("main.echoAny", echoAny, "v", v)
	}
	plain := errors.New("plain")
	for _, err := range []error{nil, plain, fmt.Errorf("wrapped: %w", plain), fmt.Errorf("twice: %w", fmt.Errorf("once: %w", io.EOF)),
		&fs.PathError{Op: "open", Path: "/no/such", Err: fs.ErrNotExist}, theUser, (*user)(nil), context.DeadlineExceeded, context.Canceled} {
		do("main.echoError", echoError, "err", err)
	}
	do("main.echoNamed", echoNamed, "n", weekday(2))
	do("main.echoNamed", echoNamed, "n", nil)
	do("main.echoContext", echoContext, "ctx r", context.Background(), strings.NewReader("reader"))
}

func valueOthers() {
	do := expect.Do
	theChan <- 1
	theChan <- 2
	do("main.echoFunc", echoFunc, "f", echoInt)
	do("main.echoFunc", echoFunc, "f", nil)
	k := len(theUser.Name)
	do("main.echoFunc", echoFunc, "f", func(v int) int { return v + k })
	do("main.echoChan", echoChan, "c r s", theChan, make(chan string), make(chan struct{}, 3))
	do("main.echoChan", echoChan, "c r s", nil, nil, nil)
	for _, d := range []time.Duration{0, 1, -1, 999, 1500, 1500 * time.Microsecond, 90 * time.Minute, math.MaxInt64, math.MinInt64} {
		do("main.echoDuration", echoDuration, "d", d)
	}
	now := time.Now()
	for _, t := range []time.Time{{}, now, now.UTC(), now.Round(0), time.Unix(0, 0), time.Unix(1700000000, 123456789), time.Date(1850, 1, 2, 3, 4, 5, 6, time.UTC)} {
		t := t
		do("main.echoTime", echoTime, "t p", t, &t)
	}
	do("main.blank", blank, "_ b _", 1, "named", []byte("unnamed"))
	do("main.unnamed", unnamed, "_ _", 3, "x")
	do("main.nothing", nothing, "")
	do("main.manyResults", manyResults, "|a b c d e f g")
}

// Reinterpreted words, so that neither the compiler nor checkptr has a say.
type words [3]uintptr

func wildly(name string, fn func(w *words) int, params ...expect.Value) {
	w := words{}
	n := fn(&w)
	expect.Add(expect.Call{Func: name, Args: append(params, expect.Value{Name: "n", Type: "int", Value: n}),
		Results: []expect.Value{{Name: "ret0", Type: "int", Value: n}}})
}

func valueWild() {
	bad := expect.Object{"$": "unreadable"}
	for n, at := range []uintptr{0x10000, 0x7ffffffff000, 0xdeadbeef000, 1 << 47, 0xfffffffffffff000} {
		n, at := n, at
		wildly("main.wildPointer", func(w *words) int {
			w[0] = at
			return wildPointer(*(**user)(unsafe.Pointer(w)), n)
		}, expect.Value{Name: "p", Type: "*main.user", Value: expect.Object{"$": "wild", "address": fmt.Sprintf("0x%x", at)}})
		wildly("main.wildString", func(w *words) int {
			w[0], w[1] = at, 5
			return wildString(*(*string)(unsafe.Pointer(w)), n)
		}, expect.Value{Name: "s", Type: "string", Value: bad})
		wildly("main.wildSlice", func(w *words) int {
			w[0], w[1], w[2] = at, 2, 2
			return wildSlice(*(*[]int)(unsafe.Pointer(w)), n)
		}, expect.Value{Name: "v", Type: "[]int", Value: bad})
		wildly("main.wildMap", func(w *words) int {
			w[0] = at
			return wildMap(*(*map[string]int)(unsafe.Pointer(w)), n)
		}, expect.Value{Name: "m", Type: "map[string]int", Value: bad})
		wildly("main.wildInterface", func(w *words) int {
			w[0], w[1] = at, at
			return wildInterface(*(*interface{})(unsafe.Pointer(w)), nil, n)
		}, expect.Value{Name: "v", Type: "interface {}", Value: bad}, expect.Value{Name: "e", Type: "error"})
	}
	// Torn: a length from one string, the pointer from another.
	wildly("main.wildString", func(w *words) int {
		w[1] = 5
		return wildString(*(*string)(unsafe.Pointer(w)), 100)
	}, expect.Value{Name: "s", Type: "string", Value: bad})
	wildly("main.wildSlice", func(w *words) int {
		w[1], w[2] = 1<<40, 1<<40
		return wildSlice(*(*[]int)(unsafe.Pointer(w)), 100)
	}, expect.Value{Name: "v", Type: "[]int", Value: bad})
}
