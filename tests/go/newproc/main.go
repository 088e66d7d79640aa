// newproc is the service of a field report: a tool has put a call into runtime.newproc1, which hands each new
// goroutine a snapshot of its maker's trace context. Build it with tests/overlay.py; a tag says what the snapshot is:
//
//	instrumented   plain Go code: in a -race build it dies on g0
//	usesmap        //go:norace, but it ranges over a map
//	cured          //go:norace, and no map
//	switched       the same through a type switch
//	waits          it takes a lock, which its maker holds
//	hook           a func value in its place, stored by a setter; instrumented
package main

import (
	"fmt"
	"sync"

	"newproc/snap"
)

func main() {
	snap.Begin()
	var wg sync.WaitGroup
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go wg.Done()
	}
	wg.Wait()
	fmt.Println("served")
}
