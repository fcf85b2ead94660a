package overlay

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// listOne calls f for each entry of a directory of one layer.
func (f *FS) listOne(k layerCtx, m *vfs.Mount, i *vfs.Inode, entry func(vfs.Dirent)) linux.Errno {
	file, errno := vfs.OpenInode(k, m, i, linux.O_RDONLY|linux.O_DIRECTORY|linux.O_NOATIME)
	if errno != 0 {
		return errno
	}
	defer file.Put()
	for more := true; more; {
		more = false
		errno := file.ReaddirLocked(k, func(e vfs.Dirent) bool {
			more = true
			if e.Name != "." && e.Name != ".." {
				entry(e)
			}
			return true
		})
		if errno != 0 {
			return errno
		}
	}
	return 0
}

// merged lists the names of all layers (ovl_dir_read_merged).
func (d *dir) merged(k layerCtx) ([]vfs.Dirent, linux.Errno) {
	var list []vfs.Dirent
	place := d.place.Load()
	seen := map[string]bool{}
	if place != nil {
		var some []vfs.Dirent
		if errno := d.fs.listOne(k, d.fs.upper, place.Inode(), func(e vfs.Dirent) { some = append(some, e) }); errno != 0 {
			return nil, errno
		}
		for _, e := range some {
			seen[e.Name] = true
			c, errno := vfs.ChildOf(k, place, e.Name)
			if errno != 0 {
				continue
			}
			i := c.Inode()
			if e.Ino = d.fs.origin(k, i); e.Ino == 0 {
				e.Ino = d.fs.number(i)
			}
			if !whiteout(i) {
				list = append(list, e)
			}
			c.Put()
		}
	}
	for n, l := range d.lowers {
		var nodes []string // character devices, which may be whiteouts
		errno := d.fs.listOne(k, l.layer.mount, l.inode, func(e vfs.Dirent) {
			switch {
			case seen[e.Name]:
				return
			case e.Type == linux.DT_CHR:
				nodes = append(nodes, e.Name)
				return
			case n < len(d.lowers)-1:
				seen[e.Name] = true
			}
			e.Ino = d.fs.numberOf(l.inode.SB, e.Ino)
			list = append(list, e)
		})
		if errno != 0 {
			return nil, errno
		}
		for _, name := range nodes {
			seen[name] = true
			i, errno := vfs.LookupIn(k, l.inode, name)
			if errno != 0 {
				continue
			}
			if !whiteout(i) {
				list = append(list, vfs.Dirent{Name: name, Ino: d.fs.number(i), Type: linux.DT_CHR})
			}
			i.Put()
		}
	}
	return list, 0
}

// Open is vfs.InodeOps's.
func (d *dir) Open(ctx vfs.Ctx, _ *vfs.File) (vfs.FileOps, linux.Errno) {
	l := &listing{d: d}
	if up := d.upper.Load(); up != nil && len(d.lowers) == 0 {
		var errno linux.Errno
		if l.pure, errno = vfs.OpenInode(reader(ctx), d.fs.upper, up, linux.O_RDONLY|linux.O_DIRECTORY|linux.O_NOATIME); errno != 0 {
			return nil, errno
		}
	}
	return l, 0
}

// listing is an open directory. Its names are taken down when it is read from the beginning, unless all
// of them are in one layer: then they are read there.
type listing struct {
	d    *dir
	have []vfs.Dirent
	pure *vfs.File // the upper layer's
	low  *vfs.File // a lower layer's; nil: there are several, or it was not read yet
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
func (l *listing) Release(*vfs.File) {
	if l.pure != nil {
		l.pure.Put()
	}
	l.closeLow()
}

func (l *listing) closeLow() {
	if l.low != nil {
		l.low.Put()
		l.low = nil
	}
}

// Fsync is vfs.Fsyncer's.
func (l *listing) Fsync(ctx vfs.Ctx, _ *vfs.File, dataOnly bool) linux.Errno {
	up := l.d.upper.Load()
	if up == nil {
		return 0
	}
	if l.pure != nil {
		return l.pure.Fsync(ctx, dataOnly)
	}
	f, errno := vfs.OpenInode(layerCtx{ctx}, l.d.fs.upper, up, linux.O_RDONLY|linux.O_DIRECTORY|linux.O_NOATIME)
	if errno != 0 {
		return errno
	}
	defer f.Put()
	return f.Fsync(ctx, dataOnly)
}

// Readdir is vfs.Dirents's.
func (l *listing) Readdir(ctx vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	if l.pure != nil {
		return l.readPure(layerCtx{ctx}, f, off, emit)
	}
	if off == 0 {
		if errno := l.begin(reader(ctx)); errno != 0 {
			return errno
		}
	}
	if l.low != nil {
		return l.readLow(reader(ctx), f, off, emit)
	}
	if off == 0 || l.have == nil {
		list, errno := l.d.merged(layerCtx{ctx})
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

// begin opens the directory in the only layer that it is in, if that is a lower one. Names that are made or
// removed until it is read from the beginning again may be missing or there (readdir(3)).
func (l *listing) begin(k vfs.Ctx) (errno linux.Errno) {
	if l.d.place.Load() != nil || len(l.d.lowers) != 1 {
		l.closeLow()
		return 0
	}
	if l.low == nil {
		low := l.d.lowers[0]
		l.low, errno = vfs.OpenInode(k, low.layer.mount, low.inode, linux.O_RDONLY|linux.O_DIRECTORY|linux.O_NOATIME)
	}
	return errno
}

// readLow is Readdir of a directory that is in one lower layer only. Its whiteouts, which nothing needs, are
// listed as on Linux (ovl_iterate of what ovl_dir_is_real).
func (l *listing) readLow(k vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	number, above := l.d.fs.numberOf(l.d.lowers[0].inode.SB, 0), f.Path.Dentry.ParentIno()
	return l.low.ReaddirFrom(k, off, func(e vfs.Dirent) bool {
		switch e.Name {
		case ".":
			e.Ino = l.d.Ino
		case "..":
			e.Ino = above
		default:
			e.Ino ^= number
		}
		return emit(e)
	})
}

// pureAtOnce is how many names are read of the upper layer before they are shown: its locks are not held
// then.
const pureAtOnce = 128

// readPure is Readdir of a directory that is in the upper layer only.
func (l *listing) readPure(k layerCtx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	place := l.d.place.Load()
	for {
		var some []vfs.Dirent
		errno := l.pure.ReaddirFrom(k, off, func(e vfs.Dirent) bool {
			some = append(some, e)
			return len(some) < pureAtOnce
		})
		if errno != 0 || len(some) == 0 {
			return errno
		}
		for _, e := range some {
			off = e.Next
			switch e.Name {
			case ".":
				e.Ino = l.d.Ino
			case "..":
				e.Ino = f.Path.Dentry.ParentIno()
			default:
				c, errno := vfs.ChildOf(k, place, e.Name)
				if errno != 0 {
					continue
				}
				i := c.Inode()
				if e.Ino = l.d.fs.origin(k, i); e.Ino == 0 {
					e.Ino = l.d.fs.number(i)
				}
				hidden := whiteout(i)
				if c.Put(); hidden {
					continue
				}
			}
			if !emit(e) {
				return 0
			}
		}
	}
}
