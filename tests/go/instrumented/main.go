// instrumented is a service that asks itself for one page, makes it in a goroutine, and ends. tests/others.py has it
// built by the tool of a field report, in a release that had the fault and in one that has the cure.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func greeting(name string) chan string {
	to := make(chan string)
	go func() { to <- "hello " + name }()
	return to
}

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, <-greeting(r.URL.Query().Get("name")))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, nil)
	answer, err := http.Get("http://" + listener.Addr().String() + "/hello?name=gopher")
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Status, string(text))
	os.Exit(0)
}
