package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
)

func goHTTP(address string, i int) func() {
	client := http.Client{Transport: &http.Transport{}}
	url := fmt.Sprintf("http://%s/hello/%d", address, i)
	return func() {
		answer, err := client.Get(url)
		check(err)
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}

// An answer comes in one piece, and ends with the brace of its body.
func rawHTTP(address string, i int) func() {
	c, err := net.Dial("tcp", address)
	check(err)
	asked := fmt.Appendf(nil, "GET /hello/%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: asks\r\nAccept-Encoding: gzip\r\n\r\n", i, address)
	room := make([]byte, 4096)
	return func() {
		_, err := c.Write(asked)
		check(err)
		n, err := c.Read(room)
		check(err)
		if !bytes.HasPrefix(room[:n], []byte("HTTP/1.1 200 ")) || room[n-1] != '}' {
			check(fmt.Errorf("no answer: %q", room[:n]))
		}
	}
}
