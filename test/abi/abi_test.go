// Package abi compares the sandbox with Linux. Its folders hold small C programs, one area of
// behaviour each, that print what they observe. Every program runs on the host and in the
// sandbox on every platform; output and exit status must be the same.
//
//	go test ./test/abi -run TestHost                 the programs themselves: they pass here and do not waver
//	go test ./test/abi -run TestOracle/futex         one area in the sandbox
//	go test ./test/abi -run TestOracle/futex/wake    one program
//
// RUNSC_PLATFORMS names the platforms (default "ptrace,systrap", separated by commas or spaces), RUNSC
// the runsc to test (default ../../bin/runsc), RUNSC_FLAGS flags for it, RUNSC_ABI_DIR the
// directory inside in which programs run (default /tmp), RUNSC_ABI_TIMEOUT the seconds a program
// may take (default 20).
package abi

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A program is one C file.
type program struct {
	area, name string
	source     string // path of the C file
	binary     string // path of what was made of it
	allowed    int    // milliseconds it may take
	pendingOn  string // the platforms that do not pass it yet
}

// path is where the program lies inside the root.
func (p *program) path() string { return "/abi/" + p.area + "/" + p.name }

// programs lists those that the -run flag asks for, by area and name.
func programs(t *testing.T) []*program {
	sources, err := filepath.Glob("*/*.c")
	if err != nil {
		t.Fatal(err)
	}
	var list []*program
	for _, source := range sources {
		area, file := filepath.Split(source)
		p := &program{area: filepath.Clean(area), name: strings.TrimSuffix(file, ".c"), source: source}
		if p.area != "driver" && wanted(1, p.area) && wanted(2, p.name) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		t.Skip("-run names no program")
	}
	return list
}

// wanted reports whether element n of the -run flag matches.
func wanted(n int, name string) bool {
	elements := strings.Split(flag.Lookup("test.run").Value.String(), "/")
	if n >= len(elements) {
		return true
	}
	re, err := regexp.Compile(elements[n])
	return err != nil || re.MatchString(name)
}

// setup compiles the programs and runs them on the host, once for all tests.
var setup struct {
	sync.Once
	list []*program
	root *root
	host results
	err  error
}

func prepare(t *testing.T) ([]*program, *root, results) {
	setup.Do(func() {
		setup.list = programs(t)
		if dir := os.Getenv("RUNSC_ABI_PREPARED"); dir != "" {
			setup.root, setup.host, setup.err = prepared(dir, setup.list)
			return
		}
		if setup.root, setup.err = build(setup.list); setup.err == nil {
			setup.host, setup.err = runHost(setup.root, setup.list)
		}
	})
	if setup.err != nil {
		t.Fatal(setup.err)
	}
	return setup.list, setup.root, setup.host
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if setup.root != nil {
		setup.root.remove()
	}
	os.Exit(code)
}

// address matches a pointer that was printed.
var address = regexp.MustCompile(`0x[57][0-9a-f]{9,}`)

// TestHost checks the programs: on the host each ends with 0, soon, and says the same again.
func TestHost(t *testing.T) {
	list, root, first := prepare(t)
	second, err := runHost(root, list)
	if err != nil {
		t.Fatal(err)
	}
	each(t, list, func(t *testing.T, p *program) {
		a, b := first[p.path()], second[p.path()]
		switch {
		case a.status != "exit:0" || a.output == "":
			t.Errorf("%s:\n%s", a.status, a.output)
		case a.status != b.status || a.output != b.output:
			t.Errorf("two runs differ: %s and %s\n%s", a.status, b.status, diff(a.output, b.output))
		case min(a.ms, b.ms) > p.allowed:
			t.Errorf("takes %d ms", a.ms)
		case address.MatchString(a.output):
			t.Errorf("prints an address:\n%s", a.output)
		default:
			t.Logf("%d ms\n%s", a.ms, a.output)
		}
	})
}

// TestOracle compares the sandbox with the host.
func TestOracle(t *testing.T) {
	list, root, host := prepare(t)
	list = withoutPending(t, list)
	names := os.Getenv("RUNSC_PLATFORMS")
	if names == "" {
		names = "ptrace,systrap"
	}
	platforms := strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' })
	inside := map[string]results{}
	for _, platform := range platforms {
		r, err := runSandbox(t, root, list, platform)
		if err != nil {
			t.Errorf("%s: %v", platform, err)
		}
		inside[platform] = r
	}
	same, all := 0, 0
	each(t, list, func(t *testing.T, p *program) {
		want := host[p.path()]
		for _, platform := range platforms {
			if slices.Contains(strings.Fields(p.pendingOn), platform) {
				t.Logf("%s: not compared, it does not pass yet (pending.txt)", platform)
				continue
			}
			all++
			got, ran := inside[platform][p.path()]
			switch {
			case !ran:
				t.Errorf("%s: did not run", platform)
			case got.status == "crash" || got.status == "hang":
				t.Errorf("%s: the whole sandbox: %s\n%s", platform, got.status, got.note)
			case got.status != want.status || got.output != want.output:
				t.Errorf("%s: %s (host: %s); - host, + sandbox\n%s", platform, got.status, want.status, diff(want.output, got.output))
			default:
				same++
			}
		}
	})
	t.Logf("%d of %d programs behave as on the host", same, all)
}

// withoutPending leaves out the programs that pending.txt lists: those that the sandbox does not
// pass yet, on any platform or on those that the line names. They are run with RUNSC_PENDING=1, or when -run names them. A name without a program
// is an error, so that the list only shrinks.
func withoutPending(t *testing.T, list []*program) []*program {
	text, err := os.ReadFile("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	pending := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, platform, one := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name[0] == '#' {
			continue
		}
		if pending[name] = "all"; one {
			pending[name] = platform
		}
		if _, err := os.Stat(name + ".c"); err != nil {
			t.Errorf("pending.txt names %s, which is no program", name)
		}
	}
	if os.Getenv("RUNSC_PENDING") != "" || strings.Count(flag.Lookup("test.run").Value.String(), "/") >= 1 {
		return list
	}
	var ready []*program
	for _, p := range list {
		if on := pending[p.area+"/"+p.name]; on != "all" {
			p.pendingOn = on
			ready = append(ready, p)
		}
	}
	t.Logf("%d of %d programs are not run: the sandbox does not pass them yet (pending.txt)", len(list)-len(ready), len(list))
	return ready
}

// each runs a subtest per program, grouped by area.
func each(t *testing.T, list []*program, f func(*testing.T, *program)) {
	for len(list) > 0 {
		n := 0
		for n < len(list) && list[n].area == list[0].area {
			n++
		}
		group := list[:n]
		t.Run(group[0].area, func(t *testing.T) {
			for _, p := range group {
				t.Run(p.name, func(t *testing.T) { f(t, p) })
			}
		})
		list = list[n:]
	}
}

// diff shows two texts line by line: "- " only in a, "+ " only in b, with two lines around.
func diff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(x)*len(y) > 4<<20 {
		return fmt.Sprintf("(%d and %d lines)\n", len(x), len(y))
	}
	common := make([][]int, len(x)+1) // of the rest of x and the rest of y
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var lines []string
	for i, j := 0, 0; i < len(x) || j < len(y); {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			lines = append(lines, "  "+x[i])
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			lines = append(lines, "- "+x[i])
			i++
		default:
			lines = append(lines, "+ "+y[j])
			j++
		}
	}
	return around(lines)
}

// around keeps the marked lines and two on either side.
func around(lines []string) string {
	var out strings.Builder
	gap := false
	for i := range lines {
		near := false
		for j := max(0, i-2); j <= min(len(lines)-1, i+2); j++ {
			near = near || lines[j][0] != ' '
		}
		if near {
			if gap {
				out.WriteString("  ...\n")
			}
			out.WriteString(lines[i] + "\n")
		}
		gap = !near
	}
	return out.String()
}
