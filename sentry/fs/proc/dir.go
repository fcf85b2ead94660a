package proc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// entry is a name of a directory and how its inode is made; make may return nil if there is
// nothing behind the name just now.
type entry struct {
	name string
	typ  uint8
	make func(d *dir, path string) *vfs.Inode
}

// lister gives a directory's entries that are not fixed. Position n is that of an entry whose
// number is n: next returns the first entry at or after it, with its own position.
type lister interface {
	lookup(ctx vfs.Ctx, d *dir, name string) (*vfs.Inode, linux.Errno)
	// list returns entries from position from on, in order, at most some hundreds.
	list(ctx vfs.Ctx, from int64) []numbered
}

// numbered is an entry of a lister with its position.
type numbered struct {
	at   int64
	name string
	typ  uint8
}

// dir is a directory.
type dir struct {
	node
	entries []entry
	more    lister
	sysctl  bool // permissions are those of /proc/sys
}

// start fills a directory in: a link for each fixed directory in it.
func (d *dir) start(f *FS, path string, perm uint32, task *kernel.Task) {
	d.init(d, f, path, linux.S_IFDIR|perm, task)
	links := uint32(2)
	for i := range d.entries {
		if d.entries[i].typ == linux.DT_DIR {
			links++
		}
	}
	d.Update(func(a *vfs.Attr) { a.Nlink = links })
}

// Process is whose /proc/PID this is, nil for any other directory (tgid_pidfd_to_pid).
func (d *dir) Process() *kernel.Task {
	if strings.LastIndexByte(d.path, '/') != 0 {
		return nil
	}
	return d.task
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(ctx vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	if d.task != nil && !d.fs.alive(d.task) {
		return nil, linux.ENOENT
	}
	for i := range d.entries {
		if d.entries[i].name == name {
			if in := d.entries[i].make(d, d.join(name)); in != nil {
				return in, 0
			}
			return nil, linux.ENOENT
		}
	}
	if d.more != nil {
		return d.more.lookup(ctx, d, name)
	}
	return nil, linux.ENOENT
}

// Valid is vfs.Revalidator's: what is fixed stays; what is a task's as long as there is that task;
// descriptors are looked up each time.
func (d *dir) Valid(ctx vfs.Ctx, name string, child *vfs.Inode) bool {
	if child == nil {
		return false
	}
	n := child.Ops.(interface{ is() *node }).is()
	if _, ok := d.more.(fds); ok {
		return false
	}
	if _, ok := d.more.(mapFiles); ok {
		return false
	}
	if p, ok := d.more.(perLink); ok {
		return name == "all" || name == "default" || slices.ContainsFunc(p.links(ctx), func(l device.Link) bool { return l.Name == name })
	}
	if n.task == nil {
		return true
	}
	if n.task != d.task { // a process's directory, by its number
		nr, _ := strconv.ParseUint(name, 10, 31)
		return d.fs.k.TaskIn(d.fs.ns, int32(nr)) == n.task
	}
	return d.fs.alive(n.task)
}

func (d *dir) join(name string) string { return strings.TrimSuffix(d.path, "/") + "/" + name }

// Create is not possible here.
func (*dir) Create(vfs.Ctx, string, vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	return nil, linux.ENOENT
}

// Link is not possible here.
func (*dir) Link(vfs.Ctx, string, *vfs.Inode) linux.Errno { return linux.EPERM }

// Unlink is not possible here.
func (*dir) Unlink(vfs.Ctx, string, *vfs.Inode) linux.Errno { return linux.EPERM }

// Rename is not possible here.
func (*dir) Rename(vfs.Ctx, string, *vfs.Inode, *vfs.Inode, string, *vfs.Inode, uint32) linux.Errno {
	return linux.EPERM
}

// Getattr is vfs.Getattrer's: a process that is hidden is not there (pid_getattr).
func (d *dir) Getattr(ctx vfs.Ctx) linux.Errno {
	d.own()
	if d.isProcess() && !d.fs.shows(ctx, d.task, hideInvisible) {
		return linux.ENOENT
	}
	if l, ok := d.more.(fds); ok && !l.info {
		if files := d.task.Files(); files != nil {
			n := int64(files.Count())
			d.Update(func(a *vfs.Attr) { a.Size = n })
		}
	}
	if _, ok := d.more.(processes); ok {
		links := uint32(d.fs.k.Tasks()) + 10
		d.Update(func(a *vfs.Attr) { a.Nlink = links })
	}
	return 0
}

// isProcess tells whether d is a /proc/PID.
func (d *dir) isProcess() bool { return d.task != nil && strings.LastIndexByte(d.path, '/') == 0 }

// isTask tells whether d is a /proc/PID/task.
func (d *dir) isTask() bool {
	_, ok := d.more.(threadsOf)
	return ok
}

// CheckPermission is vfs.Permissioner's.
func (d *dir) CheckPermission(ctx vfs.Ctx, want uint32) linux.Errno {
	at := d.Attr()
	switch {
	case d.sysctl:
		return sysctlPermission(ctx, at.Mode, want)
	case d.task == nil:
	case d.isProcess() || d.isTask(): // proc_pid_permission
		if !d.fs.alive(d.task) {
			return linux.ESRCH
		}
		if !d.fs.shows(ctx, d.task, hideNoAccess) {
			if d.fs.options.Load().hide == hideInvisible {
				return linux.ENOENT
			}
			return linux.EPERM
		}
	default:
		switch l := d.more.(type) {
		case fds:
			return d.fdPermission(ctx, &at, want, l.info)
		case mapFiles:
			return d.fdPermission(ctx, &at, want, false)
		}
	}
	return vfs.CheckMode(ctx.Cred(), at.Mode, at.UID, at.GID, want)
}

// fdPermission lets a process always look at its own descriptors (proc_fd_permission); fdinfo takes
// the rights of a debugger (proc_fdinfo_permission).
func (d *dir) fdPermission(ctx vfs.Ctx, at *vfs.Attr, want uint32, info bool) linux.Errno {
	own := isOwn(ctx, d.task)
	if info && !own && !mayLook(ctx, d.task) {
		return linux.EACCES
	}
	errno := vfs.CheckMode(ctx.Cred(), at.Mode, at.UID, at.GID, want)
	if errno != 0 && own {
		return 0
	}
	return errno
}

// Open is vfs.InodeOps's.
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &listing{d: d}, 0 }

// listing is an open directory. Position 0 and 1 are the dots, then come the fixed entries, then, from
// numbersFrom on, those of the lister.
type listing struct{ d *dir }

const numbersFrom = 256

// Read is vfs.FileOps's.
func (*listing) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Write is vfs.FileOps's.
func (*listing) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Release is vfs.FileOps's.
func (*listing) Release(*vfs.File) {}

// Readdir is vfs.Dirents's.
func (l *listing) Readdir(ctx vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	d := l.d
	if d.task != nil && !d.fs.alive(d.task) {
		return linux.ENOENT
	}
	for ; off < int64(len(d.entries))+2; off++ {
		e := vfs.Dirent{Next: off + 1}
		switch off {
		case 0:
			e.Name, e.Ino, e.Type = ".", d.Ino, linux.DT_DIR
		case 1:
			e.Name, e.Ino, e.Type = "..", f.Path.Dentry.ParentIno(), linux.DT_DIR
		default:
			x := &d.entries[off-2]
			e.Name, e.Ino, e.Type = x.name, ino(d.join(x.name)), x.typ
		}
		if !emit(e) {
			return 0
		}
	}
	if d.more == nil {
		return 0
	}
	for from := max(off-numbersFrom, 0); ; {
		list := d.more.list(ctx, from)
		if len(list) == 0 {
			return 0
		}
		for _, x := range list {
			from = x.at + 1
			if !emit(vfs.Dirent{Name: x.name, Ino: ino(d.join(x.name)), Type: x.typ, Next: from + numbersFrom}) {
				return 0
			}
		}
	}
}

// sub is the entry of a directory of fixed entries.
func sub(name string, entries ...entry) entry { return subPerm(name, 0o555, nil, entries) }

// subPerm is sub with permissions and further entries.
func subPerm(name string, perm uint32, more lister, entries []entry) entry {
	return entry{name, linux.DT_DIR, func(p *dir, path string) *vfs.Inode {
		d := &dir{entries: entries, more: more, sysctl: p.sysctl}
		d.start(p.fs, path, perm, p.task)
		return &d.Inode
	}}
}
