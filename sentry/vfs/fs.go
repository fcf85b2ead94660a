package vfs

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/sentry/refs"
)

// FS is what a process knows of the tree: root, working directory, umask (struct fs_struct).
// Processes made with CLONE_FS share one.
type FS struct {
	refs refs.Count

	mu    sync.RWMutex
	root  Path
	cwd   Path
	umask atomic.Uint32

	at atomic.Pointer[At] // root and cwd, for who needs no references
}

// NewFS returns an FS; the references of root and cwd become its own.
func NewFS(root, cwd Path, umask uint32) *FS {
	f := &FS{root: root, cwd: cwd}
	f.umask.Store(umask)
	f.note()
	return f
}

// note keeps root and cwd for Here, with mu held.
func (f *FS) note() { f.at.Store(&At{Root: f.root, Start: f.cwd}) }

// changed is called after a change of cwd, or else of the root, with mu held.
func (f *FS) changed(root bool) {
	f.note()
	tellChange(root)
}

// Here is At without references: what WalkCached begins with.
func (f *FS) Here() At { return *f.at.Load() }

// Get takes a reference.
func (f *FS) Get() { f.refs.Inc() }

// Put drops one.
func (f *FS) Put() {
	if !f.refs.Dec() {
		return
	}
	f.mu.Lock()
	root, cwd := f.root, f.cwd
	f.root, f.cwd = Path{}, Path{} // pivot_root(2) may look at it still
	f.changed(false)
	f.mu.Unlock()
	root.Put()
	cwd.Put()
}

// Clone returns a copy of its own.
func (f *FS) Clone() *FS {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.root.Get()
	f.cwd.Get()
	return NewFS(f.root, f.cwd, f.umask.Load())
}

// Shared reports whether another process uses f as well.
func (f *FS) Shared() bool { return f.refs.Refs() > 1 }

// Root and Cwd return the directories with references. For the FS of another task, which may end
// meanwhile, the result can be no path.
func (f *FS) Root() Path {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.root.IsZero() {
		f.root.Get()
	}
	return f.root
}

// Cwd returns the working directory with references.
func (f *FS) Cwd() Path {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.cwd.IsZero() {
		f.cwd.Get()
	}
	return f.cwd
}

// At returns where a walk from the working directory begins, with references to be given
// back by PutAt.
func (f *FS) At() At {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.root.Get()
	f.cwd.Get()
	return At{Root: f.root, Start: f.cwd}
}

// Put gives back the references of At.
func (a At) Put() {
	a.Root.Put()
	a.Start.Put()
}

// SetRoot changes the root; the reference becomes f's.
func (f *FS) SetRoot(p Path) {
	f.mu.Lock()
	old := f.root
	f.root = p
	f.changed(true)
	f.mu.Unlock()
	old.Put()
}

// SetCwd changes the working directory; the reference becomes f's.
func (f *FS) SetCwd(p Path) {
	f.mu.Lock()
	old := f.cwd
	f.cwd = p
	f.changed(false)
	f.mu.Unlock()
	old.Put()
}

// Replace exchanges root and working directory where they are from: pivot_root(2).
func (f *FS) Replace(from, to Path) {
	f.mu.Lock()
	var old []Path
	for _, p := range []*Path{&f.root, &f.cwd} {
		if *p == from {
			to.Get()
			old = append(old, *p)
			*p = to
		}
	}
	f.changed(true)
	f.mu.Unlock()
	for _, p := range old {
		p.Put()
	}
}

// Umask returns the mask.
func (f *FS) Umask() uint32 { return f.umask.Load() }

// SetUmask changes it and returns the old one.
func (f *FS) SetUmask(m uint32) uint32 { return f.umask.Swap(m & 0o777) }

// Name returns the path of p as seen from root. ok is false if p is not below root; the name
// is then from the top of what p belongs to. deleted says that the name is gone.
func (p Path) Name(root Path) (name string, ok, deleted bool) {
	mounts.RLock()
	defer mounts.RUnlock()
	var parts []string
	m, d := p.Mount, p.Dentry
	deleted = d.Deleted()
	if d.parent.Load() == nil && d.name != "" {
		return d.name, true, false // a nameless file's
	}
	for {
		if m == root.Mount && d == root.Dentry {
			ok = true
			break
		}
		if d == m.root {
			if m.parent == nil {
				ok = root.Mount == nil
				break
			}
			m, d = m.parent, m.point
			continue
		}
		d.sb.rename.RLock()
		part, parent := d.name, d.parent.Load()
		d.sb.rename.RUnlock()
		if parent == nil {
			break
		}
		parts = append(parts, part)
		d = parent
	}
	if len(parts) == 0 {
		return "/", ok, deleted
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(parts[i])
	}
	return b.String(), ok, deleted
}

// IsMountRoot tells whether p is the root of its mount.
func (p Path) IsMountRoot() bool { return p.Dentry == p.Mount.root }
