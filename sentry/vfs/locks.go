package vfs

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// fileLocks are the locks on one inode: flock(2) ones of open files, and record locks of
// processes (POSIX) or open files (OFD). Zero is no lock.
type fileLocks struct {
	mu     lock.Mutex[lock.FileLocks]
	flocks []flock
	ranges []LockRange
	queue  wait.Queue // notified when a lock goes

	waiting []*LockInfo  // who waits for a lock, the first in front
	some    atomic.Int32 // how many locks there are
}

type flock struct {
	file      *File
	exclusive bool
	seq       uint64
	holder    any
}

// LockRange is a record lock: bytes Start up to End inclusive.
type LockRange struct {
	Owner      any   // a process's descriptor table, or the *File of an OFD lock
	File       *File // by which it was taken
	PID        int32
	Start, End int64
	Exclusive  bool
	OFD        bool
	Holder     any // as LockInfo has it

	seq uint64
}

// LockEOF is the End of a range that goes on forever.
const LockEOF = 1<<63 - 1

// Flock is flock(2): LOCK_SH, LOCK_EX (exclusive), waiting unless nonblock.
func (f *File) Flock(ctx Ctx, exclusive, nonblock bool) linux.Errno {
	l := &f.Inode.locks
	mine := flock{f, exclusive, lastLock.Add(1), holder(ctx)}
	w := mine.info(f.Inode)
	try := func() (int, linux.Errno) {
		l.mu.Lock()
		defer l.mu.Unlock()
		had := -1
		for i, o := range l.flocks {
			if o.file == f {
				had = i
			}
		}
		if had >= 0 && l.flocks[had].exclusive == exclusive {
			return 0, 0
		}
		if had >= 0 { // a conversion gives up the old lock first (flock(2))
			l.flocks = append(l.flocks[:had], l.flocks[had+1:]...)
			f.Inode.changedLocks()
			l.queue.Notify(wait.Internal)
		}
		for _, o := range l.flocks {
			if o.exclusive || exclusive {
				if !nonblock {
					l.wait(&w)
				}
				return 0, linux.EAGAIN
			}
		}
		l.flocks = append(l.flocks, mine)
		f.Inode.changedLocks()
		return 0, 0
	}
	if nonblock {
		_, errno := try()
		return errno
	}
	defer l.unwait(&w)
	_, errno := wait.Until(&l.queue, wait.Internal, ctx.Waiter(), wait.Forever, try)
	return errno
}

// Funlock is flock(2) with LOCK_UN.
func (f *File) Funlock() {
	l := &f.Inode.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range l.flocks {
		if o.file == f {
			l.flocks = append(l.flocks[:i], l.flocks[i+1:]...)
			f.Inode.changedLocks()
			l.queue.Notify(wait.Internal)
			return
		}
	}
}

// releaseLocks drops what the closed file f holds.
func (i *Inode) releaseLocks(f *File) {
	if i.locks.some.Load() == 0 {
		return
	}
	f.Funlock()
	i.releasePosix(f)
}

// releasePosix drops every record lock of owner.
func (i *Inode) releasePosix(owner any) {
	l := &i.locks
	if l.some.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.ranges[:0]
	for _, r := range l.ranges {
		if r.Owner != owner {
			kept = append(kept, r)
		}
	}
	if len(kept) != len(l.ranges) {
		l.keep(kept)
		i.changedLocks()
		l.queue.Notify(wait.Internal)
	}
}

func (r *LockRange) overlaps(o *LockRange) bool { return r.Start <= o.End && o.Start <= r.End }

// conflict returns the first lock that keeps r from being set.
func (l *fileLocks) conflict(r *LockRange) *LockRange {
	for i := range l.ranges {
		o := &l.ranges[i]
		if o.Owner != r.Owner && o.overlaps(r) && (o.Exclusive || r.Exclusive) {
			return o
		}
	}
	return nil
}

// TestLock is F_GETLK: the lock that stands in the way of r, ok if there is one.
func (i *Inode) TestLock(r *LockRange) (LockRange, bool) {
	l := &i.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.conflict(r); o != nil {
		return *o, true
	}
	return LockRange{}, false
}

// SetLock is F_SETLK, or with block F_SETLKW: EAGAIN, EDEADLK.
func (i *Inode) SetLock(ctx Ctx, r *LockRange, block bool) linux.Errno {
	r.Holder, r.seq = holder(ctx), lastLock.Add(1)
	if errno := i.trySetLock(r); errno == 0 || !block {
		return errno
	}
	return i.waitSetLock(ctx, *r)
}

// trySetLock is F_SETLK.
func (i *Inode) trySetLock(r *LockRange) linux.Errno {
	l := &i.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conflict(r) != nil {
		return linux.EAGAIN
	}
	l.set(r)
	i.changedLocks()
	return 0
}

// waitSetLock is F_SETLKW where there was a conflict.
func (i *Inode) waitSetLock(ctx Ctx, r LockRange) linux.Errno {
	l := &i.locks
	w := r.info(i)
	try := func() (int, linux.Errno) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if o := l.conflict(&r); o != nil {
			if !r.OFD && !waits.add(r.Owner, o.Owner) {
				return 0, linux.EDEADLK
			}
			l.wait(&w)
			return 0, linux.EAGAIN
		}
		l.set(&r)
		i.changedLocks()
		return 0, 0
	}
	defer waits.remove(r.Owner)
	defer l.unwait(&w)
	_, errno := wait.Until(&l.queue, wait.Internal, ctx.Waiter(), wait.Forever, try)
	return errno
}

// Unlock is F_UNLCK over a range.
func (i *Inode) Unlock(r *LockRange) {
	l := &i.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.carve(r) {
		i.changedLocks()
		l.queue.Notify(wait.Internal)
	}
}

// changedLocks is called after each change; the locks are locked.
func (i *Inode) changedLocks() {
	l := &i.locks
	n := int32(len(l.flocks) + len(l.ranges))
	if was := l.some.Swap(n); (was == 0) != (n == 0) {
		i.noteLocks()
	}
}

// set adds r in place of what its owner has there, joined with equal neighbours.
func (l *fileLocks) set(r *LockRange) {
	weaker := l.carve(r)
	add := *r
	kept := l.ranges[:0]
	for n := range l.ranges {
		if o := &l.ranges[n]; o.Owner == add.Owner && o.Exclusive == add.Exclusive && o.touches(&add) {
			add.Start, add.End = min(add.Start, o.Start), max(add.End, o.End)
		} else {
			kept = append(kept, *o)
		}
	}
	l.keep(append(kept, add))
	if weaker {
		l.queue.Notify(wait.Internal)
	}
}

// touches tells whether o and r overlap, or lie side by side.
func (o *LockRange) touches(r *LockRange) bool {
	return (o.Start <= r.End || r.End != LockEOF && o.Start == r.End+1) && (r.Start <= o.End || o.End != LockEOF && r.Start == o.End+1)
}

// carve cuts r's range out of its owner's locks and tells whether there was any.
func (l *fileLocks) carve(r *LockRange) (cut bool) {
	kept := l.ranges[:0]
	for n := range l.ranges {
		o := &l.ranges[n]
		if o.Owner != r.Owner || !o.overlaps(r) {
			kept = append(kept, *o)
			continue
		}
		cut = true
		switch {
		case o.Start < r.Start && o.End > r.End: // no other of the owner's overlaps it
			right := *o
			right.Start, o.End = r.End+1, r.Start-1
			l.ranges = slices.Insert(l.ranges, n+1, right)
			return true
		case o.Start < r.Start:
			o.End = r.Start - 1
			kept = append(kept, *o)
		case o.End > r.End:
			o.Start = r.End + 1
			kept = append(kept, *o)
		}
	}
	l.keep(kept)
	return cut
}

// keep makes kept, which begins where the locks do, the locks.
func (l *fileLocks) keep(kept []LockRange) {
	if len(kept) < len(l.ranges) {
		clear(l.ranges[len(kept):]) // or they keep their files
	}
	l.ranges = kept
}

// waitGraph knows which owner of POSIX locks waits for which, to find deadlocks
// (fs/locks.c, posix_locks_deadlock).
type waitGraph struct {
	mu sync.Mutex
	on map[any]any
}

var waits = waitGraph{on: map[any]any{}}

// add notes that owner waits for other; false if other waits for owner already.
func (g *waitGraph) add(owner, other any) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for o, depth := other, 0; depth < 10; depth++ {
		if o == owner {
			return false
		}
		next, ok := g.on[o]
		if !ok {
			break
		}
		o = next
	}
	g.on[owner] = other
	return true
}

func (g *waitGraph) remove(owner any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.on, owner)
}
