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
	p, c := at.Start, ctx.Cred()
	if path[0] == '/' {
		p = at.Root
	}
	for {
		name, after := cutName(path)
		i := p.Inode()
		if len(name) == 0 || len(name) > linux.NAME_MAX || name[0] == '.' && dots(name) || !i.searchable(c) {
			return Path{}, 0, false
		}
		last := len(after) == 0
		d := p.Dentry.peek(name, last)
		if d == nil {
			return Path{}, 0, false
		}
		if i = d.Inode(); i != nil && (i.Type() != linux.S_IFLNK || last && flags&(Follow|WantDir) == 0) && (!last || d.mounts.Load() == 0) {
			if last {
				return p.ended(d, flags)
			}
			p = Path{p.Mount, d}.covered()
			path = after
			continue
		}
		if last {
			d.Put()
		}
		if i == nil {
			return Path{}, linux.ENOENT, true
		}
		return Path{}, 0, false
	}
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
	if c != nil && !c.recent.Load() {
		c.recent.Store(true)
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

// ended is the end of a walk at d, below p, which has a reference: the mount gets one, too, if it is in use still.
func (p Path) ended(d *Dentry, flags uint32) (Path, linux.Errno, bool) {
	if flags&WantDir != 0 && !d.Inode().IsDir() {
		d.Put()
		return Path{}, linux.ENOTDIR, true
	}
	if !p.Mount.refs.TryInc() {
		d.Put()
		return Path{}, 0, false
	}
	return Path{p.Mount, d}, 0, true
}
