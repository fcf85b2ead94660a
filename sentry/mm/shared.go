package mm

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// sharedMem is shared anonymous memory (shmem_zero_setup): what MAP_SHARED|MAP_ANONYMOUS maps.
type sharedMem struct {
	mappings  Mappings
	object    *pages.Object
	sys       *System
	size      uint64
	committed uint64 // pages
	ino       uint64 // for /proc/PID/maps
}

// lastShared numbers shared memory.
var lastShared atomic.Uint64

// newShared returns shared memory of size bytes, taken into account if committed is true.
func (m *MM) newShared(size uint64, committed bool) (*sharedMem, linux.Errno) {
	s := &sharedMem{sys: m.sys, size: size, ino: 1024 + lastShared.Add(1)}
	if committed {
		s.committed = size >> usermem.PageShift
		if errno := m.sys.commit(s.committed); errno != 0 {
			return nil, errno
		}
	}
	s.object = pages.NewObject(m.arena.Pool(), pages.Shmem, nil)
	s.mappings.last = s.release
	return s, 0
}

// release frees the memory: no area maps it any more.
func (s *sharedMem) release() {
	s.object.Release()
	s.sys.uncommit(s.committed)
}

// Backing is Mappable's.
func (s *sharedMem) Backing(off, max uint64, write bool) (Backing, linux.Errno) {
	if off >= s.size {
		return Backing{}, linux.EFAULT
	}
	at, n, errno := s.object.Backing(off, min(max, s.size-off), minWindow)
	return Backing{Off: at, Len: n}, errno
}

// Sync is Mappable's: there is nothing behind memory.
func (s *sharedMem) Sync(off, n uint64) linux.Errno { return 0 }

// Mappings is Mappable's.
func (s *sharedMem) Mappings() *Mappings { return &s.mappings }

// PunchHole is HolePuncher's.
func (s *sharedMem) PunchHole(off, n uint64) linux.Errno {
	s.object.Punch(off, n)
	s.mappings.Invalidate(off, n, false)
	return 0
}
