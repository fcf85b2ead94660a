package vfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
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
	// NoExec, NoSuid, NoDev as properties of the file system, whatever its mounts say (SB_I_*).
	NoExec, NoDev bool

	ReadOnly atomic.Bool // SB_RDONLY

	root *Dentry
	// rename is held exclusively by renames of directories and by whoever changes names and
	// parents; shared by who reads several of them.
	rename sync.RWMutex
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

// put drops one user (a mount).
func (sb *Super) put() {
	if sb.users.Add(-1) == 0 {
		sb.root.pruneAll()
		sb.root.Put()
		if sb.Release != nil {
			sb.Release()
		}
	}
}
