package syscalls

import (
	"encoding/binary"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_STAT:       {"stat", "path hex", stat, ""},
		linux.SYS_LSTAT:      {"lstat", "path hex", lstat, ""},
		linux.SYS_FSTAT:      {"fstat", "fd hex", fstat, ""},
		linux.SYS_NEWFSTATAT: {"newfstatat", "dirfd path hex hex", newfstatat, ""},
		linux.SYS_STATX:      {"statx", "dirfd path hex hex hex", statx, ""},
		linux.SYS_STATFS:     {"statfs", "path hex", statfs, ""},
		linux.SYS_FSTATFS:    {"fstatfs", "fd hex", fstatfs, ""},
		linux.SYS_USTAT:      {"ustat", "hex hex", ustat, "finds no device: EINVAL, as for one that is not mounted"},
		linux.SYS_GETDENTS:   {"getdents", "fd hex uint", getdents, ""},
		linux.SYS_GETDENTS64: {"getdents64", "fd hex uint", getdents64, ""},
	})
}

// statOf is what stat(2) shows of an inode.
func statOf(t *kernel.Task, i *vfs.Inode) (linux.Stat, linux.Errno) {
	at, errno := i.Stat(t)
	if errno != 0 {
		return linux.Stat{}, errno
	}
	ns := t.Cred().NS
	return linux.Stat{
		Dev: i.SB.Dev, Ino: i.Ino, Nlink: uint64(at.Nlink), Mode: at.Mode, UID: ns.FromKernelUID(at.UID), GID: ns.FromKernelGID(at.GID),
		Rdev: at.Rdev, Size: at.Size, Blksize: int64(at.Blksize), Blocks: at.Blocks,
		Atim: linux.TimespecOf(at.Atime), Mtim: linux.TimespecOf(at.Mtime), Ctim: linux.TimespecOf(at.Ctime),
	}, 0
}

// putStat stores what stat(2) shows of an inode.
func putStat(t *kernel.Task, i *vfs.Inode, addr usermem.Addr) linux.Errno {
	s, errno := statOf(t, i)
	if errno != 0 {
		return errno
	}
	return usermem.CopyOut(t.Space(), addr, &s)
}

// stat is stat(2).
func stat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return statAt(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), 0)
}

// lstat is lstat(2).
func lstat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return statAt(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), linux.AT_SYMLINK_NOFOLLOW)
}

// fstat is fstat(2).
func fstat(t *kernel.Task, a Args) (uintptr, linux.Errno) { return statFD(t, a.Int(0), a.Addr(1)) }

func statFD(t *kernel.Task, fd int32, dst usermem.Addr) (uintptr, linux.Errno) {
	f, errno := t.Files().FD(fd)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	t.HasStat(fd)
	return ret(putStat(t, f.Inode, dst))
}

// unnamed reports whether the path at addr is empty, or none (vfs_empty_path).
func unnamed(t *kernel.Task, addr usermem.Addr) bool {
	if addr == 0 {
		return true
	}
	first, errno := usermem.CopyInInt[byte](t.Space(), addr)
	return errno == 0 && first == 0
}

// newfstatat is fstatat(2).
func newfstatat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(3)&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_NO_AUTOMOUNT|linux.AT_EMPTY_PATH|linux.AT_STATX_SYNC_TYPE) != 0 {
		return 0, linux.EINVAL
	}
	return statAt(t, a.Int(0), a.Addr(1), a.Addr(2), a.Uint(3))
}

func statAt(t *kernel.Task, dirfd int32, addr, dst usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	if flags&linux.AT_EMPTY_PATH != 0 && dirfd >= 0 && unnamed(t, addr) {
		return statFD(t, dirfd, dst)
	}
	p, errno := walk(t, dirfd, addr, flags, true)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	return ret(putStat(t, p.Inode(), dst))
}

// statx is statx(2).
func statx(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags, mask := a.Uint(2), a.Uint(3)
	const known = linux.AT_SYMLINK_NOFOLLOW | linux.AT_NO_AUTOMOUNT | linux.AT_EMPTY_PATH | linux.AT_STATX_SYNC_TYPE
	if flags&^known != 0 || mask&linux.STATX_RESERVED != 0 || flags&linux.AT_STATX_SYNC_TYPE == linux.AT_STATX_SYNC_TYPE {
		return 0, linux.EINVAL
	}
	p, errno := walk(t, a.Int(0), a.Addr(1), flags, true)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	i := p.Inode()
	at, errno := i.Stat(t)
	if errno != 0 {
		return 0, errno
	}
	ns := t.Cred().NS
	stamp := func(ns int64) linux.StatxTimestamp {
		ts := linux.TimespecOf(ns)
		return linux.StatxTimestamp{Sec: ts.Sec, Nsec: uint32(ts.Nsec)}
	}
	s := linux.Statx{
		Mask: linux.STATX_BASIC_STATS | linux.STATX_MNT_ID, Blksize: at.Blksize, Nlink: at.Nlink,
		UID: ns.FromKernelUID(at.UID), GID: ns.FromKernelGID(at.GID), Mode: uint16(at.Mode), Ino: i.Ino, Size: uint64(at.Size), Blocks: uint64(at.Blocks),
		Atime: stamp(at.Atime), Ctime: stamp(at.Ctime), Mtime: stamp(at.Mtime),
		RdevMajor: vfs.Major(at.Rdev), RdevMinor: vfs.Minor(at.Rdev), DevMajor: vfs.Major(i.SB.Dev), DevMinor: vfs.Minor(i.SB.Dev),
		MntID: uint64(p.Mount.ID), AttributesMask: linux.STATX_ATTR_MOUNT_ROOT,
	}
	if mask&linux.STATX_MNT_ID_UNIQUE != 0 {
		s.Mask ^= linux.STATX_MNT_ID | linux.STATX_MNT_ID_UNIQUE
		s.MntID = p.Mount.UniqueID()
	}
	if at.Btime != 0 {
		s.Mask |= linux.STATX_BTIME
		s.Btime = stamp(at.Btime)
	}
	if p.IsMountRoot() {
		s.Attributes |= linux.STATX_ATTR_MOUNT_ROOT
	}
	return ret(usermem.CopyOut(t.Space(), a.Addr(4), &s))
}

// putStatfs stores what statfs(2) shows of the file system at p.
func putStatfs(t *kernel.Task, p vfs.Path, addr usermem.Addr) linux.Errno {
	sb := p.Mount.Super
	if sb.Statfs == nil {
		return linux.ENOSYS
	}
	v, errno := sb.Statfs(t)
	if errno != 0 {
		return errno
	}
	s := linux.Statfs{
		Type: v.Magic, Bsize: v.Bsize, Blocks: v.Blocks, Bfree: v.Bfree, Bavail: v.Bavail, Files: v.Files, Ffree: v.Ffree,
		Fsid: v.Fsid, Namelen: v.Namelen, Frsize: v.Frsize, Flags: linux.ST_VALID,
	}
	if s.Frsize == 0 {
		s.Frsize = s.Bsize
	}
	flags := p.Mount.Flags()
	for _, b := range [...]struct{ ms, st int64 }{
		{linux.MS_RDONLY, linux.ST_RDONLY}, {linux.MS_NOSUID, linux.ST_NOSUID}, {linux.MS_NODEV, linux.ST_NODEV}, {linux.MS_NOEXEC, linux.ST_NOEXEC},
		{linux.MS_NOATIME, linux.ST_NOATIME}, {linux.MS_NODIRATIME, linux.ST_NODIRATIME}, {linux.MS_RELATIME, linux.ST_RELATIME},
	} {
		if flags&uint64(b.ms) != 0 {
			s.Flags |= b.st
		}
	}
	return usermem.CopyOut(t.Space(), addr, &s)
}

// statfs is statfs(2).
func statfs(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(p vfs.Path) linux.Errno { return putStatfs(t, p, a.Addr(1)) })
}

// fstatfs is fstatfs(2).
func fstatfs(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.Files().FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return ret(putStatfs(t, f.Path, a.Addr(1)))
}

// ustat is ustat(2).
func ustat(*kernel.Task, Args) (uintptr, linux.Errno) { return 0, linux.EINVAL }

// getdents64 is getdents64(2).
func getdents64(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doGetdents(t, a, false) }

// getdents is getdents(2): the type is in the last byte.
func getdents(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doGetdents(t, a, true) }

// direntList is the answer to one of them.
type direntList struct {
	out   []byte
	limit int
	old   bool    // of getdents
	short bool    // there was no room for an entry
	big   *[]byte // out is in it, of bigDirents
}

// bigDirents are buffers for directories that need more than a task keeps. Programs ask with 32 KiB and more, and
// most directories take a small part of that.
var bigDirents = sync.Pool{New: func() any {
	b := make([]byte, 0, 64<<10)
	return &b
}}

// doGetdents lists a directory into the application's buffer.
func doGetdents(t *kernel.Task, a Args, old bool) (uintptr, linux.Errno) {
	f, errno := t.FD(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	l := &direntList{out: t.Scratch(), limit: int(min(a.Uint(2), 1<<20)), old: old}
	changes := vfs.Changes()
	errno = f.Readdir(t, l.add)
	n := len(l.out)
	switch {
	case n > 0:
		all := errno == 0 && !l.short
		if _, errno = t.Space().CopyOut(a.Addr(1), l.out); all && errno == 0 && !old {
			t.HasListed(a.Int(0), changes)
		}
	case errno == 0 && l.short:
		errno = linux.EINVAL
	}
	if l.big != nil {
		bigDirents.Put(l.big)
	} else {
		t.KeepScratch(l.out)
	}
	return uintptr(n), errno
}

// add appends an entry if there is room. Both forms begin with inode number, next position and record length.
func (l *direntList) add(d vfs.Dirent) bool {
	at, size := len(l.out), (19+len(d.Name)+1+7)&^7
	if at+size > l.limit {
		l.short = true
		return false
	}
	if l.big == nil && at+size > kernel.MostScratch {
		l.big = bigDirents.Get().(*[]byte)
		l.out = append((*l.big)[:0], l.out...)
	}
	l.out = append(l.out, make([]byte, size)...)
	b := l.out[at:]
	binary.LittleEndian.PutUint64(b, d.Ino)
	binary.LittleEndian.PutUint64(b[8:], uint64(d.Next))
	binary.LittleEndian.PutUint16(b[16:], uint16(size))
	if l.old {
		copy(b[18:], d.Name)
		b[size-1] = d.Type
	} else {
		b[18] = d.Type
		copy(b[19:], d.Name)
	}
	return true
}
