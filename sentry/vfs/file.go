package vfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/refs"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Path is a place in the tree: a dentry seen through a mount. The holder of a Path holds a
// reference on both.
type Path struct {
	Mount  *Mount
	Dentry *Dentry
}

// What an open file may be used for (File.Mode).
const (
	ModeRead  = 1
	ModeWrite = 2
	ModePath  = 4
	modeExec  = 8 // a program runs from it: nobody may write
)

// File is an open file description (open(2)).
type File struct {
	Path  Path
	Inode *Inode
	Ops   Releaser   // FileOps, but for O_PATH
	ops   FileOps    // the same, nil for O_PATH
	Cred  *auth.Cred // of the opener
	Mode  uint32     // ModeRead and so on: never changes

	stream bool // Ops is a Stream
	noctty bool // opened with O_NOCTTY
	reader bool // counted as a reader of inode
	writer bool // counted as a writer of inode and mount: not what NewFile makes (FMODE_WRITER)

	refs  refs.Count
	flags atomic.Uint32 // O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT, O_NOATIME …

	pos struct {
		lock.Mutex[lock.Position]
		off atomic.Int64 // changed with the lock held, or by the only one who has the file
	}

	// Owner is who gets SIGIO (F_SETOWN): the kernel's.
	Owner atomic.Pointer[any]

	mapped atomic.Pointer[mm.Mappable] // what Mmap gave

	watched  atomic.Bool // there was one of epolls
	watchers sync.Mutex
	epolls   map[*epollItem]struct{} // epoll entries that end with the file
}

// Releaser is the least an open file's operations have.
type Releaser interface{ Release(f *File) }

// NewFile returns an open file that no path leads to in the usual way (pipes, sockets,
// eventfd): p's references become the file's.
func NewFile(ctx Ctx, p Path, ops FileOps, flags uint32) *File {
	f := &File{Path: p, Inode: p.Inode(), Cred: ctx.Cred()}
	f.setOps(ops)
	f.Mode = [...]uint32{ModeRead, ModeWrite, ModeRead | ModeWrite, 0}[flags&linux.O_ACCMODE]
	f.flags.Store(flags &^ (linux.O_CLOEXEC | linux.O_CREAT | linux.O_EXCL | linux.O_NOCTTY | linux.O_TRUNC))
	return f
}

// setOps gives f its operations, before anybody else sees it.
func (f *File) setOps(o Releaser) {
	f.Ops = o
	f.ops, _ = o.(FileOps)
	_, f.stream = o.(Stream)
}

// Get takes a reference.
func (f *File) Get() { f.refs.Inc() }

// TryGet takes one unless the file is being released.
func (f *File) TryGet() bool { return f.refs.TryInc() }

// Refs is how many references there are.
func (f *File) Refs() int64 { return f.refs.Refs() }

// Put drops a reference; the last closes the file.
func (f *File) Put() {
	if !f.refs.Dec() {
		return
	}
	f.dropEpolls()
	if o := f.Owner.Load(); o != nil {
		(*o).(interface{ Released() }).Released()
	}
	f.Inode.releaseLocks(f)
	f.dropLease()
	f.dropNotice(nil)
	if f.Mode != ModePath {
		event := InCloseNowrite
		if f.Mode&ModeWrite != 0 {
			event = InCloseWrite
		}
		f.notify(event)
	}
	f.Ops.Release(f)
	f.stopWriting()
	if f.Mode&modeExec != 0 {
		f.Inode.writers.Add(1)
	}
	f.Path.Put()
}

// Flags returns the status flags.
func (f *File) Flags() uint32 { return f.flags.Load() }

// NonBlocking reports O_NONBLOCK.
func (f *File) NonBlocking() bool { return f.flags.Load()&linux.O_NONBLOCK != 0 }

// settable are the flags F_SETFL changes.
const settable = linux.O_APPEND | linux.O_NONBLOCK | linux.O_ASYNC | linux.O_DIRECT | linux.O_NOATIME

// SetFlags is F_SETFL.
func (f *File) SetFlags(ctx Ctx, flags uint32) linux.Errno {
	if flags&linux.O_NOATIME != 0 && f.Flags()&linux.O_NOATIME == 0 && !owner(ctx.Cred(), f.Inode.Attr().UID) {
		return linux.EPERM
	}
	if s, ok := f.Inode.Ops.(interface{ AppendOnly() bool }); ok && flags&linux.O_APPEND == 0 && s.AppendOnly() {
		return linux.EPERM
	}
	if _, ok := f.Ops.(Poller); !ok {
		flags &^= linux.O_ASYNC // nothing would come
	}
	if s, ok := f.Ops.(FlagSetter); ok {
		if errno := s.SetFlags(ctx, f, flags&settable); errno != 0 {
			return errno
		}
	}
	for {
		old := f.flags.Load()
		if f.flags.CompareAndSwap(old, old&^settable|flags&settable) {
			return 0
		}
	}
}

// Plain reports whether f is a regular file or directory that nobody writes, locks or watches: if it is closed a moment later, nobody
// can tell.
func (f *File) Plain() bool {
	i := f.Inode
	return f.Mode == ModeRead && (i.typ == linux.S_IFREG || i.typ == linux.S_IFDIR) && i.writers.Load() <= 0 && i.locks.some.Load() == 0 && i.leases.Load() == nil && !i.watches.some.Load()
}

// IsStream reports whether f has no position.
func (f *File) IsStream() bool { return f.stream }

// Read is read(2): from the position, waiting unless O_NONBLOCK.
func (f *File) Read(ctx Ctx, dst *usermem.Buf) (int, linux.Errno) {
	if !f.openFor(ModeRead) {
		return 0, linux.EBADF
	}
	if f.stream {
		return f.readAt(ctx, dst, -1, f.NonBlocking())
	}
	if f.lockPos() {
		defer f.pos.Unlock()
	}
	off := f.pos.off.Load()
	if off+int64(dst.Len()) < 0 {
		return 0, linux.EINVAL
	}
	n, errno := f.readAt(ctx, dst, off, f.NonBlocking())
	if n > 0 {
		arch.StoreInt64(&f.pos.off, off+int64(n))
	}
	return n, errno
}

// lockPos locks the position for a read or write, unless nobody else has the file (fdget_pos).
func (f *File) lockPos() bool {
	if f.refs.Refs() == 1 {
		return false
	}
	f.pos.Lock()
	return true
}

// ReadAt is pread(2). nowait is RWF_NOWAIT.
func (f *File) ReadAt(ctx Ctx, dst *usermem.Buf, off int64, nowait bool) (int, linux.Errno) {
	if !f.openFor(ModeRead) {
		return 0, linux.EBADF
	}
	if f.stream {
		return 0, linux.ESPIPE
	}
	if off < 0 || off+int64(dst.Len()) < 0 {
		return 0, linux.EINVAL
	}
	if nowait && f.Inode.Type() == linux.S_IFREG {
		return 0, linux.EOPNOTSUPP // without FMODE_NOWAIT, which few file systems have
	}
	return f.readAt(ctx, dst, off, nowait || f.NonBlocking())
}

// readAt reads from off, waiting for something to read unless nonblock.
func (f *File) readAt(ctx Ctx, dst *usermem.Buf, off int64, nonblock bool) (int, linux.Errno) {
	n, errno := f.ops.Read(ctx, f, dst, off)
	if errno == linux.EAGAIN && !nonblock {
		n, errno = f.wait(ctx, wait.In, func() (int, linux.Errno) { return f.ops.Read(ctx, f, dst, off) })
	}
	if n > 0 {
		f.accessed(ctx)
		f.notify(InAccess)
		return n, 0
	}
	return n, errno
}

// accessed stamps the time of access, unless the file was opened not to.
func (f *File) accessed(ctx Ctx) {
	if f.Flags()&linux.O_NOATIME == 0 {
		touch(ctx, f.Path.Mount, f.Inode)
	}
}

// touch stamps the time of access of i, seen through m, as m says (touch_atime,
// relatime_need_update), on file systems that leave it to us.
func touch(ctx Ctx, m *Mount, i *Inode) {
	if !i.asks.atime {
		return
	}
	flags := m.Flags()
	if flags&(linux.MS_NOATIME|linux.MS_RDONLY) != 0 || flags&linux.MS_NODIRATIME != 0 && i.IsDir() {
		return
	}
	if i = i.Ops.(AtimeKeeper).AtimeOf(); i == nil {
		return
	}
	at, now := i.attr.word(attrAtime), ctx.Now()
	if flags&linux.MS_RELATIME != 0 && at > i.attr.word(attrMtime) && at > i.attr.word(attrCtime) && now-at < 24*3600*linux.Second {
		return
	}
	i.Update(func(a *Attr) { a.Atime = now })
}

// openFor reports whether f is open for mode.
func (f *File) openFor(mode uint32) bool { return f.Mode&mode != 0 && f.ops != nil }

// Write is write(2).
func (f *File) Write(ctx Ctx, src *usermem.Buf) (int, linux.Errno) {
	if !f.openFor(ModeWrite) {
		return 0, linux.EBADF
	}
	if f.stream {
		return f.writeStream(ctx, src, f.NonBlocking())
	}
	if f.lockPos() {
		defer f.pos.Unlock()
	}
	off := f.pos.off.Load()
	if off+int64(src.Len()) < 0 {
		return 0, linux.EINVAL
	}
	n, end, errno := f.writeAt(ctx, src, off, f.Flags()&linux.O_APPEND != 0, f.NonBlocking())
	if n > 0 {
		arch.StoreInt64(&f.pos.off, end)
	}
	return n, errno
}

// WriteAt is pwrite(2): with O_APPEND it appends, as Linux does. appendTo is RWF_APPEND,
// noappend RWF_NOAPPEND.
func (f *File) WriteAt(ctx Ctx, src *usermem.Buf, off int64, appendTo, noappend bool) (int, linux.Errno) {
	if !f.openFor(ModeWrite) {
		return 0, linux.EBADF
	}
	if f.stream {
		return 0, linux.ESPIPE
	}
	if off < 0 || off+int64(src.Len()) < 0 {
		return 0, linux.EINVAL
	}
	n, _, errno := f.writeAt(ctx, src, off, appendTo || f.Flags()&linux.O_APPEND != 0 && !noappend, f.NonBlocking())
	return n, errno
}

// writeStream writes everything of a blocking stream, or what fits of a non-blocking one. EPIPE of a
// pipe comes with the count of what was written before: there is a signal in any case (pipe_write).
func (f *File) writeStream(ctx Ctx, src *usermem.Buf, nonblock bool) (int, linux.Errno) {
	total := 0
	for {
		n, errno := f.writeOnce(ctx, src, -1, nonblock)
		total += n
		if errno != 0 || n == 0 || src.Len() == 0 {
			if total == 0 {
				return 0, errno
			}
			f.notify(InModify)
			if errno != linux.EPIPE || f.Inode.Type() != linux.S_IFIFO {
				errno = 0
			}
			return total, errno
		}
	}
}

// writeOnce writes what can be written at once, waiting for room unless nonblock.
func (f *File) writeOnce(ctx Ctx, src *usermem.Buf, off int64, nonblock bool) (int, linux.Errno) {
	n, errno := f.ops.Write(ctx, f, src, off)
	if errno == linux.EAGAIN && !nonblock {
		return f.wait(ctx, wait.Out, func() (int, linux.Errno) { return f.ops.Write(ctx, f, src, off) })
	}
	return n, errno
}

// writeAt writes a file with a position and returns where it ended.
func (f *File) writeAt(ctx Ctx, src *usermem.Buf, off int64, atEnd, nonblock bool) (n int, end int64, errno linux.Errno) {
	i := f.Inode
	if i.Type() != linux.S_IFREG {
		n, errno = f.writeOnce(ctx, src, off, nonblock)
		if n > 0 {
			f.notify(InModify)
		}
		return n, off + int64(n), errno
	}
	i.content.Lock()
	defer i.content.Unlock()
	if atEnd {
		off = i.Length()
	}
	if errno = limitWrite(ctx, src, off); errno != 0 {
		return 0, off, errno
	}
	if src.Len() > 0 {
		if errno = f.dropPrivileges(ctx); errno != 0 {
			return 0, off, errno
		}
	}
	n, errno = f.ops.Write(ctx, f, src, off)
	if n > 0 {
		f.notify(InModify)
		errno = 0
	}
	return n, off + int64(n), errno
}

// dropPrivileges takes away what a change of the contents does not leave: capabilities and set-id bits
// (file_remove_privs).
func (f *File) dropPrivileges(ctx Ctx) linux.Errno {
	if mode, clear := f.Inode.Mode()&0o7777, f.Inode.withoutSetid(ctx); clear != mode {
		if errno := setattr(ctx, f.Path, SetAttr{Mask: AttrMode, Mode: clear}); errno != 0 {
			return errno
		}
	}
	f.Inode.dropCaps(ctx)
	return 0
}

// maxFileSize is the largest offset (MAX_LFS_FILESIZE).
const maxFileSize = 1<<63 - 1

// limitWrite cuts src at the limits on file sizes: EFBIG if nothing may be written
// (generic_write_checks). The caller sends SIGXFSZ.
func limitWrite(ctx Ctx, src *usermem.Buf, off int64) linux.Errno {
	if src.Len() == 0 {
		return 0
	}
	limit := min(ctx.Limit(rlimitFsize), maxFileSize)
	if uint64(off) >= limit {
		return linux.EFBIG
	}
	if left := limit - uint64(off); uint64(src.Len()) > left {
		src.Limit(int(left))
	}
	return 0
}

// wait runs try, which had no answer, until it has one, if the file can wait.
func (f *File) wait(ctx Ctx, mask wait.Event, try func() (int, linux.Errno)) (int, linux.Errno) {
	p, ok := f.Ops.(Poller)
	if _, itself := f.Ops.(Waits); itself || !ok {
		return 0, linux.EAGAIN
	}
	q := p.Queue(f)
	if q == nil {
		q = new(wait.Queue) // nothing will come: until a signal
	}
	return wait.Until(q, mask|wait.Hup, ctx.Waiter(), wait.Forever, try)
}

// Seek is lseek(2).
func (f *File) Seek(ctx Ctx, off int64, whence int) (int64, linux.Errno) {
	if f.Mode == ModePath {
		return 0, linux.EBADF
	}
	if f.IsStream() {
		if _, ok := f.Ops.(NoopSeek); ok {
			return 0, 0
		}
		return 0, linux.ESPIPE
	}
	f.pos.Lock()
	defer f.pos.Unlock()
	var to int64
	if s, ok := f.Ops.(Seeker); ok {
		var errno linux.Errno
		if to, errno = s.Seek(ctx, f, off, whence); errno != 0 {
			return 0, errno
		}
		f.pos.off.Store(to)
		return to, 0
	}
	size := int64(0)
	if whence >= linux.SEEK_END {
		a, errno := f.Inode.Stat(ctx)
		if errno != 0 {
			return 0, errno
		}
		size = a.Size
	}
	to, errno := SeekIn(f.pos.off.Load(), off, size, whence)
	if errno == 0 {
		f.pos.off.Store(to)
	}
	return to, errno
}

// SeekIn works out a new position in a file without holes.
func SeekIn(pos, off, size int64, whence int) (int64, linux.Errno) {
	switch whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		off += pos
	case linux.SEEK_END:
		off += size
	case linux.SEEK_DATA, linux.SEEK_HOLE:
		if off < 0 || off >= size {
			return 0, linux.ENXIO
		}
		if whence == linux.SEEK_HOLE {
			off = size
		}
	default:
		return 0, linux.EINVAL
	}
	if off < 0 {
		return 0, linux.EINVAL
	}
	return off, 0
}

// Pos returns the position, for /proc and the splice family; -1 for streams. It takes no lock: a
// file of /proc may be asked for its own, and a read that blocks holds it (fs/proc/fd.c, seq_show).
func (f *File) Pos() int64 {
	if f.IsStream() {
		return -1
	}
	return f.pos.off.Load()
}

// PosLocked is Pos for Seekers, which run with the lock held.
func (f *File) PosLocked() int64 { return f.pos.off.Load() }

// Readdir is getdents(2): emit is called for entries from the position on until it returns
// false; the position moves behind the last that it took.
func (f *File) Readdir(ctx Ctx, emit func(Dirent) bool) linux.Errno {
	f.pos.Lock()
	defer f.pos.Unlock()
	return f.ReaddirLocked(ctx, emit)
}

// ReaddirFrom is ReaddirLocked from position off on.
func (f *File) ReaddirFrom(ctx Ctx, off int64, emit func(Dirent) bool) linux.Errno {
	arch.StoreInt64(&f.pos.off, off)
	return f.ReaddirLocked(ctx, emit)
}

// ReaddirLocked is Readdir of a file that only the caller has: one in a layer, which is read
// under locks that come after the position's.
func (f *File) ReaddirLocked(ctx Ctx, emit func(Dirent) bool) linux.Errno {
	d, ok := f.Ops.(Dirents)
	if !ok || f.Mode&ModeRead == 0 {
		if f.Mode == ModePath {
			return linux.EBADF
		}
		return linux.ENOTDIR
	}
	if f.Inode.IsDir() {
		f.Inode.dir.RLock()
		defer f.Inode.dir.RUnlock()
		if f.Inode.Attr().Nlink == 0 {
			return linux.ENOENT
		}
	}
	f.accessed(ctx)
	errno := d.Readdir(ctx, f, f.pos.off.Load(), func(e Dirent) bool {
		if !emit(e) {
			return false
		}
		arch.StoreInt64(&f.pos.off, e.Next)
		return true
	})
	f.notify(InAccess)
	return errno
}

// Poll says what f is ready for; files that cannot wait are always ready.
func (f *File) Poll() wait.Event {
	if p, ok := f.Ops.(Poller); ok {
		return p.Poll(f)
	}
	return wait.In | wait.Out | wait.RdNorm | wait.WrNorm
}

// PollQueue is what to wait on for changes of Poll, nil if there will be none.
func (f *File) PollQueue() *wait.Queue {
	if p, ok := f.Ops.(Poller); ok {
		return p.Queue(f)
	}
	return nil
}

// Mmap fills in what a mapping of f needs: ENODEV if it cannot be mapped.
func (f *File) Mmap(ctx Ctx, a *mm.MapArgs) linux.Errno {
	if f.Mode == ModePath {
		return linux.EBADF
	}
	a.File = f
	a.Readable, a.Writable = f.Mode&ModeRead != 0, f.Mode&ModeWrite != 0
	a.NoExec = f.Path.Mount.NoExec()
	m, ok := f.Ops.(Mapper)
	if !ok {
		return 0 // mm refuses a file without a Mappable, in its own order of checks
	}
	if errno := m.Mmap(ctx, f, a); errno != 0 {
		return errno
	}
	f.mapped.Store(&a.Mappable)
	return 0
}

// Mappable is what the last Mmap gave: mm.File's.
func (f *File) Mappable() mm.Mappable {
	if m := f.mapped.Load(); m != nil {
		return *m
	}
	return nil
}

// MapInfo names the file for /proc/PID/maps.
func (f *File) MapInfo() mm.MapInfo {
	name, _, deleted := f.Path.Name(Path{})
	if deleted {
		name += " (deleted)"
	}
	dev := f.Inode.SB.Dev
	return mm.MapInfo{Name: name, Major: Major(dev), Minor: Minor(dev), Ino: f.Inode.Ino}
}

// Ioctl is ioctl(2): ENOTTY if the file has none.
func (f *File) Ioctl(ctx Ctx, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if f.Mode == ModePath {
		return 0, linux.EBADF
	}
	if o, ok := f.Ops.(Ioctler); ok {
		return o.Ioctl(ctx, f, cmd, arg)
	}
	return 0, linux.ENOTTY
}

// Fallocate is fallocate(2).
func (f *File) Fallocate(ctx Ctx, mode uint32, off, length int64) linux.Errno {
	if off < 0 || length <= 0 {
		return linux.EINVAL
	}
	if f.Mode&ModeWrite == 0 {
		return linux.EBADF
	}
	const known = linux.FALLOC_FL_KEEP_SIZE | linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_COLLAPSE_RANGE |
		linux.FALLOC_FL_ZERO_RANGE | linux.FALLOC_FL_INSERT_RANGE | linux.FALLOC_FL_UNSHARE_RANGE
	if mode&^known != 0 || mode&linux.FALLOC_FL_PUNCH_HOLE != 0 && mode&linux.FALLOC_FL_KEEP_SIZE == 0 {
		return linux.EOPNOTSUPP
	}
	switch f.Inode.Type() {
	case linux.S_IFIFO:
		return linux.ESPIPE
	case linux.S_IFDIR:
		return linux.EISDIR
	case linux.S_IFREG:
	default:
		return linux.ENODEV
	}
	if off+length < 0 {
		return linux.EFBIG
	}
	if mode&linux.FALLOC_FL_KEEP_SIZE == 0 && uint64(off+length) > ctx.Limit(rlimitFsize) {
		return linux.EFBIG
	}
	o, ok := f.Ops.(Fallocater)
	if !ok {
		return linux.EOPNOTSUPP
	}
	f.Inode.content.Lock()
	defer f.Inode.content.Unlock()
	errno := o.Fallocate(ctx, f, mode, off, length)
	if errno == 0 {
		f.dropPrivileges(ctx)
		f.notify(InModify)
	}
	return errno
}

// Fsync is fsync(2) and fdatasync(2).
func (f *File) Fsync(ctx Ctx, dataOnly bool) linux.Errno {
	if f.Mode == ModePath {
		return linux.EBADF
	}
	if o, ok := f.Ops.(Fsyncer); ok {
		return o.Fsync(ctx, f, dataOnly)
	}
	switch f.Inode.Type() {
	case linux.S_IFREG, linux.S_IFDIR, linux.S_IFBLK:
		return 0 // nothing is held back
	}
	return linux.EINVAL
}

// Flush is what each close(2) of a descriptor does: the owner's POSIX locks go, and its notice of a directory.
func (f *File) Flush(ctx Ctx, owner any) linux.Errno {
	f.Inode.releasePosix(owner)
	f.dropNotice(owner)
	if o, ok := f.Ops.(Flusher); ok {
		return o.Flush(ctx, f)
	}
	return 0
}
