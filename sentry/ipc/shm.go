package ipc

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
)

// Segment is a shared memory segment (struct shmid_kernel). It is what areas map: each area
// holds a reference, and their number is shm_nattch.
type Segment struct {
	Perm
	ns   *Namespace
	size uint64 // bytes as asked for; never changes

	obj      *pages.Object
	mappings mm.Mappings

	mu     lock.Mutex[lock.Segment] // guards what follows, Perm included
	atime  int64                    // seconds
	dtime  int64
	cpid   int32
	lpid   int32
	nattch uint64
	doomed bool // IPC_RMID while attached: goes with the last area
}

func (s *Segment) perm() *Perm { return &s.Perm }

// Size is the size in bytes, not rounded.
func (s *Segment) Size() uint64 { return s.size }

// Shmget is shmget(2). The pages of a new segment come from pool.
func (ns *Namespace) Shmget(c Caller, key int32, size uint64, flags uint32, pool *pages.Pool) (int32, linux.Errno) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	fits := func(s *Segment) linux.Errno {
		if size > s.size {
			return linux.EINVAL
		}
		return 0
	}
	build := func(p Perm) (*Segment, linux.Errno) {
		if size < linux.SHMMIN || size > ns.Limits.ShmMax.Load() || size > 1<<46 {
			return nil, linux.EINVAL
		}
		if ns.pages()+pagesOf(size) > ns.Limits.ShmAll.Load() {
			return nil, linux.ENOSPC
		}
		if flags&linux.SHM_HUGETLB != 0 {
			return nil, linux.EINVAL // as without CONFIG_HUGETLBFS
		}
		return &Segment{Perm: p, ns: ns, size: size, cpid: c.PID(), obj: pages.NewObject(pool, pages.Shmem, nil)}, 0
	}
	return ns.shms.get(c, key, flags, int(ns.Limits.ShmMni.Load()), fits, build, ns.userNS)
}

func pagesOf(size uint64) uint64 { return (size + pages.PageSize - 1) / pages.PageSize }

// pages is how many all segments have (shm_tot). ns.mu is held.
func (ns *Namespace) pages() (n uint64) {
	for _, s := range ns.shms.slots {
		if s != nil {
			n += pagesOf(s.size)
		}
	}
	return n
}

// Attach returns the segment for shmat(2) with a reference, to be given back with Put once it
// is mapped: readonly for SHM_RDONLY, exec for SHM_EXEC.
func (ns *Namespace) Attach(c Caller, id int32, readonly, exec bool) (*Segment, linux.Errno) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, errno := ns.shms.byID(id)
	if errno != 0 {
		return nil, errno
	}
	want := uint32(0o6)
	if readonly {
		want = 0o4
	}
	if exec {
		want |= 0o1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.may(c.Cred(), want); errno != 0 {
		return nil, errno
	}
	s.nattch++
	s.atime, s.lpid = c.Now()/int64(time.Second), c.PID()
	return s, 0
}

// Detached notes a shmdt(2) by c.
func (s *Segment) Detached(c Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dtime, s.lpid = c.Now()/int64(time.Second), c.PID()
}

// Get takes a reference for an area.
func (s *Segment) Get() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nattch++
}

// Put gives an area's reference back; the last one of a removed segment frees it.
func (s *Segment) Put() {
	s.ns.mu.Lock()
	defer s.ns.mu.Unlock()
	s.mu.Lock()
	s.nattch--
	last := s.nattch == 0 && s.doomed
	if last {
		s.ns.shms.remove(s)
	}
	s.mu.Unlock()
	if last {
		s.free()
	}
}

// free gives the pages back, once nobody can find or map the segment.
func (s *Segment) free() { s.obj.Release() }

// Mappable, with Get and Put, makes the segment an mm.File.
func (s *Segment) Mappable() mm.Mappable { return s }

// MapInfo is what /proc/PID/maps shows.
func (s *Segment) MapInfo() mm.MapInfo {
	return mm.MapInfo{Name: "/SYSV" + hex8(uint32(s.Key)) + " (deleted)", Minor: 1, Ino: uint64(uint32(s.ID))}
}

func hex8(v uint32) string {
	const digits = "0123456789abcdef"
	var b [8]byte
	for i := range b {
		b[i] = digits[v>>(28-4*i)&15]
	}
	return string(b[:])
}

// Backing is mm.Mappable's.
func (s *Segment) Backing(off, max uint64, _ bool) (mm.Backing, linux.Errno) {
	end := (s.size + pages.PageSize - 1) &^ uint64(pages.PageSize-1)
	if off >= end {
		return mm.Backing{}, linux.EFAULT
	}
	at, n, errno := s.obj.Backing(off, min(max, end-off), end-off)
	return mm.Backing{Off: at, Len: n}, errno
}

// Sync is mm.Mappable's: there is nothing to write to.
func (s *Segment) Sync(uint64, uint64) linux.Errno { return 0 }

// Mappings is mm.Mappable's.
func (s *Segment) Mappings() *mm.Mappings { return &s.mappings }

// ShmStat is IPC_STAT, or with index SHM_STAT (and with any SHM_STAT_ANY).
func (ns *Namespace) ShmStat(c Caller, id int32, index, any bool) (linux.ShmidDS, int32, linux.Errno) {
	s, errno := lookup(ns, &ns.shms, id, index)
	if errno != 0 {
		return linux.ShmidDS{}, 0, errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !any {
		if errno := s.may(c.Cred(), 0o4); errno != 0 {
			return linux.ShmidDS{}, 0, errno
		}
	}
	return linux.ShmidDS{Perm: s.export(), Segsz: s.size, Atime: s.atime, Dtime: s.dtime, Ctime: s.CtimeSec,
		Cpid: s.cpid, Lpid: s.lpid, Nattch: s.nattch}, s.ID, 0
}

// ShmLimits is IPC_INFO, with the highest index in use.
func (ns *Namespace) ShmLimits() (linux.Shminfo, int32) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	l := &ns.Limits
	return linux.Shminfo{Max: l.ShmMax.Load(), Min: linux.SHMMIN, Mni: l.ShmMni.Load(), Seg: l.ShmMni.Load(), All: l.ShmAll.Load()}, ns.shms.highest()
}

// ShmUsage is SHM_INFO, with the highest index in use.
func (ns *Namespace) ShmUsage() (linux.ShmInfo, int32) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	i := linux.ShmInfo{UsedIDs: int32(ns.shms.used), Tot: ns.pages()}
	for _, s := range ns.shms.slots {
		if s != nil {
			i.RSS += uint64(s.obj.Pages())
		}
	}
	return i, ns.shms.highest()
}

// ShmSet is IPC_SET.
func (ns *Namespace) ShmSet(c Caller, id int32, uid auth.UID, gid auth.GID, mode uint32) linux.Errno {
	s, errno := lookup(ns, &ns.shms, id, false)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Perm.set(c, uid, gid, mode)
}

// ShmRemove is IPC_RMID: the key is free at once, the segment goes with its last area.
func (ns *Namespace) ShmRemove(c Caller, id int32) linux.Errno {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, errno := ns.shms.byID(id)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	if errno := s.owns(c.Cred()); errno != 0 {
		s.mu.Unlock()
		return errno
	}
	last := s.nattch == 0
	ns.shms.dropKey(s)
	if last {
		ns.shms.remove(s)
	} else {
		s.doomed = true
		s.Key = linux.IPC_PRIVATE
		s.Mode |= linux.SHM_DEST
	}
	s.mu.Unlock()
	if last {
		s.free()
	}
	return 0
}

// ShmLock is SHM_LOCK and SHM_UNLOCK. Pages are never swapped, so only the mark changes.
func (ns *Namespace) ShmLock(c Caller, id int32, lock bool) linux.Errno {
	s, errno := lookup(ns, &ns.shms, id, false)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	const capIPCLock = 14
	if !c.Cred().HasIn(ns.userNS, capIPCLock) {
		if errno := s.owns(c.Cred()); errno != 0 {
			return errno
		}
	}
	if lock {
		s.Mode |= linux.SHM_LOCKED
	} else {
		s.Mode &^= linux.SHM_LOCKED
	}
	return 0
}
