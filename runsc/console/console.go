// Package console makes pseudo-terminals (pty(7)), hands them to an engine over its console
// socket, or relays them to the terminal that the user sits at.
package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Open makes a terminal. The slave is what programs use.
func Open() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a terminal: open /dev/ptmx: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("making a terminal: unlocking: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("making a terminal: %w", err)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	peer, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("making a terminal: open %s: %w", name, err)
	}
	return master, os.NewFile(uintptr(peer), name), nil
}

// Resize sets the window size; a nil size changes nothing.
func Resize(tty *os.File, size *specs.Box) error {
	if size == nil || size.Width == 0 && size.Height == 0 {
		return nil
	}
	ws := unix.Winsize{Row: uint16(size.Height), Col: uint16(size.Width)}
	return unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &ws)
}

// Send hands master to whoever listens on the unix socket at path, as runc does: one byte
// string, the file's name, and the descriptor.
func Send(path string, master *os.File) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("console socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return fmt.Errorf("console socket %s: connect: %w", path, err)
	}
	if err := unix.Sendmsg(fd, []byte(master.Name()), unix.UnixRights(int(master.Fd())), nil, 0); err != nil {
		return fmt.Errorf("console socket %s: sending the terminal: %w", path, err)
	}
	return nil
}

// IsTerminal says whether f is one.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Relay connects a terminal's master to the user's.
type Relay struct {
	master *os.File
	saved  *unix.Termios // of in, nil if in is not a terminal
	in     *os.File
	winch  chan os.Signal
	done   chan struct{} // closed when everything written to the slave has been copied out
}

// NewRelay puts in into raw mode, if it is a terminal, and copies in both directions until
// Close. Window size changes are passed on.
func NewRelay(master, in, out *os.File) (*Relay, error) {
	r := &Relay{master: master, in: in, winch: make(chan os.Signal, 1), done: make(chan struct{})}
	if t, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
		saved := *t
		r.saved = &saved
		makeRaw(t)
		if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, t); err != nil {
			return nil, fmt.Errorf("setting the terminal to raw mode: %w", err)
		}
		r.resize()
		signal.Notify(r.winch, unix.SIGWINCH)
		go func() {
			for range r.winch {
				r.resize()
			}
		}()
	}
	go io.Copy(master, in)
	go func() {
		defer close(r.done)
		copyOut(out, master)
	}()
	return r, nil
}

// copyOut copies until the last slave is closed, which a master sees as EIO.
func copyOut(out, master *os.File) {
	buf := make([]byte, 32<<10)
	for {
		n, err := master.Read(buf)
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return
		}
	}
}

func (r *Relay) resize() {
	if ws, err := unix.IoctlGetWinsize(int(r.in.Fd()), unix.TIOCGWINSZ); err == nil {
		unix.IoctlSetWinsize(int(r.master.Fd()), unix.TIOCSWINSZ, ws)
	}
}

// Close waits until the last output has come out and gives the user's terminal back. A
// process that outlives its session may hold the slave open, so the wait has an end.
func (r *Relay) Close() {
	select {
	case <-r.done:
	case <-time.After(2 * time.Second):
	}
	signal.Stop(r.winch)
	if r.saved != nil {
		unix.IoctlSetTermios(int(r.in.Fd()), unix.TCSETS, r.saved)
	}
	r.master.Close()
}

// makeRaw is cfmakeraw(3).
func makeRaw(t *unix.Termios) {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB
	t.Cflag |= unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
}
