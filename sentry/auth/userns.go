package auth

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// IDMap is one line of /proc/PID/uid_map: Count ids from Inside on are the ids from Outside
// on of the parent namespace.
type IDMap struct{ Inside, Outside, Count uint32 }

// UserNS is a user namespace.
type UserNS struct {
	Parent *UserNS // nil for the first
	Level  int
	Owner  UID // effective id of the creator
	Group  GID

	ino     atomic.Uint64
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

// maxLevel bounds nesting (create_user_ns, kernel/user_namespace.c).
const maxLevel = 32

// NewUserNS returns a namespace below parent without mappings: ENOSPC if there are too many
// above.
func NewUserNS(parent *UserNS, owner UID, group GID) (*UserNS, linux.Errno) {
	if parent.Level >= maxLevel {
		return nil, linux.ENOSPC
	}
	parent.mu.RLock()
	defer parent.mu.RUnlock()
	return &UserNS{Parent: parent, Level: parent.Level + 1, Owner: owner, Group: group, setDeny: parent.setDeny}, 0
}

// Maps returns the lines of uid_map and gid_map.
func (ns *UserNS) Maps() (uids, gids []IDMap) {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return ns.uids, ns.gids
}

// SetUIDMap sets uid_map; permission has been checked. EPERM if it is set already, EINVAL for
// a map that is empty, overlaps itself or is not mapped in the parent (map_write).
func (ns *UserNS) SetUIDMap(m []IDMap) linux.Errno { return ns.setMap(&ns.uids, m, uidsOf) }

// SetGIDMap is SetUIDMap for gid_map.
func (ns *UserNS) SetGIDMap(m []IDMap) linux.Errno { return ns.setMap(&ns.gids, m, gidsOf) }

func uidsOf(n *UserNS) []IDMap { return n.uids }
func gidsOf(n *UserNS) []IDMap { return n.gids }

func (ns *UserNS) setMap(to *[]IDMap, m []IDMap, of func(*UserNS) []IDMap) linux.Errno {
	if len(m) == 0 || len(m) > 340 {
		return linux.EINVAL
	}
	for i, e := range m {
		if e.Count == 0 || e.Inside+e.Count < e.Inside || e.Outside+e.Count < e.Outside {
			return linux.EINVAL
		}
		for _, o := range m[:i] {
			if e.Inside < o.Inside+o.Count && o.Inside < e.Inside+e.Count || e.Outside < o.Outside+o.Count && o.Outside < e.Outside+e.Count {
				return linux.EINVAL
			}
		}
	}
	for _, e := range m {
		if !mapped(of(ns.Parent), e.Outside, e.Count) {
			return linux.EPERM
		}
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if len(*to) > 0 {
		return linux.EPERM
	}
	*to = m
	return 0
}

// mapped tells whether the ids all have a mapping in m.
func mapped(m []IDMap, id, n uint32) bool {
	for _, e := range m {
		if id >= e.Inside && id-e.Inside < e.Count && n <= e.Count-(id-e.Inside) {
			return true
		}
	}
	return false
}

// SetgroupsAllowed tells whether setgroups(2) may be used: a gid map is set and it is not denied.
func (ns *UserNS) SetgroupsAllowed() bool {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return len(ns.gids) > 0 && !ns.setDeny
}

// SetgroupsDenied is what /proc/PID/setgroups shows.
func (ns *UserNS) SetgroupsDenied() bool {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return ns.setDeny
}

// DenySetgroups forbids setgroups(2): EPERM once a gid map is set.
func (ns *UserNS) DenySetgroups() linux.Errno {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if len(ns.gids) > 0 {
		return linux.EPERM
	}
	ns.setDeny = true
	return 0
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
	if id := ns.fromKernel(uint32(u), uidsOf); id != NoID {
		return id
	}
	return OverflowID
}

// FromKernelGID is FromKernelUID for groups.
func (ns *UserNS) FromKernelGID(g GID) uint32 {
	if id := ns.fromKernel(uint32(g), gidsOf); id != NoID {
		return id
	}
	return OverflowID
}

// HasUID reports whether u is mapped in ns (capable_wrt_inode_uidgid).
func (ns *UserNS) HasUID(u UID) bool {
	return ns.fromKernel(uint32(u), uidsOf) != NoID
}

// HasGID is HasUID for groups.
func (ns *UserNS) HasGID(g GID) bool {
	return ns.fromKernel(uint32(g), gidsOf) != NoID
}

func (ns *UserNS) fromKernel(id uint32, maps func(*UserNS) []IDMap) uint32 {
	if ns.Parent == nil {
		return id
	}
	if id = ns.Parent.fromKernel(id, maps); id == NoID {
		return NoID
	}
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return mapID(maps(ns), id, false)
}

// lastIno numbers user namespaces.
var lastIno atomic.Uint64

// Ino is the namespace's number, given at the first use (/proc/PID/ns/user).
func (ns *UserNS) Ino() uint64 {
	if ns.ino.Load() == 0 {
		ns.ino.CompareAndSwap(0, 0xf2000000+lastIno.Add(1))
	}
	return ns.ino.Load()
}
