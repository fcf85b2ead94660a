package vfs

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// WalkCached is Walk of a path whose names are all in the cache, without a reference on what it goes through: that
// stays in memory as long as somebody looks at it, and who is no longer in use has no children (rcu-walk,
// Documentation/filesystems/path-lookup.rst). at needs none either. The result carries references, as Walk's does. Where
// anything else than look-ups is to be done ok is false, and Walk does it from the beginning.
func WalkCached(ctx Ctx, at At, path []byte, flags uint32) (p Path, errno linux.Errno, ok bool) {
	if flags&^(Follow|WantDir) != 0 || len(path) == 0 || at.Start.IsZero() {
		return Path{}, 0, false
	}
	w := cachedWalk{ctx: ctx, cred: ctx.Cred(), root: at.Root, cur: at.Start, flags: flags}
	if path[0] == '/' {
		w.cur = at.Root
	}
	for path != nil {
		name, after := cutName(path)
		if len(name) == 0 || len(name) > linux.NAME_MAX || !w.cur.Inode().searchable(w.cred) {
			break
		}
		if name[0] == '.' && dots(name) {
			if len(after) == 0 || len(name) == 2 && !w.up() {
				break
			}
			path = after
			continue
		}
		if len(after) == 0 {
			if path, p, errno = w.last(name); path == nil && (errno != 0 || !p.IsZero()) {
				return p, errno, true
			}
			continue
		}
		if path, errno = w.step(name, after); errno != 0 {
			return Path{}, errno, true
		}
	}
	return Path{}, 0, false
}

// cachedWalk is one walk in the cache. Nothing is held.
type cachedWalk struct {
	ctx       Ctx
	cred      *auth.Cred
	root, cur Path
	flags     uint32
	links     int
}

// step goes to the entry name, and returns what is left of the path, nil if it cannot.
func (w *cachedWalk) step(name, after []byte) ([]byte, linux.Errno) {
	d := w.cur.Dentry.peek(name, false)
	if d == nil {
		return nil, 0
	}
	i := d.Inode()
	switch {
	case i == nil:
		return nil, linux.ENOENT
	case i.Type() == linux.S_IFLNK:
		return w.link(i, after), 0
	}
	w.cur = Path{w.cur.Mount, d}.covered()
	return after, 0
}

// last goes to the entry name at the end of the path: to a path with references, or to what a link leads to.
func (w *cachedWalk) last(name []byte) (after []byte, p Path, errno linux.Errno) {
	d := w.cur.Dentry.peek(name, true)
	if d == nil {
		return nil, Path{}, 0
	}
	i := d.Inode()
	switch {
	case i == nil:
		errno = linux.ENOENT
	case i.Type() == linux.S_IFLNK && w.flags&Follow != 0:
		after = w.link(i, nil)
	case d.mounts.Load() > 0:
	case w.flags&WantDir != 0 && !i.IsDir():
		errno = linux.ENOTDIR
	case w.cur.Mount.refs.TryInc():
		return nil, Path{w.cur.Mount, d}, 0
	}
	d.Put()
	return after, Path{}, errno
}

// link returns the path that a link stands for, and what follows it; nil if that is not known without asking.
func (w *cachedWalk) link(i *Inode, after []byte) []byte {
	if w.links++; w.links > maxLinks || !i.asks.target || w.cur.Mount.Flags()&linux.MS_NOSYMFOLLOW != 0 {
		return nil
	}
	target := i.Ops.(StaticLink).Target()
	if target == "" {
		return nil
	}
	touch(w.ctx, w.cur.Mount, i)
	if target[0] == '/' {
		w.cur = w.root
	}
	return append(append(make([]byte, 0, len(target)+len(after)), target...), after...)
}

// up goes to the parent directory, unless that is seen through another mount.
func (w *cachedWalk) up() bool {
	if w.cur == w.root {
		w.cur = w.cur.covered()
		return true
	}
	up := w.cur.Dentry.parent.Load()
	if w.cur.Dentry == w.cur.Mount.root || up == nil {
		return false
	}
	w.cur = Path{w.cur.Mount, up}.covered()
	return true
}

// cutName returns the first name of a path and what follows it, with the slash.
func cutName(path []byte) (name, after []byte) {
	for len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	if i := bytes.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, nil
}

// dots reports whether name is "." or "..".
func dots(name []byte) bool { return len(name) == 1 || len(name) == 2 && name[1] == '.' }

// searchable reports whether i is a directory whose entries hold without asking and that may be searched by its mode alone.
func (i *Inode) searchable(c *auth.Cred) bool {
	if i == nil || !i.IsDir() || i.asks.valid || i.asks.permission {
		return false
	}
	mode := i.Mode()
	uid, gid := i.Owner()
	listed := i.SB.ACL != NoACL && mode&0o070 != 0 && c.Fsuid != uid &&
		(i.SB.ACL != StoresACL || i.acls.access.Load() != noACL) // or may be
	return !listed && c.Permits(mode, uid, gid, MayExec) || byCapability(c, mode, uid, gid, MayExec) == 0
}

// peek returns the cached child of that name, or nil; with take it has a reference.
func (d *Dentry) peek(name []byte, take bool) *Dentry {
	d.mu.Lock()
	c := d.children[string(name)]
	if c != nil && take {
		c.refs.Inc()
	}
	d.mu.Unlock()
	if c != nil {
		c.touched()
	}
	return c
}

// covered goes down into what is mounted on p, without references.
func (p Path) covered() Path {
	for p.Dentry.mounts.Load() > 0 {
		mounts.RLock()
		c := p.Mount.on(p.Dentry)
		mounts.RUnlock()
		if c == nil {
			break
		}
		p = Path{c, c.root}
	}
	return p
}
