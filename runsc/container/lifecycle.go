package container

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/hook"
	"github.com/seed-7423c386/runsc/runsc/sandbox"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// ErrNotRunning is in words that the containerd shim looks for.
var ErrNotRunning = errors.New("container not running")

// answerTime is how long a sentry may take to answer what it can answer at once.
const answerTime = 10 * time.Second

// ask makes one short call.
func ask[A, R any](c *Container, m control.Method[A, R], args A) (R, error) {
	var none R
	conn, err := sandbox.Dial(c.dir, answerTime)
	if err != nil {
		return none, err
	}
	defer conn.Close()
	return control.Call(conn, m, args)
}

// Start lets the created container run. The container is locked.
func (c *Container) Start() error {
	switch st := c.Status(); st {
	case specs.StateCreated:
	case specs.StateStopped:
		return errors.New("cannot start a container that has stopped")
	case specs.StateRunning, Paused:
		return errors.New("cannot start an already running container")
	default:
		return fmt.Errorf("cannot start a container in the %s state", st)
	}
	if c.Hooks != nil && len(c.Hooks.StartContainer) > 0 {
		if err := c.startContainerHooks(); err != nil {
			return c.abandon(err)
		}
	}
	if err := c.handNetwork(); err != nil {
		return c.abandon(err)
	}
	if _, err := ask(c, control.Start, control.Container{ID: c.ID}); err != nil {
		return err
	}
	c.State.Status = specs.StateRunning
	if err := c.write(); err != nil {
		return err
	}
	if c.Hooks != nil {
		if err := hook.Run("poststart", c.Hooks.Poststart, c.OCI()); err != nil {
			return c.abandon(err)
		}
	}
	return nil
}

// handNetwork gives the sandbox the interfaces that hooks, or who made the namespace, have set up
// for it; or tells it of those of the host that it uses.
func (c *Container) handNetwork() (err error) {
	var n *sandbox.Network
	switch {
	case c.cfg.Network == "host":
		n, err = sandbox.ReadNetwork(c.Sentry.PID)
	case c.cfg.Network == "sandbox" && !c.cfg.Rootless:
		n, err = sandbox.TakeNetwork(c.Sentry.PID, c.resolvConf())
	default:
		return nil
	}
	if err != nil || len(n.Args.Links) == 0 {
		return err
	}
	defer n.Close()
	conn, err := sandbox.Dial(c.dir, answerTime)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := n.Release(); err != nil {
		return err
	}
	n.Args.ID = c.ID
	_, err = control.Call(conn, control.Network, n.Args, n.Files...)
	return err
}

// resolvConf is what the engine mounts at /etc/resolv.conf, nil for nothing.
func (c *Container) resolvConf() []byte {
	s, err := c.Spec()
	if err != nil {
		return nil
	}
	for _, m := range s.Mounts {
		if m.Destination == "/etc/resolv.conf" {
			b, _ := os.ReadFile(m.Source)
			return b
		}
	}
	return nil
}

// abandon kills a container for which a hook failed.
func (c *Container) abandon(err error) error {
	if e := c.Sentry.kill(); e != nil {
		c.cfg.Log.Warnf("%v", e)
	}
	return err
}

// startContainerHooks runs those hooks where the specification wants them: inside. Their
// program and everything they touch is the container's, so they are the sentry's to run.
func (c *Container) startContainerHooks() error {
	s, err := c.Spec()
	if err != nil {
		return err
	}
	state, err := json.Marshal(c.OCI())
	if err != nil {
		return err
	}
	for i, h := range s.Hooks.StartContainer {
		if err := c.hookInside(s, &h, state); err != nil {
			return fmt.Errorf("startContainer hook #%d %s: %w", i, h.Path, err)
		}
	}
	return nil
}

func (c *Container) hookInside(s *specs.Spec, h *specs.Hook, state []byte) error {
	p := *s.Process
	p.Args, p.Env, p.Terminal, p.Cwd = h.Args, h.Env, false, "/"
	if len(p.Args) == 0 {
		p.Args = []string{h.Path}
	}
	p.Args = append([]string{h.Path}, p.Args[1:]...)
	p.User = specs.User{}
	in, inW, err := os.Pipe()
	if err != nil {
		return err
	}
	outR, out, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close(), inW.Close())
	}
	defer outR.Close()
	go func() {
		inW.Write(state)
		inW.Close()
	}()
	var output bytes.Buffer
	done := make(chan struct{})
	go func() {
		io.Copy(&output, io.LimitReader(outR, 4096))
		close(done)
	}()
	timeout := time.Duration(0)
	if h.Timeout != nil {
		timeout = time.Duration(*h.Timeout) * time.Second
	}
	status, err := c.execAndWait(&p, []*os.File{in, out, out}, timeout)
	in.Close()
	out.Close()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	if err == nil && status != 0 {
		err = fmt.Errorf("exit status %d: %s", status, bytes.TrimSpace(output.Bytes()))
	}
	return err
}

// execAndWait runs a process inside and returns its exit code.
func (c *Container) execAndWait(p *specs.Process, files []*os.File, timeout time.Duration) (int, error) {
	conn, err := sandbox.Dial(c.dir, timeout)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	e, err := control.Call(conn, control.Exec, control.ExecArgs{ID: c.ID, Process: p}, files...)
	if err != nil {
		return 0, err
	}
	w, err := control.Call(conn, control.Wait, control.WaitArgs{ID: c.ID, PID: e.PID})
	return w.Status, err
}

// Signal sends a signal to the container's first process, or to all.
func (c *Container) Signal(sig unix.Signal, all bool) error {
	switch c.Status() {
	case specs.StateStopped:
		if all {
			return nil // runc kills what is left in the cgroup, and nothing can be
		}
		return ErrNotRunning
	case specs.StateCreating:
		return errors.New("cannot kill a container that is still being created: delete --force it")
	}
	args := control.SignalArgs{ID: c.ID, Signo: int(sig), Scope: control.ToProcess}
	if all {
		args.Scope = control.ToAll
	}
	_, err := ask(c, control.Signal, args)
	if err == nil {
		return nil
	}
	var refused *control.Error
	if sig != unix.SIGKILL || errors.As(err, &refused) {
		if errors.Is(err, control.ErrGone) {
			return ErrNotRunning
		}
		return err
	}
	return c.Sentry.kill() // a sentry that does not answer does not keep a container alive
}

// Pause stops every process of the container; Resume lets them go on. The container is locked.
func (c *Container) Pause() error {
	if st := c.Status(); st != specs.StateRunning {
		return fmt.Errorf("cannot pause a container that is %s", st)
	}
	if _, err := ask(c, control.Pause, control.Container{ID: c.ID}); err != nil {
		return err
	}
	c.State.Status = Paused
	return c.write()
}

// Resume is the end of Pause.
func (c *Container) Resume() error {
	if st := c.Status(); st != Paused {
		return fmt.Errorf("cannot resume a container that is %s, not paused", st)
	}
	if _, err := ask(c, control.Resume, control.Container{ID: c.ID}); err != nil {
		return err
	}
	c.State.Status = specs.StateRunning
	return c.write()
}

// Ps lists the processes inside.
func (c *Container) Ps() ([]control.Process, error) {
	if c.Status() == specs.StateStopped {
		return nil, ErrNotRunning
	}
	r, err := ask(c, control.Ps, control.Container{ID: c.ID})
	return r.Processes, err
}

// Stats asks the sentry what the container uses.
func (c *Container) Stats() (control.StatsResult, error) {
	if c.Status() == specs.StateStopped {
		return control.StatsResult{}, ErrNotRunning
	}
	return ask(c, control.Stats, control.Container{ID: c.ID})
}

// Stacks returns the stacks of the sentry's goroutines.
func (c *Container) Stacks() (string, error) {
	if c.Status() == specs.StateStopped {
		return "", ErrNotRunning
	}
	r, err := ask(c, control.Stacks, control.Empty{})
	return r.Text, err
}

// Wait waits for the container's first process and returns its exit code.
func (c *Container) Wait() (int, error) {
	if c.Status() == specs.StateStopped {
		return 0, fmt.Errorf("%w: its exit status went to the process that created it", ErrNotRunning)
	}
	conn, err := sandbox.Dial(c.dir, 0)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	w, err := control.Call(conn, control.Wait, control.WaitArgs{ID: c.ID})
	return w.Status, err
}

// Delete removes a container that has stopped; with force, one in any state. It is locked.
func (c *Container) Delete(force bool) error {
	if st := c.Status(); !force && st != specs.StateStopped && st != specs.StateCreated {
		return fmt.Errorf("cannot delete container %s that is not stopped: %s", c.ID, st)
	}
	return c.destroy()
}

// destroy ends what runs and removes what there is: processes, cgroups, directory, in this
// order, so that a failure can be tried again.
func (c *Container) destroy() error {
	started := c.Sentry.PID != 0
	if err := c.Sentry.kill(); err != nil {
		return err
	}
	if err := c.Gofer.kill(); err != nil {
		return err
	}
	if c.Cgroup != nil {
		if err := c.removeCgroup(); err != nil {
			return err
		}
	}
	if started {
		c.poststop()
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("removing the state directory: %w", err)
	}
	c.Unlock()
	return nil
}

// removeCgroup removes the cgroups and, in those of our own, whatever still runs there:
// processes that a killed runsc had no time to write down.
func (c *Container) removeCgroup() error {
	if c.Cgroup.TryRemove() {
		return nil
	}
	for _, pid := range c.Cgroup.Pids() {
		if pid != os.Getpid() {
			identify(pid).kill()
		}
	}
	return c.Cgroup.Remove()
}

// poststop runs the last hooks. They cannot fail the deletion (runtime-spec, lifecycle 13).
func (c *Container) poststop() {
	if c.Hooks == nil {
		return
	}
	state := c.OCI()
	state.Status, state.Pid = specs.StateStopped, 0
	for i := range c.Hooks.Poststop {
		if err := hook.Run("poststop", c.Hooks.Poststop[i:i+1], state); err != nil {
			c.cfg.Log.Warnf("%v", err)
		}
	}
}

// Update changes the limits of the container's cgroup. The container is locked.
func (c *Container) Update(res *specs.LinuxResources) error {
	if c.Status() == specs.StateStopped || c.Cgroup == nil {
		return ErrNotRunning
	}
	return c.Cgroup.Set(res)
}
