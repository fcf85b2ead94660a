package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/refs"
)

// Mount shows a super block, or a part of it, somewhere (struct mount).
type Mount struct {
	Super *Super
	ID    int

	refs     refs.Count
	unique   uint64        // as ID, but never given twice (STATX_MNT_ID_UNIQUE)
	root     *Dentry       // what it shows, with a reference
	flags    atomic.Uint64 // MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME …
	writers  atomic.Int64  // files open for writing
	expiring atomic.Bool   // MNT_EXPIRE was asked, and nobody has used it since

	// Guarded by mounts.
	ns       *MountNS // nil once unmounted
	parent   *Mount   // nil: the root of a namespace, or detached
	point    *Dentry  // of parent, with a reference and counted in its mounts
	children []*Mount // in the order of mounting
	detached bool     // the root of a tree of open_tree(2) or fsmount(2), which its file ends
	locked   bool     // came from a more privileged namespace: not to be unmounted alone
	fixed    uint64   // flags that a less privileged namespace must leave as they are (MNT_LOCK_*)
	peers    *peers   // nil: private
	master   *peers   // nil: no slave
	nobind   bool     // unbindable
	before   uint64   // flags before a change of several mounts
}

// mounts guards the shape of every mount tree (namespace_sem).
var mounts lock.RWMutex[lock.Mounts]

var lastMountID atomic.Int64

// MountNS is a mount namespace.
type MountNS struct {
	Owner *auth.UserNS
	seq   uint64 // a younger one has a larger number
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
	n := lastMountID.Add(1)
	m := &Mount{Super: sb, root: root, ID: int(n) + 20, unique: uint64(n) + 1<<31}
	m.flags.Store(flags & flagMask)
	return m
}

// NewMountNS makes a namespace whose root is m, taking over the reference.
func NewMountNS(owner *auth.UserNS, m *Mount) *MountNS {
	ns := newNS(owner, m)
	m.ns, ns.count = ns, 1
	return ns
}

func newNS(owner *auth.UserNS, m *Mount) *MountNS {
	return &MountNS{Owner: owner, root: m, seq: lastNSSeq.Add(1)}
}

// lastNSSeq orders the namespaces by age.
var lastNSSeq atomic.Uint64

// Root returns the root of the namespace with references, mounts on it followed.
func (ns *MountNS) Root() Path {
	mounts.RLock() // pivot_root(2) changes it
	m := ns.root
	m.refs.Inc()
	m.root.Get()
	mounts.RUnlock()
	return followMounts(Path{m, m.root})
}

// Get takes a reference.
func (ns *MountNS) Get() { ns.refs.Inc() }

// TryGet takes one unless the namespace is gone: for look-ups through a task that may end.
func (ns *MountNS) TryGet() bool { return ns.refs.TryInc() }

// Put drops one; with the last every mount goes.
func (ns *MountNS) Put() {
	if !ns.refs.Dec() {
		return
	}
	mounts.Lock()
	gone := ns.root.takeApart()
	mounts.Unlock()
	for _, m := range gone {
		m.Put()
	}
}

// Get takes a reference.
func (m *Mount) Get() { m.refs.Inc() }

// Put drops one; the last ends the mount.
func (m *Mount) Put() {
	if m.expiring.Load() {
		m.expiring.Store(false)
	}
	m.put()
}

// put is Put without saying that the mount was of use to somebody.
func (m *Mount) put() {
	if !m.refs.Dec() {
		return
	}
	// Locked mounts stayed on a mount that was taken out lazily: they go with it.
	mounts.Lock()
	kept := append([]*Mount(nil), m.children...)
	for _, c := range kept {
		c.unlinkLocked()
	}
	mounts.Unlock()
	for _, c := range kept {
		c.put()
	}
	m.root.Put()
	m.Super.put()
}

// getWrite counts a file open for writing: EROFS.
func (m *Mount) getWrite() linux.Errno {
	m.writers.Add(1)
	m.Super.writers.Add(1)
	if m.ReadOnly() {
		m.putWrite()
		return linux.EROFS
	}
	return 0
}

func (m *Mount) putWrite() {
	m.writers.Add(-1)
	m.Super.writers.Add(-1)
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
	defer tellChange(true)
	m.parent = parent
	m.onto(point)
	parent.children = append(parent.children, m)
	if parent.ns == nil && m.ns == nil {
		return
	}
	for _, c := range m.collect(nil) {
		if c.ns != nil {
			c.ns.count--
		}
		if c.ns = parent.ns; c.ns != nil {
			c.ns.count++
		}
	}
}

// detachLocked takes the tree m off its place, within its namespace still.
func (m *Mount) detachLocked() {
	defer tellChange(true)
	m.parent.children = without(m.parent.children, m)
	m.parent = nil
	m.off().Put()
}

// unlinkLocked takes m alone out of its parent and namespace; the caller puts m after
// unlocking.
func (m *Mount) unlinkLocked() {
	if m.parent != nil {
		m.detachLocked()
	}
	m.leaveLocked()
}

// leaveLocked takes m out of its namespace and peer groups.
func (m *Mount) leaveLocked() {
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

// copyTree copies m, showing from root on, and with rec all below it that lies inside root. With
// pair, which then tells the copies, the copy is that of a namespace: unbindable mounts are
// copied, too, and files of mount namespaces are not. Otherwise locked mounts of the copy stay
// together, and unbindable ones are left out.
func (m *Mount) copyTree(root *Dentry, rec bool, pair map[*Mount]*Mount) *Mount {
	n := newMount(m.Super, root, m.flags.Load())
	n.copyPropagation(m)
	n.fixed, n.nobind = m.fixed, m.nobind && pair != nil
	if pair != nil {
		pair[m] = n
	}
	if !rec {
		return n
	}
	for _, c := range m.children {
		if c.nobind && pair == nil || !c.point.below(root) || pair != nil && namespaceOf(c.root) != nil {
			continue
		}
		cc := c.copyTree(c.root, true, pair)
		cc.locked = c.locked
		cc.attachLocked(n, c.point)
	}
	return n
}

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
