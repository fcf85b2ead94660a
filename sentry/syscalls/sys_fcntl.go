package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_FCNTL: {"fcntl", "fd int hex", fcntl, ""},
	})
}

// pipeSizer is a pipe.
type pipeSizer interface {
	PipeSize() int
	SetPipeSize(ctx vfs.Ctx, n int) (int, linux.Errno)
}

// sealer is a memfd.
type sealer interface {
	Seals() uint32
	AddSeals(seals uint32) linux.Errno
}

// fcntl is fcntl(2).
func fcntl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	fd, cmd := a.Int(0), a.Int(1)
	f, errno := t.Files().FD(fd)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	switch cmd {
	case linux.F_DUPFD, linux.F_DUPFD_CLOEXEC:
		if uint64(a.Uint(2)) >= t.Limit(linux.RLIMIT_NOFILE) || a.Int(2) < 0 {
			return 0, linux.EINVAL
		}
		f.Get()
		n, errno := t.Files().Install(t, f.File, a.Int(2), cmd == linux.F_DUPFD_CLOEXEC)
		if errno == 0 {
			t.LendClose(f.File, n)
		}
		return uintptr(n), errno
	case linux.F_GETFD:
		on, errno := t.Files().Cloexec(fd)
		if on {
			return linux.FD_CLOEXEC, errno
		}
		return 0, errno
	case linux.F_SETFD:
		return ret(t.Files().SetCloexec(fd, a[2]&linux.FD_CLOEXEC != 0))
	case linux.F_GETFL:
		return uintptr(f.Flags()), 0
	case linux.F_DUPFD_QUERY:
		o, errno := t.Files().FD(a.Int(2))
		if errno != 0 {
			return 0, errno
		}
		defer o.Put()
		if o.File == f.File {
			return 1, 0
		}
		return 0, 0
	}
	if f.Mode&vfs.ModePath != 0 {
		return 0, linux.EBADF
	}
	return fcntlFile(t, a, f.File)
}

// fcntlFile does the commands that O_PATH files do not have.
func fcntlFile(t *kernel.Task, a Args, f *vfs.File) (uintptr, linux.Errno) {
	switch cmd := a.Int(1); cmd {
	case linux.F_SETFL:
		return ret(setStatusFlags(t, f, a.Int(0), a.Uint(2)))
	case linux.F_GETLK, linux.F_OFD_GETLK:
		return ret(getLock(t, f, a.Addr(2), cmd == linux.F_OFD_GETLK))
	case linux.F_SETLK, linux.F_SETLKW, linux.F_OFD_SETLK, linux.F_OFD_SETLKW:
		return ret(setLock(t, f, a.Addr(2), cmd >= linux.F_OFD_GETLK, cmd == linux.F_SETLKW || cmd == linux.F_OFD_SETLKW))
	case linux.F_SETOWN, linux.F_GETOWN, linux.F_SETOWN_EX, linux.F_GETOWN_EX, linux.F_SETSIG, linux.F_GETSIG:
		return fcntlOwner(t, a, f)
	case linux.F_SETPIPE_SZ:
		if p, ok := f.Ops.(pipeSizer); ok {
			if a.Int(2) < 0 {
				return 0, linux.EINVAL
			}
			n, errno := p.SetPipeSize(t, int(a.Int(2)))
			return uintptr(n), errno
		}
		return 0, linux.EBADF
	case linux.F_GETPIPE_SZ:
		if p, ok := f.Ops.(pipeSizer); ok {
			return uintptr(p.PipeSize()), 0
		}
		return 0, linux.EBADF
	case linux.F_ADD_SEALS:
		s, ok := f.Inode.Ops.(sealer)
		if !ok {
			return 0, linux.EINVAL
		}
		if f.Mode&vfs.ModeWrite == 0 {
			return 0, linux.EPERM
		}
		return ret(s.AddSeals(a.Uint(2)))
	case linux.F_GET_SEALS:
		if s, ok := f.Inode.Ops.(sealer); ok {
			return uintptr(s.Seals()), 0
		}
		return 0, linux.EINVAL
	case linux.F_GETLEASE:
		return uintptr(f.Lease()), 0
	case linux.F_SETLEASE:
		own, tell := t.MessageSignal(f, a.Int(0))
		errno := f.SetLease(t, a.Int(2), tell)
		if errno == 0 && a.Int(2) != linux.F_UNLCK {
			own()
		}
		return 0, errno
	case linux.F_NOTIFY:
		own, tell := t.MessageSignal(f, a.Int(0))
		errno := f.SetNotice(t.Files(), a.Uint(2), tell)
		if errno == 0 && a.Uint(2)&^linux.DN_MULTISHOT != 0 {
			own()
		}
		return 0, errno
	case linux.F_GET_RW_HINT:
		if f.Inode.Type() != linux.S_IFREG {
			return 0, linux.EINVAL
		}
		return 0, usermem.CopyOutInt(t.Space(), a.Addr(2), f.Inode.WriteHint.Load())
	case linux.F_SET_RW_HINT:
		return 0, setWriteHint(t, f, a.Addr(2))
	}
	return 0, linux.EINVAL
}

// maxWriteHint is RWH_WRITE_LIFE_EXTREME.
const maxWriteHint = 5

// setWriteHint is F_SET_RW_HINT: remembered, and of no consequence for memory.
func setWriteHint(t *kernel.Task, f *vfs.File, addr usermem.Addr) linux.Errno {
	c := t.Cred()
	if f.Inode.Type() != linux.S_IFREG {
		return linux.EINVAL
	}
	if c.Fsuid != f.Inode.Attr().UID && !c.Has(linux.CAP_FOWNER) {
		return linux.EPERM
	}
	hint, errno := usermem.CopyInInt[uint64](t.Space(), addr)
	if errno == 0 && hint > maxWriteHint {
		errno = linux.EINVAL
	}
	if errno == 0 {
		f.Inode.WriteHint.Store(hint)
	}
	return errno
}

// setStatusFlags is F_SETFL, and lets O_ASYNC begin or end.
func setStatusFlags(t *kernel.Task, f *vfs.File, fd int32, flags uint32) linux.Errno {
	was := f.Flags()
	if errno := f.SetFlags(t, flags); errno != 0 {
		return errno
	}
	if (was^f.Flags())&linux.O_ASYNC != 0 {
		t.SetAsync(f, fd, f.Flags()&linux.O_ASYNC != 0)
	}
	return 0
}

// fcntlOwner is F_SETOWN and its kin.
func fcntlOwner(t *kernel.Task, a Args, f *vfs.File) (uintptr, linux.Errno) {
	s := t.Space()
	switch a.Int(1) {
	case linux.F_SETOWN:
		id := a.Int(2)
		if id < 0 {
			if id == -1<<31 {
				return 0, linux.EINVAL
			}
			return ret(t.SetOwner(f, linux.F_OWNER_PGRP, -id))
		}
		return ret(t.SetOwner(f, linux.F_OWNER_PID, id))
	case linux.F_GETOWN:
		kind, id := t.Owner(f)
		if kind == linux.F_OWNER_PGRP {
			return uintptr(-int64(id)), 0
		}
		return uintptr(id), 0
	case linux.F_SETOWN_EX:
		o, errno := usermem.CopyIn[linux.FOwnerEx](s, a.Addr(2))
		if errno != 0 {
			return 0, errno
		}
		if o.Type < linux.F_OWNER_TID || o.Type > linux.F_OWNER_PGRP {
			return 0, linux.EINVAL
		}
		return ret(t.SetOwner(f, o.Type, o.PID))
	case linux.F_GETOWN_EX:
		var o linux.FOwnerEx
		o.Type, o.PID = t.Owner(f)
		return ret(usermem.CopyOut(s, a.Addr(2), &o))
	case linux.F_SETSIG:
		if a.Int(2) < 0 || a.Int(2) > linux.SIGRTMAX {
			return 0, linux.EINVAL
		}
		t.SetOwnerSignal(f, a.Int(2))
		return 0, 0
	}
	return uintptr(t.OwnerSignal(f)), 0
}

// lockRange copies in a struct flock and makes its range absolute.
func lockRange(t *kernel.Task, f *vfs.File, addr usermem.Addr, ofd bool) (linux.Flock, vfs.LockRange, linux.Errno) {
	l, errno := usermem.CopyIn[linux.Flock](t.Space(), addr)
	if errno != 0 {
		return l, vfs.LockRange{}, errno
	}
	if ofd && l.PID != 0 {
		return l, vfs.LockRange{}, linux.EINVAL
	}
	start := l.Start
	switch l.Whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		start += f.Pos()
	case linux.SEEK_END:
		start += f.Inode.Attr().Size
	default:
		return l, vfs.LockRange{}, linux.EINVAL
	}
	end := start + l.Len - 1
	switch {
	case l.Len == 0:
		end = vfs.LockEOF
	case l.Len < 0:
		start, end = start+l.Len, start-1
	case end < start-1:
		return l, vfs.LockRange{}, linux.EOVERFLOW
	}
	if start < 0 {
		return l, vfs.LockRange{}, linux.EINVAL
	}
	r := vfs.LockRange{Owner: t.Files(), File: f, PID: t.PID(), Start: start, End: end, Exclusive: l.Type == linux.F_WRLCK, OFD: ofd}
	if ofd {
		r.Owner, r.PID = f, -1
	}
	return l, r, 0
}

func getLock(t *kernel.Task, f *vfs.File, addr usermem.Addr, ofd bool) linux.Errno {
	l, r, errno := lockRange(t, f, addr, ofd)
	if errno != 0 {
		return errno
	}
	if l.Type != linux.F_RDLCK && l.Type != linux.F_WRLCK && !(ofd && l.Type == linux.F_UNLCK) {
		return linux.EINVAL
	}
	o, found := f.Inode.TestLock(&r)
	if !found {
		l.Type = linux.F_UNLCK
		return usermem.CopyOut(t.Space(), addr, &l)
	}
	l = linux.Flock{Type: linux.F_RDLCK, Start: o.Start, PID: o.PID}
	if o.Exclusive {
		l.Type = linux.F_WRLCK
	}
	if o.End != vfs.LockEOF {
		l.Len = o.End - o.Start + 1
	}
	return usermem.CopyOut(t.Space(), addr, &l)
}

func setLock(t *kernel.Task, f *vfs.File, addr usermem.Addr, ofd, block bool) linux.Errno {
	l, r, errno := lockRange(t, f, addr, ofd)
	if errno != 0 {
		return errno
	}
	switch l.Type {
	case linux.F_UNLCK:
		f.Inode.Unlock(&r)
		return 0
	case linux.F_RDLCK:
		if f.Mode&vfs.ModeRead == 0 {
			return linux.EBADF
		}
	case linux.F_WRLCK:
		if f.Mode&vfs.ModeWrite == 0 {
			return linux.EBADF
		}
	default:
		return linux.EINVAL
	}
	return f.Inode.SetLock(t, &r, block)
}
