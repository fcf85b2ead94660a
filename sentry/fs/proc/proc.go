// Package proc is procfs (proc(5), fs/proc): the kernel's state as files. Nothing is kept: every
// look-up makes inodes anew, and a file's text is made when it is read from its beginning.
//
//	proc.go    the file system, directories and files that are made on demand
//	root.go    the top directory
//	sysctl.go  /proc/sys
//	pid.go     /proc/PID and /proc/PID/task/TID
//	status.go  what their files say
//	fd.go      /proc/PID/fd, fdinfo
//	ns.go      /proc/PID/ns
//	links.go   links that lead straight to an object
package proc

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is one mount of proc: it shows the processes of a PID namespace.
type FS struct {
	k  *kernel.Kernel
	ns *kernel.PIDNS
	sb *vfs.Super
	// Facts of the host that are files there.
	host Host
}

// Host holds what some files repeat.
type Host struct {
	CPUInfo  string // the first processor's paragraph of /proc/cpuinfo
	BootTime int64  // seconds since the epoch
}

const magic = 0x9fa0

// New returns a proc that shows ns.
func New(k *kernel.Kernel, ns *kernel.PIDNS, host Host) *vfs.Super {
	f := &FS{k: k, ns: ns, host: host}
	f.sb = &vfs.Super{Type: "proc", Source: "proc", Dev: vfs.NewDev(), NoNegative: true, NoExec: true, NoDev: true}
	f.sb.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	root := f.dir("/", 0o555, f.rootEntries())
	root.more = processes{f}
	f.sb.SetRoot(&root.Inode)
	return f.sb
}

// ino is a stable inode number of a path.
func ino(path string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(path))
	return h.Sum64()>>16 | 1<<40
}

// node is what all inodes share. task is whose directory it lies in, nil above those.
type node struct {
	vfs.Inode
	fs   *FS
	path string
	task *kernel.Task
}

// Setattr is not allowed, as in Linux but for what nobody uses.
func (n *node) Setattr(vfs.Ctx, vfs.SetAttr) linux.Errno { return linux.EPERM }

// init fills a node in; of a task's it has the task's owner.
func (n *node) init(ops vfs.InodeOps, f *FS, path string, mode uint32, task *kernel.Task) {
	n.fs, n.path, n.task = f, path, task
	at := vfs.Attr{Mode: mode, Nlink: 1, Blksize: 1024}
	if mode&linux.S_IFMT == linux.S_IFDIR {
		at.Nlink = 2
	}
	at.Atime = f.k.Clock.Realtime()
	at.Mtime, at.Ctime = at.Atime, at.Atime
	n.Init(ops, f.sb, ino(path), at)
	n.own()
}

// own gives a task's node the task's owner, root if it may not be looked into.
func (n *node) own() {
	if n.task == nil {
		return
	}
	var c auth.Cred
	if n.task.Group().Dumpable() == 1 {
		c = *n.task.Cred()
	}
	n.Update(func(a *vfs.Attr) { a.UID, a.GID = c.Euid, c.Egid })
}

// Getattr is vfs.Getattrer's.
func (n *node) Getattr(vfs.Ctx) linux.Errno {
	n.own()
	return 0
}

// is returns the node that an inode of this file system is.
func (n *node) is() *node { return n }

// entry makes the inode of one name.
type entry struct {
	name string
	typ  uint8
	make func(path string) *vfs.Inode
}

// lister gives a directory's entries that are not fixed.
type lister interface {
	lookup(ctx vfs.Ctx, name string) (*vfs.Inode, linux.Errno)
	list(ctx vfs.Ctx) []entry
}

// dir is a directory.
type dir struct {
	node
	entries []entry
	more    lister
}

func (f *FS) dir(path string, perm uint32, entries []entry) *dir {
	d := &dir{entries: entries}
	d.init(d, f, path, linux.S_IFDIR|perm, nil)
	return d
}

func (f *FS) taskDir(path string, perm uint32, t *kernel.Task, entries []entry) *dir {
	d := &dir{entries: entries}
	d.init(d, f, path, linux.S_IFDIR|perm, t)
	return d
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(ctx vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	for i := range d.entries {
		if d.entries[i].name == name {
			if in := d.entries[i].make(d.join(name)); in != nil {
				return in, 0
			}
			return nil, linux.ENOENT
		}
	}
	if d.more != nil {
		return d.more.lookup(ctx, name)
	}
	return nil, linux.ENOENT
}

// Valid is vfs.Revalidator's: what is fixed stays; a process is what it was as long as its number
// is its own; descriptors are looked up each time.
func (d *dir) Valid(_ vfs.Ctx, name string, child *vfs.Inode) bool {
	if child == nil {
		return false
	}
	n := child.Ops.(interface{ is() *node }).is()
	switch d.more.(type) {
	case processes, threads:
		if n.task == nil {
			return true
		}
		nr, _ := strconv.ParseUint(name, 10, 31)
		return d.fs.k.TaskIn(d.fs.ns, int32(nr)) == n.task
	case fds:
		return false
	}
	return true
}

func (d *dir) join(name string) string { return strings.TrimSuffix(d.path, "/") + "/" + name }

// Create is not possible here.
func (*dir) Create(vfs.Ctx, string, vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	return nil, linux.ENOENT
}

// Link is not possible here.
func (*dir) Link(vfs.Ctx, string, *vfs.Inode) linux.Errno { return linux.EPERM }

// Unlink is not possible here.
func (*dir) Unlink(vfs.Ctx, string, *vfs.Inode) linux.Errno { return linux.EPERM }

// Rename is not possible here.
func (*dir) Rename(vfs.Ctx, string, *vfs.Inode, *vfs.Inode, string, *vfs.Inode, uint32) linux.Errno {
	return linux.EPERM
}

// Open is vfs.InodeOps's.
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &listing{d: d}, 0 }

// listing is an open directory: what it holds is taken down when it is read from its beginning.
type listing struct {
	d    *dir
	have []entry
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
func (l *listing) Readdir(ctx vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	if off == 0 || l.have == nil {
		l.have = append([]entry{{name: "."}, {name: ".."}}, l.d.entries...)
		if l.d.more != nil {
			l.have = append(l.have, l.d.more.list(ctx)...)
		}
	}
	for i := off; i < int64(len(l.have)); i++ {
		e := &l.have[i]
		d := vfs.Dirent{Name: e.name, Ino: ino(l.d.join(e.name)), Type: e.typ, Next: i + 1}
		switch i {
		case 0:
			d.Ino, d.Type = l.d.Ino, linux.DT_DIR
		case 1:
			d.Ino, d.Type = f.Path.Dentry.ParentIno(), linux.DT_DIR
		}
		if !emit(d) {
			return 0
		}
	}
	return 0
}

// file is a file whose text is made when it is read.
type file struct {
	node
	text  func(ctx vfs.Ctx) (string, linux.Errno)
	write func(ctx vfs.Ctx, s string) linux.Errno // nil: read only
	// secret files need the rights of a debugger to be opened.
	secret bool
}

// Open is vfs.InodeOps's.
func (f *file) Open(ctx vfs.Ctx, _ *vfs.File) (vfs.FileOps, linux.Errno) {
	if f.secret && !mayLook(ctx, f.task) {
		return nil, linux.EACCES
	}
	return &open{f: f}, 0
}

// mayLook tells whether the caller could trace t.
func mayLook(ctx vfs.Ctx, t *kernel.Task) bool {
	c, ok := ctx.(*kernel.Task)
	return !ok || t == nil || c.MayAccess(t, false)
}

// open is an open file with the text it had when it was read from its beginning.
type open struct {
	f    *file
	text string
	have bool
}

// Read is vfs.FileOps's.
func (o *open) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	if !o.have || off == 0 {
		if o.f.text == nil {
			return 0, linux.EINVAL
		}
		s, errno := o.f.text(ctx)
		if errno != 0 {
			return 0, errno
		}
		o.text, o.have = s, true
	}
	if off >= int64(len(o.text)) {
		return 0, 0
	}
	return dst.CopyOut([]byte(o.text[off:]))
}

// maxWrite bounds what is written to a file here.
const maxWrite = 4096

// Write is vfs.FileOps's.
func (o *open) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	if o.f.write == nil {
		return 0, linux.EIO
	}
	b := make([]byte, min(src.Len(), maxWrite))
	n, errno := src.CopyIn(b)
	if errno != 0 {
		return 0, errno
	}
	if errno := o.f.write(ctx, string(b[:n])); errno != 0 {
		return 0, errno
	}
	return n, 0
}

// Release is vfs.FileOps's.
func (*open) Release(*vfs.File) {}

// reg is the entry of a file that everybody may read.
func (f *FS) reg(name string, text func() string) entry {
	return f.ctl(name, 0o444, func(vfs.Ctx) (string, linux.Errno) { return text(), 0 }, nil)
}

// ctl is the entry of a file that may be written as well.
func (f *FS) ctl(name string, perm uint32, text func(vfs.Ctx) (string, linux.Errno), write func(vfs.Ctx, string) linux.Errno) entry {
	return entry{name, linux.DT_REG, func(path string) *vfs.Inode {
		i := &file{text: text, write: write}
		i.init(i, f, path, linux.S_IFREG|perm, nil)
		return &i.Inode
	}}
}

// sub is the entry of a directory of fixed entries.
func (f *FS) sub(name string, entries ...entry) entry {
	return entry{name, linux.DT_DIR, func(path string) *vfs.Inode { return &f.dir(path, 0o555, entries).Inode }}
}

// symlink is a link to a path.
type symlink struct {
	node
	target func(ctx vfs.Ctx) (string, linux.Errno)
}

// Open is not possible: vfs follows links.
func (*symlink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Readlink is vfs.Symlinker's.
func (l *symlink) Readlink(ctx vfs.Ctx) (string, linux.Errno) { return l.target(ctx) }

func (f *FS) link(name string, target func(ctx vfs.Ctx) (string, linux.Errno)) entry {
	return entry{name, linux.DT_LNK, func(path string) *vfs.Inode {
		l := &symlink{target: target}
		l.init(l, f, path, linux.S_IFLNK|0o777, nil)
		return &l.Inode
	}}
}
