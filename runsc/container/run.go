package container

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/console"
	"github.com/seed-7423c386/runsc/runsc/sandbox"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// Run creates and starts a container. In the foreground it passes signals on, waits for the
// end, deletes the container (unless keep) and returns the exit code; else it returns at once.
func Run(cfg *Config, o *CreateOptions, keep bool) (int, error) {
	signals := make(chan os.Signal, 128)
	if o.Foreground {
		signal.Notify(signals) // from here on none of them ends this process half way
	}
	c, r, err := Create(cfg, o)
	if err != nil {
		return 0, err
	}
	defer c.Unlock()
	var relay *console.Relay
	if r.Master != nil {
		if relay, err = console.NewRelay(r.Master, os.Stdin, os.Stdout); err != nil {
			return 0, errors.Join(err, c.destroy())
		}
	}
	start := c.Start
	if o.Bound {
		start = c.startBound
	}
	if err := start(); err != nil {
		r.Kill()
		if relay != nil {
			relay.Close()
		}
		return 0, errors.Join(err, c.destroy())
	}
	if !o.Foreground {
		return 0, nil
	}
	c.Unlock() // others may want to signal it or execute something in it
	go c.forward(signals)
	st, err := r.Wait()
	if relay != nil {
		relay.Close()
	}
	r.Gofer.Kill()
	r.Gofer.Wait()
	if err != nil {
		return 0, err
	}
	if !keep {
		if err := c.deleteAfterRun(); err != nil {
			return 0, err
		}
	}
	return exitCode(st), nil
}

// deleteAfterRun deletes the container unless somebody else was faster.
func (c *Container) deleteAfterRun() error {
	err := c.takeLock()
	if err == nil {
		err = c.destroy()
	}
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

// forward passes on what this process is sent. The kernel sends SIGWINCH and the signals of
// the keyboard to the container's own terminal, if it has one.
func (c *Container) forward(signals <-chan os.Signal) {
	for s := range signals {
		sig := s.(syscall.Signal)
		switch sig {
		case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGPIPE, unix.SIGTTOU, unix.SIGTTIN:
			continue
		}
		_, err := ask(c, control.Signal, control.SignalArgs{ID: c.ID, Signo: int(sig), Scope: control.ToProcess})
		if err != nil && !errors.Is(err, control.ErrGone) {
			c.cfg.Log.Warnf("passing on %v: %v", sig, err)
		}
	}
}

// exitCode is the code of a process that ended, 128+n if by signal n.
func exitCode(st *os.ProcessState) int {
	ws := st.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// startBound starts the container, which is killed when this process ends.
func (c *Container) startBound() error {
	conn, err := sandbox.Dial(c.dir, answerTime)
	if err != nil {
		return err
	}
	if _, err := control.Call(conn, control.Bind, control.Container{ID: c.ID}); err != nil {
		conn.Close()
		return err
	}
	return c.Start() // the connection stays open for as long as the process lives
}
