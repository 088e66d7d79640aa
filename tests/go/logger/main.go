// logger is the program of the first field report: goroutines that log through one shared logger object
// of go-zero, which keeps the parts of a line in string fields of that object.
//
//	logger shared|global [SECONDS [GOROUTINES [DEPTH]]]
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tal-tech/go-zero/core/logx"
)

// What JSON escapes is passed on in pieces, and a piece of a torn string is a pointer that the collector
// meets.
var texts = []string{
	"short",
	"<&>",
	strings.Repeat(`a "quoted" word, `, 300),
	strings.Repeat("<tag> & ", 40),
	strings.Repeat("plain text ", 1000),
}

// deep logs from far down a stack that grows and is copied.
//
//go:noinline
func deep(n int, log func()) int {
	var room [64]byte
	if n == 0 {
		log()
		return int(room[0])
	}
	room[n%64] = byte(n)
	return deep(n-1, log) + int(room[n%64])
}

type setting struct {
	name, value string
	at          time.Time
}

var current setting

func number(i, or int) int {
	if i >= len(os.Args) {
		return or
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	seconds, goroutines, depth := number(2, 60), number(3, 5), number(4, 0)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	out := os.Stdout
	os.Stdout, os.Stderr = null, null
	logx.MustSetup(logx.LogConf{ServiceName: "logger", Mode: "console"})
	shared := logx.WithContext(context.Background())
	for i := 0; i < goroutines; i++ {
		go func(i int) {
			for n := i; ; n++ {
				text := texts[n%len(texts)] + fmt.Sprint(n)
				deep(depth, func() {
					if n%2 == 0 {
						shared.Infof("%s", text)
					} else {
						shared.Errorf("%s", text)
					}
				})
			}
		}(i)
	}
	if os.Args[1] == "global" { // one writes, many read
		go func() {
			for n := 0; ; n++ {
				current = setting{texts[n%len(texts)], fmt.Sprint(n), time.Now()}
				time.Sleep(time.Millisecond)
			}
		}()
		for i := 0; i < goroutines; i++ {
			go func() {
				for {
					c := current
					shared.Info(c.name, c.value, c.at)
					time.Sleep(time.Millisecond)
				}
			}()
		}
	}
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		time.Sleep(200 * time.Microsecond)
		runtime.GC()
	}
	fmt.Fprintln(out, "lived")
}
