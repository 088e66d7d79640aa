// ask makes calls whose arguments, results and durations it knows, and counts for a list of
// expressions how many of them each is true for. It writes that list to the file named by
// $ASK_EXPECT: the test asks goshawk the same.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"
)

type User struct {
	Name string
	Age  uint8
	Next *User
	Home *Address
}

type Address struct {
	Street string
	Geo    [2]float64
	Zip    int32
}

type Store struct {
	Keys map[string]int
	Hits []int
}

// Age is that of all users together, each of whom is there by name.
//
//go:noinline
func age(users map[string]User, lists map[string][]string) (sum int) {
	for _, u := range users {
		sum += int(u.Age)
	}
	return sum + len(lists)
}

var sizes = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17, 20, 22, 23, 24, 27, 30, 60, 120, 240, 450, 700, -1}

// People grow to 23, which no map is still growing for, or are more from the beginning; and there are none.
func people(n int) (users map[string]User, lists map[string][]string) {
	size := sizes[n%len(sizes)]
	if size < 0 {
		return nil, nil
	}
	users, lists = map[string]User{}, map[string][]string{}
	if size > 23 {
		users, lists = make(map[string]User, size+8), make(map[string][]string, size+8)
	}
	lists["list-X"] = []string{"x"}
	for i := 0; i < size; i++ {
		name := fmt.Sprint("user-", 10+i)
		users[name] = User{Name: strings.ToUpper(name), Age: uint8(i)}
		lists[fmt.Sprint("list-", i)] = strings.Fields(strings.Repeat(name+" ", i%3))
	}
	for i := 0; i < n%7; i++ { // deleted keys are there no more
		name := fmt.Sprint("gone-", 10+i)
		users[name] = User{Age: 99}
		delete(users, name)
	}
	return users, lists
}

//go:noinline
func either(v interface{}) bool { return v != nil }

// Pair has what looks like a map's directory of one table (Go 1.24).
type Pair struct {
	A, B int
	Of   *User
	One  int
}

// Maps of two types, whose elements lie at other places, and no map.
func held(n int) interface{} {
	switch n % 3 {
	case 0:
		return map[string]int{"first": -1, "second": n}
	case 1:
		return map[string]User{"first": {Age: 255}, "second": {Age: uint8(n)}}
	}
	return &Pair{Of: &User{Name: strings.Repeat("name", 9), Age: uint8(n)}, One: 1}
}

// A question: what is asked where names are known, and where only shapes are ("" where it can't be),
// and for how many calls it is true. Unreadable counts those where it can't be computed.
type question struct {
	Func       string `json:"func"`
	Expr       string `json:"expr"`
	Shape      string `json:"shape"`
	Count      int    `json:"count"`
	Unreadable int    `json:"unreadable"`
}

type call struct {
	n    int
	s    string
	u    *User
	tags map[string]int
	err  error
	wait time.Duration
	x    float64
	b    bool
	low  int8
}

const calls = 200

//go:noinline
func probe(n int, s string, u *User, tags map[string]int, err error, wait time.Duration, x float64, b bool,
	low int8) (sum int, out error) {
	if wait > 0 {
		time.Sleep(wait)
	}
	if n%10 == 9 {
		return -n, fmt.Errorf("probe %d: %w", n, fs.ErrExist)
	}
	return n + len(s), err
}

// Get is kept with its types by reflection, so even a stripped program knows them.
//
//go:noinline
func (s *Store) Get(key string, u *User, more ...int) (int, bool) {
	if len(more) > 0 {
		s.Hits = append(s.Hits, more[0])
	}
	v, ok := s.Keys[key]
	return v, ok
}

//go:noinline
func middle(c *call) (int, error) { return leaf(c) }

// Inlined into middle: its caller is the real one all the same.
func leaf(c *call) (int, error) {
	return probe(c.n, c.s, c.u, c.tags, c.err, c.wait, c.x, c.b, c.low)
}

//go:noinline
func cleanup(n int) int { return n * 2 }

//go:noinline
func fail(n int) {
	defer func() { _ = recover() }()
	defer func() { cleanup(n) }()
	if n%3 == 0 {
		panic("third")
	}
}

func (c *call) String() string { return c.s }

func make_(i int) *call {
	c := &call{n: i, s: fmt.Sprintf("key-%d", i%25), x: float64(i) / 4, b: i%2 == 0, low: int8(i - 100)}
	c.u = &User{Name: strings.Repeat("n", i%7), Age: uint8(i)}
	if i%3 != 0 {
		c.u.Next = &User{Name: "next of " + c.s, Age: uint8(i / 2)}
		c.u.Next.Home = &Address{Street: "street", Geo: [2]float64{1, float64(i)}, Zip: int32(-i)}
	}
	if i%4 != 0 {
		c.tags = map[string]int{}
		for k := 0; k < i%5; k++ {
			c.tags[fmt.Sprint(k)] = k
		}
	}
	switch i % 6 {
	case 1:
		c.err = &fs.PathError{Op: "open", Path: c.s, Err: fs.ErrNotExist}
	case 2:
		c.err = errors.New("plain")
	}
	if i%100 == 7 {
		c.wait = 30 * time.Millisecond
	}
	return c
}

func has(c *call, name string) bool {
	return c.err != nil && reflect.TypeOf(c.err).String() == name
}

func main() {
	type test struct {
		question
		of func(c *call) (yes, unreadable bool)
	}
	yes := func(f func(c *call) bool) func(*call) (bool, bool) {
		return func(c *call) (bool, bool) { return f(c), false }
	}
	q := func(expr, shape string) question { return question{Func: "main.probe", Expr: expr, Shape: shape} }
	tests := []test{
		{q(`n > 150`, `arg0 > 150`), yes(func(c *call) bool { return c.n > 150 })},
		{q(`n%7 == 3 && b`, ``), yes(func(c *call) bool { return c.n%7 == 3 && c.b })},
		{q(`low < -90`, ``), yes(func(c *call) bool { return c.low < -90 })},
		{q(`x >= 12.5 && x < 20`, ``), yes(func(c *call) bool { return c.x >= 12.5 && c.x < 20 })},
		{q(`s == "key-7"`, `arg1 == "key-7"`), yes(func(c *call) bool { return c.s == "key-7" })},
		{q(`s != "key-7" && n < 40`, `arg1 != "key-7" && arg0 < 40`),
			yes(func(c *call) bool { return c.s != "key-7" && c.n < 40 })},
		{q(`has_prefix(s, "key-1")`, `has_prefix(arg1, "key-1")`),
			yes(func(c *call) bool { return strings.HasPrefix(c.s, "key-1") })},
		{q(`contains(s, "-2")`, `contains(arg1, "-2")`), yes(func(c *call) bool { return strings.Contains(c.s, "-2") })},
		{q(`len(s) == 5`, `len(arg1) == 5`), yes(func(c *call) bool { return len(c.s) == 5 })},
		{q(`s[4] == '2' || n == 3`, ``), yes(func(c *call) bool { return c.s[4] == '2' || c.n == 3 })},
		{q(`u.Age > 100`, ``), yes(func(c *call) bool { return c.u.Age > 100 })},
		{q(`u.Next.Age >= 30`, ``), func(c *call) (bool, bool) {
			return c.u.Next != nil && c.u.Next.Age >= 30, c.u.Next == nil
		}},
		{q(`u.Next != nil && u.Next.Name == "next of key-4"`, ``),
			yes(func(c *call) bool { return c.u.Next != nil && c.u.Next.Name == "next of key-4" })},
		{q(`u.Next != nil && u.Next.Home.Zip < -100 && u.Next.Home.Geo[1] > 120`, ``),
			yes(func(c *call) bool {
				return c.u.Next != nil && c.u.Next.Home.Zip < -100 && c.u.Next.Home.Geo[1] > 120
			})},
		{q(`u.Next == nil`, ``), yes(func(c *call) bool { return c.u.Next == nil })},
		{q(`len(tags) == 2`, ``), yes(func(c *call) bool { return len(c.tags) == 2 })},
		{q(`tags == nil`, ``), yes(func(c *call) bool { return c.tags == nil })},
		{q(`err != nil`, ``), yes(func(c *call) bool { return c.err != nil })},
		{q(`err.(*fs.PathError).Op == "open"`, ``), yes(func(c *call) bool { return has(c, "*fs.PathError") })},
		{q(`err.(type) == "*fs.PathError"`, ``), yes(func(c *call) bool { return has(c, "*fs.PathError") })},
		{q(`err.(type) == nil`, ``), yes(func(c *call) bool { return c.err == nil })},
		{q(`wait > 1ms`, ``), yes(func(c *call) bool { return c.wait > time.Millisecond })},
		{q(`duration >= 30ms`, `duration >= 30ms`), yes(func(c *call) bool { return c.wait > 0 })},
		{q(`caller == "main.leaf"`, `caller == "main.leaf"`), yes(func(c *call) bool { return true })},
		{q(`caller == "main.middle"`, `caller == "main.middle"`), yes(func(c *call) bool { return false })},
		{q(`1000 / (n - 20) == 100`, `1000 / (arg0 - 20) == 100`), func(c *call) (bool, bool) {
			return c.n != 20 && 1000/(c.n-20) == 100, c.n == 20
		}},
		{q(`n > 50 && !(n > 60 || s == "key-5")`, `arg0 > 50 && !(arg0 > 60 || arg1 == "key-5")`),
			yes(func(c *call) bool { return c.n > 50 && !(c.n > 60 || c.s == "key-5") })},
	}
	results := []test{
		{q(`sum < 0`, ``), yes(func(c *call) bool { return c.n%10 == 9 })},
		{q(`out.(type) == "*fmt.wrapError" && n > 100`, ``), yes(func(c *call) bool { return c.n%10 == 9 && c.n > 100 })},
		{q(`out != nil || duration > 20ms`, ``), yes(func(c *call) bool { return c.err != nil || c.n%10 == 9 || c.wait > 0 })},
	}
	get := func(expr, shape string) question {
		return question{Func: "main.(*Store).Get", Expr: expr, Shape: shape}
	}
	gets := []test{
		{get(`key == "1"`, `arg0 == "1"`), yes(func(c *call) bool { return c.n%5 == 1 })},
		{get(`len(more) > 1 && more[1] > 150`, `len(arg2) > 1 && arg2[1] > 150`),
			yes(func(c *call) bool { return c.n%2 == 1 && c.n > 150 })},
		{get(`u.Next != nil && u.Next.Home.Zip == -50`, `arg1.Next != nil && arg1.Next.Home.Zip == -50`),
			yes(func(c *call) bool { return c.n == 50 })},
		{get(`len(s.Keys) == 3`, `len(recv.Keys) == 3`), yes(func(c *call) bool { return true })},
		{get(`u.Next.Age > 200`, `arg1.Next.Age > 200`), func(c *call) (bool, bool) { return false, c.u.Next == nil }},
	}
	by := func(expr string) question { return question{Func: "main.age", Expr: expr} }
	size := func(c *call) int { return sizes[c.n%len(sizes)] }
	ages := []test{
		{by(`users["user-10"].Age == 0`), func(c *call) (bool, bool) { return size(c) > 0, size(c) <= 0 }},
		{by(`users["user-17"].Age == 7`), func(c *call) (bool, bool) { return size(c) > 7, size(c) <= 7 }},
		{by(`users["user-32"].Name == "USER-32"`), func(c *call) (bool, bool) { return size(c) > 22, size(c) <= 22 }},
		{by(`users["user-700"].Age == 178`), func(c *call) (bool, bool) { return size(c) > 690, size(c) <= 690 }},
		{by(`users["gone-10"].Age == 99`), func(c *call) (bool, bool) { return false, true }},
		{by(`lists["list-4"][0] == "user-14"`), func(c *call) (bool, bool) { return size(c) > 4, size(c) <= 4 }},
		{by(`lists["list-3"][0] == "user-13"`), func(c *call) (bool, bool) { return false, true }},
		{by(`len(users) > 20 && lists["list-5"][1] == lists["list-5"][0]`),
			yes(func(c *call) bool { return size(c) > 20 })},
		{by(`lists["list-X"][0] == "x"`), func(c *call) (bool, bool) { return size(c) >= 0, size(c) < 0 }},
	}
	eithers := []test{
		{question{Func: "main.either", Expr: `v.(type) == "map[string]main.User" && v.(map[string]main.User)["second"].Age > 180 ||
			v.(type) == "map[string]int" && v.(map[string]int)["second"] > 150 ||
			v.(type) == "*main.Pair" && v.(*main.Pair).Of.Age > 120`},
			yes(func(c *call) bool { return c.n > [3]int{150, 180, 120}[c.n%3] })},
	}
	all := append(append(append(append([]test{}, tests...), results...), gets...), append(ages, eithers...)...)
	panics := question{Func: "main.cleanup", Expr: "panicking", Shape: "panicking"}

	s := &Store{Keys: map[string]int{"1": 1, "2": 2, "3": 3}}
	if len(os.Args) > 5 {
		reflect.ValueOf(s).MethodByName(os.Args[5]).Call(nil)
	}
	for i := 0; i < calls; i++ {
		c := make_(i)
		middle(c)
		if i%2 == 1 {
			s.Get(fmt.Sprint(i%5), c.u, i, i)
		} else {
			s.Get(fmt.Sprint(i%5), c.u)
		}
		age(people(i))
		either(held(i))
		fail(i)
		if i%3 == 0 {
			panics.Count++
		}
		for k := range all {
			yes, unreadable := all[k].of(c)
			if yes {
				all[k].Count++
			}
			if unreadable {
				all[k].Unreadable++
			}
		}
	}
	list := []question{panics}
	for _, t := range all {
		list = append(list, t.question)
	}
	text, err := json.Marshal(list)
	if err == nil && os.Getenv("ASK_EXPECT") != "" {
		err = os.WriteFile(os.Getenv("ASK_EXPECT"), text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
