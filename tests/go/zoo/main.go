// zoo: ways to die, and what `goshawk explain` is to say of each.
//
// Each case stands in a table with the kind of the diagnosis and the function that it is to name.
// "zoo list" prints the table; "zoo NAME" dies of that.
package main

import (
	"fmt"
	"os"
)

type death struct {
	name, kind, function string
	of                   func()
}

var deaths []death

func add(all ...death) {
	deaths = append(deaths, all...)
}

func main() {
	for _, d := range deaths {
		if os.Args[1] == "list" {
			fmt.Println(d.name, d.kind, d.function)
		} else if os.Args[1] == d.name {
			d.of()
			os.Exit(0)
		}
	}
	if os.Args[1] != "list" {
		os.Exit(3)
	}
}
