package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_READ:            {"read", "fd obuf size", read, ""},
		linux.SYS_WRITE:           {"write", "fd buf size", write, ""},
		linux.SYS_PREAD64:         {"pread64", "fd obuf size off", pread64, ""},
		linux.SYS_PWRITE64:        {"pwrite64", "fd buf size off", pwrite64, ""},
		linux.SYS_READV:           {"readv", "fd iov int", readv, ""},
		linux.SYS_WRITEV:          {"writev", "fd iov int", writev, ""},
		linux.SYS_PREADV:          {"preadv", "fd iov int off", preadv, ""},
		linux.SYS_PWRITEV:         {"pwritev", "fd iov int off", pwritev, ""},
		linux.SYS_PREADV2:         {"preadv2", "fd iov int off long hex", preadv2, ""},
		linux.SYS_PWRITEV2:        {"pwritev2", "fd iov int off long hex", pwritev2, ""},
		linux.SYS_LSEEK:           {"lseek", "fd off int", lseek, ""},
		linux.SYS_FSYNC:           {"fsync", "fd", fsync, ""},
		linux.SYS_FDATASYNC:       {"fdatasync", "fd", fdatasync, ""},
		linux.SYS_SYNC_FILE_RANGE: {"sync_file_range", "fd off off hex", syncFileRange, "syncs the whole file"},
		linux.SYS_SYNC:            {"sync", "", syncAll, ""},
		linux.SYS_SYNCFS:          {"syncfs", "fd", syncfs, ""},
		linux.SYS_FTRUNCATE:       {"ftruncate", "fd off", ftruncate, ""},
		linux.SYS_TRUNCATE:        {"truncate", "path off", truncate, ""},
		linux.SYS_FALLOCATE:       {"fallocate", "fd hex off off", fallocate, ""},
		linux.SYS_FADVISE64:       {"fadvise64", "fd off off int", fadvise64, "advice is not followed"},
		linux.SYS_READAHEAD:       {"readahead", "fd off size", readahead, "advice is not followed"},
		linux.SYS_IOCTL:           {"ioctl", "fd hex hex", ioctl, ""},
	})
}

// wrote turns what a write came to into a result, accounts for it and raises its signals.
func wrote(t *kernel.Task, n int, errno linux.Errno) (uintptr, linux.Errno) {
	t.IO().HasWritten(n)
	switch {
	case n > 0:
		if errno == linux.EPIPE {
			t.SendSelf(linux.SIGPIPE)
		}
		return uintptr(n), 0
	case errno == linux.EPIPE:
		t.SendSelf(linux.SIGPIPE)
	case errno == linux.EFBIG && t.Limit(linux.RLIMIT_FSIZE) != linux.RLIM_INFINITY:
		t.SendSelf(linux.SIGXFSZ)
	}
	return 0, errno
}

// quiet reports whether f raises no SIGPIPE: a socket that is not a stream.
func quiet(f *vfs.File) bool {
	q, ok := f.Ops.(interface{ QuietPipe() bool })
	return ok && q.QuietPipe()
}

// haveRead is wrote for a read.
func haveRead(t *kernel.Task, n int, errno linux.Errno) (uintptr, linux.Errno) {
	t.IO().HasRead(n)
	if n > 0 {
		return uintptr(n), 0
	}
	return 0, errno
}

// read is read(2).
func read(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	b, errno := buf(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	n, errno := f.Read(t, b)
	if n > 0 {
		t.HasRead(f.File, a.Int(0))
	}
	return haveRead(t, n, errno)
}

// write is write(2).
func write(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	b, errno := buf(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	t.HasWritten(a.Int(0))
	n, errno := f.Write(t, b)
	if errno == linux.EPIPE && quiet(f.File) {
		return 0, errno
	}
	return wrote(t, n, errno)
}

// pread64 is pread(2).
func pread64(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	b, errno := buf(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	if a.Long(3) < 0 {
		return 0, linux.EINVAL
	}
	n, errno := f.ReadAt(t, b, a.Long(3), false)
	return haveRead(t, n, errno)
}

// pwrite64 is pwrite(2).
func pwrite64(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	b, errno := buf(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	if a.Long(3) < 0 {
		return 0, linux.EINVAL
	}
	n, errno := f.WriteAt(t, b, a.Long(3), false, false)
	return wrote(t, n, errno)
}

// vec opens the file and the vector of a call on both.
func vec(t *kernel.Task, a Args) (*vfs.File, *usermem.Buf, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return nil, nil, errno
	}
	b := t.Buf()
	if *b, errno = t.Space().CopyInVec(a.Addr(1), int(min(a.Size(2), 1<<20))); errno != 0 {
		f.Put()
	}
	return f, b, errno
}

// vecAt is vec for a call at a position: a file that has none is refused before the vector is
// looked at.
func vecAt(t *kernel.Task, a Args) (*vfs.File, *usermem.Buf, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return nil, nil, errno
	}
	defer f.Put()
	if f.IsStream() {
		return nil, nil, linux.ESPIPE
	}
	return vec(t, a)
}

// readv is readv(2).
func readv(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, b, errno := vec(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	n, errno := f.Read(t, b)
	return haveRead(t, n, errno)
}

// writev is writev(2).
func writev(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, b, errno := vec(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if nothing(f, b) {
		return 0, 0
	}
	t.HasWritten(a.Int(0))
	n, errno := f.Write(t, b)
	if errno == linux.EPIPE && quiet(f) {
		return 0, errno
	}
	return wrote(t, n, errno)
}

// nothing reports that a vector has no bytes for a file that may be written: unlike by write(2), no file hears of that, and no
// empty datagram is sent (vfs_writev).
func nothing(f *vfs.File, b *usermem.Buf) bool { return b.Len() == 0 && f.Mode&vfs.ModeWrite != 0 }

// preadv is preadv(2).
func preadv(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Long(3) < 0 {
		return 0, linux.EINVAL
	}
	f, b, errno := vecAt(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	n, errno := f.ReadAt(t, b, a.Long(3), false)
	return haveRead(t, n, errno)
}

// pwritev is pwritev(2).
func pwritev(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Long(3) < 0 {
		return 0, linux.EINVAL
	}
	f, b, errno := vecAt(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if nothing(f, b) {
		return 0, 0
	}
	n, errno := f.WriteAt(t, b, a.Long(3), false, false)
	return wrote(t, n, errno)
}

// Flags of preadv2(2) and pwritev2(2).
const (
	rwfHipri    = 1
	rwfDsync    = 2
	rwfSync     = 4
	rwfNowait   = 8
	rwfAppend   = 16
	rwfNoappend = 32
)

// preadv2 is preadv2(2).
func preadv2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	off, flags := a.Long(3), a.Uint(5)
	f, b, errno := vec(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if flags&^(rwfHipri|rwfDsync|rwfSync|rwfNowait|rwfAppend|rwfNoappend) != 0 {
		return 0, linux.EOPNOTSUPP
	}
	var n int
	switch {
	case off == -1:
		n, errno = f.Read(t, b)
	case off < 0:
		return 0, linux.EINVAL
	default:
		n, errno = f.ReadAt(t, b, off, flags&rwfNowait != 0)
	}
	return haveRead(t, n, errno)
}

// pwritev2 is pwritev2(2).
func pwritev2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	off, flags := a.Long(3), a.Uint(5)
	f, b, errno := vec(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if nothing(f, b) && off >= -1 {
		return 0, 0
	}
	if flags&^(rwfHipri|rwfDsync|rwfSync|rwfNowait|rwfAppend|rwfNoappend) != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if flags&rwfAppend != 0 && flags&rwfNoappend != 0 {
		return 0, linux.EINVAL
	}
	var n int
	switch {
	case off == -1 && flags&(rwfAppend|rwfNoappend) == 0:
		n, errno = f.Write(t, b)
	case off < -1:
		return 0, linux.EINVAL
	default:
		n, errno = f.WriteAt(t, b, max(off, 0), flags&rwfAppend != 0, flags&rwfNoappend != 0)
	}
	if n > 0 && flags&(rwfDsync|rwfSync) != 0 {
		if e := f.Fsync(t, flags&rwfSync == 0); e != 0 {
			return 0, e
		}
	}
	return wrote(t, n, errno)
}

// lseek is lseek(2).
func lseek(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	off, errno := f.Seek(t, a.Long(1), int(a.Int(2)))
	return uintptr(off), errno
}

// fsync is fsync(2).
func fsync(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doSync(t, a, false) }

// fdatasync is fdatasync(2).
func fdatasync(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doSync(t, a, true) }

func doSync(t *kernel.Task, a Args, dataOnly bool) (uintptr, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return ret(f.Fsync(t, dataOnly))
}

// syncFileRange is sync_file_range(2).
func syncFileRange(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	off, n, flags := a.Long(1), a.Long(2), a.Uint(3)
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if flags&^7 != 0 || off < 0 || n < 0 || off+n < off {
		return 0, linux.EINVAL
	}
	switch f.Inode.Type() {
	case linux.S_IFREG, linux.S_IFBLK, linux.S_IFDIR, linux.S_IFLNK:
	default:
		return 0, linux.ESPIPE
	}
	if flags == 0 {
		return 0, 0
	}
	return ret(f.Fsync(t, true))
}

// syncAll is sync(2).
func syncAll(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	t.Namespaces().Mount.Sync(t)
	return 0, 0
}

// syncfs is syncfs(2).
func syncfs(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if s := f.Inode.SB.Sync; s != nil {
		return ret(s(t))
	}
	return 0, 0
}

// ftruncate is ftruncate(2).
func ftruncate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Long(1) < 0 {
		return 0, linux.EINVAL
	}
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	_, errno = wrote(t, 0, f.Truncate(t, a.Long(1)))
	return ret(errno)
}

// truncate is truncate(2).
func truncate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Long(1) < 0 {
		return 0, linux.EINVAL
	}
	p, errno := walk(t, linux.AT_FDCWD, a.Addr(0), 0, true)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	_, errno = wrote(t, 0, vfs.Truncate(t, p, a.Long(1)))
	return ret(errno)
}

// fallocate is fallocate(2).
func fallocate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	_, errno = wrote(t, 0, f.Fallocate(t, a.Uint(1), a.Long(2), a.Long(3)))
	return ret(errno)
}

// fadvise64 is posix_fadvise(2).
func fadvise64(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	switch {
	case f.Inode.Type() == linux.S_IFIFO:
		return 0, linux.ESPIPE
	case a.Long(2) < 0 || a.Int(3) < 0 || a.Int(3) > 5:
		return 0, linux.EINVAL
	}
	return 0, 0
}

// readahead is readahead(2).
func readahead(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if f.Mode&vfs.ModeRead == 0 {
		return 0, linux.EBADF
	}
	if f.Inode.Type() != linux.S_IFREG {
		return 0, linux.EINVAL
	}
	return 0, 0
}

// Requests of ioctl(2) that belong to descriptors (fs/ioctl.c, do_vfs_ioctl).
const (
	fionclex = 0x5450
	fioclex  = 0x5451
	fionbio  = 0x5421
	fioasync = 0x5452
	figetbsz = 2
	fioqsize = 0x5460
)

// ioctl is ioctl(2).
func ioctl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	fd, cmd := a.Int(0), a.Uint(1)
	f, errno := t.File(fd)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	switch cmd {
	case fioclex, fionclex:
		return ret(t.Files().SetCloexec(fd, cmd == fioclex))
	case fionbio, fioasync:
		on, errno := usermem.CopyInInt[int32](t.Space(), a.Addr(2))
		if errno != 0 {
			return 0, errno
		}
		bit := uint32(linux.O_NONBLOCK)
		if cmd == fioasync {
			bit = linux.O_ASYNC
		}
		flags := f.Flags() &^ bit
		if on != 0 {
			flags |= bit
		}
		if cmd == fioasync && flags != f.Flags() && f.PollQueue() == nil {
			return 0, linux.ENOTTY
		}
		return ret(setStatusFlags(t, f, fd, flags))
	case figetbsz:
		return ret(usermem.CopyOutInt(t.Space(), a.Addr(2), f.Inode.Attr().Blksize))
	case linux.FIONREAD:
		if f.Inode.Type() == linux.S_IFREG {
			at, errno := f.Inode.Stat(t)
			if errno != 0 {
				return 0, errno
			}
			return ret(usermem.CopyOutInt(t.Space(), a.Addr(2), int32(at.Size-f.Pos())))
		}
	case linux.FIOSETOWN, linux.SIOCSPGRP, linux.FIOGETOWN, linux.SIOCGPGRP:
		if _, errno := socket.Of(f); errno == 0 {
			return ret(socketOwner(t, f, cmd, a.Addr(2)))
		}
	}
	return f.Ioctl(t, cmd, a[2])
}
