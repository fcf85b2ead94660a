package kvm

import (
	"encoding/binary"
	"fmt"
)

// What lies in the upper half of every address space, for ring 0 alone. What it executes is HLT: an exception,
// or a call, gets to one of many of them, and KVM_RUN returns.
const (
	systemAt = 0xffffffff81000000
	stubsAt  = systemAt // of exception N at 16 * N
	idtAt    = systemAt + 1*pageSize
	gdtAt    = systemAt + 2*pageSize
	doorAt   = systemAt + 3*pageSize  // door.go
	slotsAt  = systemAt + 4*pageSize  // stub.go; for what ring 3 may read there is asks.go, too
	homesAt  = systemAt + 16*pageSize // two pages for each vCPU

	stubSize = 16
)

// entryAt is where SYSCALL goes on vCPU number id, stackAt its page of task state segment and stack.
func entryAt(id int) uint64 { return homesAt + uint64(id)*2*pageSize }
func stackAt(id int) uint64 { return entryAt(id) + pageSize }

// slotAt is where the stub of a slot lies that runs in ring 3, blockAt the page of its block, which each address space
// has its own of.
func slotAt(id int) uint64  { return slotsAt + uint64(id)*pageSize }
func blockAt(id int) uint64 { return blocksAt + uint64(id)*pageSize }

const blocksAt = 0xffffffffc0000000

// returnAt is where ring 0 of vCPU number id returns from a call.
func returnAt(id int) uint64 { return entryAt(id) + returnOffset }

const returnOffset = pageSize / 2

// Selectors, as Linux has them, which applications see.
const (
	kernelCS = 0x10
	kernelDS = 0x18
	userDS   = 0x2b
	userCS   = 0x33
	taskTR   = 0x40
)

// system is the upper half.
type system struct {
	m     *memory
	top   uint64 // frame of a table of its own
	entry uint64 // of the highest table
	table uint64 // frame of answers (asks.go)
}

func newSystem(m *memory) (system, error) {
	s := system{m: m}
	var errno error
	frame := func() uint64 {
		gpa, e := m.newFrame()
		if e != 0 {
			errno = e
		}
		return gpa
	}
	s.top, s.table = frame(), frame()
	stubs, idt, gdt := frame(), frame(), frame()
	if errno != nil {
		return s, fmt.Errorf("page tables: %w", errno)
	}
	fill(m.bytes(stubs)[:])
	fillIDT(m.table(idt))
	fillGDT(m.table(gdt))
	// Ring 3 may read that one, so that the tables above are for it, too: what lies behind is ring 0's, page by page.
	for at, page := range map[uint64]uint64{stubsAt: stubs, idtAt: idt | pteNX, gdtAt: gdt | pteNX, askTableAt: s.table | pteUser | pteNX} {
		if err := s.enter(at, page); err != nil {
			return s, err
		}
	}
	s.entry = m.table(s.top)[511]
	return s, nil
}

// fill fills code with HLT.
func fill(code []byte) {
	const hlt = 0xf4
	for i := range code {
		code[i] = hlt
	}
}

// enter makes a page there. Entries that others walk through change from absent to present only.
func (s *system) enter(at, page uint64) error {
	table := s.top
	for level := 3; level > 0; level-- {
		e := &s.m.table(table)[at>>(12+9*level)&511]
		if *e == 0 {
			frame, errno := s.m.newFrame()
			if errno != 0 {
				return fmt.Errorf("page tables: %w", errno)
			}
			*e = frame | ptePresent | pteWrite | pteAccessed
		}
		*e |= page & pteUser
		table = *e & pteAddr
	}
	s.m.table(table)[at>>12&511] = page | ptePresent | pteAccessed | pteDirty
	return nil
}

// fillIDT makes gates to the stubs. All switch to the vCPU's stack, whatever the stack pointer was: a
// debug exception may come between SYSCALL and the first instruction of ring 0.
func fillIDT(t *[512]uint64) {
	const interruptGate, present = 0xe, 0x80
	for i := range uint64(256) {
		at, access := uint64(stubsAt+stubSize*i), uint64(interruptGate|present)
		if i == vectorBP || i == vectorOF {
			access |= 3 << 5 // by INT3 and INTO of the application
		}
		const stack = 1
		t[2*i] = at&0xffff | kernelCS<<16 | stack<<32 | access<<40 | at>>16&0xffff<<48
		t[2*i+1] = at >> 32
	}
}

// fillGDT makes the segments, without one for 32-bit code.
func fillGDT(t *[512]uint64) {
	segment := func(selector, access, flags uint64) {
		t[selector>>3] = 0xffff | access<<40 | 0xf<<48 | flags<<52
	}
	segment(kernelCS, 0x9b, 0xa)
	segment(kernelDS, 0x93, 0xc)
	segment(userDS, 0xf3, 0xc)
	segment(userCS, 0xfb, 0xa)
}

const gdtLimit = 0x7f

// home is the pages of a vCPU.
type home struct {
	entry *[pageSize]byte // answers (answer.go), then HLT, and SYSRET at returnAt
	stack *stack
	block *block // in the same page
}

type stack = [512]uint64

// newHome makes the pages of vCPU number id.
func (s *system) newHome(id int) (home, error) {
	entry, errno := s.m.newFrame()
	if errno != 0 {
		return home{}, fmt.Errorf("entry: %w", errno)
	}
	page, errno := s.m.newFrame()
	if errno != 0 {
		return home{}, fmt.Errorf("stack: %w", errno)
	}
	fill(s.m.bytes(entry)[:])
	copy(s.m.bytes(entry)[returnOffset:], []byte{0x48, 0x0f, 0x07}) // sysretq
	tss := s.m.bytes(page)
	top := stackAt(id) + pageSize
	binary.LittleEndian.PutUint64(tss[4:], top)    // RSP0
	binary.LittleEndian.PutUint64(tss[0x24:], top) // IST1
	binary.LittleEndian.PutUint16(tss[0x66:], tssLimit+1)
	if err := s.enter(entryAt(id), entry); err != nil {
		return home{}, err
	}
	new(answers).write(s.m.bytes(entry)[:])
	copy(s.m.bytes(entry)[stubOffset:], newStub(entryAt(id)+stubOffset, stackAt(id)+blockOffset, 0).code)
	return home{s.m.bytes(entry), s.m.table(page), s.m.block(page)}, s.enter(stackAt(id), page|pteWrite|pteNX)
}

const tssLimit = 0x67

// frame is what the processor pushed on a stack: the error code or nothing, then these.
type frame struct{ code, rip, cs, rflags, rsp uint64 }

// frameOf reads it.
func frameOf(s *stack, withCode bool) (f frame) {
	const top = pageSize / 8
	if withCode {
		f.code = s[top-6]
	}
	f.rip, f.cs, f.rflags, f.rsp = s[top-5], s[top-4], s[top-3], s[top-2]
	return f
}
