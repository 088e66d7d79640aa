// asks is who asks the servers of bench.py, and the collector that they send their spans to.
//
//	asks collect                          prints its address, and ends with its input
//	asks turns KIND A B CONNECTIONS N     asks two servers by turns; prints how many each has answered, N lines
//	asks pace KIND A CONNECTIONS D PAUSE  prints how many were answered in that time, and how long the middle one and one in a
//	                                      hundred took, in ns
//
// KIND: http and grpc ask by Go's own clients, raw-http and raw-grpc with as little work as can be.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	check(err)
	return n
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	check(err)
	return d
}

// Connection i to a server: each call asks once, and waits for the answer.
var kinds = map[string]func(address string, i int) func(){
	"http": goHTTP, "grpc": goGRPC, "raw-http": rawHTTP, "raw-grpc": rawGRPC,
}

func connect(kind, address string, connections int) []func() {
	asks := make([]func(), connections)
	for i := range asks {
		asks[i] = kinds[kind](address, i)
	}
	return asks
}

// In a turn, what is answered at first does not count: who looks at the server before may have something left to do.
const uncounted, counted = 30 * time.Millisecond, 100 * time.Millisecond

func turn(asks []func()) int64 {
	var wait sync.WaitGroup
	var n atomic.Int64
	from := time.Now().Add(uncounted)
	to := from.Add(counted)
	for _, ask := range asks {
		wait.Go(func() {
			for now := time.Now(); now.Before(to); now = time.Now() {
				ask()
				if now.After(from) {
					n.Add(1)
				}
			}
		})
	}
	wait.Wait()
	return n.Load()
}

// Each connection asks again when it has its answer, but no more often than every `pause`; they begin one behind the other.
func pace(asks []func(), d, pause time.Duration) {
	var wait sync.WaitGroup
	took := make([][]time.Duration, len(asks))
	end := time.Now().Add(d)
	for i, ask := range asks {
		wait.Go(func() {
			time.Sleep(pause * time.Duration(i) / time.Duration(len(asks)))
			for began := time.Now(); began.Before(end); began = time.Now() {
				ask()
				took[i] = append(took[i], time.Since(began))
				time.Sleep(pause - time.Since(began))
			}
		})
	}
	wait.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	fmt.Println(len(all), all[len(all)/2].Nanoseconds(), all[len(all)*99/100].Nanoseconds())
}

func main() {
	switch what, args := os.Args[1], os.Args[2:]; what {
	case "collect":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		fmt.Println(l.Addr())
		go collect(l)
		io.Copy(io.Discard, os.Stdin)
	case "turns":
		a, b := connect(args[0], args[1], number(args[3])), connect(args[0], args[2], number(args[3]))
		turn(a) // they connect
		turn(b)
		for range number(args[4]) {
			fmt.Println(turn(a), turn(b))
		}
	case "pace":
		pace(connect(args[0], args[1], number(args[2])), duration(args[3]), duration(args[4]))
	}
}
