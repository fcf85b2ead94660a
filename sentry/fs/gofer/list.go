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
	part  wire.Entries
	first int64 // position of the first in part; 0: nothing was read yet
	next  int64 // the host's, behind part
	end   bool  // nothing comes behind part

	// What was read of an exclusive mount since the beginning, if that is all and not too much.
	whole wire.EntryList
	begin *kept // for the times of the first part; nil: it is not
	gen   int
}

// mostWhole is up to how many bytes a directory is kept as a whole.
const mostWhole = 2 << 20

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
	for {
		if errno := l.seek(off); errno != 0 {
			return errno
		}
		if off >= l.behind() {
			return 0
		}
		for off < l.behind() {
			e := l.part.At(int(off - l.first))
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
		l.part, l.first, l.next, l.end = wire.Entries{}, firstEntry, 0, false
		if errno := l.read(); errno != 0 {
			return errno
		}
	}
	for off >= l.behind() && !l.end {
		l.first = l.behind()
		if errno := l.read(); errno != 0 {
			return errno
		}
	}
	return 0
}

// wasListed takes over the time of access, which the host may have set, from the attributes that came with
// a list. The others may be older than what a change has told since.
func (d *dir) wasListed(a *wire.Attr) {
	d.touched.Store(true)
	d.Update(func(old *vfs.Attr) {
		if old.Atime = a.Atime; old.Mtime != a.Mtime || old.Ctime != a.Ctime {
			d.stale.Store(true)
		}
	})
}

// behind is the position behind part.
func (l *listing) behind() int64 { return l.first + int64(l.part.Len()) }

// read replaces part by the next one.
func (l *listing) read() linux.Errno {
	d, m := l.dir, l.dir.fs
	first, gen := l.next == 0, d.ahead.generation()
	if first {
		if held := d.held(); held != nil {
			if entries := held.entries.Load(); entries != nil {
				l.part, l.end = *entries, true
				d.ahead.listed(d, held, gen)
				return 0
			}
		}
		m.lists.wasRead(1)
	}
	var reply wire.ReaddirReply
	asked, lost := m.c.now(), m.lists.lost.Load()
	_, errno := m.c.conn.request(wire.OpReaddir, &wire.ReaddirReq{ID: d.id, Off: l.next}, &reply)
	if errno != 0 {
		l.first = 0
		return errno
	}
	d.wasListed(&reply.Dir)
	// A reply that neither has entries nor is the end would be asked for again for ever.
	l.part, l.next, l.end = reply.Entries, reply.Next, reply.End || reply.Entries.Len() == 0
	if m.exclusive {
		k := newKept(&reply.Entries, &reply.Dir, asked, lost)
		k.dir = d.id
		l.join(k, first, gen)
		m.lists.use(k)
		d.ahead.listed(d, k, gen)
	}
	return 0
}

// join makes k, the part that was just read, the whole list if it is the last of several that make one.
func (l *listing) join(k *kept, first bool, gen int) {
	part := k.entries.Load()
	switch {
	case first:
		l.begin, l.gen = k, gen
	case l.begin == nil || l.gen != gen || l.begin.mtime != k.mtime || l.begin.ctime != k.ctime:
		l.begin = nil
	}
	if first && l.end {
		return
	}
	if k.whole = false; l.begin == nil || l.whole.Size()+part.Size() > mostWhole {
		l.whole, l.begin = wire.EntryList{}, nil
		return
	}
	if l.whole.AddAll(part); l.end {
		all := l.whole.Entries()
		k.entries.Store(&all)
		k.settled, k.whole = l.begin.settled, true
		l.whole = wire.EntryList{}
	}
}
