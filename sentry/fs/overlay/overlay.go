// Package overlay is a writable layer in memory over another file system, which it never changes
// (Documentation/filesystems/overlayfs.rst). What is new or changed lives here: names and
// attributes in these inodes, contents in files of a tmpfs. An inode that nothing has changed
// only points to the lower one and goes when nobody uses it; one that has been changed stays,
// and with it the directories above it.
//
// Other than Linux's, it can rename directories that have a lower one, since what is below goes
// with the inode.
//
//	overlay.go  the file system, what inodes share
//	dir.go      directories: merged, whiteouts
//	file.go     regular files: copy-up
//	xattr.go    extended attributes
package overlay

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is one overlay.
type FS struct {
	sb    *vfs.Super
	lower *vfs.Mount // nowhere in the tree
	upper *vfs.Mount // of a tmpfs, for contents
	ino   atomic.Uint64
}

// newIno marks the numbers of inodes that have no lower one.
const newIno = 1 << 62

const magic = 0x794c7630

// New returns an overlay over lower; upper is a tmpfs that belongs to it.
func New(lower, upper *vfs.Super) (*vfs.Super, linux.Errno) {
	f := &FS{lower: vfs.NewMount(lower, linux.MS_RDONLY), upper: vfs.NewMount(upper, 0)}
	f.sb = &vfs.Super{Type: "overlay", Source: "overlay", Dev: vfs.NewDev()}
	f.sb.Statfs = func(ctx vfs.Ctx) (vfs.Statfs, linux.Errno) {
		s, errno := upper.Statfs(ctx)
		s.Magic = magic
		return s, errno
	}
	f.sb.Release = func() {
		f.lower.Put()
		f.upper.Put()
	}
	lower.Root().Inode().Get()
	root, errno := f.over(vfs.KernelCtx{}, lower.Root().Inode(), nil, "")
	if errno != 0 {
		return nil, errno
	}
	f.sb.SetRoot(root)
	return f.sb, 0
}

// node is what all inodes share.
type node struct {
	vfs.Inode
	fs    *FS
	self  kind
	lower *vfs.Inode // with a reference; nil for what is new

	mu     sync.Mutex
	parent *dir   // nil: the root, or unlinked
	name   string // in parent
	kept   bool   // changed: the layer holds a reference
	xattrs map[string][]byte
}

// kind is an inode of this file system.
type kind interface {
	vfs.InodeOps
	base() *node
}

func (n *node) base() *node { return n }

// over makes the inode of a lower one, whose reference it takes over on success.
func (f *FS) over(ctx vfs.Ctx, lower *vfs.Inode, parent *dir, name string) (*vfs.Inode, linux.Errno) {
	a, errno := lower.Stat(ctx)
	if errno != 0 {
		return nil, errno
	}
	return f.make(a, lower.Ino, lower, parent, name, ""), 0
}

// make makes an inode of the type that a says.
func (f *FS) make(a vfs.Attr, ino uint64, lower *vfs.Inode, parent *dir, name, target string) *vfs.Inode {
	var k kind
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFDIR:
		k = &dir{names: map[string]kind{}, hidden: map[string]struct{}{}}
	case linux.S_IFREG:
		k = &file{}
	case linux.S_IFLNK:
		k = &symlink{target: target}
	default:
		k = &special{}
	}
	n := k.base()
	n.fs, n.self, n.lower, n.parent, n.name = f, k, lower, parent, name
	n.Init(k, f.sb, ino, a)
	return &n.Inode
}

// keep lets the inode and the directories above it stay: they differ from the lower ones.
func (n *node) keep() {
	for n != nil {
		n.mu.Lock()
		was, up := n.kept, n.parent
		n.kept = true
		n.mu.Unlock()
		if was {
			return
		}
		n.Get()
		if up == nil {
			return
		}
		n = &up.node
	}
}

// drop is the opposite, for an inode that has lost its last name.
func (n *node) drop() {
	n.mu.Lock()
	was := n.kept
	n.kept, n.parent = false, nil
	n.mu.Unlock()
	if was {
		n.Put()
	}
}

// evict forgets an inode that nobody uses and nothing has changed.
func (n *node) evict() {
	n.mu.Lock()
	up, name := n.parent, n.name
	n.mu.Unlock()
	if up != nil {
		up.forget(name, n.self)
	}
	if n.lower != nil {
		n.lower.Put()
	}
}

// setattr changes attributes but the size.
func (n *node) setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	n.keep()
	n.Update(func(a *vfs.Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// symlink is a symbolic link.
type symlink struct {
	node
	target string // of a new one
}

// Open is not possible: vfs follows links.
func (*symlink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Setattr is vfs.InodeOps's.
func (l *symlink) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return l.setattr(ctx, s) }

// Readlink is vfs.Symlinker's.
func (l *symlink) Readlink(ctx vfs.Ctx) (string, linux.Errno) {
	if l.lower == nil {
		return l.target, 0
	}
	return l.lower.Ops.(vfs.Symlinker).Readlink(ctx)
}

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
