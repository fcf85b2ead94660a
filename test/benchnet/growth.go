package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a sandbox has and uses. Its first line of stacks counts what the sentry itself sees.
type usage struct {
	goroutines, timers, heap int     // heap in kB
	pss, rss                 float64 // bytes
}

func (u usage) String() string {
	return fmt.Sprintf("%d goroutines, %d timers, heap %.1f MB, PSS %.1f MB, RSS %.1f MB", u.goroutines, u.timers, float64(u.heap)/1e3, u.pss/1e6, u.rss/1e6)
}

// usage asks the sandbox.
func (s *system) usage() (u usage, err error) {
	text, err := command(time.Minute, s.command("stacks")...)
	if err != nil {
		return u, err
	}
	if _, err := fmt.Sscanf(text, "%d goroutines, %d timers of the network, %d kB of heap", &u.goroutines, &u.timers, &u.heap); err != nil {
		return u, fmt.Errorf("what stacks says: %w", err)
	}
	u.pss, u.rss = s.memory("Pss:"), s.memory("Rss:")
	return u, nil
}

// What may be more at the end than after the first connections. Connections in TIME_WAIT are kept for a minute, 32768 at
// most.
const (
	moreGoroutines = 8
	moreTimers     = 16
	moreHeap       = 32 << 10 // kB
	mostIdle       = 6e3      // bytes for a connection

	idleTime = 10 * time.Second
	mostBusy = 50 * time.Millisecond // in that: Go's runtime, timers that end, and what the host's bridge asks about groups
)

// growth measures what sandboxes keep of connections; missed tells that one keeps too much.
func (b *bench) growth() (missed bool, err error) {
	for _, s := range b.systems {
		if s.name == "runc" {
			continue
		}
		for _, step := range []struct {
			n   int
			run func(*system) (bool, error)
		}{{b.hold, b.held}, {b.short, b.shortLived}, {b.flood, b.flooded}} {
			if step.n == 0 {
				continue
			}
			bad, err := step.run(s)
			if err != nil {
				return true, err
			}
			missed = missed || bad
		}
	}
	return missed, nil
}

// shows prints what a sandbox has, and reports whether that is too much after it had first.
func (s *system) shows(first *usage, format string, args ...any) (u usage, missed bool, err error) {
	if u, err = s.usage(); err != nil {
		return u, true, err
	}
	fmt.Printf("%s: %s: %v\n", s.name, fmt.Sprintf(format, args...), u)
	if first != nil && (u.goroutines > first.goroutines+moreGoroutines || u.timers > first.timers+moreTimers || u.heap > first.heap+moreHeap) {
		fmt.Printf("%s: it grows\n", s.name)
		missed = true
	}
	return u, missed, nil
}

// rounds is how often shortLived looks.
const rounds = 5

// shortLived opens and closes connections in rounds, to the container and then inside it.
func (b *bench) shortLived(s *system) (missed bool, err error) {
	first, _, err := s.shows(nil, "before")
	if err != nil {
		return true, err
	}
	for _, where := range []string{"from outside", "inside"} {
		for i := range rounds {
			call, ip := command, s.ip
			args := []string{b.dir + "/share/load"}
			if where == "inside" {
				call, ip, args = s.exec, "127.0.0.1", []string{"/share/load"}
			}
			out, err := call(30*time.Minute, append(args, "crr", ip, "0", fmt.Sprint(b.short/rounds))...)
			if err != nil {
				return true, err
			}
			_, bad, err := s.shows(&first, "%d connections %s, %s a second", b.short/rounds*(i+1), where, strings.TrimSpace(out))
			if missed = missed || bad; err != nil {
				return true, err
			}
		}
	}
	return missed, nil
}

// held opens connections, looks at the memory and the CPU of the sandbox while nothing happens, and then whether they
// work.
func (b *bench) held(s *system) (missed bool, err error) {
	before, _, err := s.shows(nil, "before")
	if err != nil {
		return true, err
	}
	var after usage
	var busy bool
	err = b.holding(s, b.hold, func() error {
		after, _, err = s.shows(nil, "%d connections", b.hold)
		if err != nil {
			return err
		}
		time.Sleep(time.Second) // what they began ends
		start := s.cpu()
		time.Sleep(idleTime)
		used := s.cpu() - start
		fmt.Printf("%s: %v of CPU in %v while they idle\n", s.name, used, idleTime)
		busy = used > mostBusy
		return nil
	})
	if err != nil {
		return true, err
	}
	heap := float64(after.heap-before.heap) * 1e3 / float64(b.hold)
	fmt.Printf("%s: %.1f kB a connection, %.1f kB of it heap\n", s.name, (after.pss-before.pss)/float64(b.hold)/1e3, heap/1e3)
	_, bad, err := s.shows(&before, "after %d connections", b.hold)
	return heap > mostIdle || bad || busy, err
}

// holding calls f while n connections are open, and looks whether all work then.
func (b *bench) holding(s *system, n int, f func() error) error {
	cmd := exec.Command(b.dir+"/share/load", "hold", s.ip, fmt.Sprint(n))
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err == nil {
		err = f()
	}
	in.Close()
	rest, _ := io.ReadAll(r)
	if e := cmd.Wait(); e != nil {
		return fmt.Errorf("%s: %d connections: %s%s%w", s.name, n, line, rest, e)
	}
	return err
}

// flooded sends SYNs of which nothing follows, while connections are open, and looks whether these work and others can
// be made.
func (b *bench) flooded(s *system) (missed bool, err error) {
	const held = 100
	first, _, err := s.shows(nil, "before")
	if err != nil {
		return true, err
	}
	err = b.holding(s, held, func() error {
		began := time.Now()
		if _, err := command(10*time.Minute, b.dir+"/share/load", "flood", s.ip, fmt.Sprint(b.flood)); err != nil {
			return err
		}
		took := time.Since(began)
		if _, missed, err = s.shows(&first, "%d SYNs in %.1f s", b.flood, took.Seconds()); err != nil {
			return err
		}
		out, err := command(5*time.Minute, b.dir+"/share/load", "crr", s.ip, "0", "400")
		if err == nil {
			fmt.Printf("%s: new connections, %s a second\n", s.name, strings.TrimSpace(out))
		}
		return err
	})
	return missed, err
}

// memory is what the processes of a system use, in bytes, by a line of smaps_rollup.
func (s *system) memory(line string) (sum float64) {
	for _, pid := range descendants(s.run.Process.Pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		for l := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(l, line); ok {
				v, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				sum += v * 1024
			}
		}
	}
	return sum
}

// cpu is the CPU time that they have used, as the scheduler counts it for each thread.
func (s *system) cpu() (sum time.Duration) {
	for _, pid := range descendants(s.run.Process.Pid) {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, file := range threads {
			text, _ := os.ReadFile(file)
			var ns int64
			fmt.Sscan(string(text), &ns)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// ticks is the CPU time that they have used, in hundredths of a second.
func (s *system) ticks() (sum int) {
	for _, pid := range descendants(s.run.Process.Pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 13 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			sum += user + system
		}
	}
	return sum
}
