//go:build splits
// +build splits

package tool

func Syscall() { deeper(calls) }

//go:noinline
func deeper(n int) {
	calls = n + 1
}
