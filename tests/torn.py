"""Go functions whose stores of several words are known, for tests/live/test_torn.py.

Each function has what it stores in a table beside it: kinds, once for each value of several words that it stores
where others may see it. How the compiler groups the stores differs by release; how many there are does not."""

# What is stored: kind, type, and expressions of that type. `v`, `w` are parameters.
KINDS = {
    "string": ("string", ["v", '"constant"', '""', "getString()", "v + w", "v[1:]", "string(bytes)"]),
    "slice": ("[]int", ["v", "getSlice()", "v[1:]", "make([]int, size)", "v[:size:size]"]),
    "interface": ("speaker", ["v", "getSpeaker()", "one", "speaker(two)"]),
    "any": ("interface{}", ["v", "getAny()", "size", '"boxed"', "one"]),
    "slices": ("[]string", ["v", "strings.Split(text, text)"]),
    "error": ("error", ["v", "fmt.Errorf(text)"]),
}
REPORTED = {"any": "interface", "slices": "slice", "error": "interface"}

# Where to: parameters, the variable that is written, and what goshawk calls it.
PLACES = {
    "Deref": ("p *{T}", "*p", "*p"),
    "Field": ("p *{S}", "p.f", "p.f"),
    "Second": ("p *{S}", "p.g", "p.g"),
    "Nested": ("p *{S}Outer", "p.in.g", "p.in.g"),
    "Embedded": ("p *{S}Outer", "p.{S}.f", "p.{S}.f"),
    "Promoted": ("p *{S}Outer", "p.{S}.g", "p.{S}.g"),
    "Through": ("p *{S}", "p.next.f", "p.next.f"),
    "Twice": ("p *{S}", "p.next.next.g", "p.next.next.g"),
    "Global": ("", "{S}Var", "main.{S}Var"),
    "GlobalField": ("", "{S}Struct.g", "main.{S}Struct.g"),
    "GlobalPointer": ("", "{S}Pointer.f", "main.{S}Pointer.f"),
    "GlobalElement": ("i int", "{S}Array[i]", "main.{S}Array[…]"),
    "Element": ("s []{T}, i int", "s[i]", "s[…]"),
    "Third": ("s []{T}", "s[2]", "s[2]"),
    "ElementField": ("s []{S}, i int", "s[i].f", "s[…].f"),
    "ElementPointer": ("s []*{S}, i int", "s[i].g", "s[…].g"),
    "Array": ("p *[4]{T}, i int", "p[i]", "p[…]"),
    "FieldElement": ("p *{S}Outer, i int", "p.list[i]", "p.list[…]"),
    "Map": ("m map[int]{T}, i int", "m[i]", "m[…]"),
    "MapText": ("m map[string]{T}, k string", "m[k]", "m[…]"),
    "Result": ("", "fetch{S}().f", "main.fetch{S}().f"),
}

HEAD = """package main

import (
	"fmt"
	"strings"
)

type speaker interface{ speak() int }
type impl struct{ a, b int }

func (i *impl) speak() int { return i.a }

var one, two = &impl{1, 2}, &impl{3, 4}

type plain struct {
	before int
	p      *impl
	after  int
	q      *impl
	u      uintptr
	f      float64
	m      map[int]int
	c      chan int
	fn     func()
	small  int32
	array  [2]*impl
}

type mixed struct {
	s string
	n int
	p *impl
	e speaker
	l []int
	t string
}

type texts struct{ a, b string }
type numbered struct {
	n int
	s string
}
type holds struct {
	i *impl
	e error
}

//go:noinline
func getString() string { return fmt.Sprint(one.a) }

//go:noinline
func getSlice() []int { return []int{one.a} }

//go:noinline
func getSpeaker() speaker { return one }

//go:noinline
func getAny() interface{} { return one }

//go:noinline
func getPlain() *plain { return &plain{} }

//go:noinline
func getImpl() *impl { return two }

var plainVar plain
var implVar *impl
"""
MAIN = """
func main() {
	for _, f := range all {
		fmt.Println(f)
	}
}
"""

# Written out: code of the function, and what it stores.
MORE = [
    ("func {N}(p *mixed, v, w string) { p.s = v; p.t = w }", ["string", "string"]),
    ("func {N}(p *mixed, v, w string, n int) { p.s = v; p.n = n; p.t = w }", ["string", "string"]),
    ("func {N}(p *mixed, v string, e speaker) { p.s = v; p.e = e }", ["string", "interface"]),
    ("func {N}(p *mixed, v string, e speaker, l []int) { p.s = v; p.e = e; p.l = l }",
     ["string", "interface", "slice"]),
    ("func {N}(p *mixed, e speaker, l []int, i *impl) { p.p = i; p.l = l; p.e = e }", ["interface", "slice"]),
    ("func {N}(p *mixed, v string, i *impl) { p.s = v; p.p = i }", ["string"]),
    ("func {N}(p *mixed, v string, i *impl) { p.p = i; p.s = v }", ["string"]),
    ("func {N}(p *mixed, v string, i *impl) { p.p = i; p.n = 7; p.t = v }", ["string"]),
    ("func {N}(p, q *mixed) { p.s = q.s }", ["string"]),
    ("func {N}(p, q *mixed) { p.s, p.t = q.t, q.s }", ["string", "string"]),
    ("func {N}(p, q *mixed) { p.l = q.l }", ["slice"]),
    ("func {N}(p, q *mixed) { p.e = q.e }", ["interface"]),
    ("func {N}(p *[]int, n int) { *p = append(*p, n) }", ["append"]),
    ("func {N}(p *mixed, n int) { p.l = append(p.l, n) }", ["append"]),
    ("func {N}(p *mixed, n ...int) { p.l = append(p.l, n...) }", ["slice"]),
    ("func {N}(p *[]*impl, i *impl) { *p = append(*p, i) }", ["append"]),
    ("func {N}(p *[]string, v string) { *p = append(*p, v) }", ["append", "string"]),
    ("func {N}(p *[]int) { *p = nil }", ["slice"]),
    ("func {N}(p *speaker) { *p = nil }", ["interface"]),
    ("func {N}(s []string, v string) { for i := range s { s[i] = v } }", ["string"]),
    ("func {N}(p *mixed, v string) { for ; p != nil; p = (*mixed)(nil) { p.t = v } }", ["string"]),
    ("func {N}(p *mixed, v string, b bool) { if b { p.s = v } else { p.t = v } }", ["string", "string"]),
    ("func {N}(p, q *mixed, v string, b bool) { if b { p = q }; getImpl(); p.s = v }", ["string"]),
    ("func {N}(p *mixed, v string) { getImpl(); getSlice(); p.t = v }", ["string"]),
    ("func {N}(p **string, v string) { **p = v }", ["string"]),
    ("func {N}(p *struct{ a int; s []string }, i int, v string) { p.s[i] = v }", ["string"]),
    ("func {N}(p []struct{ a int; s string; b, c int }, i int, v string) { p[i].s = v }", ["string"]),
    ("func {N}(p *[2][3]struct{ a int; s string }, i, k int, v string) { p[i][k].s = v }", ["string"]),
    ("func {N}(p *texts, v, w string) { *p = texts{v, w} }", ["string", "string"]),
    ("func {N}(p *holds, s *impl, e error) { *p = holds{s, e} }", ["interface"]),
    ("func {N}(p, q *texts) { *p = *q }", ["string", "string"]),
    ("func {N}(p, q *numbered) { *p = *q }", ["string"]),
    ("func {N}(p *[2]numbered, i int, v string) { p[i] = numbered{i, v} }", ["string"]),
    ("func {N}(p *mixed, v, w string, k speaker, l []int) { p.s = v; p.t = w; p.e = k; p.l = l }",
     ["interface", "slice", "string", "string"]),
    ("func {N}(p *mixed, v string) { p.n++; p.s = v; p.n++ }", ["string"]),
    ("func {N}(p *mixed, v string) { p.s = v; p.l[0] = len(v) }", ["string"]),
    ("func {N}(p *mixed, v []byte) { p.t = string(v) }", ["string"]),
    ("func {N}(p *mixed, n int) { if n > 3 { p.s = \"more\" }; p.n = n }", ["string"]),
    ("func {N}(p *mixed, v interface{}) { p.e = v.(speaker) }", ["interface"]),
    ("func {N}(p *mixed, v interface{}) { if s, ok := v.(string); ok { p.s = s } }", ["string"]),
    ("func {N}(c chan string, p *mixed) { p.s = <-c }", ["string"]),
    ("func {N}(m map[string]string, p *mixed) { p.t = m[p.s] }", ["string"]),
    ("func {N}(p *mixed, a, b, c, d, e, f, g, h string) { getImpl(); p.s = h; getImpl(); p.t = a }",
     ["string", "string"]),
    ("func {N}(p *mixed) (err error) { defer func() { p.s = fmt.Sprint(err) }(); getImpl(); return nil }", []),
    ("func {N}(p *mixed, f func() string) { p.s = f() }", ["string"]),
    ("func {N}(p *mixed, s speaker) { p.s, p.n = getString(), s.speak() }", ["string"]),
    ("func {N}(p *mixed, v string) { p.p.next(p).s = v }\n"
     "//go:noinline\nfunc (i *impl) next(p *mixed) *mixed { return p }", ["string"]),
    ("func {N}(l []mixed, v string) { for i := range l { l[i].t = v } }", ["string"]),
    ("func {N}(l []*mixed, v string) { for _, p := range l { p.t = v } }", ["string"]),
    ("func {N}(p *mixed, i int, v string) { switch i { case 1: p.s = v; case 2: p.t = v; case 3: p.n = i } }",
     ["string", "string"]),
    # nothing of several words
    ("func {N}(p *plain, i *impl) { p.p = i }", []),
    ("func {N}(p *plain, i *impl, n int) { p.before = n; p.p = i }", []),
    ("func {N}(p *plain, i *impl, n int) { p.after = n; p.p = i }", []),
    ("func {N}(p *plain, i *impl, n int) { p.p = i; p.after = n; p.before = n }", []),
    ("func {N}(p *plain, i *impl, n int) { p.before = n; p.after = n; p.p = i }", []),
    ("func {N}(p *plain, i, k *impl) { p.p = i; p.q = k }", []),
    ("func {N}(p *plain, i *impl, u uintptr) { p.u = u; p.q = i }", []),
    ("func {N}(p *plain, i *impl, f float64) { p.f = f; p.q = i; p.u = 3 }", []),
    ("func {N}(p *plain, m map[int]int) { p.f = 0.5; p.m = m }", []),
    ("func {N}(p *plain, c chan int) { p.c = c; p.fn = nil }", []),
    ("func {N}(p *plain, f func()) { p.fn = f; p.small = 3 }", []),
    ("func {N}(p *plain, i *impl) { p.array[0] = i; p.array[1] = i }", []),
    ("func {N}(p *plain, i *impl, k int) { p.array[k] = i }", []),
    ("func {N}(p *plain) { p.p = nil; p.before = 0; p.after = 0 }", []),
    ("func {N}(i *impl, n int) { plainVar.after = n; plainVar.p = i }", []),
    ("func {N}(i *impl) { implVar = i }", []),
    ("func {N}(s []*impl, k int, i *impl) { s[k] = i }", []),
    ("func {N}(s []*impl, i *impl) { s[0] = i; s[1] = i; s[2] = i }", []),
    ("func {N}(s []struct{ n int; p *impl }, k int, i *impl) { s[k].n = k; s[k].p = i }", []),
    ("func {N}(s []struct{ p *impl; n int }, k int, i *impl) { s[k].n = k; s[k].p = i }", []),
    ("func {N}(s []struct{ p *impl; n, m int }, k int, i *impl) { s[k].n = k; s[k].m = k; s[k].p = i }", []),
    ("func {N}(n int) { getPlain().after = n; getPlain().p = two }", []),
    ("func {N}(p **impl) { *p = getImpl() }", []),
    ("func {N}(p *plain, n int) { p.next().after = n; p.next().p = two }\n"
     "//go:noinline\nfunc (p *plain) next() *plain { return p }", []),
    ("func {N}(c chan string, v string) { c <- v }", []),
    ("func {N}(c chan string) string { return <-c }", []),
    ("func {N}(to, from []string) { copy(to, from) }", []),
    ("func {N}(p *[]int, n int) { *p = (*p)[:n] }", []),
    ("func {N}(p *[]int, n int) { (*p)[n] = n }", []),
    ("func {N}(v string) int { var t [2]string; t[len(v)&1] = v; return len(t[0]) }", []),
    ("func {N}(v string) string { s := v + v; getImpl(); return s + s }", []),
    ("func {N}(m map[string]int, k string) { m[k] = 3 }", []),
    ("func {N}(m map[string]*impl, k string) { m[k] = two }", []),
    ("func {N}(n int) []int { s := make([]int, n); for i := range s { s[i] = i }; return s }", []),
    ("func {N}(n int) []int { var s []int; for i := 0; i < n; i++ { s = append(s, i) }; return s }", []),
    ("func {N}(p *struct{ n, m int }, q *struct{ n, m int }) { *p = *q }", []),
    ("func {N}(p *struct{ i *impl; n int }, q *struct{ i *impl; n int }) { *p = *q }", []),
    ("func {N}(p *struct{ n int; i *impl }, i *impl) { *p = struct{ n int; i *impl }{4, i} }", []),
    ("func {N}(p *struct{ n int; i, k *impl }, i *impl) { p.n = 1; p.i = i; p.k = i }", []),
]


# Closures: the code, what the function itself stores, what the closure does. A variable that they share is moved
# to the heap by one store of 16 bytes, or two.
CLOSURES = [
    ("func {N}(v string) func(string) { return func(w string) { v = w } }", [], ["string"]),
    ("func {N}(v []int) func([]int) { return func(w []int) { v = w } }", ["slice"], ["slice"]),
    ("func {N}(v speaker) func(speaker) { return func(w speaker) { v = w } }", [], ["interface"]),
    ("func {N}(p *mixed) func(string) { return func(w string) { p.s = w } }", [], ["string"]),
    ("func {N}(p *impl) func(*impl) { return func(w *impl) { p = w } }", [], []),
]

# The types of one kind, and their variables.
TYPES = """type {S} struct {
	a    int
	f    {T}
	next *{S}
	b    int
	g    {T}
}

type {S}Outer struct {
	x, y int
	{S}
	z    *int
	in   {S}
	list []{T}
}

var {S}Var {T}
var {S}Struct {S}
var {S}Pointer = new({S})
var {S}Array [8]{T}

//go:noinline
func fetch{S}() *{S} { return {S}Pointer }
"""


class Program:
    """The source, what each function stores, and what the memory is called."""

    def __init__(self):
        self.stores, self.names, self.text, self.uses = {}, {}, [HEAD], []
        for kind, (type_, values) in KINDS.items():
            struct = kind.capitalize()
            put = lambda text: text.replace("{T}", type_).replace("{S}", struct)
            self.text.append(put(TYPES))
            for place, (params, target, name) in PLACES.items():
                for i, value in enumerate(values):
                    more = "v, w %s, size int, text string, bytes []byte" % type_
                    code = "func {N}(%s) {\n\t%s = %s\n}" % (
                        ", ".join(p for p in (put(params), more) if p), put(target), value)
                    func = self.add("%s%s%d" % (kind, place, i), code, [REPORTED.get(kind, kind)])
                    self.names[func] = put(name)
        for i, (code, stores) in enumerate(MORE):
            self.add("more%d" % i, code, stores)
        for i, (code, stores, inner) in enumerate(CLOSURES):
            self.stores[self.add("closure%d" % i, code, stores) + ".func1"] = inner
        self.text += ["var all = []interface{}{", *self.uses, "}", MAIN]
        self.source = "\n".join(self.text)

    def add(self, name, code, stores):
        self.text.append("//go:noinline\n" + code.replace("{N}", name) + "\n")
        self.uses.append("\t%s," % name)
        self.stores["main." + name] = stores
        return "main." + name
