package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
)

// Super is one mounted file system (struct super_block), whatever number of mounts show it.
// The file system fills the exported fields before it returns it from its constructor.
type Super struct {
	Type    string        // as in /proc/filesystems
	Source  string        // the device column of /proc/mounts
	Dev     uint64        // st_dev; NewDev gives one
	Options func() string // the file system's own part of the options column; may be nil
	// Statfs answers statfs(2) but for what vfs knows (flags); nil: ENOSYS.
	Statfs func(ctx Ctx) (Statfs, linux.Errno)
	// Sync writes back what the file system holds, for sync(2) and syncfs(2); may be nil.
	Sync func(ctx Ctx) linux.Errno
	// Reconfigure changes the file system's own options on a remount; nil: it has none.
	Reconfigure func(ctx Ctx, data string) linux.Errno
	// Release ends the file system after its last mount and open file; may be nil.
	Release func()
	// NoDcache makes every look-up ask the file system (proc).
	NoDcache bool
	// NoNegative lets calls that would make a name hear ENOENT from the look-up already (proc).
	NoNegative bool
	// Exclusive says that names come and go by the calls of vfs only: what is cached holds, no Revalidator is asked.
	Exclusive bool
	// NoExec, NoSuid, NoDev as properties of the file system, whatever its mounts say (SB_I_*).
	NoExec, NoDev bool

	// ACL is what it does about access control lists.
	ACL ACLSupport

	// Bindable says that its files may be bound though it is mounted nowhere (nsfs).
	Bindable bool
	// ForceReadOnly says that a remount cannot make it writable: EROFS.
	ForceReadOnly bool
	// Upper is where the file system's own renames happen, if that is another one (overlay).
	Upper *Super
	// Depth is how many file systems with layers lie upon each other here (s_stack_depth).
	Depth int
	// Owner is the user namespace whose administrator may reconfigure it; nil: the first.
	Owner *auth.UserNS

	ReadOnly atomic.Bool  // SB_RDONLY
	writers  atomic.Int64 // files open for writing, through all mounts

	root *Dentry
	// renames is held by a rename from its look-ups to its end: nothing else changes parents
	// (s_vfs_rename_mutex). It comes before the locks of directories.
	renames lock.Mutex[lock.Renames]
	// rename guards names and parents of dentries where they change; a leaf but for the caches'.
	rename lock.RWMutex[lock.Names]
	users  atomic.Int64
}

// Statfs is struct statfs without the flags.
type Statfs struct {
	Magic                 int64
	Bsize                 int64
	Blocks, Bfree, Bavail uint64
	Files, Ffree          uint64
	Namelen, Frsize       int64
	Fsid                  uint64
}

var lastDev atomic.Uint64

// NewDev returns the number of an unnamed device for a new file system (get_anon_bdev): major
// 0, minors from 20 on.
func NewDev() uint64 {
	n := lastDev.Add(1) + 19
	return MakeDev(0, uint32(n))
}

// MakeDev joins a device number as stat(2) shows it.
func MakeDev(major, minor uint32) uint64 {
	return uint64(minor&0xff) | uint64(major&0xfff)<<8 | uint64(minor&^0xff)<<12 | uint64(major&^0xfff)<<32
}

// Major and Minor split a device number.
func Major(dev uint64) uint32 { return uint32(dev>>8&0xfff) | uint32(dev>>32&^0xfff) }

// Minor is the other half.
func Minor(dev uint64) uint32 { return uint32(dev&0xff) | uint32(dev>>12&^0xff) }

// SetRoot gives the super block its root inode, whose reference it takes over.
func (sb *Super) SetRoot(i *Inode) { sb.root = newDentry(sb, nil, "", i) }

// Root returns the root dentry, without a reference of its own.
func (sb *Super) Root() *Dentry { return sb.root }

// get takes a user (a mount).
func (sb *Super) get() {
	supers.Lock()
	defer supers.Unlock()
	if sb.users.Add(1) == 1 {
		if supers.live == nil {
			supers.live = map[*Super]struct{}{}
		}
		supers.live[sb] = struct{}{}
	}
}

// put drops one; with the last the file system ends.
func (sb *Super) put() {
	supers.Lock()
	last := sb.users.Add(-1) == 0
	if last {
		delete(supers.live, sb)
	}
	supers.Unlock()
	if last {
		sb.root.pruneAll()
		sb.root.Put()
		if sb.Release != nil {
			sb.Release()
		}
	}
}
