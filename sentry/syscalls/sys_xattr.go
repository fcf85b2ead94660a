package syscalls

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	type call = kernel.SyscallFunc
	// Each comes in three forms: by path, by path without following a link, by descriptor.
	forms := func(f func(*kernel.Task, vfs.Path, Args) (uintptr, linux.Errno)) (byPath, byLink, byFD call) {
		form := func(follow bool) call {
			return func(t *kernel.Task, a Args) (uintptr, linux.Errno) {
				p, errno := walk(t, linux.AT_FDCWD, a.Addr(0), 0, follow)
				if errno != 0 {
					return 0, errno
				}
				defer p.Put()
				return f(t, p, a)
			}
		}
		return form(true), form(false), func(t *kernel.Task, a Args) (uintptr, linux.Errno) {
			file, errno := t.File(a.Int(0))
			if errno != 0 {
				return 0, errno
			}
			defer file.Put()
			return f(t, file.Path, a)
		}
	}
	set, lset, fset := forms(setxattr)
	get, lget, fget := forms(getxattr)
	list, llist, flist := forms(listxattr)
	rm, lrm, frm := forms(removexattr)
	register(rows{
		linux.SYS_SETXATTR:     {"setxattr", "path str buf size hex", set, ""},
		linux.SYS_LSETXATTR:    {"lsetxattr", "path str buf size hex", lset, ""},
		linux.SYS_FSETXATTR:    {"fsetxattr", "fd str buf size hex", fset, ""},
		linux.SYS_GETXATTR:     {"getxattr", "path str obuf size", get, ""},
		linux.SYS_LGETXATTR:    {"lgetxattr", "path str obuf size", lget, ""},
		linux.SYS_FGETXATTR:    {"fgetxattr", "fd str obuf size", fget, ""},
		linux.SYS_LISTXATTR:    {"listxattr", "path obuf size", list, ""},
		linux.SYS_LLISTXATTR:   {"llistxattr", "path obuf size", llist, ""},
		linux.SYS_FLISTXATTR:   {"flistxattr", "fd obuf size", flist, ""},
		linux.SYS_REMOVEXATTR:  {"removexattr", "path str", rm, ""},
		linux.SYS_LREMOVEXATTR: {"lremovexattr", "path str", lrm, ""},
		linux.SYS_FREMOVEXATTR: {"fremovexattr", "fd str", frm, ""},
	})
}

// xattrName copies in a name: ERANGE if it is empty or too long.
func xattrName(t *kernel.Task, addr usermem.Addr) (string, linux.Errno) {
	s, errno := t.Space().CopyInString(addr, linux.XATTR_NAME_MAX+1)
	if errno == linux.ENAMETOOLONG || errno == 0 && s == "" {
		errno = linux.ERANGE
	}
	return s, errno
}

// setxattr is setxattr(2).
func setxattr(t *kernel.Task, p vfs.Path, a Args) (uintptr, linux.Errno) {
	if a.Uint(4)&^(linux.XATTR_CREATE|linux.XATTR_REPLACE) != 0 {
		return 0, linux.EINVAL
	}
	name, errno := xattrName(t, a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	if a.Size(3) > linux.XATTR_SIZE_MAX {
		return 0, linux.E2BIG
	}
	v := make([]byte, a.Size(3))
	if _, errno := t.Space().CopyIn(a.Addr(2), v); errno != 0 {
		return 0, errno
	}
	return ret(vfs.Setxattr(t, p, name, v, a.Uint(4)))
}

// putXattr stores a value or list: with size 0 only its length is wanted.
func putXattr(t *kernel.Task, addr usermem.Addr, size uint64, v []byte) (uintptr, linux.Errno) {
	switch {
	case size == 0:
		return uintptr(len(v)), 0
	case uint64(len(v)) > size:
		return 0, linux.ERANGE
	}
	_, errno := t.Space().CopyOut(addr, v)
	return uintptr(len(v)), errno
}

// getxattr is getxattr(2).
func getxattr(t *kernel.Task, p vfs.Path, a Args) (uintptr, linux.Errno) {
	name, errno := xattrName(t, a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	v, errno := p.Inode().Getxattr(t, name)
	if errno != 0 {
		return 0, errno
	}
	return putXattr(t, a.Addr(2), a.Size(3), v)
}

// listxattr is listxattr(2).
func listxattr(t *kernel.Task, p vfs.Path, a Args) (uintptr, linux.Errno) {
	names, errno := p.Inode().Listxattr(t)
	if errno != 0 {
		return 0, errno
	}
	var b strings.Builder
	for _, n := range names {
		b.WriteString(n)
		b.WriteByte(0)
	}
	return putXattr(t, a.Addr(1), a.Size(2), []byte(b.String()))
}

// removexattr is removexattr(2).
func removexattr(t *kernel.Task, p vfs.Path, a Args) (uintptr, linux.Errno) {
	name, errno := xattrName(t, a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	return ret(vfs.Removexattr(t, p, name))
}
