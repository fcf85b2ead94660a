package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/refs"
)

// Dentry is a name in a directory (struct dentry): with an inode, or negative, remembering
// that there is none.
//
// Being in the cache (hashed, in its parent's children) is one reference; every other user
// has its own; a child has one on its parent. A dentry whose only reference is the cache's
// goes when there are too many (prune.go). A directory that has lost its name is dead: nothing
// below it is in the cache any more.
type Dentry struct {
	refs   refs.Count
	sb     *Super
	inode  atomic.Pointer[Inode]
	parent atomic.Pointer[Dentry] // nil: a root; changed under sb.rename
	name   string                 // changed under sb.rename and the mu of both parents

	mu       lock.Mutex[lock.Dentry] // a leaf, but for renames, which take those of both parents
	children map[string]*Dentry
	dead     bool
	hashed   bool // guarded by the parent's mu

	used   atomic.Uint32 // the age (see now) in which it was looked up last
	mounts atomic.Int32  // mounts that hide this dentry
}

func newDentry(sb *Super, parent *Dentry, name string, i *Inode) *Dentry {
	d := &Dentry{sb: sb, name: name}
	d.inode.Store(i)
	if parent != nil {
		parent.Get()
		d.parent.Store(parent)
	}
	return d
}

// Inode returns the inode, nil if the dentry is negative.
func (d *Dentry) Inode() *Inode { return d.inode.Load() }

// Super returns the file system.
func (d *Dentry) Super() *Super { return d.sb }

// Name returns the last component of the path.
func (d *Dentry) Name() string {
	d.sb.rename.RLock()
	defer d.sb.rename.RUnlock()
	return d.name
}

// ParentIno is the inode number of the directory above: what ".." shows.
func (d *Dentry) ParentIno() uint64 {
	d.sb.rename.RLock()
	defer d.sb.rename.RUnlock()
	if p := d.parent.Load(); p != nil {
		d = p
	}
	return d.Inode().Ino
}

// Get takes a reference.
func (d *Dentry) Get() { d.refs.Inc() }

// Put drops one; the last ends the dentry and its references on inode and parent.
func (d *Dentry) Put() {
	for d != nil && d.refs.Dec() {
		if i := d.inode.Load(); i != nil {
			if i.watches.some.Load() && i.Attr().Nlink == 0 {
				i.deleted()
			}
			i.Put()
		}
		d = d.parent.Load()
	}
}

// Deleted reports whether the name is gone from its directory.
func (d *Dentry) Deleted() bool {
	for {
		p := d.parent.Load()
		if p == nil || d.sb.NoDcache {
			return false
		}
		p.mu.Lock()
		still, hashed := d.parent.Load() == p, d.hashed
		p.mu.Unlock()
		if still {
			return !hashed
		}
	}
}

// cached returns the cached child of that name with a reference, or nil.
func (d *Dentry) cached(name string) *Dentry {
	d.mu.Lock()
	c := d.children[name]
	if c != nil {
		c.refs.Inc()
	}
	d.mu.Unlock()
	if c != nil {
		c.touched()
	}
	return c
}

// child returns the dentry of name in the directory d, negative if there is none, with a
// reference. The directory's lock is not held.
func (d *Dentry) child(ctx Ctx, name string) (*Dentry, linux.Errno) {
	return d.childOnPath(ctx, name, "")
}

// childOnPath is child where a path goes on with after.
func (d *Dentry) childOnPath(ctx Ctx, name, after string) (*Dentry, linux.Errno) {
	if c := d.cached(name); c != nil {
		if d.valid(ctx, name, c) {
			return c, 0
		}
		d.forget(c)
		c.Put()
	}
	dir := d.Inode()
	dir.dir.RLock()
	defer dir.dir.RUnlock()
	if after != "" {
		if l, ok := dir.Ops.(PathLooker); ok {
			l.LookAhead(ctx, name, after)
		}
	}
	return d.lookup(ctx, name)
}

// childLocked is child for callers that hold the directory's lock exclusively.
func (d *Dentry) childLocked(ctx Ctx, name string) (*Dentry, linux.Errno) {
	if c := d.cached(name); c != nil {
		if d.valid(ctx, name, c) {
			return c, 0
		}
		d.forget(c)
		c.Put()
	}
	return d.lookup(ctx, name)
}

// valid asks the file system whether the cached entry c still holds.
func (d *Dentry) valid(ctx Ctx, name string, c *Dentry) bool {
	i := d.Inode()
	return !i.asks.valid || c.mounts.Load() > 0 || i.Ops.(Revalidator).Valid(ctx, name, c.Inode())
}

// lookup asks the file system and enters the answer in the cache.
func (d *Dentry) lookup(ctx Ctx, name string) (*Dentry, linux.Errno) {
	ops, ok := d.Inode().Ops.(DirOps)
	if !ok {
		return nil, linux.ENOTDIR
	}
	i, errno := ops.Lookup(ctx, name)
	if errno != 0 && (errno != linux.ENOENT || d.sb.NoNegative) {
		return nil, errno
	}
	if errno != 0 {
		i = nil
	}
	return d.enter(name, i), 0
}

// enter caches the dentry name with inode i, whose reference it takes, and returns it with
// a reference. If another look-up was faster, its dentry is returned.
func (d *Dentry) enter(name string, i *Inode) *Dentry {
	if d.sb.NoDcache {
		return newDentry(d.sb, d, name, i)
	}
	d.mu.Lock()
	if d.dead {
		d.mu.Unlock()
		return newDentry(d.sb, d, name, i)
	}
	if c := d.children[name]; c != nil {
		c.refs.Inc()
		d.mu.Unlock()
		if i != nil {
			i.Put()
		}
		return c
	}
	c := newDentry(d.sb, d, name, i)
	c.hashed = true
	c.used.Store(uint32(entered.Add(1) >> ageShift))
	c.refs.Inc() // the caller's, beside the cache's
	if d.children == nil {
		d.children = make(map[string]*Dentry)
	}
	d.children[name] = c
	d.mu.Unlock()
	if dentries.Add(1) > pruneAt.Load() {
		prune()
	}
	return c
}

// absent remembers that d has no such name any more (d_delete): a file that was removed is often looked for, and made
// again. The directory's lock is held exclusively.
func (d *Dentry) absent(name string) {
	if !d.sb.NoDcache && !d.sb.NoNegative {
		d.enter(name, nil).Put()
	}
}

// forget takes c, and what is below it, out of the cache: its name is gone, or no longer its.
func (d *Dentry) forget(c *Dentry) {
	d.mu.Lock()
	was := c.parent.Load() == d && c.hashed
	if was {
		delete(d.children, c.name)
		c.hashed = false
	}
	d.mu.Unlock()
	if was {
		tellChange(true)
		dentries.Add(-1)
		c.kill()
		c.Put()
	}
}

// kill empties the cache below d for good. Negative entries would keep a removed directory
// alive otherwise.
func (d *Dentry) kill() {
	todo := []*Dentry{d}
	for i := 0; i < len(todo); i++ {
		x := todo[i]
		x.mu.Lock()
		x.dead = true
		for _, c := range x.children {
			c.hashed = false
			todo = append(todo, c)
		}
		x.children = nil
		x.mu.Unlock()
	}
	dentries.Add(1 - int64(len(todo)))
	for _, c := range todo[1:] {
		c.Put()
	}
}

// instantiate makes the negative dentry d positive; the inode's reference becomes the
// dentry's. The directory's lock is held exclusively.
func (d *Dentry) instantiate(i *Inode) { d.inode.Store(i) }
