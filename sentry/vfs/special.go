package vfs

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Openers of special files. The packages that hold devices and pipes register at start, so
// that any file system may have nodes of them.

// DeviceOpener is an inode that opens its device itself.
type DeviceOpener interface {
	OpenDevice(ctx Ctx, f *File) (FileOps, linux.Errno)
}

type deviceKey struct {
	block bool
	major uint32
}

var (
	devicesMu sync.RWMutex
	devices   = map[deviceKey]func(ctx Ctx, f *File, minor uint32) (FileOps, linux.Errno){}
	openFifo  func(ctx Ctx, f *File) (FileOps, linux.Errno)
)

// RegisterDevice makes open answer opens of device nodes of that major number; ENXIO for
// minors it does not know.
func RegisterDevice(block bool, major uint32, open func(ctx Ctx, f *File, minor uint32) (FileOps, linux.Errno)) {
	devicesMu.Lock()
	defer devicesMu.Unlock()
	devices[deviceKey{block, major}] = open
}

// RegisterFifo makes open answer opens of fifos. What the fifo holds is kept with the inode
// by Inode.Special.
func RegisterFifo(open func(ctx Ctx, f *File) (FileOps, linux.Errno)) { openFifo = open }

func openDevice(ctx Ctx, f *File) (FileOps, linux.Errno) {
	a := f.Inode.Attr()
	devicesMu.RLock()
	open := devices[deviceKey{a.Mode&linux.S_IFMT == linux.S_IFBLK, Major(a.Rdev)}]
	devicesMu.RUnlock()
	if open == nil {
		return nil, linux.ENXIO
	}
	return open(ctx, f, Minor(a.Rdev))
}

// Beside returns what name is in the directory that p's own name is in, with what is mounted on
// it and with references; "." is that directory (path_pts, fs/namei.c).
func Beside(p Path, name string) (Path, linux.Errno) {
	parent := p.Dentry.parent.Load()
	if parent == nil {
		return Path{}, linux.ENOENT
	}
	dir := Path{Mount: p.Mount, Dentry: parent}
	return Walk(KernelCtx{}, At{Root: dir, Start: dir}, name, 0)
}

// Special returns what belongs to a fifo's or socket's inode beside the file system's own: set
// by make when it is first asked for. make may be nil: then nil is returned if there is none.
func (i *Inode) Special(make func() any) any {
	i.special.Lock()
	defer i.special.Unlock()
	if i.special.it == nil && make != nil {
		i.special.it = make()
	}
	return i.special.it
}

// SetSpecial sets it; nil to end it.
func (i *Inode) SetSpecial(it any) {
	i.special.Lock()
	defer i.special.Unlock()
	i.special.it = it
}

// pathOps are those of a file opened with O_PATH: the calls that would use them are refused
// before (EBADF).
type pathOps struct{}

func (pathOps) Release(*File) {}
