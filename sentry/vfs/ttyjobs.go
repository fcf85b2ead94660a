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
	TIOCSPGRP = 0x5410
	tiocnotty = 0x5422
	tiocgsid  = 0x5429
)

// SessionTTY is a terminal whose foreground group can be changed.
type SessionTTY interface {
	TTY
	SetForeground(ProcessGroup)
}

// TTYIoctl answers the requests about a terminal's session and foreground group: ENOTTY for
// others. own tells that f is the terminal, not the master's side of it, which may ask whose it
// is without being in the session.
func TTYIoctl(ctx Ctx, t SessionTTY, f *File, cmd uint32, addr usermem.Addr, own bool) (uintptr, linux.Errno) {
	jc, ok := ctx.(JobControl)
	if !ok {
		return 0, linux.ENOTTY
	}
	mine := jc.TTY() == TTY(t)
	switch cmd {
	case tiocsctty:
		if f.Mode&ModeRead == 0 && !mine && !ctx.Cred().Has(linux.CAP_SYS_ADMIN) {
			return 0, linux.EPERM
		}
		return 0, jc.SetTTY(t, addr == 1)
	case tiocnotty:
		if !mine || !own {
			return 0, linux.ENOTTY
		}
		return 0, jc.DropTTY()
	case tiocgpgrp:
		if !mine && own {
			return 0, linux.ENOTTY
		}
		return 0, usermem.CopyOutInt(ctx.Space(), addr, jc.ProcessGroupID(t.Foreground()))
	case TIOCSPGRP:
		return 0, setForeground(ctx, jc, t, mine, addr)
	case tiocgsid:
		if !mine && own || t.Session() == nil {
			return 0, linux.ENOTTY
		}
		return 0, usermem.CopyOutInt(ctx.Space(), addr, jc.SessionID(t.Session()))
	}
	return 0, linux.ENOTTY
}

// setForeground is TIOCSPGRP.
func setForeground(ctx Ctx, jc JobControl, t SessionTTY, mine bool, addr usermem.Addr) linux.Errno {
	errno := CheckForeground(ctx, t, linux.SIGTTOU)
	if errno == linux.EIO {
		return linux.ENOTTY
	}
	if errno != 0 {
		return errno
	}
	nr, errno := usermem.CopyInInt[int32](ctx.Space(), addr)
	switch {
	case errno != 0:
		return errno
	case nr < 0:
		return linux.EINVAL
	case !mine:
		return linux.ENOTTY
	}
	pg, errno := jc.FindProcessGroup(nr)
	if errno == 0 {
		t.SetForeground(pg)
	}
	return errno
}
