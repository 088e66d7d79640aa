// A server as plain as one can be, who asks it, and a collector that takes everything: for bench.py.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve prints its address, and ends with its input.
func serve(h http.Handler) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(l, h)) }()
	fmt.Println(l.Addr())
	io.Copy(io.Discard, os.Stdin)
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"path":%q,"hello":"world"}`, r.URL.Path)
}

var rooms = sync.Pool{New: func() any { room := make([]byte, 256<<10); return &room }}

// A collector is a machine of its own, so this one takes as little of the processors as it can: few reads, nothing is looked at.
func collect(w http.ResponseWriter, r *http.Request) {
	room := rooms.Get().(*[]byte)
	for err := error(nil); err == nil; {
		_, err = r.Body.Read(*room)
	}
	rooms.Put(room)
}

// ask prints how many requests were answered in that time, and how long the middle one and one in a hundred took, in ns.
// Each connection asks again when it has its answer, but no more often than every `pause`; they begin one behind the other.
func ask(address string, connections int, d, pause time.Duration) {
	var wait sync.WaitGroup
	took := make([][]time.Duration, connections)
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	end := time.Now().Add(d)
	for i := range took {
		wait.Add(1)
		go func() {
			defer wait.Done()
			time.Sleep(pause * time.Duration(i) / time.Duration(connections))
			for began := time.Now(); began.Before(end); began = time.Now() {
				answer, err := client.Get("http://" + address + "/hello/" + strconv.Itoa(i))
				check(err)
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				took[i] = append(took[i], time.Since(began))
				time.Sleep(pause - time.Since(began))
			}
		}()
	}
	wait.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	fmt.Println(len(all), all[len(all)/2].Nanoseconds(), all[len(all)*99/100].Nanoseconds())
}

func main() {
	switch os.Args[1] {
	case "serve":
		http.HandleFunc("/hello/", hello)
		serve(http.DefaultServeMux)
	case "collect":
		serve(http.HandlerFunc(collect))
	case "ask":
		connections, err := strconv.Atoi(os.Args[3])
		check(err)
		d, err := time.ParseDuration(os.Args[4])
		check(err)
		pause, err := time.ParseDuration(os.Args[5])
		check(err)
		ask(os.Args[2], connections, d, pause)
	}
}
