package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_OPEN:        {"open", "path open mode", open, ""},
		linux.SYS_OPENAT:      {"openat", "dirfd path open mode", openat, ""},
		linux.SYS_OPENAT2:     {"openat2", "dirfd path hex size", openat2, ""},
		linux.SYS_CREAT:       {"creat", "path mode", creat, ""},
		linux.SYS_CLOSE:       {"close", "fd", closeFD, ""},
		linux.SYS_CLOSE_RANGE: {"close_range", "uint uint hex", closeRange, ""},
		linux.SYS_DUP:         {"dup", "fd", dup, ""},
		linux.SYS_DUP2:        {"dup2", "fd fd", dup2, ""},
		linux.SYS_DUP3:        {"dup3", "fd fd open", dup3, ""},
		linux.SYS_UMASK:       {"umask", "mode", umask, ""},
		linux.SYS_FLOCK:       {"flock", "fd hex", flock, ""},
	})
}

// validOpenFlags are those that open(2) knows (VALID_OPEN_FLAGS); it ignores others.
const validOpenFlags = linux.O_ACCMODE | linux.O_CREAT | linux.O_EXCL | linux.O_NOCTTY | linux.O_TRUNC | linux.O_APPEND | linux.O_NONBLOCK |
	linux.O_SYNC | linux.O_DSYNC | linux.O_ASYNC | linux.O_DIRECT | linux.O_LARGEFILE | linux.O_DIRECTORY | linux.O_NOFOLLOW |
	linux.O_NOATIME | linux.O_CLOEXEC | linux.O_PATH | linux.O_TMPFILE

// doOpen opens and installs.
func doOpen(t *kernel.Task, dirfd int32, addr usermem.Addr, flags, mode, walk uint32) (uintptr, linux.Errno) {
	if flags&linux.O_PATH != 0 {
		flags &= linux.O_PATH | linux.O_DIRECTORY | linux.O_NOFOLLOW | linux.O_CLOEXEC
	}
	if flags&linux.O_TMPFILE&^linux.O_DIRECTORY != 0 && (flags&linux.O_DIRECTORY == 0 || flags&linux.O_ACCMODE == linux.O_RDONLY) {
		return 0, linux.EINVAL
	}
	if flags&(linux.O_CREAT|linux.O_DIRECTORY) == linux.O_CREAT|linux.O_DIRECTORY {
		return 0, linux.EINVAL // since 6.3
	}
	if flags&(linux.O_CREAT|linux.O_TMPFILE&^linux.O_DIRECTORY) != 0 {
		mode &= 0o7777
	} else {
		mode = 0
	}
	how := vfs.OpenHow{Flags: flags | linux.O_LARGEFILE, Mode: mode, Walk: walk}
	changes := vfs.Changes()
	f, errno := openAt(t, dirfd, addr, how)
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, flags&linux.O_CLOEXEC != 0)
	if errno == 0 {
		lendOpened(t, f, fd, flags&linux.O_CLOEXEC != 0, changes)
	}
	return uintptr(fd), errno
}

// lendOpened lends what was opened.
func lendOpened(t *kernel.Task, f *vfs.File, fd int32, cloexec bool, changes uint64) {
	if t.LendsFile(f) {
		if s, errno := statOf(t, f.Inode); errno == 0 {
			t.LendFile(f, fd, &s, changes)
		}
		return
	}
	lends, stat := t.LendsOpen(f, fd)
	if !lends {
		return
	}
	if stat {
		if s, errno := statOf(t, f.Inode); errno == 0 {
			t.LendOpen(f, fd, &s, cloexec, changes)
			return
		}
	}
	t.LendOpen(f, fd, nil, cloexec, changes)
}

// openAt opens what dirfd and the path at addr name.
func openAt(t *kernel.Task, dirfd int32, addr usermem.Addr, how vfs.OpenHow) (*vfs.File, linux.Errno) {
	name := ""
	if wf, cached := how.WalkFlags(); cached {
		p, short, errno, ok := walkShort(t, dirfd, addr, wf)
		if ok && errno == 0 {
			return vfs.OpenFound(t, p, how)
		}
		if ok && (errno != linux.ENOENT || how.Flags&linux.O_CREAT == 0) {
			return nil, errno
		}
		name = short
	}
	if name == "" {
		var errno linux.Errno
		if name, errno = path(t, addr, false); errno != 0 {
			return nil, errno
		}
	}
	start := name
	if how.Walk&(vfs.InRoot|vfs.Beneath) != 0 {
		start = "." // an absolute path begins at the directory, too
	}
	a, errno := at(t, dirfd, start)
	if errno != 0 {
		return nil, errno
	}
	defer a.Put()
	return vfs.Open(t, a, name, how)
}

// open is open(2).
func open(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doOpen(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1)&validOpenFlags, a.Uint(2), 0)
}

// openat is openat(2).
func openat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doOpen(t, a.Int(0), a.Addr(1), a.Uint(2)&validOpenFlags, a.Uint(3), 0)
}

// creat is creat(2).
func creat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doOpen(t, linux.AT_FDCWD, a.Addr(0), linux.O_CREAT|linux.O_WRONLY|linux.O_TRUNC, a.Uint(1), 0)
}

// openHowSize is OPEN_HOW_SIZE_VER0.
const openHowSize = 24

// openat2 is openat2(2).
func openat2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	size := a.Size(3)
	if size < openHowSize {
		return 0, linux.EINVAL
	}
	if errno := restZero(t, a.Addr(2), openHowSize, size); errno != 0 {
		return 0, errno
	}
	how, errno := usermem.CopyIn[linux.OpenHow](t.Space(), a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	flags := uint32(how.Flags)
	const resolve = linux.RESOLVE_NO_XDEV | linux.RESOLVE_NO_MAGICLINKS | linux.RESOLVE_NO_SYMLINKS | linux.RESOLVE_BENEATH | linux.RESOLVE_IN_ROOT | linux.RESOLVE_CACHED
	switch {
	case how.Flags&^validOpenFlags != 0, how.Resolve&^resolve != 0,
		how.Resolve&(linux.RESOLVE_BENEATH|linux.RESOLVE_IN_ROOT) == linux.RESOLVE_BENEATH|linux.RESOLVE_IN_ROOT,
		how.Mode&^0o7777 != 0,
		how.Mode != 0 && flags&(linux.O_CREAT|linux.O_TMPFILE&^linux.O_DIRECTORY) == 0,
		flags&linux.O_PATH != 0 && flags&^(linux.O_PATH|linux.O_DIRECTORY|linux.O_NOFOLLOW|linux.O_CLOEXEC) != 0:
		return 0, linux.EINVAL
	}
	if how.Resolve&linux.RESOLVE_CACHED != 0 && flags&(linux.O_TRUNC|linux.O_CREAT|linux.O_TMPFILE&^linux.O_DIRECTORY) != 0 {
		return 0, linux.EAGAIN // else everything counts as cached
	}
	var walk uint32
	for _, r := range [...]struct{ resolve, walk uint64 }{
		{linux.RESOLVE_NO_XDEV, uint64(vfs.NoXdev)}, {linux.RESOLVE_NO_MAGICLINKS, uint64(vfs.NoMagic)},
		{linux.RESOLVE_NO_SYMLINKS, uint64(vfs.NoSymlinks)}, {linux.RESOLVE_BENEATH, uint64(vfs.Beneath)}, {linux.RESOLVE_IN_ROOT, uint64(vfs.InRoot)},
	} {
		if how.Resolve&r.resolve != 0 {
			walk |= uint32(r.walk)
		}
	}
	return doOpen(t, a.Int(0), a.Addr(1), flags, uint32(how.Mode), walk)
}

// restZero checks that the bytes of an extensible struct beyond the known ones are zero
// (copy_struct_from_user): E2BIG.
func restZero(t *kernel.Task, addr usermem.Addr, known, size uint64) linux.Errno {
	if size > usermem.PageSize {
		return linux.E2BIG
	}
	if size <= known {
		return 0
	}
	b := make([]byte, size-known)
	if _, errno := t.Space().CopyIn(addr+usermem.Addr(known), b); errno != 0 {
		return errno
	}
	for _, x := range b {
		if x != 0 {
			return linux.E2BIG
		}
	}
	return 0
}

// closeFD is close(2).
func closeFD(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	errno := t.Files().Close(t, a.Int(0))
	t.HasClosed()
	if errno == linux.ERESTARTSYS {
		errno = linux.EINTR
	}
	return 0, errno
}

// Flags of close_range(2).
const (
	closeRangeUnshare = 2
	closeRangeCloexec = 4
)

// closeRange is close_range(2).
func closeRange(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	first, last, flags := a.Uint(0), a.Uint(1), a.Uint(2)
	if flags&^(closeRangeUnshare|closeRangeCloexec) != 0 || first > last {
		return 0, linux.EINVAL
	}
	if flags&closeRangeUnshare != 0 {
		t.UnshareFiles()
	}
	t.Files().CloseRange(t, first, last, flags&closeRangeCloexec != 0)
	return 0, 0
}

// dup is dup(2).
func dup(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.Files().File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, false)
	return uintptr(fd), errno
}

// dup2 is dup2(2).
func dup2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) == a.Int(1) {
		f, errno := t.Files().File(a.Int(0))
		if errno != 0 {
			return 0, errno
		}
		f.Put()
		return uintptr(a.Int(0)), 0
	}
	return dupTo(t, a, false)
}

// dup3 is dup3(2).
func dup3(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(2)&^linux.O_CLOEXEC != 0 || a.Int(0) == a.Int(1) {
		return 0, linux.EINVAL
	}
	return dupTo(t, a, a.Uint(2) != 0)
}

func dupTo(t *kernel.Task, a Args, cloexec bool) (uintptr, linux.Errno) {
	if to := a.Int(1); to < 0 || uint64(to) >= t.Limit(linux.RLIMIT_NOFILE) {
		return 0, linux.EBADF
	}
	f, errno := t.Files().File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	return uintptr(a.Int(1)), t.Files().InstallAt(t, f, a.Int(1), cloexec)
}

// umask is umask(2).
func umask(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return uintptr(t.FS().SetUmask(a.Uint(0) & 0o777)), 0
}

// flock is flock(2).
func flock(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	op := a.Uint(1)
	kind := op &^ linux.LOCK_NB
	if kind != linux.LOCK_SH && kind != linux.LOCK_EX && kind != linux.LOCK_UN {
		return 0, linux.EINVAL
	}
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if kind == linux.LOCK_UN {
		f.Funlock()
		return 0, 0
	}
	return ret(f.Flock(t, kind == linux.LOCK_EX, op&linux.LOCK_NB != 0))
}
