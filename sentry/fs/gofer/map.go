package gofer

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// A file is mapped from its descriptor. Areas keep the open file, so there is one as long as
// there are areas. If the file is opened for writing later, pages asked for from then on are
// mapped from that descriptor: it is the same page cache of the host.

// Mmap is vfs.Mapper's.
func (o *open) Mmap(_ vfs.Ctx, _ *vfs.File, a *mm.MapArgs) linux.Errno {
	a.Mappable = o.file
	return 0
}

// Backing is mm.Mappable's.
func (f *file) Backing(off, max uint64, write bool) (mm.Backing, linux.Errno) {
	end, _ := usermem.PageUp(uint64(f.size()))
	if off >= end {
		return mm.Backing{}, linux.EFAULT
	}
	d := f.descriptor()
	if d == nil || write && !d.Writable() {
		return mm.Backing{}, linux.EIO
	}
	if write {
		f.mappedWrite.Store(true)
		f.touched.Store(false)
	}
	return mm.Backing{Host: d, Off: off, Len: min(max, end-off)}, 0
}

// Sync is mm.Mappable's. The host syncs whole files here: a range of it would not make
// metadata durable.
func (f *file) Sync(_, _ uint64) linux.Errno {
	d := f.both.Load()
	if d == nil {
		return 0 // nobody can have written to it
	}
	return host.Fsync(d.FD())
}

// Mappings is mm.Mappable's.
func (f *file) Mappings() *mm.Mappings { return &f.maps }
