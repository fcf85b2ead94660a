package tmpfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// file is a regular file; its contents are a pages.Object. Writers and truncation are kept apart
// by vfs (Inode's content lock).
type file struct {
	node
	object   *pages.Object
	mappings mm.Mappings
	raw      rawPages
	seals    seals // of a memfd
}

// ahead is how much of a hole a fault fills.
const ahead = 64 << 10

func (f *FS) newFile(at vfs.Attr) *file {
	r := &file{object: pages.NewObject(f.pool, pages.Shmem, f.quota)}
	r.fs = f
	r.seals.none = true
	at.Blksize = pages.PageSize
	r.Init(r, f.sb, f.ino.Add(1), at)
	return r
}

// Evict is vfs.Evicter's.
func (r *file) Evict() {
	r.object.Release()
	r.evict()
}

// Open is vfs.InodeOps's.
func (r *file) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return open{r}, 0 }

// Reader is vfs.Readable's.
func (r *file) Reader() vfs.FileOps { return open{r} }

// CountBlocks is vfs.BlockCounter's: those that exist.
func (r *file) CountBlocks() int64 { return r.object.Pages() * (pages.PageSize / 512) }

// Setattr is vfs.InodeOps's.
func (r *file) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	if s.Mask&vfs.AttrSize == 0 {
		return r.setattr(ctx, s)
	}
	old := r.Attr().Size
	if errno := r.MayResize(old, s.Size); errno != 0 {
		return errno
	}
	now := ctx.Now()
	if s.Mask&vfs.AttrMtime == 0 {
		s.Mask |= vfs.AttrMtime
		s.Mtime = now
	}
	if errno := r.setattr(ctx, s); errno != 0 {
		return errno
	}
	if s.Size < old {
		r.mappings.Invalidate(pageUp(uint64(s.Size)), ^uint64(0), true)
		r.object.Truncate(uint64(s.Size))
		r.raw.touch(pageUp(uint64(s.Size)), ^uint64(0))
	}
	return 0
}

func pageUp(n uint64) uint64 {
	up, ok := usermem.PageUp(n)
	if !ok {
		return ^uint64(0) &^ usermem.PageMask
	}
	return up
}

// size is the current size.
func (r *file) size() uint64 { return uint64(r.Length()) }

// Backing is mm.Mappable's.
func (r *file) Backing(off, max uint64, _ bool) (mm.Backing, linux.Errno) {
	end := pageUp(r.size())
	if off >= end {
		return mm.Backing{}, linux.EFAULT
	}
	at, n, errno := r.object.Backing(off, min(max, end-off), ahead)
	r.raw.touch(off, n)
	return mm.Backing{Off: at, Len: n}, errno
}

// Sync is mm.Mappable's.
func (*file) Sync(uint64, uint64) linux.Errno { return 0 }

// Mappings is mm.Mappable's.
func (r *file) Mappings() *mm.Mappings { return &r.mappings }

// PunchHole is mm.HolePuncher's.
func (r *file) PunchHole(off, n uint64) linux.Errno {
	if errno := r.seals.mayWrite(); errno != 0 {
		return errno
	}
	r.punch(off, n)
	return 0
}

func (r *file) punch(off, n uint64) {
	r.object.Punch(off, n)
	r.raw.touch(off, n)
	if first, last := pageUp(off), (off+n)&^usermem.PageMask; first < last {
		r.mappings.Invalidate(first, last-first, false)
	}
}

// open is an open regular file.
type open struct{ r *file }

// Read is vfs.FileOps's.
func (o open) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	size := o.r.size()
	if off < 0 || uint64(off) >= size {
		return 0, 0
	}
	return o.r.object.Read(dst, uint64(off), size)
}

// Write is vfs.FileOps's.
func (o open) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, off int64) (int, linux.Errno) {
	if errno := o.r.seals.mayWrite(); errno != 0 {
		return 0, errno
	}
	size := o.r.Length()
	if end := off + int64(src.Len()); end > size {
		if errno := o.r.MayResize(size, end); errno != 0 {
			if off >= size {
				return 0, errno
			}
			src.Limit(int(size - off))
		}
	}
	n, errno := o.r.object.Write(src, uint64(off))
	if n > 0 {
		o.r.raw.touch(uint64(off), uint64(n))
		now := ctx.Now()
		o.r.Update(func(a *vfs.Attr) {
			a.Size = max(a.Size, off+int64(n))
			a.Mtime, a.Ctime = now, now
		})
	}
	return n, errno
}

// Release is vfs.FileOps's.
func (open) Release(*vfs.File) {}

// Fsync is vfs.Fsyncer's: memory needs none.
func (open) Fsync(vfs.Ctx, *vfs.File, bool) linux.Errno { return 0 }

// Mmap is vfs.Mapper's.
func (o open) Mmap(_ vfs.Ctx, _ *vfs.File, a *mm.MapArgs) linux.Errno {
	if errno := o.r.seals.mayMap(a); errno != 0 {
		return errno
	}
	a.Mappable = o.r
	return 0
}

// Seek is vfs.Seeker's, for SEEK_DATA and SEEK_HOLE.
func (o open) Seek(_ vfs.Ctx, f *vfs.File, off int64, whence int) (int64, linux.Errno) {
	size := o.r.Attr().Size
	switch whence {
	case linux.SEEK_DATA:
		if off < 0 || off >= size {
			return 0, linux.ENXIO
		}
		at, ok := o.r.nextData(uint64(off), uint64(size))
		if !ok {
			return 0, linux.ENXIO
		}
		return int64(max(at, uint64(off))), 0
	case linux.SEEK_HOLE:
		if off < 0 || off >= size {
			return 0, linux.ENXIO
		}
		return int64(min(max(o.r.nextHole(uint64(off), uint64(size)), uint64(off)), uint64(size))), 0
	}
	return vfs.SeekIn(f.PosLocked(), off, size, whence)
}

// Fallocate is vfs.Fallocater's.
func (o open) Fallocate(ctx vfs.Ctx, _ *vfs.File, mode uint32, off, length int64) linux.Errno {
	r, end := o.r, off+length
	now := ctx.Now()
	switch mode {
	case linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_KEEP_SIZE:
		if errno := r.seals.mayWrite(); errno != 0 {
			return errno
		}
		r.punch(uint64(off), uint64(length))
	case 0, linux.FALLOC_FL_KEEP_SIZE:
		size := r.Attr().Size
		if mode == 0 && end > size {
			if errno := r.MayResize(size, end); errno != 0 {
				return errno
			}
		}
		if errno := r.allocate(ctx, uint64(off), uint64(length)); errno != 0 {
			return errno
		}
		if mode == 0 {
			r.Update(func(a *vfs.Attr) { a.Size = max(a.Size, end) })
		}
	default:
		return linux.EOPNOTSUPP
	}
	r.Update(func(a *vfs.Attr) { a.Mtime, a.Ctime = now, now })
	return 0
}
