// bare imports nothing: for processors that goshawk does not know all of the library would be compiled for it.
package main

func main() {
	println("bare")
}
