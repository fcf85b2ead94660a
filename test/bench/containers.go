package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// containers measures start-up, memory and idle CPU, with bundles on a busybox root.
func (b *bench) containers() error {
	if !b.only.MatchString(startRow) && !b.only.MatchString(memoryRow) && !b.only.MatchString(idleRow) {
		return nil
	}
	root := filepath.Join(b.dir, "rootfs")
	if out, err := exec.Command("tools/busybox-rootfs", root).CombinedOutput(); err != nil {
		return fmt.Errorf("tools/busybox-rootfs (run from the top of the repository): %w: %s", err, out)
	}
	systems := b.systems()[1:]
	if s, ok := b.runc(); ok {
		systems = append(systems, s)
	}
	if b.only.MatchString(startRow) {
		if err := b.startUp(root, systems); err != nil {
			return err
		}
	}
	if b.only.MatchString(memoryRow) || b.only.MatchString(idleRow) {
		for _, s := range systems {
			if err := b.idle(root, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// startUp times `run` of /bin/true, the systems in turn.
func (b *bench) startUp(root string, systems []system) error {
	bundle, err := b.bundle("true", config{root: root, args: []string{"/bin/true"}})
	if err != nil {
		return err
	}
	const times = 15
	b.progress("start-up, %d × %d", times, len(systems))
	for i := range times {
		for _, s := range systems {
			cmd, cancel := command(bundle, append(s.argv, "run", "--bundle", bundle, fmt.Sprintf("bench-%d-%d", os.Getpid(), i))...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			start := time.Now()
			err := cmd.Run()
			took := time.Since(start)
			cancel()
			if err != nil {
				return fmt.Errorf("%s run: %w: %s", s.name, err, strings.TrimSpace(stderr.String()))
			}
			b.results.add(startRow, s.name, float64(took.Nanoseconds()))
		}
	}
	return nil
}

// config is what differs between bundles. With cwd the root is that of a whole system.
type config struct {
	root string
	args []string
	cwd  string
}

// bundle makes a bundle.
func (b *bench) bundle(name string, c config) (string, error) {
	type object = map[string]any
	dir := filepath.Join(b.dir, "bundle-"+name)
	process := object{"args": c.args, "cwd": "/", "env": []string{"PATH=/bin"}, "user": object{"uid": 0, "gid": 0}}
	mounts := []object{{"destination": "/proc", "type": "proc", "source": "proc"}}
	if c.cwd != "" {
		all := []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"}
		process["cwd"], process["env"] = c.cwd, os.Environ()
		process["capabilities"] = object{"bounding": all, "effective": all, "permitted": all}
		mounts = append(mounts, object{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"})
	}
	text, err := json.Marshal(object{
		"ociVersion": "1.2.0",
		"process":    process,
		"root":       object{"path": c.root},
		"mounts":     mounts,
		"linux":      object{"namespaces": []object{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}}},
	})
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o644)
}

// idle looks at a sandbox whose application sleeps: the memory of its processes, without the
// application's own and without the command line's, and the CPU that they use.
func (b *bench) idle(root string, s system) error {
	if s.plain {
		return nil
	}
	b.progress("memory and idle CPU: %s", s.name)
	bundle, err := b.bundle("sleep-"+strings.ReplaceAll(s.name, "/", "-"), config{root: root, args: []string{"/bin/sleep", "1000"}})
	if err != nil {
		return err
	}
	cmd, cancel := command(bundle, append(s.argv, "run", "--bundle", bundle, fmt.Sprintf("bench-idle-%d", os.Getpid()))...)
	defer cancel()
	if err := cmd.Start(); err != nil {
		return err
	}
	const settle, watch = 2 * time.Second, 3 * time.Second
	time.Sleep(settle)
	before := descendants(cmd.Process.Pid)
	start := ticks(before)
	memory := 0.0
	for _, pid := range before {
		if !traced(pid) {
			memory += pss(pid)
		}
	}
	time.Sleep(watch)
	used := ticks(before) - start
	cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(50 * time.Millisecond)
	for _, pid := range before {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	cmd.Process.Kill()
	cmd.Wait()
	b.deleteContainer(s)
	if memory == 0 {
		return fmt.Errorf("%s: no process found below that of `run`", s.name)
	}
	b.results.add(memoryRow, s.name, memory)
	b.results.add(idleRow, s.name, float64(used)/100/watch.Seconds()*100)
	return nil
}

func (b *bench) deleteContainer(s system) {
	cmd, cancel := command(b.dir, append(s.argv, "delete", "--force", fmt.Sprintf("bench-idle-%d", os.Getpid()))...)
	defer cancel()
	cmd.Run()
}

// descendants returns all processes below pid.
func descendants(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// killChildren ends what this process has started.
func killChildren() {
	for _, pid := range descendants(os.Getpid()) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// status returns a number of a line of /proc/PID/FILE.
func status(pid int, file, key string) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			v, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return v
		}
	}
	return 0
}

// traced tells whether a process is under ptrace: it runs application code.
func traced(pid int) bool { return status(pid, "status", "TracerPid") != 0 }

// pss is a process's proportional share of memory in bytes.
func pss(pid int) float64 { return status(pid, "smaps_rollup", "Pss") * 1024 }

// ticks is the CPU time that processes have used, in hundredths of a second.
func ticks(pids []int) (sum int) {
	for _, pid := range pids {
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
