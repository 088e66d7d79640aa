//go:build race
// +build race

package main

const many = 5000 // the race detector allows 8128 goroutines at a time
