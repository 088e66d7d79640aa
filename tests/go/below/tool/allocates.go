//go:build allocates
// +build allocates

package tool

func Signal() { kept = make([]byte, signals+16) }
