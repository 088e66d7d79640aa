// racing shares one object between goroutines that write and read a value of several words in it. Each
// does so seldom, so that by itself it lives for minutes; with a delay between the words of the store it
// dies within some milliseconds, each kind in its own way.
//
//	racing string|slice|interface|append [none|mutex|atomic|channel] [SECONDS]
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	writers = 3
	readers = 6
	writing = 20 * time.Millisecond // between two stores
	reading = 10 * time.Millisecond
)

type item struct{ name, of string }

type speaker interface{ speak() int }

type counts struct{ a, b int }
type names struct{ a, b *item }

func (c *counts) speak() int { return c.a + c.b }
func (n *names) speak() int  { return len(n.a.name) + len(n.b.of) }

type object struct {
	padding int
	text    string
	list    []*item
	value   speaker
}

//go:noinline
func (o *object) setText(s string) { o.text = s }

//go:noinline
func (o *object) setList(l []*item) { o.list = l }

//go:noinline
func (o *object) setAppended(full []*item, it *item) { o.list = append(full, it) }

//go:noinline
func (o *object) setValue(v speaker) { o.value = v }

var (
	shared = new(object)
	mutex  sync.Mutex
	boxed  atomic.Value // *object
	posts  = make(chan object, 16)
	kept   [64]atomic.Value
	sum    int64
)

func items(n int) []*item {
	l := make([]*item, n)
	for i := range l {
		l[i] = &item{strings.Repeat("n", 3), strings.Repeat("o", 2)}
	}
	return l
}

func write(kind string, o *object, i int) {
	switch kind {
	case "string":
		if i%2 == 0 {
			o.setText(strings.Repeat("s", 9))
		} else {
			o.setText(strings.Repeat("l", 3000))
		}
	case "slice":
		o.setList(items(1 + i%2*200))
	case "append":
		o.setAppended(items(1+i%2*200), &item{"n", "o"})
	case "interface":
		if i%2 == 0 {
			o.setValue(&counts{i, i})
		} else {
			o.setValue(&names{&item{"n", "o"}, &item{"n", "o"}})
		}
	}
}

func read(kind string, o *object, slot int) int {
	switch kind {
	case "string":
		s := o.text
		if len(s) > 10 {
			kept[slot].Store(s[len(s)-10-slot%4*700:])
		}
		return len(s)
	case "slice", "append":
		n := 0
		for _, it := range o.list {
			n += len(it.name)
		}
		return n
	}
	if v := o.value; v != nil {
		return v.speak()
	}
	return 0
}

func writer(kind, safe string, i int) {
	for ; ; i++ {
		time.Sleep(writing)
		switch safe {
		case "none":
			write(kind, shared, i)
		case "mutex":
			mutex.Lock()
			write(kind, shared, i)
			mutex.Unlock()
		case "atomic":
			o := new(object)
			write(kind, o, i)
			boxed.Store(o)
		case "channel":
			var o object
			write(kind, &o, i)
			posts <- o
		}
	}
}

func reader(kind, safe string, i int) {
	for ; ; i++ {
		n := 0
		switch safe {
		case "none":
			time.Sleep(reading)
			n = read(kind, shared, i%len(kept))
		case "mutex":
			time.Sleep(reading)
			mutex.Lock()
			n = read(kind, shared, i%len(kept))
			mutex.Unlock()
		case "atomic":
			time.Sleep(reading)
			if o, _ := boxed.Load().(*object); o != nil {
				n = read(kind, o, i%len(kept))
			}
		case "channel":
			o := <-posts
			n = read(kind, &o, i%len(kept))
		}
		atomic.AddInt64(&sum, int64(n))
	}
}

func argument(i int, otherwise string) string {
	if i < len(os.Args) {
		return os.Args[i]
	}
	return otherwise
}

func main() {
	kind, safe := argument(1, "string"), argument(2, "none")
	seconds, err := strconv.ParseFloat(argument(3, "30"), 64)
	if err != nil {
		panic(err)
	}
	for i := 0; i < writers; i++ {
		go writer(kind, safe, i)
	}
	for i := 0; i < readers; i++ {
		go reader(kind, safe, i*7)
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for time.Now().Before(end) {
		time.Sleep(5 * time.Millisecond)
		runtime.GC()
	}
	fmt.Println("lived", atomic.LoadInt64(&sum) > 0)
}
