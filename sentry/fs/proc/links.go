package proc

import (
	"fmt"
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// symlink is a link to a path.
type symlink struct {
	node
	target func(c *call) (string, linux.Errno)
}

// Open is not possible: vfs follows links.
func (*symlink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Readlink is vfs.Symlinker's.
func (l *symlink) Readlink(ctx vfs.Ctx) (string, linux.Errno) {
	return l.target(&call{Ctx: ctx, fs: l.fs, t: l.task})
}

func link(name string, target func(c *call) (string, linux.Errno)) entry {
	return entry{name, linux.DT_LNK, func(d *dir, path string) *vfs.Inode {
		l := &symlink{target: target}
		l.init(l, d.fs, path, linux.S_IFLNK|0o777, d.task)
		return &l.Inode
	}}
}

// linkTo is a link that always says the same.
func linkTo(name, target string) entry {
	return link(name, func(*call) (string, linux.Errno) { return target, 0 })
}

// selfLinks are self and thread-self.
func selfLinks() []entry {
	return []entry{
		link("self", func(c *call) (string, linux.Errno) {
			if t := c.reader(); t != nil {
				if id := t.Group().PIDIn(c.fs.ns); id != 0 {
					return strconv.Itoa(int(id)), 0
				}
			}
			return "", linux.ENOENT
		}),
		link("thread-self", func(c *call) (string, linux.Errno) {
			if t := c.reader(); t != nil {
				if id := t.TIDIn(c.fs.ns); id != 0 {
					return fmt.Sprintf("%d/task/%d", t.Group().PIDIn(c.fs.ns), id), 0
				}
			}
			return "", linux.ENOENT
		}),
	}
}

// magicLink is a link that leads straight to what path returns. Reading and following it takes the
// rights of a debugger (proc_fd_access_allowed).
type magicLink struct {
	node
	path func(t *kernel.Task) (vfs.Path, linux.Errno)
	may  func(ctx vfs.Ctx, t *kernel.Task) linux.Errno // more that following it takes
}

func magicTo(name string, path func(t *kernel.Task) (vfs.Path, linux.Errno)) entry {
	return entry{name, linux.DT_LNK, func(d *dir, at string) *vfs.Inode {
		l := &magicLink{path: path}
		l.init(l, d.fs, at, linux.S_IFLNK|0o777, d.task)
		return &l.Inode
	}}
}

// Open is not possible: vfs follows links.
func (*magicLink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Follow is vfs.MagicLinker's.
func (l *magicLink) Follow(ctx vfs.Ctx) (vfs.Path, linux.Errno) {
	if l.may != nil {
		if errno := l.may(ctx, l.task); errno != 0 {
			return vfs.Path{}, errno
		}
	}
	return l.look(ctx)
}

func (l *magicLink) look(ctx vfs.Ctx) (vfs.Path, linux.Errno) {
	if !mayLook(ctx, l.task) || !l.fs.alive(l.task) {
		return vfs.Path{}, linux.EACCES
	}
	return l.path(l.task)
}

// Readlink is vfs.Symlinker's: the path as the caller's root sees it.
func (l *magicLink) Readlink(ctx vfs.Ctx) (string, linux.Errno) {
	p, errno := l.look(ctx)
	if errno != 0 {
		return "", errno
	}
	defer p.Put()
	return pathName(ctx, p), 0
}

// pathName is d_path for the caller.
func pathName(ctx vfs.Ctx, p vfs.Path) string {
	root := vfs.Path{}
	if c, ok := ctx.(*kernel.Task); ok {
		root = c.FS().Root()
		defer root.Put()
	}
	name, _, deleted := p.Name(root)
	if deleted {
		name += " (deleted)"
	}
	return name
}
