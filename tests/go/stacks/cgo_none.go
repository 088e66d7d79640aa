//go:build !cgoseed

package main

func callsBack() {}
