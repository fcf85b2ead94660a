package vfs

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
)

const capsName = "security.capability"

// validCaps tells whether b is a struct vfs_cap_data of revision 2, or of 3 with the root of a user
// namespace (cap_convert_nscap).
func validCaps(b []byte) bool {
	const revision2, revision3 = 2, 3
	return len(b) == 20 && b[3] == revision2 || len(b) == 24 && b[3] == revision3
}

// xattrMay checks the rules of xattr(7) for the namespace of name (fs/xattr.c,
// xattr_permission).
func xattrMay(ctx Ctx, i *Inode, name string, write bool) linux.Errno {
	a := i.Attr()
	c := ctx.Cred()
	switch {
	case strings.HasPrefix(name, "security."):
		if write && name == capsName && !capOver(c, &a, linux.CAP_SETFCAP) {
			return linux.EPERM
		}
		if write && name != capsName && !c.Has(linux.CAP_SYS_ADMIN) {
			return linux.EPERM
		}
		return 0
	case strings.HasPrefix(name, "system."):
		return linux.EOPNOTSUPP // access control lists are handled before
	case strings.HasPrefix(name, "trusted."):
		if !c.Has(linux.CAP_SYS_ADMIN) || c.NS.Parent != nil {
			if write {
				return linux.EPERM
			}
			return linux.ENODATA
		}
		return 0
	case strings.HasPrefix(name, "user."):
		if t := a.Mode & linux.S_IFMT; t != linux.S_IFREG && t != linux.S_IFDIR {
			if write {
				return linux.EPERM
			}
			return linux.ENODATA
		}
		if a.Mode&linux.S_IFMT == linux.S_IFDIR && a.Mode&linux.S_ISVTX != 0 && write && !owner(c, a.UID) {
			return linux.EPERM
		}
		want := uint32(MayRead)
		if write {
			want = MayWrite
		}
		return i.Permission(ctx, want)
	}
	return linux.EOPNOTSUPP
}

func xattrName(name string) linux.Errno {
	if name == "" || len(name) > linux.XATTR_NAME_MAX {
		return linux.ERANGE
	}
	return 0
}

// xattrBare refuses the name of a namespace alone (xattr_resolve_name).
func xattrBare(name string) linux.Errno {
	switch name {
	case "security.", "trusted.", "user.":
		return linux.EINVAL
	}
	return 0
}

// Getxattr is getxattr(2).
func (i *Inode) Getxattr(ctx Ctx, name string) ([]byte, linux.Errno) {
	if errno := xattrName(name); errno != 0 {
		return nil, errno
	}
	if IsACL(name) {
		return i.getACL(ctx, name)
	}
	if errno := xattrMay(ctx, i, name, false); errno != 0 {
		return nil, errno
	}
	if errno := xattrBare(name); errno != 0 {
		return nil, errno
	}
	x, ok := i.Ops.(Xattrs)
	if !ok {
		return nil, linux.EOPNOTSUPP
	}
	return x.Getxattr(ctx, name)
}

// Setxattr is setxattr(2) on p.
func Setxattr(ctx Ctx, p Path, name string, value []byte, flags uint32) linux.Errno {
	i, errno := xattrTarget(p, name)
	if errno != 0 {
		return errno
	}
	if IsACL(name) {
		return setACL(ctx, p, name, value)
	}
	if errno := xattrMay(ctx, i, name, true); errno != 0 {
		return errno
	}
	if errno := xattrBare(name); errno != 0 {
		return errno
	}
	x, ok := i.Ops.(Xattrs)
	if !ok {
		return linux.EOPNOTSUPP
	}
	if name == capsName {
		if !validCaps(value) {
			return linux.EINVAL
		}
		i.noCaps.Store(false)
		defer i.noCaps.Store(false)
	}
	if errno := x.Setxattr(ctx, name, value, flags); errno != 0 {
		return errno
	}
	p.notify(InAttrib)
	return 0
}

// Removexattr is removexattr(2) on p.
func Removexattr(ctx Ctx, p Path, name string) linux.Errno {
	i, errno := xattrTarget(p, name)
	if errno != 0 {
		return errno
	}
	if IsACL(name) {
		return setACL(ctx, p, name, nil)
	}
	if errno := xattrMay(ctx, i, name, true); errno != 0 {
		return errno
	}
	if errno := xattrBare(name); errno != 0 {
		return errno
	}
	x, ok := i.Ops.(Xattrs)
	if !ok {
		return linux.EOPNOTSUPP
	}
	if errno := x.Removexattr(ctx, name); errno != 0 {
		return errno
	}
	p.notify(InAttrib)
	return 0
}

func xattrTarget(p Path, name string) (*Inode, linux.Errno) {
	if errno := xattrName(name); errno != 0 {
		return nil, errno
	}
	if p.Mount.ReadOnly() {
		return nil, linux.EROFS
	}
	return p.Inode(), 0
}

// Listxattr is listxattr(2): the names the caller may see.
func (i *Inode) Listxattr(ctx Ctx) ([]string, linux.Errno) {
	x, ok := i.Ops.(Xattrs)
	if !ok {
		return nil, 0
	}
	all, errno := x.Listxattr(ctx)
	if errno != 0 {
		return nil, errno
	}
	names := all[:0]
	for _, n := range all {
		if !strings.HasPrefix(n, "trusted.") || ctx.Cred().Has(linux.CAP_SYS_ADMIN) {
			names = append(names, n)
		}
	}
	return names, 0
}
