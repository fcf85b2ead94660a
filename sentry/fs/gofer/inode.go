package gofer

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// key identifies a file of the host. As long as the gofer holds an id of it, no other file
// gets the same.
type key struct{ dev, ino uint64 }

// inode is what all types of files have.
type inode struct {
	vfs.Inode
	fs  *mount
	id  uint64 // the gofer's
	key key

	stale   atomic.Bool  // the attributes may have changed by what we did
	touched atomic.Bool  // the content was read since it changed last
	asked   atomic.Int64 // when the attributes were had last; for mounts that are not exclusive
	bareAt  atomic.Int64 // when there were no extended attributes; 0: there may be some
}

// based is any of the types that embed inode.
type based interface{ base() *inode }

func (i *inode) base() *inode { return i }

// baseOf returns the inode behind vfs's.
func baseOf(i *vfs.Inode) *inode { return i.Ops.(based).base() }

// symlink is a symbolic link; its target never changes.
type symlink struct {
	inode
	target string
}

// Target is vfs.StaticLink's.
func (l *symlink) Target() string { return l.target }

// Readlink is vfs.Symlinker's.
func (l *symlink) Readlink(vfs.Ctx) (string, linux.Errno) { return l.target, 0 }

// special is a fifo, socket or device: vfs opens it without the file system.
type special struct{ inode }

// Open is vfs.InodeOps's for what cannot be opened here.
func (i *inode) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ENXIO }

// inode returns the inode of what was found, with a reference for the caller: the one that the table has
// of the same file, or a new one. dir is where it was found, nil if nowhere.
func (m *mount) inode(f *found, dir *dir) *vfs.Inode {
	n := &f.node
	k := key{n.Attr.Dev, n.Attr.Ino}
	a := attrOf(&n.Attr)
	m.inodes.Lock()
	if old := m.inodes.byKey[k]; old != nil && old.Type() == a.Mode&linux.S_IFMT && old.TryGet() {
		m.inodes.Unlock()
		m.c.conn.forget(n.ID, false)
		if !m.exclusive {
			old.refresh(&n.Attr)
		}
		return &old.Inode
	}
	defer m.inodes.Unlock()
	i := m.newInode(n, k, a, dir)
	switch {
	case !f.holds(m):
		i.stale.Store(true)
	case f.bare:
		i.bareAt.Store(max(m.c.now(), 1))
	}
	m.inodes.byKey[k] = i
	return &i.Inode
}

// newInode makes an inode of the right type. The table is locked.
func (m *mount) newInode(n *wire.Node, k key, a vfs.Attr, in *dir) *inode {
	var ops interface {
		vfs.InodeOps
		based
	}
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		ops = &file{dir: in}
	case linux.S_IFDIR:
		d := new(dir)
		d.credit.Store(firstCredit)
		ops = d
	case linux.S_IFLNK:
		ops = &symlink{target: n.Target}
	default:
		ops = &special{}
	}
	i := ops.base()
	i.fs, i.id, i.key = m, n.ID, k
	i.asked.Store(m.c.now())
	i.Init(ops, &m.sb, m.number(k), a)
	return i
}

// number is the inode number to show: the host's, told apart by the host's device where there
// are mounts below the attach point. The table is locked.
func (m *mount) number(k key) uint64 {
	d := slices.Index(m.inodes.devs, k.dev)
	if d < 0 {
		d = len(m.inodes.devs)
		m.inodes.devs = append(m.inodes.devs, k.dev)
	}
	return k.ino ^ uint64(d)<<48
}

// Evict is vfs.Evicter's: nobody uses the inode any more.
func (i *inode) Evict() {
	t := &i.fs.inodes
	t.Lock()
	if t.byKey[i.key] == i {
		delete(t.byKey, i.key)
	}
	i.fs.evicted.Add(1)
	t.Unlock()
	i.fs.c.conn.forget(i.id, i.Attr().Nlink == 0)
}

// attrOf is what vfs keeps of the attributes.
func attrOf(a *wire.Attr) vfs.Attr {
	return vfs.Attr{
		Mode: a.Mode, Nlink: a.Nlink, UID: auth.UID(a.UID), GID: auth.GID(a.GID), Rdev: a.Rdev,
		Size: a.Size, Blocks: a.Blocks, Blksize: a.Blksize,
		Atime: a.Atime, Mtime: a.Mtime, Ctime: a.Ctime, Btime: a.Btime,
	}
}

// refresh takes over attributes that the gofer has just told. The type of a file never
// changes, and the size of a regular file of an exclusive mount is ours.
func (i *inode) refresh(a *wire.Attr) {
	if a.Mode == 0 || a.Mode&linux.S_IFMT != i.Type() {
		i.stale.Store(true)
		return
	}
	n := attrOf(a)
	i.Update(func(old *vfs.Attr) {
		if n.Mtime != old.Mtime {
			i.touched.Store(false)
		}
		if i.fs.exclusive && i.Type() == linux.S_IFREG {
			n.Size = old.Size
		}
		*old = n
	})
	i.asked.Store(i.fs.c.now())
}

// touch notes that the content was read: the host may have set the time of access, which it
// does for the first time after a change only (relatime).
func (i *inode) touch() {
	if !i.touched.Load() {
		i.touched.Store(true)
		i.stale.Store(true)
	}
}

// callTime is how long attributes of a mount that is not exclusive hold: no longer than the
// system call that asked for them may need them again.
const callTime = int64(100 * time.Microsecond)

// now is a clock for short times.
func (c *Client) now() int64 { return int64(time.Since(c.start)) }

// old reports whether the attributes have to be asked for.
func (i *inode) old() bool {
	if i.fs.exclusive {
		return i.stale.Load()
	}
	return i.stale.Load() || i.fs.c.now()-i.asked.Load() > callTime
}

// Getattr is vfs.Getattrer's.
func (i *inode) Getattr(vfs.Ctx) linux.Errno {
	if !i.old() {
		return 0
	}
	return i.ask()
}

// ask asks the gofer for the attributes.
func (i *inode) ask() linux.Errno {
	i.stale.Store(false)
	var a wire.Attr
	if _, errno := i.fs.c.conn.request(wire.OpGetattr, &wire.IDReq{ID: i.id}, &a); errno != 0 {
		i.stale.Store(true)
		return errno
	}
	i.refresh(&a)
	return 0
}

// Setattr is vfs.InodeOps's.
func (i *inode) Setattr(_ vfs.Ctx, s vfs.SetAttr) linux.Errno {
	if s.Mask == 0 {
		return 0
	}
	req := wire.SetattrReq{
		ID: i.id, Mode: s.Mode & 0o7777, UID: uint32(s.UID), GID: uint32(s.GID), Size: s.Size,
		Atime: s.Atime, Mtime: s.Mtime,
	}
	for _, b := range setBits {
		if s.Mask&b.vfs != 0 {
			req.Mask |= b.wire
		}
	}
	var a wire.Attr
	if _, errno := i.fs.c.conn.request(wire.OpSetattr, &req, &a); errno != 0 {
		i.stale.Store(true) // a part may have been done
		return errno
	}
	i.refresh(&a)
	return 0
}

var setBits = []struct{ vfs, wire uint32 }{
	{vfs.AttrMode, wire.SetMode}, {vfs.AttrUID, wire.SetUID}, {vfs.AttrGID, wire.SetGID},
	{vfs.AttrSize, wire.SetSize}, {vfs.AttrAtime, wire.SetAtime}, {vfs.AttrMtime, wire.SetMtime},
}
