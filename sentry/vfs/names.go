package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// create is the common part of mkdir, mknod, symlink and open with O_CREAT: it makes name in
// the directory p, which must not exist. The umask
// is taken from mode here. It returns the new dentry with
// a reference.
func create(ctx Ctx, p Path, name string, mode uint32, fill func(*CreateArgs)) (*Dentry, linux.Errno) {
	dir := p.Inode()
	dir.dir.Lock()
	defer dir.dir.Unlock()
	d, errno := p.Dentry.childLocked(ctx, name)
	if errno != 0 {
		return nil, errno
	}
	if d.Inode() != nil {
		d.Put()
		return nil, linux.EEXIST
	}
	if errno = createLocked(ctx, p, d, mode, fill); errno != 0 {
		d.Put()
		return nil, errno
	}
	return d, 0
}

// createLocked makes the negative dentry d of directory p positive. The directory is locked.
func createLocked(ctx Ctx, p Path, d *Dentry, mode uint32, fill func(*CreateArgs)) linux.Errno {
	dir := p.Inode()
	if p.Mount.ReadOnly() {
		return linux.EROFS
	}
	if p.Dentry.Deleted() {
		return linux.ENOENT
	}
	if errno := mayCreate(ctx, dir); errno != 0 {
		return errno
	}
	ops, ok := dir.Ops.(DirOps)
	if !ok {
		return linux.EPERM
	}
	a := newOwner(ctx, dir, mode)
	lists, errno := inherit(ctx, dir, &a)
	if errno != 0 {
		return errno
	}
	if fill != nil {
		fill(&a)
	}
	if device(mode, a.Rdev) && !mayMknod(ctx.Cred()) {
		return linux.EPERM
	}
	i, errno := ops.Create(ctx, d.name, a)
	if errno != 0 {
		return errno
	}
	if errno := i.give(ctx, lists); errno != 0 {
		ops.Unlink(ctx, d.name, i)
		i.Put()
		return errno
	}
	i.noCaps.Store(true)
	d.instantiate(i)
	event := InCreate
	if i.IsDir() {
		event |= InIsDir
	}
	dir.Notify(event, d.name, 0)
	return 0
}

// device reports whether a node is a device; a whiteout of overlayfs is none (vfs_mknod).
func device(mode uint32, rdev uint64) bool {
	typ := mode & linux.S_IFMT
	return typ == linux.S_IFBLK || typ == linux.S_IFCHR && rdev != 0
}

// parentFor walks to the directory of path for a call that makes a name: EEXIST for "/", "."
// and "..", ENOENT for a slash behind a name that is not to be a directory.
func parentFor(ctx Ctx, at At, path string, dirWanted bool) (Path, string, linux.Errno) {
	p, last, errno := WalkParent(ctx, at, path, 0)
	if errno != 0 {
		return Path{}, "", errno
	}
	switch {
	case last.Name == "" || last.Dots:
		errno = linux.EEXIST
	case last.Slash && !dirWanted:
		d, e := p.Dentry.child(ctx, last.Name)
		if errno = e; errno == 0 {
			errno = linux.ENOENT
			if d.Inode() != nil {
				errno = linux.EEXIST
			}
			d.Put()
		}
	}
	if errno != 0 {
		p.Put()
		return Path{}, "", errno
	}
	return p, last.Name, 0
}

// Mkdir is mkdirat(2).
func Mkdir(ctx Ctx, at At, path string, mode uint32) linux.Errno {
	p, name, errno := parentFor(ctx, at, path, true)
	if errno != 0 {
		return errno
	}
	defer p.Put()
	d, errno := create(ctx, p, name, linux.S_IFDIR|mode&0o1777, nil)
	if errno == 0 {
		d.Put()
	}
	return errno
}

// Mknod is mknodat(2).
func Mknod(ctx Ctx, at At, path string, mode uint32, rdev uint64) linux.Errno {
	switch mode & linux.S_IFMT {
	case 0:
		mode |= linux.S_IFREG
	case linux.S_IFREG, linux.S_IFIFO, linux.S_IFSOCK:
	case linux.S_IFCHR, linux.S_IFBLK:
	case linux.S_IFDIR:
		return linux.EPERM
	default:
		return linux.EINVAL
	}
	d, errno := MknodAt(ctx, at, path, mode, rdev)
	if errno == 0 {
		d.Put()
	}
	return errno
}

// mayMknod: devices are made by those who have the capability outside of user namespaces only.
func mayMknod(c *auth.Cred) bool { return c.NS.Parent == nil && c.Has(linux.CAP_MKNOD) }

// MknodAt makes any non-directory node and returns where it is: bind(2) of AF_UNIX uses it.
func MknodAt(ctx Ctx, at At, path string, mode uint32, rdev uint64) (Path, linux.Errno) {
	p, name, errno := parentFor(ctx, at, path, false)
	if errno != 0 {
		return Path{}, errno
	}
	d, errno := create(ctx, p, name, mode, func(a *CreateArgs) { a.Rdev = rdev })
	if errno != 0 {
		p.Put()
		return Path{}, errno
	}
	p.Dentry.Put()
	p.Dentry = d
	return p, 0
}

// Symlink is symlinkat(2).
func Symlink(ctx Ctx, target string, at At, path string) linux.Errno {
	if target == "" {
		return linux.ENOENT
	}
	p, name, errno := parentFor(ctx, at, path, false)
	if errno != 0 {
		return errno
	}
	defer p.Put()
	d, errno := create(ctx, p, name, linux.S_IFLNK|0o777, func(a *CreateArgs) { a.Target = target })
	if errno == 0 {
		d.Put()
	}
	return errno
}

// Link is linkat(2): old is the existing file, found by the caller.
func Link(ctx Ctx, old Path, at At, path string) linux.Errno {
	p, name, errno := parentFor(ctx, at, path, false)
	if errno != 0 {
		return errno
	}
	defer p.Put()
	dir, target := p.Inode(), old.Inode()
	dir.dir.Lock()
	defer dir.dir.Unlock()
	d, errno := p.Dentry.childLocked(ctx, name)
	if errno != 0 {
		return errno
	}
	defer d.Put()
	switch {
	case d.Inode() != nil:
		return linux.EEXIST
	case old.Mount != p.Mount:
		return linux.EXDEV
	case p.Mount.ReadOnly():
		return linux.EROFS
	case p.Dentry.Deleted():
		return linux.ENOENT
	}
	if errno := mayCreate(ctx, dir); errno != 0 {
		return errno
	}
	ops, ok := dir.Ops.(DirOps)
	switch {
	case !ok || target.IsDir():
		return linux.EPERM
	case target.Attr().Nlink == 0 && !target.linkable.Load():
		return linux.ENOENT
	}
	if errno := ops.Link(ctx, name, target); errno != 0 {
		return errno
	}
	target.linkable.Store(false)
	target.Get()
	d.instantiate(target)
	target.Notify(InAttrib, "", 0)
	dir.Notify(InCreate, name, 0)
	return 0
}

// Unlink is unlinkat(2), with rmdir for AT_REMOVEDIR.
func Unlink(ctx Ctx, at At, path string, rmdir bool) linux.Errno {
	p, last, errno := WalkParent(ctx, at, path, 0)
	if errno != 0 {
		return errno
	}
	defer p.Put()
	if last.Name == "" || last.Dots {
		switch {
		case !rmdir:
			return linux.EISDIR
		case last.Name == ".":
			return linux.EINVAL
		case last.Name == "..":
			return linux.ENOTEMPTY
		}
		return linux.EBUSY
	}
	var gone []*Mount
	defer func() { endMounts(gone) }()
	dir := p.Inode()
	dir.dir.Lock()
	defer dir.dir.Unlock()
	event := uint32(0)
	defer func() { dir.Notify(event, last.Name, 0) }() // after what Put tells of the file itself
	d, errno := p.Dentry.childLocked(ctx, last.Name)
	if errno != 0 {
		return errno
	}
	defer d.Put()
	child := d.Inode()
	switch {
	case p.Mount.ReadOnly():
		return linux.EROFS
	case child == nil:
		return linux.ENOENT
	case last.Slash && !rmdir:
		if child.IsDir() {
			return linux.EISDIR
		}
		return linux.ENOTDIR
	}
	if errno := mayDelete(ctx, dir, child, rmdir); errno != 0 {
		return errno
	}
	if d.localMountpoint(ctx) {
		return linux.EBUSY
	}
	ops, ok := dir.Ops.(DirOps)
	if !ok {
		return linux.EPERM
	}
	if child.IsDir() {
		child.dir.Lock() // nothing is to be made in it any more
		defer child.dir.Unlock()
	}
	if errno := ops.Unlink(ctx, last.Name, child); errno != 0 {
		return errno
	}
	p.Dentry.forget(d)
	if !child.IsDir() {
		p.Dentry.absent(last.Name)
	}
	gone = d.detachMounts()
	event = child.unlinked()
	return 0
}

// unlinked tells watchers that i has a name less, and returns what those of the directory are to be told. That it is
// gone its own hear when nobody uses it any more (Dentry.Put).
func (i *Inode) unlinked() (event uint32) {
	if i.IsDir() {
		return InDelete | InIsDir
	}
	i.Notify(InAttrib, "", 0)
	return InDelete
}

// Readlink is readlinkat(2) of the link at p: EINVAL if it is none.
func Readlink(ctx Ctx, p Path) (string, linux.Errno) {
	s, ok := p.Inode().Ops.(Symlinker)
	if !ok || p.Inode().Type() != linux.S_IFLNK {
		return "", linux.EINVAL
	}
	touch(ctx, p.Mount, p.Inode())
	return s.Readlink(ctx)
}
