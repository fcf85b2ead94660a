// Package mm is the address spaces of applications: their areas (vma), the pages behind them,
// faults, copy-on-write. It mirrors mm/mmap.c, mm/memory.c, mm/mremap.c and their neighbours.
// It knows nothing of tasks; a file is a Mappable.
//
//	areas       what the application mapped: ranges with a protection and perhaps a file (areaset.go)
//	page table  which pages are there, where, and what may be done with them now (pagetable.go)
//	platform    what of that application code reaches without a fault: a cache of the page table
//
// A page comes into the page table by a fault, of the application (HandleFault) or of the
// kernel's own copying (the usermem.Pager in space.go), with its neighbours (fault.go). Bits of a pte
// say what may be done with the page, so copying needs nothing else. What the platform has is
// always exactly what the page table says, or nothing (pteMapped).
//
// Order of a change: the page table, then the platform, and only then are pages given back,
// since until the platform forgets them application code can still reach them.
//
// Locks: MM.mu is taken for reading while the kernel copies and for writing by everything
// else. Inside it: a file's own locks in Mappable.Backing, Mappings.mu, sentry/pages. Files are put after it.
package mm

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Unlimited is RLIM_INFINITY.
const Unlimited = ^uint64(0)

// Limits are the resource limits that an address space obeys, in bytes.
type Limits struct {
	AS, Data, Stack, Memlock uint64
	// CanLock: the process has CAP_IPC_LOCK, so Memlock does not count.
	CanLock bool
}

// NoLimits is Limits without any, with Linux's usual stack.
var NoLimits = Limits{AS: Unlimited, Data: Unlimited, Stack: 8 << 20, Memlock: 8 << 20}

// MM is one address space (struct mm_struct).
type MM struct {
	sys   *System
	plat  platform.Platform
	file  *pages.File
	space usermem.Space
	force usermem.Space
	users atomic.Int32

	min, max usermem.Addr // platform.Limits
	limits   atomic.Pointer[Limits]

	mu     lock.RWMutex[lock.Memory]
	as     platform.AddressSpace
	areas  areaSet
	table  pageTable
	arena  pages.Arena
	layout Layout
	count  counts
	// defLocked is what mlockall(2) with MCL_FUTURE asked of new areas.
	defLocked vmFlags
	put       []File        // to be put when mu is released
	dead      bool          // torn down
	touches   uint          // faults in areas of at most minWindow, and in small
	small     usermem.Range // the last such area that did not come with its pages, which may have become part of a larger one
	starting  int           // such areas that ld.so is yet to map
	heapTop   usermem.Addr  // where what was used of the heap ended that has been given back since it grew
	ahead     bool          // what is entered into the platform is entered ahead of need, where nothing was
}

// counts are the pages of an address space by account.
type counts struct {
	total, data, exec, stack, locked uint64 // of areas
	committed                        uint64
	anon, file, shmem                int64 // present
	peak, peakTotal                  int64 // hiwater_rss, hiwater_vm
	table                            uint64
}

// New returns an empty address space with one user.
func New(sys *System, pool *pages.Pool, plat platform.Platform) (*MM, linux.Errno) {
	as, errno := plat.NewAddressSpace()
	if errno != 0 {
		return nil, errno
	}
	m := &MM{sys: sys, plat: plat, file: pool.File(), as: as, arena: pool.NewArena(pages.Anon)}
	lo, hi := plat.Limits()
	m.min = usermem.Addr(max(lo, usermem.PageSize))
	m.max = min(usermem.Addr(hi), TaskSize)
	m.space = usermem.NewSpace((*pager)(m))
	m.force = usermem.NewSpace((*forcePager)(m))
	m.users.Store(1)
	m.SetLimits(NoLimits)
	return m, 0
}

// Space is how the kernel reads and writes the application's memory.
func (m *MM) Space() *usermem.Space { return &m.space }

// ForceSpace is Space for a debugger: it ignores protections, and a write to a page that is
// not writable changes a private copy (FOLL_FORCE). A shared area that is not writable stays
// so.
func (m *MM) ForceSpace() *usermem.Space { return &m.force }

// AddressSpace is what platform.Context.Switch runs in.
func (m *MM) AddressSpace() platform.AddressSpace { return m.as }

// Top is the first address that the platform does not let applications map.
func (m *MM) Top() usermem.Addr { return m.max }

// SetLimits tells the address space its limits. The kernel calls it when the limits of the
// process change.
func (m *MM) SetLimits(l Limits) { m.limits.Store(&l) }

// Limits returns what SetLimits was given last.
func (m *MM) Limits() Limits { return *m.limits.Load() }

// Get counts a user more; false if there is none left and the memory is gone (mmget_not_zero).
func (m *MM) Get() bool {
	for {
		n := m.users.Load()
		if n <= 0 {
			return false
		}
		if m.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Put ends a use. The last one frees everything (exit_mmap): no context is inside any more.
func (m *MM) Put() {
	if m.users.Add(-1) == 0 {
		m.tearDown()
	}
}

// Users is how many users there are (mm_users).
func (m *MM) Users() int { return int(m.users.Load()) }

// tearDown frees the memory and gives the platform's address space back. Files are let go of before it returns; a small
// address space's memory may be freed a little later, by the platform, so that nobody who waits for the end of its process waits for
// that.
func (m *MM) tearDown() {
	m.lock()
	m.dead = true
	as := m.as
	m.as = nil
	m.areas.each(func(v *vma) bool {
		m.letGo(v)
		return true
	})
	m.areas = areaSet{}
	m.sys.uncommit(m.count.committed)
	small := m.count.anon <= smallPages
	m.count = counts{peak: m.count.peak, peakTotal: m.count.peakTotal}
	m.unlock()
	if l, ok := as.(platform.LateReleaser); ok && small {
		l.ReleaseLate(m.free)
		return
	}
	as.Release()
	m.free()
}

// smallPages is how many pages of its own a small address space has at most.
const smallPages = 512

// free frees the pages, which nothing maps any more.
func (m *MM) free() {
	m.lock()
	defer m.unlock()
	m.table.clear(0, m.max, func(_ usermem.Addr, ptes []pte) { m.unref(ptes) })
	m.arena.Close()
}

// lock takes the address space for a change.
func (m *MM) lock() { m.mu.Lock() }

// unlock ends a change and puts the files that were let go.
func (m *MM) unlock() {
	put := m.put
	m.put = nil
	m.mu.Unlock()
	for _, f := range put {
		f.Put()
	}
}

// System is what all address spaces of a sandbox share: the sysctls of vm and the account of
// committed memory.
type System struct {
	TotalRAM        uint64 // bytes, as /proc/meminfo says
	Overcommit      atomic.Int32
	OvercommitRatio atomic.Int32  // percent, for OVERCOMMIT_NEVER
	MaxMapCount     atomic.Int32  // vm.max_map_count
	MinAddr         atomic.Uint64 // vm.mmap_min_addr
	committed       atomic.Int64  // pages
}

// NewSystem returns a System with Linux's defaults.
func NewSystem(totalRAM uint64) *System {
	s := &System{TotalRAM: totalRAM}
	s.OvercommitRatio.Store(50)
	s.MaxMapCount.Store(65530)
	s.MinAddr.Store(65536)
	return s
}

// Committed is Committed_AS of /proc/meminfo, in bytes.
func (s *System) Committed() uint64 { return uint64(max(0, s.committed.Load())) << usermem.PageShift }

// CommitLimit is CommitLimit of /proc/meminfo, in bytes.
func (s *System) CommitLimit() uint64 {
	return s.TotalRAM / 100 * uint64(s.OvercommitRatio.Load())
}

// maxAreas is how many areas an address space may have.
func (s *System) maxAreas() int { return int(s.MaxMapCount.Load()) }

// commit takes n pages of memory into account; ENOMEM if the rule of overcommitting forbids
// it (__vm_enough_memory, mm/util.c).
func (s *System) commit(n uint64) linux.Errno {
	all := s.committed.Add(int64(n))
	var allowed uint64
	switch s.Overcommit.Load() {
	case linux.OVERCOMMIT_ALWAYS:
		return 0
	case linux.OVERCOMMIT_NEVER:
		allowed = s.CommitLimit() >> usermem.PageShift
		if uint64(all) < allowed {
			return 0
		}
	default:
		if n <= s.TotalRAM>>usermem.PageShift {
			return 0
		}
	}
	s.committed.Add(-int64(n))
	return linux.ENOMEM
}

// uncommit gives n pages back.
func (s *System) uncommit(n uint64) { s.committed.Add(-int64(n)) }
