package systrap

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// A call site that traps often is patched, so that it needs no signal. The most common is
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
// Other forms (sites.go) have another instruction in front of SYSCALL, which is then done in the
// trampoline, and find the call's number in EAX. If it is short, the jump takes from what follows
// as well, which is done at the end of the trampoline. Then there are two places that somebody may
// come to and must find no instruction: SYSCALL, and what was behind it. If three bytes stand in
// front these are SS, for which slots serve whose address ends with 60, and 06; if four or more
// do, prefixes without effect move the jump so that the same holds. With two,
//
//	31 c0                xor %eax,%eax
//	0f 05                syscall
//	48 3d 00 f0 ff ff    cmp $-4096,%rax
//
// the slots are those in which SS SS is xx 06, xx 07 or xx 0e; who jumps to the SYSCALL with 0 in
// EAX finds AND, which leaves that, and then what is left of the comparison, which is no
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
	trampSize  = 128
	trampLen   = maxSlots * trampSize
	slotsSize  = 2 * pageSize // with those of cpuid.go
	trampsSize = trampLen + maxInfos*infoSize
	patchUnit  = slotsSize + trampsSize // of the file of slots and trampolines
	maxSets    = 4096
	maxCopies  = 65536
	patchAfter = 16 // traps of one site, as one context sees them
)

// patchSet holds the slots of a process and of those forked from it, where the same text is at
// the same addresses.
type patchSet struct {
	unit int // of the file of slots and trampolines
	refs int // under Platform.mu

	sites [maxSlots]atomic.Pointer[site]
	infos infoSlots

	mu    sync.Mutex
	index map[siteKey]int // slots
	asked int             // contexts that want the sentry to be asked (cpuid.go)
	freed bool            // the unit may be another's
}

// siteKey is what makes trampolines the same.
type siteKey struct {
	ret  uint64
	form *form
	nr   uint32
	old  [8]byte // what was moved
}

// patches are what is patched in a process.
type patches struct {
	stop atomic.Bool // no thread may begin to run

	dropped atomic.Uint32 // counts patched pages that are no longer

	set atomic.Pointer[patchSet] // nil: nothing is

	mu    sync.Mutex
	text  []textRange
	pages map[uint64]int // patched pages and the units of their copies
	// After another thread did not stop.
	notBefore time.Time
	rest      time.Duration
}

// textRange is text that may be patched.
type textRange struct {
	start, end uint64
	file       *textFile // nil: not known
	shift      uint64    // from an address to the place in the file
}

// mapped notes what is mapped at a range now, and forgets what was there. patches.mu is held.
func (s *process) mapped(start, end uint64, text bool) {
	s.mappedText(textRange{start: start, end: end}, text)
}

// mappedText is mapped for what may be text.
func (s *process) mappedText(now textRange, text bool) {
	start, end := now.start, now.end
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
			keep = append(keep, textRange{r.start, start, r.file, r.shift})
		}
		if end < r.end {
			keep = append(keep, textRange{end, r.end, r.file, r.shift})
		}
	}
	if keep != nil {
		q.text = keep
	}
	if text {
		q.text = append(q.text, now)
	}
	for page, unit := range q.pages {
		if page >= start && page < end {
			delete(q.pages, page)
			q.dropped.Add(1)
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

// patch patches the site of call nr before ret, at which c has trapped. again tells that it may work later.
func (s *process) patch(c *context, ret uint64, nr uint32) (again bool) {
	page := (ret - 1) &^ (pageSize - 1)
	at := int(ret - page)
	q := &s.patches
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.inText(page) {
		return false
	}
	if time.Now().Before(q.notBefore) {
		return true
	}
	q.stop.Store(true)
	defer q.stop.Store(false)
	if !s.aloneSoon(c) {
		q.rest = min(max(2*q.rest, firstPatchRest), lastPatchRest)
		q.notBefore = time.Now().Add(q.rest)
		return true
	}
	q.rest = 0
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
	if !s.writeJump(s.p.copies.page(unit), at, ret, nr) && !old {
		delete(q.pages, page)
		s.p.dropCopy(unit)
		return false
	}
	_, errno := s.order(false, call{unix.SYS_MMAP, page, pageSize, unix.PROT_READ | unix.PROT_EXEC, unix.MAP_SHARED | unix.MAP_FIXED, uint64(s.p.copies.fd), uint64(unit) * pageSize})
	if errno != 0 {
		s.end("its text cannot be mapped")
	}
	f, off := q.textAt(ret)
	s.p.infos.note(f, off, nr, patchTraps)
	return false
}

// How long nothing is patched after another thread did not stop: one that computes holds all
// others up each time.
const (
	firstPatchRest = 20 * time.Millisecond
	lastPatchRest  = 2 * time.Second
)

// aloneSoon waits a moment until no thread of the process but that of c is in the application. None goes there, since stop is set.
func (s *process) aloneSoon(c *context) bool {
	const tries, moment = 4, 20 * time.Microsecond
	for range tries {
		if s.alone(c) {
			return true
		}
		time.Sleep(moment)
	}
	return s.alone(c)
}

func (s *process) alone(c *context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.all {
		if other := t.user.Load(); other != nil && other != c && other.inside() {
			return false
		}
	}
	return true
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

// writeJump replaces the call in a page whose SYSCALL ends at b[at], if it is of a known form.
func (s *process) writeJump(b []byte, at int, ret uint64, nr uint32) bool {
	f := findForm(b, at, nr)
	if f == nil {
		return false
	}
	set := s.patches.set.Load()
	if set == nil {
		if set = s.newSet(); set == nil {
			return false
		}
	}
	start := at - 2 - len(f.moved)
	slot, ok := s.p.slot(set, &site{ret: ret, nr: nr, moved: uint64(len(f.moved)), form: f}, b[start:at-2], b[at:at+len(f.after)])
	if !ok {
		return false
	}
	f.jump(b[start:], slot)
	return true
}

// newSet gives the process slots and trampolines.
func (s *process) newSet() *patchSet {
	set := s.p.takeSet()
	if set == nil {
		return nil
	}
	s.patches.set.Store(set)
	if _, errno := s.order(false, s.setCalls()...); errno != 0 {
		s.kill()
		return nil
	}
	return set
}

// takeSet returns a set that nobody has.
func (p *Platform) takeSet() *patchSet {
	p.mu.Lock()
	defer p.mu.Unlock()
	unit, ok := p.freeSets.take()
	if !ok {
		return nil
	}
	return &patchSet{unit: unit, refs: 1, index: map[siteKey]int{}}
}

// setCalls are the calls that map the slots and trampolines of a process, if it has any.
func (s *process) setCalls() []call {
	set := s.patches.set.Load()
	if set == nil {
		return nil
	}
	fd, off := s.p.tramps.fd, uint64(set.unit)*patchUnit
	return []call{
		mapCall(slotsAt, slotsSize, fd, off, platform.Read, false),
		mapCall(trampAt, trampsSize, fd, off+slotsSize, platform.Read|platform.Exec, false),
	}
}

// freeSet gives the unit of a set back that nobody has mapped. A few keep their memory. p.mu is held.
func (p *Platform) freeSet(set *patchSet) {
	set.mu.Lock()
	defer set.mu.Unlock()
	set.freed = true
	if len(p.freeSets.free) < warmSets {
		set.wipe(p.tramps.patchUnit(set.unit))
	} else {
		p.tramps.clear(set.unit)
	}
	p.freeSets.put(set.unit)
}

// warmSets is how many unused sets keep their memory.
const warmSets = 16

// wipe clears what was written to a set's unit.
func (set *patchSet) wipe(b []byte) {
	for i := range set.sites {
		if set.sites[i].Load() != nil {
			clear(b[8*i:][:8])
			clear(b[slotsSize+i*trampSize:][:trampSize])
		}
	}
	for i := range set.infos {
		if u := set.infos[i].Load(); u != nil {
			clear(b[pageSize+8*i:][:8])
			clear(b[slotsSize+trampLen+i*infoSize:][:infoSize])
		}
	}
}

// slot returns the slot of a site, with its trampoline, which does moved and after.
func (p *Platform) slot(set *patchSet, st *site, moved, after []byte) (int, bool) {
	set.mu.Lock()
	defer set.mu.Unlock()
	key := siteKey{ret: st.ret, form: st.form}
	if st.form.numbered {
		key.nr = st.nr
	} else {
		copy(key.old[:], moved)
	}
	if i, ok := set.index[key]; ok {
		return i, true
	}
	i := 0
	for i < maxSlots && (set.sites[i].Load() != nil || classOf(i) != st.form.class) {
		i++
	}
	if i == maxSlots {
		return 0, false
	}
	set.index[key] = i
	p.give(set, i, st, moved, after)
	return i, true
}

// give makes the trampoline of a site, which does moved and after, for slot i. set.mu is held.
func (p *Platform) give(set *patchSet, i int, st *site, moved, after []byte) {
	if !st.form.numbered {
		st.pre = uint64(len(moved))
	}
	st.tramp = uint64(trampAt + i*trampSize)
	unit := p.tramps.patchUnit(set.unit)
	st.trampoline(unit[slotsSize+i*trampSize:][:trampSize], st.tramp, uint32(i), moved, after)
	binary.LittleEndian.PutUint64(unit[8*i:], st.tramp)
	set.sites[i].Store(st)
}

// site returns the site of a slot that a stub has named, nil if there is none.
func (s *process) site(slot uint32) *site {
	set := s.patches.set.Load()
	if set == nil || slot >= maxSlots {
		return nil
	}
	return set.sites[slot].Load()
}

// siteBefore returns the patched site with that ret, nil if there is none.
func (s *process) siteBefore(ret uint64) *site {
	set := s.patches.set.Load()
	if set == nil || ret < minAddr || ret > maxAddr {
		return nil
	}
	page := (ret - 1) &^ (pageSize - 1)
	s.patches.mu.Lock()
	defer s.patches.mu.Unlock()
	unit, patched := s.patches.pages[page]
	if !patched {
		return nil
	}
	const shortest, longest = 2, 6
	b := s.p.copies.page(unit)
	for moved := shortest; moved <= longest; moved++ {
		start := int(ret-page) - 2 - moved
		if start < 0 {
			break
		}
		if i := jumpSlot(b[start:]); i >= 0 {
			if st := set.sites[i].Load(); st != nil && st.ret == ret && st.moved == uint64(moved) {
				return st
			}
		}
	}
	return nil
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
	s.patches.mu.Lock()
	defer s.patches.mu.Unlock()
	s.unpatchLocked()
}

// unpatchLocked is unpatch where patches.mu is held. Nothing of it is mapped any more.
func (s *process) unpatchLocked() {
	q := &s.patches
	q.text = nil
	for page, unit := range q.pages {
		delete(q.pages, page)
		s.p.dropCopy(unit)
	}
	set := q.set.Swap(nil)
	if set == nil {
		return
	}
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if set.refs--; set.refs == 0 {
		p.freeSet(set)
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
