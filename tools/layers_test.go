package tools

import (
	"path"
	"strings"
	"testing"
)

// layers is who may import whom, ground first: a package imports only packages of rows above
// its own, never a sibling in its row. A name that ends in /... stands for all below it.
var layers = [][]string{
	{"abi/linux"},
	{"sentry/lock", "sentry/refs", "sentry/state"},
	{"gofer/wire", "platform/host"},
	{"platform/arch", "platform/handoff"},
	{"platform", "platform/cpuid"},
	{"platform/ptrace", "platform/systrap", "platform/kvm", "platform/conformance", "platform/measure"},
	{"sentry/usermem", "sentry/auth", "sentry/clock", "sentry/bpf", "sentry/vdso"},
	{"sentry/wait", "sentry/pages"},
	{"sentry/mm"},
	{"sentry/vfs", "sentry/ipc", "sentry/loader"},
	{"sentry/net/header", "sentry/net/device"},
	{"sentry/net/stack"},
	{"sentry/fs/...", "sentry/net/..."},
	{"sentry/socket"},
	{"sentry/socket/..."},
	{"sentry/socket/hostinet"},
	{"sentry/kernel"},
	{"sentry/fs/proc", "sentry/fs/sys", "sentry/fs/cgroup"},
	{"sentry/syscalls"},
	{"sentry/checkpoint", "gofer"},
	{"sentry/control"},
	{"sentry/boot"},
	{"sentry"},
	{"runsc/..."},
	{"runsc"},
	{"tools/...", "test/..."},
}

// forbidden are imports that the rows would allow. A pattern may end in /... as above.
var forbidden = []struct{ from, to, reason string }{
	{"platform/...", "sentry/...", "the platforms see addresses and registers, nothing of the kernel above"},
	{"gofer/...", "sentry/...", "the gofer knows the file protocol only"},
	{"gofer", "sentry/...", "the gofer knows the file protocol only"},
	{"sentry/kernel", "sentry/fs/...", "the kernel knows no file system by name"},
	{"sentry/kernel", "sentry/socket/...", "the kernel knows no socket family by name"},
	{"sentry/net/...", "sentry/vfs", "the network stack knows neither tasks nor files"},
	{"sentry/syscalls", "platform/ptrace", "only sentry/boot names a platform"},
}

// row is the row of a package; the most exact name counts. It is -1 for an unknown package.
func row(pkg string) int {
	found, length := -1, -1
	for i, names := range layers {
		for _, name := range names {
			if exact := len(strings.TrimSuffix(name, "...")); match(pkg, name) && exact > length {
				found, length = i, exact
			}
		}
	}
	return found
}

// match reports whether a package is a pattern's.
func match(pkg, pattern string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(pkg, dir+"/")
	}
	return pkg == pattern
}

func TestLayers(t *testing.T) {
	used := map[string]bool{}
	for _, f := range load(t) {
		if f.test {
			continue
		}
		mine := row(f.dir)
		if mine < 0 {
			t.Errorf("%s: package %s has no row in the table of tools/layers_test.go", f.path, f.dir)
			continue
		}
		for _, imp := range f.imports() {
			pkg, ours := strings.CutPrefix(imp, module)
			if !ours || layerExceptions.allowed(t, f.dir+" -> "+pkg, used) {
				continue
			}
			for _, r := range forbidden {
				if match(f.dir, r.from) && match(pkg, r.to) {
					t.Errorf("%s imports %s: %s", f.path, pkg, r.reason)
				}
			}
			theirs := row(pkg)
			free := mine == row("runsc/x") && theirs == mine || mine == len(layers)-1 // the command line's own packages; tests
			if theirs >= mine && !free {
				t.Errorf("%s imports %s, which is not in a row above that of %s (tools/layers_test.go)", f.path, pkg, f.dir)
			}
		}
	}
	layerExceptions.stale(t, "layerExceptions", used)
}

// TestDependencies: what an untrusted program can reach links nothing but the standard library and
// golang.org/x/sys, and no C.
func TestDependencies(t *testing.T) {
	used := map[string]bool{}
	for _, f := range load(t) {
		if f.test || !within(f.dir, "sentry") && !within(f.dir, "gofer") && !within(f.dir, "platform") && !within(f.dir, "abi") {
			continue
		}
		for _, imp := range f.imports() {
			first, _, _ := strings.Cut(imp, "/")
			switch {
			case imp == "C":
				t.Errorf("%s uses C", f.path)
			case strings.Contains(first, ".") && !strings.HasPrefix(imp, module) && !within(imp, "golang.org/x/sys"):
				if !dependencies.allowed(t, f.dir+" -> "+imp, used) {
					t.Errorf("%s imports %s", f.path, imp)
				}
			case imp == "os/exec" || imp == "net" || strings.HasPrefix(imp, "net/") && imp != "net/netip" || imp == "plugin":
				t.Errorf("%s imports %s, which opens, starts or connects things by itself", f.path, imp)
			}
		}
	}
	dependencies.stale(t, "dependencies", used)
}

// TestPackageNames: a package is named after what it is, and says so.
func TestPackageNames(t *testing.T) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "base", "lib"}
	documented := map[string]bool{}
	for _, f := range load(t) {
		for _, name := range banned {
			if f.ast.Name.Name == name || path.Base(f.dir) == name {
				t.Errorf("%s: a package called %s says nothing", f.path, name)
			}
		}
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: the package has no comment that says what it is", dir)
		}
	}
}
