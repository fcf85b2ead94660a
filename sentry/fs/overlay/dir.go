package overlay

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// dir is a directory. names holds the inodes there are, new, changed or just in use; a name that
// is in neither names nor hidden is the lower directory's.
type dir struct {
	node
	names  map[string]kind     // guarded by node.mu
	hidden map[string]struct{} // lower names that are gone (whiteouts); likewise
}

// Setattr is vfs.InodeOps's.
func (d *dir) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return d.setattr(ctx, s) }

// Evict is vfs.Evicter's.
func (d *dir) Evict() { d.evict() }

// forget takes an inode that is going out of names.
func (d *dir) forget(name string, k kind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == k {
		delete(d.names, name)
	}
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(ctx vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	d.mu.Lock()
	if k := d.names[name]; k != nil && k.base().TryGet() {
		d.mu.Unlock()
		return &k.base().Inode, 0
	}
	_, gone := d.hidden[name]
	d.mu.Unlock()
	if gone || d.lower == nil {
		return nil, linux.ENOENT
	}
	low, errno := vfs.LookupIn(ctx, d.lower, name)
	if errno != 0 {
		return nil, errno
	}
	i, errno := d.fs.over(ctx, low, d, name)
	if errno != 0 {
		low.Put()
		return nil, errno
	}
	d.mu.Lock()
	if k := d.names[name]; k != nil && k.base().TryGet() { // another look-up was faster
		d.mu.Unlock()
		i.Ops.(kind).base().drop()
		i.Put()
		return &k.base().Inode, 0
	}
	d.names[name] = i.Ops.(kind)
	d.mu.Unlock()
	return i, 0
}

// add enters a name. The inode is kept from now on.
func (d *dir) add(name string, k kind, now int64) {
	n := k.base()
	n.mu.Lock()
	n.parent, n.name = d, name
	n.mu.Unlock()
	d.mu.Lock()
	d.names[name] = k
	d.mu.Unlock()
	n.keep()
	d.changed(now)
}

// remove takes a name out; a lower one of that name is hidden.
func (d *dir) remove(name string, now int64) {
	d.mu.Lock()
	delete(d.names, name)
	if d.lower != nil {
		d.hidden[name] = struct{}{}
	}
	d.mu.Unlock()
	d.keep()
	d.changed(now)
}

func (d *dir) changed(now int64) {
	d.Update(func(a *vfs.Attr) { a.Mtime, a.Ctime = now, now })
}

func links(i *vfs.Inode, n int32, now int64) {
	i.Update(func(a *vfs.Attr) {
		a.Nlink = uint32(max(int32(a.Nlink)+n, 0))
		a.Ctime = now
	})
}

// attrOf are the attributes of a new object.
func attrOf(a *vfs.CreateArgs, now int64) vfs.Attr {
	return vfs.Attr{Mode: a.Mode, Nlink: 1, UID: a.UID, GID: a.GID, Rdev: a.Rdev, Size: int64(len(a.Target)), Blksize: 4096, Atime: now, Mtime: now, Ctime: now, Btime: now}
}

// Create is vfs.DirOps's.
func (d *dir) Create(ctx vfs.Ctx, name string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	now := ctx.Now()
	at := attrOf(&a, now)
	if a.Mode&linux.S_IFMT == linux.S_IFDIR {
		at.Nlink, at.Size = 2, 40
	}
	i := d.fs.make(at, d.fs.ino.Add(1)|newIno, nil, d, name, a.Target)
	d.add(name, i.Ops.(kind), now)
	if i.IsDir() {
		links(&d.Inode, 1, now)
	}
	return i, 0
}

// Tmpfile is vfs.Tmpfiler's.
func (d *dir) Tmpfile(ctx vfs.Ctx, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	at := attrOf(&a, ctx.Now())
	at.Nlink = 0
	return d.fs.make(at, d.fs.ino.Add(1)|newIno, nil, nil, "", ""), 0
}

// Link is vfs.DirOps's. An inode with several names stays until all are gone.
func (d *dir) Link(ctx vfs.Ctx, name string, target *vfs.Inode) linux.Errno {
	if len(name) > linux.NAME_MAX {
		return linux.ENAMETOOLONG
	}
	now, k := ctx.Now(), target.Ops.(kind)
	k.base().keep()
	d.add(name, k, now)
	links(target, 1, now)
	return 0
}

// Unlink is vfs.DirOps's.
func (d *dir) Unlink(ctx vfs.Ctx, name string, child *vfs.Inode) linux.Errno {
	now := ctx.Now()
	if c, ok := child.Ops.(*dir); ok {
		empty, errno := c.empty(ctx)
		if errno != 0 {
			return errno
		}
		if !empty {
			return linux.ENOTEMPTY
		}
		links(child, -2, now)
		links(&d.Inode, -1, now)
	} else {
		links(child, -1, now)
	}
	d.remove(name, now)
	if child.IsDir() || child.Attr().Nlink == 0 || child.Ops.(kind).base().lower != nil {
		child.Ops.(kind).base().drop()
	}
	return 0
}

// Rename is vfs.DirOps's.
func (d *dir) Rename(ctx vfs.Ctx, name string, child *vfs.Inode, newDir *vfs.Inode, newName string, replaced *vfs.Inode, flags uint32) linux.Errno {
	if len(newName) > linux.NAME_MAX {
		return linux.ENAMETOOLONG
	}
	if flags&linux.RENAME_WHITEOUT != 0 {
		return linux.EINVAL
	}
	to, now := newDir.Ops.(*dir), ctx.Now()
	if replaced != nil && flags&linux.RENAME_EXCHANGE == 0 {
		if errno := to.Unlink(ctx, newName, replaced); errno != 0 {
			return errno
		}
	}
	child.Ops.(kind).base().keep()
	d.remove(name, now)
	if flags&linux.RENAME_EXCHANGE != 0 {
		replaced.Ops.(kind).base().keep()
		to.remove(newName, now)
		d.add(name, replaced.Ops.(kind), now)
		d.moved(replaced, to, d, now)
	}
	to.add(newName, child.Ops.(kind), now)
	d.moved(child, d, to, now)
	return 0
}

// moved counts the link that a subdirectory's ".." is.
func (*dir) moved(child *vfs.Inode, from, to *dir, now int64) {
	links(child, 0, now)
	if child.IsDir() && from != to {
		links(&from.Inode, -1, now)
		links(&to.Inode, 1, now)
	}
}

// merged lists the names: those here and the lower ones that are not hidden.
func (d *dir) merged(ctx vfs.Ctx) ([]vfs.Dirent, linux.Errno) {
	var list []vfs.Dirent
	seen := map[string]bool{}
	d.mu.Lock()
	for name, k := range d.names {
		n := k.base()
		seen[name] = true
		list = append(list, vfs.Dirent{Name: name, Ino: n.Ino, Type: uint8(n.Type() >> 12)})
	}
	for name := range d.hidden {
		seen[name] = true
	}
	d.mu.Unlock()
	if d.lower == nil {
		return list, 0
	}
	f, errno := vfs.OpenInode(ctx, d.fs.lower, d.lower, linux.O_RDONLY|linux.O_DIRECTORY)
	if errno != 0 {
		return nil, errno
	}
	defer f.Put()
	for more := true; more; {
		more = false
		errno := f.ReaddirLocked(ctx, func(e vfs.Dirent) bool {
			more = true
			if e.Name != "." && e.Name != ".." && !seen[e.Name] {
				list = append(list, e)
			}
			return true
		})
		if errno != 0 {
			return nil, errno
		}
	}
	return list, 0
}

func (d *dir) empty(ctx vfs.Ctx) (bool, linux.Errno) {
	list, errno := d.merged(ctx)
	return len(list) == 0, errno
}

// Open is vfs.InodeOps's.
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &listing{d: d}, 0 }

// listing is an open directory: its names are taken down when it is read from the beginning.
type listing struct {
	d    *dir
	have []vfs.Dirent
}

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

// Fsync is vfs.Fsyncer's: memory needs none.
func (*listing) Fsync(vfs.Ctx, *vfs.File, bool) linux.Errno { return 0 }

// Readdir is vfs.Dirents's.
func (l *listing) Readdir(ctx vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	if off == 0 || l.have == nil {
		list, errno := l.d.merged(ctx)
		if errno != 0 {
			return errno
		}
		l.have = append([]vfs.Dirent{
			{Name: ".", Ino: l.d.Ino, Type: linux.DT_DIR}, {Name: "..", Ino: f.Path.Dentry.ParentIno(), Type: linux.DT_DIR},
		}, list...)
	}
	for i := off; i < int64(len(l.have)); i++ {
		e := l.have[i]
		e.Next = i + 1
		if !emit(e) {
			return 0
		}
	}
	return 0
}
