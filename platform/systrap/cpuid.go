package systrap

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/cpuid"
	"github.com/seed-7423c386/runsc/platform/handoff"
)

// In a virtual machine CPUID is done by the hypervisor, which takes 10 µs and more, and a C library asks forty
// times when a program starts: more than all else that execve(2) costs. So where text of a file asks for a leaf
// that says the same on all processors, or only on which it was asked beside that,
//
//	b8 LEAF                  mov $LEAF,%eax
//	[31 c9 | b9 SUBLEAF]     xor %ecx,%ecx or mov $SUBLEAF,%ecx
//	0f a2                    cpuid
//
//	be LEAF                  mov $LEAF,%esi, or another
//	31 c9                    xor %ecx,%ecx
//	89 REG                   mov %esi,%eax, or the other
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
//	44 89 REG                mov %r8d,%ecx, or another
//	44 8d REG IMM            lea 1(%rcx),%r8d, or the like
//	44 89 REG                mov %r13d,%eax, or another
//	0f a2                    cpuid
//
//	b8 LEAF                  mov $LEAF,%eax
//	89 REG                   mov %esi,%ecx, or another
//	0f a2                    cpuid
//
//	c6 44 24 OFF IMM         movb $0,15(%rsp), or the like, or c7 and movl, or c7 84 24 and an offset of 32 bits
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
	infoSize  = 160                // of one
	infoAsk   = infoSize - 8 - 2   // where in it UD2 is, to which slots lead while the sentry is to be asked
	maxInfos  = pageSize / 8

	// Tables of answers are at answersAt, one for each of so many processors, of which the first also has what all answer. RDPID
	// tells which is whose: what it says may have changed when the answer is there, as it may have behind a CPUID.
	mostAnswer  = 32
	tableShift  = 5 // TableSize is 1<<5
	answersSize = mostAnswer << tableShift * 16

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
	noted       int              // places from which calls came
	callSlots   [slotClasses]int // given out
	slots, lows int              // given out; they are used again, but not for two sites of one process
	tabled      bool             // for the first site that looks there
	first       int              // number of the processor of the first table
	tables      int              // that can be told by RDPID: of processors from that number on
}

// infoSite is a place at which a page of a file asks.
type infoSite struct {
	*cpuid.Site
	slot int
	code [infoSize]byte // its trampoline, but for where that goes on
}

// infoUse is a site at an address in a process.
type infoUse struct {
	start uint64
	site  *infoSite
}

// findInfos returns the sites in a page.
func findInfos(b []byte) (sites []*infoSite) {
	for _, s := range cpuid.Find(b, arch.CPUID) {
		sites = append(sites, &infoSite{Site: s})
	}
	return sites
}

// giveSlot gives a site a slot. One with an instruction in the fourth byte of the jump has a slot whose address begins
// with a byte that is no instruction. mu is held.
func (q *infos) giveSlot(s *infoSite) {
	const row, low = 32, 12 // slots that differ in the first byte of the address; where it is 0x60
	if s.Low {
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

// ask asks the processors for what sites look for. infos.mu is held.
func (p *Platform) ask() {
	q := &p.infos
	if q.tabled {
		return
	}
	q.tabled = true
	var t cpuid.Table
	t.Fill(arch.CPUID, false)
	p.putTable(0, &t)
	if !cpuid.Numbered() {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	q.first = p.cpus.numbers[0]
	for i, n := range p.cpus.numbers[:min(len(p.cpus.numbers), mostAnswer)] {
		if p.cpus.bindSelf(i); n != q.first+i || handoff.Processor() != n {
			return
		}
		t.Fill(arch.CPUID, true)
		p.putTable(i, &t)
		q.tables++
	}
}

// putTable writes the table of a processor.
func (p *Platform) putTable(i int, t *cpuid.Table) {
	const size = 16 << tableShift
	t.Put(p.answers.page(i * size / pageSize)[i*size%pageSize:])
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
		p.ask()
		for _, s := range sites {
			q.giveSlot(s)
			s.assemble(q)
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
		copy(b[s.At:], []byte{0xff, 0x24, 0x25})
		binary.LittleEndian.PutUint32(b[s.At+3:], uint32(infoAt+8*s.slot))
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
		if u := set.infos[s.slot].Load(); u != nil && *u != (infoUse{page + s.At, s}) {
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
		b := unit[slotsSize+trampLen+s.slot*infoSize:][:infoSize]
		copy(b, s.code[:infoSize-8])
		binary.LittleEndian.PutUint64(b[infoSize-8:], page+s.At+s.Size)
		uses[i] = infoUse{page + s.At, s}
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
	switch first := u.site.Parts[0]; {
	case (off == 0 || off == infoAsk) && first.Do != nil:
		first.Do(r)
	case off == 0 || off == infoAsk:
		r.Rip -= off
		*trap = platform.Trap{Kind: platform.Interrupted} // the next step is it
		return
	case off != first.Size || first.Do != nil:
		return
	}
	r.Rip = u.start + u.site.Parts[0].Size
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
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t.join()
	if u, off := t.proc.infoIn(r.Rip); u != nil && off == infoAsk {
		u.site.DoAll(r, u.start)
		t.done(trap, r)
		return
	}
	for _, off := range []uint64{3, 5} {
		u := t.proc.infoAround(r.Rip - off)
		if u == nil {
			continue
		}
		if p := u.site.PartAt(off); p != nil {
			p.Do(r)
			r.Rip += p.Size
			t.done(trap, r)
			return
		}
	}
}

// join has the caller go to where the thread runs, or may: CPUID says on which processor it is executed.
func (t *thread) join() {
	p := &t.proc.p.cpus
	switch {
	case t.cpu >= 0:
		p.bindSelf(t.cpu)
	case t.bound != nil && len(*t.bound) > 0:
		p.bindSelf(p.index[(*t.bound)[0]%len(p.index)])
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

// assemble writes the code that loads the answer. No instruction but the site's own changes flags.
func (s *infoSite) assemble(q *infos) {
	c := &code{b: s.code[:]}
	c.put(s.First...)
	if s.Looks != nil {
		c.lookUp(s.Looks, q.first, q.tables)
	} else {
		for i, mov := range []byte{0xb8, 0xbb, 0xb9, 0xba} { // EAX, EBX, ECX, EDX
			c.put(mov)
			c.put32(s.Answer[i])
		}
		c.infoBack()
	}
	copy(s.code[infoAsk:], []byte{0x0f, 0x0b})
}

// infoBack jumps to the address in the last word.
func (c *code) infoBack() {
	c.put(0xff, 0x25)
	c.put32(uint32(infoSize - 8 - c.n - 4))
}

// lookUp puts the answer for the leaf in EAX and the subleaf in ECX into the registers. Flags are in AX, the leaf in EDX meanwhile.
// What differs by processor is in so many tables, of processors from the first on.
func (c *code) lookUp(leaves []cpuid.Tabled, first, tables int) {
	const jne, ja, jmp = 0x75, 0x77, 0xeb
	jump := func(how byte) int { c.put(how, 0); return c.n }
	here := func(from ...int) {
		for _, f := range from {
			c.b[f-1] = byte(c.n - f)
		}
	}
	var found, ask []int
	c.put(0x89, 0xc2)       // mov %eax,%edx
	c.put(0x9f)             // lahf
	c.put(0x0f, 0x90, 0xc0) // seto %al
	for _, l := range leaves {
		if l.ByCPU && tables == 0 {
			continue
		}
		c.put(0x83, 0xfa, l.Leaf) // cmp $leaf,%edx
		other := jump(jne)
		if l.ByCPU {
			c.put(0xf3, 0x0f, 0xc7, 0xfb) // rdpid %rbx
			c.put(0x81, 0xeb)             // sub $first,%ebx
			c.put32(uint32(first))
			c.put(0x83, 0xfb, byte(tables-1)) // cmp $last,%ebx
			ask = append(ask, jump(ja))
			c.put(0xc1, 0xe3, tableShift) // shl $shift,%ebx
		}
		if l.Many > 1 {
			c.put(0x83, 0xf9, l.Many-1) // cmp $most,%ecx
			ask = append(ask, jump(ja))
			c.put(0x83, 0xc1, l.First) // add $first,%ecx
		} else {
			c.put(0xb9, l.First, 0, 0, 0) // mov $first,%ecx
		}
		if l.ByCPU {
			c.put(0x01, 0xd9) // add %ebx,%ecx
		}
		found = append(found, jump(jmp))
		here(other)
	}
	ask = append(ask, jump(jmp))
	here(found...)
	c.put(0xc1, 0xe1, 4) // shl $4,%ecx
	c.put(0x8d, 0x99)    // lea table(%rcx),%ebx
	c.put32(answersAt)
	c.put(0x04, 0x7f, 0x9e) // add $127,%al; sahf
	c.put(0x8b, 0x03)       // mov (%rbx),%eax
	c.put(0x8b, 0x4b, 8)    // mov 8(%rbx),%ecx
	c.put(0x8b, 0x53, 12)   // mov 12(%rbx),%edx
	c.put(0x8b, 0x5b, 4)    // mov 4(%rbx),%ebx
	c.infoBack()
	here(ask...)
	c.put(0x04, 0x7f, 0x9e) // add $127,%al; sahf
	c.put(0x89, 0xd0)       // mov %edx,%eax
	c.put(0x0f, 0xa2)       // cpuid
	c.infoBack()
}
