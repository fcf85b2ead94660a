package vfs

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// Access control lists (acl(5), fs/posix_acl.c). A file system stores them as the extended attributes
// that applications see, with the ids of the first user namespace; what they mean is decided here.

const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
)

// IsACL reports whether name is the extended attribute of an access control list.
func IsACL(name string) bool { return name == aclAccess || name == aclDefault }

// ACLSupport is what a file system does about access control lists.
type ACLSupport int

const (
	// NoACL refuses them: EOPNOTSUPP.
	NoACL ACLSupport = iota
	// StoresACL stores them; inheriting them and changes of the mode are vfs's.
	StoresACL
	// RemoteACL is a file system elsewhere, where another kernel keeps and inherits them.
	RemoteACL
)

// Tags of entries.
const (
	aclUserObj  = 0x01
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
	aclOther    = 0x20
)

const (
	aclVersion   = 2
	aclHeader    = 4
	aclEntrySize = 8
	aclNoID      = ^uint32(0)
)

// aclEntry is one entry; id only with aclUser and aclGroup.
type aclEntry struct {
	tag, perm uint16
	id        uint32
}

// acl is a list, in the order that Linux demands. It never changes.
type acl []aclEntry

// parseACL reads an attribute's value; nil for an empty list. Whether it makes sense says valid.
func parseACL(b []byte) (acl, linux.Errno) {
	switch {
	case len(b) == 0:
		return nil, 0
	case len(b) < aclHeader:
		return nil, linux.EINVAL
	case binary.LittleEndian.Uint32(b) != aclVersion:
		return nil, linux.EOPNOTSUPP
	case (len(b)-aclHeader)%aclEntrySize != 0:
		return nil, linux.EINVAL
	}
	var l acl
	for b = b[aclHeader:]; len(b) > 0; b = b[aclEntrySize:] {
		e := aclEntry{binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]), aclNoID}
		switch e.tag {
		case aclUser, aclGroup:
			e.id = binary.LittleEndian.Uint32(b[4:])
		case aclUserObj, aclGroupObj, aclMask, aclOther:
		default:
			return nil, linux.EINVAL
		}
		l = append(l, e)
	}
	return l, 0
}

// bytes is the opposite.
func (l acl) bytes() []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range l {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

// translate returns the list with other ids; false if one of them cannot be.
func (l acl) translate(uid, gid func(uint32) (uint32, bool)) (acl, bool) {
	out := append(acl(nil), l...)
	all := true
	for n := range out {
		var ok bool
		switch e := &out[n]; e.tag {
		case aclUser:
			e.id, ok = uid(e.id)
		case aclGroup:
			e.id, ok = gid(e.id)
		default:
			ok = true
		}
		all = all && ok
	}
	return out, all
}

// fromUser makes ids of ns those of the kernel.
func (l acl) fromUser(ns *auth.UserNS) (acl, bool) {
	return l.translate(func(id uint32) (uint32, bool) {
		u, ok := ns.ToKernelUID(id)
		return uint32(u), ok
	}, func(id uint32) (uint32, bool) {
		g, ok := ns.ToKernelGID(id)
		return uint32(g), ok
	})
}

// toUser is the opposite; ids without a number there are -1.
func (l acl) toUser(ns *auth.UserNS) acl {
	shown := func(has bool, id uint32) (uint32, bool) {
		if !has {
			return aclNoID, true
		}
		return id, true
	}
	out, _ := l.translate(func(id uint32) (uint32, bool) {
		return shown(ns.HasUID(auth.UID(id)), ns.FromKernelUID(auth.UID(id)))
	}, func(id uint32) (uint32, bool) {
		return shown(ns.HasGID(auth.GID(id)), ns.FromKernelGID(auth.GID(id)))
	})
	return out
}

// valid checks the order of the entries, and that none is missing (posix_acl_valid).
func (l acl) valid() bool {
	state, needMask := aclUserObj, false
	for _, e := range l {
		if e.perm&^0o7 != 0 {
			return false
		}
		switch {
		case e.tag == aclUserObj && state == aclUserObj:
			state = aclUser
		case e.tag == aclUser && state == aclUser:
			needMask = true
		case e.tag == aclGroupObj && state == aclUser:
			state = aclGroup
		case e.tag == aclGroup && state == aclGroup:
			needMask = true
		case e.tag == aclMask && state == aclGroup:
			state = aclOther
		case e.tag == aclOther && (state == aclOther || state == aclGroup && !needMask):
			state = 0
		default:
			return false
		}
	}
	return state == 0
}

// mode is what the list makes of permission bits; more says that it says more than these
// (posix_acl_equiv_mode).
func (l acl) mode(mode uint32) (_ uint32, more bool) {
	group, mask := uint32(0), ^uint32(0)
	mode &^= 0o777
	for _, e := range l {
		switch perm := uint32(e.perm); e.tag {
		case aclUserObj:
			mode |= perm << 6
		case aclGroupObj:
			group = perm
		case aclOther:
			mode |= perm
		case aclMask:
			mask, more = perm, true
		default:
			more = true
		}
	}
	if mask != ^uint32(0) {
		group = mask
	}
	return mode | group<<3, more
}

// withMode is the list after chmod(2) (posix_acl_chmod).
func (l acl) withMode(mode uint32) acl {
	out := append(acl(nil), l...)
	group := -1
	for n := range out {
		switch e := &out[n]; e.tag {
		case aclUserObj:
			e.perm = uint16(mode >> 6 & 0o7)
		case aclOther:
			e.perm = uint16(mode & 0o7)
		case aclGroupObj:
			if group < 0 {
				group = n
			}
		case aclMask:
			group = n
		}
	}
	if group >= 0 {
		out[group].perm = uint16(mode >> 3 & 0o7)
	}
	return out
}

// created is the list of a new file that is asked for with mode in a directory whose default list
// this is, and its permission bits. more is mode's (posix_acl_create_masq).
func (l acl) created(mode uint32) (out acl, _ uint32, more bool) {
	limit, _ := l.mode(0)
	bits := mode & limit & 0o777
	_, more = l.mode(0)
	return l.withMode(bits), mode&^0o777 | bits, more
}

// permits decides access (posix_acl_permission). The owner was not asked for yet.
func (l acl) permits(c *auth.Cred, uid auth.UID, gid auth.GID, want uint32) bool {
	want &= 0o7
	mask := uint16(0o7)
	for _, e := range l {
		if e.tag == aclMask {
			mask = e.perm
		}
	}
	has := func(perm uint16) bool { return uint32(perm)&want == want }
	inGroup := false
	for _, e := range l {
		switch e.tag {
		case aclUserObj:
			if c.Fsuid == uid {
				return has(e.perm)
			}
		case aclUser:
			if c.Fsuid == auth.UID(e.id) {
				return has(e.perm & mask)
			}
		case aclGroupObj, aclGroup:
			g := auth.GID(e.id)
			if e.tag == aclGroupObj {
				g = gid
			}
			if c.InGroup(g) {
				if inGroup = true; has(e.perm) {
					return has(e.perm & mask)
				}
			}
		case aclOther:
			return !inGroup && has(e.perm)
		}
	}
	return false
}
