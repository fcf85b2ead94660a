package kvm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/cpuid"
)

// CPUID goes to the host's KVM and back, which takes 36 µs where ring 0 is emulated, and a C library asks seventy times when
// a program starts. So places in text of files that ask in a known way (package cpuid) are patched: where a page with some is mapped,
// the page tables say a copy of it, in which the first seven bytes of each place are
//
//	jmp *slot
//
// to a trampoline (askcode.go) that loads the answer, and then
//
//	jmp *return
//
// Copies, slots and trampolines are the same for all address spaces; the words to return by, which say where the file is
// mapped, are each one's own. They lie in the upper half, where no application's pages are, and ring 3 may read them, and execute
// trampolines. An instruction of a place that is behind the first may be jumped to: the bytes of the slot's address that it finds
// there are no instruction, and it is done when that raises #UD. The answers are those that KVM gives to CPUID.
//
// What is mapped of a file's text is searched when that is done for the first time: all of it usually. A page that has changed since is not replaced.
const (
	slotPages   = 4 // of words that lead to trampolines; the second byte of their addresses is no instruction
	maxAsks     = slotPages * pageSize / 8
	askSlotsAt  = 0xffffffff82060000
	askTableAt  = 0xffffffff82070000
	askTrampsAt = 0xffffffff82080000
	askTrampsTo = askTrampsAt + maxAsks*trampSize
	returnsAt   = blocksAt + 0x100000

	maxAskFiles = 4096
	maxAskPages = 1024    // of the file of copies, of which the first are tryPages
	maxAskText  = 4 << 20 // larger files are not searched
	mostAsks    = 64      // copies in an address space
)

// asks is what is known of all files.
type asks struct {
	p      *Platform
	memory atomic.Int64 // the descriptor of the memory file, whose text is not patched; -1: nothing is
	fd     int          // of the file of copies
	at     uint64       // where that is in guest-physical memory, for good
	cpuid  *cpuidTable  // what KVM answers

	mu          sync.Mutex
	files       map[askFile][]*askPage
	pages       int // of the file that are used
	slots, lows int // given out
	code        [maxAsks * trampSize / pageSize]*[pageSize]byte
	words       [slotPages]*[pageSize]byte
	table       cpuid.Table
	tabled      bool
	buffer      []byte

	sites [maxAsks]atomic.Pointer[askSite]
}

// askFile is a file as it was.
type askFile struct {
	dev, ino   uint64
	size       int64
	mtim, ctim unix.Timespec
}

// askPage is a page of a file that asks, and its patched copy.
type askPage struct {
	off   uint64
	copy  uint64 // offset in the file of copies
	text  []byte // as it was found
	sites []*askSite
}

// askSite is a place in one.
type askSite struct {
	*cpuid.Site
	slot  int
	tramp trampoline
}

// init makes the file of copies.
func (q *asks) init(p *Platform) error {
	q.p, q.files, q.pages = p, map[askFile][]*askPage{}, tryPages
	var err error
	if q.fd, err = unix.MemfdCreate("text", unix.MFD_CLOEXEC); err != nil {
		return fmt.Errorf("memfd_create: %w", err)
	}
	if err := unix.Ftruncate(q.fd, maxAskPages*pageSize); err != nil {
		return fmt.Errorf("sizing a memfd: %w", err)
	}
	var errno linux.Errno
	if q.at, _, errno = p.memory.lookUp(q.fd, 0, pageSize, false); errno != 0 { // a use that does not end
		return fmt.Errorf("a place for a memfd: %w", errno)
	}
	return nil
}

// learn asks KVM what it answers on a vCPU that has run, since some depends on control registers.
func (q *asks) learn() error {
	q.cpuid = &cpuidTable{count: uint32(len(q.p.pool.cpuid.entries))}
	if _, e := ioctlOn(q.p.pool.all[0].fd, getCPUID2, q.cpuid); e != 0 {
		return fmt.Errorf("the features of a vCPU: %w", e)
	}
	return nil
}

// Unpatched says that text is not to be patched that is mapped from fd: the memory file.
func (p *Platform) Unpatched(fd int) { p.asks.memory.Store(int64(fd)) }

// ask is CPUID in the guest (arch/x86/kvm/cpuid.c, kvm_cpuid).
func (q *asks) ask(leaf, sub uint32) (a, b, c, d uint32) {
	e := q.entry(leaf, sub)
	if e == nil {
		e = q.beyond(leaf, sub)
	}
	if e != nil {
		return e.eax, e.ebx, e.ecx, e.edx
	}
	const topology, topologyV2 = 0xb, 0x1f
	if leaf == topology || leaf == topologyV2 {
		if e = q.entry(leaf, 1); e != nil {
			return 0, 0, sub & 0xff, e.edx
		}
	}
	return 0, 0, 0, 0
}

// entry returns what KVM has of a leaf, nil if it has nothing.
func (q *asks) entry(leaf, sub uint32) *cpuidEntry {
	const hasIndex = 1
	list := q.cpuid.entries[:q.cpuid.count]
	for i := range list {
		if e := &list[i]; e.function == leaf && (e.flags&hasIndex == 0 || e.index == sub) {
			return e
		}
	}
	return nil
}

// beyond returns what stands for a leaf that there is not: on Intel's processors the last of the basic ones.
func (q *asks) beyond(leaf, sub uint32) *cpuidEntry {
	const amd, hygon, extended = 0x68747541, 0x6f677948, 1 << 31 // Auth, Hygo
	basic, class := q.entry(0, 0), q.entry(leaf&extended, 0)
	if basic == nil || basic.ebx == amd || basic.ebx == hygon || class != nil && leaf <= class.eax {
		return nil
	}
	return q.entry(basic.eax, sub)
}

// copiesIn returns the pages of what is mapped of fd that have copies and are as they were.
func (q *asks) copiesIn(fd int, off, length uint64) (pages []*askPage) {
	var st unix.Stat_t
	if m := q.memory.Load(); m < 0 || m == int64(fd) || unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxAskText {
		return nil
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_ACCMODE != unix.O_RDONLY {
		return nil // it may change under the mapping
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	k := askFile{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
	all, known := q.files[k]
	if !known && len(q.files) < maxAskFiles {
		all = q.search(fd, off, off+length)
		q.files[k] = all
	}
	var b [pageSize]byte
	for _, g := range all {
		if g.off < off || g.off-off >= length {
			continue
		}
		if n, err := unix.Pread(fd, b[:], int64(g.off)); err == nil && n == pageSize && bytes.Equal(b[:], g.text) {
			pages = append(pages, g)
		}
	}
	return pages
}

// search makes copies of the pages of a part of a file that ask. mu is held.
func (q *asks) search(fd int, off, end uint64) (found []*askPage) {
	if q.buffer == nil {
		q.buffer = make([]byte, 16*pageSize)
	}
	for ; off < end; off += uint64(len(q.buffer)) {
		n, err := unix.Pread(fd, q.buffer[:min(uint64(len(q.buffer)), end-off)], int64(off))
		if err != nil || n < pageSize {
			return found
		}
		for at := 0; at+pageSize <= n; at += pageSize {
			page := q.buffer[at:][:pageSize]
			sites := slices.DeleteFunc(cpuid.Find(page, q.ask), (*cpuid.Site).ByCPU)
			if len(sites) == 0 {
				continue
			}
			g := &askPage{off: off + uint64(at), text: bytes.Clone(page)}
			if !q.patch(g, sites) {
				return found
			}
			found = append(found, g)
		}
	}
	return found
}

// patch makes the copy of a page. mu is held.
func (q *asks) patch(g *askPage, sites []*cpuid.Site) bool {
	if q.pages == maxAskPages {
		return false
	}
	b := bytes.Clone(g.text)
	for _, s := range sites {
		a := &askSite{Site: s}
		if !q.place(a) {
			continue
		}
		copy(b[s.At:], []byte{0xff, 0x24, 0x25})
		binary.LittleEndian.PutUint32(b[s.At+3:], uint32(askSlotsAt&(1<<32-1)+8*a.slot))
		g.sites = append(g.sites, a)
	}
	g.copy = uint64(q.pages) * pageSize
	if n, err := unix.Pwrite(q.fd, b, int64(g.copy)); n != len(b) || err != nil || len(g.sites) == 0 {
		return false
	}
	q.pages++
	return true
}

// place gives a site a slot and a trampoline. One with an instruction in its fourth byte has a slot whose address begins with
// a byte that is no instruction. mu is held.
func (q *asks) place(a *askSite) bool {
	const row, low = 32, 12 // slots that differ in the first byte of the address; where it is 0x60
	if a.Low {
		a.slot = q.lows*row + low
		q.lows++
	} else {
		if q.slots%row == low {
			q.slots++
		}
		a.slot = q.slots
		q.slots++
	}
	if a.slot >= maxAsks || !q.ready(a.slot) {
		return false
	}
	if a.Looks != nil {
		q.makeTable()
	}
	const each = pageSize / trampSize
	a.tramp = newTrampoline(a.Site, returnsAt+8*uint64(a.slot))
	copy(q.code[a.slot/each][a.slot%each*trampSize:], a.tramp.code)
	at := uint64(askTrampsAt) + uint64(a.slot)*trampSize
	binary.LittleEndian.PutUint64(q.words[a.slot/512][a.slot%512*8:], at)
	q.sites[a.slot].Store(a)
	return true
}

// ready makes the pages of a slot. mu is held.
func (q *asks) ready(slot int) bool {
	page := slot * trampSize / pageSize
	return q.page(&q.words[slot/512], askSlotsAt+uint64(slot/512)*pageSize, pteNX) &&
		q.page(&q.code[page], askTrampsAt+uint64(page)*pageSize, 0)
}

// page makes a page that all address spaces have, which ring 3 may read, if there is none.
func (q *asks) page(b **[pageSize]byte, at, bits uint64) bool {
	if *b != nil {
		return true
	}
	gpa, errno := q.p.memory.newFrame()
	if errno != 0 || q.p.system.enter(at, gpa|pteUser|bits) != nil {
		return false
	}
	*b = q.p.memory.bytes(gpa)
	return true
}

// makeTable makes the table of answers. mu is held.
func (q *asks) makeTable() {
	if q.tabled {
		return
	}
	q.table.Fill(q.ask, false)
	q.tabled = true
	q.table.Put(q.p.memory.bytes(q.p.system.table)[:])
}

// holds tells whether a page of guest-physical memory is a copy.
func (q *asks) holds(gpa uint64) bool {
	return gpa-q.at < maxAskPages*pageSize
}

// spaceAsks are the copies in an address space.
type spaceAsks struct {
	pages   map[uint64]*askPage // by address
	returns [slotPages]uint64   // frames of words to return by, read without a lock
}

// replace returns the pages of what is about to be mapped from fd that are to be copies, and takes note of them. mu is held.
func (s *space) replace(addr, length uint64, fd int, off uint64) (list []*askPage) {
	for _, g := range s.p.asks.copiesIn(fd, off, length) {
		if s.uses(addr+g.off-off, g) {
			list = append(list, g)
		}
	}
	return list
}

// uses has the sites of g return to a page at that address; false if they do elsewhere, or there are too many. mu is held.
func (s *space) uses(page uint64, g *askPage) bool {
	if old := s.asks.pages[page]; old == nil && len(s.asks.pages) == mostAsks {
		s.forgetCopies()
		if len(s.asks.pages) == mostAsks {
			return false
		}
	}
	for at, other := range s.asks.pages {
		if other == g && at != page && s.hasCopy(at, g) {
			return false
		}
	}
	for _, a := range g.sites {
		w, errno := s.returnWord(a.slot)
		if errno != 0 {
			return false
		}
		atomic.StoreUint64(w, page+a.At+a.Size)
	}
	if s.asks.pages == nil {
		s.asks.pages = map[uint64]*askPage{}
	}
	s.asks.pages[page] = g
	return true
}

// hasCopy tells whether the page at an address is the copy. mu is held.
func (s *space) hasCopy(page uint64, g *askPage) bool {
	e, _ := s.pte(page)
	return e&pteMapped != 0 && e&pteAddr == s.p.asks.at+g.copy
}

// forgetCopies drops those that are not mapped any more. mu is held.
func (s *space) forgetCopies() {
	for at, g := range s.asks.pages {
		if !s.hasCopy(at, g) {
			delete(s.asks.pages, at)
		}
	}
}

// returnWord returns where a site's trampoline finds where to go on. mu is held.
func (s *space) returnWord(slot int) (*uint64, linux.Errno) {
	i := slot / 512
	frame := atomic.LoadUint64(&s.asks.returns[i])
	if frame == 0 {
		var errno linux.Errno
		if frame, errno = s.ownPage(returnsAt+uint64(i)*pageSize, pteNX); errno != 0 {
			return nil, errno
		}
		atomic.StoreUint64(&s.asks.returns[i], frame)
	}
	return &s.m.table(frame)[slot%512], 0
}

// cloneAsks gives d the same copies. Both mu are held.
func (s *space) cloneAsks(d *space) linux.Errno {
	for i, frame := range s.asks.returns {
		if frame == 0 {
			continue
		}
		if _, errno := d.returnWord(i * 512); errno != 0 {
			return errno
		}
		*s.m.table(d.asks.returns[i]) = *s.m.table(frame)
	}
	for page, g := range s.asks.pages {
		if d.asks.pages == nil {
			d.asks.pages = make(map[uint64]*askPage, len(s.asks.pages))
		}
		d.asks.pages[page] = g
	}
	return 0
}

// siteIn returns the site in whose trampoline an address is, where the site begins, and where in the trampoline that is.
func (s *space) siteIn(rip uint64) (a *askSite, start, off uint64) {
	if rip < askTrampsAt || rip >= askTrampsTo {
		return nil, 0, 0
	}
	slot := (rip - askTrampsAt) / trampSize
	frame := atomic.LoadUint64(&s.asks.returns[slot/512])
	if a = s.p.asks.sites[slot].Load(); a == nil || frame == 0 {
		return nil, 0, 0
	}
	ret := atomic.LoadUint64(&s.m.table(frame)[slot%512])
	if ret < minAddr || ret >= maxAddr {
		return nil, 0, 0
	}
	return a, ret - a.Size, (rip - askTrampsAt) % trampSize
}

// partAt returns the instruction of a site that begins at an address behind the site's first, where the jump is; nil if none does.
func (s *space) partAt(rip uint64) *cpuid.Part {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := rip &^ (pageSize - 1)
	g := s.asks.pages[page]
	if g == nil || !s.hasCopy(page, g) {
		return nil
	}
	for _, a := range g.sites {
		if off := rip - page - a.At; off < cpuid.Size {
			return a.PartAt(off)
		}
	}
	return nil
}

// asked makes good that the application is in a trampoline, or behind the beginning of a site, when exception n comes. It returns
// what has become of that, if it is not the exception.
func (c *context) asked(v *vcpu, s *space, n uint64, r *arch.Registers) (trap platform.Trap, done, is bool) {
	step := func() (platform.Trap, bool, bool) {
		r.Eflags &^= arch.FlagRF
		t := platform.Trap{Kind: platform.Exception, Signo: uint8(unix.SIGTRAP), Code: trapTrace, Addr: r.Rip}
		return t, r.Eflags&arch.FlagTF != 0, true
	}
	if n == vectorUD {
		p := s.partAt(r.Rip)
		if p == nil {
			return trap, false, false
		}
		p.Do(r)
		r.Rip += p.Size
		return step()
	}
	a, start, off := s.siteIn(r.Rip)
	if a == nil {
		return trap, false, false
	}
	if n == vectorDB && c.debugCode(v) != trapTrace {
		return trap, false, false
	}
	first := a.Parts[0]
	switch {
	case n == vectorPF && off == 0: // of what the site does first
		r.Rip = start
	case n == vectorDB && off == 0 && first.Do == nil: // nobody else can
		c.at, r.Rip = r.Rip, start
		return trap, false, true
	case n == vectorDB && off == 0:
		first.Do(r)
		r.Rip = start + first.Size
		return step()
	case n == vectorDB && off == first.Size && first.Do == nil:
		r.Rip = start + first.Size
		return step()
	case n == vectorDB:
		a.finish(&s.p.asks, r, start, off)
		return step()
	}
	return trap, false, false
}
