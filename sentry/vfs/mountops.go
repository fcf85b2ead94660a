package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// Changes of a mount tree (fs/namespace.c). The methods of MountNS are what a task of that
// namespace may do: mounts of others are EINVAL, as check_mnt says. Capabilities are the caller's
// to check.

// has reports whether m is mounted in ns. The caller holds mounts.
func (ns *MountNS) has(m *Mount) bool { return m.ns == ns }

// place is where a mount on p goes: the topmost of what is mounted there already (lock_mount).
func (ns *MountNS) place(p Path) (*Mount, *Dentry, linux.Errno) {
	m, d := p.Mount, p.Dentry
	for c := m.on(d); c != nil; c = m.on(d) {
		m, d = c, c.root
	}
	switch {
	case d.Deleted(), m.ns == nil && !m.ofTree():
		return nil, nil, linux.ENOENT
	case !ns.has(m):
		return nil, nil, linux.EINVAL
	}
	return m, d, 0
}

// ofTree reports whether m is of a detached tree that a file stands for.
func (m *Mount) ofTree() bool {
	for m.parent != nil {
		m = m.parent
	}
	return m.detached
}

// Mount puts m, a mount that is nowhere yet, at p: mount(2) of a file system. m's reference becomes
// the tree's.
func (ns *MountNS) Mount(p Path, m *Mount) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	parent, point, errno := ns.place(p)
	switch {
	case errno != 0:
		return errno
	case parent.Super == m.Super && point == parent.root && m.root == parent.root:
		return linux.EBUSY // the same once more
	}
	return m.graft(parent, point)
}

// graft attaches the tree m with propagation (graft_tree). mounts is locked.
func (m *Mount) graft(parent *Mount, point *Dentry) linux.Errno {
	if point.Inode().IsDir() != m.root.Inode().IsDir() {
		return linux.ENOTDIR
	}
	return m.attachTree(parent, point, nil)
}

// Bind is mount(2) with MS_BIND: what from shows appears at p.
func (ns *MountNS) Bind(from, p Path, rec bool) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	parent, point, errno := ns.place(p)
	if errno != 0 {
		return errno
	}
	m, errno := ns.copyOf(from, rec)
	if errno != 0 {
		return errno
	}
	if errno = m.graft(parent, point); errno != 0 {
		m.discard()
	}
	return errno
}

// copyOf copies what from shows (__do_loopback).
func (ns *MountNS) copyOf(from Path, rec bool) (*Mount, linux.Errno) {
	m := from.Mount
	switch {
	case m.nobind, !ns.has(m) && !m.Super.Bindable, !rec && m.lockedBelow(from.Dentry):
		return nil, linux.EINVAL
	}
	if o := namespaceOf(from.Dentry); o != nil && o.seq >= ns.seq {
		return nil, linux.EINVAL // namespaces would keep each other (mnt_ns_loop)
	}
	return m.copyTree(from.Dentry, rec, nil), 0
}

// namespaceOf is the mount namespace that d is the file of, or nil.
func namespaceOf(d *Dentry) *MountNS {
	if f, ok := d.Inode().Ops.(interface{ Namespace() any }); ok {
		ns, _ := f.Namespace().(*MountNS)
		return ns
	}
	return nil
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
	for _, c := range m.takeApart() {
		c.end()
	}
}

// end is put for a mount without children whose end needs no lock.
func (m *Mount) end() {
	if m.refs.Dec() {
		m.root.Put()
		m.Super.put()
	}
}

// takeApart unlinks every mount of the tree m; each has the tree's reference still.
func (m *Mount) takeApart() []*Mount {
	all := m.collect(nil)
	for i := len(all) - 1; i >= 0; i-- {
		all[i].unlinkLocked()
	}
	return all
}

// Clone returns a detached copy of what p shows (open_tree(2) with OPEN_TREE_CLONE). The caller
// gives it to TreeFile.
func (ns *MountNS) Clone(p Path, rec bool) (*Mount, linux.Errno) {
	mounts.Lock()
	defer mounts.Unlock()
	m, errno := ns.copyOf(p, rec)
	return m, errno
}

// TreeFile returns an open file of a detached tree, whose reference it takes over: a file opened with
// O_PATH that ends the tree if it has not been attached (FMODE_NEED_UNMOUNT).
func TreeFile(ctx Ctx, m *Mount) *File {
	mounts.Lock()
	m.detached = true
	mounts.Unlock()
	m.Get()
	m.root.Get()
	f := &File{Path: Path{m, m.root}, Inode: m.root.Inode(), Cred: ctx.Cred(), Mode: ModePath}
	f.setOps(treeOps{})
	f.flags.Store(linux.O_PATH)
	return f
}

// treeOps are those of TreeFile.
type treeOps struct{}

// Release ends the tree (dissolve_on_fput).
func (treeOps) Release(f *File) {
	m := f.Path.Mount
	mounts.Lock()
	var gone []*Mount
	if m.detached {
		m.detached = false
		gone = m.takeApart()
	}
	mounts.Unlock()
	for _, g := range gone {
		g.Put()
	}
}

// Move is mount(2) with MS_MOVE and move_mount(2): the mount whose root is from, of ns or detached,
// goes to p, or beneath the mount whose root p is.
func (ns *MountNS) Move(from, p Path, beneath bool, root *Mount) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	parent, point, errno := ns.place(p)
	if errno != 0 {
		return errno
	}
	m := from.Mount
	attached := m.parent != nil
	switch {
	case attached && !ns.has(m), !attached && !m.detached, m.locked, from.Dentry != m.root,
		m.root.Inode().IsDir() != point.Inode().IsDir(),
		attached && m.parent.peers != nil:
		return linux.EINVAL
	}
	var top *Mount
	if beneath {
		top = parent
		if top.parent == nil || point != top.root || top.locked || top == root || m.on(m.root) != nil || m.under(top) {
			return linux.EINVAL
		}
		parent, point = top.parent, top.point
	}
	if parent.peers != nil && m.hasUnbindable() {
		return linux.EINVAL
	}
	if parent.under(m) {
		return linux.ELOOP
	}
	return m.moveTo(parent, point, top)
}

// moveTo moves the tree m; top, if not nil, comes to lie on it.
func (m *Mount) moveTo(parent *Mount, point *Dentry, top *Mount) linux.Errno {
	oldParent, oldPoint := m.parent, m.point
	if oldParent != nil {
		oldPoint.Get()
		m.detachLocked()
	}
	errno := m.attachTree(parent, point, top)
	if oldParent == nil {
		m.detached = m.detached && errno != 0
		return errno
	}
	if errno != 0 {
		m.attachLocked(oldParent, oldPoint)
	}
	oldPoint.Put()
	return errno
}

// under reports whether m is a or mounted somewhere below it.
func (m *Mount) under(a *Mount) bool {
	for ; m != nil; m = m.parent {
		if m == a {
			return true
		}
	}
	return false
}

func (m *Mount) hasUnbindable() bool {
	for _, c := range m.collect(nil) {
		if c.nobind {
			return true
		}
	}
	return false
}

// atimeFlags are those that are changed together or not at all.
const atimeFlags = linux.MS_NOATIME | linux.MS_NODIRATIME | linux.MS_RELATIME

// fixable are the flags that stay on in a less privileged namespace.
const fixable = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC

// mayChange reports whether m's flags may become flags (can_change_locked_flags).
func (m *Mount) mayChange(flags uint64) bool {
	if on := m.fixed & fixable; on&flags != on {
		return false
	}
	return m.fixed&linux.MS_NOATIME == 0 || flags&atimeFlags == m.flags.Load()&atimeFlags
}

// setFlags replaces m's own flags: EBUSY if it is to become read-only while files are open for writing.
func (m *Mount) setFlags(flags uint64) linux.Errno {
	old := m.flags.Load()
	m.flags.Store(flags & flagMask)
	if flags&^old&linux.MS_RDONLY != 0 && m.writers.Load() > 0 {
		m.flags.Store(old)
		return linux.EBUSY
	}
	return 0
}

// Remount is mount(2) with MS_REMOUNT and MS_BIND: it replaces the flags of the mount whose root is p.
// keepAtime leaves those about times as they are.
func (ns *MountNS) Remount(p Path, flags uint64, keepAtime bool) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	m := p.Mount
	if keepAtime {
		flags = flags&^atimeFlags | m.flags.Load()&atimeFlags
	}
	switch {
	case p.Dentry != m.root, !ns.has(m):
		return linux.EINVAL
	case !m.mayChange(flags):
		return linux.EPERM
	}
	return m.setFlags(flags)
}

// RemountSuper is mount(2) with MS_REMOUNT: the file system's flags and options change, and the
// mount's flags.
func (ns *MountNS) RemountSuper(ctx Ctx, p Path, flags uint64, keepAtime bool, data string) linux.Errno {
	m := p.Mount
	mounts.Lock()
	if keepAtime {
		flags = flags&^atimeFlags | m.flags.Load()&atimeFlags
	}
	ok, may := p.Dentry == m.root && ns.has(m), m.mayChange(flags)
	mounts.Unlock()
	switch {
	case !ok:
		return linux.EINVAL
	case !may:
		return linux.EPERM
	}
	ro := flags&linux.MS_RDONLY != 0
	if errno := m.Super.Change(ctx, data, &ro); errno != 0 {
		return errno
	}
	m.flags.Store(flags & flagMask)
	return 0
}

// owner is the user namespace that the file system belongs to.
func (sb *Super) owner(ctx Ctx) *auth.UserNS {
	if sb.Owner != nil {
		return sb.Owner
	}
	ns := ctx.Cred().NS
	for ns.Parent != nil {
		ns = ns.Parent
	}
	return ns
}

// Change reconfigures the file system (reconfigure_super); ro, if not nil, makes it read-only or
// writable: EBUSY while files are open for writing.
func (sb *Super) Change(ctx Ctx, data string, ro *bool) linux.Errno {
	if !ctx.Cred().HasIn(sb.owner(ctx), linux.CAP_SYS_ADMIN) {
		return linux.EPERM
	}
	if ro != nil && !*ro && sb.ForceReadOnly {
		return linux.EROFS
	}
	was := sb.ReadOnly.Load()
	if ro != nil && *ro && !was {
		sb.ReadOnly.Store(true)
		if sb.writers.Load() > 0 {
			sb.ReadOnly.Store(false)
			return linux.EBUSY
		}
	}
	if sb.Reconfigure != nil {
		if errno := sb.Reconfigure(ctx, data); errno != 0 {
			sb.ReadOnly.Store(was)
			return errno
		}
	}
	if ro != nil {
		sb.ReadOnly.Store(*ro)
	}
	return 0
}

// Attrs is what mount_setattr(2) changes.
type Attrs struct {
	Set, Clear  uint64 // MS_ flags of a mount
	Propagation uint64 // MS_SHARED and so on, or 0
}

// SetAttrs is mount_setattr(2) on the mount whose root is p, of ns or detached, with rec on all its
// tree: on all of them or none.
func (ns *MountNS) SetAttrs(p Path, a Attrs, rec bool) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	m := p.Mount
	if p.Dentry != m.root || !(ns.has(m) || m.parent == nil && m.detached) {
		return linux.EINVAL
	}
	list := []*Mount{m}
	if rec {
		list = m.collect(nil)
	}
	for i, x := range list {
		old := x.flags.Load()
		flags := old&^a.Clear | a.Set
		errno := linux.EPERM
		if x.mayChange(flags) {
			errno = x.setFlags(flags)
		}
		if errno != 0 {
			for _, y := range list[:i] {
				y.flags.Store(y.before)
			}
			return errno
		}
		x.before = old
	}
	if a.Propagation != 0 {
		for _, x := range list {
			x.setPropagation(a.Propagation)
		}
	}
	return 0
}

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
