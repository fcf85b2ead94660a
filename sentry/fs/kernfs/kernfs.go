// Package kernfs is what sysfs and cgroup2 have in common (fs/kernfs): a tree of nodes that are
// kept, whose files say and do what the functions behind them do. Owners and modes of nodes can
// be changed and last as long as the file system; nothing can be made or removed but directories,
// where a directory says how.
package kernfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Tree is one such file system.
type Tree struct {
	Super    *vfs.Super
	FileSize int64 // what stat(2) says of files

	ino atomic.Uint64
}

// New returns a file system of a type with the top directory root. fileSize is the size that
// stat(2) shows of files.
func New(typ string, magic, fileSize int64, root *Dir) *Tree {
	t := &Tree{FileSize: fileSize}
	t.Super = &vfs.Super{Type: typ, Source: typ, Dev: vfs.NewDev(), NoExec: true, NoDev: true}
	t.Super.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	root.attach(t, 0, 0)
	t.Super.SetRoot(&root.Inode)
	return t
}

// Node is a *Dir, a *File or a *Link.
type Node interface {
	attach(t *Tree, uid auth.UID, gid auth.GID)
	inode() *vfs.Inode
}

// node is what all have.
type node struct {
	vfs.Inode
	gone atomic.Bool // the directory it lies in is removed
}

func (n *node) inode() *vfs.Inode { return &n.Inode }

func (n *node) start(ops vfs.InodeOps, t *Tree, mode uint32, uid auth.UID, gid auth.GID) {
	now := vfs.KernelCtx{}.Now()
	at := vfs.Attr{Mode: mode, Nlink: 1, UID: uid, GID: gid, Blksize: 4096, Atime: now, Mtime: now, Ctime: now}
	switch mode & linux.S_IFMT {
	case linux.S_IFDIR:
		at.Nlink = 2
	case linux.S_IFREG:
		at.Size = t.FileSize
	}
	n.Init(ops, t.Super, t.ino.Add(1), at)
}

// Setattr changes owner, mode and times; a size is without effect (kernfs_iop_setattr).
func (n *node) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	s.Mask &^= vfs.AttrSize
	n.Update(func(a *vfs.Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// File is a file. Without Show it cannot be read, without Store not written.
type File struct {
	node
	Perm  uint32
	Show  func(ctx vfs.Ctx) (string, linux.Errno)
	Store func(ctx vfs.Ctx, s string) linux.Errno

	changes atomic.Uint64
	queue   wait.Queue
}

// Text is a file that says what text returns.
func Text(text func() string) *File {
	return &File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) { return text(), 0 }}
}

// Fixed is a file that always says the same.
func Fixed(text string) *File { return Text(func() string { return text }) }

func (f *File) attach(t *Tree, uid auth.UID, gid auth.GID) {
	f.start(f, t, linux.S_IFREG|f.Perm, uid, gid)
}

// Changed tells those who poll the file that it says something new (kernfs_notify).
func (f *File) Changed() {
	f.changes.Add(1)
	f.queue.Notify(wait.Pri | wait.Err)
}

// Open is vfs.InodeOps's: what cannot be is EACCES, whoever asks (kernfs_fop_open).
func (f *File) Open(_ vfs.Ctx, vf *vfs.File) (vfs.FileOps, linux.Errno) {
	if vf.Mode&vfs.ModeRead != 0 && f.Show == nil || vf.Mode&vfs.ModeWrite != 0 && f.Store == nil {
		return nil, linux.EACCES
	}
	o := &open{f: f}
	o.seen.Store(f.changes.Load())
	return o, 0
}

// open is an open file with the text it had when it was read from its beginning.
type open struct {
	f    *File
	mu   sync.Mutex
	text string
	have bool
	seen atomic.Uint64
}

// Read is vfs.FileOps's.
func (o *open) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	if o.f.gone.Load() {
		return 0, linux.ENODEV
	}
	o.mu.Lock()
	if !o.have || off == 0 {
		o.seen.Store(o.f.changes.Load())
		s, errno := o.f.Show(ctx)
		if errno != 0 {
			o.mu.Unlock()
			return 0, errno
		}
		o.text, o.have = s, true
	}
	text := o.text
	if off >= int64(len(text)) {
		o.text, o.have = "", false // nothing is kept beyond the end
	}
	o.mu.Unlock()
	if off >= int64(len(text)) {
		return 0, 0
	}
	return dst.CopyOut([]byte(text[off:]))
}

// maxWrite bounds what is written at once.
const maxWrite = 4096

// Write is vfs.FileOps's.
func (o *open) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	if o.f.gone.Load() {
		return 0, linux.ENODEV
	}
	if src.Len() > maxWrite {
		return 0, linux.E2BIG
	}
	b := make([]byte, src.Len())
	n, errno := src.CopyIn(b)
	if errno != 0 {
		return 0, errno
	}
	if errno := o.f.Store(ctx, string(b[:n])); errno != 0 {
		return 0, errno
	}
	return n, 0
}

// Poll is vfs.Poller's: always ready, with an exception once the file has changed since it was read
// (kernfs_generic_poll).
func (o *open) Poll(*vfs.File) wait.Event {
	e := wait.In | wait.Out | wait.RdNorm | wait.WrNorm
	if o.seen.Load() != o.f.changes.Load() || o.f.gone.Load() {
		e |= wait.Err | wait.Pri
	}
	return e
}

// Queue is vfs.Poller's.
func (o *open) Queue(*vfs.File) *wait.Queue { return &o.f.queue }

// Seek is vfs.Seeker's: not from the end.
func (o *open) Seek(_ vfs.Ctx, f *vfs.File, off int64, whence int) (int64, linux.Errno) {
	switch whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		off += f.PosLocked()
	default:
		return 0, linux.EINVAL
	}
	if off < 0 {
		return 0, linux.EINVAL
	}
	return off, 0
}

// Release is vfs.FileOps's.
func (*open) Release(*vfs.File) {}

// Link is a symbolic link.
type Link struct {
	node
	Target string
}

func (l *Link) attach(t *Tree, uid auth.UID, gid auth.GID) {
	l.start(l, t, linux.S_IFLNK|0o777, uid, gid)
}

// Open is not possible: vfs follows links.
func (*Link) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Readlink is vfs.Symlinker's.
func (l *Link) Readlink(vfs.Ctx) (string, linux.Errno) { return l.Target, 0 }
