// A server of gin: the answer is the pattern that gin itself says, in a header.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	web "MODULE"
)

func handler() http.Handler {
	web.SetMode(web.ReleaseMode)
	e := web.New()
	e.Use(web.Recovery())
	e.HandleMethodNotAllowed = true
	said := func(c *web.Context) { c.Header("Route", c.FullPath()) }
	e.GET("/plain", said)
	e.GET("/users/:id", said)
	e.POST("/posted/:id", said)
	api := e.Group("/api/:version")
	api.GET("/files/*rest", said)
	e.GET("/panics/:id", func(c *web.Context) {
		said(c)
		panic("it recovers")
	})
	return e
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
