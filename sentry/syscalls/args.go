package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
	"time"
)

// What many calls decode: paths, directories, vectors, times.

// path copies in a path name: ENOENT for an empty one unless empty is true.
func path(t *kernel.Task, addr usermem.Addr, empty bool) (string, linux.Errno) {
	s, errno := t.Space().CopyInString(addr, linux.PATH_MAX)
	if errno == 0 && s == "" && !empty {
		return "", linux.ENOENT
	}
	return s, errno
}

// at returns where the walk of name begins: the directory of dirfd, or the working directory. The
// caller puts it.
func at(t *kernel.Task, dirfd int32, name string) (vfs.At, linux.Errno) {
	if dirfd == linux.AT_FDCWD || name != "" && name[0] == '/' {
		return t.FS().At(), 0
	}
	f, errno := t.Files().File(dirfd)
	if errno != 0 {
		return vfs.At{}, errno
	}
	defer f.Put()
	if name != "" && !f.Inode.IsDir() {
		return vfs.At{}, linux.ENOTDIR
	}
	f.Path.Get()
	return vfs.At{Root: t.FS().Root(), Start: f.Path}, 0
}

// here is at for a walk in the cache: without references. ok is false if that is not possible.
func here(t *kernel.Task, dirfd int32, name []byte) (a vfs.At, ok bool) {
	a = t.FS().Here()
	if dirfd == linux.AT_FDCWD || len(name) > 0 && name[0] == '/' {
		return a, true
	}
	f, errno := t.Files().FD(dirfd)
	if errno != 0 {
		return a, false
	}
	a.Start = f.Path
	f.Put()
	return a, true
}

// walkShort finds what a short path names whose names are all in the cache. If ok is false there may be another way: name,
// if it is not empty, is the path.
func walkShort(t *kernel.Task, dirfd int32, addr usermem.Addr, wf uint32) (p vfs.Path, name string, errno linux.Errno, ok bool) {
	room := t.PathRoom()
	n, errno := t.Space().CopyInStringTo(addr, room)
	if errno != 0 || n == 0 {
		return vfs.Path{}, "", 0, false
	}
	if a, ok := here(t, dirfd, room[:n]); ok {
		if p, errno, ok := vfs.WalkCached(t, a, room[:n], wf); ok {
			return p, "", errno, true
		}
	}
	return vfs.Path{}, string(room[:n]), 0, false
}

// walk finds the object that dirfd, the path at addr and AT_ flags name. follow says whether a
// link is followed if no flag says otherwise.
func walk(t *kernel.Task, dirfd int32, addr usermem.Addr, flags uint32, follow bool) (vfs.Path, linux.Errno) {
	wf := uint32(0)
	if flags&linux.AT_EMPTY_PATH != 0 {
		wf |= vfs.EmptyPath
		if addr == 0 { // since 6.11
			return walkFrom(t, dirfd, "", wf)
		}
	}
	if follow && flags&linux.AT_SYMLINK_NOFOLLOW == 0 || flags&linux.AT_SYMLINK_FOLLOW != 0 {
		wf |= vfs.Follow
	}
	p, name, errno, ok := walkShort(t, dirfd, addr, wf&vfs.Follow)
	if ok {
		return p, errno
	}
	if name == "" {
		if name, errno = path(t, addr, flags&linux.AT_EMPTY_PATH != 0); errno != 0 {
			return vfs.Path{}, errno
		}
	}
	return walkFrom(t, dirfd, name, wf)
}

func walkFrom(t *kernel.Task, dirfd int32, name string, wf uint32) (vfs.Path, linux.Errno) {
	a, errno := at(t, dirfd, name)
	if errno != 0 {
		return vfs.Path{}, errno
	}
	defer a.Put()
	return vfs.Walk(t, a, name, wf)
}

// named copies in a path and returns where its walk begins, for calls that make or remove names.
func named(t *kernel.Task, dirfd int32, addr usermem.Addr) (vfs.At, string, linux.Errno) {
	name, errno := path(t, addr, false)
	if errno != 0 {
		return vfs.At{}, "", errno
	}
	a, errno := at(t, dirfd, name)
	return a, name, errno
}

// buf is n bytes of application memory: EINVAL if n is negative as a signed number, EFAULT if
// they do not lie in user space.
func buf(t *kernel.Task, addr usermem.Addr, n uint64) (*usermem.Buf, linux.Errno) {
	if end, ok := addr.Add(n); !ok || end > userEnd {
		return nil, linux.EFAULT // access_ok comes before the sign is looked at
	}
	b := t.Buf()
	b.Set(t.Space(), addr, n)
	return b, 0
}

// userEnd is the end of user addresses (TASK_SIZE_MAX).
const userEnd = usermem.Addr(1<<47 - usermem.PageSize)

// timespec copies in a struct timespec and checks it: EINVAL.
func timespec(t *kernel.Task, addr usermem.Addr) (linux.Timespec, linux.Errno) {
	ts, errno := usermem.CopyIn[linux.Timespec](t.Space(), addr)
	if errno == 0 && !ts.Valid() {
		errno = linux.EINVAL
	}
	return ts, errno
}

// timeout copies in a relative time and returns when it is over: Forever for a null pointer; zero
// tells that the time is zero.
func timeout(t *kernel.Task, addr usermem.Addr) (deadline time.Time, zero bool, errno linux.Errno) {
	if addr == 0 {
		return wait.Forever, false, 0
	}
	ts, errno := timespec(t, addr)
	if errno != 0 {
		return wait.Forever, false, errno
	}
	return deadlineAfter(ts.Nanos()), ts.Nanos() == 0, 0
}

// deadlineAfter is ns from now, Forever for what is too far away.
func deadlineAfter(ns int64) time.Time {
	if ns == 1<<63-1 {
		return wait.Forever
	}
	return time.Now().Add(time.Duration(ns))
}

// sigset copies in a signal set whose size the caller gives: EINVAL if that is not 8.
func sigset(t *kernel.Task, addr usermem.Addr, size uint64) (linux.SignalSet, linux.Errno) {
	if size != 8 {
		return 0, linux.EINVAL
	}
	v, errno := usermem.CopyInInt[uint64](t.Space(), addr)
	return linux.SignalSet(v), errno
}

// ret is the result of a call that returns 0 or an error.
func ret(errno linux.Errno) (uintptr, linux.Errno) { return 0, errno }
