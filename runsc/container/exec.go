package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/console"
	"github.com/seed-7423c386/runsc/runsc/sandbox"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// A process that is executed in a container needs a process on the host to stand for it when
// an engine wants to wait for it (--detach), and when there is a terminal, whose keyboard
// signals and window changes the kernel sends to a session on the host. That is the stand-in:
// runsc itself with the command StandInCommand, leading a session on the terminal. It passes
// signals on, ends with the exit code of the process, and takes the process with it if killed.

// StandInCommand is the name of the command that runs a stand-in. It is not for people.
const StandInCommand = "exec-stand-in"

// The stand-in's descriptors beside the standard ones.
const (
	standInConfigFD = 3
	standInReportFD = 4
	standInExtraFD  = 5
)

// ExecOptions are the flags of exec.
type ExecOptions struct {
	Process       *specs.Process
	Detach        bool
	PidFile       string
	ConsoleSocket string
	PreserveFDs   int
	IgnorePaused  bool
}

// standIn is what a stand-in is told.
type standIn struct {
	Dir     string
	ID      string
	Process *specs.Process
	Extra   int // descriptors from standInExtraFD on that the process gets as 3, 4, …
}

// Exec runs a process in the container. If it does not detach it returns the exit code.
func (c *Container) Exec(o *ExecOptions) (int, error) {
	switch c.Status() {
	case specs.StateStopped, specs.StateCreating:
		return 0, errors.New("cannot exec in a container that is not running")
	case Paused:
		if !o.IgnorePaused {
			return 0, errors.New("cannot exec in a paused container (use --ignore-paused to override)")
		}
	}
	if err := checkConsole(o.Process.Terminal, !o.Detach, o.ConsoleSocket); err != nil {
		return 0, err
	}
	files, err := inherited(o.PreserveFDs)
	if err != nil {
		return 0, err
	}
	if o.Detach || o.Process.Terminal {
		return c.execStandIn(o, files)
	}
	signals := make(chan os.Signal, 128)
	signal.Notify(signals)
	return execForeground(c.dir, c.ID, o.Process, files, signals, func(error) {})
}

// execForeground runs a process, calls started when it runs or could not be started, passes
// signals on and returns the exit code.
func execForeground(dir, id string, p *specs.Process, files []*os.File, signals <-chan os.Signal, started func(error)) (int, error) {
	conn, err := sandbox.Dial(dir, 0)
	if err != nil {
		started(err)
		return 0, err
	}
	defer conn.Close()
	e, err := control.Call(conn, control.Exec, control.ExecArgs{ID: id, Process: p, Inherit: true}, files...)
	started(err)
	if err != nil {
		return 0, err
	}
	go forwardTo(dir, id, e.PID, p.Terminal, signals)
	w, err := control.Call(conn, control.Wait, control.WaitArgs{ID: id, PID: e.PID})
	if errors.Is(err, control.ErrGone) {
		return 128 + int(unix.SIGKILL), nil // the container ended, and every process with it
	}
	return w.Status, err
}

// forwardTo passes signals on to process pid. What comes from a keyboard is for whoever is in
// the foreground of the terminal in there.
func forwardTo(dir, id string, pid int32, terminal bool, signals <-chan os.Signal) {
	for s := range signals {
		sig := s.(syscall.Signal)
		args := control.SignalArgs{ID: id, PID: pid, Signo: int(sig), Scope: control.ToProcess}
		switch sig {
		case unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE, unix.SIGTTOU, unix.SIGTTIN:
			continue
		case unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGWINCH:
			if terminal {
				args.Scope = control.ToForeground
			} else if sig == unix.SIGWINCH {
				continue
			}
		}
		// A process that has just ended is no reason to complain.
		conn, err := sandbox.Dial(dir, answerTime)
		if err != nil {
			continue
		}
		control.Call(conn, control.Signal, args)
		conn.Close()
	}
}

// execStandIn starts the process by way of a stand-in.
func (c *Container) execStandIn(o *ExecOptions, files []*os.File) (code int, err error) {
	var master *os.File
	if o.Process.Terminal {
		var slave *os.File
		if master, slave, err = console.Open(); err != nil {
			return 0, err
		}
		defer slave.Close()
		defer master.Close()
		if err := console.Resize(slave, o.Process.ConsoleSize); err != nil {
			return 0, fmt.Errorf("console size: %w", err)
		}
		files[0], files[1], files[2] = slave, slave, slave
	}
	child, err := c.startStandIn(o, files)
	if err != nil {
		return 0, err
	}
	if o.ConsoleSocket != "" {
		err = console.Send(o.ConsoleSocket, master)
	}
	if err == nil {
		err = writePidFile(o.PidFile, child.Pid)
	}
	if err != nil {
		child.Kill()
		child.Wait()
		return 0, err
	}
	if o.Detach {
		return 0, child.Release()
	}
	relay, err := console.NewRelay(master, os.Stdin, os.Stdout)
	if err != nil {
		child.Kill()
		child.Wait()
		return 0, err
	}
	signals := make(chan os.Signal, 128)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	go func() {
		for s := range signals {
			child.Signal(s)
		}
	}()
	st, err := child.Wait()
	relay.Close()
	if err != nil {
		return 0, err
	}
	return exitCode(st), nil
}

// startStandIn starts a stand-in and waits until its process runs.
func (c *Container) startStandIn(o *ExecOptions, files []*os.File) (*os.Process, error) {
	raw, err := json.Marshal(&standIn{c.dir, c.ID, o.Process, len(files) - 3})
	if err != nil {
		return nil, err
	}
	config, err := sandbox.Memfd("exec", raw)
	if err != nil {
		return nil, err
	}
	defer config.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	all := append([]*os.File{files[0], files[1], files[2], config, w}, files[3:]...)
	child, err := os.StartProcess("/proc/self/exe", []string{"runsc", "--root", c.cfg.Root, StandInCommand, c.ID}, &os.ProcAttr{
		Files: all, Env: []string{}, Sys: &syscall.SysProcAttr{Setsid: true, Setctty: o.Process.Terminal, Ctty: 0}})
	w.Close()
	if err != nil {
		return nil, fmt.Errorf("starting the stand-in of the process: %w", err)
	}
	var rep control.Report
	if err := json.NewDecoder(r).Decode(&rep); err != nil {
		st, _ := child.Wait()
		return nil, fmt.Errorf("the stand-in of the process ended early: %v", st)
	}
	if rep.Error != "" {
		child.Wait()
		return nil, &control.Error{Text: rep.Error, Code: rep.Code}
	}
	return child, nil
}

// StandIn is the whole life of a stand-in; it returns the exit code.
func StandIn() (int, error) {
	signals := make(chan os.Signal, 128)
	signal.Notify(signals)
	raw, err := io.ReadAll(os.NewFile(standInConfigFD, "config"))
	if err != nil {
		return 0, err
	}
	var s standIn
	if err := json.Unmarshal(raw, &s); err != nil {
		return 0, err
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	for i := range s.Extra {
		files = append(files, os.NewFile(uintptr(standInExtraFD+i), "extra"))
	}
	report := os.NewFile(standInReportFD, "report")
	unix.CloseOnExec(standInReportFD)
	code, err := execForeground(s.Dir, s.ID, s.Process, files, signals, func(err error) {
		letGo(files)
		var rep control.Report
		if err != nil {
			rep.Error = err.Error()
			var e *control.Error
			if errors.As(err, &e) {
				rep.Code = e.Code
			}
		}
		json.NewEncoder(report).Encode(&rep)
		report.Close()
	})
	if err != nil {
		code = 255 // nobody reads an error now; the starter has had its report
	}
	return code, nil
}

// letGo gives up the descriptors that the process has now: a pipe is at its end when the
// process is, and not only when its stand-in is.
func letGo(files []*os.File) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer null.Close()
	for i, f := range files {
		if i < 3 {
			unix.Dup3(int(null.Fd()), i, 0)
		} else {
			f.Close()
		}
	}
}
