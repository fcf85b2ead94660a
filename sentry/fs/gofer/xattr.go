package gofer

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Extended attributes of the namespace user and the one that holds a program's capabilities
// are the host's. Others of the host say something about the host.

const capsName = "security.capability"

func xattrShown(name string) bool { return strings.HasPrefix(name, "user.") || name == capsName }

// hasXattrs reports whether files of the type have extended attributes that are shown.
func (i *inode) hasXattrs() bool { return i.Type() == linux.S_IFREG || i.Type() == linux.S_IFDIR }

// knownNoCaps reports whether name is the capabilities', and there are none.
func (i *inode) knownNoCaps(name string) bool {
	return name == capsName && i.fs.exclusive && i.noCaps.Load()
}

// xattr sends a request about name.
func (i *inode) xattr(op wire.Op, req *wire.XattrReq, reply wire.Message) linux.Errno {
	req.ID = i.id
	_, errno := i.fs.c.conn.request(op, req, reply)
	if errno == linux.ENODATA && req.Name == capsName {
		i.noCaps.Store(true)
	}
	if errno == 0 && op != wire.OpGetxattr {
		i.stale.Store(true) // ctime
	}
	return errno
}

// Getxattr is vfs.Xattrs's.
func (i *inode) Getxattr(_ vfs.Ctx, name string) ([]byte, linux.Errno) {
	if !xattrShown(name) || !i.hasXattrs() || i.knownNoCaps(name) {
		return nil, linux.ENODATA
	}
	var reply wire.Blob
	errno := i.xattr(wire.OpGetxattr, &wire.XattrReq{Name: name}, &reply)
	return reply.Data, errno
}

// Setxattr is vfs.Xattrs's.
func (i *inode) Setxattr(_ vfs.Ctx, name string, value []byte, flags uint32) linux.Errno {
	if !xattrShown(name) || !i.hasXattrs() {
		return linux.EOPNOTSUPP
	}
	if len(value) > linux.XATTR_SIZE_MAX {
		return linux.E2BIG
	}
	i.noCaps.Store(false)
	return i.xattr(wire.OpSetxattr, &wire.XattrReq{Name: name, Value: value, Flags: flags}, new(wire.Empty))
}

// Removexattr is vfs.Xattrs's.
func (i *inode) Removexattr(_ vfs.Ctx, name string) linux.Errno {
	if !xattrShown(name) || !i.hasXattrs() || i.knownNoCaps(name) {
		return linux.ENODATA
	}
	return i.xattr(wire.OpRmxattr, &wire.XattrReq{Name: name}, new(wire.Empty))
}

// Listxattr is vfs.Xattrs's.
func (i *inode) Listxattr(vfs.Ctx) ([]string, linux.Errno) {
	if !i.hasXattrs() {
		return nil, 0
	}
	var reply wire.Blob
	if _, errno := i.fs.c.conn.request(wire.OpListxattr, &wire.IDReq{ID: i.id}, &reply); errno != 0 {
		if errno == linux.EOPNOTSUPP {
			errno = 0 // the host's file system has none
		}
		return nil, errno
	}
	var names []string
	for _, n := range strings.Split(string(reply.Data), "\x00") {
		if n != "" && len(n) <= linux.XATTR_NAME_MAX {
			names = append(names, n)
		}
	}
	return names, 0
}
