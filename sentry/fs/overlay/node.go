package overlay

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// node is what all inodes share.
type node struct {
	vfs.Inode
	fs    *FS
	self  kind
	lower *vfs.Inode // with a reference, if it is no directory and was found in a lower layer

	// up is held while the inode is copied up, and while its name changes: under it those of the
	// directories above are taken, and vfs's locks of the upper layer.
	up    sync.Mutex
	upper atomic.Pointer[vfs.Inode] // with a reference; set once

	mu     sync.Mutex // changed with up held, too
	parent *dir       // with a reference; nil: the root, or without a name
	name   string     // in parent

	gone atomic.Bool // has lost its name before it was copied up
}

// kind is an inode of this file system.
type kind interface {
	vfs.InodeOps
	base() *node
	below0() *vfs.Inode
}

func (n *node) base() *node { return n }

// below0 is the lower inode that what is not copied up shows.
func (n *node) below0() *vfs.Inode { return n.lower }

func (n *node) below() *vfs.Inode { return n.self.below0() }

// real is the inode whose attributes and contents are shown.
func (n *node) real() *vfs.Inode {
	if up := n.upper.Load(); up != nil {
		return up
	}
	return n.below()
}

// where is the inode's place.
func (n *node) where() (parent *dir, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.parent, n.name
}

// move gives it another place; nil: none. up is held.
func (n *node) move(parent *dir, name string) {
	if parent != nil {
		parent.Get()
	}
	n.mu.Lock()
	old := n.parent
	n.parent, n.name = parent, name
	if parent == nil && n.upper.Load() == nil {
		n.gone.Store(true)
	}
	n.mu.Unlock()
	if old != nil {
		old.Put()
	}
}

// shown makes what a layer says of an inode what is shown.
func (n *node) shown(a *vfs.Attr) {
	if d, ok := n.self.(*dir); ok {
		above := 0
		if n.upper.Load() != nil {
			above = 1
		}
		if len(d.lowers)+above > 1 && a.Nlink > 0 {
			a.Nlink = 1 // find(1) and others take this for not known
		}
		if n.gone.Load() {
			a.Nlink = 0
		}
	}
	if n.gone.Load() && a.Nlink > 0 {
		a.Nlink--
	}
}

// Getattr is vfs.Getattrer's.
func (n *node) Getattr(ctx vfs.Ctx) linux.Errno {
	a, errno := n.real().Stat(reader(ctx))
	if errno != 0 {
		return errno
	}
	n.shown(&a)
	n.Show(&a)
	return 0
}

// AtimeOf is vfs.AtimeKeeper's: the upper layer keeps it, the lower ones are not changed.
func (n *node) AtimeOf() *vfs.Inode { return n.upper.Load() }

// setattr is vfs.InodeOps's for all types.
func (n *node) setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	if errno := n.copyUp(ctx, wholeFile); errno != 0 {
		return errno
	}
	if errno := vfs.SetattrIn(layerCtx{ctx}, n.upper.Load(), s); errno != 0 {
		return errno
	}
	return n.Getattr(ctx)
}

// Evict is vfs.Evicter's.
func (n *node) Evict() {
	n.fs.forget(n)
	if up := n.upper.Load(); up != nil {
		up.Put()
	}
	if n.lower != nil {
		n.lower.Put()
	}
	if d, ok := n.self.(*dir); ok {
		d.evict()
	}
	if n.parent != nil {
		n.parent.Put()
	}
}

// symlink is a symbolic link.
type symlink struct{ node }

// Open is not possible: vfs follows links.
func (*symlink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Setattr is vfs.InodeOps's.
func (l *symlink) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return l.setattr(ctx, s) }

// Target is vfs.StaticLink's.
func (l *symlink) Target() string {
	if s, ok := l.real().Ops.(vfs.StaticLink); ok {
		return s.Target()
	}
	return ""
}

// Readlink is vfs.Symlinker's.
func (l *symlink) Readlink(ctx vfs.Ctx) (string, linux.Errno) {
	s, ok := l.real().Ops.(vfs.Symlinker)
	if !ok {
		return "", linux.EINVAL
	}
	return s.Readlink(layerCtx{ctx})
}

// special is a device node, fifo or socket; vfs opens it.
type special struct{ node }

// Open is not reached: vfs opens special files.
func (*special) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ENXIO }

// Setattr is vfs.InodeOps's.
func (s *special) Setattr(ctx vfs.Ctx, a vfs.SetAttr) linux.Errno { return s.setattr(ctx, a) }

// Extended attributes are the layer's. Those of the overlay itself are not shown; what is set here
// under their names is stored under others, so that an overlay's layer may be one (ovl_xattr_escape).

// xattrs are those of the real inode.
func (n *node) xattrs() (vfs.Xattrs, bool) {
	x, ok := n.real().Ops.(vfs.Xattrs)
	return x, ok
}

const escape = "overlay."

// inLayer is the name in a layer of what is called name here.
func (f *FS) inLayer(name string) string {
	if rest, ok := strings.CutPrefix(name, f.prefix); ok {
		return f.prefix + escape + rest
	}
	return name
}

// fromLayer is the opposite; false for what is not shown.
func (f *FS) fromLayer(name string) (string, bool) {
	rest, own := strings.CutPrefix(name, f.prefix)
	if !own {
		return name, true
	}
	rest, escaped := strings.CutPrefix(rest, escape)
	return f.prefix + rest, escaped
}

// Getxattr is vfs.Xattrs's.
func (n *node) Getxattr(ctx vfs.Ctx, name string) ([]byte, linux.Errno) {
	x, ok := n.xattrs()
	if !ok {
		return nil, linux.EOPNOTSUPP
	}
	return x.Getxattr(layerCtx{ctx}, n.fs.inLayer(name))
}

// Listxattr is vfs.Xattrs's.
func (n *node) Listxattr(ctx vfs.Ctx) ([]string, linux.Errno) {
	x, ok := n.xattrs()
	if !ok {
		return nil, 0
	}
	all, errno := x.Listxattr(layerCtx{ctx})
	var names []string
	for _, name := range all {
		if shown, ok := n.fs.fromLayer(name); ok {
			names = append(names, shown)
		}
	}
	return names, errno
}

// Setxattr is vfs.Xattrs's.
func (n *node) Setxattr(ctx vfs.Ctx, name string, value []byte, flags uint32) linux.Errno {
	if errno := n.copyUp(ctx, wholeFile); errno != 0 {
		return errno
	}
	x, ok := n.xattrs()
	if !ok {
		return linux.EOPNOTSUPP
	}
	if errno := x.Setxattr(layerCtx{ctx}, n.fs.inLayer(name), value, flags); errno != 0 {
		return errno
	}
	return n.Getattr(ctx)
}

// Removexattr is vfs.Xattrs's. An attribute that is not there is no reason to copy up.
func (n *node) Removexattr(ctx vfs.Ctx, name string) linux.Errno {
	if _, errno := n.Getxattr(ctx, name); errno != 0 {
		return errno
	}
	if errno := n.copyUp(ctx, wholeFile); errno != 0 {
		return errno
	}
	x, ok := n.xattrs()
	if !ok {
		return linux.EOPNOTSUPP
	}
	if errno := x.Removexattr(layerCtx{ctx}, n.fs.inLayer(name)); errno != 0 {
		return errno
	}
	return n.Getattr(ctx)
}
