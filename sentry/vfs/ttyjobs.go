package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Job control, the same for every kind of terminal (drivers/tty/tty_jobctrl.c).

// CheckForeground is __tty_check_change: a process of the background that reads, or changes the
// terminal, gets signo (SIGTTIN, SIGTTOU) and ERESTARTSYS; EIO if nobody could continue it.
func CheckForeground(ctx Ctx, t TTY, signo int) linux.Errno {
	jc, ok := ctx.(JobControl)
	if !ok || jc.TTY() != t {
		return 0
	}
	pg, fg := jc.ProcessGroup(), t.Foreground()
	if fg == nil || pg == fg {
		return 0
	}
	switch {
	case jc.Ignores(signo):
		if signo == linux.SIGTTIN {
			return linux.EIO
		}
		return 0
	case pg.Orphaned():
		return linux.EIO
	}
	pg.Signal(signo)
	return linux.ERESTARTSYS
}

// NoCTTY tells whether f was opened with O_NOCTTY.
func NoCTTY(f *File) bool { return f.noctty }

// Requests about a terminal's session.
const (
	tiocsctty = 0x540e
	tiocgpgrp = 0x540f
	tiocspgrp = 0x5410
	tiocnotty = 0x5422
	tiocgsid  = 0x5429
)

// TTYIoctl answers the requests about a terminal's session and foreground group: ENOTTY for
// others.
func TTYIoctl(ctx Ctx, t interface {
	TTY
	SetForeground(ProcessGroup)
}, cmd uint32, addr usermem.Addr) (uintptr, linux.Errno) {
	jc, ok := ctx.(JobControl)
	if !ok {
		return 0, linux.ENOTTY
	}
	s := ctx.Space()
	mine := jc.TTY() == TTY(t)
	switch cmd {
	case tiocsctty:
		return 0, jc.SetTTY(t, addr == 1)
	case tiocnotty:
		if !mine {
			return 0, linux.ENOTTY
		}
		return 0, jc.DropTTY()
	case tiocgpgrp:
		if !mine {
			return 0, linux.ENOTTY
		}
		return 0, usermem.CopyOutInt(s, addr, jc.ProcessGroupID(t.Foreground()))
	case tiocspgrp:
		return 0, setForeground(jc, s, t, mine, addr)
	case tiocgsid:
		if !mine {
			return 0, linux.ENOTTY
		}
		return 0, usermem.CopyOutInt(s, addr, jc.SessionID(t.Session()))
	}
	return 0, linux.ENOTTY
}

// setForeground is TIOCSPGRP.
func setForeground(jc JobControl, s *usermem.Space, t interface {
	TTY
	SetForeground(ProcessGroup)
}, mine bool, addr usermem.Addr) linux.Errno {
	if mine {
		if errno := CheckForeground(jc.(Ctx), t, linux.SIGTTOU); errno != 0 {
			return errno
		}
	}
	nr, errno := usermem.CopyInInt[int32](s, addr)
	switch {
	case errno != 0:
		return errno
	case !mine:
		return linux.ENOTTY
	case nr < 0:
		return linux.EINVAL
	}
	pg, errno := jc.FindProcessGroup(nr)
	if errno == 0 {
		t.SetForeground(pg)
	}
	return errno
}
