package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
)

// Rename is renameat2(2).
func Rename(ctx Ctx, oldAt At, oldPath string, newAt At, newPath string, flags uint32) linux.Errno {
	const known = linux.RENAME_NOREPLACE | linux.RENAME_EXCHANGE | linux.RENAME_WHITEOUT
	if flags&^known != 0 || flags&linux.RENAME_EXCHANGE != 0 && flags != linux.RENAME_EXCHANGE {
		return linux.EINVAL
	}
	from, oldLast, errno := WalkParent(ctx, oldAt, oldPath, 0)
	if errno != 0 {
		return errno
	}
	defer from.Put()
	to, newLast, errno := WalkParent(ctx, newAt, newPath, 0)
	if errno != 0 {
		return errno
	}
	defer to.Put()
	switch {
	case from.Mount != to.Mount:
		return linux.EXDEV
	case oldLast.Name == "" || oldLast.Dots:
		return linux.EBUSY
	case newLast.Name == "" || newLast.Dots:
		if flags&linux.RENAME_NOREPLACE != 0 {
			return linux.EEXIST
		}
		return linux.EBUSY
	case from.Mount.ReadOnly():
		return linux.EROFS
	}
	r := renaming{ctx: ctx, from: from.Dentry, to: to.Dentry, oldName: oldLast, newName: newLast, flags: flags}
	return r.run()
}

// renaming is one rename.
type renaming struct {
	ctx              Ctx
	from, to         *Dentry
	oldName, newName Last
	flags            uint32

	old, new *Dentry  // found under the locks
	gone     []*Mount // of what was replaced
}

func (r *renaming) run() linux.Errno {
	defer func() { endMounts(r.gone) }() // without the locks
	sb := r.from.sb
	sb.renames.Lock()
	defer sb.renames.Unlock()
	if up := sb.Upper; up != nil {
		up.renames.Lock()
		defer up.renames.Unlock()
	}
	return r.locked()
}

// locked is run with the lock of renames held.
func (r *renaming) locked() linux.Errno {
	unlock := lockTwo(r.from, r.to)
	defer unlock()
	var errno linux.Errno
	if r.old, errno = r.from.childLocked(r.ctx, r.oldName.Name); errno != 0 {
		return errno
	}
	defer r.old.Put()
	if r.new, errno = r.to.childLocked(r.ctx, r.newName.Name); errno != 0 {
		return errno
	}
	defer r.new.Put()
	if errno = r.check(); errno != 0 {
		return errno
	}
	src, dst := r.old.Inode(), r.new.Inode()
	if src == dst {
		return 0 // two names of one file: nothing happens (rename(2))
	}
	if dst != nil && dst.IsDir() && r.flags&linux.RENAME_EXCHANGE == 0 {
		dst.dir.Lock() // nothing is to be made in it any more
		defer dst.dir.Unlock()
	}
	ops, ok := r.from.Inode().Ops.(DirOps)
	if !ok {
		return linux.EPERM
	}
	if errno = ops.Rename(r.ctx, r.oldName.Name, src, r.to.Inode(), r.newName.Name, dst, r.flags); errno != 0 {
		return errno
	}
	r.publish(src, dst)
	return 0
}

// lockTwo locks two directories: an ancestor before its descendant, else by number. The super
// block's lock of renames keeps them where they are.
func lockTwo(a, b *Dentry) (unlock func()) {
	x, y := a.Inode(), b.Inode()
	if x == y {
		x.dir.Lock()
		return x.dir.Unlock
	}
	if a.below(b) || !b.below(a) && x.Ino > y.Ino {
		x, y = y, x
	}
	x.dir.Lock()
	y.dir.Lock()
	return func() {
		y.dir.Unlock()
		x.dir.Unlock()
	}
}

// check goes through what vfs_rename and its caller check, in their order.
func (r *renaming) check() linux.Errno {
	src, dst := r.old.Inode(), r.new.Inode()
	exchange := r.flags&linux.RENAME_EXCHANGE != 0
	switch {
	case src == nil:
		return linux.ENOENT
	case dst != nil && r.flags&linux.RENAME_NOREPLACE != 0:
		return linux.EEXIST
	case exchange && dst == nil:
		return linux.ENOENT
	case !src.IsDir() && (r.oldName.Slash || !exchange && r.newName.Slash):
		return linux.ENOTDIR
	case exchange && !dst.IsDir() && r.newName.Slash:
		return linux.ENOTDIR
	case r.to.below(r.old):
		return linux.EINVAL
	case r.from.below(r.new):
		if exchange {
			return linux.EINVAL
		}
		return linux.ENOTEMPTY
	}
	if src == dst {
		return 0
	}
	fromDir, toDir := r.from.Inode(), r.to.Inode()
	if errno := mayDelete(r.ctx, fromDir, src, src.IsDir()); errno != 0 {
		return errno
	}
	if dst == nil {
		if r.to.Deleted() {
			return linux.ENOENT
		}
		if errno := mayCreate(r.ctx, toDir); errno != 0 {
			return errno
		}
	} else {
		isDir := src.IsDir()
		if exchange {
			isDir = dst.IsDir()
		}
		if errno := mayDelete(r.ctx, toDir, dst, isDir); errno != 0 {
			return errno
		}
	}
	if fromDir != toDir {
		// A directory's ".." is written, too.
		if src.IsDir() {
			if errno := src.Permission(r.ctx, MayWrite); errno != 0 {
				return errno
			}
		}
		if exchange && dst.IsDir() {
			if errno := dst.Permission(r.ctx, MayWrite); errno != 0 {
				return errno
			}
		}
	}
	if r.old.localMountpoint(r.ctx) || r.new.localMountpoint(r.ctx) {
		return linux.EBUSY
	}
	return 0
}

// publish makes the dentries say what the file system has done, and tells the watchers.
func (r *renaming) publish(src, dst *Inode) {
	oldName, newName := r.oldName.Name, r.newName.Name
	if r.flags&linux.RENAME_EXCHANGE != 0 {
		r.exchange()
	} else {
		r.to.forget(r.new)
		r.gone = r.new.detachMounts()
		r.move()
	}
	cookie := nextCookie()
	dirBit := uint32(0)
	if src.IsDir() {
		dirBit = InIsDir
	}
	r.from.Inode().Notify(InMovedFrom|dirBit, oldName, cookie)
	r.to.Inode().Notify(InMovedTo|dirBit, newName, cookie)
	src.Notify(InMoveSelf, "", 0)
	if dst != nil && r.flags&linux.RENAME_EXCHANGE == 0 && !dst.IsDir() {
		dst.Notify(InAttrib, "", 0)
	}
}

// lockCaches locks names and the caches of both directories. Only renames take two caches, and
// one at a time.
func (r *renaming) lockCaches() (unlock func()) {
	names := &r.from.sb.rename
	names.Lock()
	r.from.mu.Lock()
	if r.from != r.to {
		r.to.mu.Lock()
	}
	return func() {
		if r.from != r.to {
			r.to.mu.Unlock()
		}
		r.from.mu.Unlock()
		names.Unlock()
	}
}

// move gives the moved dentry its new parent and name.
func (r *renaming) move() {
	unlock := r.lockCaches()
	d := r.old
	if d.hashed {
		delete(r.from.children, d.name)
	} else { // invalidated meanwhile
		d.hashed = true
		d.Get()
		dentries.Add(1)
	}
	d.name = r.newName.Name
	if r.from != r.to {
		r.to.Get()
		d.parent.Store(r.to)
	}
	dropped := !r.to.hash(d)
	unlock()
	if r.from != r.to {
		r.from.Put()
	}
	if dropped {
		d.Put()
	}
}

// exchange swaps the parents and names of both.
func (r *renaming) exchange() {
	unlock := r.lockCaches()
	old, new := r.old, r.new
	inOld, inNew := old.hashed, new.hashed
	if inOld {
		delete(r.from.children, old.name)
	}
	if inNew {
		delete(r.to.children, new.name)
	}
	old.name, new.name = r.newName.Name, r.oldName.Name
	// Each takes over the other's reference on its parent.
	old.parent.Store(r.to)
	new.parent.Store(r.from)
	goneOld := inOld && !r.to.hash(old)
	goneNew := inNew && !r.from.hash(new)
	unlock()
	if goneOld {
		old.Put()
	}
	if goneNew {
		new.Put()
	}
}

// hash enters the moved dentry c, whose reference is the cache's; false if d is dead, then the
// reference is the caller's. d.mu is held.
func (d *Dentry) hash(c *Dentry) bool {
	if d.dead {
		c.hashed = false
		dentries.Add(-1)
		return false
	}
	if d.children == nil {
		d.children = make(map[string]*Dentry)
	}
	d.children[c.name] = c
	return true
}
