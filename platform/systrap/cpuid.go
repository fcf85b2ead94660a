package systrap

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// In a virtual machine CPUID is done by the hypervisor, which takes 10 µs and more, and a C library asks forty
// times when a program starts: more than all else that execve(2) costs. So where text of a file asks for a leaf
// that says the same on all processors,
//
//	b8 LEAF                  mov $LEAF,%eax
//	[31 c9 | b9 SUBLEAF]     xor %ecx,%ecx or mov $SUBLEAF,%ecx
//	0f a2                    cpuid
//
// the first seven bytes become a jump as in patch.go, to a trampoline that loads the answer. So they do in what the C library
// does in a loop, over the states of the FPU and the descriptions of caches, or after it has saved registers,
//
//	44 89 REG                mov %r12d,%eax, or another from %r8d on
//	89 REG                   mov %esi,%ecx, or another
//	0f a2                    cpuid
//
//	83 REG IMM               add $1,%esi, or the like
//	89 REG                   mov %edi,%eax, or another
//	89 REG                   mov %esi,%ecx, or another
//	0f a2                    cpuid
//
//	b8 LEAF                  mov $LEAF,%eax
//	89 REG                   mov %esi,%ecx, or another
//	0f a2                    cpuid
//
//	c6 44 24 OFF IMM         movb $0,15(%rsp), or the like, or c7 and movl
//	0f a2                    cpuid
//
// whose trampolines look for leaf and subleaf in a table, and ask the processor for others. Other ways to ask,
// and other leaves, are the processor's affair. So many given bytes are no coincidence of data or of parts of other
// instructions. Who comes to a later instruction that is in the way of the jump by another
// way than the first finds no instruction, which cpuidPart makes good.
//
// Nothing traps at a CPUID, so files are searched, when their text is mapped for the second time, and what was
// found is kept: copies of pages, patched for all processes in the same way, with slots of their own in the page
// behind the others. A process that maps such a page compares the file's with the copy, and is given
// the copy and a trampoline for each slot, which depend on the address.

const (
	infoAt    = slotsAt + pageSize // slots of these sites
	infoTramp = trampAt + trampLen // and their trampolines
	infoSize  = 128                // of one
	infoAsk   = infoSize - 8 - 2   // where in it UD2 is, to which slots lead while the sentry is to be asked
	maxInfos  = 448

	// A table of answers is behind the slots: of leaves with subleaves, from 0 on.
	tableAt   = infoAt + 8*maxInfos
	tableSize = (pageSize - 8*maxInfos) / 16

	maxInfoFiles = 4096
	maxInfoPages = 1024
	mostInfo     = 16      // pages of a file
	maxInfoText  = 4 << 20 // larger files are not searched
)

// infoPage is a page of a file that has such places, or calls (known.go), and its patched copy.
type infoPage struct {
	off   uint64
	text  []byte // as it was found
	unit  int
	sites []*infoSite
	calls []*knownCall
}

// infos is what was found.
type infos struct {
	mu          sync.Mutex
	files       map[infoFile]*textFile
	pages       int
	noted       int                  // places from which calls came
	callSlots   [slotClasses]int     // given out
	slots, lows int                  // given out; they are used again, but not for two sites of one process
	table       [tableSize][4]uint32 // made for the first site that looks there
	tabled      bool
}

// infoUse is a site at an address in a process.
type infoUse struct {
	start uint64
	site  *infoSite
}

// hybrid tells whether processors differ from each other.
var hybrid = sync.OnceValue(func() bool {
	if last, _, _, _ := arch.CPUID(0, 0); last < 7 {
		return false
	}
	_, _, _, d := arch.CPUID(7, 0)
	return d&(1<<15) != 0
})

// findInfos returns the sites in a page.
func findInfos(b []byte) (sites []*infoSite) {
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte{0x0f, 0xa2})
		if n < 0 {
			return sites
		}
		i += n
		s := infoBefore(b[:i])
		if s == nil {
			s = looksBefore(b[:i])
		}
		if s != nil {
			s.at = uint64(i+2) - s.size
			sites = append(sites, s)
		}
		i += 2
	}
}

// giveSlot gives a site a slot. One with an instruction in the fourth byte of the jump has a slot whose address begins
// with a byte that is no instruction. mu is held.
func (q *infos) giveSlot(s *infoSite) {
	const row, low = 32, 12 // slots that differ in the first byte of the address; where it is 0x60
	if s.looks != nil {
		q.makeTable()
	}
	if s.lows {
		s.slot = q.lows*row%maxInfos + low
		q.lows++
		return
	}
	if q.slots%row == low {
		q.slots++
	}
	s.slot = q.slots % maxInfos
	q.slots++
}

// makeTable asks the processor for what sites look for. mu is held.
func (q *infos) makeTable() {
	if q.tabled {
		return
	}
	q.tabled = true
	for _, l := range tabledLeaves {
		for sub := range l.many {
			v := &q.table[l.first+sub]
			v[0], v[1], v[2], v[3] = arch.CPUID(uint32(l.leaf), uint32(sub))
		}
	}
}

// search finds the sites in a file. mu is held.
func (p *Platform) search(fd int) (found []*infoPage) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Size > maxInfoText {
		return nil
	}
	b := make([]byte, st.Size)
	if n, err := unix.Pread(fd, b, 0); err != nil || n != len(b) {
		return nil
	}
	q := &p.infos
	for off := 0; off+pageSize <= len(b); off += pageSize {
		sites := findInfos(b[off:][:pageSize])
		if len(sites) == 0 {
			continue
		}
		if q.pages == maxInfoPages || len(found) == mostInfo {
			break
		}
		unit, ok := p.takeCopy()
		if !ok {
			break
		}
		q.pages++
		for _, s := range sites {
			q.giveSlot(s)
		}
		g := &infoPage{off: uint64(off), text: bytes.Clone(b[off:][:pageSize]), unit: unit, sites: sites}
		g.patch(p.copies.page(unit))
		found = append(found, g)
	}
	return found
}

// patch writes the page with the jumps.
func (g *infoPage) patch(b []byte) {
	copy(b, g.text)
	for _, s := range g.sites {
		copy(b[s.at:], []byte{0xff, 0x24, 0x25})
		binary.LittleEndian.PutUint32(b[s.at+3:], uint32(infoAt+8*s.slot))
	}
	for _, c := range g.calls {
		c.patch(b)
	}
}

// use makes the trampolines of the sites and calls of a page at an address. It is false if slots are in use for others.
func (p *Platform) use(set *patchSet, page uint64, g *infoPage) bool {
	set.mu.Lock()
	defer set.mu.Unlock()
	for _, s := range g.sites {
		if u := set.infos[s.slot].Load(); u != nil && *u != (infoUse{page + s.at, s}) {
			return false
		}
	}
	if !set.free(page, g) {
		return false
	}
	p.useCalls(set, page, g)
	if len(g.sites) == 0 {
		return true
	}
	unit := p.tramps.patchUnit(set.unit)
	uses := make([]infoUse, len(g.sites))
	for i, s := range g.sites {
		if set.infos[s.slot].Load() != nil {
			continue
		}
		if s.looks != nil {
			p.infos.putTable(unit[pageSize+8*maxInfos:][:16*tableSize])
		}
		s.trampoline(unit[slotsSize+trampLen+s.slot*infoSize:][:infoSize], page+s.at+s.size)
		uses[i] = infoUse{page + s.at, s}
		set.infos[s.slot].Store(&uses[i])
	}
	p.leadInfos(set)
	return true
}

// leadInfos has the slots lead to the trampolines, or to where the sentry is asked. The set's mu is held.
func (p *Platform) leadInfos(set *patchSet) {
	to := uint64(infoTramp)
	if set.asked > 0 {
		to += infoAsk
	}
	for i := range set.infos {
		if set.infos[i].Load() != nil {
			p.tramps.setWord(set.unit, pageSize+8*i, to+uint64(i)*infoSize)
		}
	}
}

// askInfos counts the contexts that want to see what the application asks, since an interrupt finds it in trampolines only.
func (p *Platform) askInfos(set *patchSet, more int) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if set.asked += more; !set.freed {
		p.leadInfos(set)
	}
}

// putTable writes the table. It was made before there was a site that needs it.
func (q *infos) putTable(b []byte) {
	for i, v := range q.table {
		for k, x := range v {
			binary.LittleEndian.PutUint32(b[16*i+4*k:], x)
		}
	}
}

// infoIn returns the site in whose trampoline an address is, and where there.
func (s *process) infoIn(at uint64) (u *infoUse, off uint64) {
	set := s.patches.set.Load()
	if set == nil || at < infoTramp || at >= infoTramp+maxInfos*infoSize {
		return nil, 0
	}
	return set.infos[(at-infoTramp)/infoSize].Load(), (at - infoTramp) % infoSize
}

// infoStepped is stepped for these sites: one step has led to the trampoline, or has done its first instruction if nobody
// else can.
func (t *thread) infoStepped(trap *platform.Trap, r *arch.Registers) {
	u, off := t.proc.infoIn(r.Rip)
	if u == nil {
		return
	}
	switch first := u.site.parts[0]; {
	case (off == 0 || off == infoAsk) && first.do != nil:
		first.do(r)
	case off == 0 || off == infoAsk:
		r.Rip -= off
		*trap = platform.Trap{Kind: platform.Interrupted} // the next step is it
		return
	case off != first.size || first.do != nil:
		return
	}
	r.Rip = u.start + u.site.parts[0].size
	trap.Addr = r.Rip
}

// infoFault is for a fault of a trampoline's first instruction: it is the site's.
func (t *thread) infoFault(r *arch.Registers) {
	if u, off := t.proc.infoIn(r.Rip); u != nil && off == 0 {
		r.Rip = u.start
	}
}

// cpuidPart does an instruction of a site, at which the application is, or all of them if it is to ask.
func (t *thread) cpuidPart(trap *platform.Trap, r *arch.Registers) {
	if u, off := t.proc.infoIn(r.Rip); u != nil && off == infoAsk {
		u.site.answerAll(r, u.start)
		t.done(trap, r)
		return
	}
	for _, off := range []uint64{3, 5} {
		u := t.proc.infoAround(r.Rip - off)
		if u == nil {
			continue
		}
		if p := u.site.partAt(off); p != nil {
			p.do(r)
			r.Rip += p.size
			t.done(trap, r)
			return
		}
	}
}

// partAt returns the instruction that begins at an offset, nil if none does, or the first.
func (s *infoSite) partAt(off uint64) *part {
	at := uint64(0)
	for i := range s.parts {
		if at == off && i > 0 {
			return &s.parts[i]
		}
		at += s.parts[i].size
	}
	return nil
}

// answerAll does all instructions of a site that begins at start, or none if it cannot.
func (s *infoSite) answerAll(r *arch.Registers, start uint64) {
	r.Rip = start
	if s.parts[0].do == nil {
		return
	}
	for _, p := range s.parts {
		p.do(r)
		r.Rip += p.size
	}
}

// infoAround returns the site that begins at an address, nil if there is none.
func (s *process) infoAround(start uint64) *infoUse {
	set := s.patches.set.Load()
	if set == nil || start < minAddr || start >= maxAddr {
		return nil
	}
	s.patches.mu.Lock()
	defer s.patches.mu.Unlock()
	unit, patched := s.patches.pages[start&^(pageSize-1)]
	off := start & (pageSize - 1)
	if !patched || off > pageSize-7 {
		return nil
	}
	b := s.p.copies.page(unit)[off:]
	slot := binary.LittleEndian.Uint32(b[3:]) - infoAt
	if !bytes.Equal(b[:3], []byte{0xff, 0x24, 0x25}) || slot%8 != 0 || slot/8 >= maxInfos {
		return nil
	}
	if u := set.infos[slot/8].Load(); u != nil && u.start == start {
		return u
	}
	return nil
}

// infoSlots are a set's uses of the slots.
type infoSlots [maxInfos]atomic.Pointer[infoUse]
