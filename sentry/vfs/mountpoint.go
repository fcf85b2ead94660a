package vfs

// Which mounts are on a dentry, in all namespaces (struct mountpoint).

// mountedOn are the mounts on each dentry that has any; mounts guards it.
var mountedOn = map[*Dentry][]*Mount{}

// onto says that m is on d, whose reference becomes m's. mounts is locked.
func (m *Mount) onto(d *Dentry) {
	m.point = d
	d.mounts.Add(1)
	mountedOn[d] = append(mountedOn[d], m)
}

// off is the opposite: the reference becomes the caller's. mounts is locked.
func (m *Mount) off() *Dentry {
	d := m.point
	m.point = nil
	d.mounts.Add(-1)
	if rest := without(mountedOn[d], m); len(rest) > 0 {
		mountedOn[d] = rest
	} else {
		delete(mountedOn, d)
	}
	return d
}

// localMountpoint reports whether something is mounted on d in the caller's namespace: such a name
// stays (is_local_mountpoint). For a caller without any namespace, one is enough.
func (d *Dentry) localMountpoint(ctx Ctx) bool {
	if d.mounts.Load() == 0 {
		return false
	}
	in, ok := ctx.(interface{ MountNS() *MountNS })
	if !ok {
		return true
	}
	ns := in.MountNS()
	mounts.RLock()
	defer mounts.RUnlock()
	for _, m := range mountedOn[d] {
		if m.ns == ns && ns != nil {
			return true
		}
	}
	return false
}

// detachMounts takes out what is mounted on d, whose name is gone (detach_mounts). The mounts are the
// caller's to give to endMounts, when it holds no locks.
func (d *Dentry) detachMounts() (gone []*Mount) {
	if d.mounts.Load() == 0 {
		return nil
	}
	mounts.Lock()
	defer mounts.Unlock()
	for len(mountedOn[d]) > 0 {
		m := mountedOn[d][0]
		for _, c := range m.collect(nil)[1:] {
			c.leaveLocked() // it stays where it is, for those who use m (UMOUNT_CONNECTED), and ends with it
		}
		m.unlinkLocked()
		gone = append(gone, m)
	}
	return gone
}

func endMounts(gone []*Mount) {
	for _, m := range gone {
		m.root.Inode().unmounted()
		m.put()
	}
}
