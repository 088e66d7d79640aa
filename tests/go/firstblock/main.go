// firstblock reads Go sources and prints, for each function with a body, the line of its `func` and
// where the first block of its body begins, as a coverage profile names it.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
)

type function struct {
	File    string `json:"file"` // the base name
	Line    int    `json:"line"`
	Block   string `json:"block"` // "LINE.COLUMN"
	Closure bool   `json:"closure"`
	Empty   bool   `json:"empty"` // nothing in it: no counter
}

func main() {
	enc := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			fmt.Fprintln(os.Stderr, "firstblock:", err)
			os.Exit(1)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var at token.Pos
			var body *ast.BlockStmt
			closure := false
			switch n := n.(type) {
			case *ast.FuncDecl:
				at, body = n.Pos(), n.Body
			case *ast.FuncLit:
				at, body, closure = n.Pos(), n.Body, true
			}
			if body != nil {
				b := files.Position(body.Lbrace)
				enc.Encode(function{filepath.Base(path), files.Position(at).Line,
					fmt.Sprintf("%d.%d", b.Line, b.Column), closure, len(body.List) == 0})
			}
			return true
		})
	}
}
