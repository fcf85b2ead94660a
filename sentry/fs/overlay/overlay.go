// Package overlay shows several directories as one: an upper one, where all changes go, over any
// number of lower ones, which are never changed (Documentation/filesystems/overlayfs.rst). It
// serves mount(2) inside the sandbox and, with a tmpfs as the upper directory, makes a root that
// can be written over one that cannot.
//
// An inode here stands for one of the upper layer, or one of a lower layer, which is copied up
// before the first change, or for a directory in several layers. All names and contents are in the
// layers: what of them an upper directory needs to remember of lower ones is in whiteouts (character
// devices 0/0) and in extended attributes (opaque, redirect, origin).
//
// What differs from Linux: with metacopy=on contents are copied up with the attributes still, and
// index=on keeps no index (as Linux does where the upper file system has no file handles), so hard
// links of a lower file part when one is changed.
//
//	overlay.go  the file system, the table of inodes
//	options.go  mount options
//	mount.go    the layers, checked
//	node.go     what inodes share: attributes, extended attributes
//	copyup.go   copies into the upper layer
//	lookup.go   names found in the layers
//	change.go   names made, removed, renamed
//	list.go     directories read
//	file.go     regular files
//
// Locks: vfs's of a directory here, node.up, vfs's of directories of the layers; FS.mu and node.mu
// are leaves.
package overlay

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is one overlay.
type FS struct {
	sb     *vfs.Super
	layers []*layer    // the lower ones, the top one first
	upper  *vfs.Mount  // nil: nothing can be changed
	work   *vfs.Dentry // a directory of upper's file system for what is not named yet; may be nil

	supers  []*vfs.Super // of the layers, for inode numbers: the first's are shown as they are
	devs    map[*vfs.Super]int
	mounter *auth.Cred
	prefix  string // of extended attributes: trusted.overlay. or user.overlay.
	noXattr bool   // the upper layer can hold none of them
	config  config
	plain   bool          // no lower layer was an upper one ever
	temp    atomic.Uint64 // numbers names in work

	mu     sync.Mutex
	byReal map[*vfs.Inode]kind
}

// layer is a lower directory.
type layer struct {
	index int
	mount *vfs.Mount
	root  *vfs.Inode
}

const magic = 0x794c7630

// layerCtx is the caller at work in a layer, where nothing is forbidden: what was asked for has been
// checked here.
type layerCtx struct{ vfs.Ctx }

// reader is the caller who only reads in a layer: unlike a layerCtx it is not allocated.
func reader(ctx vfs.Ctx) vfs.Ctx { return vfs.KernelCtx{W: ctx.Waiter()} }

// Cred is the kernel's.
func (layerCtx) Cred() *auth.Cred { return vfs.KernelCtx{}.Cred() }

// MountNS is none: what is mounted on a name of a layer does not keep it.
func (layerCtx) MountNS() *vfs.MountNS { return nil }

// Limit is infinite.
func (layerCtx) Limit(int) uint64 { return ^uint64(0) }

// found is what the layers have of a name; its holder has a reference on each.
type found struct {
	upper  *vfs.Dentry
	lower  *vfs.Inode // of what is no directory and not in the upper layer
	lowers []lowerDir
	ino    uint64 // what the inode's number was before it was copied up; 0: look at the inode
}

// lowerDir is a directory of a lower layer.
type lowerDir struct {
	layer *layer
	inode *vfs.Inode
}

// real is the inode whose attributes are shown.
func (f *found) real() *vfs.Inode {
	switch {
	case f.upper != nil:
		return f.upper.Inode()
	case f.lower != nil:
		return f.lower
	}
	return f.lowers[0].inode
}

// put gives the references back.
func (f *found) put() {
	if f.upper != nil {
		f.upper.Put()
	}
	if f.lower != nil {
		f.lower.Put()
	}
	for _, l := range f.lowers {
		l.inode.Put()
	}
}

// get returns the inode of what was found as name in parent, with a reference; it takes over f's.
func (f *FS) get(ctx vfs.Ctx, what *found, parent *dir, name string) (*vfs.Inode, linux.Errno) {
	real := what.real()
	a, errno := real.Stat(layerCtx{ctx})
	if errno != 0 {
		what.put()
		return nil, errno
	}
	// The names of a lower file are copied up apart.
	shared := what.upper != nil || real.IsDir() || a.Nlink <= 1
	f.mu.Lock()
	if k := f.byReal[real]; shared && k != nil && k.base().TryGet() {
		f.mu.Unlock()
		what.put()
		return &k.base().Inode, 0
	}
	defer f.mu.Unlock()
	i := f.make(what, a, parent, name)
	if shared {
		f.byReal[real] = i.Ops.(kind)
	}
	return i, 0
}

// make makes an inode, whose table is locked.
func (f *FS) make(what *found, a vfs.Attr, parent *dir, name string) *vfs.Inode {
	var k kind
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFDIR:
		d := &dir{lowers: what.lowers}
		if what.upper != nil {
			what.upper.Get()
			d.place.Store(what.upper)
		}
		k = d
	case linux.S_IFREG:
		k = &file{}
	case linux.S_IFLNK:
		k = &symlink{}
	default:
		k = &special{}
	}
	n := k.base()
	n.fs, n.self, n.lower, n.parent, n.name = f, k, what.lower, parent, name
	if parent != nil {
		parent.Get()
	}
	if what.upper != nil {
		up := what.upper.Inode()
		up.Get()
		n.upper.Store(up)
		what.upper.Put()
	}
	ino := what.ino
	if ino == 0 {
		ino = f.number(what.real())
	}
	n.shown(&a)
	n.Init(k, f.sb, ino, a)
	return &n.Inode
}

// number is the inode number to show for one of a layer.
func (f *FS) number(i *vfs.Inode) uint64 { return f.numberOf(i.SB, i.Ino) }

func (f *FS) numberOf(sb *vfs.Super, ino uint64) uint64 { return ino ^ uint64(f.devs[sb])<<57 }

// forget takes an inode that is going out of the table.
func (f *FS) forget(n *node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, real := range []*vfs.Inode{n.upper.Load(), n.below()} {
		if real != nil && f.byReal[real] == n.self {
			delete(f.byReal, real)
		}
	}
}

// raised notes that n is in the upper layer now.
func (f *FS) raised(n *node, up *vfs.Inode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if low := n.below(); low != nil && f.byReal[low] == n.self {
		delete(f.byReal, low)
	}
	f.byReal[up] = n.self
}

// release ends the overlay after its last mount.
func (f *FS) release() {
	if f.work != nil {
		f.work.Put()
	}
	if f.upper != nil {
		f.upper.Put()
	}
	for _, l := range f.layers {
		l.mount.Put()
	}
}
