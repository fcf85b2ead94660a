package main

import (
	"encoding/binary"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Access control lists (acl(5)) of the host's file system. Their user and group ids are translated like
// those of owners.

const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
)

func isACL(name string) bool { return name == aclAccess || name == aclDefault }

// xattrAllowed says which extended attributes the container has to do with.
func xattrAllowed(name string) bool {
	return strings.HasPrefix(name, "user.") && len(name) > len("user.") || name == "security.capability" || isACL(name)
}

// A list is a header of four bytes and entries of tag, permissions, id.
const (
	aclHeader = 4
	aclEntry  = 8
	aclUser   = 0x02
	aclGroup  = 0x08
)

// aclIDs translates the ids of the list b in place with uid and gid.
func aclIDs(b []byte, uid, gid func(uint32) (uint32, linux.Errno)) linux.Errno {
	if len(b) < aclHeader || (len(b)-aclHeader)%aclEntry != 0 {
		return linux.EINVAL
	}
	for b = b[aclHeader:]; len(b) > 0; b = b[aclEntry:] {
		of := uid
		switch binary.LittleEndian.Uint16(b) {
		case aclUser:
		case aclGroup:
			of = gid
		default:
			continue
		}
		id, errno := of(binary.LittleEndian.Uint32(b[4:]))
		if errno != 0 {
			return errno
		}
		binary.LittleEndian.PutUint32(b[4:], id)
	}
	return 0
}

// aclIn makes the container's list one for the host.
func (s *server) aclIn(b []byte) linux.Errno {
	in := func(m idMap) func(uint32) (uint32, linux.Errno) {
		return func(id uint32) (uint32, linux.Errno) {
			n, errno := m.in(id)
			return uint32(n), errno
		}
	}
	return aclIDs(b, in(s.uids), in(s.gids))
}

// aclOut is the opposite.
func (s *server) aclOut(b []byte) linux.Errno {
	out := func(m idMap) func(uint32) (uint32, linux.Errno) {
		return func(id uint32) (uint32, linux.Errno) { return m.out(id), 0 }
	}
	return aclIDs(b, out(s.uids), out(s.gids))
}

// inherits reports whether the host gives new files in dir a list, by which the umask does not count.
func inherits(dir *node) bool {
	n, errno := getxattr(dir.fd, aclDefault, nil)
	return errno == 0 && n > aclHeader
}

// settle works out the permissions of a file before it is made: heir says that the host will do so.
func settle(dir *node, mode, umask uint32) (_ uint32, heir bool) {
	if mode&linux.S_IFMT == linux.S_IFLNK {
		return mode, false
	}
	if inherits(dir) {
		return mode, true
	}
	return mode &^ umask, false
}
