package overlay

import (
	"strings"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// dir is a directory of one or several layers.
type dir struct {
	node
	place    atomic.Pointer[vfs.Dentry] // in the upper layer, with a reference; set once
	lowers   []lowerDir                 // with references, the top one first
	isImpure atomic.Bool                // is noted to have copies in it
}

func (d *dir) below0() *vfs.Inode {
	if len(d.lowers) == 0 {
		return nil
	}
	return d.lowers[0].inode
}

// evict is Evict for what only directories have.
func (d *dir) evict() {
	if p := d.place.Load(); p != nil {
		p.Put()
	}
	for _, l := range d.lowers {
		l.inode.Put()
	}
}

// Setattr is vfs.InodeOps's.
func (d *dir) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno { return d.setattr(ctx, s) }

// whiteout reports whether i says that there is no such name.
func whiteout(i *vfs.Inode) bool {
	return i.Type() == linux.S_IFCHR && i.Attr().Rdev == 0
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(ctx vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		return nil, linux.ENAMETOOLONG
	}
	what, errno := d.find(layerCtx{ctx}, name)
	if errno != 0 {
		return nil, errno
	}
	return d.fs.get(ctx, what, d, name)
}

// LookAhead is vfs.PathLooker's: of a name that only the top one of the lower layers can have.
func (d *dir) LookAhead(ctx vfs.Ctx, name, after string) {
	if len(d.lowers) == 0 {
		return
	}
	k := layerCtx{ctx}
	if place := d.place.Load(); place != nil {
		c, errno := vfs.ChildOf(k, place, name)
		if errno == 0 {
			c.Put()
		}
		if errno != linux.ENOENT {
			return
		}
	}
	vfs.LookAheadIn(k, d.lowers[0].inode, name, after)
}

// search is one look-up through the layers (struct ovl_lookup_data).
type search struct {
	f    *FS
	name string // in the next layer; a path from the layers' roots if it begins with a slash
	stop bool   // nothing below counts
	led  bool   // a redirect has led to name
}

// find looks name up in all layers: ENOENT (ovl_lookup).
func (d *dir) find(k layerCtx, name string) (*found, linux.Errno) {
	what := new(found)
	s := search{f: d.fs, name: name}
	if place := d.place.Load(); place != nil {
		c, errno := vfs.ChildOf(k, place, name)
		switch {
		case errno == 0 && whiteout(c.Inode()):
			c.Put()
			return nil, linux.ENOENT
		case errno == 0:
			what.upper = c
			what.ino = d.fs.origin(k, c.Inode())
			s.see(k, c.Inode())
		case errno != linux.ENOENT:
			return nil, errno
		}
	}
	if errno := s.below(k, d, what); errno != 0 {
		what.put()
		return nil, errno
	}
	if what.upper == nil && what.lower == nil && len(what.lowers) == 0 {
		return nil, linux.ENOENT
	}
	return what, 0
}

// see takes note of what was found: whether the layers below count, and the name there.
func (s *search) see(k vfs.Ctx, i *vfs.Inode) {
	if !i.IsDir() {
		s.stop = true
		return
	}
	if v, ok := s.f.own(k, i, xattrOpaque); ok && v == "y" {
		s.stop = true
		return
	}
	if to, ok := s.f.own(k, i, xattrRedirect); ok && goodRedirect(to) {
		if !strings.HasPrefix(to, "/") && strings.HasPrefix(s.name, "/") {
			to = s.name[:strings.LastIndexByte(s.name, '/')+1] + to
		}
		s.name, s.led = to, true
	}
}

// goodRedirect checks the form of a redirect: one name, or a path from the root (ovl_get_redirect_xattr).
func goodRedirect(to string) bool {
	path, absolute := strings.CutPrefix(to, "/")
	if !absolute {
		return to != "" && !strings.Contains(to, "/") && to != "." && to != ".."
	}
	for _, part := range strings.Split(path, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// below goes through the lower layers of d, or through all from their roots where a redirect leads.
func (s *search) below(k vfs.Ctx, d *dir, what *found) linux.Errno {
	list := d.lowers
	if strings.HasPrefix(s.name, "/") {
		list = s.f.roots(0)
	}
	for n := 0; n < len(list) && !s.stop; n++ {
		l := list[n]
		before := s.name
		i, errno := lookupPath(k, l.inode, s.name)
		if errno == linux.ENOENT || errno == linux.ENOTDIR {
			continue
		}
		if errno != 0 {
			return errno
		}
		isDir := i.IsDir()
		switch {
		case s.led && s.f.config.redirect == redirectNofollow:
			i.Put()
			return linux.EPERM
		case whiteout(i), !isDir && (what.upper != nil || len(what.lowers) > 0):
			i.Put()
			return 0
		case !isDir:
			what.lower = i
			return 0
		}
		what.lowers = append(what.lowers, lowerDir{l.layer, i})
		s.see(k, i)
		if strings.HasPrefix(s.name, "/") && !strings.HasPrefix(before, "/") {
			list, n = s.f.roots(l.layer.index+1), -1
		}
	}
	return 0
}

// roots are the roots of the layers from number first on.
func (f *FS) roots(first int) (list []lowerDir) {
	for _, l := range f.layers[first:] {
		list = append(list, lowerDir{l, l.root})
	}
	return list
}

// lookupPath finds a name or a path in the directory i, with a reference. Links on the way are not
// followed, and a whiteout ends the way.
func lookupPath(k vfs.Ctx, i *vfs.Inode, path string) (*vfs.Inode, linux.Errno) {
	path, absolute := strings.CutPrefix(path, "/")
	if !absolute {
		return vfs.LookupIn(k, i, path)
	}
	i.Get()
	for _, name := range strings.Split(path, "/") {
		next, errno := vfs.LookupIn(k, i, name)
		i.Put()
		if errno != 0 {
			return nil, errno
		}
		i = next
	}
	return i, 0
}

// hides reports whether a lower layer of d has name, so that a whiteout is needed where it is removed
// (ovl_lower_positive).
func (d *dir) hides(k vfs.Ctx, name string) (bool, linux.Errno) {
	for _, l := range d.lowers {
		i, errno := vfs.LookupIn(k, l.inode, name)
		if errno == linux.ENOENT {
			continue
		}
		if errno != 0 {
			return false, errno
		}
		gone := whiteout(i)
		i.Put()
		return !gone, 0
	}
	return false, 0
}
