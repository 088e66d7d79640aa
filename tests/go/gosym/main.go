// gosym prints what Go's own debug/gosym reads from a binary: a line of JSON for each function, with
// its entry and the file and line of that.
package main

import (
	"bufio"
	"debug/elf"
	"debug/gosym"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type function struct {
	Name    string `json:"name"`
	Address uint64 `json:"address"`
	File    string `json:"file"`
	Line    int    `json:"line"`
}

func main() {
	if err := list(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gosym:", err)
		os.Exit(1)
	}
}

func list(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	var table []byte
	var text uint64
	for _, s := range f.Sections {
		if strings.HasSuffix(s.Name, ".gopclntab") {
			if table, err = s.Data(); err != nil {
				return err
			}
		}
		if s.Name == ".text" {
			text = s.Addr
		}
	}
	// Where C code comes first, Go's text is not where the section begins.
	symbols, _ := f.Symbols()
	for _, s := range symbols {
		if s.Name == "runtime.text" {
			text = s.Value
		}
	}
	t, err := gosym.NewTable(nil, gosym.NewLineTable(table, text))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	for i := range t.Funcs {
		fn := &t.Funcs[i]
		file, line, _ := t.PCToLine(fn.Entry)
		if err := enc.Encode(function{fn.Name, fn.Entry, file, line}); err != nil {
			return err
		}
	}
	return out.Flush()
}
