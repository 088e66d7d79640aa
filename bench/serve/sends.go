//go:build sends

package main

import (
	"net/http"
	"os"
)

// What could send is there, and is not used.
func init() {
	if len(os.Args) > 1 {
		http.Get(os.Args[1])
	}
}
