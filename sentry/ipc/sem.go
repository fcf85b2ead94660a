package ipc

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Set is a semaphore set (struct sem_array).
type Set struct {
	Perm
	mu       lock.Mutex[lock.SemaphoreSet] // guards all, Perm included
	sems     []sem
	otimeSec int64
	undos    map[*Undo][]int32 // what exit adds to each value, by process
	queue    wait.Queue        // notified whenever a value changes
}

type sem struct {
	val  int32
	pid  int32 // of the last operation
	ncnt int32 // sleepers for an increase
	zcnt int32 // sleepers for zero
}

func (s *Set) perm() *Perm { return &s.Perm }

// Undo is what exit has to take back: one per process, or shared by CLONE_SYSVSEM (struct
// sem_undo_list). The adjustments themselves are the sets'.
type Undo struct {
	more atomic.Int32 // users beyond the first
	mu   sync.Mutex   // leaf
	sets map[*Set]bool
}

// Share gives u one more user.
func (u *Undo) Share() { u.more.Add(1) }

// note records that s has adjustments for u.
func (u *Undo) note(s *Set) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sets == nil {
		u.sets = make(map[*Set]bool)
	}
	u.sets[s] = true
}

// Semget is semget(2).
func (ns *Namespace) Semget(c Caller, key int32, nsems int, flags uint32) (int32, linux.Errno) {
	if nsems < 0 || uint64(nsems) > ns.Limits.SemMsl.Load() {
		return 0, linux.EINVAL
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	fits := func(s *Set) linux.Errno {
		if nsems > len(s.sems) {
			return linux.EINVAL
		}
		return 0
	}
	build := func(p Perm) (*Set, linux.Errno) {
		if nsems == 0 {
			return nil, linux.EINVAL
		}
		if uint64(ns.semaphores()+nsems) > ns.Limits.SemMns.Load() {
			return nil, linux.ENOSPC
		}
		return &Set{Perm: p, sems: make([]sem, nsems)}, 0
	}
	return ns.sems.get(c, key, flags, int(ns.Limits.SemMni.Load()), fits, build, ns.userNS)
}

func (ns *Namespace) set(id int32) (*Set, linux.Errno) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.sems.byID(id)
}

// Semop is semtimedop(2); deadline is wait.Forever for none. undo receives what SEM_UNDO asks
// to be taken back.
func (ns *Namespace) Semop(c Caller, id int32, ops []linux.Sembuf, deadline time.Time, undo *Undo) linux.Errno {
	switch {
	case len(ops) < 1:
		return linux.EINVAL
	case uint64(len(ops)) > ns.Limits.SemOpm.Load():
		return linux.E2BIG
	}
	s, errno := ns.set(id)
	if errno != 0 {
		return errno
	}
	if errno := s.checkOps(c.Cred(), ops); errno != 0 {
		return errno
	}
	waiting := -1 // the operation we are counted as sleeping on
	defer func() { s.uncount(ops, waiting) }()
	_, errno = wait.Until(&s.queue, wait.Internal, c.Waiter(), deadline, func() (int, linux.Errno) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count(ops, waiting, -1)
		waiting = -1
		if s.removed {
			return 0, linux.EIDRM
		}
		blocked, errno := s.try(ops, c.PID(), undo)
		if errno == linux.EAGAIN && ops[blocked].Flg&linux.IPC_NOWAIT == 0 {
			waiting = blocked
			s.count(ops, waiting, 1)
			return 0, linux.EAGAIN
		}
		if errno == 0 {
			s.otimeSec = c.Now() / int64(time.Second)
		}
		return 1, nowait(errno)
	})
	switch errno {
	case errNowait, linux.ETIMEDOUT:
		return linux.EAGAIN
	case linux.ERESTARTSYS:
		return linux.EINTR // semop is never restarted (signal(7))
	}
	return errno
}

// errNowait is EAGAIN that must leave the waiting loop.
const errNowait = linux.Errno(4000)

func nowait(errno linux.Errno) linux.Errno {
	if errno == linux.EAGAIN {
		return errNowait
	}
	return errno
}

func (s *Set) checkOps(c *auth.Cred, ops []linux.Sembuf) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := uint32(0o4)
	for _, op := range ops {
		if int(op.Num) >= len(s.sems) {
			return linux.EFBIG
		}
		if op.Op != 0 {
			want = 0o2
		}
	}
	return s.may(c, want)
}

// count changes how many sleep on ops[i].
func (s *Set) count(ops []linux.Sembuf, i int, by int32) {
	if i < 0 {
		return
	}
	if ops[i].Op == 0 {
		s.sems[ops[i].Num].zcnt += by
	} else {
		s.sems[ops[i].Num].ncnt += by
	}
}

func (s *Set) uncount(ops []linux.Sembuf, i int) {
	if i < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(ops, i, -1)
}

// try performs all of ops or none; EAGAIN with the index of the one that has to wait. The
// set is locked.
func (s *Set) try(ops []linux.Sembuf, pid int32, undo *Undo) (int, linux.Errno) {
	adj := s.undos[undo]
	for i, op := range ops {
		e := &s.sems[op.Num]
		v := e.val + int32(op.Op)
		var errno linux.Errno
		switch {
		case op.Op == 0 && e.val != 0, v < 0:
			errno = linux.EAGAIN
		case v > linux.SEMVMX:
			errno = linux.ERANGE
		case op.Flg&linux.SEM_UNDO != 0:
			if adj == nil {
				adj = make([]int32, len(s.sems))
			}
			if u := adj[op.Num] - int32(op.Op); u < -linux.SEMAEM-1 || u > linux.SEMAEM {
				errno = linux.ERANGE
			} else {
				adj[op.Num] = u
			}
		}
		if errno != 0 {
			s.takeBack(ops[:i], adj)
			return i, errno
		}
		e.val = v
	}
	changed := false
	for _, op := range ops {
		s.sems[op.Num].pid = pid
		changed = changed || op.Op != 0
	}
	if adj != nil {
		if s.undos == nil {
			s.undos = make(map[*Undo][]int32)
		}
		s.undos[undo] = adj
		undo.note(s)
	}
	if changed {
		s.queue.Notify(wait.Internal)
	}
	return 0, 0
}

// takeBack reverses the operations done so far.
func (s *Set) takeBack(done []linux.Sembuf, adj []int32) {
	for i := len(done) - 1; i >= 0; i-- {
		op := done[i]
		s.sems[op.Num].val -= int32(op.Op)
		if op.Flg&linux.SEM_UNDO != 0 {
			adj[op.Num] += int32(op.Op)
		}
	}
}

// Exit is the end of a user, process pid. The last one's applies the list (ipc/sem.c, exit_sem).
func (u *Undo) Exit(pid int32) {
	if u.more.Add(-1) >= 0 {
		return
	}
	u.mu.Lock()
	sets := u.sets
	u.sets = nil
	u.mu.Unlock()
	for s := range sets {
		s.mu.Lock()
		if !s.removed {
			for i, a := range s.undos[u] {
				if a != 0 {
					s.sems[i].val = max(0, min(s.sems[i].val+a, linux.SEMVMX))
					s.sems[i].pid = pid
				}
			}
			delete(s.undos, u)
			s.queue.Notify(wait.Internal)
		}
		s.mu.Unlock()
	}
}

// SemStat is IPC_STAT, or with index SEM_STAT (and with any SEM_STAT_ANY); it returns the
// identifier, too.
func (ns *Namespace) SemStat(c Caller, id int32, index, any bool) (linux.SemidDS, int32, linux.Errno) {
	s, errno := lookup(ns, &ns.sems, id, index)
	if errno != 0 {
		return linux.SemidDS{}, 0, errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !any {
		if errno := s.may(c.Cred(), 0o4); errno != 0 {
			return linux.SemidDS{}, 0, errno
		}
	}
	return linux.SemidDS{Perm: s.export(), Otime: s.otimeSec, Ctime: s.CtimeSec, Nsems: uint64(len(s.sems))}, s.ID, 0
}

// lookup finds an object by identifier or by index.
func lookup[T object](ns *Namespace, t *table[T], id int32, index bool) (T, linux.Errno) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if index {
		return t.byIndex(id)
	}
	return t.byID(id)
}

// export is struct ipc64_perm of p; ids as the kernel holds them.
func (p *Perm) export() linux.IPCPerm {
	return linux.IPCPerm{Key: p.Key, UID: uint32(p.UID), GID: uint32(p.GID), CUID: uint32(p.CUID), CGID: uint32(p.CGID), Mode: p.Mode, Seq: p.seq}
}

// semaphores is how many all sets have. ns.mu is held.
func (ns *Namespace) semaphores() (n int) {
	for _, s := range ns.sems.slots {
		if s != nil {
			n += len(s.sems)
		}
	}
	return n
}

// SemInfo is IPC_INFO, or with usage SEM_INFO; and the highest index in use.
func (ns *Namespace) SemInfo(usage bool) (linux.Seminfo, int32) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	l := &ns.Limits
	i := linux.Seminfo{Map: linux.SEMMNS & 0x7fffffff, Mni: int32(l.SemMni.Load()), Mns: int32(l.SemMns.Load()), Mnu: linux.SEMMNS & 0x7fffffff,
		Msl: int32(l.SemMsl.Load()), Opm: int32(l.SemOpm.Load()), Ume: linux.SEMOPM, Usz: 20, Vmx: linux.SEMVMX, Aem: linux.SEMAEM}
	if usage {
		i.Usz, i.Aem = int32(ns.sems.used), int32(ns.semaphores())
	}
	return i, ns.sems.highest()
}

// SemSet is IPC_SET.
func (ns *Namespace) SemSet(c Caller, id int32, uid auth.UID, gid auth.GID, mode uint32) linux.Errno {
	s, errno := ns.set(id)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Perm.set(c, uid, gid, mode)
}

// SemRemove is IPC_RMID: sleepers get EIDRM.
func (ns *Namespace) SemRemove(c Caller, id int32) linux.Errno {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, errno := ns.sems.byID(id)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.owns(c.Cred()); errno != 0 {
		return errno
	}
	ns.sems.remove(s)
	s.removed = true
	s.queue.Notify(wait.Internal)
	return 0
}

// SemValue answers GETVAL, GETPID, GETNCNT and GETZCNT for semaphore n.
func (ns *Namespace) SemValue(c Caller, id int32, n int, cmd int) (int32, linux.Errno) {
	s, errno := ns.set(id)
	if errno != 0 {
		return 0, errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.may(c.Cred(), 0o4); errno != 0 {
		return 0, errno
	}
	if n < 0 || n >= len(s.sems) {
		return 0, linux.EINVAL
	}
	e := s.sems[n]
	switch cmd {
	case linux.GETVAL:
		return e.val, 0
	case linux.GETPID:
		return e.pid, 0
	case linux.GETNCNT:
		return e.ncnt, 0
	}
	return e.zcnt, 0
}

// SemValues is GETALL.
func (ns *Namespace) SemValues(c Caller, id int32) ([]uint16, linux.Errno) {
	s, errno := ns.set(id)
	if errno != 0 {
		return nil, errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.may(c.Cred(), 0o4); errno != 0 {
		return nil, errno
	}
	v := make([]uint16, len(s.sems))
	for i := range v {
		v[i] = uint16(s.sems[i].val)
	}
	return v, 0
}

// SemCount returns how many semaphores the set has, for SETALL to read its array.
func (ns *Namespace) SemCount(c Caller, id int32) (int, linux.Errno) {
	s, errno := ns.set(id)
	if errno != 0 {
		return 0, errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sems), s.may(c.Cred(), 0o2)
}

// SemSetValues is SETALL with n < 0, or SETVAL of semaphore n to v[0]. What was to be undone of
// these semaphores is forgotten.
func (ns *Namespace) SemSetValues(c Caller, id int32, n int, v []uint16) linux.Errno {
	s, errno := ns.set(id)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.may(c.Cred(), 0o2); errno != 0 {
		return errno
	}
	first := max(n, 0)
	if first+len(v) > len(s.sems) || (n < 0 && len(v) != len(s.sems)) {
		return linux.EINVAL
	}
	for _, x := range v {
		if x > linux.SEMVMX {
			return linux.ERANGE
		}
	}
	for i, x := range v {
		s.sems[first+i].val = int32(x)
		s.sems[first+i].pid = c.PID()
		for _, adj := range s.undos {
			adj[first+i] = 0
		}
	}
	s.CtimeSec = c.Now() / int64(time.Second)
	s.queue.Notify(wait.Internal)
	return 0
}
