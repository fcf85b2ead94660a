package vfs

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// leases are those on one inode (fcntl(2), "Leases"; fs/locks.c): promises to tell an open file before
// somebody else opens the file in a way that conflicts. Who opens waits until the lease is given up, or
// for leaseBreakTime.
type leases struct {
	mu    sync.Mutex
	list  []*lease
	queue wait.Queue // notified when a lease goes or becomes a read lease

	waiting []*LockInfo  // who waits for one to be given up
	some    atomic.Int32 // how many leases there are, for noteLocks
}

type lease struct {
	file   *File
	write  bool
	broken bool // its holder has been told
	target int  // what it is to become: F_UNLCK or F_RDLCK
	tell   func()
	seq    uint64
	holder any
}

// leaseBreakTime is /proc/sys/fs/lease-break-time.
const leaseBreakTime = 45 * time.Second

// SetLease is F_SETLEASE: kind is F_RDLCK, F_WRLCK or F_UNLCK. tell signals the holder.
func (f *File) SetLease(ctx Ctx, kind int32, tell func()) linux.Errno {
	i := f.Inode
	a, c := i.Attr(), ctx.Cred()
	switch {
	case kind != linux.F_RDLCK && kind != linux.F_WRLCK && kind != linux.F_UNLCK:
		return linux.EINVAL
	case c.Fsuid != a.UID && !c.Has(linux.CAP_LEASE):
		return linux.EACCES
	case i.Type() != linux.S_IFREG:
		return linux.EINVAL
	}
	if i.leases.Load() == nil && i.leases.CompareAndSwap(nil, new(leases)) {
		tellChange(false)
	}
	l := i.leases.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	if kind == linux.F_UNLCK {
		if !l.drop(f) {
			return linux.EAGAIN
		}
		return 0
	}
	return l.add(f, kind == linux.F_WRLCK, tell, holder(ctx))
}

// changed is called after each change with l locked.
func (l *leases) changed(i *Inode) {
	n := int32(len(l.list))
	if was := l.some.Swap(n); (was == 0) != (n == 0) {
		i.noteLocks()
	}
}

// add enters or changes f's lease: EAGAIN if the file is open in a way that conflicts.
func (l *leases) add(f *File, write bool, tell func(), holder any) linux.Errno {
	i := f.Inode
	writers, readers := i.writers.Load(), i.readers.Load()
	if write {
		if f.Mode&ModeWrite != 0 {
			writers--
		} else {
			readers--
		}
		if writers != 0 || readers != 0 {
			return linux.EAGAIN
		}
	} else if writers > 0 {
		return linux.EAGAIN
	}
	var mine *lease
	for _, o := range l.list {
		switch {
		case o.file == f:
			mine = o
		case write, o.broken && o.target == linux.F_UNLCK:
			return linux.EAGAIN
		}
	}
	if mine == nil {
		mine = &lease{file: f, seq: lastLock.Add(1), holder: holder}
		l.list = append(l.list, mine)
		l.changed(i)
	}
	mine.write, mine.broken, mine.tell = write, false, tell
	l.queue.Notify(wait.Internal)
	return 0
}

// drop ends f's lease.
func (l *leases) drop(f *File) bool {
	for i, o := range l.list {
		if o.file == f {
			l.list = append(l.list[:i:i], l.list[i+1:]...)
			l.changed(f.Inode)
			l.queue.Notify(wait.Internal)
			return true
		}
	}
	return false
}

// Lease is F_GETLEASE.
func (f *File) Lease() int {
	l := f.Inode.leases.Load()
	if l == nil {
		return linux.F_UNLCK
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.list {
		switch {
		case o.file != f:
		case o.broken:
			return o.target
		case o.write:
			return linux.F_WRLCK
		default:
			return linux.F_RDLCK
		}
	}
	return linux.F_UNLCK
}

// breakLeases lets the holders of leases know that the file is to be opened, for writing with write,
// and waits for them: EAGAIN with nonblock (break_lease).
func (i *Inode) breakLeases(ctx Ctx, write, nonblock bool) linux.Errno {
	l := i.leases.Load()
	if l == nil {
		return 0
	}
	if nonblock {
		if l.tellAll(i, write, false) {
			return linux.EAGAIN
		}
		return 0
	}
	w := &LockInfo{kind: "LEASE", state: "BREAKER", mode: lockMode(write), end: LockEOF, Holder: holder(ctx)}
	defer l.unwait(w)
	_, errno := wait.Until(&l.queue, wait.Internal, ctx.Waiter(), time.Now().Add(leaseBreakTime), func() (int, linux.Errno) {
		if l.tellAll(i, write, false) {
			l.wait(w)
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
	if errno == linux.ETIMEDOUT {
		l.tellAll(i, write, true)
		errno = 0
	}
	return errno
}

// tellAll signals the holders of conflicting leases, each once, and reports whether there are any.
// With now they lose their leases.
func (l *leases) tellAll(i *Inode, write, now bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kept []*lease
	conflict := false
	for _, o := range l.list {
		if !write && !o.write {
			kept = append(kept, o)
			continue
		}
		target := linux.F_RDLCK
		if write {
			target = linux.F_UNLCK
		}
		if now {
			if target == linux.F_RDLCK {
				o.write, o.broken = false, false
				kept = append(kept, o)
			}
			continue
		}
		conflict = true
		kept = append(kept, o)
		if !o.broken {
			o.broken, o.target = true, target
			o.tell()
		} else if write {
			o.target = target
		}
	}
	l.list = kept
	if now {
		l.changed(i)
	}
	return conflict
}

// wait notes that w waits for l to be given up, once; unwait, that it does no more.
func (l *leases) wait(w *LockInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.waiting, w) {
		l.waiting = append(l.waiting, w)
	}
}

func (l *leases) unwait(w *LockInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := slices.Index(l.waiting, w); n >= 0 {
		l.waiting = slices.Delete(l.waiting, n, n+1)
	}
}

// dropLease ends the lease of a closed file.
func (f *File) dropLease() {
	if l := f.Inode.leases.Load(); l != nil {
		l.mu.Lock()
		l.drop(f)
		l.mu.Unlock()
	}
}
