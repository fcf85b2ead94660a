package tools

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	maxFile      = 800
	maxFunction  = 100
	maxInterface = 8
	maxProgram   = 100 // lines of an oracle program
)

// TestUnsafe: unsafe only in files named for it, and those only where they must be.
func TestUnsafe(t *testing.T) {
	single := map[string]string{} // packages that may have one such file
	for _, f := range load(t) {
		named := strings.HasSuffix(f.path, "_unsafe.go")
		if named {
			switch {
			case within(f.dir, "platform"):
			case f.dir == "sentry/usermem" || f.dir == "sentry/pages" || f.dir == "abi/linux":
				if single[f.dir] != "" {
					t.Errorf("%s: %s has an unsafe file already", f.path, f.dir)
				}
				single[f.dir] = f.path
			default:
				t.Errorf("%s: no unsafe code in %s", f.path, f.dir)
			}
		}
		for _, imp := range f.imports() {
			if imp == "unsafe" && !named && !f.test {
				t.Errorf("%s imports unsafe: only files named *_unsafe.go do", f.path)
			}
		}
		if strings.Contains(f.text, "\n//go:"+"linkname ") && !named {
			t.Errorf("%s links to another package's insides: only files named *_unsafe.go do", f.path)
		}
	}
}

// TestAssembly: machine code only below platform and in the vDSO.
func TestAssembly(t *testing.T) {
	load(t)
	for _, path := range source.other {
		ext := filepath.Ext(path)
		if strings.HasSuffix(path, "_amd64.h") {
			ext = ".s" // a part of one
		}
		switch ext {
		case ".s", ".S":
			if !within(path, "platform") && !within(path, "sentry/vdso") {
				t.Errorf("%s: assembly only in platform and sentry/vdso", path)
			}
		case ".c", ".cc", ".h":
			if !within(path, "test") {
				t.Errorf("%s: no C outside test", path)
			}
		}
	}
}

// TestSizes: nothing grows beyond what a reader keeps in mind.
func TestSizes(t *testing.T) {
	used := map[string]bool{}
	report := func(name, format string, args ...any) {
		if !sizeExceptions.allowed(t, name, used) {
			t.Errorf("%s: %s; an exception with its reason goes to sizeExceptions in tools/exceptions_test.go", name, fmt.Sprintf(format, args...))
		}
	}
	for _, f := range load(t) {
		if f.lines > maxFile {
			report(f.path, "%d lines, at most %d", f.lines, maxFile)
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunction {
					report(f.path+" "+fn.Name.Name, "%d lines, at most %d", n, maxFunction)
				}
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if i, ok := spec.Type.(*ast.InterfaceType); ok && i.Methods != nil && methods(i) > maxInterface {
					report(f.path+" "+spec.Name.Name, "%d methods, at most %d", methods(i), maxInterface)
				}
			}
			return true
		})
	}
	for _, path := range source.other {
		if strings.HasSuffix(path, ".c") && within(path, "test/abi") && !within(path, "test/abi/driver") {
			text, err := os.ReadFile(filepath.Join(root, path))
			if err != nil {
				t.Error(err)
			}
			if n := strings.Count(string(text), "\n"); n > maxProgram {
				report(path, "%d lines, at most %d", n, maxProgram)
			}
		}
	}
	sizeExceptions.stale(t, "sizeExceptions", used)
}

// methods counts an interface's own methods; those of type constraints do not count.
func methods(i *ast.InterfaceType) (n int) {
	for _, m := range i.Methods.List {
		n += len(m.Names)
	}
	return n
}

// TestHostCalls: the sentry calls the host in platform/host and the platforms, the gofer in its host.go.
// Nobody else even imports the packages that could, but for the exceptions, which may use
// constants and types and still call nothing.
func TestHostCalls(t *testing.T) {
	used := map[string]bool{}
	for _, f := range load(t) {
		gofer := f.dir == "gofer"
		if f.test || !within(f.dir, "sentry") && !gofer || gofer && (f.path == "gofer/host.go" || f.path == "gofer/host_unsafe.go") {
			continue
		}
		for _, imp := range f.imports() {
			if imp != "golang.org/x/sys/unix" && imp != "syscall" {
				continue
			}
			if !hostConstants.allowed(t, f.path, used) {
				t.Errorf("%s imports %s: host calls are in platform/host and gofer/host.go", f.path, imp)
			}
			for _, call := range callsOf(f, filepath.Base(imp)) {
				if !hostCalls.allowed(t, f.path+" "+call, used) {
					t.Errorf("%s calls %s.%s: host calls are in platform/host and gofer/host.go", f.path, filepath.Base(imp), call)
				}
			}
		}
	}
	hostConstants.stale(t, "hostConstants", used)
	hostCalls.stale(t, "hostCalls", used)
}

// callsOf lists the functions of a package that a file calls. Conversions look the same and
// are known by name, as are functions that only compute.
func callsOf(f *file, pkg string) (list []string) {
	conversions := map[string]bool{"Signal": true, "Errno": true, "Mkdev": true, "Major": true, "Minor": true}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg && !conversions[sel.Sel.Name] {
				list = append(list, sel.Sel.Name)
			}
		}
		return true
	})
	return list
}

var (
	link  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence = regexp.MustCompile("(?s)```.*?```")
)

// TestLinks: what the documentation points to is there.
func TestLinks(t *testing.T) {
	pages, _ := filepath.Glob(filepath.Join(root, "docs/*.md"))
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s points to %s, which is not there", page, m[1])
			}
		}
	}
}
