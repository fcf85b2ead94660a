// Bench measures what the sandbox costs and prints it beside the host's own figures, in one run:
// start-up, memory and CPU of an idle sandbox, calls, and whole programs. `make bench` runs it.
//
//	go run ./test/bench -runsc bin/runsc -platforms ptrace,systrap [-only REGEXP] [-json] [-busy]
//
// With -busy a process spins on each processor while calls and programs are measured, on the host as in
// the sandboxes; then a call that goes to the sentry has a target of its own.
//
// PEER_RUNSC names the binary of another runtime with the same command line, which is then
// measured too. The machine is shared with whatever else runs: trust the ratios.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// options is the command line.
type options struct {
	runsc, peer string
	platforms   []string
	only        *regexp.Regexp
	rounds      int
	json        bool
	noPrograms  bool
	check       bool
	busy        bool
}

func parseOptions() (*options, error) {
	o := &options{peer: os.Getenv("PEER_RUNSC")}
	platforms := flag.String("platforms", "ptrace", "platforms to measure, separated by commas or spaces")
	only := flag.String("only", "", "measure the rows that match this regular expression")
	flag.StringVar(&o.runsc, "runsc", "bin/runsc", "the binary to measure")
	flag.IntVar(&o.rounds, "rounds", 3, "how often the whole is repeated; the median counts")
	flag.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flag.BoolVar(&o.noPrograms, "no-programs", false, "leave whole programs out")
	flag.BoolVar(&o.check, "check", false, "exit with 1 if a row misses its target")
	flag.BoolVar(&o.busy, "busy", false, "measure calls and programs with every processor kept busy")
	flag.Parse()
	for name := range strings.FieldsFuncSeq(*platforms, func(r rune) bool { return r == ',' || r == ' ' }) {
		o.platforms = append(o.platforms, name)
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	if o.runsc, err = filepath.Abs(o.runsc); err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.runsc); err != nil {
		return nil, fmt.Errorf("no runsc to measure, run make first: %w", err)
	}
	return o, nil
}

func main() {
	missed, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if missed {
		os.Exit(1)
	}
}

// run measures everything; missed tells whether -check found a target missed.
func run() (missed bool, err error) {
	o, err := parseOptions()
	if err != nil {
		return false, err
	}
	if os.Getuid() != 0 {
		return false, fmt.Errorf("containers need root")
	}
	// What a runtime leaves running becomes a child of ours, where it can be counted.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "runsc-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		killChildren()
		os.RemoveAll(dir)
		os.Exit(1)
	}()

	b := &bench{options: o, dir: dir, results: newTable(o)}
	if err := b.measure(); err != nil {
		return false, err
	}
	if o.json {
		err = b.results.writeJSON(os.Stdout)
	} else {
		err = b.results.write(os.Stdout)
	}
	return o.check && b.results.missed(), err
}

// measure takes all figures.
func (b *bench) measure() error {
	steps := []func() error{b.containers, b.calls, b.programs}
	if b.busy {
		stop, err := b.spin()
		if err != nil {
			return err
		}
		defer stop()
		steps = steps[1:]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// bench is one run of the tool.
type bench struct {
	*options
	dir     string // scratch, removed at the end
	results *table
}
