package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Termios is TCGETS of a host terminal; ENOTTY tells that fd is none.
func Termios(fd int) (*unix.Termios, linux.Errno) {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return t, errnoOf(err)
}

// SetTermios is TCSETS, TCSETSW or TCSETSF (how) of a host terminal.
func SetTermios(fd int, how uint, t *unix.Termios) linux.Errno {
	return again(func() error { return unix.IoctlSetTermios(fd, how, t) })
}

// Winsize is TIOCGWINSZ.
func Winsize(fd int) (*unix.Winsize, linux.Errno) {
	w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	return w, errnoOf(err)
}

// SetWinsize is TIOCSWINSZ.
func SetWinsize(fd int, w *unix.Winsize) linux.Errno {
	return errnoOf(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, w))
}

// Readable is FIONREAD: the bytes that can be read without waiting.
func Readable(fd int) (int, linux.Errno) {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return n, errnoOf(err)
}
