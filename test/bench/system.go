package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// system is one thing to measure: the host itself, a runtime with a platform, or runc.
type system struct {
	name  string   // the column
	argv  []string // the runtime with its global flags; none: the host
	ours  bool     // it is the runsc of this repository
	plain bool     // runc: containers only, no sandbox
}

const (
	native = "native"
	runc   = "runc"
)

// runc is the host's runc, if it has one.
func (b *bench) runc() (system, bool) {
	path, err := exec.LookPath(runc)
	return system{name: runc, plain: true, argv: []string{path, "--root=" + filepath.Join(b.dir, "runc")}}, err == nil
}

// systems returns what is to be measured, the host first.
func (b *bench) systems() []system {
	all := []system{{name: native}}
	root := "--root=" + filepath.Join(b.dir, "state")
	for _, p := range b.platforms {
		all = append(all, system{name: p, ours: true, argv: []string{b.runsc, root, "--network=none", "--platform=" + p}})
	}
	if b.peer != "" {
		for _, p := range b.platforms {
			all = append(all, system{name: "peer/" + p, argv: []string{b.peer, root + "-peer", "--network=none", "--platform=" + p}})
		}
	}
	return all
}

// timeout bounds everything that is run.
const timeout = 5 * time.Minute

// command makes a command that dies with its whole group when it takes too long.
func command(dir string, argv ...string) (*exec.Cmd, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	return cmd, cancel
}

// output runs a program of the host's file system on s, in a directory, and returns what it
// prints. In a sandbox what it writes stays in memory.
func (s system) output(dir string, argv ...string) (string, error) {
	if s.argv != nil {
		argv = append(append(append([]string{}, s.argv...), "do", "-cwd", dir), argv...)
	}
	cmd, cancel := command(dir, argv...)
	defer cancel()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %s: %w: %s", s.name, filepath.Base(argv[len(argv)-1]), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// parse reads "name nanoseconds" lines.
func parse(out string) map[string]float64 {
	values := map[string]float64{}
	for line := range strings.Lines(out) {
		name, number, ok := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(number, 64); ok && err == nil {
			values[name] = v
		}
	}
	return values
}

// calls measures the costs of calls with one program on all systems, in turn.
func (b *bench) calls() error {
	program := filepath.Join(b.dir, "calls")
	wanted := false
	for _, r := range callRows {
		wanted = wanted || b.only.MatchString(r.name)
	}
	if err := b.compile(program); err != nil || !wanted {
		return err
	}
	// Rows one by one if some are left out, else all in one process.
	sets := [][]string{{program}}
	if b.only.String() != "" {
		sets = nil
		for _, r := range callRows {
			if b.only.MatchString(r.name) {
				sets = append(sets, []string{program, "-only", r.id})
			}
		}
	}
	for round := range b.rounds {
		for _, s := range b.systems() {
			b.progress("calls, round %d of %d: %s", round+1, b.rounds, s.name)
			for _, argv := range sets {
				out, err := s.output(b.dir, argv...)
				if err != nil {
					return err
				}
				b.results.addAll(s.name, parse(out))
			}
		}
	}
	return nil
}

// spin keeps every processor busy until stop is called.
func (b *bench) spin() (stop func(), err error) {
	program := filepath.Join(b.dir, "spin")
	if err := b.compile(program); err != nil {
		return nil, err
	}
	// The spinners die with the thread that has started them.
	runtime.LockOSThread()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var all []*exec.Cmd
	stop = func() {
		for _, cmd := range all {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	for cpu := range len(set) * 64 {
		if !set.IsSet(cpu) {
			continue
		}
		cmd := exec.Command(program, "-spin", strconv.Itoa(cpu))
		if err := cmd.Start(); err != nil {
			stop()
			return nil, err
		}
		all = append(all, cmd)
	}
	return stop, nil
}

// compile builds calls.c.
func (b *bench) compile(to string) error {
	source := to + ".c"
	if err := os.WriteFile(source, []byte(callsC), 0o644); err != nil {
		return err
	}
	out, err := exec.Command("gcc", "-O2", "-static", "-pthread", "-o", to, source).CombinedOutput()
	if err != nil {
		return fmt.Errorf("gcc calls.c: %w: %s", err, out)
	}
	return nil
}

// progress tells on standard error what is going on.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
