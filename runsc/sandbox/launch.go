package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/runsc/cgroup"
	"github.com/seed-7423c386/runsc/runsc/seccomp"
	"github.com/seed-7423c386/runsc/runsc/spec"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// launch is everything prepared for the two processes.
type launch struct {
	sentryPath, goferPath   string
	sentryFiles, goferFiles files
	report, gate            *os.File // this side's ends
	tty                     int      // number of the terminal in the sentry, or -1
	netns                   string
}

// files is a process's descriptors by number.
type files []*os.File

// add appends f and returns the number it will have.
func (t *files) add(f *os.File) int {
	*t = append(*t, f)
	return len(*t) - 1
}

// closer closes what was opened on the way.
type closer struct{ list []*os.File }

func (c *closer) add(f *os.File) *os.File { c.list = append(c.list, f); return f }
func (c *closer) close()                  { closeAll(c.list...) }

func closeAll(list ...*os.File) {
	for _, f := range list {
		if f != nil {
			f.Close()
		}
	}
}

// prepare opens what the processes will inherit. What only they need goes into open.
func prepare(o *Options, open *closer) (_ *launch, err error) {
	l := &launch{tty: -1, netns: netnsPath(o.Bundle.Spec)}
	if l.sentryPath, err = sibling("runsc-sentry"); err != nil {
		return nil, err
	}
	if l.goferPath, err = sibling("runsc-gofer"); err != nil {
		return nil, err
	}
	program := make(chan compiled, 1)
	go func() {
		b, err := seccomp.Compile(o.Bundle.Spec.Linux.Seccomp)
		program <- compiled{b, err}
	}()
	// Descriptors 0 to 2 of both processes are not the container's: whatever the Go runtime
	// prints when it crashes must not look like output of the application.
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	open.add(null)
	crash, err := os.OpenFile(filepath.Join(o.Dir, CrashLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	open.add(crash)
	l.sentryFiles = files{null, null, crash, nil}
	l.goferFiles = files{null, null, crash, nil}

	near, far, err := socketpair()
	if err != nil {
		return nil, err
	}
	open.add(near)
	open.add(far)
	mounts, attach, err := o.Bundle.Mounts()
	if err != nil {
		return nil, err
	}
	if err := l.prepareGofer(o, attach, far, open); err != nil {
		return nil, err
	}
	if o.Overlay == "none" {
		if err := makeMountPoints(o.Bundle.Spec.Root.Path, mounts); err != nil {
			return nil, err
		}
	}
	c := &control.Config{
		ID: o.ID, Platform: o.Platform, NoPatch: o.NoPatch, VCPUs: o.VCPUs, Network: o.Network, NoRaw: o.NoRaw, NetRate: o.NetRate,
		Rootless: o.Rootless, Spec: o.Bundle.Spec,
		Root:   control.Root{Attach: 0, Readonly: o.Bundle.Spec.Root.Readonly, Overlay: o.Overlay != "none", Exclusive: !o.Shared},
		Mounts: mounts, Cgroup: cgroupConfig(o.Cgroup, o.Bundle.Spec.Linux.Resources), Host: hostFacts(),
	}
	if err := l.prepareSentry(o, c, near, open); err != nil {
		return nil, err
	}
	p := <-program
	if p.err != nil {
		return nil, p.err
	}
	c.Seccomp = p.bpf
	raw, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	l.sentryFiles[control.ConfigFD], err = Memfd("config", raw)
	open.add(l.sentryFiles[control.ConfigFD])
	return l, err
}

type compiled struct {
	bpf []byte
	err error
}

// prepareSentry opens what the sentry inherits and notes the numbers in c.
func (l *launch) prepareSentry(o *Options, c *control.Config, gofer *os.File, open *closer) error {
	memory, err := memoryFile()
	if err != nil {
		return err
	}
	open.add(memory)
	listener, err := Listen(o.Dir)
	if err != nil {
		return err
	}
	open.add(listener)
	reportR, reportW, err := os.Pipe()
	if err != nil {
		return err
	}
	open.add(reportW)
	l.report = reportR
	t := &l.sentryFiles
	c.FD = control.Descriptors{Memory: t.add(memory), Control: t.add(listener), Gofer: t.add(gofer), Report: t.add(reportW)}
	gateR, gateW, err := os.Pipe()
	if err != nil {
		return err
	}
	l.gate = gateW
	c.FD.Gate = t.add(open.add(gateR))
	for _, f := range o.Stdio {
		n := -1
		if f != nil {
			n = t.add(f)
		}
		c.FD.Stdio = append(c.FD.Stdio, n)
	}
	if o.TTY != nil {
		l.tty = c.FD.Stdio[0]
	}
	c.Log = control.Log{Debug: o.Debug, Strace: o.Strace, Calls: o.Calls, JSON: o.LogJSON, MessageFD: -1, PanicFD: 2}
	if o.DebugLog != nil {
		c.Log.MessageFD = t.add(o.DebugLog)
	}
	c.Pcap = control.Pcap{FD: -1, Snaplen: o.Pcap.Snaplen, Limit: o.Pcap.Limit}
	if o.Pcap.File != nil {
		c.Pcap.FD = t.add(o.Pcap.File)
	}
	return nil
}

func (l *launch) prepareGofer(o *Options, attach []spec.Attach, conn *os.File, open *closer) error {
	t := &l.goferFiles
	c := wire.Config{Conn: t.add(conn), LogFD: -1, Debug: o.Debug}
	if o.DebugLog != nil {
		c.LogFD = t.add(o.DebugLog)
	}
	for i, a := range attach {
		fd, err := unix.Open(a.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("opening %s for the container: %w", a.Path, err)
		}
		f := open.add(os.NewFile(uintptr(fd), a.Path))
		readonly := a.Readonly || i == 0 && o.Overlay != "none" || o.Overlay == "all"
		c.Attach = append(c.Attach, wire.Attach{FD: t.add(f), Path: a.Path, Readonly: readonly, Recursive: a.Recursive})
	}
	uids, gids := o.Bundle.Spec.Linux.UIDMappings, o.Bundle.Spec.Linux.GIDMappings
	if o.Rootless { // the gofer's own user namespace maps the ids
		uids, gids = nil, nil
	}
	for _, m := range uids {
		c.UIDs = append(c.UIDs, wire.IDMap{Inside: m.ContainerID, Outside: m.HostID, Count: m.Size})
	}
	for _, m := range gids {
		c.GIDs = append(c.GIDs, wire.IDMap{Inside: m.ContainerID, Outside: m.HostID, Count: m.Size})
	}
	raw, err := json.Marshal(&c)
	if err != nil {
		return err
	}
	l.goferFiles[wire.ConfigFD], err = Memfd("config", raw)
	open.add(l.goferFiles[wire.ConfigFD])
	return err
}

// cgroupConfig is what the sentry is told of its limits.
func cgroupConfig(g *cgroup.Group, res *specs.LinuxResources) control.Cgroup {
	var c control.Cgroup
	if g != nil {
		c.Path = g.Path
	}
	if res == nil {
		return c
	}
	if m := res.Memory; m != nil {
		if m.Limit != nil && *m.Limit > 0 {
			c.Memory = uint64(*m.Limit)
		}
		if m.Swap != nil && *m.Swap > 0 {
			c.Swap = uint64(*m.Swap)
		}
	}
	if p := res.Pids; p != nil && p.Limit != nil && *p.Limit > 0 {
		c.Pids = *p.Limit
	}
	if cpu := res.CPU; cpu != nil {
		if cpu.Shares != nil {
			c.Shares = *cpu.Shares
		}
		if cpu.Quota != nil && *cpu.Quota > 0 {
			period := int64(100000)
			if cpu.Period != nil && *cpu.Period > 0 {
				period = int64(*cpu.Period)
			}
			c.CPUs = int((*cpu.Quota + period - 1) / period)
		}
	}
	return c
}

// Memfd makes a sealed memory file that holds b.
func Memfd(name string, b []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.WriteAt(b, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the sandbox's configuration: %w", err)
	}
	seals := unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		f.Close()
		return nil, fmt.Errorf("sealing the sandbox's configuration: %w", err)
	}
	return f, nil
}

// memoryFile makes the file that will be the container's memory. Application code runs from
// it, so it must not fall under a system-wide ban on executable memfds (vm.memfd_noexec).
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("memory", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate("memory", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("making the memory file: %w", err)
	}
	return os.NewFile(uintptr(fd), "memory"), nil
}

func socketpair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "gofer"), os.NewFile(uintptr(fds[1]), "sentry"), nil
}
