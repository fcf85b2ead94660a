package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_ACCESS:     {"access", "path oct", access, ""},
		linux.SYS_FACCESSAT:  {"faccessat", "dirfd path oct", faccessat, ""},
		linux.SYS_FACCESSAT2: {"faccessat2", "dirfd path oct hex", faccessat2, ""},
		linux.SYS_MKDIR:      {"mkdir", "path mode", mkdir, ""},
		linux.SYS_MKDIRAT:    {"mkdirat", "dirfd path mode", mkdirat, ""},
		linux.SYS_RMDIR:      {"rmdir", "path", rmdir, ""},
		linux.SYS_UNLINK:     {"unlink", "path", unlink, ""},
		linux.SYS_UNLINKAT:   {"unlinkat", "dirfd path hex", unlinkat, ""},
		linux.SYS_RENAME:     {"rename", "path path", rename, ""},
		linux.SYS_RENAMEAT:   {"renameat", "dirfd path dirfd path", renameat, ""},
		linux.SYS_RENAMEAT2:  {"renameat2", "dirfd path dirfd path hex", renameat2, ""},
		linux.SYS_LINK:       {"link", "path path", link, ""},
		linux.SYS_LINKAT:     {"linkat", "dirfd path dirfd path hex", linkat, ""},
		linux.SYS_SYMLINK:    {"symlink", "path path", symlink, ""},
		linux.SYS_SYMLINKAT:  {"symlinkat", "path dirfd path", symlinkat, ""},
		linux.SYS_READLINK:   {"readlink", "path obuf size", readlink, ""},
		linux.SYS_READLINKAT: {"readlinkat", "dirfd path obuf size", readlinkat, ""},
		linux.SYS_MKNOD:      {"mknod", "path mode hex", mknod, ""},
		linux.SYS_MKNODAT:    {"mknodat", "dirfd path mode hex", mknodat, ""},
		linux.SYS_CHMOD:      {"chmod", "path mode", chmod, ""},
		linux.SYS_FCHMOD:     {"fchmod", "fd mode", fchmod, ""},
		linux.SYS_FCHMODAT:   {"fchmodat", "dirfd path mode", fchmodat, ""},
		linux.SYS_FCHMODAT2:  {"fchmodat2", "dirfd path mode hex", fchmodat2, ""},
		linux.SYS_CHOWN:      {"chown", "path id id", chown, ""},
		linux.SYS_LCHOWN:     {"lchown", "path id id", lchown, ""},
		linux.SYS_FCHOWN:     {"fchown", "fd id id", fchown, ""},
		linux.SYS_FCHOWNAT:   {"fchownat", "dirfd path id id hex", fchownat, ""},
		linux.SYS_UTIME:      {"utime", "path hex", utime, ""},
		linux.SYS_UTIMES:     {"utimes", "path hex", utimes, ""},
		linux.SYS_FUTIMESAT:  {"futimesat", "dirfd path hex", futimesat, ""},
		linux.SYS_UTIMENSAT:  {"utimensat", "dirfd path hex hex", utimensat, ""},
		linux.SYS_CHDIR:      {"chdir", "path", chdir, ""},
		linux.SYS_FCHDIR:     {"fchdir", "fd", fchdir, ""},
		linux.SYS_CHROOT:     {"chroot", "path", chroot, ""},
		linux.SYS_GETCWD:     {"getcwd", "obuf size", getcwd, ""},
	})
}

// doAccess is faccessat2(2): with the real ids unless AT_EACCESS.
func doAccess(t *kernel.Task, dirfd int32, addr usermem.Addr, mode, flags uint32) (uintptr, linux.Errno) {
	if mode&^7 != 0 || flags&^(linux.AT_EACCESS|linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	if flags&linux.AT_EACCESS == 0 {
		old := t.Cred()
		c := old.Clone()
		c.Fsuid, c.Fsgid = c.Ruid, c.Rgid
		if c.Securebits&kernel.SecureNoSetuidFixup == 0 {
			if root, _ := c.NS.ToKernelUID(0); c.Ruid != root {
				c.Effective = 0
			} else {
				c.Effective = c.Permitted
			}
		}
		t.SetCred(c)
		defer t.SetCred(old)
	}
	p, errno := walk(t, dirfd, addr, flags, true)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	return ret(vfs.Access(t, p, mode))
}

// access is access(2).
func access(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doAccess(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), 0)
}

// faccessat is the call without flags.
func faccessat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doAccess(t, a.Int(0), a.Addr(1), a.Uint(2), 0)
}

// faccessat2 is faccessat2(2).
func faccessat2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doAccess(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

// withName calls f with where the walk of the path at addr begins.
func withName(t *kernel.Task, dirfd int32, addr usermem.Addr, f func(vfs.At, string) linux.Errno) (uintptr, linux.Errno) {
	at, name, errno := named(t, dirfd, addr)
	if errno != 0 {
		return 0, errno
	}
	defer at.Put()
	return 0, f(at, name)
}

// mkdir is mkdir(2).
func mkdir(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doMkdir(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1))
}

// mkdirat is mkdirat(2).
func mkdirat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doMkdir(t, a.Int(0), a.Addr(1), a.Uint(2))
}

func doMkdir(t *kernel.Task, dirfd int32, addr usermem.Addr, mode uint32) (uintptr, linux.Errno) {
	return withName(t, dirfd, addr, func(at vfs.At, name string) linux.Errno {
		return vfs.Mkdir(t, at, name, mode&0o1777)
	})
}

// rmdir is rmdir(2).
func rmdir(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doUnlink(t, linux.AT_FDCWD, a.Addr(0), true)
}

// unlink is unlink(2).
func unlink(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doUnlink(t, linux.AT_FDCWD, a.Addr(0), false)
}

// unlinkat is unlinkat(2).
func unlinkat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(2)&^linux.AT_REMOVEDIR != 0 {
		return 0, linux.EINVAL
	}
	return doUnlink(t, a.Int(0), a.Addr(1), a.Uint(2) != 0)
}

func doUnlink(t *kernel.Task, dirfd int32, addr usermem.Addr, rmdir bool) (uintptr, linux.Errno) {
	return withName(t, dirfd, addr, func(at vfs.At, name string) linux.Errno { return vfs.Unlink(t, at, name, rmdir) })
}

// rename is rename(2).
func rename(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doRename(t, linux.AT_FDCWD, a.Addr(0), linux.AT_FDCWD, a.Addr(1), 0)
}

// renameat is renameat(2).
func renameat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doRename(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), 0)
}

// renameat2 is renameat2(2).
func renameat2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doRename(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), a.Uint(4))
}

func doRename(t *kernel.Task, oldfd int32, oldAddr usermem.Addr, newfd int32, newAddr usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	return withName(t, oldfd, oldAddr, func(from vfs.At, oldName string) linux.Errno {
		_, errno := withName(t, newfd, newAddr, func(to vfs.At, newName string) linux.Errno {
			return vfs.Rename(t, from, oldName, to, newName, flags)
		})
		return errno
	})
}

// link is link(2).
func link(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doLink(t, linux.AT_FDCWD, a.Addr(0), linux.AT_FDCWD, a.Addr(1), 0)
}

// linkat is linkat(2).
func linkat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doLink(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), a.Uint(4))
}

func doLink(t *kernel.Task, oldfd int32, oldAddr usermem.Addr, newfd int32, newAddr usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	if flags&^(linux.AT_SYMLINK_FOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	if flags&linux.AT_EMPTY_PATH != 0 && !t.Cred().Has(linux.CAP_DAC_READ_SEARCH) {
		f, errno := t.Files().File(oldfd) // since 6.10 the opener may, too
		if errno != 0 {
			return 0, linux.ENOENT
		}
		same := f.Cred == t.Cred()
		f.Put()
		if !same {
			return 0, linux.ENOENT
		}
	}
	old, errno := walk(t, oldfd, oldAddr, flags, false)
	if errno != 0 {
		return 0, errno
	}
	defer old.Put()
	return withName(t, newfd, newAddr, func(at vfs.At, name string) linux.Errno { return vfs.Link(t, old, at, name) })
}

// symlink is symlink(2).
func symlink(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doSymlink(t, a.Addr(0), linux.AT_FDCWD, a.Addr(1))
}

// symlinkat is symlinkat(2).
func symlinkat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doSymlink(t, a.Addr(0), a.Int(1), a.Addr(2))
}

func doSymlink(t *kernel.Task, targetAddr usermem.Addr, dirfd int32, addr usermem.Addr) (uintptr, linux.Errno) {
	target, errno := path(t, targetAddr, false)
	if errno != 0 {
		return 0, errno
	}
	return withName(t, dirfd, addr, func(at vfs.At, name string) linux.Errno { return vfs.Symlink(t, target, at, name) })
}

// readlink is readlink(2).
func readlink(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doReadlink(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), a.Int(2))
}

// readlinkat is readlinkat(2).
func readlinkat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doReadlink(t, a.Int(0), a.Addr(1), a.Addr(2), a.Int(3))
}

func doReadlink(t *kernel.Task, dirfd int32, addr, dst usermem.Addr, n int32) (uintptr, linux.Errno) {
	if n <= 0 {
		return 0, linux.EINVAL
	}
	changes := vfs.Changes()
	p, name, errno, ok := walkShort(t, dirfd, addr, 0)
	if !ok {
		if name, errno = path(t, addr, true); errno == 0 && name == "" && dirfd == linux.AT_FDCWD {
			errno = linux.ENOENT
		}
		if errno == 0 {
			p, errno = walkFrom(t, dirfd, name, vfs.EmptyPath)
		}
	}
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	target, errno := vfs.Readlink(t, p)
	if errno != 0 {
		if ok && errno == linux.EINVAL {
			t.NoLink(t.PathRoom(), p, changes)
		}
		if !ok && name == "" && errno == linux.EINVAL {
			errno = linux.ENOENT
		}
		return 0, errno
	}
	b := []byte(target)[:min(len(target), int(n))]
	_, errno = t.Space().CopyOut(dst, b)
	return uintptr(len(b)), errno
}

// mknod is mknod(2).
func mknod(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doMknod(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2))
}

// mknodat is mknodat(2).
func mknodat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doMknod(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

func doMknod(t *kernel.Task, dirfd int32, addr usermem.Addr, mode, dev uint32) (uintptr, linux.Errno) {
	switch mode & linux.S_IFMT {
	case 0:
		mode |= linux.S_IFREG
	case linux.S_IFREG, linux.S_IFCHR, linux.S_IFBLK, linux.S_IFIFO, linux.S_IFSOCK:
	case linux.S_IFDIR:
		return 0, linux.EPERM
	default:
		return 0, linux.EINVAL
	}
	// The argument is new_encode_dev's 32 bits, which stat's 64 extend.
	return withName(t, dirfd, addr, func(at vfs.At, name string) linux.Errno {
		return vfs.Mknod(t, at, name, mode, uint64(dev))
	})
}

// withPath calls f with the object named.
func withPath(t *kernel.Task, dirfd int32, addr usermem.Addr, flags uint32, follow bool, f func(vfs.Path) linux.Errno) (uintptr, linux.Errno) {
	p, errno := walk(t, dirfd, addr, flags, follow)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	return 0, f(p)
}

// withFile calls f with the path of an open file.
func withFile(t *kernel.Task, fd int32, f func(vfs.Path) linux.Errno) (uintptr, linux.Errno) {
	file, errno := t.File(fd)
	if errno != 0 {
		return 0, errno
	}
	defer file.Put()
	return 0, f(file.Path)
}

// chmod is chmod(2).
func chmod(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(p vfs.Path) linux.Errno { return vfs.Chmod(t, p, a.Uint(1)&0o7777) })
}

// fchmod is fchmod(2).
func fchmod(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withFile(t, a.Int(0), func(p vfs.Path) linux.Errno { return vfs.Chmod(t, p, a.Uint(1)&0o7777) })
}

// fchmodat is the call without flags.
func fchmodat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, a.Int(0), a.Addr(1), 0, true, func(p vfs.Path) linux.Errno { return vfs.Chmod(t, p, a.Uint(2)&0o7777) })
}

// fchmodat2 is fchmodat2(2).
func fchmodat2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(3)&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	return withPath(t, a.Int(0), a.Addr(1), a.Uint(3), true, func(p vfs.Path) linux.Errno { return vfs.Chmod(t, p, a.Uint(2)&0o7777) })
}

// doChown maps the ids and changes the owner.
func doChown(t *kernel.Task, p vfs.Path, uid, gid uint32) linux.Errno {
	ns := t.Cred().NS
	u, g := auth.UID(auth.NoID), auth.GID(auth.NoID)
	var ok bool
	if uid != auth.NoID {
		if u, ok = ns.ToKernelUID(uid); !ok {
			return linux.EINVAL
		}
	}
	if gid != auth.NoID {
		if g, ok = ns.ToKernelGID(gid); !ok {
			return linux.EINVAL
		}
	}
	return vfs.Chown(t, p, u, g)
}

// chown is chown(2).
func chown(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(p vfs.Path) linux.Errno { return doChown(t, p, a.Uint(1), a.Uint(2)) })
}

// lchown is lchown(2).
func lchown(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, false, func(p vfs.Path) linux.Errno { return doChown(t, p, a.Uint(1), a.Uint(2)) })
}

// fchown is fchown(2).
func fchown(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withFile(t, a.Int(0), func(p vfs.Path) linux.Errno { return doChown(t, p, a.Uint(1), a.Uint(2)) })
}

// fchownat is fchownat(2).
func fchownat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(4)&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	return withPath(t, a.Int(0), a.Addr(1), a.Uint(4), true, func(p vfs.Path) linux.Errno { return doChown(t, p, a.Uint(2), a.Uint(3)) })
}

// utime is utime(2).
func utime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	at, mt, null := vfs.TimeNow, vfs.TimeNow, a.Addr(1) == 0
	if !null {
		var v [2]int64
		if errno := usermem.CopyInIntsTo(t.Space(), a.Addr(1), v[:]); errno != 0 {
			return 0, errno
		}
		at, mt = v[0]*linux.Second, v[1]*linux.Second
	}
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(p vfs.Path) linux.Errno { return vfs.Utimes(t, p, at, mt, null) })
}

// utimes is utimes(2).
func utimes(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doUtimes(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1))
}

// futimesat is futimesat(2).
func futimesat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doUtimes(t, a.Int(0), a.Addr(1), a.Addr(2))
}

func doUtimes(t *kernel.Task, dirfd int32, addr, times usermem.Addr) (uintptr, linux.Errno) {
	at, mt, null := vfs.TimeNow, vfs.TimeNow, times == 0
	if !null {
		v, errno := usermem.CopyInSlice[linux.Timeval](t.Space(), times, 2)
		if errno != 0 {
			return 0, errno
		}
		for _, tv := range v {
			if tv.Usec < 0 || tv.Usec >= 1_000_000 {
				return 0, linux.EINVAL
			}
		}
		at, mt = v[0].Sec*linux.Second+v[0].Usec*1000, v[1].Sec*linux.Second+v[1].Usec*1000
	}
	f := func(p vfs.Path) linux.Errno { return vfs.Utimes(t, p, at, mt, null) }
	if addr == 0 && dirfd != linux.AT_FDCWD {
		return withFile(t, dirfd, f)
	}
	return withPath(t, dirfd, addr, 0, true, f)
}

// Special values of tv_nsec.
const (
	utimeNow  = 1<<30 - 1
	utimeOmit = 1<<30 - 2
)

// utimensat is utimensat(2).
func utimensat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(3)
	at, mt, null := vfs.TimeNow, vfs.TimeNow, a.Addr(2) == 0
	if !null {
		v, errno := usermem.CopyInSlice[linux.Timespec](t.Space(), a.Addr(2), 2)
		if errno != 0 {
			return 0, errno
		}
		if v[0].Nsec == utimeOmit && v[1].Nsec == utimeOmit {
			return 0, 0
		}
		for i, to := range [2]*int64{&at, &mt} {
			switch ts := v[i]; {
			case ts.Nsec == utimeNow:
			case ts.Nsec == utimeOmit:
				*to = vfs.TimeOmit
			case ts.Nsec < 0 || ts.Nsec >= linux.Second:
				return 0, linux.EINVAL
			default:
				*to = ts.Sec*linux.Second + ts.Nsec
			}
		}
		null = v[0].Nsec == utimeNow && v[1].Nsec == utimeNow
	}
	if flags&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	f := func(p vfs.Path) linux.Errno { return vfs.Utimes(t, p, at, mt, null) }
	if a.Addr(1) == 0 && a.Int(0) != linux.AT_FDCWD {
		if flags != 0 && flags != linux.AT_EMPTY_PATH {
			return 0, linux.EINVAL
		}
		return withFile(t, a.Int(0), f)
	}
	return withPath(t, a.Int(0), a.Addr(1), flags, true, f)
}

// enter checks that p is a directory that the caller may search.
func enter(t *kernel.Task, p vfs.Path) linux.Errno {
	if !p.Inode().IsDir() {
		return linux.ENOTDIR
	}
	return p.Inode().Permission(t, vfs.MayExec)
}

// chdir is chdir(2).
func chdir(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(p vfs.Path) linux.Errno {
		errno := enter(t, p)
		if errno == 0 {
			p.Get()
			t.FS().SetCwd(p)
		}
		return errno
	})
}

// fchdir is fchdir(2).
func fchdir(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	f, errno := t.Files().File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if errno = enter(t, f.Path); errno == 0 {
		f.Path.Get()
		t.FS().SetCwd(f.Path)
	}
	return 0, errno
}

// chroot is chroot(2).
func chroot(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(p vfs.Path) linux.Errno {
		if errno := enter(t, p); errno != 0 {
			return errno
		}
		if !t.Cred().Has(linux.CAP_SYS_CHROOT) {
			return linux.EPERM
		}
		p.Get()
		t.FS().SetRoot(p)
		return 0
	})
}

// getcwd is the system call under getcwd(3): it returns the length with the NUL.
func getcwd(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	cwd, root := t.FS().Cwd(), t.FS().Root()
	defer cwd.Put()
	defer root.Put()
	name, ok, deleted := cwd.Name(root)
	if deleted {
		return 0, linux.ENOENT
	}
	if !ok {
		name = "(unreachable)" + name
	}
	if len(name)+1 > linux.PATH_MAX {
		return 0, linux.ENAMETOOLONG
	}
	if uint64(len(name)+1) > a.Size(1) {
		return 0, linux.ERANGE
	}
	_, errno := t.Space().CopyOut(a.Addr(0), append([]byte(name), 0))
	return uintptr(len(name) + 1), errno
}
