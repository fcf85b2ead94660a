package gofer

import (
	"container/list"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// file is a regular file. It has up to two descriptors of the host: one that can only read,
// and one that can write as well, which is preferred once it is there.
type file struct {
	inode
	dir  *dir // where it was found first, for its credit; may be nil
	maps mm.Mappings

	read, both atomic.Pointer[pages.HostFile] // changed with h held

	h struct {
		lock.Mutex[lock.GoferFile]
		users int           // open files, and operations going on
		idle  *list.Element // on the client's list of idle files, if no users
		free  bool          // the descriptor came with a look-up and was not used yet
	}

	mappedWrite atomic.Bool // the application may write to it at any time
}

// descriptor returns the best descriptor that is there, nil if none is.
func (f *file) descriptor() *pages.HostFile {
	if d := f.both.Load(); d != nil {
		return d
	}
	return f.read.Load()
}

// give hands over a descriptor that came with another request.
func (f *file) give(fd int, writable bool) {
	f.h.Lock()
	defer f.h.Unlock()
	if f.both.Load() != nil || !writable && f.read.Load() != nil || !regular(fd) {
		host.Close(fd)
		return
	}
	f.put(fd, writable)
	f.h.free = !writable
	if f.h.users == 0 {
		f.rest()
	}
}

// regular reports whether fd is a regular file: nothing else will do, whatever the gofer says.
func regular(fd int) bool {
	var st unix.Stat_t
	return host.Fstat(fd, &st) == 0 && st.Mode&linux.S_IFMT == linux.S_IFREG
}

// put keeps a descriptor. h is held.
func (f *file) put(fd int, writable bool) {
	d := pages.NewHostFile(fd, writable)
	if writable {
		f.both.Store(d)
	} else {
		f.read.Store(d)
	}
}

// use returns a descriptor for reading, or for writing as well, that stays open until unuse.
func (f *file) use(write bool) (*pages.HostFile, linux.Errno) {
	f.h.Lock()
	defer f.h.Unlock()
	f.h.users++
	f.wake()
	d := f.both.Load()
	if d == nil && !write {
		d = f.read.Load()
	}
	if d != nil {
		if f.h.free {
			f.h.free = false
			f.earn()
		}
		return d, 0
	}
	f.earn()
	flags := wire.OpenRead
	if write {
		flags = wire.OpenWrite
	}
	fds, errno := f.fs.c.conn.request(wire.OpOpen, &wire.OpenReq{ID: f.id, Flags: flags}, new(wire.Empty))
	if errno == 0 && (len(fds) != 1 || !regular(fds[0])) {
		closeAll(fds)
		errno = linux.EIO
	}
	if errno != 0 {
		f.unuseLocked()
		return nil, errno
	}
	f.put(fds[0], write)
	return f.descriptor(), 0
}

// earn tells the directory that a file of it was opened.
func (f *file) earn() {
	if f.dir != nil {
		f.dir.earn()
	}
}

// unuse ends a use.
func (f *file) unuse() {
	f.h.Lock()
	defer f.h.Unlock()
	f.unuseLocked()
}

func (f *file) unuseLocked() {
	if f.h.users--; f.h.users == 0 && f.descriptor() != nil {
		f.rest()
	}
}

// rest puts f on the list of idle files. h is held.
func (f *file) rest() {
	t := &f.fs.c.idle
	t.Lock()
	if f.h.idle == nil {
		f.h.idle = t.files.PushBack(f)
	}
	over := t.files.Len() - t.max
	t.Unlock()
	if over > 0 && over%trimmed == 0 {
		go f.fs.c.trim() // other files' locks are not to be taken here
	}
}

// trimmed is how many files too many are on the list when it is trimmed.
const trimmed = 64

// wake takes f off the list. h is held.
func (f *file) wake() {
	if f.h.idle == nil {
		return
	}
	t := &f.fs.c.idle
	t.Lock()
	defer t.Unlock()
	t.files.Remove(f.h.idle)
	f.h.idle = nil
}

// trim closes descriptors of the files that were not used for longest.
func (c *Client) trim() {
	for {
		c.idle.Lock()
		if c.idle.files.Len() <= c.idle.max {
			c.idle.Unlock()
			return
		}
		f := c.idle.files.Front().Value.(*file)
		c.idle.Unlock()
		f.h.Lock()
		if f.h.users == 0 {
			f.close()
		}
		f.h.Unlock()
	}
}

// close closes the descriptors of a file without users. h is held.
func (f *file) close() {
	f.wake()
	if f.stale.Load() {
		f.stat()
	}
	for _, p := range []*atomic.Pointer[pages.HostFile]{&f.read, &f.both} {
		if d := p.Swap(nil); d != nil {
			d.Release()
			host.Close(d.FD())
		}
	}
}

// Evict is vfs.Evicter's.
func (f *file) Evict() {
	f.h.Lock()
	f.close()
	f.h.Unlock()
	f.inode.Evict()
}

// Getattr is vfs.Getattrer's. What writing has changed the descriptor tells.
func (f *file) Getattr(vfs.Ctx) linux.Errno {
	mapped := f.mappedWrite.Load()
	if mapped && !f.maps.Mapped() {
		f.mappedWrite.Store(false)
		f.stale.Store(true)
	}
	if !mapped && !f.old() {
		return 0
	}
	if f.fs.exclusive {
		f.h.Lock()
		ok := f.stat()
		f.h.Unlock()
		if ok {
			return 0
		}
	}
	return f.ask()
}

// stat takes the attributes from the descriptor, but for those that only our requests to the
// gofer change. It reports whether there is a descriptor. h is held.
func (f *file) stat() bool {
	d := f.descriptor()
	if d == nil {
		return false
	}
	f.stale.Store(false)
	var st unix.Stat_t
	if host.Fstat(d.FD(), &st) != 0 {
		f.stale.Store(true)
		return false
	}
	f.Update(func(a *vfs.Attr) {
		a.Mode = a.Mode&linux.S_IFMT | st.Mode&0o7777
		a.Nlink = uint32(st.Nlink)
		a.Blocks = st.Blocks
		a.Atime, a.Mtime, a.Ctime = st.Atim.Nano(), st.Mtim.Nano(), st.Ctim.Nano()
		if !f.fs.exclusive {
			a.Size = st.Size
		}
	})
	return true
}

// size is how long the file is now.
func (f *file) size() int64 {
	if !f.fs.exclusive {
		f.h.Lock()
		f.stat()
		f.h.Unlock()
	}
	return f.Attr().Size
}

// wrote notes that the content has changed and the file is at least end long.
func (f *file) wrote(end int64) {
	f.touched.Store(false)
	if end > f.Attr().Size {
		f.Update(func(a *vfs.Attr) { a.Size = max(a.Size, end) })
	}
	f.stale.Store(true)
}

// Setattr is vfs.InodeOps's.
func (f *file) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	if s.Mask&vfs.AttrSize != 0 {
		if mode := f.Attr().Mode; mode&(linux.S_ISUID|linux.S_ISGID) != 0 && s.Mask&vfs.AttrMode == 0 {
			// vfs has decided that they stay; the host, for which the sentry is nobody, will not.
			s.Mask, s.Mode = s.Mask|vfs.AttrMode, mode&0o7777
		}
		if errno := f.truncate(s.Size); errno != 0 {
			return errno
		}
		s.Mask &^= vfs.AttrSize
	}
	return f.inode.Setattr(ctx, s)
}

// truncate changes the size.
func (f *file) truncate(size int64) linux.Errno {
	d, errno := f.use(true)
	if errno != 0 {
		return errno
	}
	defer f.unuse()
	if errno := host.Ftruncate(d.FD(), size); errno != 0 {
		return errno
	}
	old := f.Attr().Size
	f.wrote(0)
	f.Update(func(a *vfs.Attr) { a.Size = size })
	if size < old {
		f.maps.Invalidate(uint64(size), ^uint64(0)-uint64(size), true)
	}
	return 0
}

// Open is vfs.InodeOps's.
func (f *file) Open(_ vfs.Ctx, v *vfs.File) (vfs.FileOps, linux.Errno) {
	d, errno := f.use(v.Mode&vfs.ModeWrite != 0)
	if errno != 0 {
		return nil, errno
	}
	return &open{file: f, fd: d.FD()}, 0
}
