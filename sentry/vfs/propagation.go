package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// peers is a peer group: mounts that pass each other what is mounted and unmounted on them,
// and pass it to their slaves (mount_namespaces(7), "SHARED SUBTREES"). Guarded by mounts.
type peers struct {
	id      int
	members []*Mount
	slaves  []*Mount
}

var lastPeers atomic.Int64

// SetPropagation makes m (with rec its whole tree) shared, private, slave or unbindable.
func (p Path) SetPropagation(kind uint64, rec bool) linux.Errno {
	mounts.Lock()
	defer mounts.Unlock()
	if p.Dentry != p.Mount.root {
		return linux.EINVAL
	}
	list := []*Mount{p.Mount}
	if rec {
		list = p.Mount.collect(nil)
	}
	for _, m := range list {
		m.setPropagation(kind)
	}
	return 0
}

func (m *Mount) setPropagation(kind uint64) {
	switch kind {
	case linux.MS_SHARED:
		m.nobind = false
		if m.peers == nil {
			m.peers = &peers{id: int(lastPeers.Add(1)), members: []*Mount{m}}
		}
		return
	case linux.MS_SLAVE:
		if g := m.peers; g != nil {
			m.leaveGroup()
			if len(g.members) > 0 {
				m.leaveMaster()
				m.master = g
				g.slaves = append(g.slaves, m)
			}
		}
		m.nobind = false
		return
	}
	m.leavePeers()
	m.nobind = kind == linux.MS_UNBINDABLE
}

// leavePeers makes m private.
func (m *Mount) leavePeers() {
	m.leaveGroup()
	m.leaveMaster()
}

// leaveGroup takes m out of its peer group; the slaves of a group that ends go to the group's
// own master, if its last member had one.
func (m *Mount) leaveGroup() {
	g := m.peers
	if g == nil {
		return
	}
	m.peers = nil
	g.members = without(g.members, m)
	if len(g.members) > 0 {
		return
	}
	for _, s := range g.slaves {
		s.master = m.master
		if m.master != nil {
			m.master.slaves = append(m.master.slaves, s)
		}
	}
	g.slaves = nil
}

func (m *Mount) leaveMaster() {
	if m.master != nil {
		m.master.slaves = without(m.master.slaves, m)
		m.master = nil
	}
}

func without(list []*Mount, m *Mount) []*Mount {
	for i := range list {
		if list[i] == m {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// copyPropagation makes the copy m a peer, or slave, of what the original is.
func (m *Mount) copyPropagation(of *Mount) {
	if g := of.peers; g != nil {
		m.peers = g
		g.members = append(g.members, m)
	}
	if g := of.master; g != nil {
		m.master = g
		g.slaves = append(g.slaves, m)
	}
}

// receivers returns the mounts that see what happens on m, m itself left out.
func (m *Mount) receivers() []*Mount {
	seen := map[*Mount]bool{m: true}
	var list []*Mount
	var visit func(g *peers)
	visit = func(g *peers) {
		for _, group := range [][]*Mount{g.members, g.slaves} {
			for _, r := range group {
				if seen[r] {
					continue
				}
				seen[r] = true
				list = append(list, r)
				if r.peers != nil && r.peers != g {
					visit(r.peers)
				}
			}
		}
	}
	if m.peers != nil {
		visit(m.peers)
	}
	return list
}

// attachTree puts the tree m at point of parent and, as propagation asks, copies of it elsewhere
// (attach_recursive_mnt): ENOSPC if a namespace gets too many mounts. top, if not nil, is mounted there
// and comes to lie on m. mounts is locked.
func (m *Mount) attachTree(parent *Mount, point *Dentry, top *Mount) linux.Errno {
	size := len(m.collect(nil))
	grow := map[*MountNS]int{parent.ns: size}
	for _, r := range parent.receivers() {
		if r.ns != nil && point.below(r.root) {
			grow[r.ns] += size
		}
	}
	for ns, n := range grow {
		if ns != nil && ns.count+n > maxMounts {
			return linux.ENOSPC
		}
	}
	if parent.peers != nil {
		for _, c := range m.collect(nil) {
			if c.peers == nil {
				c.setPropagation(linux.MS_SHARED)
			}
		}
		m.spread(parent, parent.peers, point, map[*peers]bool{})
	}
	m.attachLocked(parent, point)
	if top != nil {
		top.detachLocked()
		top.attachLocked(m, m.root)
	}
	return 0
}

// spread puts copies of m on the other members of g, which from is of, and on its slaves; what is
// mounted there already comes to lie on them.
func (m *Mount) spread(from *Mount, g *peers, point *Dentry, seen map[*peers]bool) {
	seen[g] = true
	for _, r := range append([]*Mount(nil), g.members...) {
		if r != from && r.ns != nil && point.below(r.root) {
			m.copyTree(m.root, true, nil).tuck(r, point)
		}
	}
	for _, r := range append([]*Mount(nil), g.slaves...) {
		if r.peers != nil && seen[r.peers] || r.ns == nil || !point.below(r.root) {
			continue
		}
		c := m.copyTree(m.root, true, nil)
		for _, x := range c.collect(nil) {
			x.setPropagation(linux.MS_SLAVE)
			if r.peers != nil {
				x.setPropagation(linux.MS_SHARED)
			}
		}
		c.tuck(r, point)
		if r.peers != nil {
			c.spread(r, r.peers, point, seen)
		}
	}
}

// tuck attaches m at point of r, beneath what is mounted there.
func (m *Mount) tuck(r *Mount, point *Dentry) {
	above := r.on(point)
	m.attachLocked(r, point)
	if above != nil {
		above.detachLocked()
		above.attachLocked(m, m.root)
	}
}

// PropagationInfo is what /proc/PID/mountinfo shows: the ids of the peer group and of the
// master's, 0 for none.
func (m *Mount) propagationInfo() (shared, master int, unbindable bool) {
	if m.peers != nil {
		shared = m.peers.id
	}
	if m.master != nil {
		master = m.master.id
	}
	return shared, master, m.nobind
}
