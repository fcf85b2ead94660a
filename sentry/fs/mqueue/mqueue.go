// Package mqueue is POSIX message queues (mq_overview(7), ipc/mqueue.c): each IPC namespace has
// one file system of them, which mq_open(2) uses whether or not it is mounted.
//
//	mqueue.go  the file system
//	queue.go   a queue: sending, receiving
//	notify.go  mq_notify(2)
//	file.go    a queue as an open file
package mqueue

import (
	"runtime"
	"sort"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is the queues of one IPC namespace. When nobody holds it any more, the file system ends with
// its last mount.
type FS struct {
	*space
	mount *vfs.Mount // nowhere in the tree: mq_open(2)'s
}

// space is the file system itself; it does not know its FS.
type space struct {
	sb     *vfs.Super
	root   *dir
	userNS *auth.UserNS
	limits *ipc.Limits

	mu     lock.Mutex[lock.MessageQueues]
	ino    uint64
	queues int // those whose name is gone too, as long as they are open
}

const (
	magic     = 0x19800202
	entrySize = 20 // what a name adds to the directory's size
	fileSize  = 80 // of each queue
)

// New returns an empty file system; ns is the user namespace that owns the IPC namespace, whose limits
// count.
func New(ns *auth.UserNS, limits *ipc.Limits) *FS {
	sp := &space{ino: 1, userNS: ns, limits: limits}
	sp.sb = &vfs.Super{Type: "mqueue", Source: "mqueue", Dev: vfs.NewDev(), NoExec: true, NoDev: true}
	sp.sb.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	sp.root = &dir{fs: sp, queues: map[string]*queue{}}
	sp.root.Init(sp.root, sp.sb, 1, vfs.Attr{Mode: linux.S_IFDIR | linux.S_ISVTX | 0o777, Nlink: 2, Size: 2 * entrySize, Blksize: 4096})
	sp.sb.SetRoot(&sp.root.Inode)
	f := &FS{space: sp, mount: vfs.NewMount(sp.sb, 0)}
	runtime.AddCleanup(f, (*vfs.Mount).Put, f.mount)
	return f
}

// Super is what mount(2) shows.
func (f *FS) Super() *vfs.Super { return f.sb }

// at is where the names of queues are looked up.
func (f *FS) at() vfs.At {
	p := vfs.Path{Mount: f.mount, Dentry: f.sb.Root()}
	return vfs.At{Root: p, Start: p}
}

// checkName is what lookup_one_len allows.
func checkName(name string) linux.Errno {
	if name == "" {
		return linux.ENOENT
	}
	if name == "." || name == ".." {
		return linux.EACCES
	}
	for i := range len(name) {
		if name[i] == '/' {
			return linux.EACCES
		}
	}
	return 0
}

// opening is the context in which mq_open(2) creates: the queue's attributes go along.
type opening struct {
	vfs.Ctx
	attr *linux.MqAttr
}

// Open is mq_open(2); mode has been masked by the umask, attr may be nil.
func (f *FS) Open(ctx vfs.Ctx, name string, flags, mode uint32, attr *linux.MqAttr) (*vfs.File, linux.Errno) {
	if errno := checkName(name); errno != 0 {
		return nil, errno
	}
	flags &= linux.O_ACCMODE | linux.O_CREAT | linux.O_EXCL | linux.O_NONBLOCK | linux.O_CLOEXEC
	if flags&linux.O_ACCMODE == linux.O_ACCMODE {
		return nil, linux.EINVAL
	}
	return vfs.Open(opening{ctx, attr}, f.at(), name, vfs.OpenHow{Flags: flags, Mode: mode & 0o7777})
}

// Unlink is mq_unlink(2).
func (f *FS) Unlink(ctx vfs.Ctx, name string) linux.Errno {
	if errno := checkName(name); errno != 0 {
		return errno
	}
	return vfs.Unlink(ctx, f.at(), name, false)
}

// dir is the one directory. Its names are guarded by vfs's lock of it, and by mu for listings.
type dir struct {
	vfs.Inode
	fs *space

	mu     sync.Mutex
	queues map[string]*queue // each holds a reference
}

// Setattr is vfs.InodeOps's.
func (d *dir) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	d.Update(func(a *vfs.Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// Evict is vfs.Evicter's: the end of the file system.
func (d *dir) Evict() {
	for _, q := range d.queues {
		q.Put()
	}
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[name]
	if q == nil {
		return nil, linux.ENOENT
	}
	q.Get()
	return &q.Inode, 0
}

// Create is vfs.DirOps's: only queues can be made here.
func (d *dir) Create(ctx vfs.Ctx, name string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if a.Mode&linux.S_IFMT != linux.S_IFREG {
		return nil, linux.EPERM
	}
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	var want *linux.MqAttr
	if o, ok := ctx.(opening); ok {
		want = o.attr
	}
	q, errno := d.fs.newQueue(ctx, &a, want)
	if errno != 0 {
		return nil, errno
	}
	d.mu.Lock()
	d.queues[name] = q
	d.mu.Unlock()
	q.Get()
	d.changed(ctx, entrySize)
	return &q.Inode, 0
}

func (d *dir) changed(ctx vfs.Ctx, size int64) {
	now := ctx.Now()
	d.Update(func(a *vfs.Attr) {
		a.Size += size
		a.Atime, a.Mtime, a.Ctime = now, now, now
	})
}

// Link is not possible here.
func (*dir) Link(vfs.Ctx, string, *vfs.Inode) linux.Errno { return linux.EPERM }

// Unlink is vfs.DirOps's.
func (d *dir) Unlink(ctx vfs.Ctx, name string, child *vfs.Inode) linux.Errno {
	d.mu.Lock()
	q := d.queues[name]
	delete(d.queues, name)
	d.mu.Unlock()
	d.changed(ctx, -entrySize)
	child.Update(func(a *vfs.Attr) { a.Nlink = 0 })
	if q != nil {
		q.Put()
	}
	return 0
}

// Rename is not possible here.
func (*dir) Rename(vfs.Ctx, string, *vfs.Inode, *vfs.Inode, string, *vfs.Inode, uint32) linux.Errno {
	return linux.EPERM
}

// Open is vfs.InodeOps's.
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &listing{d: d}, 0 }

// listing is the open directory: its names are taken down when it is read from the beginning.
type listing struct {
	d    *dir
	have []vfs.Dirent
}

// Read is vfs.FileOps's.
func (*listing) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Write is vfs.FileOps's.
func (*listing) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Release is vfs.FileOps's.
func (*listing) Release(*vfs.File) {}

// Readdir is vfs.Dirents's.
func (l *listing) Readdir(_ vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	if off == 0 || l.have == nil {
		l.have = l.d.list(f.Path.Dentry.ParentIno())
	}
	for i := off; i < int64(len(l.have)); i++ {
		e := l.have[i]
		e.Next = i + 1
		if !emit(e) {
			break
		}
	}
	return 0
}

func (d *dir) list(parent uint64) []vfs.Dirent {
	all := []vfs.Dirent{{Name: ".", Ino: d.Ino, Type: linux.DT_DIR}, {Name: "..", Ino: parent, Type: linux.DT_DIR}}
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, q := range d.queues {
		all = append(all, vfs.Dirent{Name: name, Ino: q.Ino, Type: linux.DT_REG})
	}
	sort.Slice(all[2:], func(i, j int) bool { return all[2+i].Ino > all[2+j].Ino }) // the newest first
	return all
}
