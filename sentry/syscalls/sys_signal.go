package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_RT_SIGACTION:      {"rt_sigaction", "sig hex hex size", rtSigaction, ""},
		linux.SYS_RT_SIGPROCMASK:    {"rt_sigprocmask", "int sigset hex size", rtSigprocmask, ""},
		linux.SYS_RT_SIGRETURN:      {"rt_sigreturn", "", rtSigreturn, ""},
		linux.SYS_RT_SIGPENDING:     {"rt_sigpending", "hex size", rtSigpending, ""},
		linux.SYS_RT_SIGSUSPEND:     {"rt_sigsuspend", "sigset size", rtSigsuspend, ""},
		linux.SYS_RT_SIGTIMEDWAIT:   {"rt_sigtimedwait", "sigset hex ts size", rtSigtimedwait, ""},
		linux.SYS_RT_SIGQUEUEINFO:   {"rt_sigqueueinfo", "pid sig hex", rtSigqueueinfo, ""},
		linux.SYS_RT_TGSIGQUEUEINFO: {"rt_tgsigqueueinfo", "pid pid sig hex", rtTgsigqueueinfo, ""},
		linux.SYS_SIGALTSTACK:       {"sigaltstack", "hex hex", sigaltstack, ""},
		linux.SYS_KILL:              {"kill", "pid sig", kill, ""},
		linux.SYS_TKILL:             {"tkill", "pid sig", tkill, ""},
		linux.SYS_TGKILL:            {"tgkill", "pid pid sig", tgkill, ""},
		linux.SYS_PAUSE:             {"pause", "", pause, ""},
		linux.SYS_SIGNALFD:          {"signalfd", "fd sigset size", signalfd, ""},
		linux.SYS_SIGNALFD4:         {"signalfd4", "fd sigset size open", signalfd4, ""},
		linux.SYS_PIDFD_SEND_SIGNAL: {"pidfd_send_signal", "fd sig hex hex", pidfdSendSignal, ""},
		linux.SYS_RESTART_SYSCALL:   {"restart_syscall", "", restartSyscall, ""},
	})
}

// rtSigaction is sigaction(2).
func rtSigaction(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(3) != 8 {
		return 0, linux.EINVAL
	}
	var n *linux.Sigaction
	if p := a.Addr(1); p != 0 {
		v, errno := usermem.CopyIn[linux.Sigaction](t.Space(), p)
		if errno != 0 {
			return 0, errno
		}
		n = &v
	}
	old, errno := t.Action(int(a.Int(0)), n)
	if errno == 0 && a.Addr(2) != 0 {
		errno = usermem.CopyOut(t.Space(), a.Addr(2), &old)
	}
	return 0, errno
}

// rtSigprocmask is sigprocmask(2).
func rtSigprocmask(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(3) != 8 {
		return 0, linux.EINVAL
	}
	old := t.Blocked()
	if p := a.Addr(1); p != 0 {
		set, errno := sigset(t, p, 8)
		if errno != 0 {
			return 0, errno
		}
		if _, errno := t.SetBlocked(int(a.Int(0)), set); errno != 0 {
			return 0, errno
		}
	}
	if p := a.Addr(2); p != 0 {
		return ret(usermem.CopyOutInt(t.Space(), p, uint64(old)))
	}
	return 0, 0
}

// rtSigreturn is sigreturn(2).
func rtSigreturn(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return 0, t.Sigreturn() }

// rtSigpending is sigpending(2).
func rtSigpending(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(1) > 8 {
		return 0, linux.EINVAL
	}
	v := uint64(t.Pending())
	b := usermem.Addr(a.Addr(0))
	var raw [8]byte
	for i := range raw {
		raw[i] = byte(v >> (8 * i))
	}
	_, errno := t.Space().CopyOut(b, raw[:a.Size(1)])
	return 0, errno
}

// rtSigsuspend is sigsuspend(2).
func rtSigsuspend(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	set, errno := sigset(t, a.Addr(0), a.Size(1))
	if errno != 0 {
		return 0, errno
	}
	return ret(t.Sigsuspend(set))
}

// rtSigtimedwait is sigtimedwait(2).
func rtSigtimedwait(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	set, errno := sigset(t, a.Addr(0), a.Size(3))
	if errno != 0 {
		return 0, errno
	}
	deadline, zero, errno := timeout(t, a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	info, errno := t.Sigtimedwait(set, deadline, zero)
	if errno != 0 {
		return 0, errno
	}
	if p := a.Addr(1); p != 0 {
		if errno := usermem.CopyOut(t.Space(), p, &info); errno != 0 {
			return 0, errno
		}
	}
	return uintptr(info.Signo), 0
}

// rtSigqueueinfo is rt_sigqueueinfo(2).
func rtSigqueueinfo(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	info, errno := usermem.CopyIn[linux.Siginfo](t.Space(), a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	info.Signo = a.Int(1)
	return ret(t.Sigqueue(a.Int(0), int(a.Int(1)), &info))
}

// rtTgsigqueueinfo is rt_tgsigqueueinfo(2).
func rtTgsigqueueinfo(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	info, errno := usermem.CopyIn[linux.Siginfo](t.Space(), a.Addr(3))
	if errno != 0 {
		return 0, errno
	}
	if a.Int(0) <= 0 || a.Int(1) <= 0 {
		return 0, linux.EINVAL
	}
	info.Signo = a.Int(2)
	return ret(t.Tgkill(a.Int(0), a.Int(1), int(a.Int(2)), &info))
}

// sigaltstack is sigaltstack(2).
func sigaltstack(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	var n *linux.Sigaltstack
	if p := a.Addr(0); p != 0 {
		v, errno := usermem.CopyIn[linux.Sigaltstack](t.Space(), p)
		if errno != 0 {
			return 0, errno
		}
		n = &v
	}
	old, errno := t.Altstack(n)
	if errno == 0 && a.Addr(1) != 0 {
		errno = usermem.CopyOut(t.Space(), a.Addr(1), &old)
	}
	return 0, errno
}

// kill is kill(2).
func kill(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.Kill(a.Int(0), int(a.Int(1))))
}

// tkill is tkill(2).
func tkill(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) <= 0 {
		return 0, linux.EINVAL
	}
	return ret(t.Tgkill(0, a.Int(0), int(a.Int(1)), nil))
}

// tgkill is tgkill(2).
func tgkill(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) <= 0 || a.Int(1) <= 0 {
		return 0, linux.EINVAL
	}
	return ret(t.Tgkill(a.Int(0), a.Int(1), int(a.Int(2)), nil))
}

// pause is pause(2).
func pause(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return ret(t.Pause()) }

// signalfd is the call without flags.
func signalfd(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doSignalfd(t, a, 0) }

// signalfd4 is signalfd(2).
func signalfd4(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doSignalfd(t, a, a.Uint(3)) }

func doSignalfd(t *kernel.Task, a Args, flags uint32) (uintptr, linux.Errno) {
	mask, errno := sigset(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	if a.Int(0) == -1 {
		f := vfs.AnonFile(t, "[signalfd]", t.NewSignalfd(mask), linux.O_RDWR|flags&linux.O_NONBLOCK)
		fd, errno := t.Install(f, flags&linux.O_CLOEXEC != 0)
		return uintptr(fd), errno
	}
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	s, ok := f.Ops.(*kernel.Signalfd)
	if !ok {
		return 0, linux.EINVAL
	}
	s.SetMask(mask)
	return uintptr(a.Int(0)), 0
}

// pidfdOrProc returns a pidfd, or for an open /proc/PID the same of its process.
func pidfdOrProc(t *kernel.Task, fd int32) (*kernel.Pidfd, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, errno
	}
	defer f.Put()
	if d, ok := f.Inode.Ops.(interface{ Process() *kernel.Task }); ok {
		if o := d.Process(); o != nil {
			if p := o.ID(); p != nil {
				return &kernel.Pidfd{PID: p}, 0
			}
			return nil, linux.ESRCH
		}
	}
	return pidfd(t, fd)
}

// pidfdSendSignal is pidfd_send_signal(2).
func pidfdSendSignal(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	switch a.Uint(3) {
	case 0, 1, 2, 4:
	default:
		return 0, linux.EINVAL
	}
	p, errno := pidfdOrProc(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	var info *linux.Siginfo
	if q := a.Addr(2); q != 0 {
		v, errno := usermem.CopyIn[linux.Siginfo](t.Space(), q)
		if errno != 0 {
			return 0, errno
		}
		if v.Signo != a.Int(1) {
			return 0, linux.EINVAL
		}
		info = &v
	}
	return ret(t.PidfdSignal(p, int(a.Int(1)), info, a.Uint(3)))
}

// restartSyscall is restart_syscall(2).
func restartSyscall(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return t.Restart() }
