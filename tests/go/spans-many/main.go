// spans-many N: sends itself N requests, which are all under way at once, and says how many came without traceparent.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	var here, without int64
	all := make(chan bool)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("traceparent") == "" {
			atomic.AddInt64(&without, 1)
		}
		if atomic.AddInt64(&here, 1) == int64(n) {
			close(all)
		}
		<-all
	}))
	var w sync.WaitGroup
	for i := 0; i < n; i++ {
		w.Add(1)
		go func() {
			defer w.Done()
			a, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				panic(err)
			}
			a.Body.Close()
		}()
	}
	w.Wait()
	fmt.Println(n, "without:", without)
}
