package vfs

import (
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// MountAt puts m, a mount that is nowhere yet, at p: what mount(2) of a new file system does.
// m's reference becomes the tree's.
func MountAt(p Path, m *Mount) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	return m.graft(p)
}

// graft attaches the tree m at p with propagation. mounts is locked.
func (m *Mount) graft(p Path) linux.Errno {
	ns := p.Mount.ns
	switch {
	case ns == nil:
		return linux.EINVAL
	case p.Inode().IsDir() != m.root.Inode().IsDir():
		return linux.ENOTDIR
	case p.Dentry.Deleted():
		return linux.ENOENT
	case ns.count+len(m.collect(nil)) > maxMounts:
		return linux.ENOSPC
	}
	// What is mounted there already is covered: find the top.
	parent, point := p.Mount, p.Dentry
	for c := parent.on(point); c != nil; c = parent.on(point) {
		parent, point = c, c.root
	}
	m.attachTree(parent, point)
	return 0
}

// Bind is mount(2) with MS_BIND: what from shows appears at p.
func Bind(from, p Path, rec bool) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	if from.Mount.nobind {
		return linux.EINVAL
	}
	if from.Mount.ns == nil || !rec && from.Mount.lockedBelow(from.Dentry) {
		return linux.EINVAL
	}
	m := from.Mount.copyTree(from.Dentry, rec)
	if errno := m.graft(p); errno != 0 {
		m.discard()
		return errno
	}
	return 0
}

// lockedBelow reports whether a locked mount is mounted inside root of m.
func (m *Mount) lockedBelow(root *Dentry) bool {
	for _, c := range m.children {
		if c.locked && c.point.below(root) {
			return true
		}
	}
	return false
}

// discard ends a tree that was never attached. mounts is locked; nothing of it can be the
// last user of a file system, since it is a copy.
func (m *Mount) discard() {
	for _, c := range m.collect(nil) {
		c.unlinkLocked()
		c.Put()
	}
}

// CloneTree returns a detached copy of what p shows (open_tree(2) with OPEN_TREE_CLONE).
func CloneTree(p Path, rec bool) (*Mount, linux.Errno) {
	mounts.Lock()
	defer mounts.Unlock()
	if p.Mount.nobind || p.Mount.ns == nil {
		return nil, linux.EINVAL
	}
	return p.Mount.copyTree(p.Dentry, rec), 0
}

// Move is mount(2) with MS_MOVE: the mount whose root is from goes to p.
func Move(from, p Path) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	m := from.Mount
	switch {
	case from.Dentry != m.root, m.parent == nil, m.ns == nil, m.ns != p.Mount.ns, m.locked:
		return linux.EINVAL
	case m.parent.peers != nil:
		return linux.EINVAL
	case m.root.Inode().IsDir() != p.Inode().IsDir():
		return linux.ENOTDIR
	}
	for x := p.Mount; x != nil; x = x.parent {
		if x == m {
			return linux.ELOOP
		}
	}
	oldParent, oldPoint := m.parent, m.point
	oldParent.children = without(oldParent.children, m)
	ns := m.ns
	for _, c := range m.collect(nil) {
		c.ns = nil
		ns.count--
	}
	m.parent, m.point = nil, nil
	if errno := m.graft(p); errno != 0 {
		m.attachLocked(oldParent, oldPoint)
		oldPoint.mounts.Add(-1)
		oldPoint.Put()
		return errno
	}
	oldPoint.mounts.Add(-1)
	oldPoint.Put()
	return 0
}

// Remount is mount(2) with MS_REMOUNT: bind changes the mount's flags only, otherwise the
// super block's, too.
func Remount(ctx Ctx, p Path, flags uint64, data string, bind bool) linux.Errno {
	m := p.Mount
	if p.Dentry != m.root {
		return linux.EINVAL
	}
	if !bind {
		if m.Super.Reconfigure != nil {
			if errno := m.Super.Reconfigure(ctx, data); errno != 0 {
				return errno
			}
		}
		m.Super.ReadOnly.Store(flags&linux.MS_RDONLY != 0)
	}
	m.SetFlags(flags)
	return 0
}

// SetFlags replaces the mount's own flags.
func (m *Mount) SetFlags(flags uint64) { m.flags.Store(flags & flagMask) }

// Unmount is umount2(2) of the mount whose root is p.
func Unmount(p Path, flags uint32) linux.Errno {
	mounts.Lock()
	m := p.Mount
	errno := m.mayUnmount(p, flags)
	var gone []*Mount
	if errno == 0 {
		gone = m.unmountPropagated(flags&linux.MNT_DETACH != 0)
	}
	mounts.Unlock()
	for _, g := range gone {
		g.root.Inode().unmounted()
		g.Put()
	}
	return errno
}

func (i *Inode) unmounted() { i.Notify(InUnmount, "", 0) }

// mayUnmount checks umount2(2)'s rules. p holds one reference of the caller's.
func (m *Mount) mayUnmount(p Path, flags uint32) linux.Errno {
	switch {
	case p.Dentry != m.root, m.ns == nil, m.locked:
		return linux.EINVAL
	case m.parent == nil: // the root of the namespace
		return linux.EINVAL
	case flags&linux.MNT_EXPIRE != 0:
		if m.busy() {
			return linux.EBUSY
		}
		if !m.expiring {
			m.expiring = true
			return linux.EAGAIN
		}
	case flags&linux.MNT_DETACH == 0 && m.busy():
		return linux.EBUSY
	}
	return 0
}

// busy reports whether anything uses m beside the tree and the caller of unmount: mounts on it,
// open files, working directories.
func (m *Mount) busy() bool { return len(m.children) > 0 || m.refs.Refs() > 2 }

// unmountPropagated takes m out, lazily with all below it, and what propagation put in the
// same place elsewhere. It returns the mounts to be put.
func (m *Mount) unmountPropagated(lazy bool) []*Mount {
	list := []*Mount{m}
	for _, r := range m.parent.receivers() {
		if c := r.on(m.point); c != nil && c.root == m.root && (lazy || len(c.children) == 0) {
			list = append(list, c)
		}
	}
	var gone []*Mount
	for _, x := range list {
		all := []*Mount{x}
		if lazy {
			all = x.collect(nil)
		}
		for i := len(all) - 1; i >= 0; i-- {
			all[i].unlinkLocked()
			gone = append(gone, all[i])
		}
	}
	return gone
}

// PivotRoot is pivot_root(2): newRoot becomes the root mount of the namespace of ns, the old
// one moves to putOld. fss are the FS of every task; those at the old root go to the new.
func PivotRoot(ns *MountNS, root, newRoot, putOld Path, each func(func(*FS))) linux.Errno {
	mounts.Lock()
	oldMount, newMount := root.Mount, newRoot.Mount
	errno := pivotCheck(ns, root, newRoot, putOld)
	if errno != 0 {
		mounts.Unlock()
		return errno
	}
	// Take the new root off its place, put it where the old root was, then hang the old one
	// below it.
	newPoint := newMount.point
	newMount.parent.children = without(newMount.parent.children, newMount)
	newMount.parent, newMount.point = nil, nil
	parent, point := oldMount.parent, oldMount.point
	if parent != nil {
		parent.children = without(parent.children, oldMount)
		oldMount.parent, oldMount.point = nil, nil
		newMount.parent, newMount.point = parent, point
		parent.children = append(parent.children, newMount)
	} else {
		ns.root = newMount
	}
	at, where := putOld.Mount, putOld.Dentry
	where.Get()
	where.mounts.Add(1)
	oldMount.parent, oldMount.point = at, where
	at.children = append(at.children, oldMount)
	newPoint.mounts.Add(-1)
	mounts.Unlock()
	newPoint.Put()
	each(func(f *FS) { f.Replace(root, newRoot) })
	return 0
}

// pivotCheck checks pivot_root(2)'s rules.
func pivotCheck(ns *MountNS, root, newRoot, putOld Path) linux.Errno {
	oldMount, newMount := root.Mount, newRoot.Mount
	switch {
	case !newRoot.Inode().IsDir() || !putOld.Inode().IsDir():
		return linux.ENOTDIR
	case newMount.ns != ns || oldMount.ns != ns || putOld.Mount.ns != ns, newMount.locked:
		return linux.EINVAL
	case newMount == oldMount || putOld.Mount == oldMount && newRoot.Mount == oldMount:
		return linux.EBUSY
	case root.Dentry != oldMount.root, newRoot.Dentry != newMount.root, newMount.parent == nil:
		return linux.EINVAL
	case newMount.parent.peers != nil, oldMount.parent != nil && oldMount.parent.peers != nil, newMount.peers != nil:
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

// CloneNS copies ns for clone(2) with CLONE_NEWNS. moved maps the directories of fs into the
// copy. In a new user namespace the mounts become slaves and are locked.
func (ns *MountNS) CloneNS(owner *auth.UserNS, fs *FS) *MountNS {
	mounts.Lock()
	root := ns.root.copyTree(ns.root.root, true)
	n := &MountNS{Owner: owner, root: root}
	copies := root.collect(nil)
	for _, c := range copies {
		c.ns = n
		n.count++
		if owner != ns.Owner {
			if c.peers != nil {
				c.setPropagation(linux.MS_SLAVE)
			}
			c.locked = c != root
		}
	}
	pair := map[*Mount]*Mount{}
	pairUp(ns.root, root, pair)
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
	fs.mu.Unlock()
	for _, p := range drop {
		p.Put()
	}
	return n
}

// pairUp records which mount of the copy stands for which of the original. Unbindable mounts have
// no copy.
func pairUp(m, c *Mount, pair map[*Mount]*Mount) {
	pair[m] = c
	i := 0
	for _, child := range m.children {
		if child.nobind {
			continue
		}
		pairUp(child, c.children[i], pair)
		i++
	}
}

// MountInfo is a line of /proc/PID/mountinfo.
type MountInfo struct {
	ID, Parent     int
	Dev            uint64
	Root, Point    string
	Flags          uint64
	Shared, Master int
	Unbindable     bool
	Type, Source   string
	SuperOptions   string
	SuperReadOnly  bool
}

// List returns the mounts of ns that are reachable from root, in the order of mounting.
func (ns *MountNS) List(root Path) []MountInfo {
	mounts.RLock()
	all := ns.root.collect(nil)
	type line struct {
		m     *Mount
		point Path
		info  MountInfo
	}
	var lines []line
	for _, m := range all {
		l := line{m: m, info: MountInfo{ID: m.ID, Dev: m.Super.Dev, Flags: m.flags.Load(), Type: m.Super.Type, Source: m.Super.Source, SuperReadOnly: m.Super.ReadOnly.Load()}}
		l.info.Shared, l.info.Master, l.info.Unbindable = m.propagationInfo()
		l.info.Parent = m.ID
		if m.parent != nil {
			l.info.Parent = m.parent.ID
		}
		lines = append(lines, l)
	}
	mounts.RUnlock()
	var out []MountInfo
	for _, l := range lines {
		name, ok, _ := Path{l.m, l.m.root}.Name(root)
		if !ok {
			continue
		}
		l.info.Point = name
		l.info.Root = l.m.root.pathInSuper()
		if l.m.Super.Options != nil {
			l.info.SuperOptions = l.m.Super.Options()
		}
		out = append(out, l.info)
	}
	return out
}

// pathInSuper is the path from the root of the file system.
func (d *Dentry) pathInSuper() string {
	d.sb.rename.RLock()
	defer d.sb.rename.RUnlock()
	s := ""
	for p := d.parent.Load(); p != nil; p = d.parent.Load() {
		s = "/" + d.name + s
		d = p
	}
	if s == "" {
		return "/"
	}
	return s
}

// Options is the options column of /proc/mounts.
func (i *MountInfo) Options() string {
	var o []string
	add := func(bit uint64, name string) {
		if i.Flags&bit != 0 {
			o = append(o, name)
		}
	}
	if i.Flags&linux.MS_RDONLY != 0 {
		o = append(o, "ro")
	} else {
		o = append(o, "rw")
	}
	add(linux.MS_NOSUID, "nosuid")
	add(linux.MS_NODEV, "nodev")
	add(linux.MS_NOEXEC, "noexec")
	add(linux.MS_NOATIME, "noatime")
	add(linux.MS_NODIRATIME, "nodiratime")
	if i.Flags&(linux.MS_NOATIME|linux.MS_STRICTATIME) == 0 {
		o = append(o, "relatime")
	}
	add(linux.MS_NOSYMFOLLOW, "nosymfollow")
	return strings.Join(o, ",")
}

// Line is the line of /proc/PID/mountinfo.
func (i *MountInfo) Line() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(i.ID) + " " + strconv.Itoa(i.Parent) + " " + strconv.Itoa(int(Major(i.Dev))) + ":" + strconv.Itoa(int(Minor(i.Dev))))
	b.WriteString(" " + mangle(i.Root) + " " + mangle(i.Point) + " " + i.Options())
	if i.Shared != 0 {
		b.WriteString(" shared:" + strconv.Itoa(i.Shared))
	}
	if i.Master != 0 {
		b.WriteString(" master:" + strconv.Itoa(i.Master))
	}
	if i.Unbindable {
		b.WriteString(" unbindable")
	}
	super := "rw"
	if i.SuperReadOnly {
		super = "ro"
	}
	if i.SuperOptions != "" {
		super += "," + i.SuperOptions
	}
	b.WriteString(" - " + i.Type + " " + mangle(i.Source) + " " + super)
	return b.String()
}

// mangle writes blanks and backslashes as octal escapes (seq_path).
func mangle(s string) string {
	if s == "" {
		return "none"
	}
	return strings.NewReplacer("\\", "\\134", " ", "\\040", "\t", "\\011", "\n", "\\012", "#", "\\043").Replace(s)
}

// Mangle is mangle for /proc/mounts.
func Mangle(s string) string { return mangle(s) }

// Sync writes back every file system of the namespace: sync(2).
func (ns *MountNS) Sync(ctx Ctx) {
	mounts.RLock()
	supers := map[*Super]struct{}{}
	for _, m := range ns.root.collect(nil) {
		supers[m.Super] = struct{}{}
	}
	mounts.RUnlock()
	for sb := range supers {
		if sb.Sync != nil {
			sb.Sync(ctx)
		}
	}
}
