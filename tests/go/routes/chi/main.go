// A server of chi: the answer is the pattern that chi itself says, in a header.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	web "MODULE"
)

func said(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Route", web.RouteContext(r.Context()).RoutePattern())
}

func handler() http.Handler {
	m := web.NewRouter()
	m.Get("/plain", said)
	m.Get("/users/{id}", said)
	m.Post("/posted/{id}", said)
	m.Route("/api/{version:[a-z0-9]+}", func(m web.Router) {
		m.Get("/files/*", said)
	})
	m.Get("/panics/{id:[0-9]+}", func(w http.ResponseWriter, r *http.Request) {
		said(w, r)
		w.WriteHeader(500)
	})
	return m
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	h := handler()
	mux.Handle("/cut/", http.StripPrefix("/cut", h))
	mux.Handle("/", h)
	go http.Serve(l, mux)
	fmt.Println("ready", os.Getpid(), l.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
