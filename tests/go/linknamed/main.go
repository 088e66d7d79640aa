// linknamed defines a function inside the runtime, as tools and some modules do.
package main

import (
	"fmt"
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
}
