package kernel

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Priority-inheriting futexes (kernel/futex/pi.c). Priorities have no effect here beyond the
// order in which waiters get the lock; the word's protocol is Linux's: it holds the owner's
// thread id, FUTEX_WAITERS and FUTEX_OWNER_DIED.

// piState is a task's part in them.
type piState struct {
	mu sync.Mutex // guards futexWaiter.bucket and requeuePI of this task's waiters
	// contended: somebody has waited for a lock that this task had.
	contended atomic.Bool
	// gone: what it had was given away at its end. Who queues for a lock of it later gets ESRCH.
	gone atomic.Bool
}

// requeuePI is a FUTEX_WAIT_REQUEUE_PI under way.
type requeuePI struct {
	target   mm.Key
	addr     usermem.Addr // of the lock
	acquired bool
}

// FutexLockPI is FUTEX_LOCK_PI, and with try FUTEX_TRYLOCK_PI.
func (t *Task) FutexLockPI(addr usermem.Addr, shared, try bool, deadline time.Time) linux.Errno {
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return errno
	}
	f := &t.k.futexes
	b := f.bucket(key)
	w := &futexWaiter{t: t, key: key, bitset: linux.FUTEX_BITSET_MATCH_ANY, pi: true, addr: addr}
	for {
		got, errno := t.lockPIOnce(addr, key, b, w, try)
		if got || errno != 0 {
			return errno
		}
		if errno := t.futexSleep(w, deadline); errno != 0 {
			t.leavePI(addr, key, b)
			if errno == linux.ERESTARTSYS {
				errno = linux.ERESTARTNOINTR
			}
			return errno
		}
		// Whoever woke us made us the owner, or died; look.
	}
}

// lockPIOnce takes the lock if it is free, else queues w.
func (t *Task) lockPIOnce(addr usermem.Addr, key mm.Key, b *futexBucket, w *futexWaiter, try bool) (bool, linux.Errno) {
	s := t.Space()
	tid := uint32(t.TID())
	for {
		word, errno := t.futexWord(addr)
		if errno != 0 {
			return false, errno
		}
		owner := word & linux.FUTEX_TID_MASK
		switch {
		case owner == tid:
			if w.handed(t) {
				return true, 0
			}
			return false, linux.EDEADLK
		case owner == 0:
			n := word&linux.FUTEX_OWNER_DIED | tid
			b.mu.Lock()
			if b.inherit(key, t) {
				n |= linux.FUTEX_WAITERS
			}
			b.mu.Unlock()
			was, errno := s.CompareAndSwap32(addr, word, n)
			if errno != 0 {
				return false, errno
			}
			if was == word {
				return true, 0
			}
			continue
		}
		holder := t.k.TaskIn(t.PIDNS(), int32(owner))
		switch {
		case holder == nil:
			return false, linux.ESRCH
		case try:
			return false, linux.EAGAIN
		}
		if word&linux.FUTEX_WAITERS == 0 {
			was, errno := s.CompareAndSwap32(addr, word, word|linux.FUTEX_WAITERS)
			if errno != 0 {
				return false, errno
			}
			if was != word {
				continue
			}
		}
		holder.pi.contended.Store(true)
		b.mu.Lock()
		w.setBucket(b)
		w.owner = holder
		b.waiters = append(b.waiters, w)
		b.mu.Unlock()
		if holder.pi.gone.Load() && w.unqueue(&t.k.futexes) {
			if again, errno := t.futexWord(addr); errno != 0 || again&linux.FUTEX_TID_MASK != owner {
				continue // it has changed hands meanwhile
			}
			return false, linux.ESRCH
		}
		// The owner may have let go before it could see us.
		if word, errno = t.futexWord(addr); errno != 0 || word&linux.FUTEX_TID_MASK != owner || word&linux.FUTEX_WAITERS == 0 {
			if !w.unqueue(&t.k.futexes) {
				return false, 0 // woken: the sleep ends at once
			}
			if errno != 0 {
				return false, errno
			}
			continue
		}
		return false, 0
	}
}

// handed tells whether the lock was handed to t by its former owner.
func (w *futexWaiter) handed(t *Task) bool {
	t.pi.mu.Lock()
	defer t.pi.mu.Unlock()
	h := w.index == piHanded
	w.index = 0
	return h
}

// piHanded in futexWaiter.index says that an unlock made this waiter the owner.
const piHanded = -2

// has tells whether somebody waits for key. The lock is held.
func (b *futexBucket) has(key mm.Key) bool { return b.first(key) != nil }

// first is the next waiter of key to get the lock: the one of the highest priority, the longest
// waiting among equals.
func (b *futexBucket) first(key mm.Key) *futexWaiter {
	var best *futexWaiter
	for _, w := range b.waiters {
		if w.key == key && w.pi && (best == nil || w.t.sched.rank() > best.t.sched.rank()) {
			best = w
		}
	}
	return best
}

// inherit notes that o is the owner now for those who wait for key, and tells whether there are
// any. The lock is held.
func (b *futexBucket) inherit(key mm.Key, o *Task) (any bool) {
	for _, w := range b.waiters {
		if w.key == key && w.pi {
			w.owner, any = o, true
		}
	}
	if any {
		o.pi.contended.Store(true)
	}
	return any
}

// leavePI clears FUTEX_WAITERS if the last waiter gave up.
func (t *Task) leavePI(addr usermem.Addr, key mm.Key, b *futexBucket) {
	b.mu.Lock()
	others := b.has(key)
	b.mu.Unlock()
	if others {
		return
	}
	for {
		word, errno := t.futexWord(addr)
		if errno != 0 || word&linux.FUTEX_WAITERS == 0 || word&linux.FUTEX_TID_MASK == 0 {
			return
		}
		if was, errno := t.Space().CompareAndSwap32(addr, word, word&^linux.FUTEX_WAITERS); errno != 0 || was == word {
			return
		}
	}
}

// FutexUnlockPI is FUTEX_UNLOCK_PI: EPERM if the caller does not own the lock.
func (t *Task) FutexUnlockPI(addr usermem.Addr, shared bool) linux.Errno {
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return errno
	}
	tid := uint32(t.TID())
	for {
		word, errno := t.futexWord(addr)
		if errno != 0 {
			return errno
		}
		if word&linux.FUTEX_TID_MASK != tid {
			return linux.EPERM
		}
		if done, errno := t.k.futexes.handOver(t, addr, key, word, 0); done || errno != 0 {
			return errno
		}
	}
}

// handOver gives the lock whose word is word to its next waiter, or frees it. died is
// FUTEX_OWNER_DIED or 0. False: the word changed.
func (f *futexTable) handOver(t *Task, addr usermem.Addr, key mm.Key, word, died uint32) (bool, linux.Errno) {
	b := f.bucket(key)
	b.mu.Lock()
	w := b.first(key)
	n := died
	if w != nil {
		b.take(w)
		n |= uint32(w.t.TIDIn(t.PIDNS()))
		if b.inherit(key, w.t) {
			n |= linux.FUTEX_WAITERS
		}
	}
	b.mu.Unlock()
	was, errno := t.Space().CompareAndSwap32(addr, word, n)
	if w == nil {
		return was == word, errno
	}
	if errno == 0 && was == word {
		w.t.pi.mu.Lock()
		w.index = piHanded
		w.t.pi.mu.Unlock()
	}
	w.t.waiter.Wake() // it looks at the word, and queues again if it is not the owner
	return was == word, errno
}

// FutexWaitRequeuePI is FUTEX_WAIT_REQUEUE_PI: it waits at addr and, once requeued, for the lock
// at addr2.
func (t *Task) FutexWaitRequeuePI(addr, addr2 usermem.Addr, shared bool, val, bitset uint32, deadline time.Time) linux.Errno {
	if addr == addr2 || bitset == 0 {
		return linux.EINVAL
	}
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return errno
	}
	key2, errno := t.futexKey(addr2, shared)
	if errno != 0 {
		return errno
	}
	f := &t.k.futexes
	w := &futexWaiter{t: t, key: key, bitset: bitset, rt: &requeuePI{target: key2, addr: addr2}}
	b := f.bucket(key)
	b.mu.Lock()
	w.setBucket(b)
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()
	word, errno := t.futexWord(addr)
	if errno == 0 && word != val {
		errno = linux.EAGAIN
	}
	if errno != 0 {
		w.unqueue(f)
		return errno
	}
	if errno := t.futexSleep(w, deadline); errno != 0 {
		if errno == linux.ERESTARTSYS {
			errno = linux.EAGAIN // a spurious wake-up, as Linux has it before the requeue
		}
		return errno
	}
	return t.FutexLockPI(addr2, shared, false, deadline)
}

// FutexCmpRequeuePI is FUTEX_CMP_REQUEUE_PI. A requeued waiter is woken and takes the lock itself,
// at once if it is free.
func (t *Task) FutexCmpRequeuePI(addr, addr2 usermem.Addr, shared bool, nwake, nmove int, cmp uint32) (int, linux.Errno) {
	if nwake != 1 || nmove < 0 || addr == addr2 {
		return 0, linux.EINVAL
	}
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return 0, errno
	}
	key2, errno := t.futexKey(addr2, shared)
	if errno != 0 {
		return 0, errno
	}
	word, errno := t.futexWord(addr)
	if errno != 0 {
		return 0, errno
	}
	if word != cmp {
		return 0, linux.EAGAIN
	}
	b := t.k.futexes.bucket(key)
	n, errno := b.wakeRequeued(key, key2, nwake+nmove)
	if n > 0 {
		t.markWaiters(addr2)
	}
	return n, errno
}

// wakeRequeued wakes at most most waiters of FUTEX_WAIT_REQUEUE_PI.
func (b *futexBucket) wakeRequeued(key, key2 mm.Key, most int) (int, linux.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for i := 0; i < len(b.waiters) && n < most; {
		w := b.waiters[i]
		if w.key != key {
			i++
			continue
		}
		if w.rt == nil || w.rt.target != key2 {
			return 0, linux.EINVAL
		}
		b.wake(w)
		n++
	}
	return n, 0
}

// markWaiters sets FUTEX_WAITERS in a lock that is held: those who were woken will queue for it.
func (t *Task) markWaiters(addr usermem.Addr) {
	for {
		word, errno := t.futexWord(addr)
		if errno != 0 || word&linux.FUTEX_TID_MASK == 0 || word&linux.FUTEX_WAITERS != 0 {
			return
		}
		if was, errno := t.Space().CompareAndSwap32(addr, word, word|linux.FUTEX_WAITERS); errno != 0 || was == word {
			return
		}
	}
}

// exitFutexes lets go of what the thread holds: what its robust list says, then the
// priority-inheriting locks that others wait for (futex_cleanup).
func (t *Task) exitFutexes() {
	t.exitRobust()
	t.exitPI()
}

// exitPI gives the locks of t away for which somebody waits (exit_pi_state_list).
func (t *Task) exitPI() {
	t.pi.gone.Store(true)
	if !t.pi.contended.Load() {
		return
	}
	f := &t.k.futexes
	for i := range f.buckets {
		b := &f.buckets[i]
		for {
			w, others := b.orphan(t)
			if w == nil {
				break
			}
			w.succeed(t, others)
		}
	}
}

// orphan takes out the next owner of one of the locks that t had, and tells whether others wait
// for it, too.
func (b *futexBucket) orphan(t *Task) (w *futexWaiter, others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.waiters {
		if o.pi && o.owner == t {
			w = b.first(o.key)
			b.take(w)
			return w, b.inherit(w.key, w.t)
		}
	}
	return nil, false
}

// succeed makes w the owner of the lock that dead had, if the word still says so, and lets it go
// on. The word is reached through the memory of w, which dead need not share.
func (w *futexWaiter) succeed(dead *Task, others bool) {
	defer w.t.waiter.Wake()
	m := w.t.GetMM()
	if m == nil {
		return
	}
	defer m.Put()
	ns, s := w.t.PIDNS(), m.Space()
	n := uint32(w.t.TIDIn(ns)) | linux.FUTEX_OWNER_DIED
	if others {
		n |= linux.FUTEX_WAITERS
	}
	for {
		word, errno := usermem.CopyInInt[uint32](s, w.addr)
		if errno != 0 || word&linux.FUTEX_TID_MASK != uint32(dead.TIDIn(ns)) {
			return
		}
		switch was, errno := s.CompareAndSwap32(w.addr, word, n); {
		case errno != 0:
			return
		case was == word:
			w.t.pi.mu.Lock()
			w.index = piHanded
			w.t.pi.mu.Unlock()
			return
		}
	}
}

// exitRobust lets go of what the thread's robust list says it holds (exit_robust_list).
func (t *Task) exitRobust() {
	head := usermem.Addr(t.robustList.Swap(0))
	if head == 0 {
		return
	}
	s := t.Space()
	h, errno := usermem.CopyIn[linux.RobustListHead](s, head)
	if errno != 0 {
		return
	}
	const piBit = 1
	pending := usermem.Addr(h.OpPending)
	for n, entry := 0, h.Next; n < linux.RobustListLimit; n++ {
		at := usermem.Addr(entry &^ piBit)
		if at == head {
			break
		}
		next, errno := usermem.CopyInInt[uint64](s, at)
		if at != pending&^piBit {
			if t.robustDeath(at+usermem.Addr(h.Offset), entry&piBit != 0, false) != 0 {
				return
			}
		}
		if errno != 0 {
			return
		}
		entry = next
	}
	if pending != 0 {
		t.robustDeath(pending&^piBit+usermem.Addr(h.Offset), pending&piBit != 0, true)
	}
}

// robustDeath marks one lock as its owner's having died and wakes a waiter (handle_futex_death).
func (t *Task) robustDeath(addr usermem.Addr, pi, pending bool) linux.Errno {
	if addr&3 != 0 {
		return linux.EINVAL
	}
	tid := uint32(t.TID())
	for {
		word, errno := t.futexWord(addr)
		if errno != 0 {
			return errno
		}
		if pending && !pi && word&linux.FUTEX_TID_MASK == 0 {
			t.FutexWake(addr, true, 1, linux.FUTEX_BITSET_MATCH_ANY)
			return 0
		}
		if word&linux.FUTEX_TID_MASK != tid {
			return 0
		}
		key, errno := t.futexKey(addr, true)
		if errno != 0 {
			return errno
		}
		if pi {
			done, errno := t.k.futexes.handOver(t, addr, key, word, linux.FUTEX_OWNER_DIED)
			if done || errno != 0 {
				return errno
			}
			continue
		}
		was, errno := t.Space().CompareAndSwap32(addr, word, word&linux.FUTEX_WAITERS|linux.FUTEX_OWNER_DIED)
		if errno != 0 {
			return errno
		}
		if was != word {
			continue
		}
		if word&linux.FUTEX_WAITERS != 0 {
			t.k.futexes.wake(key, 1, linux.FUTEX_BITSET_MATCH_ANY)
		}
		return 0
	}
}
