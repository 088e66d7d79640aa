// wider serves a request that a worker does something for, with a context that is more than one: what is known of its type
// becomes a context.Context only when the program runs.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
)

type named interface {
	context.Context
	Name() string
}

type session struct {
	name string
	context.Context
}

func (s *session) Name() string { return s.name }

//go:noinline
func begin(ctx context.Context) named { return &session{"one", ctx} }

type job struct {
	ctx  context.Context
	path string
	done chan bool
}

func get(ctx context.Context, url string) {
	q, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		panic(err)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		panic(err)
	}
	r.Body.Close()
}

func main() {
	jobs := make(chan job)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	go func() { // in no request
		for j := range jobs {
			get(j.ctx, server.URL+j.path)
			j.done <- true
		}
	}()
	mux.HandleFunc("/back/", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/front", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(begin(r.Context()))
		defer cancel()
		for path, ctx := range map[string]context.Context{"/back/itself": begin(r.Context()), "/back/around": ctx} {
			j := job{ctx, path, make(chan bool)}
			jobs <- j
			<-j.done
		}
	})
	get(context.Background(), server.URL+"/front")
	server.Close()
	fmt.Println("done")
}
