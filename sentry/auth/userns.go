package auth

import "sync"

// IDMap is one line of /proc/PID/uid_map: Count ids from Inside on are the ids from Outside
// on of the parent namespace.
type IDMap struct{ Inside, Outside, Count uint32 }

// UserNS is a user namespace.
type UserNS struct {
	Parent *UserNS // nil for the first
	Level  int
	Owner  UID // effective id of the creator
	Group  GID

	mu      sync.RWMutex
	uids    []IDMap // empty until written; the first namespace maps everything to itself
	gids    []IDMap
	setDeny bool // setgroups is denied for good
}

// NewRootNS returns the sandbox's first user namespace.
func NewRootNS() *UserNS {
	all := []IDMap{{0, 0, NoID}}
	return &UserNS{uids: all, gids: all}
}

func mapID(m []IDMap, id uint32, out bool) uint32 {
	for _, e := range m {
		from, to := e.Outside, e.Inside
		if out {
			from, to = to, from
		}
		if id >= from && id-from < e.Count {
			return to + (id - from)
		}
	}
	return NoID
}

// ToKernelUID maps an id the application gave; false if it has no mapping.
func (ns *UserNS) ToKernelUID(id uint32) (UID, bool) {
	for ; ns != nil; ns = ns.Parent {
		ns.mu.RLock()
		id = mapID(ns.uids, id, true)
		ns.mu.RUnlock()
		if id == NoID {
			return UID(NoID), false
		}
	}
	return UID(id), true
}

// ToKernelGID is ToKernelUID for groups.
func (ns *UserNS) ToKernelGID(id uint32) (GID, bool) {
	for ; ns != nil; ns = ns.Parent {
		ns.mu.RLock()
		id = mapID(ns.gids, id, true)
		ns.mu.RUnlock()
		if id == NoID {
			return GID(NoID), false
		}
	}
	return GID(id), true
}

// FromKernelUID maps an id to show to the application, OverflowID if it has none.
func (ns *UserNS) FromKernelUID(u UID) uint32 {
	if id := ns.fromKernel(uint32(u), func(n *UserNS) []IDMap { return n.uids }); id != NoID {
		return id
	}
	return OverflowID
}

// FromKernelGID is FromKernelUID for groups.
func (ns *UserNS) FromKernelGID(g GID) uint32 {
	if id := ns.fromKernel(uint32(g), func(n *UserNS) []IDMap { return n.gids }); id != NoID {
		return id
	}
	return OverflowID
}

// HasUID reports whether u is mapped in ns (capable_wrt_inode_uidgid).
func (ns *UserNS) HasUID(u UID) bool {
	return ns.fromKernel(uint32(u), func(n *UserNS) []IDMap { return n.uids }) != NoID
}

// HasGID is HasUID for groups.
func (ns *UserNS) HasGID(g GID) bool {
	return ns.fromKernel(uint32(g), func(n *UserNS) []IDMap { return n.gids }) != NoID
}

func (ns *UserNS) fromKernel(id uint32, maps func(*UserNS) []IDMap) uint32 {
	if ns.Parent != nil {
		if id = ns.Parent.fromKernel(id, maps); id == NoID {
			return NoID
		}
	}
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return mapID(maps(ns), id, false)
}
