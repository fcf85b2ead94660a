package gofer

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// listing is an open directory. Position 0 is ".", 1 is "..", and the entries follow in the
// host's order. What the gofer gave last is kept. vfs holds the position's lock in Readdir.
type listing struct {
	dir   *dir
	part  []wire.Entry
	first int64 // position of part[0]; 0: nothing was read yet
	next  int64 // the host's, behind part
	end   bool  // nothing comes behind part
}

// firstEntry is the position behind ".." .
const firstEntry = 2

// Read is vfs.FileOps's.
func (l *listing) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Write is vfs.FileOps's.
func (l *listing) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EISDIR
}

// Release is vfs.FileOps's.
func (l *listing) Release(*vfs.File) {}

// Fsync is vfs.Fsyncer's.
func (l *listing) Fsync(_ vfs.Ctx, _ *vfs.File, dataOnly bool) linux.Errno {
	if l.dir.SB.ReadOnly.Load() {
		return 0
	}
	_, errno := l.dir.fs.c.conn.request(wire.OpFsync, &wire.FsyncReq{ID: l.dir.id, DataOnly: dataOnly}, new(wire.Empty))
	return errno
}

// Readdir is vfs.Dirents's.
func (l *listing) Readdir(_ vfs.Ctx, f *vfs.File, off int64, emit func(vfs.Dirent) bool) linux.Errno {
	if off == 0 {
		l.first = 0 // the directory is read anew
		if !emit(vfs.Dirent{Name: ".", Ino: l.dir.Ino, Type: linux.DT_DIR, Next: 1}) {
			return 0
		}
		off = 1
	}
	if off == 1 {
		if !emit(vfs.Dirent{Name: "..", Ino: f.Path.Dentry.ParentIno(), Type: linux.DT_DIR, Next: firstEntry}) {
			return 0
		}
		off = firstEntry
	}
	l.dir.touch()
	for {
		if errno := l.seek(off); errno != 0 {
			return errno
		}
		at := off - l.first
		if at >= int64(len(l.part)) {
			return 0
		}
		for _, e := range l.part[at:] {
			off++
			if !emit(vfs.Dirent{Name: e.Name, Ino: l.dir.numberOf(e.Ino), Type: e.Type, Next: off}) {
				return 0
			}
		}
	}
}

// numberOf is the inode number to show for an entry of d.
func (d *dir) numberOf(ino uint64) uint64 {
	return ino ^ d.Ino ^ d.key.ino
}

// seek reads until position off is in part, or part is behind the end.
func (l *listing) seek(off int64) linux.Errno {
	if l.first == 0 || off < l.first {
		*l = listing{dir: l.dir, first: firstEntry}
		if errno := l.read(); errno != 0 {
			return errno
		}
	}
	for off >= l.first+int64(len(l.part)) && !l.end {
		l.first += int64(len(l.part))
		if errno := l.read(); errno != 0 {
			return errno
		}
	}
	return 0
}

// read replaces part by the next one.
func (l *listing) read() linux.Errno {
	var reply wire.ReaddirReply
	whole, gen := l.next == 0, l.dir.ahead.generation()
	if whole {
		if list, ok := l.dir.ahead.held(l.dir.fs); ok {
			l.part, l.end = list, true
			l.dir.ahead.listed(l.dir, list, true, gen)
			return 0
		}
		l.dir.fs.wasRead(1)
	}
	_, errno := l.dir.fs.c.conn.request(wire.OpReaddir, &wire.ReaddirReq{ID: l.dir.id, Off: l.next}, &reply)
	if errno != 0 {
		l.first = 0
		return errno
	}
	// A reply that neither has entries nor is the end would be asked for again for ever.
	l.part, l.next, l.end = reply.Entries, reply.Next, reply.End || len(reply.Entries) == 0
	l.dir.ahead.listed(l.dir, l.part, whole && reply.End, gen)
	return 0
}
