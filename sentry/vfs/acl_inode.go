package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// aclCache is what is known of an inode's lists, on file systems that leave them to vfs.
type aclCache struct{ access, def atomic.Pointer[acl] }

// noACL in a cache says that there is no list; nil, that this is not known.
var noACL = new(acl)

func (c *aclCache) of(name string) *atomic.Pointer[acl] {
	if name == aclAccess {
		return &c.access
	}
	return &c.def
}

// listOf returns a list of i, nil if it has none.
func (i *Inode) listOf(ctx Ctx, name string) (acl, linux.Errno) {
	known := i.acls.of(name)
	if i.SB.ACL == StoresACL {
		if l := known.Load(); l != nil {
			return *l, 0
		}
	}
	x, ok := i.Ops.(Xattrs)
	if !ok || i.Type() == linux.S_IFLNK || name == aclDefault && !i.IsDir() {
		return nil, 0
	}
	b, errno := x.Getxattr(ctx, name)
	switch errno {
	case 0:
	case linux.ENODATA, linux.EOPNOTSUPP:
		b = nil
	default:
		return nil, errno
	}
	l, errno := parseACL(b)
	if errno != 0 || len(l) > 0 && !l.valid() {
		return nil, linux.EIO
	}
	if i.SB.ACL == StoresACL {
		entry := &l
		if l == nil {
			entry = noACL
		}
		known.CompareAndSwap(nil, entry) // not over what was set meanwhile
	}
	return l, 0
}

// store sets a list, or removes it if it is empty.
func (i *Inode) store(ctx Ctx, name string, l acl) linux.Errno {
	x, ok := i.Ops.(Xattrs)
	if !ok {
		return linux.EOPNOTSUPP
	}
	var errno linux.Errno
	entry := &l
	if len(l) > 0 {
		errno = x.Setxattr(ctx, name, l.bytes(), 0)
	} else {
		entry = noACL
		if errno = x.Removexattr(ctx, name); errno == linux.ENODATA {
			errno = 0
		}
	}
	if errno != 0 {
		entry = nil
	}
	i.acls.of(name).Store(entry)
	return errno
}

// permitted decides access by the list, if there is one, else by mode bits; capabilities not counted
// (acl_permission_check).
func (i *Inode) permitted(ctx Ctx, a *Attr, want uint32) (bool, linux.Errno) {
	c := ctx.Cred()
	if i.SB.ACL == NoACL || a.Mode&0o070 == 0 || c.Fsuid == a.UID {
		return c.Permits(a.Mode, a.UID, a.GID, want), 0
	}
	l, errno := i.listOf(ctx, aclAccess)
	switch {
	case errno != 0:
		return false, errno
	case l == nil:
		return c.Permits(a.Mode, a.UID, a.GID, want), 0
	}
	return l.permits(c, a.UID, a.GID, want), 0
}

// aclTarget checks that i can have the list (set_posix_acl): done says that there is nothing to do.
func (i *Inode) aclTarget(ctx Ctx, name string, l acl) (done bool, _ linux.Errno) {
	switch {
	case i.SB.ACL == NoACL, i.Type() == linux.S_IFLNK:
		return false, linux.EOPNOTSUPP
	case name == aclDefault && !i.IsDir() && l != nil:
		return false, linux.EACCES
	case name == aclDefault && !i.IsDir():
		return true, 0
	}
	a, errno := i.Stat(ctx)
	if errno == 0 && !owner(ctx.Cred(), a.UID) {
		errno = linux.EPERM
	}
	return false, errno
}

// setACL is setxattr(2) and, without a list, removexattr(2) of a list.
func setACL(ctx Ctx, p Path, name string, value []byte) linux.Errno {
	i, c := p.Inode(), ctx.Cred()
	l, errno := parseACL(value)
	if errno != 0 {
		return errno
	}
	l, mapped := l.fromUser(c.NS)
	if !mapped {
		return linux.EINVAL
	}
	if done, errno := i.aclTarget(ctx, name, l); done || errno != 0 {
		return errno
	}
	if len(l) > 0 && !l.valid() {
		return linux.EINVAL
	}
	if name == aclAccess && len(l) > 0 {
		a := i.Attr()
		mode, more := l.mode(a.Mode)
		if !c.InGroup(a.GID) && !capOver(c, &a, linux.CAP_FSETID) {
			mode &^= linux.S_ISGID
		}
		if mode != a.Mode {
			if errno := i.Ops.Setattr(ctx, SetAttr{Mask: AttrMode, Mode: mode & 0o7777}); errno != 0 {
				return errno
			}
		}
		if !more {
			l = nil // the mode says it all
		}
	}
	if errno := i.store(ctx, name, l); errno != 0 {
		return errno
	}
	if i.SB.ACL == RemoteACL {
		if _, errno := i.Stat(ctx); errno != 0 {
			return errno
		}
	}
	p.notify(InAttrib)
	return 0
}

// getACL is getxattr(2) of a list.
func (i *Inode) getACL(ctx Ctx, name string) ([]byte, linux.Errno) {
	if i.SB.ACL == NoACL || i.Type() == linux.S_IFLNK {
		return nil, linux.EOPNOTSUPP
	}
	l, errno := i.listOf(ctx, name)
	if errno != 0 {
		return nil, errno
	}
	if l == nil {
		return nil, linux.ENODATA
	}
	return l.toUser(ctx.Cred().NS).bytes(), 0
}

// chmodACL makes the list follow a change of the mode.
func (i *Inode) chmodACL(ctx Ctx, mode uint32) linux.Errno {
	if i.SB.ACL != StoresACL {
		return 0
	}
	l, errno := i.listOf(ctx, aclAccess)
	if errno != 0 || l == nil {
		return errno
	}
	return i.store(ctx, aclAccess, l.withMode(mode))
}

// umask is the caller's; 0 for the kernel.
func umask(ctx Ctx) uint32 {
	if p, ok := ctx.(interface{ FS() *FS }); ok {
		if f := p.FS(); f != nil {
			return f.Umask()
		}
	}
	return 0
}

// inherited are the lists of a new object.
type inherited struct{ access, def acl }

// inherit applies the umask to the mode of a new object, or in its place the directory's default list
// (posix_acl_create).
func inherit(ctx Ctx, dir *Inode, a *CreateArgs) (lists inherited, _ linux.Errno) {
	if a.Mode&linux.S_IFMT == linux.S_IFLNK {
		return lists, 0
	}
	mask := umask(ctx)
	switch dir.SB.ACL {
	case RemoteACL:
		a.Umask = mask
		return lists, 0
	case StoresACL:
		l, errno := dir.listOf(ctx, aclDefault)
		if errno != 0 {
			return lists, errno
		}
		if l == nil {
			break
		}
		var more bool
		if lists.access, a.Mode, more = l.created(a.Mode); !more {
			lists.access = nil
		}
		if a.Mode&linux.S_IFMT == linux.S_IFDIR {
			lists.def = l
		}
		return lists, 0
	}
	a.Mode &^= mask
	return lists, 0
}

// give stores the lists of the new object i.
func (i *Inode) give(ctx Ctx, lists inherited) linux.Errno {
	if i.SB.ACL != StoresACL {
		return 0
	}
	for _, x := range []struct {
		name string
		l    acl
	}{{aclAccess, lists.access}, {aclDefault, lists.def}} {
		if x.l == nil {
			i.acls.of(x.name).CompareAndSwap(nil, noACL)
		} else if errno := i.store(ctx, x.name, x.l); errno != 0 {
			return errno
		}
	}
	return 0
}
