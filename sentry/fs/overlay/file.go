package overlay

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// file is a regular file. Its contents are the lower file's until somebody is about to write.
type file struct{ node }

// Setattr is vfs.InodeOps's.
func (r *file) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return r.setattr(ctx, s) }

// CopyUp is vfs.CopyUpper's.
func (r *file) CopyUp(ctx vfs.Ctx, size int64) linux.Errno { return r.copyUp(ctx, size) }

// Open is vfs.InodeOps's.
func (r *file) Open(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	o := &open{r: r, flags: f.Flags()&(linux.O_ACCMODE|linux.O_SYNC|linux.O_DSYNC) | linux.O_NOATIME} // see AtimeOf
	if f.Mode&vfs.ModeWrite != 0 {
		if errno := r.copyUp(ctx, wholeFile); errno != 0 {
			return nil, errno
		}
	}
	if f.Mode&vfs.ModeWrite == 0 && r.reader() != nil {
		return o, 0 // it is opened in its layer when that is needed
	}
	_, errno := o.backing(ctx)
	return o, errno
}

// reader reads the contents where they are now, nil if they must be opened for it.
func (r *file) reader() vfs.FileOps {
	if f, ok := r.real().Ops.(vfs.Readable); ok {
		return f.Reader()
	}
	return nil
}

// open is an open regular file. A file that was opened for reading before it was copied up is read
// from the copy afterwards, but its mappings stay the lower file's (as Linux has it).
type open struct {
	r     *file
	flags uint32
	real  atomic.Pointer[vfs.File] // nil: not needed so far

	mu  sync.Mutex // leaf but for opening in a layer
	old []*vfs.File
}

// backing is the open file of the layer where the contents are now.
func (o *open) backing(ctx vfs.Ctx) (*vfs.File, linux.Errno) {
	if f := o.real.Load(); f != nil && (f.Inode != o.r.lower || o.r.upper.Load() == nil) {
		return f, 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	real, m := o.r.real(), o.r.fs.upper
	f := o.real.Load()
	if f != nil && f.Inode == real {
		return f, 0
	}
	if real == o.r.lower {
		m = o.r.fs.mountOf(real)
	}
	g, errno := vfs.OpenInode(reader(ctx), m, real, o.flags)
	if errno != 0 {
		return nil, errno
	}
	if f != nil {
		o.old = append(o.old, f)
	}
	o.real.Store(g)
	return g, 0
}

// Read is vfs.FileOps's.
func (o *open) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	if r := o.r.reader(); r != nil {
		return r.Read(ctx, f, dst, off)
	}
	real, errno := o.backing(ctx)
	if errno != 0 {
		return 0, errno
	}
	return real.ReadAt(ctx, dst, off, false)
}

// Write is vfs.FileOps's. Opening for writing has copied the file up.
func (o *open) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, off int64) (int, linux.Errno) {
	f := o.real.Load()
	n, errno := f.WriteAt(ctx, src, off, false, false)
	if n > 0 {
		o.written(f)
	}
	return n, errno
}

// written takes over the size after a change of the contents; the times are taken when they are asked for.
func (o *open) written(f *vfs.File) {
	if size := f.Inode.Length(); size != o.r.Length() {
		o.r.Update(func(a *vfs.Attr) { a.Size = size })
	}
}

// Seek is vfs.Seeker's: the layer knows the holes.
func (o *open) Seek(ctx vfs.Ctx, f *vfs.File, off int64, whence int) (int64, linux.Errno) {
	if whence != linux.SEEK_DATA && whence != linux.SEEK_HOLE {
		if whence == linux.SEEK_END {
			if errno := o.r.Getattr(ctx); errno != 0 {
				return 0, errno
			}
		}
		return vfs.SeekIn(f.PosLocked(), off, o.r.Attr().Size, whence)
	}
	real, errno := o.backing(ctx)
	if errno != 0 {
		return 0, errno
	}
	return real.Seek(ctx, off, whence)
}

// Release is vfs.FileOps's.
func (o *open) Release(*vfs.File) {
	for _, f := range o.old {
		f.Put()
	}
	if f := o.real.Load(); f != nil {
		f.Put()
	}
}

// Fsync is vfs.Fsyncer's.
func (o *open) Fsync(ctx vfs.Ctx, _ *vfs.File, dataOnly bool) linux.Errno {
	if o.r.upper.Load() == nil {
		return 0
	}
	f, errno := o.backing(ctx)
	if errno != 0 {
		return errno
	}
	return f.Fsync(ctx, dataOnly)
}

// Mmap is vfs.Mapper's.
func (o *open) Mmap(ctx vfs.Ctx, _ *vfs.File, a *mm.MapArgs) linux.Errno {
	f, errno := o.backing(ctx)
	if errno != 0 {
		return errno
	}
	m, ok := f.Ops.(vfs.Mapper)
	if !ok {
		return linux.ENODEV
	}
	return m.Mmap(ctx, f, a)
}

// Fallocate is vfs.Fallocater's.
func (o *open) Fallocate(ctx vfs.Ctx, _ *vfs.File, mode uint32, off, length int64) linux.Errno {
	f := o.real.Load()
	errno := f.Fallocate(ctx, mode, off, length)
	if errno == 0 {
		o.written(f)
	}
	return errno
}
