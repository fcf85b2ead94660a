// Package tools holds the rules of the house as tests over the source: who may import whom,
// where unsafe code and host calls may be, how long things may get, and that the structs of
// the ABI are laid out as in C. Exceptions stand in exceptions_test.go, each with its reason.
package tools

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root   = ".."
	module = "github.com/seed-7423c386/runsc/"
)

// A file is one Go source file.
type file struct {
	path  string // from the root: sentry/mm/mm.go
	dir   string // sentry/mm
	test  bool
	lines int
	text  string
	ast   *ast.File
	set   *token.FileSet
}

// line is the line of a node.
func (f *file) line(p token.Pos) int { return f.set.Position(p).Line }

// imports lists the import paths.
func (f *file) imports() []string {
	var list []string
	for _, s := range f.ast.Imports {
		if path, err := strconv.Unquote(s.Path.Value); err == nil {
			list = append(list, path)
		}
	}
	return list
}

// within reports whether a path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

var source struct {
	sync.Once
	files []*file
	other []string // paths of all other files
	err   error
}

// load parses the whole tree once.
func load(t *testing.T) []*file {
	t.Helper()
	source.Do(func() {
		set := token.NewFileSet()
		source.err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(root, path)
			switch {
			case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." && rel != ".ci" || rel == "bin" || d.Name() == "testdata"):
				return filepath.SkipDir
			case d.IsDir():
				return nil
			case !strings.HasSuffix(path, ".go"):
				source.other = append(source.other, rel)
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			tree, err := parser.ParseFile(set, path, text, parser.ParseComments)
			if err != nil {
				return err
			}
			source.files = append(source.files, &file{path: rel, dir: filepath.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
				lines: strings.Count(string(text), "\n"), text: string(text), ast: tree, set: set})
			return nil
		})
	})
	if source.err != nil {
		t.Fatal(source.err)
	}
	return source.files
}

// allowed looks a name up in a list of exceptions and notes that it was needed.
type exceptions map[string]string

func (e exceptions) allowed(t *testing.T, name string, used map[string]bool) bool {
	t.Helper()
	reason, ok := e[name]
	if ok && strings.TrimSpace(reason) == "" {
		t.Errorf("the exception for %s has no reason", name)
	}
	if ok {
		used[name] = true
	}
	return ok
}

// stale complains about exceptions that nothing needs any more.
func (e exceptions) stale(t *testing.T, list string, used map[string]bool) {
	t.Helper()
	for name := range e {
		if !used[name] {
			t.Errorf("the exception for %s is not needed any more: remove it from %s in tools/exceptions_test.go", name, list)
		}
	}
}
