package boot

import (
	"fmt"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/control"
	"github.com/seed-7423c386/runsc/sentry/fs/gofer"
	"github.com/seed-7423c386/runsc/sentry/fs/hostfile"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// container is one container of the sandbox.
type container struct {
	cfg     *control.Config
	ns      *kernel.Namespaces
	gofer   *gofer.Client
	seccomp bpf.Program
	init    kernel.Spawned
	tty     *hostfile.TTY // of the first process, or nil

	mu      sync.Mutex
	started bool
	waiting map[int32]*kernel.Group // processes of exec, until they are waited for
}

// containers are the containers by id. The first one's end is the sandbox's.
type containers struct {
	mu    sync.Mutex
	byID  map[string]*container
	first *container
}

func (c *containers) find(id string) (*container, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.byID[id]; x != nil {
		return x, nil
	}
	return nil, fmt.Errorf("container %q is not in this sandbox", id)
}

// firstContainer makes the container that the configuration describes.
func (s *sandbox) firstContainer() error {
	c := &container{cfg: s.cfg, ns: &s.kernel.InitNS}
	if s.cfg.NoRaw {
		socket.RefuseRaw()
	}
	if s.cfg.Pcap.FD >= 0 {
		s.capture(&s.cfg.Pcap)
	}
	// The loopback of a container is up, as every runtime leaves it.
	socket.Devices(s.kernel.InitNS.Net).SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	if err := s.newContainer(c); err != nil {
		return err
	}
	s.containers.first, s.containers.byID = c, map[string]*container{s.cfg.ID: c}
	return nil
}

// newContainer mounts c's file systems and loads its first program.
func (s *sandbox) newContainer(c *container) error {
	var err error
	c.waiting = map[int32]*kernel.Group{}
	c.gofer = gofer.New(c.cfg.FD.Gofer)
	if c.ns.Mount, err = s.mountAll(c.cfg, c.gofer); err != nil {
		return err
	}
	if d := c.cfg.Spec.Domainname; d != "" {
		c.ns.UTS.SetDomainname(d)
	}
	if l := c.cfg.Spec.Linux; l != nil {
		if err := s.sysctls(l.Sysctl); err != nil {
			return err
		}
	}
	if c.seccomp, err = filterOf(c.cfg.Seccomp); err != nil {
		return err
	}
	c.cfg.Spec.Process.User.Username = "" // in a bundle it means nothing on Linux (config.md, User)
	p, err := s.processOf(c, c.cfg.Spec.Process)
	if err != nil {
		return err
	}
	p.Seccomp = c.seccomp
	if c.tty, err = s.stdio(p, c.cfg.FD.Stdio, c.cfg.Spec.Process.Terminal); err != nil {
		return err
	}
	p.Exit = func(status uint32) { go s.ended(c, status) }
	if err := s.plat.wait(s.cfg.Platform); err != nil {
		return err
	}
	var errno linux.Errno
	if c.init, errno = s.kernel.Spawn(p); errno != 0 {
		return execFailed(p.Path, errno)
	}
	return nil
}

// stdio installs inherited descriptors as 0, 1, 2 and so on. With terminal, descriptor 0 is the
// controlling terminal of the new session, which is returned.
func (s *sandbox) stdio(p *kernel.Process, fds []int, terminal bool) (*hostfile.TTY, error) {
	var tty *hostfile.TTY
	for i, fd := range fds {
		if fd < 0 {
			continue
		}
		f, t, errno := hostfile.New(vfs.KernelCtx{}, fd, tty, func() (vfs.Path, linux.Errno) {
			at := p.FS.At()
			defer at.Put()
			return vfs.Walk(vfs.KernelCtx{}, at, "/dev/console", vfs.Follow)
		})
		if errno != 0 {
			return nil, fmt.Errorf("descriptor %d: %w", i, errno)
		}
		if errno := p.Files.Put(f, int32(i)); errno != 0 {
			return nil, fmt.Errorf("descriptor %d: %w", i, errno)
		}
		if tty == nil {
			tty = t
		}
	}
	if !terminal || tty == nil {
		return nil, nil
	}
	p.TTY = tty
	return tty, nil
}

// answerTime is how long the end of the sandbox waits until those are answered who asked for something: to start the process that has
// ended, or to wait for it.
const answerTime = time.Second

// ended is called when a container's first process has ended: its others are killed by the
// kernel already, as those of a PID namespace are. With the first container the sandbox ends,
// with its exit code.
func (s *sandbox) ended(c *container, status uint32) {
	if c != s.containers.first {
		return
	}
	s.server.Finish(answerTime)
	host.Exit(codeOf(status))
}

// codeOf is the exit code of a wait(2) status: 128 plus the signal if there was one.
func codeOf(status uint32) int {
	if sig := status & 0x7f; sig != 0 {
		return 128 + int(sig)
	}
	return int(status >> 8 & 0xff)
}
