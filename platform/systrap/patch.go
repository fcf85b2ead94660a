package systrap

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// A call site that traps often is patched, so that it needs no signal. The site is
//
//	b8 NR NR NR NR   mov $NR,%eax
//	0f 05            syscall
//
// and becomes one instruction of the same seven bytes,
//
//	ff 24 25 SS SS 06 00   jmp *slot
//
// where slot is an 8-byte word in the page at slotsAt, which leads to a trampoline of the site's
// own, and that to callSite in stub_amd64.s. Nothing is pushed: the 128 bytes below the stack
// pointer may be in use. Who jumps to the old SYSCALL instruction, to restart a call say, finds
// the byte 06, which is no instruction, and the SIGILL is taken for the call that it meant.
//
// glibc's read(2) has the number 0, which is shorter:
//
//	31 c0                xor %eax,%eax
//	0f 05                syscall
//	48 3d 00 f0 ff ff    cmp $-4096,%rax
//
// There the jump takes three bytes of the comparison as well, which is made at the end of the
// trampoline. Its slots are those in which SS SS is xx 06, xx 07 or xx 0e, so that who comes back to
// the comparison finds no instruction there either; and who jumps to the SYSCALL with 0 in EAX
// finds AND, which leaves that, and then what is left of the comparison, which is no
// instruction.
//
// What is patched is a copy of the page, which only the stub process has: the sentry's view of
// the memory, /proc/PID/mem, core files and debuggers see the text as it was. A program that
// reads its own text sees the jumps. Only text of files is patched that is mapped readable and
// executable from the host's file, never memory that the application itself has filled (the
// memory file holds that): it might change under another mapping. A page is patched while no
// other thread of the process runs.
const (
	maxSlots   = pageSize / 8
	trampSize  = 64
	trampLen   = maxSlots * trampSize
	patchUnit  = pageSize + trampLen // of the file of slots and trampolines
	maxSets    = 4096
	maxCopies  = 65536
	patchAfter = 16 // traps of one site, as one context sees them
)

// site is a patched call site.
type site struct {
	ret    uint64 // address of the instruction behind
	nr     uint32
	resume uint64 // where to go on instead, after the short form: its end of the trampoline
}

// patchSet holds the slots of a process and of those forked from it, where the same text is at
// the same addresses.
type patchSet struct {
	unit int // of the file of slots and trampolines
	refs int // under Platform.mu

	sites [maxSlots]atomic.Pointer[site]

	mu    sync.Mutex
	index map[uint64]int // slots by ret
}

// patches are what is patched in a process.
type patches struct {
	stop    atomic.Bool  // no thread may begin to run
	running atomic.Int32 // threads that run, or are about to look at stop

	set atomic.Pointer[patchSet] // nil: nothing is

	mu    sync.Mutex
	text  []textRange
	pages map[uint64]int // patched pages and the units of their copies
}

// textRange is text that may be patched.
type textRange struct{ start, end uint64 }

// begin counts a thread that is about to run, end one that has stopped.
func (s *process) begin() {
	for {
		s.patches.running.Add(1)
		if !s.patches.stop.Load() {
			return
		}
		s.patches.running.Add(-1)
		s.patches.mu.Lock()
		s.patches.mu.Unlock() //nolint:staticcheck // waits for the patch
	}
}

// mapped notes what is mapped at a range now, and forgets what was there. patches.mu is held.
func (s *process) mapped(start, end uint64, text bool) {
	q := &s.patches
	var keep []textRange
	for i, r := range q.text {
		if end <= r.start || r.end <= start {
			if keep != nil {
				keep = append(keep, r)
			}
			continue
		}
		if keep == nil {
			keep = append(make([]textRange, 0, len(q.text)+2), q.text[:i]...)
		}
		if r.start < start {
			keep = append(keep, textRange{r.start, start})
		}
		if end < r.end {
			keep = append(keep, textRange{end, r.end})
		}
	}
	if keep != nil {
		q.text = keep
	}
	if text {
		q.text = append(q.text, textRange{start, end})
	}
	for page, unit := range q.pages {
		if page >= start && page < end {
			delete(q.pages, page)
			s.p.dropCopy(unit)
		}
	}
}

// patched tells whether a page of the range is. patches.mu is held.
func (s *process) patched(start, end uint64) bool {
	for page := range s.patches.pages {
		if page >= start && page < end {
			return true
		}
	}
	return false
}

// isText tells whether what is mapped so may be patched.
func (p *Platform) isText(fd int, prot platform.Prot) bool {
	return prot == platform.Read|platform.Exec && p.patchable(fd)
}

// The two forms of a call, and how much of them is before the instruction that follows.
const (
	longBefore  = 7
	shortBefore = 4
	jumpSize    = 7
)

// comparison is what follows the short form.
var comparison = []byte{0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff}

// patch patches the site of call nr before ret. again tells that it may work later.
func (s *process) patch(ret uint64, nr uint32) (again bool) {
	page := (ret - 1) &^ (pageSize - 1)
	before := uint64(longBefore)
	if nr == 0 {
		before = shortBefore
	}
	at := int(ret - before - page)
	if ret-before < page || at+shortBefore+len(comparison) > pageSize || nr >= 1024 {
		return false
	}
	q := &s.patches
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.inText(page) {
		return false
	}
	q.stop.Store(true)
	defer q.stop.Store(false)
	if q.running.Load() != 0 {
		return true
	}
	unit, old := q.pages[page]
	if !old || s.p.sharedCopy(unit) {
		n, ok := s.copyPage(page)
		if !ok {
			return false
		}
		if old {
			s.p.dropCopy(unit)
		}
		unit = n
		q.pages[page] = unit
	}
	if !s.writeJump(s.p.copies.page(unit)[at:], ret, nr) && !old {
		delete(q.pages, page)
		s.p.dropCopy(unit)
		return false
	}
	_, errno := s.order(false, call{unix.SYS_MMAP, page, pageSize, unix.PROT_READ | unix.PROT_EXEC, unix.MAP_SHARED | unix.MAP_FIXED, uint64(s.p.copies.fd), uint64(unit) * pageSize})
	if errno != 0 {
		s.end("its text cannot be mapped")
	}
	return false
}

func (q *patches) inText(page uint64) bool {
	for _, r := range q.text {
		if r.start <= page && page < r.end {
			return true
		}
	}
	return false
}

// copyPage makes a copy of a page of text.
func (s *process) copyPage(page uint64) (unit int, ok bool) {
	if unit, ok = s.p.takeCopy(); !ok {
		return 0, false
	}
	_, errno := s.order(false,
		call{unix.SYS_MMAP, windowAt, pageSize, unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_FIXED, uint64(s.p.copies.fd), uint64(unit) * pageSize},
		call{copyCall, windowAt, page, pageSize},
		call{unix.SYS_MUNMAP, windowAt, pageSize})
	if errno != 0 {
		s.p.dropCopy(unit)
		return 0, false
	}
	return unit, true
}

// isSite tells whether b begins with a call.
func isSite(b []byte, nr uint32) bool {
	if nr == 0 {
		return b[0] == 0x31 && b[1] == 0xc0 && b[2] == 0x0f && b[3] == 0x05 && bytes.HasPrefix(b[shortBefore:], comparison)
	}
	return b[0] == 0xb8 && binary.LittleEndian.Uint32(b[1:]) == nr && b[5] == 0x0f && b[6] == 0x05
}

// writeJump replaces the call at the beginning of b, if it is one.
func (s *process) writeJump(b []byte, ret uint64, nr uint32) bool {
	if !isSite(b, nr) {
		return false
	}
	set := s.patches.set.Load()
	if set == nil {
		if set = s.newSet(); set == nil {
			return false
		}
	}
	slot, ok := s.p.slot(set, ret, nr)
	if !ok {
		return false
	}
	jump := [jumpSize]byte{0xff, 0x24, 0x25}
	binary.LittleEndian.PutUint32(jump[3:], uint32(slotsAt+8*slot))
	copy(b, jump[:])
	return true
}

// newSet gives the process slots and trampolines.
func (s *process) newSet() *patchSet {
	p := s.p
	p.mu.Lock()
	unit, ok := p.freeSets.take()
	p.mu.Unlock()
	if !ok {
		return nil
	}
	set := &patchSet{unit: unit, refs: 1, index: map[uint64]int{}}
	off := uint64(unit) * patchUnit
	flags := uint64(unix.MAP_SHARED | unix.MAP_FIXED)
	_, errno := s.order(false,
		call{unix.SYS_MMAP, slotsAt, pageSize, unix.PROT_READ, flags, uint64(p.tramps.fd), off},
		call{unix.SYS_MMAP, trampAt, trampLen, unix.PROT_READ | unix.PROT_EXEC, flags, uint64(p.tramps.fd), off + pageSize})
	s.patches.set.Store(set)
	if errno != 0 {
		return nil
	}
	return set
}

// slot returns the slot of a site, with its trampoline.
func (p *Platform) slot(set *patchSet, ret uint64, nr uint32) (int, bool) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if i, ok := set.index[ret]; ok && set.sites[i].Load().nr == nr {
		return i, true
	}
	i := 0
	for i < maxSlots && (set.sites[i].Load() != nil || forShort(i) != (nr == 0)) {
		i++
	}
	if i == maxSlots {
		return 0, false
	}
	st := &site{ret: ret, nr: nr}
	if nr == 0 {
		st.resume = trampAt + uint64(i)*trampSize + trampSize/2
	}
	set.index[ret] = i
	unit := p.tramps.patchUnit(set.unit)
	at := uint64(trampAt + i*trampSize)
	b := unit[pageSize+i*trampSize:][:trampSize]
	trampoline(b, at, uint32(i), nr)
	binary.LittleEndian.PutUint64(b[trampSize-8:], ret)
	if st.resume != 0 {
		end := b[trampSize/2:]
		n := copy(end, comparison)
		copy(end[n:], []byte{0xff, 0x25, byte(trampSize/2 - 8 - n - 6), 0, 0, 0}) // jmp *the last word
		binary.LittleEndian.PutUint64(b[trampSize-8:], ret+uint64(len(comparison)))
	}
	binary.LittleEndian.PutUint64(unit[8*i:], at)
	set.sites[i].Store(st)
	return i, true
}

// forShort tells whether a slot is for the short form: the second byte of its address is no
// instruction.
func forShort(slot int) bool {
	second := slot * 8 >> 8
	return second == 0x06 || second == 0x07 || second == 0x0e
}

// trampoline writes the code of a slot, which is at address at, to b.
func trampoline(b []byte, at uint64, slot, nr uint32) {
	n := 0
	put := func(code ...byte) { n += copy(b[n:], code) }
	if fact := answered(nr); fact != 0 {
		// As at callSite in stub_amd64.s, without a change to the flags: RCX becomes 0 if GS is an
		// area.
		put(0xf3, 0x49, 0x0f, 0xae, 0xcb) // rdgsbase %r11
		put(0x48, 0xb9)                   // movabs $-areaAt,%rcx
		areas := uint64(areaAt)
		n += copy(b[n:], binary.LittleEndian.AppendUint64(nil, -areas))
		put(0x4a, 0x8d, 0x0c, 0x19)                     // lea (%rcx,%r11),%rcx
		put(0x48, 0x0f, 0xc9)                           // bswap %rcx
		put(0x67, 0xe3, 2)                              // jecxz +2
		put(0xeb, 7+3+2+6)                              // jmp to the general part
		put(0x41, 0x8b, 0x8b, fact, 0, 0, 0)            // mov fact(%r11),%ecx
		put(0x67, 0xe3, 2+6)                            // jecxz to the general part
		put(0x89, 0xc8)                                 // mov %ecx,%eax
		put(0xff, 0x25, byte(trampSize-8-n-6), 0, 0, 0) // jmp *ret, which is the last word
	}
	put(0xb8) // mov $slot,%eax
	n += copy(b[n:], binary.LittleEndian.AppendUint32(nil, slot))
	put(0xe9) // jmp callSite
	n += copy(b[n:], binary.LittleEndian.AppendUint32(nil, uint32(textAt+entryCall-(at+uint64(n)+4))))
}

// answered returns where in the area the answer to a call is, 0 for the most.
func answered(nr uint32) byte {
	switch nr {
	case unix.SYS_GETPID:
		return areaPID
	case unix.SYS_GETTID:
		return areaTID
	}
	return 0
}

// site returns the site of a slot that a stub has named, nil if there is none.
func (s *process) site(slot uint32) *site {
	set := s.patches.set.Load()
	if set == nil || slot >= maxSlots {
		return nil
	}
	return set.sites[slot].Load()
}

// siteBefore returns the site with that ret if its page is patched, else nil.
func (s *process) siteBefore(ret uint64) *site {
	set := s.patches.set.Load()
	if set == nil {
		return nil
	}
	s.patches.mu.Lock()
	_, patched := s.patches.pages[(ret-1)&^(pageSize-1)]
	s.patches.mu.Unlock()
	set.mu.Lock()
	defer set.mu.Unlock()
	i, ok := set.index[ret]
	if !ok || !patched {
		return nil
	}
	return set.sites[i].Load()
}

// inherit gives the child what its parent has, whose patches.mu is held.
func (s *process) inherit(child *process) {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	child.patches.text = append([]textRange(nil), s.patches.text...)
	for page, unit := range s.patches.pages {
		child.patches.pages[page] = unit
		p.copyRefs[unit]++
	}
	if set := s.patches.set.Load(); set != nil {
		set.refs++
		child.patches.set.Store(set)
	}
}

// unpatch drops everything of a process that has ended.
func (s *process) unpatch() {
	q := &s.patches
	q.mu.Lock()
	defer q.mu.Unlock()
	for page, unit := range q.pages {
		delete(q.pages, page)
		s.p.dropCopy(unit)
	}
	set := q.set.Load()
	if set == nil {
		return
	}
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if set.refs--; set.refs == 0 {
		p.tramps.clear(set.unit)
		p.freeSets.put(set.unit)
	}
}

// takeCopy returns a unit for a copy of a page.
func (p *Platform) takeCopy() (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	unit, ok := p.freeCopies.take()
	if ok {
		p.copyRefs[unit] = 1
	}
	return unit, ok
}

// dropCopy gives one process's share of a copy back.
func (p *Platform) dropCopy(unit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.copyRefs[unit]--; p.copyRefs[unit] == 0 {
		p.copies.clear(unit)
		p.freeCopies.put(unit)
	}
}

// sharedCopy tells whether other processes have the copy too, which may run.
func (p *Platform) sharedCopy(unit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.copyRefs[unit] > 1
}

// Unpatched says that text is not to be patched that is mapped from fd: the memory file.
func (p *Platform) Unpatched(fd int) { p.memory.Store(int64(fd)) }

// patchable tells whether text of fd may be.
func (p *Platform) patchable(fd int) bool { m := p.memory.Load(); return m > 0 && m != int64(fd) }

// errno of a mapping call that would change a patched page's protection: the kernel then unmaps
// it, and maps it anew when it is touched.
const cannotProtect = linux.ENOMEM
