package vfs

import "github.com/seed-7423c386/runsc/abi/linux"

// countsAsWriter tells whether f keeps its file from being executed (i_writecount).
func (f *File) countsAsWriter() bool {
	return f.Mode&ModeWrite != 0 && f.Mode&ModePath == 0 && f.Inode.Type() == linux.S_IFREG
}

// startWriting counts f among the writers of its file and mount: ETXTBSY, EROFS; or among the readers.
func (f *File) startWriting() linux.Errno {
	if !f.countsAsWriter() {
		if f.Mode == ModeRead && f.Inode.Type() == linux.S_IFREG {
			f.Inode.readers.Add(1)
			f.reader = true
		}
		return 0
	}
	if !f.Inode.getWrite() {
		return linux.ETXTBSY
	}
	if errno := f.Path.Mount.getWrite(); errno != 0 {
		f.Inode.putWrite()
		return errno
	}
	f.writer = true
	return 0
}

func (f *File) stopWriting() {
	if f.reader {
		f.reader = false
		f.Inode.readers.Add(-1)
	}
	if f.writer {
		f.writer = false
		f.Inode.putWrite()
		f.Path.Mount.putWrite()
	}
}

// getWrite counts a writer, unless a program runs from the file.
func (i *Inode) getWrite() bool {
	for {
		n := i.writers.Load()
		if n < 0 {
			return false
		}
		if i.writers.CompareAndSwap(n, n+1) {
			tellChange(false)
			return true
		}
	}
}

func (i *Inode) putWrite() { i.writers.Add(-1) }

// denyWrite counts a program that runs from the file, unless somebody may write to it.
func (i *Inode) denyWrite() bool {
	for {
		n := i.writers.Load()
		if n > 0 {
			return false
		}
		if i.writers.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// OpenExec opens a program for execve(2) (do_open_execat, fs/exec.c): a regular file with
// execute permission on a mount that allows it, or EACCES; ETXTBSY if it is open for
// writing. Until it is closed nobody can open it so. Read permission is not needed; whether
// the caller has it is MayRead's to say.
func OpenExec(ctx Ctx, at At, path string, walk uint32) (*File, linux.Errno) {
	p, errno := Walk(ctx, at, path, walk)
	if errno != 0 {
		return nil, errno
	}
	f, errno := openExec(ctx, p)
	if errno != 0 {
		p.Put()
	}
	return f, errno
}

func openExec(ctx Ctx, p Path) (*File, linux.Errno) {
	i := p.Inode()
	switch i.Type() {
	case linux.S_IFREG:
	case linux.S_IFLNK:
		return nil, linux.ELOOP
	default:
		return nil, linux.EACCES
	}
	if p.Mount.NoExec() {
		return nil, linux.EACCES
	}
	if errno := i.Permission(ctx, MayExec); errno != 0 {
		return nil, errno
	}
	if i.Attr().Mode&0o111 == 0 {
		return nil, linux.EACCES
	}
	if !i.denyWrite() {
		return nil, linux.ETXTBSY
	}
	f := &File{Path: p, Inode: i, Cred: ctx.Cred(), Mode: ModeRead | modeExec}
	ops, errno := i.Ops.Open(ctx, f)
	if errno != 0 {
		i.writers.Add(1)
		return nil, errno
	}
	f.setOps(ops)
	f.notify(InOpen)
	return f, 0
}
