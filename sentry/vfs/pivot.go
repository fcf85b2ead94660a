package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// PivotRoot is pivot_root(2): newRoot becomes the root mount of ns, the old one moves to putOld. each
// calls its argument for the FS of every task; those at the old root go to the new.
func (ns *MountNS) PivotRoot(root, newRoot, putOld Path, each func(func(*FS))) linux.Errno {
	mounts.Lock()
	oldMount, newMount := root.Mount, newRoot.Mount
	errno := ns.pivotCheck(root, newRoot, putOld)
	if errno != 0 {
		mounts.Unlock()
		return errno
	}
	// Take the new root off its place, put it where the old root was, then hang the old one below it.
	newMount.parent.children = without(newMount.parent.children, newMount)
	newMount.parent = nil
	newPoint := newMount.off()
	parent := oldMount.parent
	if parent != nil {
		parent.children = without(parent.children, oldMount)
		newMount.parent = parent
		newMount.onto(oldMount.off())
		parent.children = append(parent.children, newMount)
	} else {
		ns.root = newMount
	}
	at, where := putOld.Mount, putOld.Dentry
	where.Get()
	oldMount.parent = at
	oldMount.onto(where)
	at.children = append(at.children, oldMount)
	newMount.locked, oldMount.locked = oldMount.locked, false
	mounts.Unlock()
	newPoint.Put()
	each(func(f *FS) { f.Replace(root, newRoot) })
	return 0
}

// pivotCheck checks pivot_root(2)'s rules in their order.
func (ns *MountNS) pivotCheck(root, newRoot, putOld Path) linux.Errno {
	oldMount, newMount := root.Mount, newRoot.Mount
	switch {
	case !newRoot.Inode().IsDir() || !putOld.Inode().IsDir():
		return linux.ENOTDIR
	case putOld.Dentry.Deleted():
		return linux.ENOENT
	case putOld.Mount.peers != nil, newMount.parent != nil && newMount.parent.peers != nil, oldMount.parent != nil && oldMount.parent.peers != nil:
		return linux.EINVAL
	case !ns.has(newMount), !ns.has(oldMount), !ns.has(putOld.Mount), newMount.locked:
		return linux.EINVAL
	case newRoot.Dentry.Deleted():
		return linux.ENOENT
	case newMount == oldMount, putOld.Mount == oldMount:
		return linux.EBUSY
	case root.Dentry != oldMount.root, newRoot.Dentry != newMount.root, newMount.parent == nil:
		return linux.EINVAL
	}
	// put_old must be at or below new_root, new_root below the root.
	if !reachable(putOld, newMount, newRoot.Dentry) || !reachable(newRoot, oldMount, root.Dentry) {
		return linux.EINVAL
	}
	return 0
}

// reachable reports whether p is at or below d of m.
func reachable(p Path, m *Mount, d *Dentry) bool {
	at, where := p.Mount, p.Dentry
	for at != m {
		if at.parent == nil {
			return false
		}
		at, where = at.parent, at.point
	}
	return where.below(d)
}

// CloneNS copies ns for clone(2) with CLONE_NEWNS. The directories of fs move into the copy. In
// a new user namespace the mounts become slaves and are locked: they hide what they hid, and keep
// the flags that restrict (lock_mnt_tree).
func (ns *MountNS) CloneNS(owner *auth.UserNS, fs *FS) *MountNS {
	mounts.Lock()
	pair := map[*Mount]*Mount{}
	root := ns.root.copyTree(ns.root.root, true, pair)
	n := newNS(owner, root)
	for _, c := range root.collect(nil) {
		c.ns = n
		n.count++
		if owner == ns.Owner {
			continue
		}
		if c.peers != nil {
			c.setPropagation(linux.MS_SLAVE)
		}
		c.locked = true
		c.fixed |= c.flags.Load()&fixable | linux.MS_NOATIME
	}
	mounts.Unlock()
	fs.mu.Lock()
	var drop []Path
	for _, p := range []*Path{&fs.root, &fs.cwd} {
		if c := pair[p.Mount]; c != nil {
			q := Path{c, p.Dentry}
			q.Get()
			drop = append(drop, *p)
			*p = q
		}
	}
	fs.changed(true)
	fs.mu.Unlock()
	for _, p := range drop {
		p.Put()
	}
	return n
}

// Shows reports whether ns has a mount that shows all of a file system of type typ: else a namespace of a
// user namespace may not mount one, which would show what is hidden here (mount_too_revealing).
// flags are those of the new mount.
func (ns *MountNS) Shows(typ string, flags uint64) bool {
	mounts.RLock()
	defer mounts.RUnlock()
next:
	for _, m := range ns.root.collect(nil) {
		if m.Super.Type != typ || m.root != m.Super.root {
			continue
		}
		if (m.fixed&linux.MS_RDONLY != 0 || m.Super.ReadOnly.Load()) && flags&linux.MS_RDONLY == 0 {
			continue
		}
		if m.fixed&linux.MS_NOATIME != 0 && (m.flags.Load()^flags)&atimeFlags != 0 {
			continue
		}
		for _, c := range m.children {
			if c.locked && !c.point.Inode().emptyForever() {
				continue next
			}
		}
		return true
	}
	return false
}

// emptyForever reports whether i is a directory that is there to be mounted on
// (is_empty_dir_inode).
func (i *Inode) emptyForever() bool {
	e, ok := i.Ops.(interface{ EmptyForever() bool })
	return ok && e.EmptyForever()
}
