package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
)

// attributes are an inode's, which every call reads and few change. Readers take no lock: seq is odd while
// words change, and who saw two values of it looks again (seqlock_t).
type attributes struct {
	mu    lock.Mutex[lock.Attributes] // of changes
	last  Attr                        // guarded by mu
	seq   atomic.Uint32
	words [attrWords]atomic.Uint64 // last, for readers
}

// The words of an Attr.
const (
	attrMode = iota // and links in the upper half
	attrOwner
	attrRdev
	attrSize
	attrBlocks
	attrBlksize
	attrAtime
	attrMtime
	attrCtime
	attrBtime
	attrWords
)

// pack returns a as words.
func (a *Attr) pack() [attrWords]uint64 {
	return [attrWords]uint64{
		attrMode: uint64(a.Mode) | uint64(a.Nlink)<<32, attrOwner: uint64(a.UID) | uint64(a.GID)<<32,
		attrRdev: a.Rdev, attrSize: uint64(a.Size), attrBlocks: uint64(a.Blocks), attrBlksize: uint64(a.Blksize),
		attrAtime: uint64(a.Atime), attrMtime: uint64(a.Mtime), attrCtime: uint64(a.Ctime), attrBtime: uint64(a.Btime),
	}
}

// word is one of them, for who needs no more.
func (s *attributes) word(i int) uint64 { return s.words[i].Load() }

// lookAgain is how often a reader does so before it waits for the writer.
const lookAgain = 16

// get returns all of them as they were at one time.
func (s *attributes) get() Attr {
	for range lookAgain {
		seq := s.seq.Load()
		if seq%2 != 0 {
			continue
		}
		mode, owner := s.word(attrMode), s.word(attrOwner)
		a := Attr{
			Mode: uint32(mode), Nlink: uint32(mode >> 32), UID: auth.UID(owner), GID: auth.GID(owner >> 32),
			Rdev: s.word(attrRdev), Size: int64(s.word(attrSize)), Blocks: int64(s.word(attrBlocks)), Blksize: uint32(s.word(attrBlksize)),
			Atime: int64(s.word(attrAtime)), Mtime: int64(s.word(attrMtime)), Ctime: int64(s.word(attrCtime)), Btime: int64(s.word(attrBtime)),
		}
		if s.seq.Load() == seq {
			return a
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// update changes them by f. Each store that is seen by others costs as much as a lock: what stays the same
// is not stored.
func (s *attributes) update(f func(*Attr)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.last
	if f(&s.last); s.last == was {
		return
	}
	old, now := was.pack(), s.last.pack()
	s.seq.Add(1)
	for i, v := range now {
		if v != old[i] {
			s.words[i].Store(v)
		}
	}
	s.seq.Add(1)
}

// set gives a new inode its attributes.
func (s *attributes) set(a Attr) {
	s.last = a
	for i, v := range a.pack() {
		if v != 0 {
			s.words[i].Store(v)
		}
	}
}

// Attr returns the attributes as they are known now.
func (i *Inode) Attr() Attr { return i.attr.get() }

// Mode returns type and permission bits.
func (i *Inode) Mode() uint32 { return uint32(i.attr.word(attrMode)) }

// Links returns the number of names.
func (i *Inode) Links() uint32 { return uint32(i.attr.word(attrMode) >> 32) }

// Length returns the size.
func (i *Inode) Length() int64 { return int64(i.attr.word(attrSize)) }

// Owner returns whose it is.
func (i *Inode) Owner() (auth.UID, auth.GID) {
	v := i.attr.word(attrOwner)
	return auth.UID(v), auth.GID(v >> 32)
}

// Type returns the S_IFMT bits, which never change.
func (i *Inode) Type() uint32 { return i.typ }

// IsDir reports whether i is a directory.
func (i *Inode) IsDir() bool { return i.typ == linux.S_IFDIR }

// Update changes the attributes under their lock. f must not call anything that locks.
func (i *Inode) Update(f func(*Attr)) { i.attr.update(f) }
