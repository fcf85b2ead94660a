package vfs

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
)

// attributes are an inode's, which every call reads and few change. Readers take no lock: seq is odd while
// words change, and who saw two values of it looks again (seqlock_t).
type attributes struct {
	mu    lock.Mutex[lock.Attributes] // of changes
	last  Attr                        // guarded by mu
	seq   atomic.Int32
	words [attrWords]atomic.Int64 // last, for readers
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
func (a *Attr) pack() [attrWords]int64 {
	return [attrWords]int64{
		attrMode: int64(a.Mode) | int64(a.Nlink)<<32, attrOwner: int64(a.UID) | int64(a.GID)<<32,
		attrRdev: int64(a.Rdev), attrSize: a.Size, attrBlocks: a.Blocks, attrBlksize: int64(a.Blksize),
		attrAtime: a.Atime, attrMtime: a.Mtime, attrCtime: a.Ctime, attrBtime: a.Btime,
	}
}

// word is one of them, for who needs no more.
func (s *attributes) word(i int) int64 { return s.words[i].Load() }

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
			Rdev: uint64(s.word(attrRdev)), Size: s.word(attrSize), Blocks: s.word(attrBlocks), Blksize: uint32(s.word(attrBlksize)),
			Atime: s.word(attrAtime), Mtime: s.word(attrMtime), Ctime: s.word(attrCtime), Btime: s.word(attrBtime),
		}
		if s.seq.Load() == seq {
			return a
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// update changes them by f. Stores are seen in their order (TSO): none needs a barrier.
func (s *attributes) update(f func(*Attr)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.last)
	seq := s.seq.Load()
	now := seq
	for i, v := range s.last.pack() {
		if v != s.word(i) {
			if now == seq {
				now++
				arch.StoreInt32(&s.seq, now)
			}
			arch.StoreInt64(&s.words[i], v)
		}
	}
	if now != seq {
		arch.StoreInt32(&s.seq, seq+2)
	}
}

// set gives a new inode its attributes.
func (s *attributes) set(a Attr) {
	s.last = a
	for i, v := range a.pack() {
		if v != 0 {
			arch.StoreInt64(&s.words[i], v)
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
func (i *Inode) Length() int64 { return i.attr.word(attrSize) }

// Owner returns whose it is.
func (i *Inode) Owner() (auth.UID, auth.GID) {
	v := i.attr.word(attrOwner)
	return auth.UID(v), auth.GID(v >> 32)
}

// Type returns the S_IFMT bits, which never change.
func (i *Inode) Type() uint32 { return i.typ }

// IsDir reports whether i is a directory.
func (i *Inode) IsDir() bool { return i.typ == linux.S_IFDIR }

// Show makes a the attributes.
func (i *Inode) Show(a *Attr) {
	for w, v := range a.pack() {
		if i.attr.word(w) != v {
			i.attr.update(func(last *Attr) { *last = *a })
			return
		}
	}
}

// Update changes the attributes under their lock. f must not call anything that locks.
func (i *Inode) Update(f func(*Attr)) { i.attr.update(f) }
