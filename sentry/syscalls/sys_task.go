package syscalls

import (
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_CLONE:           {"clone", "clone hex hex hex hex", clone, ""},
		linux.SYS_CLONE3:          {"clone3", "hex size", clone3, "CLONE_INTO_CGROUP and time namespaces are refused"},
		linux.SYS_FORK:            {"fork", "", fork, ""},
		linux.SYS_VFORK:           {"vfork", "", vfork, ""},
		linux.SYS_EXECVE:          {"execve", "path argv hex", execve, ""},
		linux.SYS_EXECVEAT:        {"execveat", "dirfd path argv hex hex", execveat, ""},
		linux.SYS_EXIT:            {"exit", "int", exit, ""},
		linux.SYS_EXIT_GROUP:      {"exit_group", "int", exitGroup, ""},
		linux.SYS_WAIT4:           {"wait4", "pid hex hex hex", wait4, ""},
		linux.SYS_WAITID:          {"waitid", "int pid hex hex hex", waitid, ""},
		linux.SYS_GETPID:          {"getpid", "", getpid, ""},
		linux.SYS_GETTID:          {"gettid", "", gettid, ""},
		linux.SYS_GETPPID:         {"getppid", "", getppid, ""},
		linux.SYS_SETPGID:         {"setpgid", "pid pid", setpgid, ""},
		linux.SYS_GETPGID:         {"getpgid", "pid", getpgid, ""},
		linux.SYS_GETPGRP:         {"getpgrp", "", getpgrp, ""},
		linux.SYS_SETSID:          {"setsid", "", setsid, ""},
		linux.SYS_GETSID:          {"getsid", "pid", getsid, ""},
		linux.SYS_SET_TID_ADDRESS: {"set_tid_address", "hex", setTIDAddress, ""},
		linux.SYS_UNSHARE:         {"unshare", "clone", unshare, "time namespaces are refused"},
		linux.SYS_SETNS:           {"setns", "fd hex", setns, ""},
		linux.SYS_KCMP:            {"kcmp", "pid pid int hex hex", kcmp, "KCMP_EPOLL_TFD is refused"},
		linux.SYS_PERSONALITY:     {"personality", "hex", personality, "only Linux itself has an effect"},
		linux.SYS_PIDFD_OPEN:      {"pidfd_open", "pid hex", pidfdOpen, ""},
		linux.SYS_PIDFD_GETFD:     {"pidfd_getfd", "fd fd hex", pidfdGetfd, ""},
	})
}

// clone is clone(2).
func clone(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := uint64(a.Uint(0))
	c := linux.CloneArgs{
		Flags: flags &^ linux.CSIGNAL, ExitSignal: flags & linux.CSIGNAL, Stack: a[1], ParentTID: a[2], Pidfd: a[2], ChildTID: a[3], TLS: a[4],
	}
	if flags&(linux.CLONE_PIDFD|linux.CLONE_PARENT_SETTID) == linux.CLONE_PIDFD|linux.CLONE_PARENT_SETTID {
		return 0, linux.EINVAL // both would go to one place
	}
	return doClone(t, c, nil)
}

func doClone(t *kernel.Task, c linux.CloneArgs, setTID []int32) (uintptr, linux.Errno) {
	tid, errno := t.Clone(c, setTID)
	return uintptr(tid), errno
}

// Sizes of struct clone_args.
const (
	cloneArgsVer0 = 64
	cloneArgsVer2 = 88
)

// clone3 is clone3(2).
func clone3(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	size := a.Size(1)
	switch {
	case size > usermem.PageSize:
		return 0, linux.E2BIG
	case size < cloneArgsVer0:
		return 0, linux.EINVAL
	}
	if errno := restZero(t, a.Addr(0), cloneArgsVer2, size); errno != 0 {
		return 0, errno
	}
	var w [cloneArgsVer2 / 8]uint64
	if errno := usermem.CopyInIntsTo(t.Space(), a.Addr(0), w[:min(size, cloneArgsVer2)/8]); errno != 0 {
		return 0, errno
	}
	c := linux.CloneArgs{Flags: w[0], Pidfd: w[1], ChildTID: w[2], ParentTID: w[3], ExitSignal: w[4], Stack: w[5], StackSize: w[6], TLS: w[7], SetTID: w[8], SetTIDSize: w[9], Cgroup: w[10]}
	const bits = linux.CSIGNAL &^ linux.CLONE_NEWTIME
	switch {
	case c.Flags&(linux.CLONE_DETACHED|bits) != 0, c.Flags>>34 != 0,
		c.ExitSignal > linux.SIGRTMAX,
		c.Flags&(linux.CLONE_THREAD|linux.CLONE_PARENT) != 0 && c.ExitSignal != 0,
		c.Stack == 0 && c.StackSize != 0, c.Stack != 0 && c.StackSize == 0,
		c.SetTIDSize > 32, (c.SetTID == 0) != (c.SetTIDSize == 0):
		return 0, linux.EINVAL
	}
	var setTID []int32
	if c.SetTIDSize > 0 {
		var errno linux.Errno
		if setTID, errno = usermem.CopyInInts[int32](t.Space(), usermem.Addr(c.SetTID), int(c.SetTIDSize)); errno != 0 {
			return 0, errno
		}
		for _, id := range setTID {
			if id <= 0 {
				return 0, linux.EINVAL
			}
		}
	}
	return doClone(t, c, setTID)
}

// fork is fork(2).
func fork(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	return doClone(t, linux.CloneArgs{ExitSignal: linux.SIGCHLD}, nil)
}

// vfork is vfork(2).
func vfork(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	return doClone(t, linux.CloneArgs{Flags: linux.CLONE_VFORK | linux.CLONE_VM, ExitSignal: linux.SIGCHLD}, nil)
}

// maxArgStrings bounds the number of arguments or environment strings (MAX_ARG_STRINGS), and
// maxArg the length of one (MAX_ARG_STRLEN).
const (
	maxArgStrings = 0x7fffffff
	maxArg        = 32 * usermem.PageSize
)

// argv copies in a list of strings: E2BIG if they take more than room bytes, from which they are
// deducted.
func argv(t *kernel.Task, addr usermem.Addr, room *uint64) ([]string, linux.Errno) {
	var out []string
	if addr == 0 {
		return nil, 0
	}
	s := t.Space()
	for ; ; addr += 8 {
		p, errno := usermem.CopyInInt[uint64](s, addr)
		if errno != 0 {
			return nil, errno
		}
		if p == 0 {
			return out, 0
		}
		str, errno := s.CopyInString(usermem.Addr(p), int(min(maxArg, *room+1)))
		if errno == linux.ENAMETOOLONG {
			return nil, linux.E2BIG
		}
		if errno != 0 {
			return nil, errno
		}
		need := uint64(len(str)) + 1 + 8
		if need > *room {
			return nil, linux.E2BIG
		}
		*room -= need
		out = append(out, str)
	}
}

// execve is execve(2).
func execve(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doExec(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), a.Addr(2), 0)
}

// execveat is execveat(2).
func execveat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doExec(t, a.Int(0), a.Addr(1), a.Addr(2), a.Addr(3), a.Uint(4))
}

func doExec(t *kernel.Task, dirfd int32, addr, argvAddr, envAddr usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	if flags&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	name, errno := path(t, addr, flags&linux.AT_EMPTY_PATH != 0)
	if errno != 0 {
		return 0, errno
	}
	from, errno := at(t, dirfd, name)
	if errno != 0 {
		return 0, errno
	}
	var wf uint32
	if flags&linux.AT_SYMLINK_NOFOLLOW == 0 {
		wf |= vfs.Follow
	}
	if flags&linux.AT_EMPTY_PATH != 0 {
		wf |= vfs.EmptyPath
	}
	f, errno := vfs.OpenExec(t, from, name, wf)
	from.Put()
	if errno != 0 {
		return 0, errno
	}
	room := max(min(t.Limit(linux.RLIMIT_STACK)/4, 6<<20), 32*usermem.PageSize)
	args, errno := argv(t, argvAddr, &room)
	var env []string
	if errno == 0 {
		env, errno = argv(t, envAddr, &room)
	}
	if errno != 0 {
		f.Put()
		return 0, errno
	}
	x := kernel.ExecArgs{File: f, Name: name, Argv: args, Envv: env}
	if dirfd != linux.AT_FDCWD && (name == "" || name[0] != '/') {
		cloexec, _ := t.Files().Cloexec(dirfd)
		x.ByFD = cloexec
		x.Name = "/dev/fd/" + strconv.Itoa(int(dirfd))
		if name != "" {
			x.Name += "/" + name
		}
	}
	return 0, t.Exec(x)
}

// exit is exit(2).
func exit(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	t.ExitThread(a.Int(0))
	return 0, kernel.NoReturn
}

// exitGroup is exit_group(2).
func exitGroup(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	t.ExitGroup(a.Int(0))
	return 0, kernel.NoReturn
}

// wait4 is wait4(2).
func wait4(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	pid, options := a.Int(0), a.Uint(2)
	if options&^(linux.WNOHANG|linux.WUNTRACED|linux.WCONTINUED|linux.WNOTHREAD|linux.WCLONE|linux.WALL) != 0 {
		return 0, linux.EINVAL
	}
	w := kernel.WaitArgs{Which: linux.P_ALL, Options: options | linux.WEXITED}
	switch {
	case pid == -1<<31:
		return 0, linux.ESRCH
	case pid < -1:
		w.Which, w.ID = linux.P_PGID, -pid
	case pid == 0:
		w.Which = linux.P_PGID
	case pid > 0:
		w.Which, w.ID = linux.P_PID, pid
	}
	r, errno := t.Wait(w)
	if errno != 0 || r.PID == 0 {
		return 0, errno
	}
	s := t.Space()
	if p := a.Addr(1); p != 0 {
		if errno := usermem.CopyOutInt(s, p, r.Status); errno != 0 {
			return 0, errno
		}
	}
	if p := a.Addr(3); p != 0 {
		if errno := usermem.CopyOut(s, p, &r.Usage); errno != 0 {
			return 0, errno
		}
	}
	return uintptr(r.PID), 0
}

// waitid is waitid(2).
func waitid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	options := a.Uint(3)
	if options&^(linux.WNOHANG|linux.WNOWAIT|linux.WEXITED|linux.WSTOPPED|linux.WCONTINUED|linux.WNOTHREAD|linux.WCLONE|linux.WALL) != 0 ||
		options&(linux.WEXITED|linux.WSTOPPED|linux.WCONTINUED) == 0 {
		return 0, linux.EINVAL
	}
	w := kernel.WaitArgs{Which: int(a.Int(0)), ID: a.Int(1), Options: options}
	switch w.Which {
	case linux.P_ALL:
	case linux.P_PID:
		if w.ID <= 0 {
			return 0, linux.EINVAL
		}
	case linux.P_PGID:
		if w.ID < 0 {
			return 0, linux.EINVAL
		}
	case linux.P_PIDFD:
		f, errno := t.File(w.ID)
		if errno != 0 {
			if w.ID < 0 {
				errno = linux.EINVAL
			}
			return 0, errno
		}
		defer f.Put()
		p, ok := f.Ops.(*kernel.Pidfd)
		if !ok {
			return 0, linux.EBADF
		}
		w.PID, w.NonBlock = p.PID, f.NonBlocking() && options&linux.WNOHANG == 0
	default:
		return 0, linux.EINVAL
	}
	r, failed := t.Wait(w)
	s := t.Space()
	if p := a.Addr(4); p != 0 && failed == 0 && r.PID != 0 {
		if errno := usermem.CopyOut(s, p, &r.Usage); errno != 0 {
			return 0, errno
		}
	}
	if p := a.Addr(2); p != 0 {
		var info linux.Siginfo
		if r.PID != 0 {
			info.Signo, info.Code = linux.SIGCHLD, r.Code
			info.SetPID(r.PID)
			info.SetUID(r.UID)
			info.SetChild(r.Value, 0, 0)
		}
		// Linux stores the fields, not the whole of siginfo.
		for _, w := range [...]struct {
			at usermem.Addr
			v  int32
		}{{0, info.Signo}, {4, 0}, {8, info.Code}, {16, info.PID()}, {20, int32(info.UID())}, {24, info.Status()}} {
			if errno := usermem.CopyOutInt(s, p+w.at, w.v); errno != 0 {
				return 0, errno
			}
		}
	}
	return 0, failed
}

// getpid is getpid(2).
func getpid(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return uintptr(t.PID()), 0 }

// gettid is gettid(2).
func gettid(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return uintptr(t.TID()), 0 }

// getppid is getppid(2).
func getppid(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	return uintptr(t.PPID()), 0
}

// setpgid is setpgid(2).
func setpgid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.Setpgid(a.Int(0), a.Int(1)))
}

// getpgid is getpgid(2).
func getpgid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	id, errno := t.Getpgid(a.Int(0))
	return uintptr(id), errno
}

// getpgrp is getpgrp(2).
func getpgrp(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	id, errno := t.Getpgid(0)
	return uintptr(id), errno
}

// setsid is setsid(2).
func setsid(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	id, errno := t.Setsid()
	return uintptr(id), errno
}

// getsid is getsid(2).
func getsid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	id, errno := t.Getsid(a.Int(0))
	return uintptr(id), errno
}

// setTIDAddress is set_tid_address(2).
func setTIDAddress(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	t.SetClearTID(a.Addr(0))
	return uintptr(t.TID()), 0
}

// unshare is unshare(2).
func unshare(t *kernel.Task, a Args) (uintptr, linux.Errno) { return ret(t.Unshare(a.Size(0))) }

// setns is setns(2).
func setns(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if p, ok := f.Ops.(*kernel.Pidfd); ok {
		return ret(t.SetnsOf(p, a.Uint(1)))
	}
	ns, ok := f.Inode.Ops.(interface{ Namespace() any })
	if !ok {
		return 0, linux.EINVAL
	}
	return ret(t.Setns(ns.Namespace(), a.Uint(1)))
}

// Kinds of kcmp(2).
const (
	kcmpFile = iota
	kcmpVM
	kcmpFiles
	kcmpFS
	kcmpSighand
	kcmpIO
	kcmpSysvsem
)

// kcmp is kcmp(2): 0 for the same object, else 1 or 2 for an order that lasts.
func kcmp(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	k := t.Kernel()
	x, y := k.TaskIn(t.PIDNS(), a.Int(0)), k.TaskIn(t.PIDNS(), a.Int(1))
	if x == nil || y == nil {
		return 0, linux.ESRCH
	}
	if !t.MayAccess(x, true) || !t.MayAccess(y, true) {
		return 0, linux.EPERM
	}
	var same bool
	switch a.Int(2) {
	case kcmpFile:
		fx, errno := fileOf(x, a.Int(3))
		if errno != 0 {
			return 0, errno
		}
		defer fx.Put()
		fy, errno := fileOf(y, a.Int(4))
		if errno != 0 {
			return 0, errno
		}
		defer fy.Put()
		same = fx == fy
	case kcmpVM:
		same = x.MM() == y.MM()
	case kcmpFiles:
		same = x.Files() == y.Files()
	case kcmpFS:
		same = x.FS() == y.FS()
	case kcmpSighand:
		same = x.SameSighand(y)
	case kcmpIO:
		same = x.SameIO(y)
	case kcmpSysvsem:
		same = x.SameSemUndo(y)
	default:
		return 0, linux.EINVAL
	}
	switch {
	case same:
		return 0, 0
	case a.Int(0) < a.Int(1) || a.Int(0) == a.Int(1) && a[3] < a[4]:
		return 1, 0
	}
	return 2, 0
}

// fileOf is the open file fd of a task, which may be about to end.
func fileOf(t *kernel.Task, fd int32) (*vfs.File, linux.Errno) {
	if files := t.Files(); files != nil {
		return files.File(fd)
	}
	return nil, linux.EBADF
}

// Bits of personality(2) (include/uapi/linux/personality.h).
const (
	uname26         = 0x0020000
	readImpliesExec = 0x0400000
	perMask         = 0xff
	perLinux32      = 8
)

// personality is personality(2).
func personality(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	old := t.Personality()
	if p := a.Uint(0); p != 0xffffffff {
		t.SetPersonality(p)
		t.MM().SetReadImpliesExec(p&readImpliesExec != 0)
	}
	return uintptr(old), 0
}

// pidfd finds the pidfd fd: EBADF.
func pidfd(t *kernel.Task, fd int32) (*kernel.Pidfd, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, errno
	}
	defer f.Put()
	p, ok := f.Ops.(*kernel.Pidfd)
	if !ok {
		return nil, linux.EBADF
	}
	return p, 0
}

// pidfdOpen is pidfd_open(2).
func pidfdOpen(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(1)&^(linux.O_NONBLOCK|kernel.PidfdThread) != 0 || a.Int(0) <= 0 {
		return 0, linux.EINVAL
	}
	fd, errno := t.PidfdOpen(a.Int(0), a.Uint(1))
	return uintptr(fd), errno
}

// pidfdGetfd is pidfd_getfd(2).
func pidfdGetfd(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(2) != 0 {
		return 0, linux.EINVAL
	}
	p, errno := pidfd(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	o := p.Task(t.Kernel())
	if o == nil {
		return 0, linux.ESRCH
	}
	if !t.MayAccess(o, true) {
		return 0, linux.EPERM
	}
	files := o.Files()
	if files == nil {
		return 0, linux.ESRCH
	}
	f, errno := files.File(a.Int(1))
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, true)
	return uintptr(fd), errno
}
