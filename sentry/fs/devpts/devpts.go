// Package devpts is pseudo-terminals (pty(7), drivers/tty): a file system of slaves, the ptmx device,
// and the line discipline.
//
//	devpts.go  the file system
//	pty.go     a pair
//	master.go  the end of the terminal's program, as a file
//	slave.go   the terminal, as a file
//	line.go    the line discipline (n_tty.c): input
//	output.go  likewise: output and echo
//	termios.go its settings
//	ioctl.go   requests
package devpts

import (
	"fmt"
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
	uid, gid       int64 // -1: the opener's
	max            int   // pairs

	mu   sync.Mutex
	ptys map[int]*pty
}

const (
	magic   = 0x1cd1
	maxPtys = 4096
)

// New returns a devpts with the options of mount(8): mode, ptmxmode, uid, gid, newinstance, max.
func New(data string) (*vfs.Super, linux.Errno) {
	f := &FS{ptys: map[int]*pty{}}
	if errno := f.configure(data); errno != 0 {
		return nil, errno
	}
	f.sb = &vfs.Super{Type: "devpts", Source: "devpts", Dev: vfs.NewDev(), NoDcache: true, NoExec: true, Options: f.options}
	f.sb.Reconfigure = func(_ vfs.Ctx, data string) linux.Errno { return f.configure(data) }
	f.sb.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	f.root = &dir{fs: f}
	f.root.Init(f.root, f.sb, 1, vfs.Attr{Mode: linux.S_IFDIR | 0o755, Nlink: 2, Blksize: 1024})
	f.sb.SetRoot(&f.root.Inode)
	return f.sb, 0
}

// configure takes the options; those that data does not name get their defaults.
func (f *FS) configure(data string) linux.Errno {
	mode, ptmxMode, uid, gid, most := uint64(0o600), uint64(0), int64(-1), int64(-1), maxPtys
	for _, word := range strings.Split(data, ",") {
		name, value, _ := strings.Cut(word, "=")
		if name == "" || name == "newinstance" {
			continue
		}
		base := 10
		if strings.HasSuffix(name, "mode") {
			base = 8
		}
		n, err := strconv.ParseUint(value, base, 31)
		if err != nil {
			return linux.EINVAL
		}
		switch name {
		case "mode":
			mode = n & 0o7777
		case "ptmxmode":
			ptmxMode = n & 0o7777
		case "uid":
			uid = int64(n)
		case "gid":
			gid = int64(n)
		case "max":
			most = int(min(n, maxPtys))
		default:
			return linux.EINVAL
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode, f.ptmxMode, f.uid, f.gid, f.max = uint32(mode), uint32(ptmxMode), uid, gid, most
	return 0
}

func (f *FS) options() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s string
	if f.uid >= 0 {
		s += fmt.Sprintf("uid=%d,", f.uid)
	}
	if f.gid >= 0 {
		s += fmt.Sprintf("gid=%d,", f.gid)
	}
	s += fmt.Sprintf("mode=%03o,ptmxmode=%03o", f.mode, f.ptmxMode)
	if f.max < maxPtys {
		s += fmt.Sprintf(",max=%d", f.max)
	}
	return s
}

// OpenPtmx opens a node 5:2 of another file system: it belongs to the devpts mounted on pts beside it.
func OpenPtmx(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	p, d, errno := dirOf(f)
	if errno != 0 {
		return nil, errno
	}
	defer p.Put()
	return d.fs.openPtmx(ctx)
}

// RegisterSlaves makes nodes of slaves in other file systems lead nowhere.
func RegisterSlaves() {
	vfs.RegisterDevice(false, 136, func(vfs.Ctx, *vfs.File, uint32) (vfs.FileOps, linux.Errno) { return nil, linux.EIO })
}

// dirOf finds the directory of slaves that belongs to a ptmx, with references (devpts_acquire).
func dirOf(ptmx *vfs.File) (vfs.Path, *dir, linux.Errno) {
	name := "pts"
	if _, ok := ptmx.Inode.Ops.(*ptmxNode); ok {
		name = "."
	}
	p, errno := vfs.Beside(ptmx.Path, name)
	if errno != 0 {
		return p, nil, errno
	}
	d, ok := p.Inode().Ops.(*dir)
	if !ok {
		p.Put()
		return p, nil, linux.ENODEV
	}
	return p, d, 0
}

// openPtmx makes a pair and returns its master.
func (f *FS) openPtmx(ctx vfs.Ctx) (vfs.FileOps, linux.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for f.ptys[n] != nil {
		n++
	}
	if n >= f.max {
		return nil, linux.ENOSPC
	}
	p := newPty(f, n)
	c, now := ctx.Cred(), ctx.Now()
	uid, gid := c.Fsuid, c.Fsgid
	if f.uid >= 0 {
		uid = auth.UID(f.uid)
	}
	if f.gid >= 0 {
		gid = auth.GID(f.gid)
	}
	p.node = &slaveNode{p: p}
	p.node.Init(p.node, f.sb, uint64(n+3), vfs.Attr{
		Mode: linux.S_IFCHR | f.mode, Nlink: 1, UID: uid, GID: gid, Rdev: vfs.MakeDev(136, uint32(n)), Blksize: 1024, Atime: now, Mtime: now, Ctime: now,
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
func (d *dir) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	d.Update(func(at *vfs.Attr) { s.Apply(at, ctx.Now()) })
	return 0
}

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

// Create is not possible here: as of a directory without the operation.
func (*dir) Create(_ vfs.Ctx, _ string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if a.Mode&linux.S_IFMT == linux.S_IFREG {
		return nil, linux.EACCES
	}
	return nil, linux.EPERM
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
