package kvm

import (
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Sizes of guest-physical memory.
const (
	pageSize   = 4096
	unit       = 2 << 20  // smallest window
	windowMax  = 64 << 20 // largest
	chunkSize  = 8 << 20  // of frames
	arenaBits  = 39       // of the arena, if the processor has so many
	slotsMax   = 1 << 14  // memory slots; each is a mapping, of which the host allows 65,530
	trimFirst  = 512      // windows there may be before those that nobody uses go
	retiredMax = 1024     // frames that wait to be used again, for which a flush is worth it
)

// memory is the guest's physical memory: a reserved range of the sentry's address space, in
// which an address means the same as in the guest. In it lie windows, which are parts of
// host files, and chunks of frames for page tables; each is a memory slot of KVM's.
type memory struct {
	vm    int
	base  uintptr // of the arena
	size  uint64
	units []atomic.Pointer[window] // by guest-physical address / unit

	mu       sync.Mutex
	next     uint64              // where nothing was yet
	free     map[uint64][]uint64 // ranges given back, by size
	slots    []uint32            // numbers given back
	nextSlot uint32
	maxSlots uint32
	windows  map[windowKey]*window
	clock    uint64 // counts uses
	trimAt   int

	recycleAt int // retiredMax

	frames struct {
		sync.Mutex
		free    []uint64 // clean, and nobody has a translation through them
		retired []uint64 // some vCPU may still
		fresh   []uint64 // never used, hence zero
	}
}

// windowKey says what a window shows. A file that cannot be written is a new one when it has changed:
// overlayfs may give the same inode number to another file.
type windowKey struct {
	dev, ino  uint64
	sec, nsec int64
	writable  bool
	off, size uint64
}

// window is a part of a host file.
type window struct {
	key   windowKey
	gpa   uint64
	slot  uint32
	pages atomic.Int64 // in page tables
	used  uint64       // the clock at the last use
}

// flushSlot is the slot that comes and goes to have everything flushed; it is the last page of the arena.
const flushSlot = 0

func newMemory(vm int, slots int) (*memory, error) {
	bits := arenaBits
	if a, _, _, _ := arch.CPUID(0x80000008, 0); a&0xff > 0 {
		bits = min(bits, int(a&0xff)-1)
	}
	m := &memory{vm: vm, size: 1 << bits, next: unit, nextSlot: flushSlot + 1, maxSlots: uint32(min(slots, slotsMax)),
		free: map[uint64][]uint64{}, windows: map[windowKey]*window{}, trimAt: trimFirst, recycleAt: retiredMax}
	m.units = make([]atomic.Pointer[window], m.size/unit)
	var e unix.Errno
	if m.base, e = reserve(m.size, windowMax); e != 0 {
		return nil, fmt.Errorf("reserving %d GiB of addresses: %w", m.size>>30, e)
	}
	m.size -= unit // for the flush
	if e := place(m.base+uintptr(m.size), pageSize, -1, 0, true); e != 0 {
		return nil, fmt.Errorf("mmap: %w", e)
	}
	return m, nil
}

// setSlot tells KVM of a slot; size 0 takes it away.
func (m *memory) setSlot(slot uint32, gpa, size uint64) linux.Errno {
	r := region{slot: slot, guest: gpa, size: size, at: uint64(m.base) + gpa}
	_, e := ioctlOn(m.vm, setUserMemoryRegion, &r)
	return linux.Errno(e)
}

// take finds room for size bytes, aligned to that. mu is held.
func (m *memory) take(size uint64) (gpa uint64, slot uint32, errno linux.Errno) {
	if len(m.slots) == 0 && m.nextSlot == m.maxSlots {
		return 0, 0, linux.ENOMEM
	}
	if f := m.free[size]; len(f) > 0 {
		gpa, m.free[size] = f[len(f)-1], f[:len(f)-1]
	} else {
		gpa = (m.next + size - 1) &^ (size - 1)
		if gpa+size > m.size {
			return 0, 0, linux.ENOMEM
		}
		for ; m.next < gpa; m.next += unit { // what lies between is room for small ones
			m.free[unit] = append(m.free[unit], m.next)
		}
		m.next = gpa + size
	}
	if n := len(m.slots); n > 0 {
		slot, m.slots = m.slots[n-1], m.slots[:n-1]
	} else {
		slot = m.nextSlot
		m.nextSlot++
	}
	return gpa, slot, 0
}

// give is the opposite of take. mu is held.
func (m *memory) give(gpa, size uint64, slot uint32) {
	m.free[size] = append(m.free[size], gpa)
	m.slots = append(m.slots, slot)
}

// lookUp returns where in guest-physical memory the file fd is from off on, of at most n bytes, and
// counts those as used. EACCES if they are to be written and the descriptor is not for that.
func (m *memory) lookUp(fd int, off, n uint64, write bool) (gpa, got uint64, errno linux.Errno) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, 0, linux.EBADF
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return 0, 0, linux.EBADF
	}
	k := windowKey{dev: st.Dev, ino: st.Ino, writable: flags&unix.O_ACCMODE == unix.O_RDWR, size: unit}
	if !k.writable && write {
		return 0, 0, linux.EACCES
	}
	if !k.writable {
		k.sec, k.nsec = st.Ctim.Sec, st.Ctim.Nsec
	}
	for k.size < windowMax && k.size < max(uint64(st.Size), off+n) {
		k.size *= 2
	}
	k.off = off &^ (k.size - 1)
	got = min(n, k.off+k.size-off)
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[k]
	if w == nil {
		if w, errno = m.open(k, fd); errno != 0 {
			return 0, 0, errno
		}
	}
	m.clock++
	w.used = m.clock
	w.pages.Add(int64(got / pageSize))
	return w.gpa + off - k.off, got, 0
}

// open makes a window. mu is held.
func (m *memory) open(k windowKey, fd int) (*window, linux.Errno) {
	if len(m.windows) >= m.trimAt {
		m.trim(len(m.windows) / 2)
		m.trimAt = max(trimFirst, 2*len(m.windows))
	}
	gpa, slot, errno := m.take(k.size)
	if errno == linux.ENOMEM {
		m.trim(0)
		gpa, slot, errno = m.take(k.size)
	}
	if errno != 0 {
		return nil, errno
	}
	at := m.base + uintptr(gpa)
	if e := place(at, k.size, fd, k.off, k.writable); e != 0 {
		place(at, k.size, none, 0, false)
		m.give(gpa, k.size, slot)
		return nil, linux.Errno(e)
	}
	if errno := m.setSlot(slot, gpa, k.size); errno != 0 {
		place(at, k.size, none, 0, false)
		m.give(gpa, k.size, slot)
		return nil, errno
	}
	w := &window{key: k, gpa: gpa, slot: slot}
	for u := gpa; u < gpa+k.size; u += unit {
		m.units[u/unit].Store(w)
	}
	m.windows[k] = w
	return w, 0
}

// trim closes windows of which no page is in a page table, all but about keep that were used
// last. Taking a slot away flushes every translation. mu is held.
func (m *memory) trim(keep int) {
	for _, w := range m.windows {
		if w.pages.Load() != 0 || keep > 0 && w.used+uint64(keep) > m.clock {
			continue
		}
		if m.setSlot(w.slot, w.gpa, 0) != 0 {
			continue
		}
		place(m.base+uintptr(w.gpa), w.key.size, none, 0, false)
		for u := w.gpa; u < w.gpa+w.key.size; u += unit {
			m.units[u/unit].Store(nil)
		}
		delete(m.windows, w.key)
		m.give(w.gpa, w.key.size, w.slot)
	}
}

// unref counts pages that have left page tables.
func (m *memory) unref(gpa, n uint64) {
	for end := gpa + n; gpa < end; {
		next := min(end, gpa&^(unit-1)+unit)
		m.units[gpa/unit].Load().pages.Add(-int64((next - gpa) / pageSize))
		gpa = next
	}
}

// ref is the opposite.
func (m *memory) ref(gpa, n uint64) { m.units[gpa/unit].Load().pages.Add(int64(n / pageSize)) }

// forget has no vCPU keep a translation to n bytes from gpa on that its page tables do not give any
// more: taking the pages out of the sentry's own page table takes them out of KVM's.
func (m *memory) forget(gpa, n uint64) {
	advise(m.base+uintptr(gpa), n, unix.MADV_DONTNEED)
}

// flush has no vCPU keep any translation: KVM drops all it has when a slot goes.
func (m *memory) flush() linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if errno := m.setSlot(flushSlot, m.size, pageSize); errno != 0 {
		return errno
	}
	return m.setSlot(flushSlot, m.size, 0)
}

// newFrame returns a frame of zeros for a page table.
func (m *memory) newFrame() (uint64, linux.Errno) {
	f := &m.frames
	f.Lock()
	defer f.Unlock()
	if len(f.free) == 0 && len(f.retired) >= m.recycleAt && m.flush() == 0 {
		f.free, f.retired = f.retired, f.free
	}
	if n := len(f.free); n > 0 {
		gpa := f.free[n-1]
		f.free = f.free[:n-1]
		clear(m.table(gpa)[:])
		return gpa, 0
	}
	if len(f.fresh) == 0 {
		if errno := m.newChunk(); errno != 0 {
			return 0, errno
		}
	}
	n := len(f.fresh) - 1
	gpa := f.fresh[n]
	f.fresh = f.fresh[:n]
	return gpa, 0
}

// newChunk adds frames. frames' lock is held.
func (m *memory) newChunk() linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	gpa, slot, errno := m.take(chunkSize)
	if errno != 0 {
		return errno
	}
	if e := place(m.base+uintptr(gpa), chunkSize, -1, 0, true); e != 0 {
		m.give(gpa, chunkSize, slot)
		return linux.Errno(e)
	}
	if errno := m.setSlot(slot, gpa, chunkSize); errno != 0 {
		m.give(gpa, chunkSize, slot)
		return errno
	}
	for at := gpa + chunkSize; at > gpa; at -= pageSize {
		m.frames.fresh = append(m.frames.fresh, at-pageSize)
	}
	return 0
}

// nothing returns a page that the guest has and the host has not.
func (m *memory) nothing() (uint64, linux.Errno) {
	gpa, errno := m.newFrame()
	if errno != 0 {
		return 0, errno
	}
	return gpa, linux.Errno(place(m.base+uintptr(gpa), pageSize, none, 0, false))
}

// retire takes back frames that no page table points to any more.
func (m *memory) retire(gpas []uint64) {
	m.frames.Lock()
	m.frames.retired = append(m.frames.retired, gpas...)
	m.frames.Unlock()
}
