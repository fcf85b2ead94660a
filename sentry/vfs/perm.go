package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// What a permission check asks for (MAY_EXEC and so on).
const (
	MayExec  = 1
	MayWrite = 2
	MayRead  = 4
)

// Permission checks the caller's access to i (fs/namei.c, inode_permission): EACCES, or EROFS if
// the file system is read-only, whatever its mounts are.
func (i *Inode) Permission(ctx Ctx, want uint32) linux.Errno {
	if want&MayWrite != 0 && i.SB.ReadOnly.Load() {
		switch i.Type() {
		case linux.S_IFREG, linux.S_IFDIR, linux.S_IFLNK:
			return linux.EROFS
		}
	}
	if i.asks.permission {
		return i.Ops.(Permissioner).CheckPermission(ctx, want)
	}
	mode := i.Mode()
	uid, gid := i.Owner()
	c := ctx.Cred()
	// Who may do anything need not have a list looked at.
	if i.SB.ACL != NoACL && mode&0o070 != 0 && c.Fsuid != uid && byCapability(c, mode, uid, gid, want) != 0 {
		if ok, errno := i.permitted(ctx, &Attr{Mode: mode, UID: uid, GID: gid}, want); ok || errno != 0 {
			return errno
		}
		return linux.EACCES
	}
	return CheckMode(c, mode, uid, gid, want)
}

// CheckMode decides access by mode bits and capabilities.
func CheckMode(c *auth.Cred, mode uint32, uid auth.UID, gid auth.GID, want uint32) linux.Errno {
	if c.Permits(mode, uid, gid, want) {
		return 0
	}
	return byCapability(c, mode, uid, gid, want)
}

// byCapability decides access of those whom mode and lists do not permit it.
func byCapability(c *auth.Cred, mode uint32, uid auth.UID, gid auth.GID, want uint32) linux.Errno {
	mapped := c.NS.Parent == nil || c.NS.HasUID(uid) && c.NS.HasGID(gid)
	if mode&linux.S_IFMT == linux.S_IFDIR {
		if mapped && want&MayWrite == 0 && c.Has(linux.CAP_DAC_READ_SEARCH) {
			return 0
		}
		if mapped && c.Has(linux.CAP_DAC_OVERRIDE) {
			return 0
		}
		return linux.EACCES
	}
	if mapped && want == MayRead && c.Has(linux.CAP_DAC_READ_SEARCH) {
		return 0
	}
	if mapped && (want&MayExec == 0 || mode&0o111 != 0) && c.Has(linux.CAP_DAC_OVERRIDE) {
		return 0
	}
	return linux.EACCES
}

// owner reports whether the caller owns a file of uid or has CAP_FOWNER over it
// (inode_owner_or_capable).
func owner(c *auth.Cred, uid auth.UID) bool {
	return c.Fsuid == uid || c.Has(linux.CAP_FOWNER) && c.NS.HasUID(uid)
}

// capOver reports whether c has the capability with respect to the inode's owners
// (capable_wrt_inode_uidgid).
func capOver(c *auth.Cred, a *Attr, capability int) bool {
	return c.Has(capability) && c.NS.HasUID(a.UID) && c.NS.HasGID(a.GID)
}

// mayDelete checks the removal of child from dir (fs/namei.c, may_delete); isDir says what
// the call wants it to be.
func mayDelete(ctx Ctx, dir, child *Inode, isDir bool) linux.Errno {
	if errno := dir.Permission(ctx, MayWrite|MayExec); errno != 0 {
		return errno
	}
	d := dir.Attr()
	if d.Mode&linux.S_ISVTX != 0 {
		c, a := ctx.Cred(), child.Attr()
		if c.Fsuid != a.UID && c.Fsuid != d.UID && !capOver(c, &a, linux.CAP_FOWNER) {
			return linux.EPERM
		}
	}
	switch {
	case isDir && !child.IsDir():
		return linux.ENOTDIR
	case !isDir && child.IsDir():
		return linux.EISDIR
	}
	return 0
}

// mayCreate checks the creation of a name in dir.
func mayCreate(ctx Ctx, dir *Inode) linux.Errno {
	c := ctx.Cred()
	if c.NS.Parent != nil && (!c.NS.HasUID(c.Fsuid) || !c.NS.HasGID(c.Fsgid)) {
		return linux.EOVERFLOW
	}
	return dir.Permission(ctx, MayWrite|MayExec)
}

// newOwner works out owner and mode of an object made in dir (inode_init_owner).
func newOwner(ctx Ctx, dir *Inode, mode uint32) CreateArgs {
	c, d := ctx.Cred(), dir.Attr()
	a := CreateArgs{Mode: mode, UID: c.Fsuid, GID: c.Fsgid}
	if d.Mode&linux.S_ISGID != 0 {
		a.GID = d.GID
		if mode&linux.S_IFMT == linux.S_IFDIR {
			a.Mode |= linux.S_ISGID
		} else if mode&(linux.S_ISGID|linux.S_IXGRP) == linux.S_ISGID|linux.S_IXGRP && !c.InGroup(d.GID) && !c.Has(linux.CAP_FSETID) {
			a.Mode &^= linux.S_ISGID
		}
	}
	return a
}
