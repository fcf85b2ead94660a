package usermem

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// atomically runs fn on the 32-bit word at addr. EINVAL if addr is not aligned (as futex(2)
// says), EFAULT if the word cannot be accessed.
func (s *Space) atomically(addr Addr, write bool, fn func(*atomic.Uint32)) linux.Errno {
	if addr%4 != 0 {
		return linux.EINVAL
	}
	p, errno := s.lockPeek(addr, 4, write)
	if errno != 0 {
		return errno
	}
	ok := true
	if p.Window == nil {
		fn(word(p.Bytes))
	} else {
		ok = tryAtomic(word(p.Bytes), fn)
	}
	s.unlock(p)
	if !ok {
		return linux.EFAULT
	}
	return 0
}

// Load32 reads the word at addr.
func (s *Space) Load32(addr Addr) (v uint32, errno linux.Errno) {
	errno = s.atomically(addr, false, func(w *atomic.Uint32) { v = w.Load() })
	return v, errno
}

// Store32 writes the word at addr.
func (s *Space) Store32(addr Addr, v uint32) linux.Errno {
	return s.atomically(addr, true, func(w *atomic.Uint32) { w.Store(v) })
}

// Swap32 writes the word at addr and returns what it was.
func (s *Space) Swap32(addr Addr, v uint32) (old uint32, errno linux.Errno) {
	errno = s.atomically(addr, true, func(w *atomic.Uint32) { old = w.Swap(v) })
	return old, errno
}

// CompareAndSwap32 writes new to the word at addr if it is old. It returns what the word
// was: old if and only if it was written.
func (s *Space) CompareAndSwap32(addr Addr, old, new uint32) (was uint32, errno linux.Errno) {
	errno = s.atomically(addr, true, func(w *atomic.Uint32) {
		for {
			if was = w.Load(); was != old || w.CompareAndSwap(old, new) {
				return
			}
		}
	})
	return was, errno
}

// Modify32 replaces the word at addr by fn of it in one step and returns what it was. fn may
// run several times and must not touch application memory.
func (s *Space) Modify32(addr Addr, fn func(uint32) uint32) (old uint32, errno linux.Errno) {
	errno = s.atomically(addr, true, func(w *atomic.Uint32) {
		for {
			old = w.Load()
			if w.CompareAndSwap(old, fn(old)) {
				return
			}
		}
	})
	return old, errno
}
