package vfs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// LockInfo is a line of /proc/locks (lock_get_status): a lock that somebody has, or waits for.
type LockInfo struct {
	kind, state string // FLOCK, POSIX, OFDLCK, LEASE; ADVISORY, ACTIVE, BREAKING, BREAKER
	mode        int    // F_RDLCK, F_WRLCK, F_UNLCK
	inode       *Inode // nil: whoever opens and breaks a lease
	start, end  int64
	seq         uint64 // the order in which locks were taken
	Holder      any    // whose lock it is, as LockHolder says; nil for OFD locks
	Level       int    // how many others it waits for, one waiting for the other; 0: nobody
	owner       any    // who does not conflict with himself
	file        *File  // by which it was taken
}

// Text is the line without its number; pid is the holder's.
func (i *LockInfo) Text(pid int32) string {
	if i.Holder == nil {
		pid = -1
	}
	arrow := ""
	if i.Level > 0 {
		arrow = fmt.Sprintf("%*s", i.Level+2, "-> ")
	}
	mode := map[int]string{linux.F_RDLCK: "READ", linux.F_WRLCK: "WRITE", linux.F_UNLCK: "UNLCK"}[i.mode]
	where := "<none>:0"
	if i.inode != nil {
		dev := i.inode.SB.Dev
		where = fmt.Sprintf("%02x:%02x:%d", Major(dev), Minor(dev), i.inode.Ino)
	}
	last := "EOF"
	if i.end != LockEOF {
		last = strconv.FormatInt(i.end, 10)
	}
	return fmt.Sprintf("%s%-6s %-9s %s %d %s %d %s", arrow, i.kind, i.state, mode, pid, where, i.start, last)
}

// conflicts reports whether the lock that i stands for and o exclude each other.
func (i *LockInfo) conflicts(o *LockInfo) bool {
	if i.kind == "LEASE" || o.kind == "LEASE" {
		return i.kind == o.kind
	}
	return (i.kind == "FLOCK") == (o.kind == "FLOCK") && i.owner != o.owner && i.start <= o.end && o.start <= i.end && (i.mode == linux.F_WRLCK || o.mode == linux.F_WRLCK)
}

func lockMode(exclusive bool) int {
	if exclusive {
		return linux.F_WRLCK
	}
	return linux.F_RDLCK
}

func (l *flock) info(i *Inode) LockInfo {
	return LockInfo{kind: "FLOCK", state: "ADVISORY", mode: lockMode(l.exclusive), inode: i, end: LockEOF, seq: l.seq, Holder: l.holder, owner: l.file, file: l.file}
}

func (r *LockRange) info(i *Inode) LockInfo {
	o := LockInfo{kind: "POSIX", state: "ADVISORY", mode: lockMode(r.Exclusive), inode: i, start: r.Start, end: r.End, seq: r.seq, Holder: r.Holder, owner: r.Owner, file: r.File}
	if r.OFD {
		o.kind, o.Holder = "OFDLCK", nil
	}
	return o
}

func (l *lease) info() LockInfo {
	o := LockInfo{kind: "LEASE", state: "ACTIVE", mode: lockMode(l.write), inode: l.file.Inode, end: LockEOF, seq: l.seq, Holder: l.holder, owner: l.file, file: l.file}
	if l.broken {
		o.state, o.mode = "BREAKING", l.target
	}
	return o
}

// holder is whom a lock that ctx takes belongs to.
func holder(ctx Ctx) any {
	if h, ok := ctx.(interface{ LockHolder() any }); ok {
		return h.LockHolder()
	}
	return nil
}

// lastLock orders locks by age.
var lastLock atomic.Uint64

// locked are the inodes with locks or leases, which keep their inodes by the open files they belong to.
var locked struct {
	sync.Mutex
	inodes map[*Inode]struct{}
}

// noteLocks enters i in the list of inodes with locks, or takes it out.
func (i *Inode) noteLocks() {
	locked.Lock()
	defer locked.Unlock()
	if locked.inodes == nil {
		locked.inodes = map[*Inode]struct{}{}
	}
	l := i.leases.Load()
	if i.locks.some.Load() > 0 || l != nil && l.some.Load() > 0 {
		locked.inodes[i] = struct{}{}
	} else {
		delete(locked.inodes, i)
	}
}

// held returns i's locks and leases, and who waits for them.
func (i *Inode) held() (held, waiting []LockInfo) {
	l := &i.locks
	l.mu.Lock()
	for n := range l.flocks {
		held = append(held, l.flocks[n].info(i))
	}
	for n := range l.ranges {
		held = append(held, l.ranges[n].info(i))
	}
	for _, w := range l.waiting {
		waiting = append(waiting, *w)
	}
	l.mu.Unlock()
	if l := i.leases.Load(); l != nil {
		l.mu.Lock()
		for _, o := range l.list {
			held = append(held, o.info())
		}
		for _, w := range l.waiting {
			waiting = append(waiting, *w)
		}
		l.mu.Unlock()
	}
	return held, waiting
}

// AllLocks returns every lock, the youngest first, each followed by those that wait for it.
func AllLocks() (list [][]LockInfo) {
	locked.Lock()
	var inodes []*Inode
	for i := range locked.inodes {
		inodes = append(inodes, i)
	}
	locked.Unlock()
	for _, i := range inodes {
		held, waiting := i.held()
		trees := make([]*lockTree, len(held))
		for n := range held {
			trees[n] = &lockTree{info: held[n]}
		}
		for _, w := range waiting {
			for _, t := range trees {
				if t.info.conflicts(&w) {
					t.add(w, 1)
					break
				}
			}
		}
		for _, t := range trees {
			list = append(list, t.list(nil))
		}
	}
	slices.SortFunc(list, func(a, b []LockInfo) int { return cmp.Compare(b[0].seq, a[0].seq) })
	return list
}

// lockTree is a lock and who waits for it: one that would also wait for another waiter is below that
// (__locks_insert_block).
type lockTree struct {
	info LockInfo
	subs []*lockTree
}

func (t *lockTree) add(w LockInfo, level int) {
	for _, s := range t.subs {
		if s.info.conflicts(&w) {
			s.add(w, level+1)
			return
		}
	}
	w.Level = level
	t.subs = append(t.subs, &lockTree{info: w})
}

func (t *lockTree) list(to []LockInfo) []LockInfo {
	to = append(to, t.info)
	for _, s := range t.subs {
		to = s.list(to)
	}
	return to
}

// wait notes that w waits, once; unwait that it does no more. l.mu is held by wait.
func (l *fileLocks) wait(w *LockInfo) {
	if !slices.Contains(l.waiting, w) {
		l.waiting = append(l.waiting, w)
	}
}

func (l *fileLocks) unwait(w *LockInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := slices.Index(l.waiting, w); n >= 0 {
		l.waiting = slices.Delete(l.waiting, n, n+1)
	}
}

// Locks describes the locks that f, or owner by its descriptor, holds (show_fd_locks).
func (f *File) Locks(owner any) (list []LockInfo) {
	held, _ := f.Inode.held()
	for _, o := range held {
		if o.file == f && (o.owner == any(f) || o.owner == owner) {
			list = append(list, o)
		}
	}
	return list
}
