package tmpfs

import (
	"sort"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// dir is a directory. Its entries are guarded by vfs's lock of the directory.
type dir struct {
	node
	entries map[string]*entry
	order   []*entry // by rising position; holes (nil name) are cut out when there are many
	last    int64    // position given out last
	dead    int      // removed entries that are still in order
}

// entry is a name. It holds a reference on its inode.
type entry struct {
	name  string
	inode *vfs.Inode
	pos   int64
	gone  bool
}

// firstEntry is the position behind "." and "..".
const firstEntry = 2

// entrySize is what an entry adds to a directory's size (BOGO_DIRENT_SIZE).
const entrySize = 20

func (f *FS) newDir(at vfs.Attr) *dir {
	d := &dir{entries: map[string]*entry{}, last: firstEntry - 1}
	d.fs = f
	at.Blksize, at.Size = 4096, 2*entrySize
	d.Init(d, f.sb, f.ino.Add(1), at)
	return d
}

// Setattr is vfs.InodeOps's.
func (d *dir) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return d.setattr(ctx, s) }

// Evict is vfs.Evicter's: what is left goes with its directory (the end of the file system).
func (d *dir) Evict() {
	for _, e := range d.entries {
		e.inode.Put()
	}
	d.entries, d.order = nil, nil
	d.evict()
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	e := d.entries[name]
	if e == nil {
		return nil, linux.ENOENT
	}
	e.inode.Get()
	return e.inode, 0
}

// add enters a name, whose reference on the inode it takes over.
func (d *dir) add(name string, i *vfs.Inode, now int64) {
	d.last++
	e := &entry{name: name, inode: i, pos: d.last}
	d.entries[name] = e
	d.order = append(d.order, e)
	d.changed(now, entrySize)
}

// drop takes a name out; the reference is the caller's.
func (d *dir) drop(name string, now int64) {
	e := d.entries[name]
	delete(d.entries, name)
	e.gone = true
	if d.dead++; d.dead > 32 && d.dead > len(d.order)/2 {
		kept := make([]*entry, 0, len(d.entries))
		for _, o := range d.order {
			if !o.gone {
				kept = append(kept, o)
			}
		}
		d.order, d.dead = kept, 0
	}
	d.changed(now, -entrySize)
}

func (d *dir) changed(now int64, grow int64) {
	d.Update(func(a *vfs.Attr) {
		a.Mtime, a.Ctime = now, now
		a.Size += grow
	})
}

func links(i *vfs.Inode, n int32, now int64) {
	i.Update(func(a *vfs.Attr) {
		a.Nlink = uint32(int32(a.Nlink) + n)
		a.Ctime = now
	})
}

// Create is vfs.DirOps's.
func (d *dir) Create(ctx vfs.Ctx, name string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	if errno := d.fs.takeInode(); errno != 0 {
		return nil, errno
	}
	now := ctx.Now()
	i := d.fs.newInode(&a, now)
	i.Get()
	d.add(name, i, now)
	if i.IsDir() {
		links(&d.Inode, 1, now)
	}
	return i, 0
}

// Tmpfile is vfs.Tmpfiler's.
func (d *dir) Tmpfile(ctx vfs.Ctx, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if errno := d.fs.takeInode(); errno != 0 {
		return nil, errno
	}
	at := attrOf(&a, ctx.Now())
	at.Nlink = 0
	return &d.fs.newFile(at).Inode, 0
}

// Link is vfs.DirOps's.
func (d *dir) Link(ctx vfs.Ctx, name string, target *vfs.Inode) linux.Errno {
	if len(name) > linux.NAME_MAX {
		return linux.ENAMETOOLONG
	}
	if target.Attr().Nlink > 0 { // a further name counts as an inode, so that names are bounded
		if errno := d.fs.takeInode(); errno != 0 {
			return errno
		}
	}
	now := ctx.Now()
	target.Get()
	d.add(name, target, now)
	links(target, 1, now)
	return 0
}

// Unlink is vfs.DirOps's.
func (d *dir) Unlink(ctx vfs.Ctx, name string, child *vfs.Inode) linux.Errno {
	now := ctx.Now()
	if c, ok := child.Ops.(*dir); ok {
		if len(c.entries) > 0 {
			return linux.ENOTEMPTY
		}
		links(child, -2, now)
		links(&d.Inode, -1, now)
	} else {
		if child.Attr().Nlink > 1 {
			d.fs.inodes.Add(-1)
		}
		links(child, -1, now)
	}
	d.drop(name, now)
	child.Put()
	return 0
}

// Rename is vfs.DirOps's.
func (d *dir) Rename(ctx vfs.Ctx, name string, child *vfs.Inode, newDir *vfs.Inode, newName string, replaced *vfs.Inode, flags uint32) linux.Errno {
	if len(newName) > linux.NAME_MAX {
		return linux.ENAMETOOLONG
	}
	to, now := newDir.Ops.(*dir), ctx.Now()
	if flags&linux.RENAME_EXCHANGE != 0 {
		d.entries[name].inode, to.entries[newName].inode = replaced, child
		if d != to {
			d.moveLinks(child, to, now)
			to.moveLinks(replaced, d, now)
		}
		d.changed(now, 0)
		to.changed(now, 0)
		links(child, 0, now)
		links(replaced, 0, now)
		return 0
	}
	var whiteout *vfs.Inode
	if flags&linux.RENAME_WHITEOUT != 0 {
		c := ctx.Cred()
		if errno := d.fs.takeInode(); errno != 0 {
			return errno
		}
		whiteout = d.fs.newInode(&vfs.CreateArgs{Mode: linux.S_IFCHR, UID: c.Fsuid, GID: c.Fsgid}, now)
	}
	if replaced != nil {
		if errno := to.Unlink(ctx, newName, replaced); errno != 0 {
			if whiteout != nil {
				whiteout.Put()
			}
			return errno
		}
	}
	d.drop(name, now)
	if whiteout != nil {
		d.add(name, whiteout, now)
	}
	to.add(newName, child, now)
	if d != to {
		d.moveLinks(child, to, now)
	}
	links(child, 0, now)
	return 0
}

// moveLinks moves the link that a subdirectory's ".." is.
func (d *dir) moveLinks(child *vfs.Inode, to *dir, now int64) {
	if child.IsDir() {
		links(&d.Inode, -1, now)
		links(&to.Inode, 1, now)
	}
}

// Open is vfs.InodeOps's.
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return listing{d}, 0 }

// listing is an open directory.
type listing struct{ d *dir }

// Read is vfs.FileOps's.
func (listing) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Write is vfs.FileOps's.
func (listing) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Release is vfs.FileOps's.
func (listing) Release(*vfs.File) {}

// Fsync is vfs.Fsyncer's: memory needs none.
func (listing) Fsync(vfs.Ctx, *vfs.File, bool) linux.Errno { return 0 }

// Readdir is vfs.Dirents's. vfs holds the directory's lock shared.
func (l listing) Readdir(_ vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	d := l.d
	if off == 0 {
		if !emit(vfs.Dirent{Name: ".", Ino: d.Ino, Type: linux.DT_DIR, Next: 1}) {
			return 0
		}
		off = 1
	}
	if off == 1 {
		if !emit(vfs.Dirent{Name: "..", Ino: f.Path.Dentry.ParentIno(), Type: linux.DT_DIR, Next: firstEntry}) {
			return 0
		}
		off = firstEntry
	}
	i := sort.Search(len(d.order), func(i int) bool { return d.order[i].pos >= off })
	for _, e := range d.order[i:] {
		if e.gone {
			continue
		}
		if !emit(vfs.Dirent{Name: e.name, Ino: e.inode.Ino, Type: uint8(e.inode.Type() >> 12), Next: e.pos + 1}) {
			return 0
		}
	}
	return 0
}
