package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// Stat returns the current attributes of i, asking the file system if it wants to be asked.
func (i *Inode) Stat(ctx Ctx) (Attr, linux.Errno) {
	if i.asks.getattr {
		if errno := i.Ops.(Getattrer).Getattr(ctx); errno != 0 {
			return Attr{}, errno
		}
	}
	a := i.Attr()
	if i.asks.blocks {
		a.Blocks = i.Ops.(BlockCounter).CountBlocks()
	}
	return a, 0
}

// setattr applies s to the inode at p; permissions have been checked.
func setattr(ctx Ctx, p Path, s SetAttr) linux.Errno {
	if errno := p.Inode().Ops.Setattr(ctx, s); errno != 0 {
		return errno
	}
	tellChange(s.Mask&(AttrMode|AttrUID|AttrGID) != 0)
	event := uint32(0)
	if s.Mask&(AttrMode|AttrUID|AttrGID) != 0 {
		event |= InAttrib
	}
	if s.Mask&AttrSize != 0 {
		event |= InModify
	}
	switch s.Mask & (AttrAtime | AttrMtime) { // fsnotify_change
	case AttrAtime:
		event |= InAccess
	case AttrMtime:
		event |= InModify
	case AttrAtime | AttrMtime:
		event |= InAttrib
	}
	p.notify(event)
	return 0
}

// Chmod is fchmodat2(2) on p.
func Chmod(ctx Ctx, p Path, mode uint32) linux.Errno {
	if p.Mount.ReadOnly() {
		return linux.EROFS
	}
	i := p.Inode()
	if i.Type() == linux.S_IFLNK {
		return linux.EOPNOTSUPP
	}
	a, errno := i.Stat(ctx)
	if errno != 0 {
		return errno
	}
	c := ctx.Cred()
	if !owner(c, a.UID) {
		return linux.EPERM
	}
	mode &= 0o7777
	if mode&linux.S_ISGID != 0 && !c.InGroup(a.GID) && !capOver(c, &a, linux.CAP_FSETID) {
		mode &^= linux.S_ISGID
	}
	if errno := setattr(ctx, p, SetAttr{Mask: AttrMode, Mode: mode}); errno != 0 {
		return errno
	}
	return i.chmodACL(ctx, mode)
}

// Chown is fchownat(2) on p; auth.NoID leaves an id as it is.
func Chown(ctx Ctx, p Path, uid auth.UID, gid auth.GID) linux.Errno {
	if p.Mount.ReadOnly() {
		return linux.EROFS
	}
	i := p.Inode()
	a, errno := i.Stat(ctx)
	if errno != 0 {
		return errno
	}
	c := ctx.Cred()
	s := SetAttr{}
	may := capOver(c, &a, linux.CAP_CHOWN)
	if uid != auth.UID(auth.NoID) {
		if !may && (c.Fsuid != a.UID || uid != a.UID) {
			return linux.EPERM
		}
		s.Mask, s.UID = s.Mask|AttrUID, uid
	}
	if gid != auth.GID(auth.NoID) {
		if !may && (c.Fsuid != a.UID || gid != a.GID && !c.InGroup(gid)) {
			return linux.EPERM
		}
		s.Mask, s.GID = s.Mask|AttrGID, gid
	}
	if !i.IsDir() {
		// Set-id bits do not survive a change of owner, whoever makes it (chown(2)).
		mode := a.Mode & 0o7777
		clear := mode &^ linux.S_ISUID
		if mode&linux.S_IXGRP != 0 {
			clear &^= linux.S_ISGID
		} else if mode&linux.S_ISGID != 0 && !c.InGroup(a.GID) && !capOver(c, &a, linux.CAP_FSETID) {
			clear &^= linux.S_ISGID
		}
		if clear != mode {
			s.Mask, s.Mode = s.Mask|AttrMode, clear
		}
		if x, ok := i.Ops.(Xattrs); ok && s.Mask != 0 {
			x.Removexattr(ctx, capsName) // ENODATA is as good
		}
	}
	return setattr(ctx, p, s)
}

// Times for Utimes.
const (
	TimeNow  = int64(-1) << 62
	TimeOmit = TimeNow + 1
)

// Utimes is utimensat(2) on p: nanoseconds, TimeNow or TimeOmit. null says that the call had
// no times at all, which write permission suffices for.
func Utimes(ctx Ctx, p Path, atime, mtime int64, null bool) linux.Errno {
	if atime == TimeOmit && mtime == TimeOmit {
		return 0
	}
	if p.Mount.ReadOnly() {
		return linux.EROFS
	}
	i := p.Inode()
	a, errno := i.Stat(ctx)
	if errno != 0 {
		return errno
	}
	if !owner(ctx.Cred(), a.UID) {
		if !null && (atime != TimeNow || mtime != TimeNow) {
			return linux.EPERM
		}
		if errno := i.Permission(ctx, MayWrite); errno != 0 {
			return errno
		}
	}
	s := SetAttr{}
	now := ctx.Now()
	for _, t := range []struct {
		v    int64
		bit  uint32
		into *int64
	}{{atime, AttrAtime, &s.Atime}, {mtime, AttrMtime, &s.Mtime}} {
		switch t.v {
		case TimeOmit:
			continue
		case TimeNow:
			*t.into = now
		default:
			*t.into = t.v
		}
		s.Mask |= t.bit
	}
	return setattr(ctx, p, s)
}

// Truncate is truncate(2) on p.
func Truncate(ctx Ctx, p Path, size int64) linux.Errno {
	i := p.Inode()
	switch {
	case i.IsDir():
		return linux.EISDIR
	case i.Type() != linux.S_IFREG:
		return linux.EINVAL
	case p.Mount.ReadOnly():
		return linux.EROFS
	}
	if errno := i.Permission(ctx, MayWrite); errno != 0 {
		return errno
	}
	if errno := i.breakLeases(ctx, true, false); errno != 0 {
		return errno
	}
	if !i.getWrite() {
		return linux.ETXTBSY
	}
	defer i.putWrite()
	return truncateChecked(ctx, p, size)
}

// Truncate is ftruncate(2).
func (f *File) Truncate(ctx Ctx, size int64) linux.Errno {
	if f.Mode&ModeWrite == 0 || f.Inode.Type() != linux.S_IFREG {
		return linux.EINVAL
	}
	if sealed, ok := f.Inode.Ops.(Sealer); ok {
		if errno := sealed.MayResize(f.Inode.Attr().Size, size); errno != 0 {
			return errno
		}
	}
	return truncateChecked(ctx, f.Path, size)
}

// Sealer is a file with seals (memfd_create(2)).
type Sealer interface {
	MayResize(from, to int64) linux.Errno
}

const rlimitFsize = 1

// truncateChecked also obeys the file size limit; the caller sends SIGXFSZ for EFBIG.
func truncateChecked(ctx Ctx, p Path, size int64) linux.Errno {
	if size < 0 {
		return linux.EINVAL
	}
	if uint64(size) > ctx.Limit(rlimitFsize) && size > p.Inode().Attr().Size {
		return linux.EFBIG
	}
	return truncate(ctx, p, size)
}

func truncate(ctx Ctx, p Path, size int64) linux.Errno {
	i := p.Inode()
	if c, ok := i.Ops.(CopyUpper); ok {
		if errno := c.CopyUp(ctx, size); errno != 0 {
			return errno
		}
	}
	i.content.Lock()
	defer i.content.Unlock()
	s := SetAttr{Mask: AttrSize, Size: size}
	if mode, clear := i.Mode()&0o7777, i.withoutSetid(ctx); clear != mode {
		s.Mask, s.Mode = s.Mask|AttrMode, clear
	}
	i.dropCaps(ctx)
	return setattr(ctx, p, s)
}

// dropCaps takes the file's capabilities away before a write (security_inode_killpriv).
func (i *Inode) dropCaps(ctx Ctx) {
	if i.noCaps.Load() {
		return
	}
	if x, ok := i.Ops.(Xattrs); ok {
		if _, errno := x.Getxattr(ctx, capsName); errno == 0 {
			x.Removexattr(ctx, capsName)
		}
	}
	i.noCaps.Store(true)
}

// withoutSetid are the permission bits after a write by the caller (file_remove_privs,
// setattr_should_drop_suidgid): a setgid bit without group execution stays for members of the group.
func (i *Inode) withoutSetid(ctx Ctx) uint32 {
	mode := i.Mode() & 0o7777
	if mode&(linux.S_ISUID|linux.S_ISGID) == 0 || ctx.Cred().Has(linux.CAP_FSETID) {
		return mode
	}
	mode &^= linux.S_ISUID
	if _, gid := i.Owner(); mode&linux.S_IXGRP != 0 || !ctx.Cred().InGroup(gid) {
		mode &^= linux.S_ISGID
	}
	return mode
}

// Access is faccessat2(2) on p: want is a mask of MayRead and so on, 0 for existence.
func Access(ctx Ctx, p Path, want uint32) linux.Errno {
	i := p.Inode()
	if want&MayExec != 0 && i.Type() == linux.S_IFREG && p.Mount.NoExec() {
		return linux.EACCES
	}
	if want != 0 {
		if _, errno := i.Stat(ctx); errno != 0 {
			return errno
		}
		if errno := i.Permission(ctx, want); errno != 0 {
			return errno
		}
	}
	if want&MayWrite != 0 && p.Mount.ReadOnly() {
		switch i.Type() {
		case linux.S_IFREG, linux.S_IFDIR, linux.S_IFLNK:
			return linux.EROFS
		}
	}
	return 0
}
