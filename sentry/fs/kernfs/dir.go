package kernfs

import (
	"slices"
	"strings"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Dir is a directory.
type Dir struct {
	node
	Perm uint32 // 0: 0555
	// Mkdir makes a directory for a new name, which is added once it is filled; nil: EPERM.
	Mkdir func(ctx vfs.Ctx, name string) (*Dir, linux.Errno)
	// Rmdir says whether a directory may go, and lets go of what it stands for; nil: EPERM.
	Rmdir func(ctx vfs.Ctx, name string, child *Dir) linux.Errno
	// More names further entries just before they are looked for; may be nil.
	More func() map[string]Node

	tree *Tree

	mu    sync.Mutex
	names []string // sorted
	nodes map[string]Node
}

// NewDir returns a directory of entries. A name may be a path: the directories on it are made.
func NewDir(entries map[string]Node) *Dir {
	d := &Dir{nodes: map[string]Node{}}
	for name, n := range entries {
		d.add(name, n)
	}
	return d
}

// add puts a node at a path while the tree is built.
func (d *Dir) add(path string, n Node) {
	name, rest, deeper := strings.Cut(path, "/")
	if !deeper {
		if old, ok := d.nodes[name].(*Dir); ok {
			if _, dir := n.(*Dir); dir { // made for a path before
				for _, x := range n.(*Dir).names {
					old.add(x, n.(*Dir).nodes[x])
				}
				return
			}
		}
		d.put(name, n)
		return
	}
	sub, ok := d.nodes[name].(*Dir)
	if !ok {
		sub = NewDir(nil)
		d.put(name, sub)
	}
	sub.add(rest, n)
}

func (d *Dir) put(name string, n Node) {
	d.nodes[name] = n
	i, _ := slices.BinarySearch(d.names, name)
	d.names = slices.Insert(d.names, i, name)
}

func (d *Dir) attach(t *Tree, uid auth.UID, gid auth.GID) {
	perm := d.Perm
	if perm == 0 {
		perm = 0o555
	}
	d.tree = t
	d.start(d, t, linux.S_IFDIR|perm, uid, gid)
	for _, name := range d.names {
		d.nodes[name].attach(t, uid, gid)
		d.count(d.nodes[name], 1)
	}
}

// count keeps the links of a directory: one for each directory in it.
func (d *Dir) count(n Node, by int) {
	if _, ok := n.(*Dir); ok {
		d.Update(func(a *vfs.Attr) { a.Nlink = uint32(int(a.Nlink) + by) })
	}
}

// Node returns the entry of a name, nil if there is none.
func (d *Dir) Node(name string) Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nodes[name]
}

// refresh takes in what More names, and lets go of what it names no more.
func (d *Dir) refresh() {
	if d.More == nil {
		return
	}
	now := d.More()
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, n := range d.nodes {
		if now[name] == nil {
			delete(d.nodes, name)
			d.names = slices.DeleteFunc(d.names, func(s string) bool { return s == name })
			d.count(n, -1)
		}
	}
	for name, n := range now {
		if d.nodes[name] == nil {
			n.attach(d.tree, 0, 0)
			d.put(name, n)
			d.count(n, 1)
		}
	}
}

// Lookup is vfs.DirOps's.
func (d *Dir) Lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	d.refresh()
	n := d.Node(name)
	if n == nil {
		return nil, linux.ENOENT
	}
	n.inode().Get()
	return n.inode(), 0
}

// Valid is vfs.Revalidator's.
func (d *Dir) Valid(_ vfs.Ctx, name string, child *vfs.Inode) bool {
	d.refresh()
	n := d.Node(name)
	if n == nil || child == nil {
		return n == nil && child == nil
	}
	return n.inode() == child
}

// Create is vfs.DirOps's: only directories, and where the directory has a way.
func (d *Dir) Create(ctx vfs.Ctx, name string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	switch {
	case d.gone.Load():
		return nil, linux.ENODEV
	case a.Mode&linux.S_IFMT == linux.S_IFREG:
		return nil, linux.EACCES
	case a.Mode&linux.S_IFMT != linux.S_IFDIR || d.Mkdir == nil:
		return nil, linux.EPERM
	}
	n, errno := d.Mkdir(ctx, name)
	if errno != 0 {
		return nil, errno
	}
	n.Perm = a.Mode & 0o7777
	n.attach(d.tree, a.UID, a.GID)
	d.mu.Lock()
	d.put(name, n)
	d.mu.Unlock()
	d.count(n, 1)
	n.Get()
	return &n.Inode, 0
}

// Link is not possible here.
func (*Dir) Link(vfs.Ctx, string, *vfs.Inode) linux.Errno { return linux.EPERM }

// Unlink is vfs.DirOps's: a directory goes with what is in it.
func (d *Dir) Unlink(ctx vfs.Ctx, name string, child *vfs.Inode) linux.Errno {
	n, ok := child.Ops.(*Dir)
	if !ok || d.Rmdir == nil {
		return linux.EPERM
	}
	if errno := d.Rmdir(ctx, name, n); errno != 0 {
		return errno
	}
	d.mu.Lock()
	delete(d.nodes, name)
	d.names = slices.DeleteFunc(d.names, func(s string) bool { return s == name })
	d.mu.Unlock()
	d.count(n, -1)
	n.remove()
	return 0
}

// remove marks everything below as gone.
func (d *Dir) remove() {
	d.gone.Store(true)
	d.Update(func(a *vfs.Attr) { a.Nlink = 0 })
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.nodes {
		switch n := n.(type) {
		case *File:
			n.gone.Store(true)
			n.Changed()
		case *Dir:
			n.remove()
		}
	}
}

// Rename is not possible here.
func (*Dir) Rename(vfs.Ctx, string, *vfs.Inode, *vfs.Inode, string, *vfs.Inode, uint32) linux.Errno {
	return linux.EPERM
}

// Open is vfs.InodeOps's.
func (d *Dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return listing{d}, 0 }

// listing is an open directory: entries in the order of their names, at their position in it.
type listing struct{ d *Dir }

// Read is vfs.FileOps's.
func (listing) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Write is vfs.FileOps's.
func (listing) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Release is vfs.FileOps's.
func (listing) Release(*vfs.File) {}

// Readdir is vfs.Dirents's.
func (l listing) Readdir(_ vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	d := l.d
	if off < 2 {
		d.refresh()
	}
	d.mu.Lock()
	list := []vfs.Dirent{{Name: ".", Ino: d.Ino, Type: linux.DT_DIR}, {Name: "..", Type: linux.DT_DIR}}
	for _, name := range d.names {
		in := d.nodes[name].inode()
		list = append(list, vfs.Dirent{Name: name, Ino: in.Ino, Type: uint8(in.Type() >> 12)})
	}
	d.mu.Unlock()
	list[1].Ino = f.Path.Dentry.ParentIno()
	for i := off; i < int64(len(list)); i++ {
		list[i].Next = i + 1
		if !emit(list[i]) {
			return 0
		}
	}
	return 0
}
