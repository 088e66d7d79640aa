// spans-late asks itself, and does not wait for the answer: it has given up before the server has read what it asks.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

type slow struct{ net.Listener }

type reader struct {
	net.Conn
	wait <-chan struct{}
}

func (s slow) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	return reader{c, gaveUp}, err
}

func (r reader) Read(b []byte) (int, error) {
	<-r.wait
	return r.Conn.Read(b)
}

var gaveUp, served = make(chan struct{}), make(chan struct{})

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(slow{l}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(served) }))
	ctx, end := context.WithTimeout(context.Background(), 50*time.Millisecond)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+l.Addr().String()+"/late", nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(req); err == nil {
		log.Fatal("an answer")
	}
	end()
	close(gaveUp)
	<-served
	time.Sleep(10 * time.Millisecond)
	fmt.Println("done")
}
