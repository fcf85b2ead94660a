// Package stress runs random system calls in a sandbox and looks whether the sentry survives
// them: it must not crash, nor stop answering, nor report a race or take locks out of their order
// (package lock) where these are looked for.
//
// `make test` does so for ten seconds. Environment: RUNSC_STRESS is the duration of a long run
// (make stress DURATION=15m), RUNSC_STRESS_RACE=1 builds the sentry with the race detector and lock ranks,
// RUNSC_STRESS_SEED is the first seed, RUNSC_STRESS_THREADS how many threads each process has, RUNSC_STRESS_VCPUS how many
// virtual processors they share on platform kvm, RUNSC_PLATFORMS the platforms, one after the other.
package stress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/sentry/syscalls"
)

// roundTime is how long one sandbox lives. After it, there is a new one with a new seed.
const roundTime = 60 * time.Second

// answerTime is how long a sandbox may take to run a program on a loaded machine.
const answerTime = 60 * time.Second

func TestRandomCalls(t *testing.T) {
	duration := 10 * time.Second
	if s := os.Getenv("RUNSC_STRESS"); s != "" {
		var err error
		if duration, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := build(dir); err != nil {
		t.Fatal(err)
	}
	seed := int(time.Now().Unix() % 1000000)
	if n, err := strconv.Atoi(os.Getenv("RUNSC_STRESS_SEED")); err == nil {
		seed = n
	}
	platforms := strings.Fields(os.Getenv("RUNSC_PLATFORMS"))
	if len(platforms) == 0 {
		platforms = []string{"systrap", "ptrace"}
	}
	for end := time.Now().Add(duration); time.Now().Before(end) && !t.Failed(); seed++ {
		left := min(time.Until(end), roundTime).Truncate(time.Second) + time.Second
		r := &round{T: t, dir: dir, seed: seed, platform: platforms[seed%len(platforms)], overlay: []string{"root:memory", "none"}[seed/len(platforms)%2], id: fmt.Sprintf("stress-%d-%d", os.Getpid(), seed)}
		r.run(left)
	}
}

// build makes the three programs, the C program and a root with both and busybox.
func build(dir string) error {
	sentry := []string{"CGO_ENABLED=0", "go", "build"}
	if os.Getenv("RUNSC_STRESS_RACE") != "" {
		sentry = []string{"CGO_ENABLED=1", "go", "build", "-race", "-tags", "netgo,osusergo,lockranks", "-ldflags", "-extldflags -static"}
	}
	if err := os.WriteFile(dir+"/kinds.h", []byte(kinds()), 0o644); err != nil {
		return err
	}
	for _, line := range [][]string{
		append(sentry, "-o", dir+"/runsc-sentry", "../../sentry"),
		{"CGO_ENABLED=0", "go", "build", "-o", dir + "/runsc-gofer", "../../gofer"},
		{"CGO_ENABLED=1", "go", "build", "-tags", "netgo,osusergo", "-ldflags", "-extldflags -static", "-o", dir + "/runsc", "../../runsc"},
		{"", "gcc", "-O1", "-static", "-fno-stack-protector", "-Wall", "-Werror", "-DTHREADS=" + threads(), "-I", dir, "-o", dir + "/stress", "calls/calls.c", "-lrt"},
	} {
		cmd := exec.Command(line[1], line[2:]...)
		cmd.Env = append(os.Environ(), line[0])
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %w\n%s", line, err, out)
		}
	}
	return nil
}

// threads is how many each process has, of which two run at a time.
func threads() string {
	if s := os.Getenv("RUNSC_STRESS_THREADS"); s != "" {
		return s
	}
	return "16"
}

// letters are for the kinds of arguments in the system call table; any other is a pointer or flags.
var letters = map[string]string{"fd": "f", "dirfd": "d", "path": "p", "str": "p", "buf": "b", "obuf": "b", "iov": "v", "argv": "a", "int": "i", "uint": "i", "long": "i",
	"size": "s", "off": "o", "mode": "m", "oct": "m", "open": "O", "prot": "P", "pid": "n", "sig": "g", "sigset": "S", "ts": "t", "id": "u", "clone": "c"}

// kinds is a C array with six letters for each system call.
func kinds() string {
	var b strings.Builder
	b.WriteString("static const char *const kinds[CALLS] = {\n")
	for nr, row := range syscalls.Table {
		if row.Name == "" {
			continue
		}
		s := ""
		for _, kind := range strings.Fields(row.Format) {
			if l := letters[kind]; l != "" {
				s += l
			} else {
				s += "h"
			}
		}
		fmt.Fprintf(&b, "\t[%d] = \"%s\", // %s\n", nr, (s + "??????")[:6], row.Name)
	}
	return b.String() + "};\n"
}

// round is one sandbox.
type round struct {
	*testing.T
	dir, id, platform, overlay string
	seed                       int

	top, bundle string // of this round
	output      bytes.Buffer
	log         bytes.Buffer
}

func (r *round) runsc(args ...string) *exec.Cmd {
	flags := []string{"--root", r.top + "/state", "--platform", r.platform, "--network", "none", "--overlay2", r.overlay, "--debug-log", r.top + "/log"}
	if n := os.Getenv("RUNSC_STRESS_VCPUS"); n != "" {
		flags = append(flags, "--kvm-vcpus", n)
	}
	return exec.Command(r.dir+"/runsc", append(flags, args...)...)
}

// run lets the program run for a time, asking the sandbox now and then whether it still lives.
func (r *round) run(d time.Duration) {
	r.prepare()
	defer os.RemoveAll(r.top)
	r.command("/stress", strconv.Itoa(int(d/time.Second)), strconv.Itoa(r.seed))
	cmd := r.runsc("run", "--keep", "--bundle", r.bundle, r.id)
	cmd.Stdout, cmd.Stderr = &r.output, &r.log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	r.watch(done, time.Now().Add(d+30*time.Second))
	r.check(cmd.ProcessState)
	if out, err := r.runsc("delete", "--force", r.id).CombinedOutput(); err != nil {
		r.Errorf("delete: %v: %s", err, out)
	}
}

// watch waits for the end, which comes when the program's time is up and all that it killed is gone. At the deadline
// it kills the container, which must then end: a task that holds a lock for ever does not.
func (r *round) watch(done chan struct{}, deadline time.Time) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Second):
		}
		r.ask(done)
		if r.Failed() || time.Now().After(deadline) {
			break
		}
	}
	if !r.Failed() {
		r.Errorf("seed %d is still at it: something does not end\n%s", r.seed, r.stacks())
	}
	r.runsc("kill", r.id, "KILL").Run()
	select {
	case <-done:
	case <-time.After(answerTime):
		r.Errorf("seed %d: the container does not die of SIGKILL\n%s", r.seed, r.stacks())
		r.runsc("delete", "--force", r.id).Run()
		<-done
	}
}

// ask lets the sandbox run a program. How that ends does not matter, as limits may be reached,
// but it must end.
func (r *round) ask(done chan struct{}) {
	cmd := r.runsc("exec", r.id, "/bin/busybox", "true")
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	answer := make(chan struct{})
	go func() {
		cmd.Wait()
		close(answer)
	}()
	select {
	case <-answer:
	case <-done: // the container may end under it
		cmd.Process.Kill()
		<-answer
	case <-time.After(answerTime):
		r.Errorf("seed %d: the sandbox does not answer\n%s", r.seed, r.stacks())
		cmd.Process.Kill()
		<-answer
	}
}

// stacks are those of the sentry, after its processes.
func (r *round) stacks() []byte {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var all []byte
	for _, what := range []string{"ps", "stacks"} {
		cmd := r.runsc(what, r.id)
		out, err := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...).Output()
		if all = append(all, out...); err != nil {
			all = fmt.Appendf(all, "%s: %v\n", what, err)
		}
	}
	return keep(r.id+".stacks", all, 50<<10)
}

// keep returns the beginning of a long text and says where all of it is.
func keep(name string, text []byte, n int) []byte {
	path := filepath.Join(os.TempDir(), name)
	if len(text) <= n || os.WriteFile(path, text, 0o600) != nil {
		return text
	}
	return fmt.Appendf(nil, "%s\n… all of it in %s", text[:n], path)
}

// check looks for what a sentry says when it dies or finds a race.
func (r *round) check(st *os.ProcessState) {
	crash, _ := os.ReadFile(filepath.Join(r.top, "state", r.id, "crash.log"))
	debug, _ := os.ReadFile(r.top + "/log")
	calls := r.output.String()
	if calls == "" {
		r.Errorf("seed %d: no calls were made: %s", r.seed, r.log.Bytes())
	}
	r.Logf("seed %d on %s, overlay %s: %v; %s", r.seed, r.platform, r.overlay, st, lastLine(strings.TrimSuffix(strings.TrimSpace(calls), "done")))
	for _, text := range [][]byte{crash, debug, r.log.Bytes()} {
		for _, sign := range []string{"panic:", "panicked", "fatal error:", "DATA RACE", "SIGSEGV", "SIGSYS"} {
			if bytes.Contains(text, []byte(sign)) {
				r.Errorf("seed %d on %s, overlay %s: the sentry failed\n%s", r.seed, r.platform, r.overlay, keep(r.id+".log", text, 20<<10))
				return
			}
		}
	}
	if ws := st.Sys().(syscall.WaitStatus); ws.Signaled() {
		r.Errorf("seed %d: runsc ended by %v", r.seed, ws.Signal())
	}
	if len(crash) > 0 {
		r.Errorf("seed %d: the sentry or the gofer says: %s", r.seed, crash)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// prepare makes the round's root.
func (r *round) prepare() {
	var err error
	if r.top, err = os.MkdirTemp("", "stress"); err != nil {
		r.Fatal(err)
	}
	r.bundle = r.top + "/bundle"
	for _, d := range []string{"bin", "tmp", "proc", "dev", "sys", "etc"} {
		if err := os.MkdirAll(filepath.Join(r.bundle, "rootfs", d), 0o755); err != nil {
			r.Fatal(err)
		}
	}
	for from, to := range map[string]string{"/bin/busybox": "bin/busybox", r.dir + "/stress": "stress"} {
		raw, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(r.bundle, "rootfs", to), raw, 0o755)
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

// command writes the configuration: all capabilities, few processes, little memory.
func (r *round) command(args ...string) {
	if out, err := exec.Command(r.dir+"/runsc", append([]string{"spec", "--bundle", r.bundle, "--"}, args...)...).CombinedOutput(); err != nil {
		r.Fatalf("spec: %v\n%s", err, out)
	}
	path := filepath.Join(r.bundle, "config.json")
	raw, err := os.ReadFile(path)
	var s specs.Spec
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		r.Fatal(err)
	}
	caps := strings.Fields(`CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_CHROOT
		CAP_SYS_PTRACE CAP_SYS_ADMIN CAP_SYS_NICE CAP_MKNOD CAP_NET_ADMIN CAP_SETFCAP CAP_NET_RAW CAP_SYS_RESOURCE CAP_SYS_TTY_CONFIG`)
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
	s.Process.Terminal, s.Process.NoNewPrivileges, s.Root.Readonly = false, false, false
	limit := int64(400)
	s.Linux.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}}
	s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil
	if raw, err = json.Marshal(&s); err == nil {
		err = os.WriteFile(path, raw, 0o644)
	}
	if err != nil {
		r.Fatal(err)
	}
}
