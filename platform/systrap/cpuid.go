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
// the first seven bytes become a jump as in patch.go, to a trampoline that loads the answer. So they do in the loop over the
// states of the FPU that the C library has,
//
//	44 89 REG                mov %r12d,%eax, or another from %r8d on
//	89 REG                   mov %esi,%ecx, or another
//	0f a2                    cpuid
//
// whose trampoline looks for leaf 13 in a table, and asks the processor for others. Other ways to ask,
// and other leaves, are the processor's affair. So many given bytes, of which four are one of a dozen
// leaves, are no coincidence of data or of parts of other instructions. Who comes to the second or third instruction by another
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
	maxInfos  = 480

	// Answers for leaf 13, of stateSubs subleaves, are behind the slots.
	stateLeaf = 13
	stateSubs = (pageSize - 8*maxInfos) / 16
	stateAt   = infoAt + 8*maxInfos

	maxInfoFiles = 4096
	maxInfoPages = 1024
	mostInfo     = 16      // pages of a file
	maxInfoText  = 4 << 20 // larger files are not searched
)

// infoSite is a place at which a page of a file asks.
type infoSite struct {
	at     uint64 // offset of the jump in the page
	size   uint64 // of all instructions
	leaf   uint32
	second []byte // the instruction that sets ECX, nil if there is none
	sub    uint32
	answer [4]uint32
	slot   int

	// If regs: leaf and subleaf are in registers, which two instructions move.
	regs         bool
	move         []byte
	eaxIs, ecxIs int
}

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
	states      [stateSubs][4]uint32 // what leaf 13 says; made when lows is above 0
}

// infoUse is a site at an address in a process.
type infoUse struct {
	start uint64
	site  *infoSite
}

// sameEverywhere tells whether the answer is the same on all processors, and whether it depends on ECX.
func sameEverywhere(leaf uint32) (same, sub bool) {
	switch leaf {
	case 0, 0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006, 0x80000007, 0x80000008:
		return true, false
	case 4, 7, 0xd, 0x14, 0x19, 0x8000001d:
		return true, true
	}
	return false, false
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
			s = regsBefore(b[:i])
		}
		if s != nil {
			s.at = uint64(i+2) - s.size
			sites = append(sites, s)
		}
		i += 2
	}
}

// infoBefore returns the site whose CPUID is behind b, without its place and answer.
func infoBefore(b []byte) *infoSite {
	s := &infoSite{size: 2}
	mov := func(b []byte, reg byte) (uint32, bool) {
		if len(b) < 5 || b[len(b)-5] != reg {
			return 0, false
		}
		return binary.LittleEndian.Uint32(b[len(b)-4:]), true
	}
	const eax, ecx, manySubs = 0xb8, 0xb9, 64
	if sub, ok := mov(b, ecx); ok && sub < manySubs {
		if _, ok := mov(b[:len(b)-5], eax); ok {
			s.sub, s.second = sub, b[len(b)-5:]
		}
	} else if bytes.HasSuffix(b, []byte{0x31, 0xc9}) {
		s.second = b[len(b)-2:]
	}
	s.second = bytes.Clone(s.second)
	s.size += uint64(len(s.second)) + 5
	leaf, ok := mov(b[:len(b)-len(s.second)], eax)
	s.leaf = leaf
	if same, sub := sameEverywhere(leaf); !ok || !same || sub && s.second == nil {
		return nil
	}
	return s
}

// regsBefore is infoBefore for what is in registers.
func regsBefore(b []byte) *infoSite {
	const both, ofEAX, ofECX = 0xc7, 0xc0, 0xc1 // of ModRM: what is moved, and to where
	n := len(b) - 5
	if n < 0 || b[n] != 0x44 || b[n+1] != 0x89 || b[n+2]&both != ofEAX || b[n+3] != 0x89 || b[n+4]&both != ofECX {
		return nil
	}
	return &infoSite{size: 7, regs: true, move: bytes.Clone(b[n:]), eaxIs: 8 + int(b[n+2]>>3&7), ecxIs: int(b[n+4] >> 3 & 7)}
}

// giveSlot gives a site a slot. One with the second instruction in the fourth byte of the jump has a slot whose address begins
// with a byte that is no instruction. mu is held.
func (q *infos) giveSlot(s *infoSite) {
	const row, low = 32, 12 // slots that differ in the first byte of the address; where it is 0x60
	if s.regs {
		if q.lows == 0 {
			for i := range q.states {
				v := &q.states[i]
				v[0], v[1], v[2], v[3] = arch.CPUID(stateLeaf, uint32(i))
			}
		}
		s.slot = q.lows*row%maxInfos + low
		q.lows++
		return
	}
	s.answer[0], s.answer[1], s.answer[2], s.answer[3] = arch.CPUID(s.leaf, s.sub)
	if q.slots%row == low {
		q.slots++
	}
	s.slot = q.slots % maxInfos
	q.slots++
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
		if s.regs {
			p.infos.putStates(unit[pageSize+8*maxInfos:][:16*stateSubs])
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

// putStates writes the answers for leaf 13. They were made before there was a site that needs them.
func (q *infos) putStates(b []byte) {
	for i, v := range q.states {
		for k, x := range v {
			binary.LittleEndian.PutUint32(b[16*i+4*k:], x)
		}
	}
}

// trampoline writes the code that loads the answer and goes on at ret. No instruction but the second of the site changes flags.
func (s *infoSite) trampoline(b []byte, ret uint64) {
	c := &code{b: b}
	back := func() {
		c.put(0xff, 0x25) // jmp *: the last word
		c.put32(uint32(infoSize - 8 - c.n - 4))
	}
	if s.regs {
		s.lookUp(c, back)
	} else {
		c.put(s.second...)
		for i, mov := range []byte{0xb8, 0xbb, 0xb9, 0xba} { // EAX, EBX, ECX, EDX
			c.put(mov)
			c.put32(s.answer[i])
		}
		back()
	}
	copy(b[infoAsk:], []byte{0x0f, 0x0b})
	binary.LittleEndian.PutUint64(b[infoSize-8:], ret)
}

// lookUp is the trampoline of a site whose leaf is in a register. Flags are in AX, the leaf in EDX meanwhile.
func (s *infoSite) lookUp(c *code, back func()) {
	const found, end = 3 + 6 + 3 + 2 + 3 + 3 + 3 + 6, 3 + 2 // bytes
	c.put(s.move...)
	c.put(0x89, 0xc2)              // mov %eax,%edx
	c.put(0x9f)                    // lahf
	c.put(0x0f, 0x90, 0xc0)        // seto %al
	c.put(0x83, 0xfa, stateLeaf)   // cmp $13,%edx
	c.put(0x75, end+found)         // jne: ask
	c.put(0x83, 0xf9, stateSubs-1) // cmp $15,%ecx
	c.put(0x77, found)             // ja: ask
	c.put(0xc1, 0xe1, 4)           // shl $4,%ecx
	c.put(0x8d, 0x99)              // lea states(%rcx),%ebx
	c.put32(stateAt)
	c.put(0x04, 0x7f, 0x9e) // add $127,%al; sahf
	c.put(0x8b, 0x03)       // mov (%rbx),%eax
	c.put(0x8b, 0x4b, 8)    // mov 8(%rbx),%ecx
	c.put(0x8b, 0x53, 12)   // mov 12(%rbx),%edx
	c.put(0x8b, 0x5b, 4)    // mov 4(%rbx),%ebx
	back()
	c.put(0x04, 0x7f, 0x9e) // add $127,%al; sahf
	c.put(0x89, 0xd0)       // mov %edx,%eax
	c.put(0x0f, 0xa2)       // cpuid
	back()
}

// infoIn returns the site in whose trampoline an address is, and where there.
func (s *process) infoIn(at uint64) (u *infoUse, off uint64) {
	set := s.patches.set.Load()
	if set == nil || at < infoTramp || at >= infoTramp+maxInfos*infoSize {
		return nil, 0
	}
	return set.infos[(at-infoTramp)/infoSize].Load(), (at - infoTramp) % infoSize
}

// infoStepped is stepped for these sites: one step has done the first instruction.
func (t *thread) infoStepped(trap *platform.Trap, r *arch.Registers) {
	u, off := t.proc.infoIn(r.Rip)
	if u == nil || off != 0 && off != infoAsk {
		return
	}
	if s := u.site; s.regs {
		r.Rax, r.Rip = uint64(uint32(*register(r, s.eaxIs))), u.start+toECX
	} else {
		r.Rax, r.Rip = uint64(s.leaf), u.start+toSecond
	}
	trap.Addr = r.Rip
}

// Where the second instruction of a site is: if the first moves an immediate, and if it moves a register, behind which
// the third is where the second of the others is.
const (
	toSecond = 5
	toECX    = 3
)

// register is one by the processor's number for it.
func register(r *arch.Registers, n int) *uint64 {
	return [...]*uint64{&r.Rax, &r.Rcx, &r.Rdx, &r.Rbx, &r.Rsp, &r.Rbp, &r.Rsi, &r.Rdi,
		&r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15}[n]
}

// cpuidPart does the second or third instruction of a site, at which the application is, or all of them if it is
// to ask.
func (t *thread) cpuidPart(trap *platform.Trap, r *arch.Registers) {
	if u, off := t.proc.infoIn(r.Rip); u != nil && off == infoAsk {
		t.answer(u, r)
		t.done(trap, r)
		return
	}
	u, atECX := t.proc.infoAround(r.Rip-toSecond), false
	if u == nil {
		u, atECX = t.proc.infoAround(r.Rip-toECX), true
	}
	if u == nil || atECX && !u.site.regs {
		return
	}
	switch s := u.site; {
	case atECX:
		r.Rcx = uint64(uint32(*register(r, s.ecxIs)))
		r.Rip += toSecond - toECX
	case s.regs, s.second == nil:
		a, b, c, d := arch.CPUID(uint32(r.Rax), uint32(r.Rcx))
		r.Rax, r.Rbx, r.Rcx, r.Rdx = uint64(a), uint64(b), uint64(c), uint64(d)
		r.Rip += 2
	default:
		if r.Rcx = uint64(s.sub); len(s.second) == 2 {
			r.Eflags = r.Eflags&^arithmetic | flagZF | flagPF
		}
		r.Rip += uint64(len(s.second))
	}
	t.done(trap, r)
}

// answer does all instructions of a site.
func (t *thread) answer(u *infoUse, r *arch.Registers) {
	s := u.site
	leaf, sub := s.leaf, uint32(r.Rcx)
	switch {
	case s.regs:
		leaf = uint32(*register(r, s.eaxIs))
		if sub = uint32(*register(r, s.ecxIs)); s.ecxIs == 0 {
			sub = leaf
		}
	case s.second != nil:
		if sub = s.sub; len(s.second) == 2 {
			r.Eflags = r.Eflags&^arithmetic | flagZF | flagPF
		}
	}
	a, b, c, d := arch.CPUID(leaf, sub)
	r.Rax, r.Rbx, r.Rcx, r.Rdx = uint64(a), uint64(b), uint64(c), uint64(d)
	r.Rip = u.start + s.size
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
