package vfs

import "github.com/seed-7423c386/runsc/abi/linux"

// Unmount is umount2(2) of the mount whose root is p, taking over p's references. root is the root
// directory's mount of the caller.
func (ns *MountNS) Unmount(p Path, root *Mount, flags uint32) linux.Errno {
	m := p.Mount
	mounts.Lock()
	errno := ns.mayUnmount(p, root, flags)
	var gone []*Mount
	if errno == 0 {
		gone = m.unmountPropagated(flags&linux.MNT_DETACH != 0)
	}
	mounts.Unlock()
	for _, g := range gone {
		g.root.Inode().unmounted()
		g.put()
	}
	p.Dentry.Put()
	m.put() // not Put: this is no use of the mount
	return errno
}

func (i *Inode) unmounted() { i.Notify(InUnmount, "", 0) }

// mayUnmount checks umount2(2)'s rules (can_umount, do_umount). p holds one reference of the caller's.
func (ns *MountNS) mayUnmount(p Path, root *Mount, flags uint32) linux.Errno {
	m := p.Mount
	switch {
	case p.Dentry != m.root, !ns.has(m), m.locked:
		return linux.EINVAL
	case flags&linux.MNT_EXPIRE != 0:
		if m == root || flags&(linux.MNT_FORCE|linux.MNT_DETACH) != 0 {
			return linux.EINVAL
		}
		if m.refs.Refs() != 2 {
			return linux.EBUSY
		}
		if !m.expiring.Swap(true) {
			return linux.EAGAIN
		}
	}
	switch {
	case m.parent == nil: // the root of the namespace
		return linux.EINVAL
	case flags&linux.MNT_DETACH == 0 && m.busy():
		return linux.EBUSY
	}
	return 0
}

// busy reports whether anything uses m beside the tree and the caller of unmount: mounts on it,
// open files, working directories; or its copies where propagation put them (propagate_mount_busy).
func (m *Mount) busy() bool {
	if len(m.children) > 0 || m.refs.Refs() > 2 {
		return true
	}
	for _, c := range m.copies() {
		others := c.refs.Refs() - 1
		if c.topper() == nil && len(c.children) > 0 {
			continue
		}
		if others > 0 {
			return true
		}
	}
	return false
}

// topper is the mount that covers m whole, if it is the only one on m: it was there before
// propagation put m beneath it.
func (m *Mount) topper() *Mount {
	if len(m.children) == 1 && m.children[0].point == m.root {
		return m.children[0]
	}
	return nil
}

// copies are the mounts that propagation put where m is.
func (m *Mount) copies() (list []*Mount) {
	for _, r := range m.parent.receivers() {
		if c := r.on(m.point); c != nil && c.root == m.root && !c.locked {
			list = append(list, c)
		}
	}
	return list
}

// unmountPropagated takes m out, lazily with all below it, and what propagation put in the
// same place elsewhere. It returns the mounts to be put. Locked mounts below a mount that goes
// lazily stay on it, so that what they hide stays hidden.
func (m *Mount) unmountPropagated(lazy bool) (gone []*Mount) {
	list := []*Mount{m}
	for _, c := range m.copies() {
		if lazy || len(c.children) == 0 || c.topper() != nil {
			list = append(list, c)
		}
	}
	for n, x := range list {
		if x.parent == nil {
			continue // went with another of the list
		}
		if top := x.topper(); n > 0 && top != nil {
			top.detachLocked()
			top.attachLocked(x.parent, x.point)
		}
		all := x.collect(nil)
		for i := len(all) - 1; i > 0; i-- {
			if c := all[i]; c.locked {
				c.leaveLocked()
				continue
			}
			all[i].unlinkLocked()
			gone = append(gone, all[i])
		}
		x.unlinkLocked()
		gone = append(gone, x)
	}
	return gone
}
