package vfs

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Files that no path leads to: pipes, sockets, eventfd and the like. Each belongs to a Pseudo
// file system that is mounted nowhere.

// Pseudo is a file system of nameless files (pipefs, sockfs, anon_inodefs).
type Pseudo struct {
	super *Super
	mount *Mount
	ino   atomic.Uint64
}

// NewPseudo returns one of a type; magic is what fstatfs(2) shows.
func NewPseudo(typ string, magic int64) *Pseudo {
	p := new(Pseudo)
	p.ino.Store(10_000) // netstat takes no number of one digit for a socket's
	p.super = &Super{Type: typ, Source: typ, Dev: NewDev(), NoExec: true, NoDev: true}
	p.super.Statfs = func(Ctx) (Statfs, linux.Errno) {
		return Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	root := new(pseudoInode)
	root.Init(root, p.super, p.ino.Add(1), Attr{Mode: linux.S_IFDIR | 0o555, Nlink: 2, Blksize: 4096})
	p.super.SetRoot(&root.Inode)
	p.mount = NewMount(p.super, 0)
	return p
}

// pseudoInode is an inode whose files are made by NewFile.
type pseudoInode struct {
	Inode
	held Dropper // or nil
}

// Dropper is something that an inode keeps.
type Dropper interface{ Drop() }

// Evict is Evicter's.
func (i *pseudoInode) Evict() {
	if i.held != nil {
		i.held.Drop()
	}
}

// Open is for files that /proc/PID/fd leads to: they cannot be opened anew.
func (*pseudoInode) Open(Ctx, *File) (FileOps, linux.Errno) { return nil, linux.ENXIO }

// Setattr changes owner and mode, as fchmod(2) and fchown(2) of a pipe do.
func (i *pseudoInode) Setattr(ctx Ctx, s SetAttr) linux.Errno {
	if s.Mask&AttrSize != 0 {
		return linux.EINVAL
	}
	i.Update(func(a *Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// Apply changes a as s says and stamps ctime: what most Setattr do.
func (s *SetAttr) Apply(a *Attr, now int64) {
	if s.Mask&AttrMode != 0 {
		a.Mode = a.Mode&linux.S_IFMT | s.Mode&^linux.S_IFMT
	}
	if s.Mask&AttrUID != 0 {
		a.UID = s.UID
	}
	if s.Mask&AttrGID != 0 {
		a.GID = s.GID
	}
	if s.Mask&AttrSize != 0 {
		a.Size = s.Size
	}
	if s.Mask&AttrAtime != 0 {
		a.Atime = s.Atime
	}
	if s.Mask&AttrMtime != 0 {
		a.Mtime = s.Mtime
	}
	a.Ctime = now
}

// NewIno returns an inode number.
func (p *Pseudo) NewIno() uint64 { return p.ino.Add(1) }

// Super is the file system's.
func (p *Pseudo) Super() *Super { return p.super }

// Path returns a path to i, whose reference it takes over, that is called name.
func (p *Pseudo) Path(i *Inode, name string) Path {
	p.mount.Get()
	return Path{Mount: p.mount, Dentry: newDentry(p.super, nil, name, i)}
}

// NewPath makes an inode of mode, owned by the caller, and a path to it that is called
// kind:[number]: one for each pipe or socket.
func (p *Pseudo) NewPath(ctx Ctx, kind string, mode uint32) Path {
	return p.NewPathHolding(ctx, kind, mode, nil)
}

// NewPathHolding is NewPath of an inode that drops held, unless it is nil, when it goes.
func (p *Pseudo) NewPathHolding(ctx Ctx, kind string, mode uint32, held Dropper) Path {
	i, now, c := &pseudoInode{held: held}, ctx.Now(), ctx.Cred()
	ino := p.NewIno()
	i.Init(i, p.super, ino, Attr{Mode: mode, Nlink: 1, UID: c.Fsuid, GID: c.Fsgid, Blksize: 4096, Atime: now, Mtime: now, Ctime: now, Btime: now})
	return p.Path(&i.Inode, fmt.Sprintf("%s:[%d]", kind, ino))
}

// Named makes a path to a file that is called name and cannot be opened again.
func (p *Pseudo) Named(name string, ino uint64, mode uint32) Path {
	i := new(pseudoInode)
	i.Init(i, p.super, ino, Attr{Mode: mode, Nlink: 0, Blksize: 4096})
	return p.Path(&i.Inode, name)
}

var anon struct {
	once sync.Once
	fs   *Pseudo

	mu    sync.Mutex
	kinds map[string]*Dentry
}

const anonInodeFSMagic = 0x09041934

// AnonFile returns an open file that /proc/PID/fd shows as anon_inode:name; all of a name share
// an inode.
func AnonFile(ctx Ctx, name string, ops FileOps, flags uint32) *File {
	anon.once.Do(func() {
		anon.fs, anon.kinds = NewPseudo("anon_inodefs", anonInodeFSMagic), map[string]*Dentry{}
	})
	anon.mu.Lock()
	d := anon.kinds[name]
	if d == nil {
		i := new(pseudoInode)
		i.Init(i, anon.fs.super, anon.fs.NewIno(), Attr{Mode: 0o600, Nlink: 1, Blksize: 4096})
		d = newDentry(anon.fs.super, nil, "anon_inode:"+name, &i.Inode)
		anon.kinds[name] = d
	}
	d.Get()
	anon.mu.Unlock()
	anon.fs.mount.Get()
	return NewFile(ctx, Path{Mount: anon.fs.mount, Dentry: d}, ops, flags)
}
