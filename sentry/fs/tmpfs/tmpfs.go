// Package tmpfs is file systems in memory (tmpfs(5), mm/shmem.c): regular files over package
// pages, directories, links, device nodes, and memfd_create(2).
//
//	tmpfs.go  the file system and its options
//	inode.go  attributes, extended attributes, links, nodes
//	dir.go    directories
//	file.go   regular files
//	memfd.go  files without a name, seals
package tmpfs

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is one tmpfs.
type FS struct {
	sb     *vfs.Super
	pool   *pages.Pool
	quota  *pages.Quota
	ino    atomic.Uint64
	inodes atomic.Int64
	max    int64 // inodes; 0: no bound
	opts   options
	ram    uint64 // what percentages are of
}

type options struct {
	size, inodes int64 // -1: not given
	mode         uint32
	uid, gid     uint32
}

const magic = 0x01021994

// maxSize is what size= is cut to, in pages.
const maxSize = 1 << 40

// New returns a file system with the options of mount(8): size, nr_blocks, nr_inodes, mode, uid,
// gid. EINVAL for what it does not know. ram is what percentages are of, in bytes.
func New(pool *pages.Pool, ram uint64, source, data string) (*vfs.Super, linux.Errno) {
	o := options{size: -1, inodes: -1, mode: 0o1777}
	if errno := o.parse(data, ram); errno != 0 {
		return nil, errno
	}
	f := newFS(pool, o, ram, source, "tmpfs")
	return f.sb, 0
}

func newFS(pool *pages.Pool, o options, ram uint64, source, typ string) *FS {
	f := &FS{pool: pool, quota: new(pages.Quota), opts: o, ram: ram}
	limit := int64(ram/2) / pages.PageSize
	if o.size >= 0 {
		limit = o.size / pages.PageSize
	}
	if o.size == 0 {
		limit = -1 // no bound, as size=0 says
	}
	f.quota.Max.Store(limit)
	f.max = int64(ram/2) / pages.PageSize
	if o.inodes >= 0 {
		f.max = o.inodes
	}
	f.sb = &vfs.Super{Type: typ, Source: source, Dev: vfs.NewDev(), Statfs: f.statfs, Options: f.options, Reconfigure: f.reconfigure, ACL: vfs.StoresACL}
	f.inodes.Store(1)
	now := vfs.KernelCtx{}.Now()
	root := f.newDir(vfs.Attr{Mode: linux.S_IFDIR | o.mode&0o7777, Nlink: 2, UID: auth.UID(o.uid), GID: auth.GID(o.gid), Atime: now, Mtime: now, Ctime: now, Btime: now})
	f.sb.SetRoot(&root.Inode)
	return f
}

// parse reads comma-separated options.
func (o *options) parse(data string, ram uint64) linux.Errno {
	for _, word := range strings.Split(data, ",") {
		name, value, has := strings.Cut(word, "=")
		if name == "" {
			continue
		}
		if known, errno := o.set(name, value, !has, ram); !known || errno != 0 {
			return linux.EINVAL
		}
	}
	return 0
}

// set takes one option.
func (o *options) set(name, value string, flag bool, ram uint64) (known bool, errno linux.Errno) {
	var n uint64
	ok := true
	switch name {
	case "size":
		o.size, ok = size(value, ram)
	case "nr_blocks":
		if o.size, ok = size(value, ram); ok {
			o.size = min(o.size, maxSize) * pages.PageSize
		}
	case "nr_inodes":
		o.inodes, ok = size(value, ram)
	case "mode":
		n, ok = number(value, 8)
		o.mode = uint32(n) & 0o7777
	case "uid":
		n, ok = number(value, 10)
		o.uid = uint32(n)
	case "gid":
		n, ok = number(value, 10)
		o.gid = uint32(n)
	case "huge", "mpol": // of no consequence: the memory file has huge pages where it can
	case "inode32", "inode64", "noswap":
		return true, 0
	default:
		return false, 0
	}
	if !ok || flag {
		return true, linux.EINVAL
	}
	return true, 0
}

// Param judges one option for fsconfig(2).
func Param(key, value string, flag bool) (known bool, errno linux.Errno) {
	var o options
	return o.set(key, value, flag, 0)
}

func number(s string, base int) (uint64, bool) {
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil
}

// size reads a number with a suffix k, m, g, t, or a percentage of ram.
func size(s string, ram uint64) (int64, bool) {
	if p, ok := strings.CutSuffix(s, "%"); ok {
		n, err := strconv.ParseUint(p, 10, 16)
		return int64(ram / 100 * n), err == nil
	}
	shift := 0
	if s != "" {
		if i := strings.IndexByte("kmgt", s[len(s)-1]|0x20); i >= 0 {
			shift, s = 10*(i+1), s[:len(s)-1]
		}
	}
	n, err := strconv.ParseUint(s, 0, 62-shift)
	return int64(n << shift), err == nil
}

// options is the column of /proc/mounts.
func (f *FS) options() string {
	var b strings.Builder
	if f.opts.size > 0 {
		b.WriteString(",size=" + strconv.FormatInt(f.opts.size>>10, 10) + "k")
	}
	if f.opts.inodes >= 0 {
		b.WriteString(",nr_inodes=" + strconv.FormatInt(f.opts.inodes, 10))
	}
	if f.opts.mode != 0o1777 {
		b.WriteString(",mode=" + strconv.FormatUint(uint64(f.opts.mode), 8))
	}
	if f.opts.uid != 0 {
		b.WriteString(",uid=" + strconv.FormatUint(uint64(f.opts.uid), 10))
	}
	if f.opts.gid != 0 {
		b.WriteString(",gid=" + strconv.FormatUint(uint64(f.opts.gid), 10))
	}
	b.WriteString(",inode64")
	return b.String()[1:]
}

// reconfigure changes size and number of inodes on a remount: EINVAL if more is in use.
func (f *FS) reconfigure(_ vfs.Ctx, data string) linux.Errno {
	o := f.opts
	if errno := o.parse(data, f.ram); errno != 0 {
		return errno
	}
	if o.size > 0 && o.size/pages.PageSize < f.quota.Used.Load() || o.inodes > 0 && o.inodes < f.inodes.Load() {
		return linux.EINVAL
	}
	if o.size > 0 {
		f.quota.Max.Store(o.size / pages.PageSize)
	}
	if o.inodes >= 0 {
		f.max = o.inodes
	}
	f.opts = o
	return 0
}

func (f *FS) statfs(vfs.Ctx) (vfs.Statfs, linux.Errno) {
	s := vfs.Statfs{Magic: magic, Bsize: pages.PageSize, Frsize: pages.PageSize, Namelen: linux.NAME_MAX}
	if limit := f.quota.Max.Load(); limit >= 0 {
		s.Blocks = uint64(limit)
		s.Bfree = uint64(max(limit-f.quota.Used.Load(), 0))
		s.Bavail = s.Bfree
	}
	if f.max > 0 {
		s.Files, s.Ffree = uint64(f.max), uint64(max(f.max-f.inodes.Load(), 0))
	}
	return s, 0
}

// takeInode counts a new inode: ENOSPC beyond the bound.
func (f *FS) takeInode() linux.Errno {
	if n := f.inodes.Add(1); f.max > 0 && n > f.max {
		f.inodes.Add(-1)
		return linux.ENOSPC
	}
	return 0
}
