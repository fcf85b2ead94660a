// Package devpts is pseudo-terminals (pty(7), drivers/tty): a file system of slaves, the ptmx device,
// and the line discipline.
//
//	devpts.go  the file system
//	pty.go     a pair: both ends as files
//	line.go    the line discipline (n_tty.c)
//	ioctl.go   requests
package devpts

import (
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is one devpts.
type FS struct {
	sb   *vfs.Super
	root *dir

	mode, ptmxMode uint32
	gid            int64 // -1: the opener's

	mu   sync.Mutex
	ptys map[int]*pty
}

const (
	magic   = 0x1cd1
	maxPtys = 4096
)

// newest is the file system that device nodes 5:2 elsewhere lead to: the one mounted first.
var newest struct {
	sync.Mutex
	fs *FS
}

// New returns a devpts with the options of mount(8): mode, ptmxmode, gid, uid, newinstance, max.
func New(data string) (*vfs.Super, linux.Errno) {
	f := &FS{ptys: map[int]*pty{}, mode: 0o600, gid: -1}
	for _, word := range strings.Split(data, ",") {
		name, value, _ := strings.Cut(word, "=")
		base := 10
		if strings.HasSuffix(name, "mode") {
			base = 8
		}
		n, err := strconv.ParseUint(value, base, 32)
		switch name {
		case "", "newinstance":
			continue
		case "mode":
			f.mode = uint32(n) & 0o777
		case "ptmxmode":
			f.ptmxMode = uint32(n) & 0o777
		case "gid":
			f.gid = int64(n)
		case "uid", "max":
		default:
			return nil, linux.EINVAL
		}
		if err != nil {
			return nil, linux.EINVAL
		}
	}
	f.sb = &vfs.Super{Type: "devpts", Source: "devpts", Dev: vfs.NewDev(), NoDcache: true, NoExec: true}
	f.sb.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	f.sb.Options = func() string {
		s := "mode=" + strconv.FormatUint(uint64(f.mode), 8) + ",ptmxmode=" + strconv.FormatUint(uint64(f.ptmxMode)|1<<12, 8)[1:]
		if f.gid >= 0 {
			s = "gid=" + strconv.FormatInt(f.gid, 10) + "," + s
		}
		return s
	}
	f.root = &dir{fs: f}
	f.root.Init(f.root, f.sb, 1, vfs.Attr{Mode: linux.S_IFDIR | 0o755, Nlink: 2, Blksize: 1024})
	f.sb.SetRoot(&f.root.Inode)
	newest.Lock()
	if newest.fs == nil {
		newest.fs = f
	}
	newest.Unlock()
	return f.sb, 0
}

// OpenPtmx is the device 5:2 of any file system.
func OpenPtmx(ctx vfs.Ctx, vf *vfs.File) (vfs.FileOps, linux.Errno) {
	newest.Lock()
	f := newest.fs
	newest.Unlock()
	if f == nil {
		return nil, linux.ENXIO
	}
	return f.openPtmx(ctx)
}

// openPtmx makes a pair and returns its master.
func (f *FS) openPtmx(ctx vfs.Ctx) (vfs.FileOps, linux.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for f.ptys[n] != nil {
		n++
	}
	if n >= maxPtys {
		return nil, linux.ENOSPC
	}
	p := newPty(f, n)
	c, now := ctx.Cred(), ctx.Now()
	gid := c.Fsgid
	if f.gid >= 0 {
		gid = auth.GID(f.gid)
	}
	p.node = &slaveNode{p: p}
	p.node.Init(p.node, f.sb, uint64(n+3), vfs.Attr{
		Mode: linux.S_IFCHR | f.mode, Nlink: 1, UID: c.Fsuid, GID: gid, Rdev: vfs.MakeDev(136, uint32(n)), Blksize: 1024, Atime: now, Mtime: now, Ctime: now,
	})
	f.ptys[n] = p
	return &master{p}, 0
}

// drop forgets a pair whose master is closed.
func (f *FS) drop(n int) {
	f.mu.Lock()
	p := f.ptys[n]
	delete(f.ptys, n)
	f.mu.Unlock()
	if p != nil {
		p.node.Put()
	}
}

// slaveNode is /dev/pts/N.
type slaveNode struct {
	vfs.Inode
	p *pty
}

// Open is not reached: it is a device.
func (*slaveNode) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ENXIO }

// Setattr is vfs.InodeOps's.
func (s *slaveNode) Setattr(ctx vfs.Ctx, a vfs.SetAttr) linux.Errno {
	s.Update(func(at *vfs.Attr) { a.Apply(at, ctx.Now()) })
	return 0
}

// OpenDevice is vfs.DeviceOpener's.
func (s *slaveNode) OpenDevice(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	return s.p.openSlave(ctx, f)
}

// ptmxNode is /dev/pts/ptmx.
type ptmxNode struct {
	vfs.Inode
	fs *FS
}

// Open is not reached: it is a device.
func (*ptmxNode) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ENXIO }

// Setattr is vfs.InodeOps's.
func (s *ptmxNode) Setattr(ctx vfs.Ctx, a vfs.SetAttr) linux.Errno {
	s.Update(func(at *vfs.Attr) { a.Apply(at, ctx.Now()) })
	return 0
}

// OpenDevice is vfs.DeviceOpener's.
func (s *ptmxNode) OpenDevice(ctx vfs.Ctx, _ *vfs.File) (vfs.FileOps, linux.Errno) {
	return s.fs.openPtmx(ctx)
}

// dir is the one directory.
type dir struct {
	vfs.Inode
	fs   *FS
	once sync.Once
	ptmx *ptmxNode
}

// Setattr is vfs.InodeOps's.
func (d *dir) Setattr(vfs.Ctx, vfs.SetAttr) linux.Errno { return linux.EPERM }

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	if name == "ptmx" {
		d.once.Do(func() {
			d.ptmx = &ptmxNode{fs: d.fs}
			d.ptmx.Init(d.ptmx, d.fs.sb, 2, vfs.Attr{Mode: linux.S_IFCHR | d.fs.ptmxMode, Nlink: 1, Rdev: vfs.MakeDev(5, 2), Blksize: 1024})
		})
		d.ptmx.Get()
		return &d.ptmx.Inode, 0
	}
	n, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(n) != name {
		return nil, linux.ENOENT
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	p := d.fs.ptys[n]
	if p == nil {
		return nil, linux.ENOENT
	}
	p.node.Get()
	return &p.node.Inode, 0
}

// Create is not possible here.
func (*dir) Create(vfs.Ctx, string, vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	return nil, linux.EACCES
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
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return listing{d}, 0 }

type listing struct{ d *dir }

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
	all := []vfs.Dirent{{Name: ".", Ino: 1, Type: linux.DT_DIR}, {Name: "..", Ino: f.Path.Dentry.ParentIno(), Type: linux.DT_DIR}, {Name: "ptmx", Ino: 2, Type: linux.DT_CHR}}
	l.d.fs.mu.Lock()
	var ns []int
	for n := range l.d.fs.ptys {
		ns = append(ns, n)
	}
	l.d.fs.mu.Unlock()
	sort.Ints(ns)
	for _, n := range ns {
		all = append(all, vfs.Dirent{Name: strconv.Itoa(n), Ino: uint64(n + 3), Type: linux.DT_CHR})
	}
	for i := off; i < int64(len(all)); i++ {
		e := all[i]
		e.Next = i + 1
		if !emit(e) {
			break
		}
	}
	return 0
}
