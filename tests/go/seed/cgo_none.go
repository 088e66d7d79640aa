//go:build !cgoseed
// +build !cgoseed

package main

func cgoCalls() {}
