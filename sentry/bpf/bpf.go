// Package bpf checks and runs classic BPF programs as seccomp filters use them
// (seccomp(2), kernel/seccomp.c seccomp_check_filter, net/core/filter.c
// bpf_check_classic). A program has no loops, so it always ends; Check refuses whatever could
// fault, so Run cannot.
package bpf

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Insn is struct sock_filter.
type Insn struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

// MaxInsns is BPF_MAXINSNS.
const MaxInsns = 4096

// DataSize is the size of struct seccomp_data.
const DataSize = 64

// Instruction codes that seccomp allows (include/uapi/linux/bpf_common.h). ld and ldx here
// are of 32-bit words, from the data (abs), the scratch memory, constants and the length.
const (
	ldAbs, ldLen, ldImm, ldMem = 0x20, 0x80, 0x00, 0x60
	ldxLen, ldxImm, ldxMem     = 0x81, 0x01, 0x61
	st, stx                    = 0x02, 0x03
	retK, retA                 = 0x06, 0x16
	tax, txa                   = 0x07, 0x87
	ja                         = 0x05
	jeqK, jeqX                 = 0x15, 0x1d
	jgtK, jgtX                 = 0x25, 0x2d
	jgeK, jgeX                 = 0x35, 0x3d
	jsetK, jsetX               = 0x45, 0x4d
	addK, addX                 = 0x04, 0x0c
	subK, subX                 = 0x14, 0x1c
	mulK, mulX                 = 0x24, 0x2c
	divK, divX                 = 0x34, 0x3c
	orK, orX                   = 0x44, 0x4c
	andK, andX                 = 0x54, 0x5c
	lshK, lshX                 = 0x64, 0x6c
	rshK, rshX                 = 0x74, 0x7c
	neg                        = 0x84
	xorK, xorX                 = 0xa4, 0xac
)

const memWords = 16

// Program is a checked program.
type Program []Insn

// Parse decodes struct sock_filter instructions, 8 bytes each in host byte order, and checks
// them.
func Parse(b []byte) (Program, linux.Errno) {
	if len(b)%8 != 0 {
		return nil, linux.EINVAL
	}
	p := make(Program, len(b)/8)
	for i := range p {
		e := b[i*8:]
		p[i] = Insn{binary.LittleEndian.Uint16(e), e[2], e[3], binary.LittleEndian.Uint32(e[4:])}
	}
	return p, p.Check()
}

// Check gives EINVAL for a program that Linux would refuse: empty or too long, an unknown
// instruction, a load outside seccomp_data or not aligned, a jump past the end, scratch
// memory read before it is written on some path, a constant division by zero or shift by more
// than 31, no return at the end.
func (p Program) Check() linux.Errno {
	if len(p) == 0 || len(p) > MaxInsns {
		return linux.EINVAL
	}
	for i, in := range p {
		if !in.valid(uint32(len(p) - i - 1)) {
			return linux.EINVAL
		}
	}
	if last := p[len(p)-1].Code; last != retK && last != retA {
		return linux.EINVAL
	}
	return p.checkMemory()
}

// valid checks one instruction; left is how many follow it.
func (in Insn) valid(left uint32) bool {
	switch in.Code {
	case ldAbs:
		return in.K < DataSize && in.K%4 == 0
	case divK:
		return in.K != 0
	case lshK, rshK:
		return in.K < 32
	case ldMem, ldxMem, st, stx:
		return in.K < memWords
	case ja:
		return in.K < left
	case jeqK, jeqX, jgtK, jgtX, jgeK, jgeX, jsetK, jsetX:
		return uint32(in.Jt) < left && uint32(in.Jf) < left
	case ldLen, ldxLen, ldImm, ldxImm, retK, retA, tax, txa, addK, addX, subK, subX, mulK, mulX,
		divX, orK, orX, andK, andX, lshX, rshX, neg, xorK, xorX:
		return true
	}
	return false
}

// checkMemory refuses programs that may read a scratch word they have not written
// (net/core/filter.c, check_load_and_stores). Jumps only go forward, so one pass does.
func (p Program) checkMemory() linux.Errno {
	written := make([]uint16, len(p)) // by every path that jumps to i
	for i := range written {
		written[i] = ^uint16(0)
	}
	now := uint16(0)
	for i, in := range p {
		now &= written[i]
		switch in.Code {
		case st, stx:
			now |= 1 << in.K
		case ldMem, ldxMem:
			if now&(1<<in.K) == 0 {
				return linux.EINVAL
			}
		case ja:
			written[i+1+int(in.K)] &= now
			now = ^uint16(0)
		case jeqK, jeqX, jgtK, jgtX, jgeK, jgeX, jsetK, jsetX:
			written[i+1+int(in.Jt)] &= now
			written[i+1+int(in.Jf)] &= now
			now = ^uint16(0)
		}
	}
	return 0
}

// Data is struct seccomp_data.
type Data struct {
	Nr   int32
	Arch uint32
	IP   uint64
	Args [6]uint64
}

// word is the 32-bit word at the byte offset off, a multiple of 4 below DataSize.
func (d *Data) word(off uint32) uint32 {
	switch off {
	case 0:
		return uint32(d.Nr)
	case 4:
		return d.Arch
	}
	v := d.IP
	if off >= 16 {
		v = d.Args[(off-16)/8]
	}
	if off%8 == 4 {
		return uint32(v >> 32)
	}
	return uint32(v)
}

// Run returns what the checked program p returns for d.
func (p Program) Run(d *Data) uint32 {
	ret, _ := p.run(d)
	return ret
}

// Constant reports whether p returns the same for every call of number nr on arch, whatever
// the arguments and the instruction pointer, and what (kernel/seccomp.c,
// seccomp_is_const_allow).
func (p Program) Constant(nr int32, arch uint32) (ret uint32, ok bool) {
	ret, looked := p.run(&Data{Nr: nr, Arch: arch})
	return ret, !looked
}

// run executes p; looked says whether it loaded anything but number and architecture.
func (p Program) run(d *Data) (ret uint32, looked bool) {
	var a, x uint32
	var mem [memWords]uint32
	for pc := 0; ; pc++ {
		in := &p[pc]
		switch in.Code {
		case ldAbs:
			looked = looked || in.K >= 8
			a = d.word(in.K)
		case ldLen:
			a = DataSize
		case ldImm:
			a = in.K
		case ldMem:
			a = mem[in.K]
		case ldxLen:
			x = DataSize
		case ldxImm:
			x = in.K
		case ldxMem:
			x = mem[in.K]
		case st:
			mem[in.K] = a
		case stx:
			mem[in.K] = x
		case tax:
			x = a
		case txa:
			a = x
		case retK:
			return in.K, looked
		case retA:
			return a, looked
		case ja:
			pc += int(in.K)
		case divX:
			if x == 0 {
				return 0, looked // as Linux: a division by zero ends the program with 0
			}
			a /= x
		default:
			if in.Code&7 == 5 {
				pc += in.jump(a, x)
			} else {
				a = in.alu(a, x)
			}
		}
	}
}

// jump is how many instructions a conditional jump skips.
func (in *Insn) jump(a, x uint32) int {
	v := in.K
	if in.Code&8 != 0 {
		v = x
	}
	var taken bool
	switch in.Code &^ 8 {
	case jeqK:
		taken = a == v
	case jgtK:
		taken = a > v
	case jgeK:
		taken = a >= v
	case jsetK:
		taken = a&v != 0
	}
	if taken {
		return int(in.Jt)
	}
	return int(in.Jf)
}

// alu is an arithmetic instruction; division by X has been dealt with.
func (in *Insn) alu(a, x uint32) uint32 {
	v := in.K
	if in.Code&8 != 0 {
		v = x
	}
	switch in.Code &^ 8 {
	case addK:
		return a + v
	case subK:
		return a - v
	case mulK:
		return a * v
	case divK:
		return a / v
	case orK:
		return a | v
	case andK:
		return a & v
	case xorK:
		return a ^ v
	case lshK:
		return a << (v & 31)
	case rshK:
		return a >> (v & 31)
	}
	return -a // neg
}
