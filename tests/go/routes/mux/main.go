// A server of gorilla/mux: the answer is the pattern that gorilla/mux itself says, in a header.
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
	route, err := web.CurrentRoute(r).GetPathTemplate()
	if err == nil {
		w.Header().Set("Route", route)
	}
}

func handler() http.Handler {
	m := web.NewRouter()
	m.HandleFunc("/plain", said)
	m.HandleFunc("/users/{id}", said)
	m.HandleFunc("/posted/{id}", said).Methods("POST")
	api := m.PathPrefix("/api/{version:[a-z0-9]+}").Subrouter()
	api.HandleFunc("/files/{rest:.*}", said)
	m.HandleFunc("/panics/{id:[0-9]+}", func(w http.ResponseWriter, r *http.Request) {
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
