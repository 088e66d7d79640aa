//go:build locks
// +build locks

package tool

func Signal() { timer.Stop() }
