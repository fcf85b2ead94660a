// Package sandbox starts the two processes of a sandbox, the sentry and the gofer, and speaks
// to a running sentry.
//
// How a sandbox starts:
//
//  1. Everything the processes need is opened: attach points as O_PATH descriptors, the
//     memory file, the control socket, the socket pair between the two.
//  2. Two configurations, which name those descriptors by their numbers in the process to be,
//     go into one memfd each.
//  3. One thread enters the cgroup (and the network namespace of the bundle) and starts the
//     sentry and the gofer; from here on they and the caller run in parallel.
//  4. The caller writes down the two and runs hooks while the sentry boots, opens the gate when
//     that is done, and reads from the report pipe how it went. If the caller ends before, the
//     sentry finds the gate closed for good and ends too, and the gofer with it.
//
// Nothing is executed twice and nothing is mounted, so nothing has to be unmounted.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/cgroup"
	"github.com/seed-7423c386/runsc/runsc/spec"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// Options is what Start needs to know.
type Options struct {
	ID       string
	Dir      string // state directory of the container, where the control socket goes
	Bundle   *spec.Bundle
	Platform string
	NoPatch  bool   // --systrap-patch=false
	VCPUs    int    // --kvm-vcpus
	Network  string // "none", "sandbox", "host"
	NoRaw    bool   // --net-raw=false
	NetRate  uint64 // bits a second, 0: any
	Pcap     Pcap
	Overlay  string // "none", "root", "all": what gets a writable layer in memory
	Shared   bool   // others change the root's files while the container runs
	Rootless bool   // the caller is not root: make a user namespace
	Debug    bool
	Strace   bool
	Calls    []string // for Strace
	LogJSON  bool
	DebugLog *os.File   // nil: messages go nowhere
	Stdio    []*os.File // index is the container's descriptor; nil is a hole
	TTY      *os.File   // the terminal of the container, which then is all of Stdio[0..2]
	Cgroup   *cgroup.Group
}

// Pcap is where packets are written down.
type Pcap struct {
	File    *os.File // nil: nowhere
	Snaplen int
	Limit   int64
}

// Sandbox is a pair of processes that were just started. The caller is their parent.
type Sandbox struct {
	Sentry, Gofer *os.Process
	report, gate  *os.File
	crash         string // file with the processes' standard error
	status        *os.ProcessState
	cgroup        *cgroup.Group
}

// CrashLog is the file in the state directory where sentry and gofer write when they fail in
// a way they did not foresee.
const CrashLog = "crash.log"

// Start starts the processes. After an error nothing is left running.
func Start(o *Options) (*Sandbox, error) {
	var open closer
	defer open.close()
	l, err := prepare(o, &open)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{report: l.report, gate: l.gate, crash: filepath.Join(o.Dir, CrashLog), cgroup: o.Cgroup}
	if err := onThread(func() error { return l.start(s, o) }); err != nil {
		s.Kill()
		closeAll(l.report, l.gate)
		return nil, err
	}
	return s, nil
}

// OpenGate lets the sentry go on: from here on it lives without its caller.
func (s *Sandbox) OpenGate() error {
	defer s.gate.Close()
	_, err := s.gate.Write([]byte{1})
	return err
}

// Created waits until the container is created and returns why it could not be.
func (s *Sandbox) Created() error {
	defer s.report.Close()
	var r control.Report
	if err := json.NewDecoder(s.report).Decode(&r); err != nil {
		return s.died()
	}
	if r.Error != "" {
		return &control.Error{Text: r.Error, Code: r.Code}
	}
	return nil
}

// died says why a sentry that should have reported has not.
func (s *Sandbox) died() error {
	s.Sentry.Kill()
	st, err := s.Wait()
	if err != nil {
		return fmt.Errorf("the sentry is gone: %w", err)
	}
	text := "the sentry ended before the container was created: " + st.String()
	if s.cgroup != nil && s.cgroup.OOMKilled() {
		text = "the sandbox was killed while starting because its memory limit is too low: raise linux.resources.memory.limit"
	}
	if crash := firstLines(s.crash); crash != "" {
		text += ": " + crash
	}
	return errors.New(text)
}

// Wait waits for the sentry to end and returns how it did.
func (s *Sandbox) Wait() (*os.ProcessState, error) {
	if s.status != nil {
		return s.status, nil
	}
	st, err := s.Sentry.Wait()
	s.status = st
	return st, err
}

// Kill ends both processes and waits for them.
func (s *Sandbox) Kill() {
	if s.Sentry != nil {
		s.Sentry.Kill()
		s.Wait()
	}
	if s.Gofer != nil {
		s.Gofer.Kill()
		s.Gofer.Wait()
	}
}

// firstLines is the beginning of what a crash left, on one line.
func firstLines(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, 400)
	n, _ := f.Read(buf)
	lines := strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r == '\n' })
	if len(lines) > 3 {
		lines = lines[:3]
	}
	return strings.Join(lines, "; ")
}

// start starts the two processes. It is called on a thread that ends afterwards.
func (l *launch) start(s *Sandbox, o *Options) error {
	if o.Cgroup != nil {
		if err := o.Cgroup.Enter(); err != nil {
			return err
		}
	}
	var err error
	gofer := attr(l.goferFiles, unix.CLONE_NEWNET, o.Rootless)
	sentry := attr(l.sentryFiles, 0, o.Rootless)
	if l.tty >= 0 {
		sentry.Sys.Setctty, sentry.Sys.Ctty = true, l.tty
	}
	if o.Cgroup != nil && o.Cgroup.V2() {
		dir, err := os.Open(o.Cgroup.Dirs[""])
		if err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
		defer dir.Close()
		for _, sys := range []*syscall.SysProcAttr{sentry.Sys, gofer.Sys} {
			sys.UseCgroupFD, sys.CgroupFD = true, int(dir.Fd())
		}
	}
	switch {
	case l.netns != "":
		if err := joinNet(l.netns); err != nil {
			return err
		}
	case o.Network != "host" || hasNet(o.Bundle.Spec):
		sentry.Sys.Cloneflags |= unix.CLONE_NEWNET
	}
	s.Sentry, err = os.StartProcess(l.sentryPath, []string{"runsc-sentry", o.ID}, sentry)
	if err != nil {
		return startError(l.sentryPath, err)
	}
	// The gofer has a network namespace of its own, wherever the thread may be now.
	s.Gofer, err = os.StartProcess(l.goferPath, []string{"runsc-gofer", o.ID}, gofer)
	if err != nil {
		return startError(l.goferPath, err)
	}
	return nil
}

// attr describes a process in namespaces of its own.
func attr(files []*os.File, flags uintptr, rootless bool) *os.ProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true, Cloneflags: flags | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS}
	if rootless {
		sys.Cloneflags |= unix.CLONE_NEWUSER
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return &os.ProcAttr{Dir: "/", Env: []string{}, Files: files, Sys: sys}
}

func startError(path string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("starting %s: %w: making namespaces needs root, or user namespaces for everybody (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces)", path, err)
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("starting %s: %w: the host's limit of namespaces is reached (sysctl user.max_*_namespaces)", path, err)
	}
	return fmt.Errorf("starting %s: %w", path, err)
}

// sibling finds one of the other two programs, which are installed beside this one.
func sibling(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding runsc itself: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not beside %s: install runsc, runsc-sentry and runsc-gofer in one directory", name, self)
	}
	return path, nil
}
