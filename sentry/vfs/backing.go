package vfs

import "github.com/seed-7423c386/runsc/abi/linux"

// What a file system over others needs of them: inodes and names reached without a walk and without
// the checks of one, which the file system above has done.

// LookupIn finds name in the directory i: ENOENT, ENOTDIR. The inode carries a reference.
func LookupIn(ctx Ctx, i *Inode, name string) (*Inode, linux.Errno) {
	d, ok := i.Ops.(DirOps)
	if !ok {
		return nil, linux.ENOTDIR
	}
	i.dir.RLock()
	defer i.dir.RUnlock()
	return d.Lookup(ctx, name)
}

// LookAheadIn is PathLooker's of the directory i, if it is one.
func LookAheadIn(ctx Ctx, i *Inode, name, after string) {
	if l, ok := i.Ops.(PathLooker); ok {
		i.dir.RLock()
		defer i.dir.RUnlock()
		l.LookAhead(ctx, name, after)
	}
}

// nameless is an open file without a name of its own: one allocation.
type nameless struct {
	f File
	d Dentry
}

// OpenInode opens i, of m's file system, with flags of open(2).
func OpenInode(ctx Ctx, m *Mount, i *Inode, flags uint32) (*File, linux.Errno) {
	i.Get()
	m.Get()
	n := new(nameless)
	n.d.sb = i.SB
	n.d.inode.Store(i)
	p, f := Path{Mount: m, Dentry: &n.d}, &n.f
	f.Path, f.Inode, f.Cred = p, i, ctx.Cred()
	f.Mode = [...]uint32{ModeRead, ModeWrite, ModeRead | ModeWrite, 0}[flags&linux.O_ACCMODE]
	f.flags.Store(flags)
	if errno := f.startWriting(); errno != 0 {
		p.Put()
		return nil, errno
	}
	ops, errno := openInode(ctx, f)
	if errno != 0 {
		f.stopWriting()
		p.Put()
		return nil, errno
	}
	f.setOps(ops)
	return f, 0
}

// ClonePrivate returns a mount, in no namespace, of what p shows (clone_private_mount).
func ClonePrivate(p Path, flags uint64) *Mount { return newMount(p.Mount.Super, p.Dentry, flags) }

// Root is what m shows, without a reference.
func (m *Mount) Root() *Dentry { return m.root }

// Below reports whether d is root or lies below it.
func (d *Dentry) Below(root *Dentry) bool { return d.below(root) }

// ChildOf finds name in the directory d: ENOENT if there is none. The result carries a reference.
func ChildOf(ctx Ctx, d *Dentry, name string) (*Dentry, linux.Errno) {
	c, errno := d.child(ctx, name)
	if errno == 0 && c.Inode() == nil {
		c.Put()
		return nil, linux.ENOENT
	}
	return c, errno
}

// change calls f with the dentry of name in the directory d, which is locked.
func (d *Dentry) change(ctx Ctx, name string, f func(c *Dentry, ops DirOps) linux.Errno) linux.Errno {
	i := d.Inode()
	i.dir.Lock()
	defer i.dir.Unlock()
	ops, ok := i.Ops.(DirOps)
	if !ok {
		return linux.ENOTDIR
	}
	if d.Deleted() {
		return linux.ENOENT
	}
	c, errno := d.childLocked(ctx, name)
	if errno != 0 {
		return errno
	}
	defer c.Put()
	return f(c, ops)
}

// CreateIn makes name in the directory d as a says, and returns its dentry with a reference.
func CreateIn(ctx Ctx, d *Dentry, name string, a CreateArgs) (made *Dentry, errno linux.Errno) {
	errno = d.change(ctx, name, func(c *Dentry, ops DirOps) linux.Errno {
		if c.Inode() != nil {
			return linux.EEXIST
		}
		i, errno := ops.Create(ctx, name, a)
		if errno != 0 {
			return errno
		}
		c.instantiate(i)
		c.Get()
		made = c
		d.Inode().Notify(createEvent(i), name, 0)
		return 0
	})
	return made, errno
}

func createEvent(i *Inode) uint32 {
	if i.IsDir() {
		return InCreate | InIsDir
	}
	return InCreate
}

// LinkIn makes name in the directory d another name of target.
func LinkIn(ctx Ctx, d *Dentry, name string, target *Inode) linux.Errno {
	return d.change(ctx, name, func(c *Dentry, ops DirOps) linux.Errno {
		if c.Inode() != nil {
			return linux.EEXIST
		}
		if errno := ops.Link(ctx, name, target); errno != 0 {
			return errno
		}
		target.linkable.Store(false)
		target.Get()
		c.instantiate(target)
		d.Inode().Notify(InCreate, name, 0)
		return 0
	})
}

// RemoveFrom takes name, a file or an empty directory, out of d.
func RemoveFrom(ctx Ctx, d *Dentry, name string) linux.Errno {
	var gone []*Mount
	defer func() { endMounts(gone) }()
	return d.change(ctx, name, func(c *Dentry, ops DirOps) linux.Errno {
		child := c.Inode()
		if child == nil {
			return linux.ENOENT
		}
		if child.IsDir() {
			child.dir.Lock()
			defer child.dir.Unlock()
		}
		if errno := ops.Unlink(ctx, name, child); errno != 0 {
			return errno
		}
		d.forget(c)
		gone = c.detachMounts()
		d.Inode().Notify(child.unlinked(), name, 0)
		return 0
	})
}

// RenameIn renames within a layer of a file system whose own rename is going on (Super.Upper).
func RenameIn(ctx Ctx, from *Dentry, name string, to *Dentry, newName string, flags uint32) linux.Errno {
	r := renaming{ctx: ctx, from: from, to: to, oldName: Last{Name: name}, newName: Last{Name: newName}, flags: flags}
	errno := r.locked()
	endMounts(r.gone)
	return errno
}

// SetattrIn changes attributes of i.
func SetattrIn(ctx Ctx, i *Inode, s SetAttr) linux.Errno {
	if s.Mask&AttrSize != 0 {
		i.content.Lock()
		defer i.content.Unlock()
	}
	return i.Ops.Setattr(ctx, s)
}
