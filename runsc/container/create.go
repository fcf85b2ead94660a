package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/cgroup"
	"github.com/seed-7423c386/runsc/runsc/console"
	"github.com/seed-7423c386/runsc/runsc/hook"
	"github.com/seed-7423c386/runsc/runsc/sandbox"
	"github.com/seed-7423c386/runsc/runsc/spec"
)

// CreateOptions are the flags of create and run.
type CreateOptions struct {
	ID            string
	Bundle        *spec.Bundle
	PidFile       string
	ConsoleSocket string
	PreserveFDs   int
	Foreground    bool // the caller stays and relays the terminal
	Bound         bool // the container dies with the caller
}

// Running is a sandbox that this process started and may wait for.
type Running struct {
	*sandbox.Sandbox
	Master *os.File // of the container's terminal in the foreground, else nil
}

// Create makes a container whose process is ready to be started. After an error nothing of it
// is left. The container is returned locked.
func Create(cfg *Config, o *CreateOptions) (*Container, *Running, error) {
	if err := checkConsole(o.Bundle.Spec.Process.Terminal, o.Foreground, o.ConsoleSocket); err != nil {
		return nil, nil, err
	}
	group, err := cgroup.Plan(o.Bundle.Spec.Linux.CgroupsPath, o.ID, cfg.SystemdCgroup)
	if err != nil {
		return nil, nil, err
	}
	c, err := newDirectory(cfg, o, group)
	if err != nil {
		return nil, nil, err
	}
	r := new(Running)
	if err := c.create(o, r); err != nil {
		if r.Sandbox != nil {
			r.Kill()
		}
		closeFile(r.Master)
		if err := c.destroy(); err != nil {
			cfg.Log.Warnf("cleaning up after the failed creation of %s: %v", c.ID, err)
		}
		return nil, nil, err
	}
	return c, r, nil
}

// newDirectory makes the state directory, locked, with a first state in it.
func newDirectory(cfg *Config, o *CreateOptions, group *cgroup.Group) (*Container, error) {
	if err := checkID(o.ID); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Root, 0o711); err != nil {
		return nil, fmt.Errorf("state root (--root): %w", err)
	}
	s := o.Bundle.Spec
	c := &Container{cfg: cfg, dir: filepath.Join(cfg.Root, o.ID)}
	c.State = State{Version: s.Version, ID: o.ID, Bundle: o.Bundle.Dir, Rootfs: s.Root.Path, Created: time.Now().UTC(), Owner: os.Geteuid(),
		Annotations: s.Annotations, Terminal: s.Process.Terminal, Hooks: s.Hooks, Status: specs.StateCreating, Cgroup: group}
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("container with given ID already exists: %s", o.ID)
		}
		return nil, fmt.Errorf("state directory: %w", err)
	}
	err := os.WriteFile(filepath.Join(c.dir, "lock"), nil, 0o600)
	if err == nil {
		err = c.takeLock()
	}
	if err == nil {
		err = c.write()
	}
	if err != nil {
		c.destroy()
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return c, nil
}

// create does the work of Create in a directory that exists.
func (c *Container) create(o *CreateOptions, r *Running) error {
	s := o.Bundle.Spec
	for _, w := range o.Bundle.Warnings {
		c.cfg.Log.Warnf("%s", w)
	}
	if err := c.Cgroup.Create(s.Linux.Resources); err != nil {
		return err
	}
	so, err := c.sandboxOptions(o)
	if err != nil {
		return err
	}
	defer closeFile(so.DebugLog)
	if s.Process.Terminal {
		slave, err := c.makeConsole(o, r)
		if err != nil {
			return err
		}
		defer slave.Close()
		so.TTY = slave
		copy(so.Stdio, []*os.File{slave, slave, slave})
	}
	if r.Sandbox, err = sandbox.Start(so); err != nil {
		return err
	}
	c.Sentry, c.Gofer = identify(r.Sandbox.Sentry.Pid), identify(r.Sandbox.Gofer.Pid)
	if err := c.write(); err != nil {
		return err
	}
	if err := c.runCreationHooks(s.Hooks); err != nil {
		return err
	}
	if err := r.OpenGate(); err != nil {
		return r.Created() // the sentry is gone and this says why
	}
	if err := c.copyConfig(o.Bundle); err != nil {
		return err
	}
	if err := setOOMScore(c.Sentry.PID, s.Process.OOMScoreAdj, c.cfg.Rootless); err != nil {
		return err
	}
	if err := r.Created(); err != nil {
		return err
	}
	if o.ConsoleSocket != "" {
		// Last, as with runc: who gets the terminal takes it that the container exists.
		err := console.Send(o.ConsoleSocket, r.Master)
		closeFile(r.Master)
		r.Master = nil
		if err != nil {
			return err
		}
	}
	c.State.Status = specs.StateCreated
	if err := c.write(); err != nil {
		return err
	}
	return writePidFile(o.PidFile, c.Sentry.PID)
}

// checkConsole refuses the combinations that leave a terminal without an other end.
func checkConsole(terminal, foreground bool, socket string) error {
	if terminal && !foreground && socket == "" {
		return errors.New("cannot allocate tty if runsc will detach without setting console socket: give --console-socket or set process.terminal to false")
	}
	if socket != "" && (foreground || !terminal) {
		return errors.New("cannot use console socket if runsc will not detach or allocate tty")
	}
	return nil
}

// makeConsole makes the container's terminal.
func (c *Container) makeConsole(o *CreateOptions, r *Running) (slave *os.File, err error) {
	r.Master, slave, err = console.Open()
	if err != nil {
		return nil, err
	}
	p := o.Bundle.Spec.Process
	if err := console.Resize(slave, p.ConsoleSize); err != nil {
		slave.Close()
		return nil, fmt.Errorf("process.consoleSize: %w", err)
	}
	return slave, nil
}

func (c *Container) sandboxOptions(o *CreateOptions) (*sandbox.Options, error) {
	stdio, err := inherited(o.PreserveFDs)
	if err != nil {
		return nil, err
	}
	debugLog, err := c.openDebugLog()
	if err != nil {
		return nil, err
	}
	rate, err := c.netRate(o.Bundle.Spec)
	if err != nil {
		return nil, err
	}
	pcap, err := c.openPcap()
	if err != nil {
		return nil, err
	}
	platform := c.cfg.Platform
	if platform == "auto" {
		if platform, err = sandbox.BestPlatform(c.cfg.Root, c.cfg.Rootless); err != nil {
			return nil, err
		}
		c.cfg.Log.Debugf("container %s: platform %s", c.ID, platform)
	}
	return &sandbox.Options{
		ID: c.ID, Dir: c.dir, Bundle: o.Bundle, Platform: platform, NoPatch: c.cfg.NoPatch, VCPUs: c.cfg.VCPUs, Network: c.cfg.Network, NoRaw: !c.cfg.NetRaw, NetRate: rate,
		Pcap: sandbox.Pcap{File: pcap, Snaplen: c.cfg.PcapSnaplen, Limit: c.cfg.PcapLimit}, Overlay: c.cfg.Overlay,
		Shared: c.cfg.Shared, Rootless: c.cfg.Rootless, Debug: c.cfg.Debug, Strace: c.cfg.Strace, Calls: c.cfg.Calls,
		LogJSON: c.cfg.LogJSON, DebugLog: debugLog, Stdio: stdio, Cgroup: c.Cgroup,
	}, nil
}

// inherited are the descriptors 0, 1, 2 and n more that the container gets of ours. Those of
// socket activation (sd_listen_fds(3)) come first, as with runc.
func inherited(n int) ([]*os.File, error) {
	if v := os.Getenv("LISTEN_FDS"); v != "" {
		if more, err := strconv.Atoi(v); err == nil && more > 0 {
			n += more
		}
	}
	if n < 0 || n > 1024 {
		return nil, fmt.Errorf("--preserve-fds %d: out of range", n)
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	for fd := 3; fd < 3+n; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return nil, fmt.Errorf("--preserve-fds: descriptor %d is not open", fd)
		}
		files = append(files, os.NewFile(uintptr(fd), "fd"+strconv.Itoa(fd)))
	}
	return files, nil
}

// openDebugLog opens --debug-log: a file, or a directory (path ends in "/") for one file a
// container. With --strace or --debug and no file, messages go to standard error.
func (c *Container) openDebugLog() (*os.File, error) {
	path := c.cfg.DebugLog
	if path == "" {
		if !c.cfg.Strace && !c.cfg.Debug || c.cfg.Log.ToFile() {
			return nil, nil
		}
		fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, fmt.Errorf("standard error: %w", err)
		}
		return os.NewFile(uintptr(fd), "stderr"), nil
	}
	if strings.HasSuffix(path, "/") {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, fmt.Errorf("--debug-log: %w", err)
		}
		path = filepath.Join(path, c.ID+".log")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("--debug-log: %w", err)
	}
	return f, nil
}

// copyConfig keeps the configuration for exec and the later hooks: the bundle may change or go.
func (c *Container) copyConfig(b *spec.Bundle) error {
	raw := b.Raw
	if raw == nil {
		var err error
		if raw, err = json.Marshal(b.Spec); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(c.dir, spec.ConfigName), raw, 0o600)
}

// setOOMScore sets process.oomScoreAdj. Without privilege it can only go up.
func setOOMScore(pid int, score *int, rootless bool) error {
	if score == nil {
		return nil
	}
	err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(strconv.Itoa(*score)), 0)
	if err != nil && (rootless || errors.Is(err, os.ErrNotExist)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process.oomScoreAdj %d: %w", *score, err)
	}
	return nil
}

// writePidFile writes a pid for an engine that watches for the file to appear.
func writePidFile(path string, pid int) error {
	if path == "" {
		return nil
	}
	if err := writeFile(path, []byte(strconv.Itoa(pid))); err != nil {
		return fmt.Errorf("--pid-file: %w", err)
	}
	return nil
}

// runCreationHooks runs what has to be done before the container's root is used. The process
// they are told of exists and waits at the gate.
func (c *Container) runCreationHooks(h *specs.Hooks) error {
	if h == nil {
		return nil
	}
	state := c.OCI()
	if err := hook.Run("prestart", h.Prestart, state); err != nil {
		return err
	}
	if err := hook.Run("createRuntime", h.CreateRuntime, state); err != nil {
		return err
	}
	if len(h.CreateContainer) == 0 {
		return nil
	}
	return sandbox.InNamespaces(c.Sentry.PID, func() error { return hook.Run("createContainer", h.CreateContainer, state) })
}

func closeFile(f *os.File) {
	if f != nil {
		f.Close()
	}
}
