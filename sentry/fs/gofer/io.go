package gofer

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// open is an open regular file. The descriptor is the inode's, which stays as long as the
// file is open.
type open struct {
	file *file
	fd   int
}

// Release is vfs.FileOps's.
func (o *open) Release(*vfs.File) { o.file.unuse() }

// most is how many bytes of the pieces one call of the host transfers: it takes 32 of them.
func most(pieces [][]byte) int {
	n := 0
	for _, p := range pieces[:min(len(pieces), 32)] {
		n += len(p)
	}
	return n
}

// Read is vfs.FileOps's.
func (o *open) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	done, full := 0, true
	for full && dst.Len() > 0 {
		n, errno := dst.Pieces(true, func(pieces [][]byte) (int, linux.Errno) {
			n, errno := host.Preadv(o.fd, pieces, off+int64(done))
			full = n == most(pieces)
			return n, errno
		})
		done += n
		if errno != 0 {
			if done > 0 {
				break
			}
			return 0, errno
		}
	}
	o.file.touch()
	return done, 0
}

// Write is vfs.FileOps's.
func (o *open) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, off int64) (int, linux.Errno) {
	if src.Len() == 0 {
		return 0, 0
	}
	flags := f.Flags()
	if flags&linux.O_APPEND != 0 && !o.file.fs.exclusive {
		off = o.file.size() // others may have appended
	}
	mode := o.file.Attr().Mode
	done, full, errno := 0, true, linux.Errno(0)
	for full && errno == 0 && src.Len() > 0 {
		var n int
		n, errno = src.Pieces(false, func(pieces [][]byte) (int, linux.Errno) {
			n, errno := host.Pwritev(o.fd, pieces, off+int64(done))
			full = n == most(pieces)
			return n, errno
		})
		done += n
	}
	if done == 0 {
		return 0, errno
	}
	o.file.wrote(off + int64(done))
	if mode&(linux.S_ISUID|linux.S_ISGID) != 0 {
		// As in Setattr.
		o.file.inode.Setattr(ctx, vfs.SetAttr{Mask: vfs.AttrMode, Mode: mode & 0o7777})
	}
	if flags&(linux.O_SYNC|linux.O_DSYNC) != 0 {
		if errno := o.Fsync(ctx, f, flags&linux.O_SYNC != linux.O_SYNC); errno != 0 {
			return 0, errno
		}
	}
	return done, 0
}

// Seek is vfs.Seeker's: the host knows the holes.
func (o *open) Seek(_ vfs.Ctx, f *vfs.File, off int64, whence int) (int64, linux.Errno) {
	switch whence {
	case linux.SEEK_DATA, linux.SEEK_HOLE:
		if off < 0 {
			return 0, linux.ENXIO
		}
		return host.Lseek(o.fd, off, whence)
	}
	size := int64(0)
	if whence == linux.SEEK_END {
		size = o.file.size()
	}
	return vfs.SeekIn(f.PosLocked(), off, size, whence)
}

// Fsync is vfs.Fsyncer's.
func (o *open) Fsync(_ vfs.Ctx, _ *vfs.File, dataOnly bool) linux.Errno {
	if dataOnly {
		return host.Fdatasync(o.fd)
	}
	return host.Fsync(o.fd)
}

// Fallocate is vfs.Fallocater's.
func (o *open) Fallocate(_ vfs.Ctx, _ *vfs.File, mode uint32, off, length int64) linux.Errno {
	if errno := host.Fallocate(o.fd, mode, off, length); errno != 0 {
		return errno
	}
	f := o.file
	old := f.Attr().Size
	var st unix.Stat_t
	if errno := host.Fstat(o.fd, &st); errno != 0 {
		return errno
	}
	f.wrote(0)
	f.Update(func(a *vfs.Attr) { a.Size = st.Size })
	if st.Size < old {
		f.maps.Invalidate(uint64(st.Size), ^uint64(0)-uint64(st.Size), true)
	}
	return 0
}
