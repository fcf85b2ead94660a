package kvm

import (
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/cpuid"
)

// trampSize is the room of a trampoline.
const trampSize = 128

// trampoline is the code that does what a site does. Where leaf and subleaf are in registers it looks for them in the table, with
// the flags in AX and the leaf in EDX meanwhile, ECX as it was and then an offset in the table in EBX, so that it can be told at
// each instruction what is to be done still (finish).
type trampoline struct {
	code                    []byte
	look, loads, ask, again uint64 // offsets: of what saves the flags; of loads of an answer; of what asks the processor; of its CPUID
}

// newTrampoline makes the code, which goes on at the address in ret.
func newTrampoline(s *cpuid.Site, ret uint64) (t trampoline) {
	a := &assembler{code: append(make([]byte, 0, trampSize), s.First...)}
	back := func() {
		a.emit(0xff, 0x24, 0x25) // jmp *ret
		a.word(uint32(ret))
	}
	if s.Looks == nil {
		for i, mov := range []byte{0xb8, 0xbb, 0xb9, 0xba} { // EAX, EBX, ECX, EDX
			a.emit(mov)
			a.word(s.Answer[i])
		}
		back()
		t.code = a.code
		return t
	}
	const jne, ja, jmp = 0x75, 0x77, 0xeb
	jump := func(how byte) int { a.emit(how, 0); return len(a.code) }
	here := func(from ...int) {
		for _, f := range from {
			a.code[f-1] = byte(len(a.code) - f)
		}
	}
	t.look = uint64(len(a.code))
	a.emit(0x89, 0xc2)       // mov %eax,%edx
	a.emit(0x9f)             // lahf
	a.emit(0x0f, 0x90, 0xc0) // seto %al
	var found, ask []int
	for _, l := range s.Looks {
		if l.ByCPU {
			continue
		}
		a.emit(0x83, 0xfa, l.Leaf) // cmp $leaf,%edx
		other := jump(jne)
		if l.Many > 1 {
			a.emit(0x83, 0xf9, l.Many-1) // cmp $most,%ecx
			ask = append(ask, jump(ja))
			a.emit(0x8d, 0x59, l.First) // lea first(%rcx),%ebx
		} else {
			a.emit(0xbb, l.First, 0, 0, 0) // mov $first,%ebx
		}
		found = append(found, jump(jmp))
		here(other)
	}
	ask = append(ask, jump(jmp))
	here(found...)
	a.emit(0xc1, 0xe3, 4)    // shl $4,%ebx
	a.emit(0x04, 0x7f, 0x9e) // add $127,%al; sahf
	t.loads = uint64(len(a.code))
	for i, modrm := range []byte{0x83, 0x8b, 0x93, 0x9b} { // mov table(%rbx),%eax, and ECX, EDX, EBX
		a.emit(0x8b, modrm)
		a.word(uint32(askTableAt&(1<<32-1) + []int{0, 8, 12, 4}[i]))
	}
	back()
	here(ask...)
	t.ask = uint64(len(a.code))
	a.emit(0x04, 0x7f, 0x9e) // add $127,%al; sahf
	a.emit(0x89, 0xd0)       // mov %edx,%eax
	t.again = uint64(len(a.code))
	a.emit(0x0f, 0xa2) // cpuid
	back()
	t.code = a.code
	return t
}

// finish does what is left of a site whose trampoline was interrupted off bytes behind its beginning.
func (a *askSite) finish(q *asks, r *arch.Registers, start, off uint64) {
	t := &a.tramp
	switch last := len(a.Parts) - 1; {
	case off == 0:
		r.Rip = start
		return
	case a.Looks == nil:
		for _, p := range a.Parts {
			p.Do(r)
		}
	case off < t.look:
		at := uint64(0)
		for _, p := range a.Parts[:last] {
			if at >= off {
				p.Do(r)
			}
			at += p.Size
		}
		a.Parts[last].Do(r)
	case off >= t.loads && off < t.ask:
		if i := uint32(r.Rbx) / 16; off < t.loads+4*6 && i < cpuid.TableSize {
			v := &q.table[i]
			r.Rax, r.Rbx, r.Rcx, r.Rdx = uint64(v[0]), uint64(v[1]), uint64(v[2]), uint64(v[3])
		}
	case off > t.again: // the processor has answered
	default:
		t.restore(r, off)
		a.Parts[last].Do(r)
	}
	r.Rip = start + a.Size
}

// restore makes EAX and the flags what they were when the trampoline began to look.
func (t *trampoline) restore(r *arch.Registers, off uint64) {
	const afterMov, afterLAHF, afterSAHF, overflow = 2, 3, 3, 1 << 11
	saved := r.Rax
	if off >= t.look+afterMov {
		r.Rax = uint64(uint32(r.Rdx))
	}
	if off <= t.look+afterLAHF || off >= t.ask+afterSAHF {
		return
	}
	flags := saved >> 8 & 0xff & arch.Arithmetic
	if al := byte(saved); al == 1 || al == 0x80 { // before the addition, and behind it
		flags |= overflow
	}
	r.Eflags = r.Eflags&^arch.Arithmetic | flags
}
