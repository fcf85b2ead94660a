package tmpfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// node is what all kinds of inodes share.
type node struct {
	vfs.Inode
	fs *FS

	xattrs struct {
		lock.Mutex[lock.Xattrs]
		values map[string][]byte
		bytes  int
	}
}

// common gives access to the node of every kind.
type common interface{ base() *node }

func (n *node) base() *node { return n }

// AtimeOf is vfs.AtimeKeeper's.
func (n *node) AtimeOf() *vfs.Inode { return &n.Inode }

// attrOf are the attributes of a new object.
func attrOf(a *vfs.CreateArgs, now int64) vfs.Attr {
	return vfs.Attr{Mode: a.Mode, Nlink: 1, UID: a.UID, GID: a.GID, Rdev: a.Rdev, Blksize: pages.PageSize, Atime: now, Mtime: now, Ctime: now, Btime: now}
}

// newInode makes an object of the kind that a.Mode says, counted already.
func (f *FS) newInode(a *vfs.CreateArgs, now int64) *vfs.Inode {
	at := attrOf(a, now)
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFDIR:
		at.Nlink = 2
		return &f.newDir(at).Inode
	case linux.S_IFREG:
		return &f.newFile(at).Inode
	case linux.S_IFLNK:
		l := &symlink{target: a.Target}
		at.Size = int64(len(a.Target))
		l.fs = f
		l.Init(l, f.sb, f.ino.Add(1), at)
		return &l.Inode
	}
	s := new(special)
	s.fs = f
	s.Init(s, f.sb, f.ino.Add(1), at)
	return &s.Inode
}

// setattr changes attributes but the size.
func (n *node) setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	n.Update(func(a *vfs.Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// evict gives the inode's place back.
func (n *node) evict() { n.fs.inodes.Add(-1) }

// symlink is a symbolic link.
type symlink struct {
	node
	target string
}

// Open is not possible: vfs follows links.
func (*symlink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Setattr is vfs.InodeOps's.
func (l *symlink) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return l.setattr(ctx, s) }

// Target is vfs.StaticLink's.
func (l *symlink) Target() string { return l.target }

// Readlink is vfs.Symlinker's.
func (l *symlink) Readlink(vfs.Ctx) (string, linux.Errno) { return l.target, 0 }

// Evict is vfs.Evicter's.
func (l *symlink) Evict() { l.evict() }

// special is a device node, fifo or socket; vfs opens it.
type special struct{ node }

// Open is not reached: vfs opens special files.
func (*special) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ENXIO }

// Setattr is vfs.InodeOps's.
func (s *special) Setattr(ctx vfs.Ctx, a vfs.SetAttr) linux.Errno { return s.setattr(ctx, a) }

// Evict is vfs.Evicter's.
func (s *special) Evict() { s.evict() }

// maxXattrs bounds the extended attributes of a file, names included.
const maxXattrs = 256 << 10

// Getxattr is vfs.Xattrs's.
func (n *node) Getxattr(_ vfs.Ctx, name string) ([]byte, linux.Errno) {
	n.xattrs.Lock()
	defer n.xattrs.Unlock()
	if v, ok := n.xattrs.values[name]; ok {
		return v, 0
	}
	return nil, linux.ENODATA
}

// Setxattr is vfs.Xattrs's.
func (n *node) Setxattr(ctx vfs.Ctx, name string, value []byte, flags uint32) linux.Errno {
	x := &n.xattrs
	x.Lock()
	defer x.Unlock()
	old, ok := x.values[name]
	switch {
	case ok && flags&linux.XATTR_CREATE != 0:
		return linux.EEXIST
	case !ok && flags&linux.XATTR_REPLACE != 0:
		return linux.ENODATA
	}
	grow := len(value) - len(old)
	if !ok {
		grow += len(name)
	}
	if x.bytes+grow > maxXattrs {
		return linux.ENOSPC
	}
	if x.values == nil {
		x.values = map[string][]byte{}
	}
	x.bytes += grow
	x.values[name] = append([]byte(nil), value...)
	n.Update(func(a *vfs.Attr) { a.Ctime = ctx.Now() })
	return 0
}

// Listxattr is vfs.Xattrs's.
func (n *node) Listxattr(vfs.Ctx) ([]string, linux.Errno) {
	n.xattrs.Lock()
	defer n.xattrs.Unlock()
	var names []string
	for name := range n.xattrs.values {
		names = append(names, name)
	}
	return names, 0
}

// Removexattr is vfs.Xattrs's.
func (n *node) Removexattr(ctx vfs.Ctx, name string) linux.Errno {
	x := &n.xattrs
	x.Lock()
	defer x.Unlock()
	v, ok := x.values[name]
	if !ok {
		return linux.ENODATA
	}
	x.bytes -= len(v) + len(name)
	delete(x.values, name)
	n.Update(func(a *vfs.Attr) { a.Ctime = ctx.Now() })
	return 0
}
