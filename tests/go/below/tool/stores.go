//go:build stores
// +build stores

package tool

func Monitor() { last = &ticks }
