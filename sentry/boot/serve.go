package boot

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/control"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// serve answers the control socket for ever.
func (s *sandbox) serve() {
	s.handle(s.server)
	go s.forwardSignals()
	for {
		fd, errno := host.Accept(s.cfg.FD.Control)
		if errno != 0 {
			s.log.Warn("control socket: %v", errno)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go s.server.Serve(&stream{fd: fd})
	}
}

// stream is a connection of the control socket.
type stream struct{ fd int }

// Recv implements control.Stream.
func (c *stream) Recv(b []byte) (int, []int, error) {
	fds := make([]int, control.MaxFiles)
	n, nfds, _, errno := host.Recvmsg(c.fd, b, fds, 0)
	if errno != 0 {
		return 0, nil, errno
	}
	return n, fds[:nfds], nil
}

// Send implements control.Stream.
func (c *stream) Send(b []byte, fds []int) error {
	for len(b) > 0 {
		n, errno := host.Sendmsg(c.fd, b, fds, unix.MSG_NOSIGNAL)
		if errno != 0 {
			return errno
		}
		b, fds = b[n:], nil
	}
	return nil
}

// CloseFD implements control.Stream.
func (c *stream) CloseFD(fd int) { host.Close(fd) }

// Close implements control.Stream.
func (c *stream) Close() {
	host.Shutdown(c.fd, unix.SHUT_RDWR)
	host.Close(c.fd)
}

// handle fills the table of methods.
func (s *sandbox) handle(srv *control.Server) {
	control.Handle(srv, control.Start, s.startContainer)
	control.Handle(srv, control.Network, s.network)
	control.Handle(srv, control.Signal, s.signal)
	control.Handle(srv, control.Exec, s.exec)
	control.Handle(srv, control.Wait, s.wait)
	control.Handle(srv, control.Bind, s.bind)
	control.Handle(srv, control.Ps, s.ps)
	control.Handle(srv, control.State, s.state)
	control.Handle(srv, control.Stats, s.stats)
	control.Handle(srv, control.Winsize, s.winsize)
	control.Handle(srv, control.Pause, func(*control.Request, *control.Container) (control.Empty, error) {
		s.kernel.Freeze()
		return control.Empty{}, nil
	})
	control.Handle(srv, control.Resume, func(*control.Request, *control.Container) (control.Empty, error) {
		s.kernel.Thaw()
		return control.Empty{}, nil
	})
	control.Handle(srv, control.Stacks, func(*control.Request, *control.Empty) (control.StacksResult, error) {
		return control.StacksResult{Text: stacks()}, nil
	})
}

// stacks are the stacks of all goroutines, after a line that counts what must not grow for ever.
func stacks() string {
	var b bytes.Buffer
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools give back what they hold only at the second
	runtime.ReadMemStats(&m)
	fmt.Fprintf(&b, "%d goroutines, %d timers of the network, %d kB of heap\n\n", runtime.NumGoroutine(), stack.Wall.Timers(), m.HeapAlloc>>10)
	pprof.Lookup("goroutine").WriteTo(&b, 2)
	return b.String()
}

func (s *sandbox) startContainer(_ *control.Request, a *control.Container) (control.Empty, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.Empty{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started {
		return control.Empty{}, errors.New("the container is already started")
	}
	c.started = true
	c.init.Run()
	return control.Empty{}, nil
}

var errNoProcess = errors.New("no such process")

func (s *sandbox) signal(_ *control.Request, a *control.SignalArgs) (control.Empty, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.Empty{}, err
	}
	if a.Signo < 1 || a.Signo > linux.SIGRTMAX {
		return control.Empty{}, fmt.Errorf("signal %d is out of range", a.Signo)
	}
	g := c.init.Group()
	if a.PID != 0 {
		if g = s.kernel.GroupIn(c.ns.PIDChildren, a.PID); g == nil && a.Scope != control.ToGroup {
			return control.Empty{}, errNoProcess
		}
	}
	switch a.Scope {
	case control.ToAll:
		c.runIfCreated(a.Signo)
		s.kernel.KillContainer(c.ns.PIDChildren, a.Signo)
	case control.ToGroup:
		if !s.kernel.SignalGroupFromOutside(c.ns.PIDChildren, a.PID, a.Signo) {
			return control.Empty{}, errNoProcess
		}
	case control.ToForeground:
		if !g.SignalForeground(a.Signo) {
			g.SendFromOutside(a.Signo)
		}
	default:
		if g.IsZombie() {
			return control.Empty{}, errNoProcess
		}
		g.SendFromOutside(a.Signo)
		c.runIfCreated(a.Signo)
	}
	return control.Empty{}, nil
}

// runIfCreated lets a container that was created but not started take a signal that kills it.
func (c *container) runIfCreated(signo int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started && signo == linux.SIGKILL {
		c.started = true
		c.init.Run()
	}
}

// exec starts another process.
func (s *sandbox) exec(r *control.Request, a *control.ExecArgs) (control.ExecResult, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.ExecResult{}, err
	}
	if a.Process == nil || len(a.Process.Args) == 0 {
		return control.ExecResult{}, errors.New("no program to run")
	}
	if c.init.Group().IsZombie() {
		return control.ExecResult{}, errors.New("the container is stopped")
	}
	p, err := s.processOf(c, a.Process)
	if err != nil {
		return control.ExecResult{}, asError(err)
	}
	if p.Seccomp, err = filterOf(a.Seccomp); err != nil {
		return control.ExecResult{}, err
	}
	if p.Seccomp == nil && a.Inherit {
		p.Seccomp = c.seccomp
	}
	if _, err := s.stdio(p, r.Take(), a.Process.Terminal); err != nil {
		return control.ExecResult{}, err
	}
	sp, errno := s.kernel.Spawn(p)
	if errno != 0 {
		return control.ExecResult{}, asError(execFailed(p.Path, errno))
	}
	pid := sp.Group().PIDIn(c.ns.PIDChildren)
	g := sp.Group()
	c.mu.Lock()
	c.waiting[pid] = g
	c.mu.Unlock()
	r.AtEnd(func() {
		g.SendFromOutside(linux.SIGKILL)
		c.mu.Lock()
		if c.waiting[pid] == g {
			delete(c.waiting, pid)
		}
		c.mu.Unlock()
	})
	sp.Run()
	return control.ExecResult{PID: pid}, nil
}

// bind ties the container's life to the connection.
func (s *sandbox) bind(r *control.Request, a *control.Container) (control.Empty, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.Empty{}, err
	}
	r.AtEnd(func() {
		c.runIfCreated(linux.SIGKILL)
		c.init.Group().SendFromOutside(linux.SIGKILL)
	})
	return control.Empty{}, nil
}

// asError gives an error its exit code over the wire.
func asError(err error) error {
	if f, ok := err.(*failure); ok {
		return &control.Error{Text: f.Error(), Code: f.code}
	}
	return err
}

// wait answers when a process has ended.
func (s *sandbox) wait(r *control.Request, a *control.WaitArgs) (control.WaitResult, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.WaitResult{}, err
	}
	g := c.init.Group()
	if a.PID != 0 {
		c.mu.Lock()
		g = c.waiting[a.PID]
		c.mu.Unlock()
		if g == nil {
			return control.WaitResult{}, errNoProcess
		}
	}
	select {
	case <-g.Exited():
	case <-r.Hangup():
		return control.WaitResult{}, errors.New("the caller went away")
	}
	st := g.ExitStatus()
	return control.WaitResult{Status: codeOf(st), Signal: int(st & 0x7f)}, nil
}

func (s *sandbox) ps(_ *control.Request, a *control.Container) (control.PsResult, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.PsResult{}, err
	}
	ns := c.ns.PIDChildren
	var out []control.Process
	boot := s.kernel.Clock.Realtime() - s.kernel.Clock.Boottime()
	for _, g := range s.kernel.Groups(ns) {
		t := g.Leader()
		p := control.Process{PID: g.PIDIn(ns), UID: s.kernel.UserNS.FromKernelUID(t.Cred().Euid), TTY: "?", Threads: g.Threads(), Start: (boot + g.Started()) / linux.Second}
		if parent := g.Parent(); parent != nil {
			p.PPID = parent.PIDIn(ns)
		}
		if _, _, tty, _ := g.Ids(ns); tty != nil {
			p.TTY = tty.Name()
		}
		user, sys := g.CPU()
		p.Time = user + sys
		p.Command = commandOf(t)
		out = append(out, p)
	}
	return control.PsResult{Processes: out}, nil
}

// commandOf is the command line, or the name in brackets.
func commandOf(t *kernel.Task) string {
	m := t.GetMM()
	if m == nil {
		return "[" + t.Comm() + "]"
	}
	defer m.Put()
	l := m.Layout()
	b := make([]byte, min(uint64(l.ArgEnd-l.ArgStart), 4096))
	n, _ := m.Space().CopyIn(l.ArgStart, b)
	return string(bytes.TrimSpace(bytes.ReplaceAll(b[:n], []byte{0}, []byte{' '})))
}

func (s *sandbox) state(_ *control.Request, a *control.Container) (control.StateResult, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.StateResult{}, err
	}
	r := control.StateResult{Status: "running", PID: c.init.Group().PIDIn(c.ns.PIDChildren)}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.init.Group().IsZombie():
		r.Status = "stopped"
	case !c.started:
		r.Status = "created"
	case s.kernel.Frozen():
		r.Status = "paused"
	}
	return r, nil
}

func (s *sandbox) stats(_ *control.Request, a *control.Container) (control.StatsResult, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.StatsResult{}, err
	}
	r := control.StatsResult{Memory: s.pool.Total(), Syscalls: s.kernel.Traps()}
	for _, g := range s.kernel.Groups(c.ns.PIDChildren) {
		user, sys := g.CPU()
		r.CPU += uint64(user + sys)
		r.Pids += g.Threads()
	}
	return r, nil
}

func (s *sandbox) winsize(_ *control.Request, a *control.WinsizeArgs) (control.Empty, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.Empty{}, err
	}
	g := c.init.Group()
	if a.PID != 0 {
		if g = s.kernel.GroupIn(c.ns.PIDChildren, a.PID); g == nil {
			return control.Empty{}, errNoProcess
		}
	}
	_, _, tty, _ := g.Ids(c.ns.PIDChildren)
	w, ok := tty.(interface {
		SetWinsize(rows, cols uint16) linux.Errno
	})
	if !ok {
		return control.Empty{}, errors.New("the process has no terminal")
	}
	if errno := w.SetWinsize(a.Rows, a.Cols); errno != 0 {
		return control.Empty{}, errno
	}
	return control.Empty{}, nil
}
