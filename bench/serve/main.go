// A server as plain as one can be, who asks it, and a collector that takes everything: for bench.py.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve prints its address, and ends with its input.
func serve(with func(net.Listener) error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(with(l)) }()
	fmt.Println(l.Addr())
	io.Copy(io.Discard, os.Stdin)
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"path":%q,"hello":"world"}`, r.URL.Path)
}

// A collector is a machine of its own, so this one takes as little of the processors as it can: what is sent is not even copied.
func collect(c *net.TCPConn) {
	defer c.Close()
	raw, err := c.SyscallConn()
	check(err)
	room := make([]byte, 1<<20)
	for in := bufio.NewReader(c); ; {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		here, _ := in.Discard(min(int(r.ContentLength), in.Buffered()))
		left := int(r.ContentLength) - here
		err = raw.Read(func(fd uintptr) bool {
			for left > 0 {
				n, _, err := syscall.Recvfrom(int(fd), room[:min(left, len(room))], syscall.MSG_TRUNC)
				if err == syscall.EAGAIN {
					return false
				}
				if err != nil || n == 0 {
					left = 0
					break
				}
				left -= n
			}
			return true
		})
		if _, wrong := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil || wrong != nil {
			return
		}
	}
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
		serve(func(l net.Listener) error { return http.Serve(l, nil) })
	case "collect":
		serve(func(l net.Listener) error {
			for {
				c, err := l.Accept()
				if err != nil {
					return err
				}
				go collect(c.(*net.TCPConn))
			}
		})
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
