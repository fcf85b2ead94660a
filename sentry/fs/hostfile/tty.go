package hostfile

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// TTY is a terminal of the host, however many descriptors there are of it. It implements vfs.TTY.
type TTY struct {
	first *ttyFile // of one of them
	rdev  uint64

	mu         sync.Mutex
	session    vfs.Session
	foreground vfs.ProcessGroup
}

// ttyFile is an open file of a terminal.
type ttyFile struct {
	file
	tty *TTY
}

// newTTYFile opens the terminal rdev by fd; known may be that terminal.
func newTTYFile(fd int, rdev uint64, known *TTY) *ttyFile {
	f := &ttyFile{file: file{fd: fd}, tty: known}
	if known == nil || known.rdev != rdev {
		f.tty = &TTY{first: f, rdev: rdev}
	}
	return f
}

// Dev is the number of the terminal device: /dev/console's.
func (t *TTY) Dev() uint64 { return vfs.MakeDev(5, 1) }

// Name is what ps shows.
func (t *TTY) Name() string { return "console" }

// Foreground is the foreground process group.
func (t *TTY) Foreground() vfs.ProcessGroup {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.foreground
}

// SetSession is vfs.TTY's.
func (t *TTY) SetSession(s vfs.Session, fg vfs.ProcessGroup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.session, t.foreground = s, fg
}

// Session is vfs.TTY's.
func (t *TTY) Session() vfs.Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session
}

// SetWinsize is TIOCSWINSZ of the host's terminal, which tells us by a SIGWINCH.
func (t *TTY) SetWinsize(rows, cols uint16) linux.Errno {
	return host.SetWinsize(t.first.fd, &unix.Winsize{Row: rows, Col: cols})
}

// Read is vfs.FileOps's.
func (t *ttyFile) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	if errno := vfs.CheckForeground(ctx, t.tty, linux.SIGTTIN); errno != 0 {
		return 0, errno
	}
	if t.ready(unix.POLLIN) == 0 {
		watch(&t.file, unix.EPOLLIN)
		return 0, linux.EAGAIN
	}
	return t.read(dst)
}

// Write is vfs.FileOps's.
func (t *ttyFile) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	if term, errno := host.Termios(t.fd); errno == 0 && term.Lflag&unix.TOSTOP != 0 {
		if errno := vfs.CheckForeground(ctx, t.tty, linux.SIGTTOU); errno != 0 {
			return 0, errno
		}
	}
	return t.writeReady(src)
}

// Poll is vfs.Poller's.
func (t *ttyFile) Poll(vf *vfs.File) wait.Event { return t.poll(vf) }

// Queue is vfs.Poller's.
func (t *ttyFile) Queue(*vfs.File) *wait.Queue { return &t.queue }

// termios is struct termios of the kernel: the beginning of glibc's without its speeds.
const termiosSize = 36

// Ioctl is vfs.Ioctler's: the terminal's settings are the host's, its session is ours.
func (t *ttyFile) Ioctl(ctx vfs.Ctx, f *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	s, addr := ctx.Space(), usermem.Addr(arg)
	switch cmd {
	case unix.TCGETS:
		term, errno := host.Termios(t.fd)
		if errno != 0 {
			return 0, errno
		}
		b := encodeTermios(term)
		_, errno = s.CopyOut(addr, b[:])
		return 0, errno
	case unix.TCSETS, unix.TCSETSW, unix.TCSETSF:
		if errno := vfs.CheckForeground(ctx, t.tty, linux.SIGTTOU); errno != 0 {
			return 0, errno
		}
		var b [termiosSize]byte
		if _, errno := s.CopyIn(addr, b[:]); errno != 0 {
			return 0, errno
		}
		term, errno := host.Termios(t.fd)
		if errno != 0 {
			return 0, errno
		}
		decodeTermios(b[:], term)
		return 0, host.SetTermios(t.fd, uint(cmd), term)
	case unix.TIOCGWINSZ:
		w, errno := host.Winsize(t.fd)
		if errno != 0 {
			return 0, errno
		}
		return 0, usermem.CopyOutInts(s, addr, []uint16{w.Row, w.Col, w.Xpixel, w.Ypixel})
	case unix.TIOCSWINSZ:
		v, errno := usermem.CopyInInts[uint16](s, addr, 4)
		if errno != 0 {
			return 0, errno
		}
		return 0, host.SetWinsize(t.fd, &unix.Winsize{Row: v[0], Col: v[1], Xpixel: v[2], Ypixel: v[3]})
	case linux.FIONREAD:
		n, errno := host.Readable(t.fd)
		if errno != 0 {
			return 0, errno
		}
		return 0, usermem.CopyOutInt(s, addr, int32(n))
	}
	return vfs.TTYIoctl(ctx, t.tty, f, cmd, addr, true)
}

// SetForeground changes the foreground group.
func (t *TTY) SetForeground(pg vfs.ProcessGroup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.foreground = pg
}

// encodeTermios lays a host termios out as struct termios of the kernel.
func encodeTermios(t *unix.Termios) (b [termiosSize]byte) {
	for i, v := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		for k := range 4 {
			b[4*i+k] = byte(v >> (8 * k))
		}
	}
	b[16] = t.Line
	copy(b[17:], t.Cc[:19])
	return b
}

// decodeTermios takes it back, leaving the speeds.
func decodeTermios(b []byte, t *unix.Termios) {
	for i, v := range [...]*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} {
		*v = uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24
	}
	t.Line = b[16]
	copy(t.Cc[:19], b[17:])
}

// OpenTTY is /dev/tty's: another open file of the terminal.
func (t *TTY) OpenTTY(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) {
	return t.first, 0
}

// Release is vfs.FileOps's. A terminal is watched to the end: who opened /dev/tty shares it.
func (*ttyFile) Release(*vfs.File) {}
