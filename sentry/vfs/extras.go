package vfs

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Optional interfaces of inodes.

// Evicter frees what an inode holds outside the heap, after its last reference; Nlink tells
// whether its content goes too.
type Evicter interface{ Evict() }

// Getattrer refreshes the attributes before they are shown or decide a permission (remote
// file systems, proc).
type Getattrer interface {
	Getattr(ctx Ctx) linux.Errno
}

// BlockCounter is a file whose blocks come and go without a change of attributes.
type BlockCounter interface{ CountBlocks() int64 }

// Symlinker is a symbolic link.
type Symlinker interface {
	Readlink(ctx Ctx) (string, linux.Errno)
}

// StaticLink is a symbolic link whose target never changes and is known: Target needs no reference on the link. "" says
// that Readlink is to be asked.
type StaticLink interface{ Target() string }

// CopyUpper is a file that may have to be copied before it is truncated to size (overlay). No lock
// of the inode is held.
type CopyUpper interface {
	CopyUp(ctx Ctx, size int64) linux.Errno
}

// MagicLinker is a link that leads straight to an object (/proc/PID/fd/N). The path is
// returned with references for the caller.
type MagicLinker interface {
	Follow(ctx Ctx) (Path, linux.Errno)
}

// Revalidator is a directory whose cached entries may be stale: Valid is asked before a
// cached entry (child nil: a negative one) is used.
type Revalidator interface {
	Valid(ctx Ctx, name string, child *Inode) bool
}

// PathLooker is a directory that can look up several names of a path at a time. LookAhead is called, as Lookup
// is, before a look-up of name that is not cached, where a path goes on with after; what it finds is for the
// look-ups that follow.
type PathLooker interface {
	LookAhead(ctx Ctx, name, after string)
}

// Tmpfiler can make an unnamed regular file (O_TMPFILE).
type Tmpfiler interface {
	Tmpfile(ctx Ctx, a CreateArgs) (*Inode, linux.Errno)
}

// Xattrs holds extended attributes. Names carry their namespace ("user.x"); permission and
// namespace rules have been applied. Set gets XATTR_CREATE, XATTR_REPLACE.
type Xattrs interface {
	Getxattr(ctx Ctx, name string) ([]byte, linux.Errno)
	Setxattr(ctx Ctx, name string, value []byte, flags uint32) linux.Errno
	Listxattr(ctx Ctx) ([]string, linux.Errno)
	Removexattr(ctx Ctx, name string) linux.Errno
}

// Permissioner replaces the check of mode bits (proc's per-task directories). The name is not
// Inode.Permission's, which every file system inherits.
type Permissioner interface {
	CheckPermission(ctx Ctx, want uint32) linux.Errno
}

// FileOps is what every open file can do. Streams are given off = -1.
type FileOps interface {
	// Read fills dst from off. (0, 0) is the end of the file; EAGAIN means nothing yet.
	Read(ctx Ctx, f *File, dst *usermem.Buf, off int64) (int, linux.Errno)

	// Write stores src at off, which for O_APPEND vfs has set to the end. Regular files are
	// called with Inode.content held exclusively.
	Write(ctx Ctx, f *File, src *usermem.Buf, off int64) (int, linux.Errno)

	// Release ends the open file after its last reference.
	Release(f *File)
}

// Readable is a regular file that can be read without being opened: its operations do not look at the open file.
// A file system over it does so (overlay).
type Readable interface{ Reader() FileOps }

// Optional interfaces of open files.

// Poller is a file that is not always ready. Poll says what it is ready for now; Queue is
// notified when that may have changed.
type Poller interface {
	Poll(f *File) wait.Event
	Queue(f *File) *wait.Queue
}

// Stream marks files without a position: lseek gives ESPIPE, pread and pwrite too.
type Stream interface{ Stream() }

// Waits marks files whose Read and Write wait by themselves unless O_NONBLOCK (sockets, which have
// time-outs).
type Waits interface{ Waits() }

// NoopSeek marks streams whose lseek(2) returns 0 without effect (noop_llseek).
type NoopSeek interface{ NoopSeek() }

// AtimeKeeper is an inode whose time of access vfs keeps, with itself or with the one of a layer that AtimeOf returns;
// nil: nowhere.
type AtimeKeeper interface{ AtimeOf() *Inode }

// Seeker replaces lseek(2), called with the position's lock held; it returns the new position. Without it
// the position moves within [0, Size] like a regular file's, SEEK_DATA and SEEK_HOLE included.
type Seeker interface {
	Seek(ctx Ctx, f *File, off int64, whence int) (int64, linux.Errno)
}

// Dirents lists a directory: emit is called for each entry from position off on until it
// returns false, or there are no more; next of each entry is the position after it. Vfs emits nothing itself:
// "." and ".." are the implementation's (Dentry.ParentIno helps).
type Dirents interface {
	Readdir(ctx Ctx, f *File, off int64, emit func(d Dirent) bool) linux.Errno
}

// Dirent is one directory entry. Type is the S_IFMT bits shifted right by 12 (DT_*).
type Dirent struct {
	Name string
	Ino  uint64
	Type uint8
	Next int64
}

// Mapper can be mapped into memory: Mmap sets a.Mappable, or refuses; what else a says of the
// file is set already.
type Mapper interface {
	Mmap(ctx Ctx, f *File, a *mm.MapArgs) linux.Errno
}

// Ioctler answers ioctl(2); ENOTTY for what it does not know.
type Ioctler interface {
	Ioctl(ctx Ctx, f *File, cmd uint32, arg uint64) (uintptr, linux.Errno)
}

// Fallocater answers fallocate(2).
type Fallocater interface {
	Fallocate(ctx Ctx, f *File, mode uint32, off, length int64) linux.Errno
}

// Fsyncer writes back; dataOnly for fdatasync(2). Files without it have nothing to write
// back, but EINVAL is given for streams.
type Fsyncer interface {
	Fsync(ctx Ctx, f *File, dataOnly bool) linux.Errno
}

// Flusher is told of each close(2) of a descriptor, before a possible Release.
type Flusher interface {
	Flush(ctx Ctx, f *File) linux.Errno
}

// FlagSetter can refuse or follow changes of the status flags (F_SETFL).
type FlagSetter interface {
	SetFlags(ctx Ctx, f *File, flags uint32) linux.Errno
}
