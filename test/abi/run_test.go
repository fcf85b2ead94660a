package abi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// programTime is how long one program may take, in seconds (RUNSC_ABI_TIMEOUT); a shard that
// says nothing for stallTime hangs.
var (
	programTime = 20
	stallTime   = 40 * time.Second
)

func init() {
	if n, err := strconv.Atoi(os.Getenv("RUNSC_ABI_TIMEOUT")); err == nil && n > 0 {
		programTime, stallTime = n, time.Duration(n+20)*time.Second
	}
}

// A result is what one program did.
type result struct {
	status string // exit:N, signal:N, timeout, crash
	output string
	note   string // for the reader
	ms     int
}

type results map[string]result

// A start makes the command that runs the driver on some programs, and what cleans up after it.
type start func(args []string) (cmd *exec.Cmd, log string, clean func(), err error)

// runHost runs the programs on the host, in namespaces of their own.
func runHost(r *root, list []*program) (results, error) {
	return runShards(list, func(args []string) (*exec.Cmd, string, func(), error) {
		cmd := exec.Command(filepath.Join(r.dir, "abi/driver/driver"), append([]string{"-root", r.dir}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Setpgid:    true,
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		}
		return cmd, "", func() {}, nil
	})
}

// runSandbox runs the programs in sandboxes on one platform, with more global flags.
func runSandbox(t *testing.T, r *root, list []*program, platform string, more ...string) (results, error) {
	runsc := os.Getenv("RUNSC")
	if runsc == "" {
		runsc, _ = filepath.Abs("../../bin/runsc")
	}
	for _, suffix := range []string{"", "-sentry", "-gofer"} {
		if _, err := os.Stat(runsc + suffix); err != nil {
			return nil, fmt.Errorf("no program to test: %w (make builds it)", err)
		}
	}
	return runShards(list, func(args []string) (*exec.Cmd, string, func(), error) {
		dir, err := os.MkdirTemp("", "oracle")
		if err != nil {
			return nil, "", nil, err
		}
		if inside := os.Getenv("RUNSC_ABI_DIR"); inside != "" { // not on the host, where it would be left in the root
			args = append([]string{"-dir", inside}, args...)
		}
		if err := writeBundle(runsc, dir, r.dir, append([]string{"/abi/driver/driver"}, args...)); err != nil {
			os.RemoveAll(dir)
			return nil, "", nil, err
		}
		id := filepath.Base(dir)
		state, log := filepath.Join(dir, "state"), filepath.Join(dir, "log")
		flags := append([]string{"--root", state, "--platform", platform, "--network", "none", "--debug-log", log}, more...)
		flags = append(flags, strings.Fields(os.Getenv("RUNSC_FLAGS"))...)
		cmd := exec.Command(runsc, append(flags, "run", "--bundle", dir, id)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd, log, func() {
			exec.Command(runsc, "--root", state, "delete", "--force", id).Run()
			os.RemoveAll(dir)
		}, nil
	})
}

// writeBundle makes a bundle of runsc's own template: a root with all capabilities.
func writeBundle(runsc, dir, rootfs string, args []string) error {
	if out, err := exec.Command(runsc, append([]string{"spec", "--bundle", dir, "--"}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("runsc spec: %w\n%s", err, out)
	}
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s specs.Spec
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	var caps []string
	for _, c := range strings.Fields(allCapabilities) {
		caps = append(caps, "CAP_"+c)
	}
	s.Root = &specs.Root{Path: rootfs}
	s.Hostname = "oracle"
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777"}})
	s.Process.Args, s.Process.Terminal, s.Process.NoNewPrivileges = args, false, false
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
	s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 4096, Soft: 1024}}
	s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil
	if raw, err = json.Marshal(s); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}

const allCapabilities = `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
	SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
	SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`

// runShards runs the programs in some drivers side by side. When a driver dies or stalls, the
// program that ran is to blame, and a new driver runs the rest.
func runShards(list []*program, begin start) (results, error) {
	all := results{}
	var mu sync.Mutex
	var failure error
	var wg sync.WaitGroup
	for shard := range workers {
		var paths []string
		for i, p := range list {
			if i%workers == shard {
				paths = append(paths, p.path())
			}
		}
		wg.Go(func() {
			for len(paths) > 0 {
				part, err := runDriver(paths, begin)
				mu.Lock()
				for name, r := range part {
					all[name] = r
				}
				if err != nil && failure == nil {
					failure = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
				paths = paths[len(part):]
			}
		})
	}
	wg.Wait()
	return all, failure
}

// runDriver runs a driver until it ends. It returns the results of the first programs, at
// least one, or an error.
func runDriver(paths []string, begin start) (results, error) {
	args := []string{"-timeout", strconv.Itoa(programTime)}
	cmd, log, clean, err := begin(append(args, paths...))
	if err != nil {
		return nil, err
	}
	defer clean()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 5 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", cmd.Path, err)
	}
	stalled := false
	stall := time.AfterFunc(stallTime, func() {
		stalled = true
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	done, running, readErr := readReport(bufio.NewReader(stdout), func() { stall.Reset(stallTime) })
	if readErr != nil || running != "" {
		stall.Reset(5 * time.Second) // to end by itself
	}
	err = cmd.Wait()
	stall.Stop()
	if log != "" {
		if text, err := os.ReadFile(log); err == nil {
			stderr.WriteString("\n" + crash(string(text)))
		}
	}
	if running != "" {
		status := "crash"
		if stalled {
			status = "hang"
		}
		done[running] = result{status: status, note: fmt.Sprintf("%v\n%s", err, tail(stderr.String()))}
	}
	if len(done) == 0 {
		return nil, fmt.Errorf("%s: %v, nothing ran (%v)\n%s", cmd, err, readErr, tail(stderr.String()))
	}
	return done, nil
}

// readReport reads what the driver says: what ended, and what was running at the end.
func readReport(r *bufio.Reader, alive func()) (done results, running string, err error) {
	done = results{}
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return done, running, nil
		}
		alive()
		var res result
		var name string
		var size int
		if n, _ := fmt.Sscanf(line, "#start %s\n", &name); n == 1 {
			running = name
			continue
		}
		if n, _ := fmt.Sscanf(line, "#end %s %s %d %d\n", &name, &res.status, &res.ms, &size); n != 4 || size > 1<<20 {
			return done, running, fmt.Errorf("report: %q", line)
		}
		text := make([]byte, size+1)
		if _, err := io.ReadFull(r, text); err != nil {
			return done, running, fmt.Errorf("report: %w", err)
		}
		res.output = string(text[:size])
		done[name], running = res, ""
	}
}

// crash keeps the part of a sandbox's log that tells why it ended.
func crash(log string) string {
	for _, mark := range []string{"panic: ", "fatal error: ", "SIGSEGV"} {
		if i := strings.Index(log, mark); i >= 0 {
			return log[i:min(len(log), i+3000)]
		}
	}
	return tail(log)
}

// tail keeps the end of a text.
func tail(s string) string {
	if len(s) > 4000 {
		s = "..." + s[len(s)-4000:]
	}
	return s
}
