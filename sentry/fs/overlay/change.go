package overlay

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Names are changed with vfs's lock of the directory here, which is copied up first.

// Create is vfs.DirOps's.
func (d *dir) Create(ctx vfs.Ctx, name string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if a.Mode&linux.S_IFMT == linux.S_IFCHR && a.Rdev == 0 {
		return nil, linux.EPERM // it would be a whiteout
	}
	if errno := d.copyUp(ctx, 0); errno != 0 {
		return nil, errno
	}
	k, place := layerCtx{ctx}, d.place.Load()
	hid, errno := d.unhide(k, name)
	if errno != 0 {
		return nil, errno
	}
	made, errno := vfs.CreateIn(k, place, name, a)
	if errno == 0 && made.Inode().IsDir() && len(d.lowers) > 0 && (hid || d.fs.config.redirect == redirectOn) {
		if errno = d.fs.setOwn(k, made.Inode(), xattrOpaque, "y"); errno != 0 && !hid {
			errno = 0 // nothing lies below it
		}
		if errno != 0 {
			made.Put()
			vfs.RemoveFrom(k, place, name)
		}
	}
	if errno != 0 {
		if hid {
			d.hide(k, name)
		}
		return nil, errno
	}
	d.Getattr(ctx)
	return d.fs.get(ctx, &found{upper: made}, d, name)
}

// unhide removes the whiteout of name, if there is one.
func (d *dir) unhide(k layerCtx, name string) (bool, linux.Errno) {
	place := d.place.Load()
	c, errno := vfs.ChildOf(k, place, name)
	if errno == linux.ENOENT {
		return false, 0
	}
	if errno != 0 {
		return false, errno
	}
	defer c.Put()
	if !whiteout(c.Inode()) {
		return false, 0
	}
	return true, vfs.RemoveFrom(k, place, name)
}

// hide makes a whiteout.
func (d *dir) hide(k layerCtx, name string) linux.Errno {
	c := d.fs.mounter
	w, errno := vfs.CreateIn(k, d.place.Load(), name, vfs.CreateArgs{Mode: linux.S_IFCHR, UID: c.Fsuid, GID: c.Fsgid})
	if errno == 0 {
		w.Put()
	}
	return errno
}

// Tmpfile is vfs.Tmpfiler's.
func (d *dir) Tmpfile(ctx vfs.Ctx, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	if errno := d.copyUp(ctx, 0); errno != 0 {
		return nil, errno
	}
	k := layerCtx{ctx}
	t, ok := d.upper.Load().Ops.(vfs.Tmpfiler)
	if !ok {
		return nil, linux.EOPNOTSUPP
	}
	up, errno := t.Tmpfile(k, a)
	if errno != 0 {
		return nil, errno
	}
	at, errno := up.Stat(k)
	if errno != 0 {
		up.Put()
		return nil, errno
	}
	r := &file{}
	r.fs, r.self = d.fs, r
	r.upper.Store(up)
	r.Init(r, d.fs.sb, d.fs.number(up), at)
	d.fs.raised(&r.node, up)
	return &r.Inode, 0
}

// Link is vfs.DirOps's.
func (d *dir) Link(ctx vfs.Ctx, name string, target *vfs.Inode) linux.Errno {
	t := target.Ops.(kind).base()
	if errno := d.copyUp(ctx, 0); errno != 0 {
		return errno
	}
	if errno := t.copyUp(ctx, wholeFile); errno != 0 {
		return errno
	}
	k := layerCtx{ctx}
	hid, errno := d.unhide(k, name)
	if errno != 0 {
		return errno
	}
	if errno := vfs.LinkIn(k, d.place.Load(), name, t.upper.Load()); errno != 0 {
		if hid {
			d.hide(k, name)
		}
		return errno
	}
	d.Getattr(ctx)
	return t.Getattr(ctx)
}

// Unlink is vfs.DirOps's.
func (d *dir) Unlink(ctx vfs.Ctx, name string, child *vfs.Inode) linux.Errno {
	c := child.Ops.(kind).base()
	if sub, ok := c.self.(*dir); ok {
		if errno := sub.mustBeEmpty(ctx); errno != 0 {
			return errno
		}
	}
	if errno := d.copyUp(ctx, 0); errno != 0 {
		return errno
	}
	k := layerCtx{ctx}
	hides, errno := d.hides(k, name)
	if errno != 0 {
		return errno
	}
	c.up.Lock()
	defer c.up.Unlock()
	if c.upper.Load() != nil {
		if errno := d.removeUpper(k, name, c); errno != 0 {
			return errno
		}
	}
	if hides {
		if errno := d.hide(k, name); errno != 0 {
			return errno
		}
	}
	if a := c.Attr(); a.Nlink <= 1 || c.IsDir() || c.upper.Load() == nil {
		c.move(nil, "")
	}
	d.Getattr(ctx)
	if c.IsDir() {
		c.Update(func(a *vfs.Attr) { a.Nlink = 0 })
		return 0
	}
	return c.Getattr(ctx)
}

// removeUpper takes name, which is c, out of the upper layer.
func (d *dir) removeUpper(k layerCtx, name string, c *node) linux.Errno {
	if sub, ok := c.self.(*dir); ok {
		if errno := sub.dropWhiteouts(k); errno != 0 {
			return errno
		}
	}
	return vfs.RemoveFrom(k, d.place.Load(), name)
}

// dropWhiteouts empties an upper directory that shows nothing.
func (d *dir) dropWhiteouts(k layerCtx) linux.Errno {
	place := d.place.Load()
	if place == nil {
		return 0
	}
	var names []string
	errno := d.fs.listOne(k, d.fs.upper, place.Inode(), func(e vfs.Dirent) { names = append(names, e.Name) })
	if errno == 0 && len(names) > 0 && d.fs.noXattr {
		return linux.EIO // Linux puts an opaque directory in its place first (ovl_clear_empty)
	}
	for _, name := range names {
		if e := vfs.RemoveFrom(k, place, name); e != 0 && errno == 0 {
			errno = e
		}
	}
	return errno
}

// mustBeEmpty is ENOTEMPTY for a directory with names.
func (d *dir) mustBeEmpty(ctx vfs.Ctx) linux.Errno {
	list, errno := d.merged(layerCtx{ctx})
	if errno == 0 && len(list) > 0 {
		errno = linux.ENOTEMPTY
	}
	return errno
}

// Rename is vfs.DirOps's (ovl_rename).
func (d *dir) Rename(ctx vfs.Ctx, name string, child *vfs.Inode, newDir *vfs.Inode, newName string, replaced *vfs.Inode, flags uint32) linux.Errno {
	if flags&linux.RENAME_WHITEOUT != 0 {
		return linux.EINVAL
	}
	to, c := newDir.Ops.(*dir), child.Ops.(kind).base()
	r := move{k: layerCtx{ctx}, from: d, to: to, name: name, newName: newName, child: c}
	if replaced != nil {
		r.replaced = replaced.Ops.(kind).base()
	}
	if flags&linux.RENAME_EXCHANGE != 0 {
		return r.exchange()
	}
	return r.run()
}

// move is one rename.
type move struct {
	k               layerCtx
	from, to        *dir
	name, newName   string
	child, replaced *node
}

// prepare copies up what moves, n, and the directories.
func (r *move) prepare(n *node) linux.Errno {
	if s, ok := n.self.(*dir); ok && len(s.lowers) > 0 && r.from.fs.config.redirect != redirectOn {
		return linux.EXDEV
	}
	for _, x := range []*node{n, &r.from.node, &r.to.node} {
		if errno := x.copyUp(r.k, wholeFile); errno != 0 {
			return errno
		}
	}
	return 0
}

// mark lets a directory that goes to the directory to keep what is below it, and nothing else.
func (r *move) mark(n *node, from, to *dir) linux.Errno {
	s, ok := n.self.(*dir)
	switch {
	case !ok:
		return 0
	case len(s.lowers) > 0:
		return s.setRedirect(r.k, from == to)
	case len(to.lowers) > 0:
		if errno := s.fs.setOwn(r.k, s.upper.Load(), xattrOpaque, "y"); errno != 0 {
			return linux.EXDEV
		}
	}
	return 0
}

// setRedirect notes where the lower directories are: the old name, or the whole path for a move to
// another directory. An absolute one that is there already stays true (ovl_set_redirect).
func (d *dir) setRedirect(k layerCtx, sameDir bool) linux.Errno {
	old, ok := d.fs.own(k, d.upper.Load(), xattrRedirect)
	if ok && goodRedirect(old) && (sameDir || old[0] == '/') {
		return 0
	}
	_, to := d.where()
	if !sameDir {
		to = d.lowerPath(k)
	}
	if len(to) > linux.NAME_MAX+1 {
		return linux.EXDEV // redirect_max
	}
	if d.fs.setOwn(k, d.upper.Load(), xattrRedirect, to) != 0 {
		return linux.EXDEV
	}
	return 0
}

// lowerPath is where d's lower directories are, as a path from the roots of their layers: that of d
// here, but for directories that were moved. Renames are locked out.
func (d *dir) lowerPath(k layerCtx) string {
	path := ""
	for {
		parent, part := d.where()
		if parent == nil {
			return path
		}
		if up := d.upper.Load(); up != nil {
			if to, ok := d.fs.own(k, up, xattrRedirect); ok && goodRedirect(to) {
				if to[0] == '/' {
					return to + path
				}
				part = to
			}
		}
		path, d = "/"+part+path, parent
	}
}

// run is a rename that is no exchange.
func (r *move) run() linux.Errno {
	c, k := r.child, r.k
	if errno := r.prepare(c); errno != 0 {
		return errno
	}
	hides, errno := r.from.hides(k, r.name)
	if errno != 0 {
		return errno
	}
	if old := r.replaced; old != nil {
		if s, ok := old.self.(*dir); ok {
			if errno := s.mustBeEmpty(k); errno != 0 {
				return errno
			}
			if errno := s.dropWhiteouts(k); errno != 0 {
				return errno
			}
		}
		old.up.Lock()
		defer old.up.Unlock()
	}
	c.up.Lock()
	defer c.up.Unlock()
	if errno := r.mark(c, r.from, r.to); errno != 0 {
		return errno
	}
	hid := false
	if c.IsDir() {
		if hid, errno = r.to.unhide(k, r.newName); errno != 0 {
			return errno
		}
	}
	if errno := vfs.RenameIn(k, r.from.place.Load(), r.name, r.to.place.Load(), r.newName, 0); errno != 0 {
		if hid {
			r.to.hide(k, r.newName)
		}
		return errno
	}
	if hides {
		errno = r.from.hide(k, r.name)
	}
	c.move(r.to, r.newName)
	if old := r.replaced; old != nil {
		if old.IsDir() || old.upper.Load() == nil || old.Attr().Nlink <= 1 {
			old.move(nil, "")
		}
		old.Getattr(k)
		if old.IsDir() {
			old.Update(func(a *vfs.Attr) { a.Nlink = 0 })
		}
	}
	r.refresh()
	return errno
}

// exchange is RENAME_EXCHANGE.
func (r *move) exchange() linux.Errno {
	c, o := r.child, r.replaced
	for _, n := range []*node{c, o} {
		if errno := r.prepare(n); errno != 0 {
			return errno
		}
	}
	c.up.Lock()
	defer c.up.Unlock()
	o.up.Lock()
	defer o.up.Unlock()
	if errno := r.mark(c, r.from, r.to); errno != 0 {
		return errno
	}
	if errno := r.mark(o, r.to, r.from); errno != 0 {
		return errno
	}
	if errno := vfs.RenameIn(r.k, r.from.place.Load(), r.name, r.to.place.Load(), r.newName, linux.RENAME_EXCHANGE); errno != 0 {
		return errno
	}
	c.move(r.to, r.newName)
	o.move(r.from, r.name)
	o.Getattr(r.k)
	r.refresh()
	return 0
}

// refresh takes over the times of what has changed.
func (r *move) refresh() {
	r.child.Getattr(r.k)
	r.from.Getattr(r.k)
	r.to.Getattr(r.k)
	for _, d := range []*dir{r.from, r.to} {
		if r.child.lower != nil || r.child.IsDir() {
			d.impure(r.k)
		}
	}
}
