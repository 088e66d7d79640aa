//go:build !allocates && !locks
// +build !allocates,!locks

package tool

func Signal() { signals++ }
