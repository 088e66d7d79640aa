// Package expect records what a tracer has to see, computed by the program that is traced: the calls
// of some functions with the exact values (the JSON form of goshawk's values, made by reflection),
// and how often each function was entered and how those calls ended.
package expect

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Value is a parameter or result: what goshawk prints as {"name", "type", "value"}.
type Value struct {
	Name  string      `json:"name"`
	Type  string      `json:"type"`
	Value interface{} `json:"value"`
}

// Call is one call with all its values. Goid is 0 where any goroutine will do.
type Call struct {
	Func    string  `json:"func"`
	Goid    int64   `json:"goid"`
	Args    []Value `json:"args"`
	Results []Value `json:"results"`
}

// Span holds a call's duration between what was measured inside and outside of it.
type Span struct {
	Func    string `json:"func"`
	AtLeast int64  `json:"at_least_ns"`
	AtMost  int64  `json:"at_most_ns"`
	Start   int64  `json:"started_after_unix_ns"`
}

var state struct {
	sync.Mutex
	calls   []Call
	counts  map[string]int64
	ends    map[string]map[string]int64
	callers map[string]map[string]int64
	spans   []Span
}

func init() {
	state.counts = map[string]int64{}
	state.ends = map[string]map[string]int64{}
	state.callers = map[string]map[string]int64{}
}

// Hit counts one entry of a function; the function itself calls it.
func Hit(name string) {
	state.Lock()
	state.counts[name]++
	state.Unlock()
}

// Ends says that n of a function's calls ended otherwise than by an ordinary return.
func Ends(name, end string, n int64) { add(state.ends, name, end, n) }

// Called says that a function's nearest traced caller was `caller` n times.
func Called(name, caller string, n int64) { add(state.callers, name, caller, n) }

func add(m map[string]map[string]int64, name, key string, n int64) {
	state.Lock()
	defer state.Unlock()
	if m[name] == nil {
		m[name] = map[string]int64{}
	}
	m[name][key] += n
}

// Took says how long a call lasted, and when it began.
func Took(s Span) {
	state.Lock()
	state.spans = append(state.spans, s)
	state.Unlock()
}

// Add records a call that was made by other means than Do.
func Add(c Call) {
	state.Lock()
	state.calls = append(state.calls, c)
	state.Unlock()
}

// Of gives a value its static type, so that interfaces are told from what is in them: pass a pointer.
func Of(name string, pointer interface{}) Value {
	v := reflect.ValueOf(pointer).Elem()
	return Value{name, v.Type().String(), encode(v, 0)}
}

// Do calls fn with args and records the call. names lists parameters and results, divided by "|":
// "a b|sum err"; results without names are "ret0", "ret1"... A parameter called "_" is not compared.
func Do(name string, fn interface{}, names string, args ...interface{}) []reflect.Value {
	f := reflect.ValueOf(fn)
	t := f.Type()
	params, results := split(names)
	in := arguments(t, args)
	c := Call{Func: name, Args: []Value{}, Results: []Value{}}
	for i, v := range in {
		c.Args = append(c.Args, Value{params[i], t.In(i).String(), encode(v, 0)})
	}
	at := len(state.calls)
	Add(c)
	var out []reflect.Value
	if t.IsVariadic() {
		out = f.CallSlice(in)
	} else {
		out = f.Call(in)
	}
	for i, v := range out {
		n := fmt.Sprintf("ret%d", i)
		if i < len(results) {
			n = results[i]
		}
		c.Results = append(c.Results, Value{n, t.Out(i).String(), encode(v, 0)})
	}
	state.Lock()
	state.calls[at] = c
	state.Unlock()
	return out
}

func split(names string) (params, results []string) {
	parts := strings.SplitN(names, "|", 2)
	params = strings.Fields(parts[0])
	if len(parts) == 2 {
		results = strings.Fields(parts[1])
	}
	return
}

// arguments gives each argument the parameter's own type; a variadic tail becomes one slice.
func arguments(t reflect.Type, args []interface{}) []reflect.Value {
	var in []reflect.Value
	fixed := t.NumIn()
	if t.IsVariadic() {
		fixed--
	}
	for i := 0; i < fixed; i++ {
		in = append(in, typed(t.In(i), args[i]))
	}
	if t.IsVariadic() {
		tail := reflect.Zero(t.In(fixed))
		for _, a := range args[fixed:] {
			tail = reflect.Append(tail, typed(t.In(fixed).Elem(), a))
		}
		in = append(in, tail)
	}
	return in
}

func typed(t reflect.Type, arg interface{}) reflect.Value {
	v := reflect.New(t).Elem()
	if arg == nil {
		return v
	}
	a := reflect.ValueOf(arg)
	if !a.Type().AssignableTo(t) {
		a = a.Convert(t)
	}
	v.Set(a)
	return v
}

// Goid reads the number of the current goroutine from its own stack trace.
func Goid() int64 {
	var b [64]byte
	text := string(b[:runtime.Stack(b[:], false)])
	n, err := strconv.ParseInt(strings.Fields(text)[1], 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// Write puts everything into the file that SEED_EXPECT names.
func Write() {
	path := os.Getenv("SEED_EXPECT")
	if path == "" {
		return
	}
	state.Lock()
	defer state.Unlock()
	b, err := json.Marshal(map[string]interface{}{
		"release": runtime.Version(),
		"calls":   state.calls,
		"counts":  state.counts,
		"ends":    state.ends,
		"callers": state.callers,
		"spans":   state.spans,
	})
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}
