package kvm

import (
	"encoding/binary"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// The stub hands a call over through memory, its block, without leaving the virtual machine, if the sentry looks at that
// meanwhile (far.go). Where SYSCALL gets to ring 0 the stub lies in the vCPU's entry page, behind the answers, and the block in
// its page of stack. Where it does not, the stub is a page of its own, to which SYSCALL goes while a context is far, and runs in ring 3; the
// block is memory of the application's, one for each address space.

// block is what the stub and the sentry hand over. Where ring 0 is emulated the application can write all of it at any time.
type block struct {
	state atomic.Uint32 // one of the below
	awake uint32        // 0: the stub is to leave at once
	looks uint32        // how often it looks at the state before it leaves
	_     uint32
	fs    uint64 // the segment bases
	gs    uint64
	regs  regs // but for RIP and RFLAGS, which are in RCX and R11
}

// States of a block. Whoever sees his own turn acts, then hands over.
const (
	blockRun  = 1 // the stub's turn: application code runs
	blockTrap = 2 // the sentry's turn: a call
	blockLeft = 3 // as blockTrap, and the vCPU stands behind the stub, where KVM_RUN has ended
)

// Offsets in a block.
const (
	offState = 0
	offAwake = 4
	offLooks = 8
	offFS    = 16
	offGS    = 24
	offRegs  = 32
)

// blockOffset is where a block lies in its page. The page's end is a stack, of ring 0 or of the stub.
const blockOffset = 0x200

// The numbers of general registers in instructions, in the order of struct kvm_regs.
var registers = []byte{0, 3, 1, 2, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15}

const rax, rsp = 0, 4

// stub is its code at an address. It changes no register before it lets the application go on but RAX, which is in the
// block before that.
type stub struct {
	code     []byte
	kept     int // offset behind what stores RAX
	spin     int // of where it looks at the state
	out, end int // and of what lets the application go on
}

// newStub makes the code for a block at that address, in the uppermost 2 GiB, as all that it names. door is where it leaves in ring 3; 0: it
// runs in ring 0, and leaves by HLT.
func newStub(at, block, door uint64) (s stub) {
	a := assembler{block: block}
	asleep := 0
	if door == 0 {
		a.memory([]byte{0x83}, 7, offAwake, 0) // cmpl $0,awake
		asleep = a.jump(je)
	}
	for i, r := range registers {
		a.move(store, r, offRegs+8*int32(i))
		if r == rax {
			s.kept = len(a.code)
		}
	}
	for base, off := range []int32{offFS, offGS} {
		a.emit(0xf3, 0x48, 0x0f, 0xae, 0xc0|byte(base)<<3) // rdfsbase %rax, rdgsbase %rax
		a.move(store, rax, off)
	}
	a.memory([]byte{0x8b}, rax, offLooks)                   // mov looks,%eax
	a.memory([]byte{0xc7}, 0, offState, blockTrap, 0, 0, 0) // movl $blockTrap,state
	s.spin = len(a.code)
	a.memory([]byte{0x83}, 7, offState, blockRun) // cmpl $blockRun,state
	out := a.jump(je)
	a.emit(0xf3, 0x90, 0xff, 0xc8) // pause ; dec %eax
	again := a.jump(jne)
	a.land(again, s.spin)
	a.move(load, rax, offRegs)
	if door == 0 { // RAX is as it was, too, where nobody was awake
		a.land(asleep, len(a.code))
		a.emit(0xf4, 0xf4) // hlt, which lies before out when it is done
	} else {
		a.land(a.jump(jmp), int(door-at))
	}
	s.out = len(a.code)
	a.land(out, s.out)
	a.move(load, rax, offRegs)
	if door == 0 {
		a.emit(0x48, 0x0f, 0x07) // sysretq
	} else {
		a.emit(0x48, 0xc7, 0xc4) // mov $end of the page,%rsp
		a.word(uint32(block&^(pageSize-1) + pageSize))
		a.emit(0x41, 0x53, 0x9d) // push %r11 ; popfq
		a.move(load, rsp, offRegs+6*8)
		a.emit(0xff, 0xe1) // jmp *%rcx
	}
	s.code, s.end = a.code, len(a.code)
	return s
}

// assembler makes machine code.
type assembler struct {
	block uint64
	code  []byte
}

// Opcodes of MOV and of jumps.
const (
	store = 0x89
	load  = 0x8b
	jmp   = 0xe9
	je    = 0x84
	jne   = 0x85
)

func (a *assembler) emit(b ...byte) { a.code = append(a.code, b...) }
func (a *assembler) word(v uint32)  { a.code = binary.LittleEndian.AppendUint32(a.code, v) }

// memory is an instruction on a word of the block, at an address that is a number of 32 bits with its sign.
func (a *assembler) memory(op []byte, reg byte, off int32, immediate ...byte) {
	a.emit(op...)
	a.emit(reg&7<<3|4, 0x25)
	a.word(uint32(a.block) + uint32(off))
	a.emit(immediate...)
}

// move is a MOV between a register and 64 bits of the block.
func (a *assembler) move(op, reg byte, off int32) {
	a.memory([]byte{0x48 | reg>>3<<2, op}, reg, off)
}

// jump is one to where land says. It returns where that is to be written.
func (a *assembler) jump(op byte) int {
	if op != jmp {
		a.emit(0x0f)
	}
	a.emit(op, 0, 0, 0, 0)
	return len(a.code) - 4
}

func (a *assembler) land(jump, at int) {
	binary.LittleEndian.PutUint32(a.code[jump:], uint32(at-jump-4))
}

// Where a vCPU stands.
type position int

const (
	elsewhere position = iota
	entering           // in the stub, with the registers of a call
	leaving            // in the stub, or behind it, with those that the application was to go on with
)

// where tells which it is, after KVM_RUN was interrupted.
func (l *slot) where(v *vcpu) position {
	n := v.run.regs.rip - l.at(v)
	if l.p.outside && v.run.regs.rip == doorAt { // and not yet through
		n = uint64(l.stub.spin)
	}
	switch ring0 := v.run.sregs.cs.dpl == 0; {
	case n >= uint64(l.stub.end) || ring0 == l.p.outside:
		return elsewhere
	case n >= uint64(l.stub.out) || n >= uint64(l.stub.spin) && l.block.state.Load() == blockRun: // said, and not yet seen
		return leaving
	}
	return entering
}

// stands tells whether KVM_RUN has ended since the stub has left.
func (l *slot) stands(v *vcpu, e unix.Errno) bool {
	if l.p.outside {
		return e == unix.EFAULT && v.run.regs.rip == doorAt
	}
	n := v.run.regs.rip - l.at(v)
	return e == 0 && v.run.reason == exitHLT && n >= uint64(l.stub.spin) && n < uint64(l.stub.out)
}

// read reads the registers of a call. The others stay as they are.
func (b *block) read(r *arch.Registers) {
	k := b.regs
	r.Rax, r.Rbx, r.Rcx, r.Rdx, r.Rsi, r.Rdi, r.Rsp, r.Rbp = k.rax, k.rbx, k.rcx, k.rdx, k.rsi, k.rdi, k.rsp, k.rbp
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = k.r8, k.r9, k.r10, k.r11, k.r12, k.r13, k.r14, k.r15
	r.FsBase, r.GsBase = b.fs, b.gs
	r.Cs, r.Ss = arch.UserCs, arch.UserDs
}
