package programs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// environment is what every run of a script needs.
type environment struct {
	root   string // of Debian packages, never written to
	goroot string // of the host
	work   string // for bundles, state and logs
	runsc  string
}

// A result is what one run of a script did.
type result struct {
	status  string // exit:N, timeout
	output  string
	note    string // for the reader
	seconds float64
}

func newEnvironment() (*environment, error) {
	runsc := os.Getenv("RUNSC")
	if runsc == "" {
		runsc, _ = filepath.Abs("../../bin/runsc")
	}
	for _, suffix := range []string{"", "-sentry", "-gofer"} {
		if _, err := os.Stat(runsc + suffix); err != nil {
			return nil, fmt.Errorf("no program to test: %w (make builds it)", err)
		}
	}
	root, goroot, err := debianRoot()
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "programs")
	return &environment{root: root, goroot: goroot, work: work, runsc: runsc}, err
}

func (e *environment) remove() { os.RemoveAll(e.work) }

// layers puts a writable layer in memory over the root, with the scripts and Go in it: for host and
// sandbox alike, in a mount namespace that ends with the run.
const layers = `dir=$1 root=$2 scripts=$3 goroot=$4 shared=$5; shift 5
mount -t tmpfs tmpfs "$dir"
mkdir "$dir/upper" "$dir/scratch" "$dir/rootfs"
mount -t overlay -o "lowerdir=$root,upperdir=$dir/upper,workdir=$dir/scratch" overlay "$dir/rootfs"
mkdir -p "$dir/rootfs/srv/scripts"
cp -r "${scripts:?}"/*/ "$dir/rootfs/srv/scripts"
mkdir -p "$dir/rootfs/srv/shared"
`

// hostMounts gives the chroot on the host what a container's specification mounts.
const hostMounts = `cd "$dir/rootfs"
mount --bind "$goroot" usr/local/go
[ -z "$shared" ] || mount --bind "$shared" srv/shared
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs tmp
mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8; mknod -m 666 dev/urandom c 1 9; mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
hostname programs
ulimit -n 4096
ulimit -c 0
renice -n 0 -p $$ >/dev/null
for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || [ "$fd" = 255 ] || exec {fd}>&-; done
exec chroot . "$@"
`

// environ is what scripts get.
var environ = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin", "HOME=/root", "USER=root",
	"LOGNAME=root", "SHELL=/bin/bash", "LANG=C.UTF-8", "TZ=UTC", "TERM=xterm", "SCRIPTS=/srv/scripts",
	"GOTOOLCHAIN=local", "GOFLAGS=-trimpath", "GOPROXY=off", "CGO_ENABLED=0",
}

// start is the first process: a shell that waits for the script, and for nobody else.
func (s *script) start(h half) []string {
	dir := "/tmp/work"
	if s.disk {
		dir = "/srv/work"
	}
	line := []string{"/bin/sh", "-c", `umask 022; mkdir "$1"; cd "$1"; shift; "$@" </dev/null 2>&1; exit $?`, "sh", dir, "/srv/scripts/" + s.file}
	if h.role != "" {
		line = append(line, h.role)
	}
	return line
}

// hostPlatform is the name for what is no sandbox.
const hostPlatform = "host"

// run runs a script on a platform.
func (e *environment) run(s *script, platform string) result {
	switch {
	case s.outside:
		return e.halves(s, platform)
	case platform == hostPlatform:
		return e.host(s, half{})
	}
	return e.sandbox(s, platform, half{})
}

// host runs a script, or a half of one, on the host.
func (e *environment) host(s *script, h half) result {
	dir, err := os.MkdirTemp(e.work, "host")
	if err != nil {
		return result{status: err.Error()}
	}
	defer os.RemoveAll(dir)
	here, _ := filepath.Abs(".")
	cmd := exec.Command("bash", append([]string{"-euc", layers + hostMounts, "bash", dir, e.root, here, e.goroot, h.shared}, s.start(h)...)...)
	cmd.Env = environ
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS, // makes the mounts private too
	}
	if h.netns != "" {
		cmd.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWNET
		enter(cmd, h.netns)
	}
	return run(cmd, s.allowed, func() string { return "" })
}

// sandbox runs a script in a sandbox of its own.
func (e *environment) sandbox(s *script, platform string, h half) result {
	dir, err := os.MkdirTemp(e.work, "sandbox")
	if err != nil {
		return result{status: err.Error()}
	}
	defer os.RemoveAll(dir)
	id := filepath.Base(dir)
	state, log, layer := filepath.Join(dir, "state"), filepath.Join(dir, "log"), filepath.Join(dir, "layer")
	if err := os.Mkdir(layer, 0o755); err != nil {
		return result{status: err.Error()}
	}
	if err := e.writeBundle(dir, layer+"/rootfs", s, h); err != nil {
		return result{status: err.Error()}
	}
	network := "none"
	if h.netns != "" {
		network = "sandbox"
	}
	flags := []string{"--root", state, "--platform", platform, "--network", network, "--debug-log", log}
	if os.Getenv("RUNSC_STRACE") != "" {
		flags = append(flags, "--strace")
	}
	flags = append(flags, strings.Fields(os.Getenv("RUNSC_FLAGS"))...)
	here, _ := filepath.Abs(".")
	args := []string{"-euc", layers + `exec "$@"`, "sh", layer, e.root, here, e.goroot, h.shared, e.runsc}
	cmd := exec.Command("sh", append(append(args, flags...), "run", "--bundle", dir, id)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	r := run(cmd, s.allowed, func() string {
		stacks, _ := exec.Command(e.runsc, "--root", state, "stacks", id).CombinedOutput()
		return string(stacks)
	})
	exec.Command(e.runsc, "--root", state, "delete", "--force", id).Run()
	text, _ := os.ReadFile(log)
	r.note = crash(string(text)) + tail(r.note, 20000)
	return r
}

// run runs a command for a bounded time and tells what it did; hung is asked for a note before
// it is killed.
func run(cmd *exec.Cmd, allowed time.Duration, hung func() string) result {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = 3 * time.Second
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return result{status: err.Error()}
	}
	note := make(chan string, 1)
	timer := time.AfterFunc(allowed, func() {
		note <- hung()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	err := cmd.Wait()
	r := result{output: output.String(), seconds: time.Since(begin).Seconds()}
	var exit *exec.ExitError
	switch {
	case !timer.Stop():
		r.status, r.note = "timeout", <-note
	case err == nil:
		r.status = "exit:0"
	case errors.As(err, &exit) && exit.Exited():
		r.status = fmt.Sprintf("exit:%d", exit.ExitCode())
	default:
		r.status = err.Error()
	}
	return r
}

// writeBundle makes a bundle of runsc's own template: root with all capabilities.
func (e *environment) writeBundle(dir, rootfs string, s *script, h half) error {
	if out, err := exec.Command(e.runsc, append([]string{"spec", "--bundle", dir, "--"}, s.start(h)...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("runsc spec: %w\n%s", err, out)
	}
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec specs.Spec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return err
	}
	var caps []string
	for _, c := range strings.Fields(allCapabilities) {
		caps = append(caps, "CAP_"+c)
	}
	spec.Root = &specs.Root{Path: rootfs}
	spec.Hostname = "programs"
	spec.Mounts = append(spec.Mounts,
		specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=1777"}},
		specs.Mount{Destination: "/usr/local/go", Type: "bind", Source: e.goroot, Options: []string{"bind", "ro"}})
	h.configure(&spec)
	for i, m := range spec.Mounts {
		if m.Destination == "/dev/shm" {
			spec.Mounts[i].Options = []string{"mode=1777"}
		}
	}
	spec.Process.Env, spec.Process.Terminal, spec.Process.NoNewPrivileges = environ, false, false
	spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
	spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 4096, Soft: 4096}, {Type: "RLIMIT_CORE"}}
	spec.Linux.MaskedPaths, spec.Linux.ReadonlyPaths, spec.Linux.Seccomp = nil, nil, nil
	if raw, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}

const allCapabilities = `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
	SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
	SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`

// crash keeps the part of a sandbox's log that tells why it ended, or its end.
func crash(log string) string {
	for _, mark := range []string{"panic: ", "fatal error: ", "SIGSEGV: segmentation violation"} {
		if i := strings.Index(log, mark); i >= 0 {
			return log[i:min(len(log), i+4000)]
		}
	}
	return tail(log, 8000)
}

// tail keeps the end of a text.
func tail(s string, n int) string {
	if len(s) > n {
		s = "..." + s[len(s)-n:]
	}
	return s
}

// diff shows two texts line by line: "- " only in a, "+ " only in b.
func diff(a, b string) string {
	dir, err := os.MkdirTemp("", "diff")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	os.WriteFile(dir+"/host", []byte(a), 0o644)
	os.WriteFile(dir+"/sandbox", []byte(b), 0o644)
	cmd := exec.Command("diff", "-U3", "host", "sandbox")
	cmd.Dir = dir
	out, _ := cmd.Output()
	return string(out)
}
