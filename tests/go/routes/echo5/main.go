// A server of echo: the answer is the pattern that echo itself says, in a header.
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
	e := web.New()
	said := func(c *web.Context) error {
		c.Response().Header().Set("Route", c.Path())
		return nil
	}
	e.GET("/plain", said)
	e.GET("/users/:id", said)
	e.POST("/posted/:id", said)
	api := e.Group("/api/:version")
	api.GET("/files/*", said)
	e.GET("/panics/:id", func(c *web.Context) error {
		said(c)
		return web.NewHTTPError(http.StatusInternalServerError, "sorry")
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
