package vfs

import "github.com/seed-7423c386/runsc/abi/linux"

// What a file system over another one needs of it: inodes reached without a walk and without the
// checks of one, which the upper file system has done.

// LookupIn finds name in the directory i: ENOENT, ENOTDIR. The inode carries a reference.
func LookupIn(ctx Ctx, i *Inode, name string) (*Inode, linux.Errno) {
	d, ok := i.Ops.(DirOps)
	if !ok {
		return nil, linux.ENOTDIR
	}
	i.dir.RLock()
	defer i.dir.RUnlock()
	return d.Lookup(ctx, name)
}

// OpenInode opens i, of m's file system, with flags of open(2).
func OpenInode(ctx Ctx, m *Mount, i *Inode, flags uint32) (*File, linux.Errno) {
	i.Get()
	m.Get()
	p := Path{Mount: m, Dentry: newDentry(i.SB, nil, "", i)}
	f := &File{Path: p, Inode: i, Cred: ctx.Cred()}
	f.Mode = [...]uint32{ModeRead, ModeWrite, ModeRead | ModeWrite, 0}[flags&linux.O_ACCMODE]
	f.flags.Store(flags)
	if errno := f.startWriting(); errno != 0 {
		p.Put()
		return nil, errno
	}
	ops, errno := openInode(ctx, f)
	if errno != 0 {
		f.stopWriting()
		p.Put()
		return nil, errno
	}
	f.Ops = ops
	return f, 0
}
