// gosym prints what Go's own debug packages read from a binary: a line of JSON for each function, with
// its entry, the file and line of the code there, and the line of its declaration where DWARF has it.
package main

import (
	"bufio"
	"debug/dwarf"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
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
	Decl    int64  `json:"decl"`
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
	if start := textStart(table); start != 0 {
		text = start
	}
	declared := declarations(f)
	t, err := gosym.NewTable(nil, gosym.NewLineTable(table, text))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	for i := range t.Funcs {
		fn := &t.Funcs[i]
		file, line, _ := t.PCToLine(fn.Entry)
		if err := enc.Encode(function{fn.Name, fn.Entry, file, line, declared[fn.Entry]}); err != nil {
			return err
		}
	}
	return out.Flush()
}

// textStart is the start of Go's text as the tables of 1.18 to 1.25 have it: 0 in others, and where
// the loader fills it in.
func textStart(table []byte) uint64 {
	if len(table) < 32 {
		return 0
	}
	if magic := binary.LittleEndian.Uint32(table); magic != 0xfffffff0 && magic != 0xfffffff1 {
		return 0
	}
	return binary.LittleEndian.Uint64(table[24:])
}

// declarations maps entries to lines of declarations.
func declarations(f *elf.File) map[uint64]int64 {
	lines := map[uint64]int64{}
	d, err := f.DWARF()
	if err != nil {
		return lines
	}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil || e == nil {
			return lines
		}
		pc, ok := e.Val(dwarf.AttrLowpc).(uint64)
		line, has := e.Val(dwarf.AttrDeclLine).(int64)
		if origin, is := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset); is && !has {
			at := d.Reader()
			at.Seek(origin)
			if o, err := at.Next(); err == nil && o != nil {
				line, has = o.Val(dwarf.AttrDeclLine).(int64)
			}
		}
		if e.Tag == dwarf.TagSubprogram && ok && has {
			lines[pc] = line
		}
	}
}
