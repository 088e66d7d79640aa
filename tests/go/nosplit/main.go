// nosplit calls assembly that never checks the stack. With the tag "over" it calls through a register what needs more
// than there is below it, which Go's linker does not see.
package main

import "fmt"

func top()    // calls little
func little() // a small frame
func large()  // a large one

func main() {
	top()
	little()
	large()
	fmt.Println("done")
}
