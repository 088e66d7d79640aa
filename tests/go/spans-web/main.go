// spans-web serves on loopback and asks a server of its own; each path carries a number that goes along, so that
// whoever looks at spans can tell which belong together. It ends when its input does; or it asks for the paths that
// are its arguments, and ends then. "tls" as the first argument: it serves HTTP/2 as well.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

var back string

type job struct {
	id   string
	done chan bool
}

var (
	jobs  = make(chan job)
	start sync.Once
)

//go:noinline
func load(id string, level int) error {
	if level == 3 {
		return errors.New("no further")
	}
	return nil
}

func ask(path string) int {
	r, err := http.Get(back + path)
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
	return r.StatusCode
}

func askFor(ctx context.Context, path string) int {
	q, err := http.NewRequestWithContext(ctx, "GET", back+path, nil)
	if err != nil {
		panic(err)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
	return r.StatusCode
}

// Workers that are there before any request, or were started in another one; a job brings its context.
type task struct {
	ctx  context.Context
	path string
	done chan bool
}

func (t task) run() {
	step(t.ctx, t.path)()
	askFor(t.ctx, t.path)
	t.done <- true
}

// What it asks has no context, and what it starts goes on when it has returned.
//
//go:noinline
func step(ctx context.Context, path string) func() {
	left, done := make(chan bool), make(chan bool)
	go func() {
		<-left
		ask("/back/left" + path[len("/back"):])
		close(done)
	}()
	ask("/back/step" + path[len("/back"):])
	return func() {
		close(left)
		<-done
	}
}

var (
	tasks  = make(chan task)
	others = make(chan task)
)

func work(tasks chan task) {
	for t := range tasks {
		t.run()
	}
}

// Contexts of a program's own.
type first struct {
	context.Context
	name string
}

type second struct {
	name string
	*first
}

func (s second) Value(key interface{}) interface{} { return s.first.Value(key) }

// It goes on when the one that it wraps has ended.
type unended struct {
	context.Context
}

func (unended) Done() <-chan struct{} { return nil }
func (unended) Err() error            { return nil }

type key int

var late sync.WaitGroup

// Wraps a context as many times as its number says, in each way that there is.
func wrap(ctx context.Context, times int) (context.Context, func()) {
	all := []func(){}
	for i := 0; i < times; i++ {
		end := func() {}
		switch i % 5 {
		case 0:
			ctx = context.WithValue(ctx, key(i), i)
		case 1:
			ctx, end = context.WithCancel(ctx)
		case 2:
			ctx, end = context.WithTimeout(ctx, time.Hour)
		case 3:
			ctx = first{ctx, "first"}
		case 4:
			ctx = &second{"second", &first{ctx, "in it"}}
		}
		all = append(all, end)
	}
	return ctx, func() {
		for _, end := range all {
			end()
		}
	}
}

func id(r *http.Request) string {
	return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
}

// Goroutines that start goroutines; each asks, and the outer ones are over before the inner ones ask.
func deep(id string, level int, all *sync.WaitGroup) {
	defer all.Done()
	load(id, level)
	if level < 3 {
		all.Add(1)
		go deep(id, level+1, all)
	}
	ask(fmt.Sprintf("/back/deep%d/%s", level, id))
}

func certificate() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/deep/", func(w http.ResponseWriter, r *http.Request) {
		var all sync.WaitGroup
		all.Add(1)
		go deep(id(r), 1, &all)
		all.Wait()
		fmt.Fprintln(w, "deep")
	})
	mux.HandleFunc("/order/", func(w http.ResponseWriter, r *http.Request) {
		done := make(chan bool)
		go func() {
			load(id(r), 1)
			ask("/back/order/" + id(r))
			close(done)
		}()
		<-done
	})
	mux.HandleFunc("/fan/", func(w http.ResponseWriter, r *http.Request) {
		var all sync.WaitGroup
		for i := 0; i < 3; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				ask("/back/fan/" + id(r))
			}()
		}
		ask("/back/fan/" + id(r))
		all.Wait()
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusTeapot) // too late
	})
	mux.HandleFunc("/pool/", func(w http.ResponseWriter, r *http.Request) {
		start.Do(func() { // by the first request that comes; it serves all others, too
			go func() {
				for j := range jobs {
					ask("/back/pool/" + j.id)
					j.done <- true
				}
			}()
		})
		j := job{id(r), make(chan bool)}
		jobs <- j
		<-j.done
	})
	mux.HandleFunc("/ctx/", func(w http.ResponseWriter, r *http.Request) {
		done := make(chan bool)
		ctx, end := wrap(r.Context(), len(id(r))*2)
		defer end()
		for _, to := range []chan task{tasks, others} {
			to <- task{ctx, "/back/ctx/" + id(r), done}
			<-done
		}
		ctx, end = context.WithCancel(context.Background()) // not this request's: so that of its goroutine
		defer end()
		askFor(ctx, "/back/ctx/"+id(r))
		again := r.WithContext(more(r.Context()))
		time.AfterFunc(1, task{again.Context(), "/back/ctx/" + id(r), done}.run)
		<-done
	})
	mux.HandleFunc("/held/", func(w http.ResponseWriter, r *http.Request) { // until the worker is told to end
		go http.Get(back + "/back/held/" + id(r))
		work(others)
	})
	mux.HandleFunc("/release/", func(w http.ResponseWriter, r *http.Request) { close(others) })
	mux.HandleFunc("/late/", func(w http.ResponseWriter, r *http.Request) { // a job for when the request is over
		ctx := r.Context()
		late.Add(1)
		go func() {
			defer late.Done()
			<-ctx.Done()
			http.Get(back + "/back/late/" + id(r))
			askFor(unended{ctx}, "/back/late/"+id(r))
		}()
	})
	mux.HandleFunc("/silent/", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/panic/", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/recovers/", func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			recover()
			http.Error(w, "sorry", http.StatusInternalServerError)
		}()
		panic("it recovers")
	})
	mux.HandleFunc("/refused/", func(w http.ResponseWriter, r *http.Request) {
		l, _ := net.Listen("tcp", "127.0.0.1:0")
		l.Close()
		_, err := http.Get("http://canary:canary@" + l.Addr().String() + "/nobody?token=canary")
		http.Error(w, err.Error()[:3], http.StatusBadGateway)
	})
	mux.HandleFunc("/hijack/", func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(c, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		c.Close()
	})
	go work(tasks)
	mux.HandleFunc("/back/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write([]byte("back"))
	})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	back = "http://" + l.Addr().String()
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	if len(os.Args) > 1 && os.Args[1] == "tls" {
		go (&http.Server{Handler: mux, TLSConfig: certificate()}).ServeTLS(l, "", "")
	} else {
		go http.Serve(l, mux)
		for _, path := range os.Args[1:] {
			ask(path)
		}
		if len(os.Args) > 1 {
			return
		}
	}
	fmt.Println("ready", os.Getpid(), l.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
	late.Wait()
	returned()
}

// returned waits for handlers: whose connection is hijacked has its answer before the handler returns.
func returned() {
	all := make([]byte, 1<<20)
	for i := 0; i < 1000; i++ {
		if !strings.Contains(string(all[:runtime.Stack(all, true)]), "net/http.serverHandler.ServeHTTP(") {
			break
		}
		time.Sleep(time.Millisecond)
	}
}
