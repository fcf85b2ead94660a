// Package auth holds credentials: user and group ids, capabilities, user namespaces
// (credentials(7), capabilities(7), user_namespaces(7)).
//
// A Cred is never changed once it is published: a change makes a new one, so that readers
// need no lock and an open file can keep the one it was opened with.
package auth

// UID and GID are ids as the kernel holds them: in terms of the sandbox's first user
// namespace. Ids of the application are mapped on the way in and out by its UserNS.
type (
	UID uint32
	GID uint32
)

// NoID is the id that means "leave as it is", and an id that has no mapping.
const NoID = ^uint32(0)

// OverflowID is shown for ids that have no mapping (/proc/sys/kernel/overflowuid).
const OverflowID = 65534

// Cred is what a task may do.
type Cred struct {
	Ruid, Euid, Suid, Fsuid UID
	Rgid, Egid, Sgid, Fsgid GID
	Groups                  []GID // supplementary, sorted

	Permitted, Effective, Inheritable, Bounding, Ambient CapSet

	Securebits uint32
	NoNewPrivs bool
	NS         *UserNS
}

// CapSet is a set of capabilities: bit n is capability n.
type CapSet uint64

// AllCaps is every capability of Linux 6.12 (CAP_LAST_CAP is CAP_CHECKPOINT_RESTORE, 40).
const AllCaps CapSet = 1<<41 - 1

// Has reports whether c is in the set.
func (s CapSet) Has(c int) bool { return s&(1<<c) != 0 }

// Root returns the credentials of the superuser of ns with every capability.
func Root(ns *UserNS) *Cred {
	return &Cred{Permitted: AllCaps, Effective: AllCaps, Bounding: AllCaps, NS: ns}
}

// Clone returns a copy that the caller may change before it publishes it.
func (c *Cred) Clone() *Cred {
	n := *c
	return &n
}

// Has reports whether c has the capability in its own user namespace.
func (c *Cred) Has(capability int) bool { return c.Effective.Has(capability) }

// HasIn reports whether c has the capability in ns: it has it in an ancestor or in ns itself,
// or it owns ns (security/commoncap.c, cap_capable).
func (c *Cred) HasIn(ns *UserNS, capability int) bool {
	for ; ; ns = ns.Parent {
		if ns == c.NS {
			return c.Effective.Has(capability)
		}
		if ns == nil || ns.Level <= c.NS.Level {
			return false
		}
		if ns.Parent == c.NS && ns.Owner == c.Euid {
			return true
		}
	}
}

// InGroup reports whether g is the file-system group or a supplementary one.
func (c *Cred) InGroup(g GID) bool {
	if c.Fsgid == g {
		return true
	}
	lo, hi := 0, len(c.Groups)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch {
		case c.Groups[mid] == g:
			return true
		case c.Groups[mid] < g:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}

// Permits checks mode, the permission bits of a file owned by uid and gid, for the wanted
// bits (4 read, 2 write, 1 execute), without capabilities (fs/namei.c, acl_permission_check).
func (c *Cred) Permits(mode uint32, uid UID, gid GID, want uint32) bool {
	switch {
	case c.Fsuid == uid:
		mode >>= 6
	case c.InGroup(gid):
		mode >>= 3
	}
	return mode&want == want
}

// fsCaps are the capabilities that follow the file-system user id (CAP_FS_SET).
const fsCaps CapSet = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<27 | 1<<32 | 1<<9

// FixSetuid does to the capabilities of c what a change of user ids from old does: leaving root
// drops them (cap_emulate_setxuid).
func (c *Cred) FixSetuid(old *Cred, keep bool) {
	root, ok := c.NS.ToKernelUID(0)
	if !ok {
		return
	}
	if (old.Ruid == root || old.Euid == root || old.Suid == root) && c.Ruid != root && c.Euid != root && c.Suid != root {
		if !keep {
			c.Permitted, c.Effective = 0, 0
		}
		c.Ambient = 0
	}
	if old.Euid == root && c.Euid != root {
		c.Effective = 0
	}
	if old.Euid != root && c.Euid == root {
		c.Effective = c.Permitted
	}
	if old.Fsuid != c.Fsuid && old.Euid == c.Euid {
		c.FixFsuid(old)
	}
}

// FixFsuid is FixSetuid for setfsuid(2) alone.
func (c *Cred) FixFsuid(old *Cred) {
	root, ok := c.NS.ToKernelUID(0)
	if !ok {
		return
	}
	if old.Fsuid == root && c.Fsuid != root {
		c.Effective &^= fsCaps
	}
	if old.Fsuid != root && c.Fsuid == root {
		c.Effective |= c.Permitted & fsCaps
	}
}
