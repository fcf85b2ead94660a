package lifecycle

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal as a user's terminal program or an engine holds it.
type terminal struct {
	*env
	master *os.File
	slave  *os.File // nil if someone else has it

	mu  sync.Mutex
	out bytes.Buffer
}

// newTerminal makes one of 30 rows and 70 columns.
func (e *env) newTerminal() *terminal {
	e.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		e.Fatal(err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		e.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		e.Fatal(err)
	}
	t := &terminal{env: e, master: master, slave: slave}
	t.resize(30, 70)
	t.watch()
	return t
}

func (t *terminal) resize(rows, cols uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
		t.Fatal(err)
	}
}

// watch collects what is written to the terminal.
func (t *terminal) watch() {
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := t.master.Read(buf)
			t.mu.Lock()
			t.out.Write(buf[:n])
			t.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
}

func (t *terminal) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

func (t *terminal) typeIn(s string) {
	t.Helper()
	if _, err := t.master.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

// expect waits until text has appeared.
func (t *terminal) expect(text string) {
	t.Helper()
	t.eventually(func() string {
		if s := t.screen(); !strings.Contains(s, text) {
			return fmt.Sprintf("waiting for %q, the screen shows %q", text, s)
		}
		return ""
	})
}

// expectSize waits until a shell on the terminal knows its size.
func (t *terminal) expectSize(size string) {
	t.Helper()
	t.expectTyping("stty size\r", size)
}

// expectTyping waits until text has appeared, and types line again and again: a signal that
// comes between a shell's last look at its traps and the poll(2) of its read is trapped with
// the next line, on the host as well.
func (t *terminal) expectTyping(line, text string) {
	t.Helper()
	t.eventually(func() string {
		if strings.Contains(t.screen(), text) {
			return ""
		}
		t.typeIn(line)
		time.Sleep(50 * time.Millisecond)
		return fmt.Sprintf("waiting for %q, the screen shows %q", text, t.screen())
	})
}

// sleeper starts a program in the foreground of a shell on the terminal and waits until it is there.
func (t *terminal) sleeper(name string) {
	t.Helper()
	t.typeIn("sh -c 'echo \"up:\"" + name + "; exec sleep 1000'\r")
	t.expect("up:" + name)
}

// ends waits for the end of a program that runs on the terminal and returns its exit code.
func (t *terminal) ends(c *exec.Cmd) int {
	t.Helper()
	timer := time.AfterFunc(patience(60), func() {
		t.Errorf("%s runs on, the screen shows %q", c, t.screen())
		c.Process.Kill()
	})
	defer timer.Stop()
	c.Wait()
	return c.ProcessState.ExitCode()
}

// consoleSocket receives terminals as an engine does.
type consoleSocket struct {
	*env
	path string
	fd   int
}

func (e *env) newConsoleSocket() *consoleSocket {
	e.Helper()
	s := &consoleSocket{env: e, path: filepath.Join(e.bundle, "console")}
	var err error
	if s.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		if err = unix.Bind(s.fd, &unix.SockaddrUnix{Name: s.path}); err == nil {
			err = unix.Listen(s.fd, 8)
		}
	}
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { unix.Close(s.fd) })
	return s
}

func (s *consoleSocket) receive() *terminal {
	s.Helper()
	conn, _, err := unix.Accept(s.fd)
	if err != nil {
		s.Fatal(err)
	}
	defer unix.Close(conn)
	name, oob := make([]byte, 256), make([]byte, 256)
	_, n, _, _, err := unix.Recvmsg(conn, name, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		s.Fatal(err)
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(msgs) != 1 {
		s.Fatal(msgs, err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		s.Fatal(fds, err)
	}
	t := &terminal{env: s.env, master: os.NewFile(uintptr(fds[0]), "master")}
	t.watch()
	return t
}

// TestConsoleSocket is docker run -it: the engine gets the terminal's master.
func TestConsoleSocket(t *testing.T) {
	each(t, func(e *env) {
		s := e.newConsoleSocket()
		e.spec.Process.Terminal = true
		e.spec.Process.ConsoleSize = &specs.Box{Height: 21, Width: 43}
		e.shell("stty size; read x; echo got:$x; exit 3")
		e.create("--console-socket", s.path)
		tty := s.receive()
		e.must("start", e.id)
		tty.expect("21 43\r\n")
		tty.typeIn("abc\n")
		tty.expect("abc\r\ngot:abc\r\n")
		if code := e.reap(e.readPid(e.pidFile())); code != 3 {
			t.Errorf("exit code %d", code)
		}
		e.must("delete", e.id)
		if r := e.runsc("create", "--bundle", e.bundle, "--console-socket", "/no/such/socket", e.id); r.code != 1 || !strings.Contains(r.errOut, "/no/such/socket") {
			t.Error(r)
		}
	})
}

// TestInteractive runs a shell on the user's terminal: job control, window size, and the
// terminal as it was afterwards.
func TestInteractive(t *testing.T) {
	each(t, func(e *env) {
		tty := e.newTerminal()
		before, err := unix.IoctlGetTermios(int(tty.slave.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		e.spec.Process.Terminal = true
		e.command("sh")
		c := e.cmd("run", "--bundle", e.bundle, e.id)
		c.Stdin, c.Stdout, c.Stderr = tty.slave, tty.slave, tty.slave
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		tty.typeIn("PS1=ready:; stty size\r")
		tty.expect("30 70")
		tty.resize(25, 81)
		tty.expectSize("25 81")
		if e.kind == "real" {
			tty.sleeper("one")
			tty.typeIn("\x03")
			tty.typeIn("echo code=$?\r")
			tty.expect("code=130")
			tty.sleeper("two")
			tty.typeIn("\x1a")
			tty.expect("Stopped")
			tty.typeIn("kill %1; fg; echo code=$?\r")
			tty.expect("code=143")
			tty.typeIn("tty\r")
			tty.expect("/dev/")
		}
		tty.typeIn("exit 7\r")
		if code := tty.ends(c); code != 7 {
			t.Errorf("exit code %d; screen %q", code, tty.screen())
		}
		after, err := unix.IoctlGetTermios(int(tty.slave.Fd()), unix.TCGETS)
		if err != nil || *after != *before {
			t.Errorf("the terminal is not as before: %+v, %+v, %v", before, after, err)
		}
	})
}

// TestExecConsole is docker exec -it.
func TestExecConsole(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		s := e.newConsoleSocket()
		pidFile := filepath.Join(e.bundle, "exec pid")
		e.must("exec", "--detach", "--tty", "--console-socket", s.path, "--pid-file", pidFile, e.id,
			"sh", "-c", "trap 'stty size' WINCH; echo up; while :; do read x && echo got:$x && [ $x = end ] && exit 4; done")
		tty := s.receive()
		tty.expect("up")
		tty.typeIn("abc\n")
		tty.expect("got:abc")
		tty.resize(11, 22)
		if e.kind == "real" {
			tty.expectTyping("def\n", "11 22")
		}
		tty.typeIn("end\n")
		if code := e.reap(e.readPid(pidFile)); code != 4 {
			t.Errorf("exit code %d", code)
		}
		e.must("delete", "--force", e.id)
	})
}

// TestExecInteractive runs exec --tty on the user's terminal.
func TestExecInteractive(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		tty := e.newTerminal()
		c := e.cmd("exec", "--tty", e.id, "sh")
		c.Stdin, c.Stdout, c.Stderr = tty.slave, tty.slave, tty.slave
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		tty.typeIn("stty size\r")
		tty.expect("30 70")
		if e.kind == "real" {
			tty.sleeper("one")
			tty.typeIn("\x03")
			tty.typeIn("echo code=$?\r")
			tty.expect("code=130")
			tty.typeIn("exit 5\r")
			if code := tty.ends(c); code != 5 {
				t.Errorf("exit code %d; screen %q", code, tty.screen())
			}
		} else {
			tty.typeIn("sleep 1000\r")
			c.Process.Signal(syscall.SIGTERM)
		}
		e.must("delete", "--force", e.id)
		tty.ends(c)
	})
}
