package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_MOUNT:      {"mount", "path path str hex hex", mount, "file systems of this sandbox; see /proc/filesystems"},
		linux.SYS_UMOUNT2:    {"umount2", "path hex", umount2, ""},
		linux.SYS_PIVOT_ROOT: {"pivot_root", "path path", pivotRoot, ""},
	})
}

// msNouser is MS_NOUSER, the kernel's own.
const msNouser = 1 << 31

// mayMount is the capability that mounting takes, in the namespace's own user namespace.
func mayMount(t *kernel.Task) bool {
	return t.Cred().HasIn(t.Namespaces().Mount.Owner, linux.CAP_SYS_ADMIN)
}

// optionalString copies in a string that may be null.
func optionalString(t *kernel.Task, addr usermem.Addr, max int) (string, linux.Errno) {
	if addr == 0 {
		return "", 0
	}
	s, errno := t.Space().CopyInString(addr, max)
	if errno == linux.ENAMETOOLONG {
		errno = linux.EINVAL
	}
	return s, errno
}

// mount is mount(2) (path_mount, fs/namespace.c).
func mount(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Size(3)
	const magic, magicMask = 0xc0ed0000, 0xffff0000
	if flags&magicMask == magic {
		flags &^= magicMask
	}
	typ, errno := optionalString(t, a.Addr(2), usermem.PageSize)
	if errno != 0 {
		return 0, errno
	}
	source, errno := optionalString(t, a.Addr(0), linux.PATH_MAX)
	if errno != 0 {
		return 0, errno
	}
	data, errno := mountData(t, a.Addr(4))
	if errno != 0 {
		return 0, errno
	}
	return withPath(t, linux.AT_FDCWD, a.Addr(1), 0, true, func(p vfs.Path) linux.Errno {
		if flags&msNouser != 0 {
			return linux.EINVAL
		}
		if !mayMount(t) {
			return linux.EPERM
		}
		return doMount(t, p, source, typ, flags, data)
	})
}

// mountData copies in the options: a page at most.
func mountData(t *kernel.Task, addr usermem.Addr) (string, linux.Errno) {
	if addr == 0 {
		return "", 0
	}
	s, errno := t.Space().CopyInString(addr, usermem.PageSize)
	if errno == linux.ENAMETOOLONG {
		errno = linux.EINVAL
	}
	return s, errno
}

// perMount are the flags that belong to a mount.
const perMount = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_NOATIME | linux.MS_NODIRATIME | linux.MS_RELATIME | linux.MS_NOSYMFOLLOW

// doMount tells what mount(2) is to do from the flags (path_mount).
func doMount(t *kernel.Task, p vfs.Path, source, typ string, flags uint64, data string) linux.Errno {
	own := flags&perMount | linux.MS_RELATIME
	if flags&linux.MS_NOATIME != 0 {
		own &^= linux.MS_RELATIME
	}
	if flags&linux.MS_STRICTATIME != 0 {
		own &^= linux.MS_RELATIME | linux.MS_NOATIME
	}
	const propagation = linux.MS_SHARED | linux.MS_PRIVATE | linux.MS_SLAVE | linux.MS_UNBINDABLE
	keepAtime := flags&(linux.MS_NOATIME|linux.MS_NODIRATIME|linux.MS_RELATIME|linux.MS_STRICTATIME) == 0
	ns := t.Namespaces().Mount
	switch {
	case flags&(linux.MS_REMOUNT|linux.MS_BIND) == linux.MS_REMOUNT|linux.MS_BIND:
		return ns.Remount(p, own, keepAtime)
	case flags&linux.MS_REMOUNT != 0:
		return ns.RemountSuper(t, p, own, keepAtime, data)
	case flags&linux.MS_BIND != 0:
		return withSource(t, source, func(from vfs.Path) linux.Errno { return ns.Bind(from, p, flags&linux.MS_REC != 0) })
	case flags&propagation != 0:
		kind := flags & propagation
		if kind&(kind-1) != 0 || flags&^(propagation|linux.MS_REC|linux.MS_SILENT) != 0 {
			return linux.EINVAL
		}
		return p.SetPropagation(kind, flags&linux.MS_REC != 0)
	case flags&linux.MS_MOVE != 0:
		return withSource(t, source, func(from vfs.Path) linux.Errno { return moveMountTo(t, from, p, false) })
	case typ == "":
		return linux.EINVAL
	}
	fs, errno := t.Kernel().FS(typ)
	if errno != 0 {
		return errno
	}
	m := maker(t, fs)
	if !m.May() {
		return linux.EPERM
	}
	if source == "" {
		source = "none"
	}
	sb, errno := m.Make(source, data)
	if errno != 0 {
		return errno
	}
	mnt := vfs.NewMount(sb, own)
	if errno = revealing(t, own)(typ); errno == 0 {
		errno = ns.Mount(p, mnt)
	}
	if errno != 0 {
		mnt.Put()
	}
	return errno
}

// maker says how the task makes a file system.
func maker(t *kernel.Task, fs *kernel.FSType) vfs.Maker {
	return vfs.Maker{
		Type: fs.Name, Param: fs.Param,
		May: func() bool {
			c := t.Cred()
			if fs.Owner != nil && !c.HasIn(fs.Owner(t.Namespaces()), linux.CAP_SYS_ADMIN) {
				return false
			}
			return c.Has(linux.CAP_SYS_ADMIN) && (fs.UserNS || c.HasIn(t.Kernel().UserNS, linux.CAP_SYS_ADMIN))
		},
		Make: func(source, data string) (*vfs.Super, linux.Errno) {
			sb, errno := fs.Mount(t, source, data)
			if errno == 0 && sb.Owner == nil && t.Cred().NS.Parent != nil {
				sb.Owner = t.Cred().NS
			}
			return sb, errno
		},
	}
}

// revealing refuses a mount that would show what is hidden in the task's namespace.
func revealing(t *kernel.Task, flags uint64) func(typ string) linux.Errno {
	return func(typ string) linux.Errno {
		fs, errno := t.Kernel().FS(typ)
		ns := t.Namespaces().Mount
		if errno == 0 && fs.Reveals && ns.Owner.Parent != nil && !ns.Shows(typ, flags) {
			return linux.EPERM
		}
		return 0
	}
}

// moveMountTo moves a mount for the task.
func moveMountTo(t *kernel.Task, from, p vfs.Path, beneath bool) linux.Errno {
	root := t.FS().Root()
	defer root.Put()
	return t.Namespaces().Mount.Move(from, p, beneath, root.Mount)
}

// withSource calls f with the path that a bind or move mount comes from.
func withSource(t *kernel.Task, source string, f func(vfs.Path) linux.Errno) linux.Errno {
	if source == "" {
		return linux.EINVAL
	}
	from, errno := walkFrom(t, linux.AT_FDCWD, source, vfs.Follow)
	if errno != 0 {
		return errno
	}
	defer from.Put()
	return f(from)
}

// umount2 is umount2(2).
func umount2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(1)
	if flags&^(linux.MNT_FORCE|linux.MNT_DETACH|linux.MNT_EXPIRE|linux.UMOUNT_NOFOLLOW) != 0 {
		return 0, linux.EINVAL
	}
	name, errno := path(t, a.Addr(0), false)
	if errno != 0 {
		return 0, errno
	}
	wf := uint32(vfs.Mountpoint)
	if flags&linux.UMOUNT_NOFOLLOW == 0 {
		wf |= vfs.Follow
	}
	p, errno := walkFrom(t, linux.AT_FDCWD, name, wf)
	if errno != 0 {
		return 0, errno
	}
	if !mayMount(t) {
		p.Put()
		return 0, linux.EPERM
	}
	root := t.FS().Root()
	errno = t.Namespaces().Mount.Unmount(p, root.Mount, flags)
	root.Put()
	return 0, errno
}

// pivotRoot is pivot_root(2).
func pivotRoot(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if !mayMount(t) {
		return 0, linux.EPERM
	}
	return withPath(t, linux.AT_FDCWD, a.Addr(0), 0, true, func(newRoot vfs.Path) linux.Errno {
		_, errno := withPath(t, linux.AT_FDCWD, a.Addr(1), 0, true, func(putOld vfs.Path) linux.Errno {
			root := t.FS().Root()
			defer root.Put()
			return t.Namespaces().Mount.PivotRoot(root, newRoot, putOld, t.Kernel().EachFS)
		})
		return errno
	})
}
