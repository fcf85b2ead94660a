package vfs

import (
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// OpenHow is what open(2) and openat2(2) ask for. Walk holds the RESOLVE_ flags as walk flags.
type OpenHow struct {
	Flags uint32
	Mode  uint32
	Walk  uint32
}

// WalkFlags are the flags of the walk to what is to be opened; found says that it may be there already.
func (how *OpenHow) WalkFlags() (walk uint32, found bool) {
	walk = how.Walk
	if how.Flags&linux.O_NOFOLLOW == 0 {
		walk |= Follow
	}
	if how.Flags&linux.O_DIRECTORY != 0 {
		walk |= WantDir
	}
	return walk, how.Flags&linux.O_TMPFILE != linux.O_TMPFILE && how.Flags&linux.O_EXCL == 0
}

// Open is openat2(2): it returns a new open file with one reference.
func Open(ctx Ctx, at At, path string, how OpenHow) (*File, linux.Errno) {
	walk, _ := how.WalkFlags()
	if how.Flags&linux.O_TMPFILE == linux.O_TMPFILE {
		return openTmpfile(ctx, at, path, how, walk)
	}
	if how.Flags&linux.O_CREAT != 0 && how.Flags&linux.O_PATH == 0 {
		return openCreate(ctx, at, path, how, walk)
	}
	p, errno := Walk(ctx, at, path, walk)
	if errno != 0 {
		return nil, errno
	}
	return openPath(ctx, p, how, false)
}

// OpenFound is Open of what p names, whose references it takes over: of what is there.
func OpenFound(ctx Ctx, p Path, how OpenHow) (*File, linux.Errno) {
	return openPath(ctx, p, how, false)
}

// OpenPath opens what p names, taking over its references: /proc/PID/fd, execve, tests.
func OpenPath(ctx Ctx, p Path, flags uint32) (*File, linux.Errno) {
	return openPath(ctx, p, OpenHow{Flags: flags}, false)
}

// openCreate opens path, making a regular file if there is none.
func openCreate(ctx Ctx, at At, path string, how OpenHow, flags uint32) (*File, linux.Errno) {
	return openCreateFrom(ctx, at, path, how, flags, 0)
}

// openCreateFrom is openCreate after links symbolic links.
func openCreateFrom(ctx Ctx, at At, path string, how OpenHow, flags uint32, links int) (*File, linux.Errno) {
	if links > maxLinks {
		return nil, linux.ELOOP
	}
	p, last, errno := WalkParent(ctx, at, path, flags)
	if errno != 0 {
		return nil, errno
	}
	if last.Name == "" || last.Dots || last.Slash {
		p.Put()
		return nil, linux.EISDIR
	}
	d, made, errno := openOrCreate(ctx, p, last.Name, how)
	if errno != 0 {
		p.Put()
		return nil, errno
	}
	if how.Flags&linux.O_EXCL != 0 && !made {
		d.Put()
		p.Put()
		return nil, linux.EEXIST
	}
	if d.Inode().Type() != linux.S_IFLNK || how.Flags&linux.O_NOFOLLOW != 0 {
		p.Dentry.Put()
		p.Dentry = d
		q := followMounts(p)
		if q.Mount != p.Mount && flags&NoXdev != 0 {
			q.Put()
			return nil, linux.EXDEV
		}
		return openPath(ctx, q, how, made)
	}
	at.fix(flags)
	w := walker{ctx: ctx, at: at, cur: p, flags: flags} // go on where the link leads
	target, errno := w.followLink(d, true)
	if errno != 0 {
		w.cur.Put()
		return nil, errno
	}
	if target == "" {
		return openPath(ctx, w.cur, how, false) // a magic link
	}
	defer w.cur.Put()
	at.Start = w.cur
	return openCreateFrom(ctx, at, target, how, flags, links+1)
}

// openOrCreate returns the dentry of name in p, made if it was not there.
func openOrCreate(ctx Ctx, p Path, name string, how OpenHow) (d *Dentry, made bool, errno linux.Errno) {
	if d, errno = p.Dentry.child(ctx, name); errno != 0 || d.Inode() != nil {
		return d, false, errno
	}
	d.Put()
	dir := p.Inode()
	dir.dir.Lock()
	defer dir.dir.Unlock()
	if d, errno = p.Dentry.childLocked(ctx, name); errno != 0 || d.Inode() != nil {
		return d, false, errno
	}
	errno = createLocked(ctx, p, d, linux.S_IFREG|how.Mode&0o7777, func(a *CreateArgs) { a.OpenFlags = how.Flags })
	if errno != 0 {
		d.Put()
		return nil, false, errno
	}
	return d, true, 0
}

// openTmpfile makes an unnamed file in the directory path.
func openTmpfile(ctx Ctx, at At, path string, how OpenHow, flags uint32) (*File, linux.Errno) {
	if how.Flags&linux.O_ACCMODE == linux.O_RDONLY {
		return nil, linux.EINVAL
	}
	p, errno := Walk(ctx, at, path, flags|WantDir)
	if errno != 0 {
		return nil, errno
	}
	dir := p.Inode()
	t, ok := dir.Ops.(Tmpfiler)
	switch {
	case p.Mount.ReadOnly():
		errno = linux.EROFS
	case !ok:
		errno = linux.EOPNOTSUPP
	default:
		errno = dir.Permission(ctx, MayWrite|MayExec)
	}
	if errno != 0 {
		p.Put()
		return nil, errno
	}
	a := newOwner(ctx, dir, linux.S_IFREG|how.Mode&0o7777)
	lists, errno := inherit(ctx, dir, &a)
	if errno != 0 {
		p.Put()
		return nil, errno
	}
	i, errno := t.Tmpfile(ctx, a)
	if errno == 0 {
		if errno = i.give(ctx, lists); errno != 0 {
			i.Put()
		}
	}
	if errno != 0 {
		p.Put()
		return nil, errno
	}
	i.linkable.Store(how.Flags&linux.O_EXCL == 0)
	where, _, _ := p.Name(at.Root)
	d := newDentry(dir.SB, nil, strings.TrimSuffix(where, "/")+"/#"+strconv.FormatUint(i.Ino, 10)+" (deleted)", i)
	p.Dentry.Put()
	p.Dentry = d
	return openPath(ctx, p, how, true)
}

// openPath makes an open file of p, whose references it takes. made says that the file has just
// been created: then no permission is asked for.
func openPath(ctx Ctx, p Path, how OpenHow, made bool) (*File, linux.Errno) {
	f, errno := newFile(ctx, p, how, made)
	if errno != 0 {
		p.Put()
		return nil, errno
	}
	if how.Flags&linux.O_PATH == 0 {
		f.notify(InOpen)
	}
	return f, 0
}

func newFile(ctx Ctx, p Path, how OpenHow, made bool) (*File, linux.Errno) {
	i := p.Inode()
	f := &File{Path: p, Inode: i, Cred: ctx.Cred(), noctty: how.Flags&linux.O_NOCTTY != 0}
	f.flags.Store(how.Flags &^ (linux.O_CREAT | linux.O_EXCL | linux.O_NOCTTY | linux.O_TRUNC | linux.O_CLOEXEC))
	if how.Flags&linux.O_PATH != 0 {
		f.flags.Store(how.Flags & (linux.O_PATH | linux.O_DIRECTORY | linux.O_NOFOLLOW))
		f.Mode = ModePath
		f.setOps(pathOps{})
		return f, 0
	}
	if errno := mayOpen(ctx, p, how, made); errno != 0 {
		return nil, errno
	}
	f.Mode = [...]uint32{ModeRead, ModeWrite, ModeRead | ModeWrite, 0}[how.Flags&linux.O_ACCMODE]
	if errno := f.startWriting(); errno != 0 {
		return nil, errno
	}
	errno := i.breakLeases(ctx, f.Mode&ModeWrite != 0 || how.Flags&linux.O_TRUNC != 0, how.Flags&linux.O_NONBLOCK != 0)
	if errno == 0 {
		errno = f.finishOpen(ctx, how, made)
	}
	if errno != 0 {
		f.stopWriting()
		return nil, errno
	}
	return f, 0
}

// finishOpen truncates and asks the file system for the operations.
func (f *File) finishOpen(ctx Ctx, how OpenHow, made bool) linux.Errno {
	i := f.Inode
	if how.Flags&linux.O_TRUNC != 0 && !made && i.Type() == linux.S_IFREG {
		if !i.getWrite() {
			return linux.ETXTBSY
		}
		errno := truncate(ctx, f.Path, 0)
		i.putWrite()
		if errno != 0 {
			return errno
		}
	}
	ops, errno := openInode(ctx, f)
	if errno != 0 {
		return errno
	}
	f.setOps(ops)
	return 0
}

// openInode asks the file system, or for special files whoever registered for them.
func openInode(ctx Ctx, f *File) (FileOps, linux.Errno) {
	i := f.Inode
	switch i.Type() {
	case linux.S_IFIFO:
		if openFifo == nil {
			return nil, linux.ENXIO
		}
		return openFifo(ctx, f)
	case linux.S_IFCHR, linux.S_IFBLK:
		if o, ok := i.Ops.(DeviceOpener); ok {
			return o.OpenDevice(ctx, f)
		}
		return openDevice(ctx, f)
	case linux.S_IFSOCK:
		return nil, linux.ENXIO
	}
	return i.Ops.Open(ctx, f)
}

// mayOpen checks types and permissions (fs/namei.c, may_open).
func mayOpen(ctx Ctx, p Path, how OpenHow, made bool) linux.Errno {
	i, flags := p.Inode(), how.Flags
	want := [...]uint32{MayRead, MayWrite, MayRead | MayWrite, MayRead | MayWrite}[flags&linux.O_ACCMODE]
	if flags&linux.O_TRUNC != 0 {
		want |= MayWrite
	}
	switch i.Type() {
	case linux.S_IFLNK:
		return linux.ELOOP
	case linux.S_IFDIR:
		if want&MayWrite != 0 || flags&linux.O_CREAT != 0 {
			return linux.EISDIR
		}
	case linux.S_IFCHR, linux.S_IFBLK:
		if p.Mount.NoDev() {
			return linux.EACCES
		}
	case linux.S_IFREG:
		if want&MayWrite != 0 && p.Mount.ReadOnly() {
			return linux.EROFS
		}
	}
	if made {
		return 0
	}
	if i.asks.getattr {
		if errno := i.Ops.(Getattrer).Getattr(ctx); errno != 0 {
			return errno
		}
	}
	if errno := i.Permission(ctx, want); errno != 0 {
		return errno
	}
	if flags&linux.O_NOATIME != 0 && !owner(ctx.Cred(), i.Attr().UID) {
		return linux.EPERM
	}
	return 0
}
