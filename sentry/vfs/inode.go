package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/refs"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Ctx is the caller of an operation. *kernel.Task implements it; KernelCtx serves start-up.
type Ctx interface {
	Cred() *auth.Cred
	Space() *usermem.Space // application memory; nil for the kernel itself
	Waiter() *wait.Waiter
	Limit(resource int) uint64 // soft limit, RLIMIT_FSIZE and so on
	Now() int64                // CLOCK_REALTIME in nanoseconds, as fine as the file systems stamp
}

// Attr is what stat(2) shows of an inode. Times are nanoseconds since the epoch.
type Attr struct {
	Mode                       uint32 // type and permission bits
	Nlink                      uint32
	UID                        auth.UID
	GID                        auth.GID
	Rdev                       uint64
	Size                       int64
	Blocks                     int64 // of 512 bytes
	Blksize                    uint32
	Atime, Mtime, Ctime, Btime int64
}

// Inode is one object of a file system. File systems embed it in their own types and call
// Init before anybody else sees it.
type Inode struct {
	Ops InodeOps // the embedding object
	SB  *Super
	Ino uint64

	refs refs.Count
	typ  uint32 // S_IFMT bits; never changes
	// asks says which of the optional interfaces that every call would have to look for Ops has.
	asks struct{ getattr, blocks, target, permission, valid, atime bool }

	attr    attributes
	dir     lock.RWMutex[lock.Directory] // a directory's entries: shared by look-ups, exclusive for changes
	content lock.Mutex[lock.Content]     // a regular file's writers (i_rwsem)

	special struct {
		lock.Mutex[lock.Special]
		it any
	}

	// writers counts open files that can write, or below zero programs that run from here.
	writers atomic.Int32
	readers atomic.Int32 // open files that can only read (i_readcount)
	leases  atomic.Pointer[leases]

	// WriteHint is how long written data is going to live (F_SET_RW_HINT).
	WriteHint atomic.Uint64

	linkable atomic.Bool // made by O_TMPFILE without O_EXCL and not linked yet (I_LINKABLE)

	// noCaps: there is no security.capability that a write would have to take away (S_NOSEC).
	noCaps atomic.Bool

	acls    aclCache
	locks   fileLocks
	watches watchList
}

// Init makes i ready, holding one reference that belongs to the caller.
func (i *Inode) Init(ops InodeOps, sb *Super, ino uint64, a Attr) {
	i.Ops, i.SB, i.Ino, i.typ = ops, sb, ino, a.Mode&linux.S_IFMT
	i.attr.set(a)
	_, i.asks.getattr = ops.(Getattrer)
	_, i.asks.blocks = ops.(BlockCounter)
	_, i.asks.target = ops.(StaticLink)
	_, i.asks.permission = ops.(Permissioner)
	_, valid := ops.(Revalidator)
	i.asks.valid = valid && !sb.Exclusive
	_, i.asks.atime = ops.(AtimeKeeper)
}

// Get takes a reference.
func (i *Inode) Get() { i.refs.Inc() }

// TryGet takes one unless the last is gone: for the table of a file system, which holds none.
func (i *Inode) TryGet() bool { return i.refs.TryInc() }

// Put drops one; with the last the file system's Evict, if any, runs.
func (i *Inode) Put() {
	if i.refs.Dec() {
		if e, ok := i.Ops.(Evicter); ok {
			e.Evict()
		}
	}
}

// InodeOps is what every inode can do.
type InodeOps interface {
	// Open returns the operations of a new open file; flags are open(2)'s. f is filled but
	// for Ops. Truncation for O_TRUNC has been done by Setattr.
	Open(ctx Ctx, f *File) (FileOps, linux.Errno)

	// Setattr changes the attributes named in s.Mask, stores them with Update, and stamps
	// ctime. Permissions have been checked; setuid bits to be cleared are already in s.
	Setattr(ctx Ctx, s SetAttr) linux.Errno
}

// SetAttr is a change of attributes: those of the ATTR_ bits in Mask.
type SetAttr struct {
	Mask         uint32
	Mode         uint32 // permission bits
	UID          auth.UID
	GID          auth.GID
	Size         int64
	Atime, Mtime int64 // nanoseconds; "now" has been resolved
}

// Bits of SetAttr.Mask.
const (
	AttrMode uint32 = 1 << iota
	AttrUID
	AttrGID
	AttrSize
	AttrAtime
	AttrMtime
)

// DirOps is implemented by directories. All but Lookup are called with the directory's lock
// held exclusively; Lookup with it held shared. Inodes are returned with a reference for the
// caller. Implementations keep Nlink, Mtime and Ctime of directory and child current.
type DirOps interface {
	// Lookup finds name: ENOENT if there is none.
	Lookup(ctx Ctx, name string) (*Inode, linux.Errno)

	// Create makes an object of type and permissions a.Mode named name, which does not exist
	// (files, directories, symbolic links with a.Target, nodes with a.Rdev).
	Create(ctx Ctx, name string, a CreateArgs) (*Inode, linux.Errno)

	// Link adds name for the existing non-directory inode of the same super block.
	Link(ctx Ctx, name string, target *Inode) linux.Errno

	// Unlink removes name, which is child; a directory must be empty (ENOTEMPTY).
	Unlink(ctx Ctx, name string, child *Inode) linux.Errno

	// Rename moves child from name here to newName in newDir (same super block), over
	// replaced if that is not nil (compatible types checked; a directory must be empty), or
	// exchanges both (RENAME_EXCHANGE).
	Rename(ctx Ctx, name string, child *Inode, newDir *Inode, newName string, replaced *Inode, flags uint32) linux.Errno
}

// CreateArgs says what DirOps.Create makes. Owner and mode are final (umask, setgid
// directories and ACL-less rules applied by vfs).
type CreateArgs struct {
	Mode   uint32
	UID    auth.UID
	GID    auth.GID
	Rdev   uint64
	Target string
	// Umask is to be taken from Mode by a remote file system, unless the directory has a default access
	// control list (RemoteACL).
	Umask uint32
	// OpenFlags, if not 0, are those of an open(2) with O_CREAT about to follow, so that a remote file
	// system can create and open in one request.
	OpenFlags uint32
}
