// Package cpuid finds places in text that ask the processor what it is, whose answers a platform may load instead.
package cpuid

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// Size is what a site has at least: as many bytes as a jump to where a given address of 32 bits says.
const Size = 7

// Asker says what the processor, as the application sees it, answers to a leaf and subleaf.
type Asker func(leaf, sub uint32) (a, b, c, d uint32)

// Site is a place at which a page of a file asks.
type Site struct {
	At    uint64 // its offset in the page
	Size  uint64 // of all instructions
	Parts []Part // the instructions
	Low   bool   // an instruction begins in its fourth byte

	First  []byte   // instructions before CPUID that have to be executed, as they were
	Looks  []Tabled // leaf and subleaf are in EAX and ECX then, and looked for among these in the table; nil:
	Answer [4]uint32
}

// Tabled is a leaf in a table of answers, and where there: of many subleaves, if it has any. ByCPU tells that the answer says on which
// processor it was asked for, so that there is a table for each.
type Tabled struct {
	Leaf, First, Many byte
	ByCPU             bool
}

// TableSize is how many answers there are.
const TableSize = 32

// TabledLeaves are all. One more would be too much for a trampoline that looks for any of unknown.
var (
	TabledLeaves = []Tabled{{13, 0, 13, false}, {4, 13, 8, false}, {2, 21, 1, false}, {0, 22, 1, false}, {0xb, 23, 3, true},
		{0x14, 26, 2, false}, {0x19, 28, 2, false}, {1, 30, 1, true}}
	unknown = TabledLeaves[:5]
)

// Part is an instruction of a site.
type Part struct {
	Size uint64
	Do   func(*arch.Registers) // nil: only the processor can
}

// ByCPU tells whether the site asks for what differs by processor, and for nothing else.
func (s *Site) ByCPU() bool { return len(s.Looks) == 1 && s.Looks[0].ByCPU }

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

// given returns the site whose CPUID is behind b, without its place, if the leaf is given.
func given(b []byte, ask Asker) *Site {
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
	if !ok {
		return nil
	}
	s := &Site{First: second}
	if i := tabled(leaf); i >= 0 && TabledLeaves[i].ByCPU && (second != nil || TabledLeaves[i].Many == 1) {
		s.First, s.Looks = bytes.Clone(b[len(b)-len(second)-5:]), TabledLeaves[i:i+1]
	} else if same, hasSub := sameEverywhere(leaf); same && (second != nil || !hasSub) {
		s.Answer = ask.answer(leaf, sub)
	} else {
		return nil
	}
	s.add(5, func(r *arch.Registers) { r.Rax = uint64(leaf) })
	switch len(second) {
	case 5:
		s.add(5, func(r *arch.Registers) { r.Rcx = uint64(sub) })
	case 2:
		s.add(2, clearECX)
	}
	s.add(2, ask.cpuid)
	return s
}

// givenBy is given for a leaf that comes by way of another register, and its first subleaf.
func givenBy(b []byte, ask Asker) *Site {
	const mov, ecx, size = 0xb8, 1, 5 + 2 + 2
	if len(b) < size {
		return nil
	}
	b = bytes.Clone(b[len(b)-size:])
	reg, leaf := int(b[0]&7), binary.LittleEndian.Uint32(b[1:])
	move, ok := moves(b[7:], 0, 0, b[0]&^7 == mov && reg != ecx && int(b[8]>>3&7) == reg && bytes.HasPrefix(b[5:], []byte{0x31, 0xc9}))
	if same, _ := sameEverywhere(leaf); !ok || !same {
		return nil
	}
	s := &Site{First: b, Answer: ask.answer(leaf, 0)}
	s.add(5, func(r *arch.Registers) { *register(r, reg) = uint64(leaf) })
	s.add(2, clearECX)
	s.add(2, move)
	s.add(2, ask.cpuid)
	return s
}

// clearECX is XOR.
func clearECX(r *arch.Registers) { r.Rcx, r.Eflags = 0, r.Eflags&^arch.Arithmetic|arch.ZeroFlags }

// tabled returns which of the leaves in the table one is, -1 if it is none.
func tabled(leaf uint32) int {
	return slices.IndexFunc(TabledLeaves, func(l Tabled) bool { return uint32(l.Leaf) == leaf })
}

// Table is what sites look for.
type Table [TableSize][4]uint32

// Fill asks for what differs by processor, or for the rest.
func (t *Table) Fill(ask Asker, byCPU bool) {
	for _, l := range TabledLeaves {
		for sub := range l.Many {
			if l.ByCPU == byCPU {
				t[l.First+sub] = ask.answer(uint32(l.Leaf), uint32(sub))
			}
		}
	}
}

// Put writes the table to b as trampolines read it: EAX, EBX, ECX and EDX of each answer.
func (t *Table) Put(b []byte) {
	for i, v := range t {
		for k, x := range v {
			binary.LittleEndian.PutUint32(b[16*i+4*k:], x)
		}
	}
}

// answer is all four registers.
func (ask Asker) answer(leaf, sub uint32) (v [4]uint32) {
	v[0], v[1], v[2], v[3] = ask(leaf, sub)
	return v
}

// add adds an instruction to a site.
func (s *Site) add(size uint64, do func(*arch.Registers)) {
	s.Parts = append(s.Parts, Part{size, do})
	s.Size += size
}

// cpuid is the instruction.
func (ask Asker) cpuid(r *arch.Registers) {
	a, b, c, d := ask(uint32(r.Rax), uint32(r.Rcx))
	r.Rax, r.Rbx, r.Rcx, r.Rdx = uint64(a), uint64(b), uint64(c), uint64(d)
}

// form is an instruction of a site that looks for its answer: its size, and what it does, of which it is told the bytes. do is
// nil if only the processor can do it.
type form struct {
	size int
	read func(b []byte) (do func(*arch.Registers), ok bool)
}

var (
	highToEAX   = form{3, func(b []byte) (func(*arch.Registers), bool) { return moves(b[1:], 8, 0, b[0] == 0x44) }}
	toEAX       = form{2, func(b []byte) (func(*arch.Registers), bool) { return moves(b, 0, 0, true) }}
	toECX       = form{2, func(b []byte) (func(*arch.Registers), bool) { return moves(b, 0, 1, true) }}
	plus        = form{3, adds}
	givenLeaf   = form{5, func(b []byte) (func(*arch.Registers), bool) { return nil, b[0] == 0xb8 }} // see looksBefore
	byteToStack = form{5, func(b []byte) (func(*arch.Registers), bool) { return nil, bytes.HasPrefix(b, []byte{0xc6, 0x44, 0x24}) }}
	longToStack = form{8, func(b []byte) (func(*arch.Registers), bool) { return nil, bytes.HasPrefix(b, []byte{0xc7, 0x44, 0x24}) }}
	longToFar   = form{11, func(b []byte) (func(*arch.Registers), bool) { return nil, bytes.HasPrefix(b, []byte{0xc7, 0x84, 0x24}) }}
	highToECX   = form{3, func(b []byte) (func(*arch.Registers), bool) { return moves(b[1:], 8, 1, b[0] == 0x44) }}
	sumToHigh   = form{4, sums}

	forms = [][]form{{highToEAX, toECX}, {plus, toEAX, toECX}, {highToECX, sumToHigh, highToEAX}, {givenLeaf, toECX},
		{byteToStack}, {longToStack}, {longToFar}}
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
		r.Eflags = r.Eflags&^arch.Arithmetic | arch.Sum(was, what)
	}, b[0] == 0x83 && b[1]&0xf8 == 0xc0
}

// sums is an instruction that puts the sum of a register and a byte into one from %r8d on.
func sums(b []byte) (func(*arch.Registers), bool) {
	const stack = 4 // stands for another encoding
	to, from, what := 8+int(b[2]>>3&7), int(b[2]&7), uint32(int8(b[3]))
	return func(r *arch.Registers) { *register(r, to) = uint64(uint32(*register(r, from)) + what) },
		b[0] == 0x44 && b[1] == 0x8d && b[2]&0xc0 == 0x40 && from != stack
}

// looksBefore is given for a leaf or subleaf that is in a register.
func looksBefore(b []byte, ask Asker) *Site {
next:
	for _, list := range forms {
		size := 0
		for _, f := range list {
			size += f.size
		}
		if len(b) < size {
			continue
		}
		s := &Site{Looks: unknown, First: bytes.Clone(b[len(b)-size:])}
		for _, f := range list {
			do, ok := f.read(s.First[s.Size:])
			if !ok {
				continue next
			}
			s.add(uint64(f.size), do)
		}
		if s.First[0] == 0xb8 && !s.looksFor(binary.LittleEndian.Uint32(s.First[1:])) {
			continue
		}
		s.add(2, ask.cpuid)
		s.Low = s.Parts[0].Size == 3
		return s
	}
	return nil
}

// looksFor says which leaf the first instruction loads, and whether that is in the table.
func (s *Site) looksFor(leaf uint32) bool {
	i := tabled(leaf)
	if i < 0 {
		return false
	}
	s.Looks = TabledLeaves[i : i+1]
	s.Parts[0].Do = func(r *arch.Registers) { r.Rax = uint64(leaf) }
	return true
}

// register is one by the processor's number for it.
func register(r *arch.Registers, n int) *uint64 {
	return [...]*uint64{&r.Rax, &r.Rcx, &r.Rdx, &r.Rbx, &r.Rsp, &r.Rbp, &r.Rsi, &r.Rdi,
		&r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15}[n]
}

// Find returns the sites in a page. It looks for the rarer byte of the instruction.
func Find(b []byte, ask Asker) (sites []*Site) {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 0xa2)
		if n < 0 {
			return sites
		}
		if i += n; i == 0 || b[i-1] != 0x0f {
			continue
		}
		s := given(b[:i-1], ask)
		if s == nil {
			s = givenBy(b[:i-1], ask)
		}
		if s == nil {
			s = looksBefore(b[:i-1], ask)
		}
		if s != nil {
			s.At = uint64(i+1) - s.Size
			sites = append(sites, s)
		}
	}
}

// PartAt returns the instruction that begins at an offset, nil if none does, or the first.
func (s *Site) PartAt(off uint64) *Part {
	at := uint64(0)
	for i := range s.Parts {
		if at == off && i > 0 {
			return &s.Parts[i]
		}
		at += s.Parts[i].Size
	}
	return nil
}

// DoAll does all instructions of a site that begins at start, or none if it cannot.
func (s *Site) DoAll(r *arch.Registers, start uint64) {
	r.Rip = start
	if s.Parts[0].Do == nil {
		return
	}
	for _, p := range s.Parts {
		p.Do(r)
		r.Rip += p.Size
	}
}

// Numbered tells whether RDPID says which processor it is executed on, as Linux does (arch/x86/entry/vdso).
var Numbered = sync.OnceValue(func() bool {
	if last, _, _, _ := arch.CPUID(0, 0); last < 7 {
		return false
	}
	_, _, c, _ := arch.CPUID(7, 0)
	return c&(1<<22) != 0
})

// Hybrid tells whether processors differ from each other.
var Hybrid = sync.OnceValue(func() bool {
	if last, _, _, _ := arch.CPUID(0, 0); last < 7 {
		return false
	}
	_, _, _, d := arch.CPUID(7, 0)
	return d&(1<<15) != 0
})
