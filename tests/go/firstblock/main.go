// firstblock reads Go sources and prints, for each function with a body, its name, the line of its `func`,
// and where the first block of its body begins, as a coverage profile names it: at the brace, or from
// 1.27 on at the first statement.
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
	File  string `json:"file"` // the base name
	Line  int    `json:"line"`
	Name  string `json:"name"`  // "F", "T.M", "(*T).M"; empty for a closure
	Block string `json:"block"` // "LINE.COLUMN" of the brace
	First string `json:"first"` // of the first statement; empty if there is none
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
			var body *ast.BlockStmt
			name := ""
			switch n := n.(type) {
			case *ast.FuncDecl:
				body, name = n.Body, nameOf(n)
			case *ast.FuncLit:
				body = n.Body
			}
			if body != nil {
				f := function{File: filepath.Base(path), Line: files.Position(n.Pos()).Line, Name: name,
					Block: place(files, body.Lbrace)}
				if len(body.List) > 0 {
					f.First = place(files, body.List[0].Pos())
				}
				enc.Encode(f)
			}
			return true
		})
	}
}

func place(files *token.FileSet, at token.Pos) string {
	p := files.Position(at)
	return fmt.Sprintf("%d.%d", p.Line, p.Column)
}

// nameOf is the name behind the package, as the linker has it.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	pointer, is := t.(*ast.StarExpr)
	if is {
		t = pointer.X
	}
	switch g := t.(type) {
	case *ast.IndexExpr:
		t = g.X
	case *ast.IndexListExpr:
		t = g.X
	}
	receiver := t.(*ast.Ident).Name
	if is {
		receiver = "(*" + receiver + ")"
	}
	return receiver + "." + f.Name.Name
}
