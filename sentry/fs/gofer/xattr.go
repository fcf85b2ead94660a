package gofer

import (
	"slices"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Extended attributes of the namespace user, the one that holds a program's capabilities and access
// control lists are the host's. What the container's superuser says in the namespace trusted is no
// trusted word on the host: it is kept under names of the namespace user, as virtiofsd can do, where
// the container sees it under the old names only. Others of the host say something about the host.

const (
	capsName      = "security.capability"
	trustedPrefix = "trusted."
	mappedPrefix  = "user.virtiofs.trusted."
)

// hostName is what the attribute is called on the host; false if it is not there for the container.
func hostName(name string) (string, bool) {
	switch {
	case strings.HasPrefix(name, trustedPrefix):
		return mappedPrefix + name[len(trustedPrefix):], true
	case strings.HasPrefix(name, mappedPrefix):
		return "", false
	}
	return name, strings.HasPrefix(name, "user.") || name == capsName || vfs.IsACL(name)
}

// shownName is the opposite.
func shownName(name string) string {
	if rest, ok := strings.CutPrefix(name, mappedPrefix); ok {
		return trustedPrefix + rest
	}
	return name
}

// hasXattrs reports whether files of the type have extended attributes that are shown.
func (i *inode) hasXattrs() bool { return i.Type() != linux.S_IFLNK }

// bare reports whether the file is known to have no extended attributes: programs ask for those that
// hardly any file has, and so does the kernel.
func (i *inode) bare() bool {
	at := i.bareAt.Load()
	return at != 0 && (i.fs.exclusive || i.fs.c.now()-at < callTime)
}

// mostXattrs is how many look-ups ask for the word that a file has no extended attributes, after a program has asked for
// those of one: ls -l and cp -a ask for those of every file that they have looked up.
const mostXattrs = 16

// list asks for the names on the host.
func (i *inode) list() ([]string, linux.Errno) {
	if i.bare() {
		return nil, 0
	}
	now := max(i.fs.c.now(), 1)
	var reply wire.Blob
	if _, errno := i.fs.c.conn.request(wire.OpListxattr, &wire.IDReq{ID: i.id}, &reply); errno != 0 && errno != linux.EOPNOTSUPP {
		return nil, errno // else the host's file system has none
	}
	if len(reply.Data) == 0 {
		if i.fs.exclusive && i.Type() == linux.S_IFREG {
			i.fs.xattrs.Store(mostXattrs)
		}
		i.bareAt.Store(now)
		return nil, 0
	}
	var names []string
	for _, n := range strings.Split(string(reply.Data), "\x00") {
		if n != "" && len(n) <= linux.XATTR_NAME_MAX {
			names = append(names, n)
		}
	}
	return names, 0
}

// Getxattr is vfs.Xattrs's.
func (i *inode) Getxattr(_ vfs.Ctx, name string) ([]byte, linux.Errno) {
	on, ok := hostName(name)
	if !ok || !i.hasXattrs() {
		return nil, linux.ENODATA
	}
	if !strings.HasPrefix(name, "user.") { // most files have none of the others
		if names, errno := i.list(); errno != 0 || !slices.Contains(names, on) {
			if errno == 0 {
				errno = linux.ENODATA
			}
			return nil, errno
		}
	}
	var reply wire.Blob
	_, errno := i.fs.c.conn.request(wire.OpGetxattr, &wire.XattrReq{ID: i.id, Name: on}, &reply)
	return reply.Data, errno
}

// Setxattr is vfs.Xattrs's.
func (i *inode) Setxattr(_ vfs.Ctx, name string, value []byte, flags uint32) linux.Errno {
	on, ok := hostName(name)
	if !ok || !i.hasXattrs() {
		return linux.EOPNOTSUPP
	}
	if len(value) > linux.XATTR_SIZE_MAX {
		return linux.E2BIG
	}
	if len(on) > linux.XATTR_NAME_MAX {
		return linux.ERANGE
	}
	defer i.bareAt.Store(0)
	return i.changeXattr(wire.OpSetxattr, &wire.XattrReq{ID: i.id, Name: on, Value: value, Flags: flags})
}

// Removexattr is vfs.Xattrs's.
func (i *inode) Removexattr(_ vfs.Ctx, name string) linux.Errno {
	on, ok := hostName(name)
	if !ok || !i.hasXattrs() || i.bare() {
		return linux.ENODATA
	}
	return i.changeXattr(wire.OpRmxattr, &wire.XattrReq{ID: i.id, Name: on})
}

func (i *inode) changeXattr(op wire.Op, req *wire.XattrReq) linux.Errno {
	_, errno := i.fs.c.conn.request(op, req, new(wire.Empty))
	if errno == 0 {
		i.stale.Store(true) // ctime, and the mode with a list
	}
	return errno
}

// Listxattr is vfs.Xattrs's.
func (i *inode) Listxattr(vfs.Ctx) ([]string, linux.Errno) {
	if !i.hasXattrs() {
		return nil, 0
	}
	names, errno := i.list()
	for n, name := range names {
		names[n] = shownName(name)
	}
	return names, errno
}
