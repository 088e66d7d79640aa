//go:build !splits
// +build !splits

package tool

//go:nosplit
func Syscall() { calls++ }
