package systrap

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// How places that ask are told (cpuid.go says which there are), and what runs instead of them.

// infoSite is a place at which a page of a file asks.
type infoSite struct {
	at    uint64 // offset of the jump in the page
	size  uint64 // of all instructions
	parts []part // the instructions
	slot  int
	lows  bool // an instruction begins in the fourth byte of the jump

	first  []byte   // of the trampoline: instructions, as they were
	looks  []tabled // leaf and subleaf are in EAX and ECX then, and looked for among these in the table;
	answer [4]uint32
}

// tabled is a leaf in the table of answers, and where there: of many subleaves, if it has any.
type tabled struct{ leaf, first, many byte }

// tabledLeaves are all. One more would be too much for a trampoline that looks for any of unknown.
var (
	tabledLeaves = []tabled{{13, 0, 16}, {4, 16, 8}, {2, 24, 1}, {0, 25, 1}, {0x14, 26, 2}, {0x19, 28, 2}}
	unknown      = tabledLeaves[:4]
)

// part is an instruction of a site.
type part struct {
	size uint64
	do   func(*arch.Registers) // nil: only the processor can
}

// sameEverywhere tells whether the answer is the same on all processors, and whether it depends on ECX.
func sameEverywhere(leaf uint32) (same, sub bool) {
	switch leaf {
	case 0, 2, 0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006, 0x80000007, 0x80000008:
		return true, false
	case 4, 7, 0xd, 0x14, 0x19, 0x8000001d:
		return true, true
	}
	return false, false
}

// infoBefore returns the site whose CPUID is behind b, without its place, if the leaf is given.
func infoBefore(b []byte) *infoSite {
	mov := func(b []byte, reg byte) (uint32, bool) {
		if len(b) < 5 || b[len(b)-5] != reg {
			return 0, false
		}
		return binary.LittleEndian.Uint32(b[len(b)-4:]), true
	}
	const eax, ecx, manySubs = 0xb8, 0xb9, 64
	var second []byte
	sub, ok := mov(b, ecx)
	if ok = ok && sub < manySubs; ok {
		_, ok = mov(b[:len(b)-5], eax)
	}
	if ok {
		second = bytes.Clone(b[len(b)-5:])
	} else if sub = 0; bytes.HasSuffix(b, []byte{0x31, 0xc9}) {
		second = []byte{0x31, 0xc9}
	}
	leaf, ok := mov(b[:len(b)-len(second)], eax)
	if same, hasSub := sameEverywhere(leaf); !ok || !same || hasSub && second == nil {
		return nil
	}
	s := &infoSite{first: second}
	s.answer[0], s.answer[1], s.answer[2], s.answer[3] = arch.CPUID(leaf, sub)
	s.add(5, func(r *arch.Registers) { r.Rax = uint64(leaf) })
	switch len(second) {
	case 5:
		s.add(5, func(r *arch.Registers) { r.Rcx = uint64(sub) })
	case 2:
		s.add(2, func(r *arch.Registers) { r.Rcx, r.Eflags = 0, r.Eflags&^arithmetic|flagZF|flagPF })
	}
	s.add(2, cpuid)
	return s
}

// add adds an instruction to a site.
func (s *infoSite) add(size uint64, do func(*arch.Registers)) {
	s.parts = append(s.parts, part{size, do})
	s.size += size
}

// cpuid is the instruction.
func cpuid(r *arch.Registers) {
	a, b, c, d := arch.CPUID(uint32(r.Rax), uint32(r.Rcx))
	r.Rax, r.Rbx, r.Rcx, r.Rdx = uint64(a), uint64(b), uint64(c), uint64(d)
}

// infoForm is an instruction of a site that looks for its answer: its size, and what it does, of which it is told the bytes. do is
// nil if only the processor can do it.
type infoForm struct {
	size int
	read func(b []byte) (do func(*arch.Registers), ok bool)
}

var (
	highToEAX   = infoForm{3, func(b []byte) (func(*arch.Registers), bool) { return moves(b[1:], 8, 0, b[0] == 0x44) }}
	toEAX       = infoForm{2, func(b []byte) (func(*arch.Registers), bool) { return moves(b, 0, 0, true) }}
	toECX       = infoForm{2, func(b []byte) (func(*arch.Registers), bool) { return moves(b, 0, 1, true) }}
	plus        = infoForm{3, adds}
	givenLeaf   = infoForm{5, func(b []byte) (func(*arch.Registers), bool) { return nil, b[0] == 0xb8 }} // see looksBefore
	byteToStack = infoForm{5, func(b []byte) (func(*arch.Registers), bool) { return nil, bytes.HasPrefix(b, []byte{0xc6, 0x44, 0x24}) }}
	longToStack = infoForm{8, func(b []byte) (func(*arch.Registers), bool) { return nil, bytes.HasPrefix(b, []byte{0xc7, 0x44, 0x24}) }}

	infoForms = [][]infoForm{{highToEAX, toECX}, {plus, toEAX, toECX}, {givenLeaf, toECX}, {byteToStack}, {longToStack}}
)

// moves is an instruction that moves a register, of those from a number on, to one, of which b has the last two bytes.
func moves(b []byte, first, to int, ok bool) (func(*arch.Registers), bool) {
	from := first + int(b[1]>>3&7)
	return func(r *arch.Registers) { *register(r, to) = uint64(uint32(*register(r, from))) }, ok && b[0] == 0x89 && b[1]&0xc7 == 0xc0|byte(to)
}

// adds is an instruction that adds a byte to a register.
func adds(b []byte) (func(*arch.Registers), bool) {
	to, what := int(b[1]&7), uint32(int8(b[2]))
	return func(r *arch.Registers) {
		was := uint32(*register(r, to))
		*register(r, to) = uint64(was + what)
		r.Eflags = r.Eflags&^arithmetic | sum(was, what)
	}, b[0] == 0x83 && b[1]&0xf8 == 0xc0
}

// looksBefore is infoBefore for a leaf or subleaf that is in a register.
func looksBefore(b []byte) *infoSite {
next:
	for _, list := range infoForms {
		size := 0
		for _, f := range list {
			size += f.size
		}
		if len(b) < size {
			continue
		}
		s := &infoSite{looks: unknown, first: bytes.Clone(b[len(b)-size:])}
		for _, f := range list {
			do, ok := f.read(s.first[s.size:])
			if !ok {
				continue next
			}
			s.add(uint64(f.size), do)
		}
		if s.first[0] == 0xb8 && !s.given(binary.LittleEndian.Uint32(s.first[1:])) {
			continue
		}
		s.add(2, cpuid)
		s.lows = s.parts[0].size == 3
		return s
	}
	return nil
}

// given says which leaf the first instruction loads, and whether that is in the table.
func (s *infoSite) given(leaf uint32) bool {
	i := slices.IndexFunc(tabledLeaves, func(l tabled) bool { return uint32(l.leaf) == leaf })
	if i < 0 {
		return false
	}
	s.looks = tabledLeaves[i : i+1]
	s.parts[0].do = func(r *arch.Registers) { r.Rax = uint64(leaf) }
	return true
}

// trampoline writes the code that loads the answer and goes on at ret. No instruction but the site's own changes flags.
func (s *infoSite) trampoline(b []byte, ret uint64) {
	c := &code{b: b}
	c.put(s.first...)
	if s.looks != nil {
		c.lookUp(s.looks)
	} else {
		for i, mov := range []byte{0xb8, 0xbb, 0xb9, 0xba} { // EAX, EBX, ECX, EDX
			c.put(mov)
			c.put32(s.answer[i])
		}
		c.infoBack()
	}
	copy(b[infoAsk:], []byte{0x0f, 0x0b})
	binary.LittleEndian.PutUint64(b[infoSize-8:], ret)
}

// infoBack jumps to the address in the last word.
func (c *code) infoBack() {
	c.put(0xff, 0x25)
	c.put32(uint32(infoSize - 8 - c.n - 4))
}

// lookUp puts the answer for the leaf in EAX and the subleaf in ECX into the registers. Flags are in AX, the leaf in EDX meanwhile.
func (c *code) lookUp(leaves []tabled) {
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
		c.put(0x83, 0xfa, l.leaf) // cmp $leaf,%edx
		other := jump(jne)
		if _, subs := sameEverywhere(uint32(l.leaf)); subs {
			c.put(0x83, 0xf9, l.many-1) // cmp $most,%ecx
			ask = append(ask, jump(ja))
			c.put(0x83, 0xc1, l.first) // add $first,%ecx
		} else {
			c.put(0xb9, l.first, 0, 0, 0) // mov $first,%ecx
		}
		found = append(found, jump(jmp))
		here(other)
	}
	ask = append(ask, jump(jmp))
	here(found...)
	c.put(0xc1, 0xe1, 4) // shl $4,%ecx
	c.put(0x8d, 0x99)    // lea table(%rcx),%ebx
	c.put32(tableAt)
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

// register is one by the processor's number for it.
func register(r *arch.Registers, n int) *uint64 {
	return [...]*uint64{&r.Rax, &r.Rcx, &r.Rdx, &r.Rbx, &r.Rsp, &r.Rbp, &r.Rsi, &r.Rdi,
		&r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15}[n]
}
