// Fakesandbox plays the sentry or the gofer, by the name it is called, for tests of runsc
// itself: it runs the container's programs on the host's kernel, in the namespaces runsc made,
// with nothing but a chroot. What a good sentry never does it does when the bundle's
// annotation "fake" says so: crash, hang, report garbage.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

func main() {
	if strings.HasSuffix(os.Args[0], "gofer") {
		gofer()
	}
	sentry()
}

// gofer ends when the sentry does.
func gofer() {
	var b [1]byte
	for {
		n, err := unix.Read(4, b[:]) // the first descriptor after the configuration
		if n <= 0 && err != unix.EINTR {
			os.Exit(0)
		}
	}
}

type fake struct {
	c     *control.Config
	mu    sync.Mutex
	procs map[int32]*exec.Cmd
	done  map[int32]chan int
	init  *exec.Cmd

	answered chan struct{} // closed when the caller of Start has gone
}

func sentry() {
	if name, ok := strings.CutPrefix(os.Args[1], control.MeasureFlag); ok {
		json.NewEncoder(os.Stdout).Encode(&control.Measurement{Platform: name, Nanoseconds: int64(len(name))})
		os.Exit(0)
	}
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP) // or a shell cannot trap it when the tests run under nohup
	raw, err := io.ReadAll(os.NewFile(control.ConfigFD, "config"))
	if err != nil {
		panic(err)
	}
	c, err := control.ParseConfig(raw)
	if err != nil {
		panic(err)
	}
	f := &fake{c: c, procs: map[int32]*exec.Cmd{}, done: map[int32]chan int{}, answered: make(chan struct{})}
	report := os.NewFile(uintptr(c.FD.Report), "report")
	switch c.Spec.Annotations["fake"] {
	case "crash":
		panic("fake crash")
	case "exit":
		os.Exit(7)
	case "garbage":
		report.WriteString("}{")
		report.Close()
		time.Sleep(time.Hour)
	case "hang":
		time.Sleep(time.Hour)
	}
	var b [1]byte
	if n, _ := unix.Read(c.FD.Gate, b[:]); n != 1 {
		os.Exit(1)
	}
	f.init, err = f.command(c.Spec.Process, stdio(c.FD.Stdio))
	if err == nil && c.Spec.Process.Terminal {
		f.init.SysProcAttr.Foreground, f.init.SysProcAttr.Ctty = true, c.FD.Stdio[0]
	}
	text, code := "{}", 0
	if err != nil {
		code = 127
		text = fmt.Sprintf(`{"Error":%q,"Code":%d}`, err.Error(), code)
	}
	if _, werr := report.WriteString(text + "\n"); werr != nil || err != nil {
		os.Exit(1)
	}
	report.Close()
	f.serve()
}

func stdio(fds []int) (out []*os.File) {
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		out = append(out, os.NewFile(uintptr(fd), "stdio"))
	}
	return out
}

// command prepares a program, found along PATH in the root as runc does.
func (f *fake) command(p *specs.Process, files []*os.File) (*exec.Cmd, error) {
	root := f.c.Spec.Root.Path
	path := "/bin"
	for _, e := range p.Env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	name := p.Args[0]
	if !strings.Contains(name, "/") {
		for _, dir := range filepath.SplitList(path) {
			if _, err := os.Stat(filepath.Join(root, dir, name)); err == nil {
				name = filepath.Join(dir, name)
				break
			}
		}
		if !strings.Contains(name, "/") {
			return nil, fmt.Errorf("exec: %q: executable file not found in $PATH", name)
		}
	}
	if _, err := os.Stat(filepath.Join(root, name)); err != nil {
		return nil, fmt.Errorf("exec: %q: stat %s: no such file or directory", name, name)
	}
	cmd := &exec.Cmd{Path: name, Args: p.Args, Env: append([]string{}, p.Env...), Dir: p.Cwd,
		Stdin: files[0], Stdout: files[1], Stderr: files[2], ExtraFiles: files[3:]}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Setpgid: true}
	return cmd, nil
}

func (f *fake) start(cmd *exec.Cmd) (int32, error) {
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	pid := int32(cmd.Process.Pid)
	done := make(chan int, 16)
	f.mu.Lock()
	f.procs[pid], f.done[pid] = cmd, done
	f.mu.Unlock()
	go func() {
		cmd.Wait()
		ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
		code := ws.ExitStatus()
		if ws.Signaled() {
			code = 128 + int(ws.Signal())
		}
		if cmd == f.init {
			select { // runsc is to have its answer
			case <-f.answered:
			case <-time.After(time.Second):
			}
			os.Exit(code)
		}
		for range 16 {
			done <- code
		}
	}()
	return pid, nil
}

func (f *fake) find(pid int32) (*exec.Cmd, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pid == 0 && f.init.Process != nil {
		return f.init, nil
	}
	if cmd := f.procs[pid]; cmd != nil {
		return cmd, nil
	}
	return nil, errors.New("no such process")
}

func (f *fake) serve() {
	s := control.NewServer()
	answered := sync.OnceFunc(func() { close(f.answered) })
	control.Handle(s, control.Start, func(r *control.Request, _ *control.Container) (control.Empty, error) {
		r.AtEnd(answered)
		_, err := f.start(f.init)
		return control.Empty{}, err
	})
	control.Handle(s, control.Exec, func(r *control.Request, a *control.ExecArgs) (control.ExecResult, error) {
		files := stdio(r.Take())
		defer func() {
			for _, f := range files {
				f.Close()
			}
		}()
		cmd, err := f.command(a.Process, files)
		if err != nil {
			return control.ExecResult{}, &control.Error{Text: err.Error(), Code: 127}
		}
		pid, err := f.start(cmd)
		if err == nil {
			r.AtEnd(func() { cmd.Process.Kill() })
		}
		return control.ExecResult{PID: pid}, err
	})
	control.Handle(s, control.Wait, func(r *control.Request, a *control.WaitArgs) (control.WaitResult, error) {
		cmd, err := f.find(a.PID)
		if err != nil {
			return control.WaitResult{}, err
		}
		f.mu.Lock()
		done := f.done[int32(cmd.Process.Pid)]
		f.mu.Unlock()
		select {
		case code := <-done:
			return control.WaitResult{Status: code}, nil
		case <-r.Hangup():
			return control.WaitResult{}, nil
		}
	})
	control.Handle(s, control.Signal, func(_ *control.Request, a *control.SignalArgs) (control.Empty, error) {
		if f.c.Spec.Annotations["fake"] == "deaf" {
			time.Sleep(time.Hour)
		}
		if f.init.Process == nil && unix.Signal(a.Signo) == unix.SIGKILL {
			os.Exit(137)
		}
		cmd, err := f.find(a.PID)
		if err != nil {
			return control.Empty{}, err
		}
		return control.Empty{}, cmd.Process.Signal(unix.Signal(a.Signo))
	})
	control.Handle(s, control.Ps, func(_ *control.Request, _ *control.Container) (control.PsResult, error) {
		return control.PsResult{Processes: []control.Process{{PID: 1, TTY: "?", Threads: 1, Command: strings.Join(f.init.Args, " ")}}}, nil
	})
	pause := func(sig unix.Signal) func(*control.Request, *control.Container) (control.Empty, error) {
		return func(*control.Request, *control.Container) (control.Empty, error) {
			return control.Empty{}, f.init.Process.Signal(sig)
		}
	}
	control.Handle(s, control.Pause, pause(unix.SIGSTOP))
	control.Handle(s, control.Resume, pause(unix.SIGCONT))
	for {
		fd, _, err := unix.Accept4(f.c.FD.Control, unix.SOCK_CLOEXEC)
		if err == nil {
			go s.Serve(stream(fd))
		} else if err != unix.EINTR {
			panic(err)
		}
	}
}

// stream is a control.Stream.
type stream int

func (s stream) Recv(b []byte) (int, []int, error) {
	oob := make([]byte, unix.CmsgSpace(control.MaxFiles*4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(int(s), b, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		var fds []int
		msgs, _ := unix.ParseSocketControlMessage(oob[:max(oobn, 0)])
		for i := range msgs {
			got, _ := unix.ParseUnixRights(&msgs[i])
			fds = append(fds, got...)
		}
		return max(n, 0), fds, err
	}
}

func (s stream) Send(b []byte, _ []int) error {
	for len(b) > 0 {
		n, err := unix.SendmsgN(int(s), b, nil, nil, unix.MSG_NOSIGNAL)
		if err != nil && err != unix.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (s stream) CloseFD(fd int) { unix.Close(fd) }
func (s stream) Close()         { unix.Shutdown(int(s), unix.SHUT_RDWR); unix.Close(int(s)) }
