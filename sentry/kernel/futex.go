package kernel

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Futexes (futex(2), kernel/futex/*.c). A bucket holds the waiters of the keys that hash to it.
// No word is read under a bucket's lock: a waiter queues first and compares then, so that
// whoever changed the word before the comparison finds it.

const futexBuckets = 256

type futexTable struct{ buckets [futexBuckets]futexBucket }

type futexBucket struct {
	mu      lock.Mutex[lock.Futex]
	waiters []*futexWaiter // in the order of arrival
}

// futexWaiter is a task that waits. Guarded by the lock of the bucket it is in.
type futexWaiter struct {
	t      *Task
	key    mm.Key
	bitset uint32
	bucket *futexBucket // nil once it is woken
	pi     bool         // waits for a lock: is not woken by FUTEX_WAKE
	addr   usermem.Addr // of the lock
	owner  *Task        // who has it
	rt     *requeuePI   // FUTEX_WAIT_REQUEUE_PI
	index  int          // of futex_waitv(2)
	woken  *int         // of futex_waitv(2): who woke it
}

// bucket is where waiters of a key are.
func (f *futexTable) bucket(k mm.Key) *futexBucket {
	h := k.Off >> 2
	h ^= h >> 17
	h *= 0x9e3779b97f4a7c15
	return &f.buckets[h>>56%futexBuckets]
}

// lock2 locks two buckets in one order for all.
func lock2(a, b *futexBucket, f *futexTable) func() {
	if a == b {
		a.mu.Lock()
		return a.mu.Unlock
	}
	ia, ib := f.index(a), f.index(b)
	if ia > ib {
		a, b = b, a
	}
	a.mu.Lock()
	b.mu.Lock()
	return func() {
		a.mu.Unlock()
		b.mu.Unlock()
	}
}

func (f *futexTable) index(b *futexBucket) int {
	for i := range f.buckets {
		if &f.buckets[i] == b {
			return i
		}
	}
	return -1
}

// unqueue takes w out if it is still queued; false if it was woken.
func (w *futexWaiter) unqueue(f *futexTable) bool {
	for {
		b := f.bucketOf(w)
		if b == nil {
			return false
		}
		b.mu.Lock()
		if f.bucketOf(w) == b {
			b.take(w)
			b.mu.Unlock()
			return true
		}
		b.mu.Unlock()
	}
}

// bucketOf reads where w is: a requeue may move it at any time.
func (f *futexTable) bucketOf(w *futexWaiter) *futexBucket {
	w.t.pi.mu.Lock()
	defer w.t.pi.mu.Unlock()
	return w.bucket
}

// setBucket moves w; the locks of both buckets are held.
func (w *futexWaiter) setBucket(b *futexBucket) {
	w.t.pi.mu.Lock()
	w.bucket = b
	w.t.pi.mu.Unlock()
}

// futexKey checks the address and returns its key: EINVAL if it is not aligned, EFAULT if
// nothing is mapped there.
func (t *Task) futexKey(addr usermem.Addr, shared bool) (mm.Key, linux.Errno) {
	if addr&3 != 0 {
		return mm.Key{}, linux.EINVAL
	}
	if addr >= mm.TaskSize {
		return mm.Key{}, linux.EFAULT
	}
	m := t.MM()
	if !shared {
		return mm.Key{Of: m, Off: uint64(addr)}, 0
	}
	if _, errno := t.futexWord(addr); errno != 0 { // the page must be there and readable
		return mm.Key{}, errno
	}
	k, ok := m.FutexKey(addr)
	if !ok {
		return mm.Key{}, linux.EFAULT
	}
	if k.Of == any(m) {
		k.Off |= 1 // FUT_OFF_MMSHARED: not the key of a private futex at the same place
	}
	return k, 0
}

// futexWord reads the word at addr.
func (t *Task) futexWord(addr usermem.Addr) (uint32, linux.Errno) {
	return usermem.CopyInInt[uint32](t.Space(), addr)
}

// FutexWait is FUTEX_WAIT_BITSET: it sleeps if the word is val. EAGAIN if it is not, ETIMEDOUT
// after the deadline, ERESTARTSYS after an interrupt.
func (t *Task) FutexWait(addr usermem.Addr, shared bool, val, bitset uint32, deadline time.Time) linux.Errno {
	if bitset == 0 {
		return linux.EINVAL
	}
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return errno
	}
	f := &t.k.futexes
	w := &futexWaiter{t: t, key: key, bitset: bitset}
	b := f.bucket(key)
	// Queue first, compare then: a waker that changed the word before we looked finds us.
	b.mu.Lock()
	w.setBucket(b)
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()
	word, errno := t.futexWord(addr)
	if errno == 0 && word != val {
		errno = linux.EAGAIN
	}
	if errno != 0 {
		// Woken between: the wake-up was meant for a sleeper, so it counts as one.
		if !w.unqueue(f) {
			return 0
		}
		return errno
	}
	return t.futexSleep(w, deadline)
}

// futexSleep sleeps until w is woken.
func (t *Task) futexSleep(w *futexWaiter, deadline time.Time) linux.Errno {
	f := &t.k.futexes
	for {
		if f.bucketOf(w) == nil {
			return 0
		}
		if errno := t.waiter.Sleep(deadline); errno != 0 {
			if w.unqueue(f) {
				return errno
			}
			return 0
		}
	}
}

// wake takes w out and lets its task go on. The bucket's lock is held.
func (b *futexBucket) wake(w *futexWaiter) {
	t := w.t
	if w.woken != nil {
		t.pi.mu.Lock()
		if *w.woken < 0 {
			*w.woken = w.index
		}
		t.pi.mu.Unlock()
	}
	b.take(w)
	t.waiter.Wake()
}

// take removes w from the bucket's list; the bucket's lock is held.
func (b *futexBucket) take(w *futexWaiter) {
	for i, o := range b.waiters {
		if o == w {
			b.waiters = append(b.waiters[:i], b.waiters[i+1:]...)
			break
		}
	}
	w.setBucket(nil)
}

// FutexWake is FUTEX_WAKE_BITSET: it wakes at most n waiters and returns how many.
func (t *Task) FutexWake(addr usermem.Addr, shared bool, n int, bitset uint32) (int, linux.Errno) {
	if bitset == 0 {
		return 0, linux.EINVAL
	}
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return 0, errno
	}
	return t.k.futexes.wake(key, n, bitset)
}

func (f *futexTable) wake(key mm.Key, n int, bitset uint32) (int, linux.Errno) {
	b := f.bucket(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wakeKey(key, n, bitset)
}

func (b *futexBucket) wakeKey(key mm.Key, n int, bitset uint32) (int, linux.Errno) {
	woken := 0
	for i := 0; i < len(b.waiters) && woken < n; {
		w := b.waiters[i]
		if w.key != key || w.bitset&bitset == 0 {
			i++
			continue
		}
		if w.pi || w.rt != nil {
			return woken, linux.EINVAL
		}
		b.wake(w)
		woken++
	}
	return woken, 0
}

// FutexRequeue is FUTEX_CMP_REQUEUE (FUTEX_REQUEUE with cmp nil): it wakes nwake waiters of
// addr and lets nmove more wait at addr2.
func (t *Task) FutexRequeue(addr, addr2 usermem.Addr, shared bool, nwake, nmove int, cmp *uint32) (int, linux.Errno) {
	if nwake < 0 || nmove < 0 {
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
	f := &t.k.futexes
	a, b := f.bucket(key), f.bucket(key2)
	if cmp != nil {
		word, errno := t.futexWord(addr)
		if errno != 0 {
			return 0, errno
		}
		if word != *cmp {
			return 0, linux.EAGAIN
		}
	}
	defer lock2(a, b, f)()
	woken, errno := a.wakeKey(key, nwake, linux.FUTEX_BITSET_MATCH_ANY)
	if errno != 0 {
		return 0, errno
	}
	moved := 0
	for i := 0; i < len(a.waiters) && moved < nmove; {
		w := a.waiters[i]
		if w.key != key {
			i++
			continue
		}
		if w.pi || w.rt != nil {
			return 0, linux.EINVAL
		}
		moved++
		if key == key2 {
			i++
			continue
		}
		a.waiters = append(a.waiters[:i], a.waiters[i+1:]...)
		w.key = key2
		b.waiters = append(b.waiters, w)
		w.setBucket(b)
	}
	return woken + moved, 0
}

// FutexWakeOp is FUTEX_WAKE_OP.
func (t *Task) FutexWakeOp(addr, addr2 usermem.Addr, shared bool, nwake, nwake2 int, op uint32) (int, linux.Errno) {
	key, errno := t.futexKey(addr, shared)
	if errno != 0 {
		return 0, errno
	}
	key2, errno := t.futexKey(addr2, shared)
	if errno != 0 {
		return 0, errno
	}
	old, errno := t.futexOp(addr2, op)
	if errno != 0 {
		return 0, errno
	}
	match, errno := futexCompare(op, old)
	if errno != 0 {
		return 0, errno
	}
	n, errno := t.k.futexes.wake(key, nwake, linux.FUTEX_BITSET_MATCH_ANY)
	if errno != 0 || !match {
		return n, errno
	}
	m, errno := t.k.futexes.wake(key2, nwake2, linux.FUTEX_BITSET_MATCH_ANY)
	return n + m, errno
}

// futexOp applies the operation of FUTEX_WAKE_OP to the word and returns what it was.
func (t *Task) futexOp(addr usermem.Addr, op uint32) (uint32, linux.Errno) {
	arg := uint32(int32(op<<8) >> 20)
	if op&(8<<28) != 0 {
		arg = 1 << (arg & 31)
	}
	s := t.Space()
	for {
		old, errno := t.futexWord(addr)
		if errno != 0 {
			return 0, errno
		}
		n := old
		switch op >> 28 & 7 {
		case 0:
			n = arg
		case 1:
			n = old + arg
		case 2:
			n = old | arg
		case 3:
			n = old &^ arg
		case 4:
			n = old ^ arg
		default:
			return 0, linux.ENOSYS
		}
		was, errno := s.CompareAndSwap32(addr, old, n)
		if errno != 0 {
			return 0, errno
		}
		if was == old {
			return old, 0
		}
	}
}

// futexCompare applies the comparison of FUTEX_WAKE_OP.
func futexCompare(op, old uint32) (bool, linux.Errno) {
	v, o := int32(op<<20)>>20, int32(old)
	switch op >> 24 & 15 {
	case 0:
		return o == v, 0
	case 1:
		return o != v, 0
	case 2:
		return o < v, 0
	case 3:
		return o <= v, 0
	case 4:
		return o > v, 0
	case 5:
		return o >= v, 0
	}
	return false, linux.ENOSYS
}

// FutexWaitv is futex_waitv(2): it returns the index of the one that was woken.
func (t *Task) FutexWaitv(list []linux.FutexWaitv, deadline time.Time) (int, linux.Errno) {
	f := &t.k.futexes
	woken := -1
	ws := make([]futexWaiter, len(list))
	queued := 0
	drop := func() {
		for i := range ws[:queued] {
			ws[i].unqueue(f)
		}
	}
	got := func() int {
		t.pi.mu.Lock()
		defer t.pi.mu.Unlock()
		return woken
	}
	for i := range list {
		key, errno := t.futexKey(usermem.Addr(list[i].Addr), list[i].Flags&linux.FUTEX_PRIVATE_FLAG == 0)
		if errno != 0 {
			drop()
			return 0, errno
		}
		ws[i] = futexWaiter{t: t, key: key, bitset: linux.FUTEX_BITSET_MATCH_ANY, index: i, woken: &woken}
		b := f.bucket(key)
		b.mu.Lock()
		ws[i].setBucket(b)
		b.waiters = append(b.waiters, &ws[i])
		b.mu.Unlock()
		queued++
	}
	for i := range list {
		word, errno := t.futexWord(usermem.Addr(list[i].Addr))
		if errno == 0 && word != uint32(list[i].Val) {
			errno = linux.EAGAIN
		}
		if errno != 0 {
			drop()
			if n := got(); n >= 0 {
				return n, 0
			}
			return 0, errno
		}
	}
	for {
		if n := got(); n >= 0 {
			drop()
			return n, 0
		}
		if errno := t.waiter.Sleep(deadline); errno != 0 {
			drop()
			if n := got(); n >= 0 {
				return n, 0
			}
			return 0, errno
		}
	}
}
