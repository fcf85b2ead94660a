package vfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/refs"
)

// Mount shows a super block, or a part of it, somewhere (struct mount).
type Mount struct {
	Super *Super
	ID    int

	refs  refs.Count
	root  *Dentry       // what it shows, with a reference
	flags atomic.Uint64 // MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME …

	// Guarded by mounts.
	ns       *MountNS // nil once unmounted
	parent   *Mount   // nil: the root of a namespace, or detached
	point    *Dentry  // of parent, with a reference and counted in its mounts
	children []*Mount // in the order of mounting
	locked   bool     // came from a more privileged namespace: not to be unmounted alone
	peers    *peers   // nil: private
	master   *peers   // nil: no slave
	nobind   bool     // unbindable
	expiring bool     // MNT_EXPIRE was asked once
}

// mounts guards the shape of every mount tree (namespace_sem).
var mounts sync.RWMutex

var lastMountID atomic.Int64

// MountNS is a mount namespace.
type MountNS struct {
	Owner *auth.UserNS
	ino   uint64
	root  *Mount
	refs  refs.Count
	count int // mounts, guarded by mounts
}

// maxMounts is /proc/sys/fs/mount-max.
const maxMounts = 100_000

// flagMask are the flags that belong to a mount rather than the super block.
const flagMask = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_NOATIME |
	linux.MS_NODIRATIME | linux.MS_RELATIME | linux.MS_NOSYMFOLLOW

// NewMount returns a mount of the whole of sb that is nowhere yet. The first one makes a file system
// read-only itself if it is.
func NewMount(sb *Super, flags uint64) *Mount {
	if sb.users.Load() == 0 && flags&linux.MS_RDONLY != 0 {
		sb.ReadOnly.Store(true)
	}
	return newMount(sb, sb.root, flags)
}

func newMount(sb *Super, root *Dentry, flags uint64) *Mount {
	root.Get()
	sb.get()
	m := &Mount{Super: sb, root: root, ID: int(lastMountID.Add(1)) + 20}
	m.flags.Store(flags & flagMask)
	return m
}

// NewMountNS makes a namespace whose root is m, taking over the reference.
func NewMountNS(owner *auth.UserNS, m *Mount) *MountNS {
	ns := &MountNS{Owner: owner, root: m, count: 1}
	m.ns = ns
	return ns
}

// Root returns the root of the namespace with references, mounts on it followed.
func (ns *MountNS) Root() Path {
	ns.root.refs.Inc()
	ns.root.root.Get()
	return followMounts(Path{ns.root, ns.root.root})
}

// Get takes a reference.
func (ns *MountNS) Get() { ns.refs.Inc() }

// Put drops one; with the last every mount goes.
func (ns *MountNS) Put() {
	if !ns.refs.Dec() {
		return
	}
	mounts.Lock()
	gone := ns.root.collect(nil)
	for _, m := range gone {
		m.unlinkLocked()
	}
	mounts.Unlock()
	for _, m := range gone {
		m.Put()
	}
}

// Get takes a reference.
func (m *Mount) Get() { m.refs.Inc() }

// Put drops one; the last ends the mount.
func (m *Mount) Put() {
	if m.refs.Dec() {
		m.root.Put()
		m.Super.put()
	}
}

// Flags are the mount's flags, with MS_RDONLY also if the super block is read-only.
func (m *Mount) Flags() uint64 {
	f := m.flags.Load()
	if m.Super.ReadOnly.Load() {
		f |= linux.MS_RDONLY
	}
	return f
}

// ReadOnly reports whether nothing may be changed through m.
func (m *Mount) ReadOnly() bool { return m.Flags()&linux.MS_RDONLY != 0 }

// NoExec and NoDev report whether programs can be run from it, device nodes opened.
func (m *Mount) NoExec() bool { return m.Flags()&linux.MS_NOEXEC != 0 || m.Super.NoExec }

// NoDev reports whether device nodes of m cannot be opened.
func (m *Mount) NoDev() bool { return m.Flags()&linux.MS_NODEV != 0 || m.Super.NoDev }

// NoSuid reports whether setuid bits and file capabilities count for nothing.
func (m *Mount) NoSuid() bool { return m.Flags()&linux.MS_NOSUID != 0 }

// on returns the topmost mount right on d of m. The caller holds mounts.
func (m *Mount) on(d *Dentry) *Mount {
	for i := len(m.children) - 1; i >= 0; i-- {
		if m.children[i].point == d {
			return m.children[i]
		}
	}
	return nil
}

// followMounts goes down into what is mounted on p, exchanging references.
func followMounts(p Path) Path {
	for p.Dentry.mounts.Load() > 0 {
		mounts.RLock()
		c := p.Mount.on(p.Dentry)
		if c == nil {
			mounts.RUnlock()
			return p
		}
		c.refs.Inc()
		c.root.Get()
		mounts.RUnlock()
		p.Put()
		p = Path{c, c.root}
	}
	return p
}

// up returns the place p's mount is mounted on, with references; false at the top.
func (p Path) up() (Path, bool) {
	mounts.RLock()
	defer mounts.RUnlock()
	m := p.Mount
	if m.parent == nil {
		return Path{}, false
	}
	q := Path{m.parent, m.point}
	q.Get()
	return q, true
}

// Get takes references on both halves.
func (p Path) Get() {
	p.Mount.refs.Inc()
	p.Dentry.Get()
}

// Put gives them back.
func (p Path) Put() {
	if p.Mount != nil {
		p.Dentry.Put()
		p.Mount.Put()
	}
}

// IsZero reports whether p is no path at all.
func (p Path) IsZero() bool { return p.Mount == nil }

// Inode is the inode at p.
func (p Path) Inode() *Inode { return p.Dentry.Inode() }

// attachLocked puts the tree of m at point of parent. m's reference becomes the tree's.
func (m *Mount) attachLocked(parent *Mount, point *Dentry) {
	point.Get()
	point.mounts.Add(1)
	m.parent, m.point = parent, point
	parent.children = append(parent.children, m)
	for _, c := range m.collect(nil) {
		c.ns = parent.ns
		if c.ns != nil {
			c.ns.count++
		}
	}
}

// unlinkLocked takes m alone out of its parent and namespace; the caller puts m after
// unlocking.
func (m *Mount) unlinkLocked() {
	if p := m.parent; p != nil {
		for i, c := range p.children {
			if c == m {
				p.children = append(p.children[:i:i], p.children[i+1:]...)
				break
			}
		}
		m.point.mounts.Add(-1)
		m.point.Put()
		m.parent, m.point = nil, nil
	}
	if m.ns != nil {
		m.ns.count--
		m.ns = nil
	}
	m.leavePeers()
}

// collect appends m and every mount below it, parents first.
func (m *Mount) collect(list []*Mount) []*Mount {
	list = append(list, m)
	for _, c := range m.children {
		list = c.collect(list)
	}
	return list
}

// below reports whether d is root or lies below it.
func (d *Dentry) below(root *Dentry) bool {
	for ; d != nil; d = d.parent.Load() {
		if d == root {
			return true
		}
	}
	return false
}

// copyTree copies m, showing from root on, and with rec all below it that lies inside root
// and may be bound. Locked mounts of the copy stay together.
func (m *Mount) copyTree(root *Dentry, rec bool) *Mount {
	n := newMount(m.Super, root, m.flags.Load())
	n.copyPropagation(m)
	if !rec {
		return n
	}
	for _, c := range m.children {
		if c.nobind || !c.point.below(root) {
			continue
		}
		cc := c.copyTree(c.root, true)
		cc.locked = c.locked
		cc.attachLocked(n, c.point)
	}
	return n
}

// inNS reports whether m is a mount of ns. The caller holds mounts.
func (m *Mount) inNS(ns *MountNS) bool { return m.ns == ns && ns != nil }

// lastNS numbers mount namespaces.
var lastNS atomic.Uint64

// Ino is the namespace's number, given at the first use (/proc/PID/ns/mnt).
func (ns *MountNS) Ino() uint64 {
	mounts.Lock()
	defer mounts.Unlock()
	if ns.ino == 0 {
		ns.ino = 0xf1000000 + lastNS.Add(1)
	}
	return ns.ino
}
