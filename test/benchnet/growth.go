package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// growth measures the memory of a sandbox before and after many connections, and its CPU while they idle.
func (b *bench) growth() error {
	for _, s := range b.systems {
		if s.name == "runc" {
			continue
		}
		if b.short > 0 {
			if err := b.shortLived(s); err != nil {
				return err
			}
		}
		if b.hold > 0 {
			if err := b.held(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortLived opens and closes connections in rounds; the memory is to be the same after each but the first.
func (b *bench) shortLived(s *system) error {
	fmt.Printf("%s: %.1f MB before\n", s.name, s.memory()/1e6)
	const rounds = 5
	for i := range rounds {
		out, err := command(30*time.Minute, b.dir+"/share/load", "crr", s.ip, "0", fmt.Sprint(b.short/rounds))
		if err != nil {
			return err
		}
		fmt.Printf("%s: %.1f MB after %d connections, %s a second\n", s.name, s.memory()/1e6, b.short/rounds*(i+1), strings.TrimSpace(out))
	}
	time.Sleep(65 * time.Second) // TIME_WAIT
	fmt.Printf("%s: %.1f MB a minute later\n", s.name, s.memory()/1e6)
	return nil
}

// held opens connections and looks at the memory and the CPU of the sandbox while nothing happens.
func (b *bench) held(s *system) error {
	before := s.memory()
	cmd := exec.Command(b.dir+"/share/load", "hold", s.ip, fmt.Sprint(b.hold))
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer in.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("%s: %d connections: %w: %s", s.name, b.hold, err, line)
	}
	time.Sleep(2 * time.Second)
	after := s.memory()
	fmt.Printf("%s: %d connections, %.1f kB each\n", s.name, b.hold, (after-before)/float64(b.hold)/1e3)
	start := s.ticks()
	time.Sleep(5 * time.Second)
	fmt.Printf("%s: %.2f %% of a CPU while they idle\n", s.name, float64(s.ticks()-start)/5)
	return nil
}

// memory is what the processes of a system use, in bytes (PSS).
func (s *system) memory() (sum float64) {
	time.Sleep(500 * time.Millisecond)
	for _, pid := range descendants(s.run.Process.Pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				v, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				sum += v * 1024
			}
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
