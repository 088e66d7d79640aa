// A server as plain as one can be, which sends nothing: for bench.py.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"path":%q,"hello":"world"}`, r.URL.Path)
}

// It prints its address, and ends with its input.
func main() {
	http.HandleFunc("/hello/", hello)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go http.Serve(l, nil)
	fmt.Println(l.Addr())
	io.Copy(io.Discard, os.Stdin)
}
