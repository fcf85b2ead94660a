// Package programs compares the sandbox with Linux by real programs. Its folders hold scripts, one
// program or one trade each, that print what they find. The root file system is made of Debian packages.
// Every script is run in that root on the host (chroot in namespaces of its own) and in the sandbox
// on every platform; output and exit code must be the same.
//
//	go test ./test/programs -run TestHost                      the scripts themselves: they say the same twice
//	go test ./test/programs -run TestPrograms/ptrace/git       one area in the sandbox
//	RUNSC_STRACE=1 go test ./test/programs -run …/git/merge    one script, with its last system calls
//
// RUNSC_PLATFORMS names the platforms (default "systrap,ptrace", separated by commas or spaces), RUNSC
// the runsc to test (default ../../bin/runsc), RUNSC_FLAGS flags for it, RUNSC_PENDING=1 runs the
// scripts of pending.txt too.
//
// A script starts with its interpreter's line. Comments among its first lines change how it is run:
//
//	# seconds: 90     it may take so long on a loaded machine (default 120)
//	# disk            its directory is on the root file system and not on a tmpfs
//	# alone: why      no other script runs at the same time
//	# outside: why    it has two halves, in network namespaces of their own (outside_test.go)
//
// It starts in an empty directory of its own, with standard input empty and standard error joined
// to standard output.
package programs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A script is one row of the table that the folders are.
type script struct {
	name    string // area/file without its ending
	file    string // area/file
	allowed time.Duration
	disk    bool
	alone   bool
	outside bool

	pendingOn []string // the platforms that do not pass it yet
	once      sync.Once
	want      result // on the host
}

var (
	secondsLine = regexp.MustCompile(`(?m)^(?:#|//) seconds: (\d+)$`)
	diskLine    = regexp.MustCompile(`(?m)^(?:#|//) disk$`)
	aloneLine   = regexp.MustCompile(`(?m)^(?:#|//) alone: `)
	outsideLine = regexp.MustCompile(`(?m)^(?:#|//) outside: `)
)

// scripts lists the table.
func scripts() ([]*script, error) {
	files, err := filepath.Glob("*/*")
	if err != nil {
		return nil, err
	}
	var list []*script
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s := &script{file: file, name: strings.TrimSuffix(file, filepath.Ext(file)), allowed: 120 * time.Second}
		if !strings.HasPrefix(string(text), "#!") {
			return nil, fmt.Errorf("%s does not name its interpreter", file)
		}
		if m := secondsLine.FindSubmatch(text); m != nil {
			n, _ := strconv.Atoi(string(m[1]))
			s.allowed = time.Duration(n) * time.Second
		}
		s.disk, s.alone, s.outside = diskLine.Match(text), aloneLine.Match(text), outsideLine.Match(text)
		list = append(list, s)
	}
	return list, nil
}

// setup makes the root file system, once for all tests.
var setup struct {
	sync.Once
	list []*script
	env  *environment
	err  error
}

func prepare(t *testing.T) ([]*script, *environment) {
	t.Helper()
	setup.Do(func() {
		if setup.list, setup.err = scripts(); setup.err == nil {
			setup.env, setup.err = newEnvironment()
		}
	})
	if setup.err != nil {
		t.Fatal(setup.err)
	}
	return setup.list, setup.env
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if setup.env != nil {
		setup.env.remove()
	}
	os.Exit(code)
}

// TestHost checks the scripts: on the host they end with 0 and say the same again. As it takes
// as long as all scripts, it checks those that RUNSC_HOST or -run asks for.
func TestHost(t *testing.T) {
	if os.Getenv("RUNSC_HOST") == "" && !strings.Contains(flag.Lookup("test.run").Value.String(), "TestHost") {
		t.Skip("TestPrograms runs the scripts on the host once; -run TestHost or RUNSC_HOST=1 compares two runs")
	}
	list, env := prepare(t)
	each(t, list, func(t *testing.T, s *script) {
		a, b := env.run(s, hostPlatform), env.run(s, hostPlatform)
		switch {
		case a.status != "exit:0" || a.output == "":
			t.Errorf("%s:\n%s", a.status, tail(a.output, 4000))
		case a.status != b.status || a.output != b.output:
			t.Errorf("two runs differ: %s and %s\n%s", a.status, b.status, diff(a.output, b.output))
		default:
			t.Logf("%.1f s\n%s", a.seconds, a.output)
		}
	})
}

// TestPrograms compares the sandbox with the host.
func TestPrograms(t *testing.T) {
	list, env := prepare(t)
	names := os.Getenv("RUNSC_PLATFORMS")
	if names == "" {
		names = "systrap,ptrace"
	}
	list = withoutPending(t, list)
	for _, platform := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' }) {
		t.Run(platform, func(t *testing.T) {
			each(t, list, func(t *testing.T, s *script) {
				if !slices.Contains(s.pendingOn, platform) {
					compare(t, env, s, platform)
				}
			})
		})
	}
}

// compare runs one script on the host and in the sandbox.
func compare(t *testing.T, env *environment, s *script, platform string) {
	s.once.Do(func() { s.want = env.run(s, hostPlatform) })
	want := s.want
	if want.status != "exit:0" || want.output == "" {
		t.Fatalf("on the host, %s:\n%s", want.status, tail(want.output, 4000))
	}
	got := env.run(s, platform)
	if got.status != want.status || got.output != want.output {
		t.Fatalf("%s (host: %s) after %.1f s (host: %.1f s); - host, + sandbox\n%s\n%s", got.status, want.status,
			got.seconds, want.seconds, tail(diff(want.output, got.output), 6000), got.note)
	}
	t.Logf("%.1f s (host: %.1f s)", got.seconds, want.seconds)
}

// withoutPending leaves out the scripts that pending.txt lists, a reason each: those that the sandbox does not
// pass yet, on any platform or on those that the line names. They are run with RUNSC_PENDING=1, or when -run names
// them. A name without a script is an error.
func withoutPending(t *testing.T, list []*script) []*script {
	text, err := os.ReadFile("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	pending := map[string][]string{} // platforms by name
	for line := range strings.Lines(string(text)) {
		where, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if words := strings.Fields(where); len(words) > 0 && words[0][0] != '#' {
			pending[words[0]] = words[1:]
			fmt.Printf("PENDING %s: %s\n", where, why)
		}
	}
	all := os.Getenv("RUNSC_PENDING") != "" || strings.Count(flag.Lookup("test.run").Value.String(), "/") >= 2
	var ready []*script
	for _, s := range list {
		on, found := pending[s.name]
		delete(pending, s.name)
		if found && !all {
			s.pendingOn = on
		}
		if !found || all || len(on) > 0 {
			ready = append(ready, s)
		}
	}
	for name := range pending {
		t.Errorf("pending.txt names %s, which is no script", name)
	}
	return ready
}

// each runs a subtest per script, grouped by area, side by side but for those that want to be alone.
func each(t *testing.T, list []*script, f func(*testing.T, *script)) {
	for start := 0; start < len(list); {
		area := filepath.Dir(list[start].name)
		end := start
		for end < len(list) && filepath.Dir(list[end].name) == area {
			end++
		}
		group := list[start:end]
		t.Run(area, func(t *testing.T) {
			for _, s := range group {
				t.Run(filepath.Base(s.name), func(t *testing.T) {
					if !s.alone {
						t.Parallel()
					}
					f(t, s)
				})
			}
		})
		start = end
	}
}
