//go:build !race
// +build !race

package main

const many = 10000
