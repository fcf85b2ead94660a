package vfs

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Walk flags.
const (
	Follow     uint32 = 1 << iota // a symbolic link as the last component is followed
	EmptyPath                     // "" names the start itself (AT_EMPTY_PATH)
	WantDir                       // the result must be a directory
	NoSymlinks                    // RESOLVE_NO_SYMLINKS
	NoMagic                       // RESOLVE_NO_MAGICLINKS
	Beneath                       // RESOLVE_BENEATH
	InRoot                        // RESOLVE_IN_ROOT
	NoXdev                        // RESOLVE_NO_XDEV
	Mountpoint                    // what is mounted on the result is followed, even for "." (LOOKUP_MOUNTPOINT)
)

const maxLinks = 40 // MAXSYMLINKS

// At is where a walk begins: Start for relative paths, Root for absolute ones and as the end
// of "..". The walk takes no reference of the caller's.
type At struct {
	Root, Start Path

	floor Path // what Beneath keeps to: the Start of the first of several walks
}

// fix sets the bounds of a walk, once.
func (a *At) fix(flags uint32) {
	if !a.floor.IsZero() {
		return
	}
	a.floor = a.Start
	if flags&InRoot != 0 {
		a.Root = a.Start
	}
}

// walker is one walk. cur is held with references.
type walker struct {
	ctx   Ctx
	at    At
	cur   Path
	flags uint32
	links int
}

// Walk finds path: ENOENT if it does not exist. The result carries references.
func Walk(ctx Ctx, at At, path string, flags uint32) (Path, linux.Errno) {
	p, _, errno := walk(ctx, at, path, flags, false)
	return p, errno
}

// WalkParent finds the directory of path's last component, and that component: what calls
// need that make or remove a name. Follow is of no meaning here.
func WalkParent(ctx Ctx, at At, path string, flags uint32) (Path, Last, linux.Errno) {
	return walk(ctx, at, path, flags, true)
}

// Last is the last component of a path. Name may be "." or ".." (Dots), or empty if the path
// is the root.
type Last struct {
	Name  string
	Slash bool // a slash follows: a directory is meant
	Dots  bool
}

func walk(ctx Ctx, at At, path string, flags uint32, parent bool) (Path, Last, linux.Errno) {
	if path == "" && flags&EmptyPath == 0 {
		return Path{}, Last{}, linux.ENOENT
	}
	at.fix(flags)
	w := walker{ctx: ctx, at: at, cur: at.Start, flags: flags}
	if strings.HasPrefix(path, "/") {
		if flags&Beneath != 0 {
			return Path{}, Last{}, linux.EXDEV
		}
		w.cur = at.Root
	}
	w.cur.Get()
	last, errno := w.run(path, parent)
	if errno != 0 {
		w.cur.Put()
		return Path{}, Last{}, errno
	}
	if flags&Mountpoint != 0 {
		w.cur = followMounts(w.cur)
	}
	return w.cur, last, 0
}

// run walks along rest from cur.
func (w *walker) run(rest string, parent bool) (Last, linux.Errno) {
	wantDir := w.flags&WantDir != 0
	for {
		rest = strings.TrimLeft(rest, "/")
		if rest == "" {
			if parent {
				return Last{}, 0 // the path is the root, or a link to one
			}
			if wantDir && !w.cur.Inode().IsDir() {
				return Last{}, linux.ENOTDIR
			}
			return Last{}, 0
		}
		name, tail := rest, ""
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, tail = rest[:i], rest[i:]
		}
		after := strings.TrimLeft(tail, "/")
		dir := w.cur.Inode()
		if !dir.IsDir() {
			return Last{}, linux.ENOTDIR
		}
		if errno := dir.Permission(w.ctx, MayExec); errno != 0 {
			return Last{}, errno
		}
		if parent && after == "" {
			dots := name == "." || name == ".."
			if len(name) > linux.NAME_MAX {
				return Last{}, linux.ENAMETOOLONG
			}
			return Last{name, tail != "", dots}, 0
		}
		link, errno := w.step(name, after, tail == "")
		if errno != 0 {
			return Last{}, errno
		}
		if link != nil {
			target, errno := w.followLink(link, after == "")
			if errno != 0 {
				return Last{}, errno
			}
			if tail == "" || target == "" {
				rest = target + tail
			} else {
				rest = target + "/" + tail
			}
			wantDir = wantDir || tail != "" && after == ""
			continue
		}
		wantDir = wantDir || tail != "" && after == ""
		rest = after
	}
}

// step goes from cur to its entry name. If that is a symbolic link to be followed, cur stays and the
// link is returned with a reference. after is the rest of the path; plain says that
// nothing follows, not even a slash.
func (w *walker) step(name, after string, plain bool) (*Dentry, linux.Errno) {
	switch {
	case name == ".":
		return nil, 0
	case name == "..":
		return nil, w.dotdot()
	case len(name) > linux.NAME_MAX:
		return nil, linux.ENAMETOOLONG
	}
	d, errno := w.cur.Dentry.childOnPath(w.ctx, name, after)
	if errno != 0 {
		return nil, errno
	}
	i := d.Inode()
	if i == nil {
		d.Put()
		return nil, linux.ENOENT
	}
	if i.Type() == linux.S_IFLNK && (!plain || w.flags&Follow != 0) {
		return d, 0
	}
	w.cur.Dentry.Put()
	w.cur.Dentry = d // the mount's reference stays
	if d.mounts.Load() > 0 {
		before := w.cur.Mount
		w.cur = followMounts(w.cur)
		if w.flags&NoXdev != 0 && w.cur.Mount != before {
			return nil, linux.EXDEV
		}
	}
	return nil, 0
}

// dotdot goes to the parent directory, across mounts, but not above the root of the walk.
func (w *walker) dotdot() linux.Errno {
	for {
		if w.cur == w.at.Root {
			if w.flags&Beneath != 0 {
				return linux.EXDEV
			}
			break
		}
		if w.flags&Beneath != 0 && w.cur == w.at.floor {
			return linux.EXDEV
		}
		if w.cur.Dentry != w.cur.Mount.root {
			sb := w.cur.Dentry.sb
			sb.rename.RLock()
			p := w.cur.Dentry.parent.Load()
			if p != nil {
				p.Get()
			}
			sb.rename.RUnlock()
			if p != nil {
				w.cur.Dentry.Put()
				w.cur.Dentry = p
			}
			break
		}
		up, ok := w.cur.up()
		if !ok {
			break
		}
		if w.flags&NoXdev != 0 {
			up.Put()
			return linux.EXDEV
		}
		w.cur.Put()
		w.cur = up
	}
	w.cur = followMounts(w.cur)
	return 0
}

// followLink gives the target of the link, whose reference it takes. For a magic link it
// moves there and returns "".
func (w *walker) followLink(link *Dentry, last bool) (string, linux.Errno) {
	defer link.Put()
	if w.links++; w.links > maxLinks || w.flags&NoSymlinks != 0 {
		return "", linux.ELOOP
	}
	if w.cur.Mount.Flags()&linux.MS_NOSYMFOLLOW != 0 {
		return "", linux.ELOOP
	}
	ops := link.Inode().Ops
	if m, ok := ops.(MagicLinker); ok {
		if w.flags&NoMagic != 0 {
			return "", linux.ELOOP
		}
		if w.flags&(Beneath|InRoot) != 0 {
			return "", linux.EXDEV
		}
		p, errno := m.Follow(w.ctx)
		if errno != 0 {
			return "", errno
		}
		if w.flags&NoXdev != 0 && p.Mount != w.cur.Mount {
			p.Put()
			return "", linux.EXDEV
		}
		w.cur.Put()
		w.cur = p
		return "", 0
	}
	s, ok := ops.(Symlinker)
	if !ok {
		return "", linux.EINVAL
	}
	touch(w.ctx, w.cur.Mount, link.Inode())
	target, errno := s.Readlink(w.ctx)
	if errno != 0 {
		return "", errno
	}
	if target == "" {
		return "", linux.ENOENT
	}
	if target[0] == '/' {
		if w.flags&Beneath != 0 {
			return "", linux.EXDEV
		}
		if w.flags&NoXdev != 0 && w.cur.Mount != w.at.Root.Mount {
			return "", linux.EXDEV
		}
		w.at.Root.Get()
		w.cur.Put()
		w.cur = w.at.Root
	}
	return target, 0
}
