// linknamed defines functions inside the runtime, as tools and some modules do. With an argument it has memory that
// may be executed, and waits for the end of its input.
package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	_ "unsafe" // for linkname
)

//go:linkname goroutineLocal runtime.goroutineLocal
//go:noinline
func goroutineLocal() int { return 7 }

//go:linkname TraceContext runtime.SetTraceContextToGLS
//go:noinline
func TraceContext(int) {}

func main() {
	TraceContext(1)
	fmt.Println(goroutineLocal())
	if len(os.Args) > 1 {
		syscall.Mmap(-1, 0, 8192, syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		fmt.Println("waits")
		io.Copy(io.Discard, os.Stdin)
	}
}
