// Package gofer is the file system of files that the gofer opens (package gofer/wire is the
// protocol).
//
// What the sentry does itself: a regular file's contents. The gofer hands over a descriptor,
// with which the file is read, written, mapped, truncated; it stays open for the next user
// as long as there are not too many (idle.go).
//
// What it asks the gofer for: everything that has to do with names and ownership. Names and
// attributes are cached. Of an exclusive mount nobody else changes anything, so they hold
// until a change of our own; the size of a regular file is then what we made it. Of other
// mounts they hold for the length of a system call.
//
//	conn.go   requests and replies
//	client.go mounts
//	inode.go  the table of inodes, attributes
//	dir.go    names
//	list.go   directories read
//	kept.go   lists of directories kept
//	ahead.go  names looked up before they are asked for
//	file.go   regular files: descriptors, attributes
//	io.go     open regular files
//	map.go    their mappings
//	xattr.go  extended attributes
//
// Locks: those of vfs (a directory's, a file's content), then file.h, then idle; the others
// are leaves. No lock of this package is held while application memory is touched.
package gofer

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Client speaks with one gofer.
type Client struct {
	conn *conn
	idle struct {
		sync.Mutex
		files *list.List // of *file that keep descriptors nobody uses, the oldest in front
		max   int
	}
	start time.Time
}

// maxIdle is how many files keep their descriptors although nobody has them open, unless the process may not have
// many more. A program that goes through a tree in the same order as the last one finds either all or none.
const maxIdle = 8192

// New returns a client of the gofer at the other end of the socket fd.
func New(fd int) *Client {
	c := &Client{conn: newConn(fd), start: time.Now()}
	c.idle.files = list.New()
	c.idle.max = min(maxIdle, host.OpenFiles()/2)
	go host.ReserveFDs(2 * c.idle.max)
	return c
}

// Close ends the connection; every later request gives EIO.
func (c *Client) Close() { c.conn.fail() }

// Options of a mount.
type Options struct {
	// Exclusive says that nobody else changes files while the mount exists.
	Exclusive bool
	// Readonly makes the file system read-only.
	Readonly bool
	// Source is the device column of /proc/mounts.
	Source string
}

// mount is one attach point as a file system.
type mount struct {
	c         *Client
	sb        vfs.Super
	exclusive bool
	root      uint64 // id

	lists   lists
	evicted atomic.Uint64 // inodes; changed with the table locked
	xattrs  atomic.Int32  // how many look-ups are to ask for extended attributes, too
	missing atomic.Int64  // names that directories know to be missing

	inodes struct {
		sync.Mutex
		byKey map[key]*inode
		devs  []uint64 // of the host; the first is the root's
	}
}

// Mount returns the file system of an attach point, by its index in the gofer's
// configuration. Its root may be of any type.
func (c *Client) Mount(attach int, opts Options) (*vfs.Super, linux.Errno) {
	var n wire.Node
	if attach < 0 {
		return nil, linux.EINVAL
	}
	if _, errno := c.conn.request(wire.OpAttach, &wire.AttachReq{Version: wire.Version, Index: uint32(attach)}, &n); errno != 0 {
		return nil, errno
	}
	m := &mount{c: c, exclusive: opts.Exclusive, root: n.ID}
	m.inodes.byKey = make(map[key]*inode)
	m.sb.Type, m.sb.Source, m.sb.Dev = "virtiofs", opts.Source, vfs.NewDev()
	if m.sb.Source == "" {
		m.sb.Source = "none"
	}
	m.sb.ReadOnly.Store(opts.Readonly)
	m.sb.Statfs, m.sb.ACL, m.sb.Exclusive = m.statfs, vfs.RemoteACL, opts.Exclusive
	if !opts.Readonly {
		m.sb.Sync = m.sync
	}
	m.sb.SetRoot(m.inode(&found{node: n}, nil))
	return &m.sb, 0
}

// statfs shows the host's file system.
func (m *mount) statfs(vfs.Ctx) (vfs.Statfs, linux.Errno) {
	var st wire.Statfs
	if _, errno := m.c.conn.request(wire.OpStatfs, &wire.IDReq{ID: m.root}, &st); errno != 0 {
		return vfs.Statfs{}, errno
	}
	return vfs.Statfs{
		Magic: st.Magic, Bsize: st.Bsize, Blocks: st.Blocks, Bfree: st.Bfree, Bavail: st.Bavail,
		Files: st.Files, Ffree: st.Free, Namelen: st.Namelen, Frsize: st.Frsize, Fsid: m.sb.Dev,
	}, 0
}

func (m *mount) sync(vfs.Ctx) linux.Errno {
	_, errno := m.c.conn.request(wire.OpFsync, &wire.FsyncReq{ID: m.root, FS: true}, new(wire.Empty))
	return errno
}
