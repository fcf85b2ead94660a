package overlay

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Mounter is who mounts an overlay.
type Mounter struct {
	Ctx vfs.Ctx
	// Walk finds a path of the options, with references.
	Walk func(path string) (vfs.Path, linux.Errno)
	// Trusted says that the caller may use attributes of the namespace trusted.
	Trusted bool
	// Random fills b.
	Random func(b []byte)
}

// maxDepth is FILESYSTEM_MAX_STACK_DEPTH.
const maxDepth = 2

// Mount is mount(2) of type overlay.
func Mount(m Mounter, source, data string) (*vfs.Super, linux.Errno) {
	c, errno := parseConfig(data)
	if errno != 0 {
		return nil, errno
	}
	f := &FS{config: *c}
	p := paths{m: m}
	defer p.put()
	if errno := p.find(c); errno != 0 {
		return nil, errno
	}
	if errno := f.config.verify(m.Ctx.Cred(), m.Trusted); errno != 0 {
		return nil, errno
	}
	if f.config.upper == "" {
		p.upper, p.work = nil, nil
	}
	if errno := p.check(&f.config); errno != 0 {
		return nil, errno
	}
	f.setup(m.Ctx.Cred(), p.lower, p.upper)
	f.sb.Source = source
	if f.upper != nil {
		if errno := f.prepareUpper(m, p.work); errno != 0 {
			f.release()
			return nil, errno
		}
	}
	f.finishConfig()
	if errno := f.start(m.Ctx); errno != 0 {
		f.release()
		return nil, errno
	}
	return f.sb, 0
}

// New returns an overlay over lower for the root of the sandbox; upper is a tmpfs that belongs to it.
func New(lower, upper *vfs.Super) (*vfs.Super, linux.Errno) {
	f := &FS{config: config{redirect: redirectOn}, plain: true}
	low, up := vfs.NewMount(lower, linux.MS_RDONLY), vfs.NewMount(upper, 0)
	defer low.Put()
	defer up.Put()
	k := vfs.KernelCtx{}
	at := vfs.Path{Mount: up, Dentry: up.Root()}
	// The new root looks like the one below.
	a, errno := low.Root().Inode().Stat(k)
	if errno != 0 {
		return nil, errno
	}
	s := vfs.SetAttr{Mask: vfs.AttrMode | vfs.AttrUID | vfs.AttrGID | vfs.AttrAtime | vfs.AttrMtime, Mode: a.Mode & 0o7777, UID: a.UID, GID: a.GID, Atime: a.Atime, Mtime: a.Mtime}
	if errno := vfs.SetattrIn(k, up.Root().Inode(), s); errno != 0 {
		return nil, errno
	}
	f.setup(k.Cred(), []vfs.Path{{Mount: low, Dentry: low.Root()}}, &at)
	f.sb.Source, f.sb.Depth, f.sb.Options = "overlay", 0, nil
	if errno := f.start(k); errno != 0 {
		f.release()
		return nil, errno
	}
	return f.sb, 0
}

// paths are the directories that the options name.
type paths struct {
	m           Mounter
	all         []vfs.Path
	lower, data []vfs.Path
	upper, work *vfs.Path
}

func (p *paths) put() {
	for _, x := range p.all {
		x.Put()
	}
}

// find walks to all of them.
func (p *paths) find(c *config) linux.Errno {
	walk := func(path string) (vfs.Path, linux.Errno) {
		at, errno := p.m.Walk(path)
		if errno == 0 {
			p.all = append(p.all, at)
			if !at.Inode().IsDir() {
				errno = linux.EINVAL
			} else if at.Dentry.Super().NoDcache {
				errno = linux.EINVAL // its names come and go by themselves (ovl_dentry_weird)
			}
		}
		return at, errno
	}
	for _, list := range []struct {
		names []string
		to    *[]vfs.Path
	}{{c.lower, &p.lower}, {c.data, &p.data}} {
		for _, name := range list.names {
			at, errno := walk(name)
			if errno != 0 {
				return errno
			}
			*list.to = append(*list.to, at)
		}
	}
	for _, one := range []struct {
		name string
		to   **vfs.Path
	}{{c.upper, &p.upper}, {c.work, &p.work}} {
		if one.name == "" {
			continue
		}
		at, errno := walk(one.name)
		if errno != 0 {
			return errno
		}
		if at.Mount.ReadOnly() {
			return linux.EINVAL
		}
		*one.to = &at
	}
	return 0
}

// check refuses directories that cannot be layers together (ovl_get_tree, ovl_fill_super).
func (p *paths) check(c *config) linux.Errno {
	if len(p.lower) == 0 || p.upper == nil && len(p.lower)+len(p.data) < 2 {
		return linux.EINVAL
	}
	if p.upper != nil {
		_, overlaid := p.upper.Inode().Ops.(kind)
		_, makes := p.upper.Inode().Ops.(vfs.Tmpfiler)
		switch {
		case overlaid, !makes, p.work == nil, p.upper.Mount != p.work.Mount:
			return linux.EINVAL
		case p.upper.Dentry.Below(p.work.Dentry), p.work.Dentry.Below(p.upper.Dentry):
			return linux.EINVAL
		}
	}
	lower := append(append([]vfs.Path(nil), p.lower...), p.data...)
	all := lower
	if p.upper != nil {
		all = append(append([]vfs.Path(nil), all...), *p.upper, *p.work)
	}
	for i, a := range all {
		if a.Mount.Super.Depth >= maxDepth {
			return linux.EINVAL
		}
		for j, b := range all {
			if j > i && a.Dentry == b.Dentry || j != i && i < len(lower) && a.Dentry.Below(b.Dentry) {
				return linux.ELOOP // ovl_check_overlapping_layers; the upper one may be in a lower one
			}
		}
	}
	return 0
}

// setup fills in the file system but for its root.
func (f *FS) setup(mounter *auth.Cred, lower []vfs.Path, upper *vfs.Path) {
	f.mounter, f.byReal, f.devs = mounter, map[*vfs.Inode]kind{}, map[*vfs.Super]int{}
	f.prefix = "trusted.overlay."
	if f.config.userXattr {
		f.prefix = "user.overlay."
	}
	f.sb = &vfs.Super{Type: "overlay", Dev: vfs.NewDev(), Options: f.config.text, Release: f.release, ACL: vfs.StoresACL}
	for n, p := range lower {
		m := vfs.ClonePrivate(p, linux.MS_RDONLY|linux.MS_NOATIME)
		f.layers = append(f.layers, &layer{index: n, mount: m, root: m.Root().Inode()})
		f.addSuper(m.Super)
	}
	shows := f.layers[0].mount.Super
	if upper != nil {
		f.upper = vfs.ClonePrivate(*upper, 0)
		f.addSuper(f.upper.Super)
		shows = f.upper.Super
		f.sb.Upper = shows
		f.sb.Sync = func(ctx vfs.Ctx) linux.Errno {
			if shows.Sync == nil || f.config.volatile {
				return 0
			}
			return shows.Sync(ctx)
		}
	} else {
		f.sb.ForceReadOnly = true
		f.sb.ReadOnly.Store(true)
	}
	f.sb.Statfs = func(ctx vfs.Ctx) (vfs.Statfs, linux.Errno) {
		if shows.Statfs == nil {
			return vfs.Statfs{}, linux.ENOSYS
		}
		s, errno := shows.Statfs(ctx)
		s.Magic = magic
		return s, errno
	}
}

func (f *FS) addSuper(sb *vfs.Super) {
	if _, ok := f.devs[sb]; !ok {
		f.devs[sb] = len(f.supers)
		f.supers = append(f.supers, sb)
		f.sb.Depth = max(f.sb.Depth, sb.Depth+1)
	}
}

// prepareUpper makes the directory for what has no name yet, and finds out what the upper file system
// can hold (ovl_make_workdir).
func (f *FS) prepareUpper(m Mounter, work *vfs.Path) linux.Errno {
	k := layerCtx{m.Ctx}
	const name = "work"
	c := m.Ctx.Cred()
	d, errno := vfs.CreateIn(k, work.Dentry, name, vfs.CreateArgs{Mode: linux.S_IFDIR, UID: c.Fsuid, GID: c.Fsgid})
	if errno == linux.EEXIST {
		if d, errno = vfs.ChildOf(k, work.Dentry, name); errno == 0 && !d.Inode().IsDir() {
			d.Put()
			return linux.EINVAL
		}
	}
	if errno != 0 {
		return errno
	}
	f.work = d
	c0 := &f.config
	f.noXattr = !c0.userXattr && !m.Trusted
	if f.setOwn(k, d.Inode(), xattrOpaque, "0") != 0 {
		f.noXattr = true
		c0.index, c0.metacopy = false, false
		if c0.redirect == redirectOn {
			c0.redirect = redirectNofollow
		}
	} else if x, ok := d.Inode().Ops.(vfs.Xattrs); ok {
		x.Removexattr(k, f.prefix+xattrOpaque)
	}
	f.markFresh(k, m)
	return 0
}

// markFresh gives an upper directory that was never one before a number (ovl_init_uuid_xattr).
func (f *FS) markFresh(k layerCtx, m Mounter) {
	c, up := &f.config, f.upper.Root().Inode()
	if f.noXattr || c.uuid == "off" || c.uuid == "null" {
		return
	}
	_, numbered := f.own(k, up, xattrUUID)
	_, used := f.own(k, up, xattrImpure)
	if numbered || used && c.uuid != "on" {
		return
	}
	id := make([]byte, 16)
	m.Random(id)
	if f.setOwn(k, up, xattrUUID, string(id)) == 0 {
		c.uuid = "on"
	}
}

// finishConfig settles what depends on the layers.
func (f *FS) finishConfig() {
	if len(f.supers) == 1 {
		f.config.xino = "" // not needed
	}
}

// start makes the root.
func (f *FS) start(ctx vfs.Ctx) linux.Errno {
	what := &found{lowers: f.roots(0)}
	for _, l := range what.lowers {
		l.inode.Get()
	}
	if f.upper != nil {
		what.upper = f.upper.Root()
		what.upper.Get()
	}
	root, errno := f.get(ctx, what, nil, "")
	if errno != 0 {
		return errno
	}
	f.sb.SetRoot(root)
	return 0
}
