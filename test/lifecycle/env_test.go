// Package lifecycle drives the built programs as engines and people do: every command, every
// way a start can fail, and every process killed at any moment.
//
// Each test runs with the real sentry and gofer and, where the subject is runsc itself, with
// the ones of fakesandbox too, which can misbehave on demand. RUNSC_PLATFORM is the platform (default
// systrap), RUNSC_LIFECYCLE_BIN a directory with programs that have been built: then nothing is built, and only they are tested.
package lifecycle

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// bins are the directories with the programs, by kind.
var bins = map[string]string{}

const buildTime = 5 * time.Minute

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if dir := os.Getenv("RUNSC_LIFECYCLE_BIN"); dir != "" {
			bins["real"] = dir
			unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "lifecycle")
		if err == nil {
			defer os.RemoveAll(dir)
			os.Chmod(dir, 0o755) // for the tests without root
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		// Orphans become children of the test, as they do of a containerd shim.
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
		return m.Run()
	}())
}

// patience is how long something may take that is no hang: so many seconds, or RUNSC_LIFECYCLE_PATIENCE times as many, in an emulator.
func patience(seconds int) time.Duration {
	factor, err := strconv.Atoi(os.Getenv("RUNSC_LIFECYCLE_PATIENCE"))
	if err != nil {
		factor = 1
	}
	return time.Duration(factor*seconds) * time.Second
}

// build builds everything once.
func build(dir string) error {
	type program struct {
		out, pkg string
		cgo      bool
	}
	list := []program{{"fake/runsc", "../../runsc", true}, {"fake/runsc-sentry", "./fakesandbox", false}, {"fake/runsc-gofer", "./fakesandbox", false}}
	bins["fake"] = filepath.Join(dir, "fake")
	if _, err := os.Stat("../../gofer/main.go"); err == nil {
		bins["real"] = filepath.Join(dir, "real")
		list = append(list, program{"real/runsc", "../../runsc", true}, program{"real/runsc-sentry", "../../sentry", false}, program{"real/runsc-gofer", "../../gofer", false})
	}
	for _, p := range list {
		args := []string{"build", "-o", filepath.Join(dir, p.out)}
		cgo := "CGO_ENABLED=0"
		if p.cgo {
			cgo = "CGO_ENABLED=1"
			args = append(args, "-tags", "netgo,osusergo", "-ldflags", "-extldflags -static")
		}
		ctx, cancel := context.WithTimeout(context.Background(), buildTime)
		defer cancel()
		cmd := exec.CommandContext(ctx, "go", append(args, p.pkg)...)
		cmd.Env = append(os.Environ(), cgo)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", p.out, err, out)
		}
	}
	return nil
}

// env is one container's world: programs, state root, bundle.
type env struct {
	*testing.T
	kind   string
	bin    string // runsc
	root   string
	bundle string
	id     string
	spec   *specs.Spec
	flags  []string // global flags of every call
}

var serial atomic.Int32

// each runs f with every kind of sandbox, or those named.
func each(t *testing.T, f func(*env), kinds ...string) {
	if len(kinds) == 0 {
		kinds = []string{"fake", "real"}
	}
	for _, kind := range kinds {
		if bins[kind] == "" {
			continue // not yet in the tree
		}
		t.Run(kind, func(t *testing.T) {
			e := newEnv(t, kind)
			f(e)
			e.checkNothingLeft()
		})
	}
}

// newEnv makes a bundle that runs true on a busybox root.
func newEnv(t *testing.T, kind string) *env {
	t.Helper()
	dir, err := os.MkdirTemp("", "life cycle ") // with spaces: every path of every test has them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	e := &env{T: t, kind: kind, bin: filepath.Join(bins[kind], "runsc"), root: filepath.Join(dir, "state"), bundle: filepath.Join(dir, "bundle"),
		id: fmt.Sprintf("lc-%d-%d", os.Getpid(), serial.Add(1)), flags: []string{"--platform", onPlatform()}}
	e.makeRoot(filepath.Join(e.bundle, "rootfs"))
	if r := e.runsc("spec", "--bundle", e.bundle, "--", "true"); r.code != 0 {
		t.Fatalf("spec: %v", r)
	}
	raw, err := os.ReadFile(filepath.Join(e.bundle, "config.json"))
	if err == nil {
		err = json.Unmarshal(raw, &e.spec)
	}
	if err != nil {
		t.Fatal(err)
	}
	e.spec.Root.Readonly = false
	return e
}

// onPlatform is the platform that RUNSC_PLATFORM names.
func onPlatform() string { return cmp.Or(os.Getenv("RUNSC_PLATFORM"), "systrap") }

// makeRoot makes a root file system of Debian's busybox-static.
func (e *env) makeRoot(dir string) {
	e.Helper()
	for _, d := range []string{"bin", "etc", "tmp", "proc", "dev", "sys", "root"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			e.Fatal(err)
		}
	}
	raw, err := os.ReadFile("/bin/busybox")
	if err != nil {
		e.Fatalf("the root file system needs the package busybox-static: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/busybox"), raw, 0o755); err != nil {
		e.Fatal(err)
	}
	for _, name := range strings.Fields("sh true false sleep cat echo ls ps id env pwd kill tty stty touch head wc seq") {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", name)); err != nil {
			e.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n"), 0o644)
}

// command sets the container's program and writes config.json.
func (e *env) command(args ...string) {
	e.Helper()
	e.spec.Process.Args = args
	e.save()
}

// shell is command with a line for sh.
func (e *env) shell(line string) { e.command("sh", "-c", line) }

func (e *env) save() {
	e.Helper()
	raw, err := json.Marshal(e.spec)
	if err == nil {
		err = os.WriteFile(filepath.Join(e.bundle, "config.json"), raw, 0o644)
	}
	if err != nil {
		e.Fatal(err)
	}
}

// result is how a command of the host ended.
type result struct {
	code        int
	out, errOut string
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\nstdout: %s\nstderr: %s", r.code, r.out, r.errOut)
}

// cmd prepares a runsc.
func (e *env) cmd(args ...string) *exec.Cmd {
	all := append([]string{"--root", e.root}, e.flags...)
	return exec.Command(e.bin, append(all, args...)...)
}

// runsc runs a command to its end, which is soon.
func (e *env) runsc(args ...string) result {
	e.Helper()
	return e.finish(e.cmd(args...))
}

func (e *env) finish(c *exec.Cmd) result {
	e.Helper()
	// Files, not pipes: a container that a command leaves behind keeps them open.
	out, err1 := os.CreateTemp("", "out")
	errOut, err2 := os.CreateTemp("", "err")
	if err1 != nil || err2 != nil {
		e.Fatal(err1, err2)
	}
	defer os.Remove(out.Name())
	defer os.Remove(errOut.Name())
	if c.Stdout == nil {
		c.Stdout = out
	}
	if c.Stderr == nil {
		c.Stderr = errOut
	}
	if err := c.Start(); err != nil {
		e.Fatal(err)
	}
	timer := time.AfterFunc(patience(60), func() {
		e.Errorf("%q hangs", c.Args[3:])
		c.Process.Kill()
	})
	defer timer.Stop()
	c.Wait()
	ws := c.ProcessState.Sys().(syscall.WaitStatus)
	r := result{code: ws.ExitStatus()}
	if ws.Signaled() {
		r.code = 1000 + int(ws.Signal())
	}
	for f, s := range map[*os.File]*string{out: &r.out, errOut: &r.errOut} {
		b, _ := os.ReadFile(f.Name())
		*s = string(b)
		f.Close()
	}
	return r
}

// must runs a command that succeeds.
func (e *env) must(args ...string) result {
	e.Helper()
	r := e.runsc(args...)
	if r.code != 0 {
		e.Fatalf("runsc %q: %v", args, r)
	}
	return r
}

// run is `runsc run` of the bundle.
func (e *env) run(flags ...string) result {
	e.Helper()
	return e.runsc(append(append([]string{"run", "--bundle", e.bundle}, flags...), e.id)...)
}

// create makes the container and kills what is left of it at the end of the test.
func (e *env) create(flags ...string) {
	e.Helper()
	e.must(append(append([]string{"create", "--bundle", e.bundle, "--pid-file", e.pidFile()}, flags...), e.id)...)
	e.Cleanup(func() { e.cmd("delete", "--force", e.id).Run() })
}

func (e *env) pidFile() string { return filepath.Join(e.bundle, "pid") }

// readPid reads a pid file.
func (e *env) readPid(path string) int {
	e.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		e.Fatal(err)
	}
	pid, err := strconv.Atoi(string(raw))
	if err != nil {
		e.Fatal(err)
	}
	return pid
}

// state is the container's state.
func (e *env) state() (s struct {
	specs.State
	Rootfs, Owner string
}) {
	e.Helper()
	if err := json.Unmarshal([]byte(e.must("state", e.id).out), &s); err != nil {
		e.Fatal(err)
	}
	return s
}

// waitStatus waits until the container is in a state.
func (e *env) waitStatus(want specs.ContainerState) {
	e.Helper()
	e.eventually(func() string {
		if got := e.state().Status; got != want {
			return fmt.Sprintf("status is %s, want %s", got, want)
		}
		return ""
	})
}

// eventually tries f until it has no complaint.
func (e *env) eventually(f func() string) {
	e.Helper()
	for deadline := time.Now().Add(patience(20)); ; time.Sleep(5 * time.Millisecond) {
		text := f()
		if text == "" {
			return
		}
		if time.Now().After(deadline) {
			e.Fatal(text)
		}
	}
}

// reap waits for an adopted process and returns its exit code as a shim would.
func (e *env) reap(pid int) int {
	e.Helper()
	var ws unix.WaitStatus
	for deadline := time.Now().Add(patience(30)); ; time.Sleep(2 * time.Millisecond) {
		got, err := unix.Wait4(pid, &ws, unix.WNOHANG, nil)
		if got == pid {
			break
		}
		if err != nil && err != unix.EINTR {
			e.Fatalf("waiting for %d: %v", pid, err)
		}
		if time.Now().After(deadline) {
			e.Fatalf("process %d does not end", pid)
		}
	}
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// checkNothingLeft fails if anything of the container is still on the host.
func (e *env) checkNothingLeft() {
	e.Helper()
	left, _ := os.ReadDir(e.root)
	left = slices.DeleteFunc(left, func(f os.DirEntry) bool { return f.Name() == "platforms.json" })
	if len(left) > 0 {
		e.Errorf("left in the state root: %v", left)
	}
	e.eventually(func() string {
		if p := e.processes(); len(p) > 0 {
			return fmt.Sprintf("left running: %q", p)
		}
		return ""
	})
	filepath.WalkDir("/sys/fs/cgroup", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == e.id {
			e.Errorf("left of cgroups: %s", path)
		}
		return nil
	})
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	if bytes.Contains(mounts, []byte(filepath.Base(filepath.Dir(e.bundle)))) {
		e.Errorf("left mounted: %s", mounts)
	}
}

// processes lists the command lines of the container's processes that are alive. Zombies that
// were adopted are reaped on the way.
func (e *env) processes() (out []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if bytes.Contains(line, []byte(e.id)) {
			out = append(out, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return out
}

// sentryPID and goferPID find the processes of the container that was created last.
func (e *env) processPID(name string) int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if string(line) == name+"\x00"+e.id+"\x00" {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			return pid
		}
	}
	return 0
}
