package overlay

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// file is a regular file. Its contents are the lower file's until somebody is about to write.
type file struct {
	node
	upper atomic.Pointer[vfs.File] // open read-write for as long as the inode lives
}

// Evict is vfs.Evicter's.
func (r *file) Evict() {
	if u := r.upper.Load(); u != nil {
		u.Put()
	}
	r.evict()
}

// copyUp gives the file contents of its own: the first keep bytes of the lower one's.
func (r *file) copyUp(ctx vfs.Ctx, keep int64) (*vfs.File, linux.Errno) {
	if u := r.upper.Load(); u != nil {
		return u, 0
	}
	k := vfs.KernelCtx{W: ctx.Waiter()}
	root := r.fs.upper.Super.Root().Inode()
	i, errno := root.Ops.(vfs.Tmpfiler).Tmpfile(k, vfs.CreateArgs{Mode: linux.S_IFREG | 0o600})
	if errno != 0 {
		return nil, errno
	}
	u, errno := vfs.OpenInode(k, r.fs.upper, i, linux.O_RDWR)
	i.Put()
	if errno != 0 {
		return nil, errno
	}
	if r.lower != nil && keep > 0 {
		if errno := r.copyData(k, u, keep); errno != 0 {
			u.Put()
			return nil, errno
		}
	}
	r.keep()
	if !r.upper.CompareAndSwap(nil, u) {
		u.Put()
	}
	return r.upper.Load(), 0
}

// copyData copies the first n bytes of the lower file.
func (r *file) copyData(k vfs.KernelCtx, u *vfs.File, n int64) linux.Errno {
	low, errno := vfs.OpenInode(k, r.fs.lower, r.lower, linux.O_RDONLY)
	if errno != 0 {
		return errno
	}
	defer low.Put()
	b := make([]byte, 256<<10)
	for off := int64(0); off < n; {
		dst := usermem.Bytes(b[:min(n-off, int64(len(b)))])
		got, errno := low.ReadAt(k, &dst, off, false)
		if errno != 0 {
			return errno
		}
		if got == 0 {
			break
		}
		src := usermem.Bytes(b[:got])
		if _, errno := u.WriteAt(k, &src, off, false, false); errno != 0 {
			return errno
		}
		off += int64(got)
	}
	return 0
}

// Setattr is vfs.InodeOps's.
func (r *file) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	if s.Mask&vfs.AttrSize != 0 {
		u, errno := r.copyUp(ctx, min(s.Size, r.Attr().Size))
		if errno != 0 {
			return errno
		}
		if errno := u.Truncate(vfs.KernelCtx{}, s.Size); errno != 0 {
			return errno
		}
		if s.Mask&vfs.AttrMtime == 0 {
			s.Mask |= vfs.AttrMtime
			s.Mtime = ctx.Now()
		}
	}
	return r.setattr(ctx, s)
}

// Getattr is vfs.Getattrer's: size and blocks of what was copied up.
func (r *file) Getattr(ctx vfs.Ctx) linux.Errno {
	u := r.upper.Load()
	if u == nil {
		return 0
	}
	up, errno := u.Inode.Stat(ctx)
	if errno == 0 {
		r.Update(func(a *vfs.Attr) { a.Size, a.Blocks = up.Size, up.Blocks })
	}
	return errno
}

// Open is vfs.InodeOps's.
func (r *file) Open(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	o := &open{r: r}
	if f.Mode&vfs.ModeWrite != 0 || r.lower == nil {
		_, errno := r.copyUp(ctx, r.Attr().Size)
		return o, errno
	}
	if r.upper.Load() != nil {
		return o, 0
	}
	var errno linux.Errno
	o.low, errno = vfs.OpenInode(ctx, r.fs.lower, r.lower, linux.O_RDONLY)
	return o, errno
}

// open is an open regular file.
type open struct {
	r   *file
	low *vfs.File // the lower file, if it was not copied up when this was opened
}

// backing is where the contents are now.
func (o *open) backing() *vfs.File {
	if u := o.r.upper.Load(); u != nil {
		return u
	}
	return o.low
}

// Read is vfs.FileOps's.
func (o *open) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	return o.backing().ReadAt(ctx, dst, off, false)
}

// Write is vfs.FileOps's. Opening for writing has copied the file up.
func (o *open) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, off int64) (int, linux.Errno) {
	u := o.r.upper.Load()
	n, errno := u.WriteAt(ctx, src, off, false, false)
	if n > 0 {
		now, size := ctx.Now(), u.Inode.Attr().Size
		o.r.Update(func(a *vfs.Attr) { a.Size, a.Mtime, a.Ctime = size, now, now })
	}
	return n, errno
}

// Release is vfs.FileOps's.
func (o *open) Release(*vfs.File) {
	if o.low != nil {
		o.low.Put()
	}
}

// Fsync is vfs.Fsyncer's: memory needs none.
func (*open) Fsync(vfs.Ctx, *vfs.File, bool) linux.Errno { return 0 }

// Mmap is vfs.Mapper's.
func (o *open) Mmap(ctx vfs.Ctx, _ *vfs.File, a *mm.MapArgs) linux.Errno {
	b := o.backing()
	m, ok := b.Ops.(vfs.Mapper)
	if !ok {
		return linux.ENODEV
	}
	return m.Mmap(ctx, b, a)
}

// Fallocate is vfs.Fallocater's.
func (o *open) Fallocate(ctx vfs.Ctx, _ *vfs.File, mode uint32, off, length int64) linux.Errno {
	u := o.r.upper.Load()
	if errno := u.Fallocate(ctx, mode, off, length); errno != 0 {
		return errno
	}
	now, size := ctx.Now(), u.Inode.Attr().Size
	o.r.Update(func(a *vfs.Attr) { a.Size, a.Mtime, a.Ctime = size, now, now })
	return 0
}
