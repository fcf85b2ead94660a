package syscalls

import (
	"math/bits"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Mounts as descriptors (fs/fsopen.c, fs/namespace.c).

func init() {
	register(rows{
		linux.SYS_FSOPEN:        {"fsopen", "str hex", fsopen, ""},
		linux.SYS_FSCONFIG:      {"fsconfig", "fd uint str hex int", fsconfig, "options are flags and strings"},
		linux.SYS_FSMOUNT:       {"fsmount", "fd hex hex", fsmount, ""},
		linux.SYS_FSPICK:        {"fspick", "dirfd path hex", fspick, ""},
		linux.SYS_OPEN_TREE:     {"open_tree", "dirfd path hex", openTree, ""},
		linux.SYS_MOVE_MOUNT:    {"move_mount", "dirfd path dirfd path hex", moveMount, "no MOVE_MOUNT_SET_GROUP: EINVAL"},
		linux.SYS_MOUNT_SETATTR: {"mount_setattr", "dirfd path hex hex size", mountSetattr, "no mount with mapped ids: EINVAL, as for a file system without them"},
	})
}

// fsopen is fsopen(2).
func fsopen(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(1)
	switch {
	case !mayMount(t):
		return 0, linux.EPERM
	case flags&^linux.FSOPEN_CLOEXEC != 0:
		return 0, linux.EINVAL
	}
	name, errno := shortString(t, a.Addr(0), usermem.PageSize)
	if errno != 0 {
		return 0, errno
	}
	fs, errno := t.Kernel().FS(name)
	if errno != 0 {
		return 0, errno
	}
	return install(t, vfs.NewFSContext(t, maker(t, fs)), flags&linux.FSOPEN_CLOEXEC != 0)
}

func install(t *kernel.Task, f *vfs.File, cloexec bool) (uintptr, linux.Errno) {
	fd, errno := t.Install(f, cloexec)
	return uintptr(fd), errno
}

// shortString copies in a string of less than max bytes: EINVAL if it is longer (strndup_user).
func shortString(t *kernel.Task, addr usermem.Addr, max int) (string, linux.Errno) {
	s, errno := t.Space().CopyInString(addr, max)
	if errno == linux.ENAMETOOLONG {
		errno = linux.EINVAL
	}
	return s, errno
}

// fsconfig is fsconfig(2).
func fsconfig(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	fd, cmd, key, value, aux := a.Int(0), a.Uint(1), a.Addr(2), a.Addr(3), a.Int(4)
	if fd < 0 {
		return 0, linux.EINVAL
	}
	ok := false
	switch cmd {
	case linux.FSCONFIG_SET_FLAG:
		ok = key != 0 && value == 0 && aux == 0
	case linux.FSCONFIG_SET_STRING:
		ok = key != 0 && value != 0 && aux == 0
	case linux.FSCONFIG_SET_BINARY:
		ok = key != 0 && value != 0 && aux > 0 && aux <= 1<<20
	case linux.FSCONFIG_SET_PATH, linux.FSCONFIG_SET_PATH_EMPTY:
		ok = key != 0 && value != 0 && (aux == linux.AT_FDCWD || aux >= 0)
	case linux.FSCONFIG_SET_FD:
		ok = key != 0 && value == 0 && aux >= 0
	case linux.FSCONFIG_CMD_CREATE, linux.FSCONFIG_CMD_CREATE_EXCL, linux.FSCONFIG_CMD_RECONFIGURE:
		ok = key == 0 && value == 0 && aux == 0
	default:
		return 0, linux.EOPNOTSUPP
	}
	if !ok {
		return 0, linux.EINVAL
	}
	f, c, errno := fsContext(t, fd)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	switch cmd {
	case linux.FSCONFIG_CMD_CREATE, linux.FSCONFIG_CMD_CREATE_EXCL:
		return 0, c.Create()
	case linux.FSCONFIG_CMD_RECONFIGURE:
		return 0, c.Reconfigure(t)
	}
	return 0, setOption(t, c, cmd, key, value)
}

// setOption takes an option; those that are not flags or strings no file system here has.
func setOption(t *kernel.Task, c *vfs.FSContext, cmd uint32, key, value usermem.Addr) linux.Errno {
	k, errno := shortString(t, key, 256)
	if errno != 0 {
		return errno
	}
	switch cmd {
	case linux.FSCONFIG_SET_FLAG:
		return c.Set(k, "", true)
	case linux.FSCONFIG_SET_STRING:
		v, errno := shortString(t, value, 256)
		if errno != 0 {
			return errno
		}
		return c.Set(k, v, false)
	}
	return linux.EINVAL
}

// fsContext is the file system being configured that fd stands for; the file is to be put.
func fsContext(t *kernel.Task, fd int32) (*vfs.File, *vfs.FSContext, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, nil, errno
	}
	c, ok := f.Ops.(*vfs.FSContext)
	if !ok {
		f.Put()
		return nil, nil, linux.EINVAL
	}
	return f, c, 0
}

// mountFlags turns MOUNT_ATTR_ bits into flags of mount(2), but for those about times.
func mountFlags(attr uint64) (flags uint64) {
	for _, b := range [...]struct{ attr, flag uint64 }{
		{linux.MOUNT_ATTR_RDONLY, linux.MS_RDONLY}, {linux.MOUNT_ATTR_NOSUID, linux.MS_NOSUID}, {linux.MOUNT_ATTR_NODEV, linux.MS_NODEV},
		{linux.MOUNT_ATTR_NOEXEC, linux.MS_NOEXEC}, {linux.MOUNT_ATTR_NODIRATIME, linux.MS_NODIRATIME}, {linux.MOUNT_ATTR_NOSYMFOLLOW, linux.MS_NOSYMFOLLOW},
	} {
		if attr&b.attr != 0 {
			flags |= b.flag
		}
	}
	return flags
}

// atimeFlags turns MOUNT_ATTR__ATIME into flags of mount(2); false if it is none of its values.
func atimeFlags(attr uint64) (uint64, bool) {
	switch attr & linux.MOUNT_ATTR__ATIME {
	case linux.MOUNT_ATTR_RELATIME:
		return linux.MS_RELATIME, true
	case linux.MOUNT_ATTR_NOATIME:
		return linux.MS_NOATIME, true
	case linux.MOUNT_ATTR_STRICTATIME:
		return 0, true
	}
	return 0, false
}

// mountAttrs are those that fsmount(2) knows.
const mountAttrs = linux.MOUNT_ATTR_RDONLY | linux.MOUNT_ATTR_NOSUID | linux.MOUNT_ATTR_NODEV | linux.MOUNT_ATTR_NOEXEC | linux.MOUNT_ATTR__ATIME |
	linux.MOUNT_ATTR_NODIRATIME | linux.MOUNT_ATTR_NOSYMFOLLOW

// fsmount is fsmount(2).
func fsmount(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	attr := uint64(a.Uint(2))
	if !mayMount(t) {
		return 0, linux.EPERM
	}
	times, ok := atimeFlags(attr)
	if a.Uint(1)&^linux.FSMOUNT_CLOEXEC != 0 || attr&^mountAttrs != 0 || !ok {
		return 0, linux.EINVAL
	}
	f, c, errno := fsContext(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	flags := mountFlags(attr) | times
	m, errno := c.Mount(flags, revealing(t, flags))
	if errno != 0 {
		return 0, errno
	}
	return install(t, vfs.TreeFile(t, m), a.Uint(1)&linux.FSMOUNT_CLOEXEC != 0)
}

// fspick is fspick(2).
func fspick(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(2)
	if !mayMount(t) {
		return 0, linux.EPERM
	}
	if flags&^(linux.FSPICK_CLOEXEC|linux.FSPICK_SYMLINK_NOFOLLOW|linux.FSPICK_NO_AUTOMOUNT|linux.FSPICK_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	p, errno := walkMount(t, a.Int(0), a.Addr(1), flags&linux.FSPICK_SYMLINK_NOFOLLOW == 0, flags&linux.FSPICK_EMPTY_PATH != 0)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	var how vfs.Maker
	if fs, errno := t.Kernel().FS(p.Mount.Super.Type); errno == 0 {
		how = maker(t, fs)
	}
	f, errno := vfs.PickFS(t, p, how)
	if errno != 0 {
		return 0, errno
	}
	return install(t, f, flags&linux.FSPICK_CLOEXEC != 0)
}

// walkMount finds a path for the calls on mounts.
func walkMount(t *kernel.Task, dirfd int32, addr usermem.Addr, follow, empty bool) (vfs.Path, linux.Errno) {
	var flags uint32
	if empty {
		flags = linux.AT_EMPTY_PATH
	}
	return walk(t, dirfd, addr, flags, follow)
}

// openTree is open_tree(2).
func openTree(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(2)
	clone, rec := flags&linux.OPEN_TREE_CLONE != 0, flags&linux.AT_RECURSIVE != 0
	if flags&^(linux.AT_EMPTY_PATH|linux.AT_NO_AUTOMOUNT|linux.AT_RECURSIVE|linux.OPEN_TREE_CLONE|linux.OPEN_TREE_CLOEXEC|linux.AT_SYMLINK_NOFOLLOW) != 0 || rec && !clone {
		return 0, linux.EINVAL
	}
	if clone && !mayMount(t) {
		return 0, linux.EPERM
	}
	p, errno := walkMount(t, a.Int(0), a.Addr(1), flags&linux.AT_SYMLINK_NOFOLLOW == 0, flags&linux.AT_EMPTY_PATH != 0)
	if errno != 0 {
		return 0, errno
	}
	var f *vfs.File
	if clone {
		m, e := t.Namespaces().Mount.Clone(p, rec)
		p.Put()
		if e != 0 {
			return 0, e
		}
		f = vfs.TreeFile(t, m)
	} else if f, errno = vfs.OpenPath(t, p, linux.O_PATH); errno != 0 {
		return 0, errno
	}
	return install(t, f, flags&linux.OPEN_TREE_CLOEXEC != 0)
}

// moveMount is move_mount(2).
func moveMount(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(4)
	switch {
	case !mayMount(t):
		return 0, linux.EPERM
	case flags&^linux.MOVE_MOUNT__MASK != 0, flags&linux.MOVE_MOUNT_SET_GROUP != 0:
		return 0, linux.EINVAL
	}
	from, errno := walkMount(t, a.Int(0), a.Addr(1), flags&linux.MOVE_MOUNT_F_SYMLINKS != 0, flags&linux.MOVE_MOUNT_F_EMPTY_PATH != 0)
	if errno != 0 {
		return 0, errno
	}
	defer from.Put()
	to, errno := walkMount(t, a.Int(2), a.Addr(3), flags&linux.MOVE_MOUNT_T_SYMLINKS != 0, flags&linux.MOVE_MOUNT_T_EMPTY_PATH != 0)
	if errno != 0 {
		return 0, errno
	}
	defer to.Put()
	return 0, moveMountTo(t, from, to, flags&linux.MOVE_MOUNT_BENEATH != 0)
}

// mountAttrSize is MOUNT_ATTR_SIZE_VER0.
const mountAttrSize = 32

// mountSetattr is mount_setattr(2).
func mountSetattr(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags, size := a.Uint(2), a.Size(4)
	switch {
	case flags&^(linux.AT_EMPTY_PATH|linux.AT_RECURSIVE|linux.AT_SYMLINK_NOFOLLOW|linux.AT_NO_AUTOMOUNT) != 0:
		return 0, linux.EINVAL
	case size > usermem.PageSize:
		return 0, linux.E2BIG
	case size < mountAttrSize:
		return 0, linux.EINVAL
	case !mayMount(t):
		return 0, linux.EPERM
	}
	if errno := restZero(t, a.Addr(3), mountAttrSize, size); errno != 0 {
		return 0, errno
	}
	at, errno := usermem.CopyIn[linux.MountAttr](t.Space(), a.Addr(3))
	if errno != 0 || at.Set == 0 && at.Clear == 0 && at.Propagation == 0 {
		return 0, errno
	}
	change, errno := attrChange(&at)
	if errno != 0 {
		return 0, errno
	}
	p, errno := walkMount(t, a.Int(0), a.Addr(1), flags&linux.AT_SYMLINK_NOFOLLOW == 0, flags&linux.AT_EMPTY_PATH != 0)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	return 0, t.Namespaces().Mount.SetAttrs(p, change, flags&linux.AT_RECURSIVE != 0)
}

// attrChange checks what mount_setattr(2) is to do (build_mount_kattr).
func attrChange(at *linux.MountAttr) (vfs.Attrs, linux.Errno) {
	const propagation = linux.MS_UNBINDABLE | linux.MS_PRIVATE | linux.MS_SLAVE | linux.MS_SHARED
	bad := at.Propagation&^propagation != 0 || bits.OnesCount64(at.Propagation) > 1
	if bad || (at.Set|at.Clear)&^mountAttrs != 0 {
		return vfs.Attrs{}, linux.EINVAL
	}
	c := vfs.Attrs{Set: mountFlags(at.Set), Clear: mountFlags(at.Clear), Propagation: at.Propagation}
	if at.Clear&linux.MOUNT_ATTR__ATIME == 0 {
		if at.Set&linux.MOUNT_ATTR__ATIME != 0 {
			return vfs.Attrs{}, linux.EINVAL
		}
		return c, 0
	}
	times, ok := atimeFlags(at.Set)
	if at.Clear&linux.MOUNT_ATTR__ATIME != linux.MOUNT_ATTR__ATIME || !ok {
		return vfs.Attrs{}, linux.EINVAL
	}
	c.Clear |= linux.MS_RELATIME | linux.MS_NOATIME
	c.Set |= times
	return c, 0
}
