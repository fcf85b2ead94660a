package kvm

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Exceptions (Intel SDM volume 3, 6.15).
const (
	vectorDE = 0
	vectorDB = 1
	vectorBP = 3
	vectorOF = 4
	vectorBR = 5
	vectorUD = 6
	vectorDF = 8
	vectorTS = 10
	vectorNP = 11
	vectorSS = 12
	vectorGP = 13
	vectorPF = 14
	vectorMF = 16
	vectorAC = 17
	vectorXM = 19
	vectorCP = 21
)

// withCode are the exceptions that push an error code.
const withCode = 1<<vectorDF | 1<<vectorTS | 1<<vectorNP | 1<<vectorSS | 1<<vectorGP | 1<<vectorPF | 1<<vectorAC | 1<<vectorCP

// Of a page fault's error code.
const (
	faultThere = 1 << 0
	faultWrite = 1 << 1
	faultFetch = 1 << 4
)

// Codes of siginfo.
const (
	siKernel   = 0x80
	illIllopn  = 2
	fpeIntdiv  = 1
	segvMaperr = 1
	busAdraln  = 1
	busAdrerr  = 2
	trapBrkpt  = 1
	trapTrace  = 2
	trapHwbkpt = 4
)

// enosys is -ENOSYS, the result of a call until it has one.
const enosys = ^uint64(38) + 1

// decode reads the registers after an exit and turns it into a trap; false if application code is just
// to go on.
func (c *context) decode(v *vcpu, s *space, r *arch.Registers) (platform.Trap, bool) {
	v.store(r)
	entry := entryAt(v.id)
	if v.run.regs.rip-entry < pageSize {
		v.called = true
		return call(r), true
	}
	n := (v.run.regs.rip - stubsAt) / stubSize
	if v.run.sregs.cs.dpl != 0 || n > 255 {
		c.p.log("kvm: halted at %#x", v.run.regs.rip)
		return platform.Trap{Kind: platform.Gone}, true
	}
	f := frameOf(v.home.stack, n < 32 && withCode>>n&1 != 0)
	r.Rip, r.Eflags, r.Rsp = f.rip, f.rflags, f.rsp
	if f.rip == entry {
		// A break point on the way to ring 0, which the call overtook; or ring 0 is not for us.
		if f.cs&3 == 0 || n == vectorPF && c.p.outside {
			return call(r), true
		}
	}
	if f.cs&3 != 3 {
		c.p.log("kvm: exception %d in ring 0 at %#x", n, f.rip)
		return platform.Trap{Kind: platform.Gone}, true
	}
	if trap, done, is := c.asked(v, s, n, r); is {
		return trap, done
	}
	if n == vectorPF {
		return c.fault(v, s, v.run.sregs.cr2, f.code)
	}
	return c.exception(v, s, n, r)
}

// call makes the registers those after SYSCALL.
func call(r *arch.Registers) platform.Trap {
	r.Rip, r.Eflags = r.Rcx, r.R11
	r.OrigRax, r.Rax = r.Rax, enosys
	return platform.Trap{Kind: platform.Syscall}
}

// fault decodes a page fault.
func (c *context) fault(v *vcpu, s *space, addr, code uint64) (platform.Trap, bool) {
	t := platform.Trap{Kind: platform.Fault, Signo: uint8(unix.SIGSEGV), Code: segvMaperr, Addr: addr,
		Write: code&faultWrite != 0, Exec: code&faultFetch != 0, There: code&faultThere != 0}
	switch s.bring(addr, t.Write, t.Exec) {
	case brought:
		return t, false
	case broken:
		t.Signo, t.Code = uint8(unix.SIGBUS), busAdrerr
	}
	return t, true
}

// exception decodes all others (arch/x86/kernel/traps.c).
func (c *context) exception(v *vcpu, s *space, n uint64, r *arch.Registers) (platform.Trap, bool) {
	t := platform.Trap{Kind: platform.Exception, Signo: uint8(unix.SIGSEGV), Code: siKernel}
	as := func(sig unix.Signal, code int32, addr uint64) { t.Signo, t.Code, t.Addr = uint8(sig), code, addr }
	switch n {
	case vectorDE:
		as(unix.SIGFPE, fpeIntdiv, r.Rip)
	case vectorDB:
		as(unix.SIGTRAP, c.debugCode(v), r.Rip)
	case vectorBP:
		as(unix.SIGTRAP, siKernel, 0)
	case vectorUD:
		const intN = 0xcd
		if op, ok := s.peek(r.Rip); c.p.outside && ok && op == intN {
			break // which such a host does not tell from an instruction that there is not
		}
		as(unix.SIGILL, illIllopn, r.Rip)
	case vectorNP, vectorSS:
		as(unix.SIGBUS, siKernel, 0)
	case vectorAC:
		as(unix.SIGBUS, busAdraln, 0)
	case vectorMF, vectorXM:
		code := c.floatCode(v, n)
		if code == 0 {
			return t, false
		}
		as(unix.SIGFPE, code, r.Rip)
	}
	return t, true
}

// floatCode tells which exception of the x87 unit or of SSE it was (fpu__exception_code,
// arch/x86/kernel/fpu/core.c).
func (c *context) floatCode(v *vcpu, n uint64) int32 {
	const offCW, offSW, offMXCSR = 0, 2, 24
	c.saveFPU(v)
	c.fpuDirty = false
	raised := binary.LittleEndian.Uint16(c.fpu[offSW:]) &^ binary.LittleEndian.Uint16(c.fpu[offCW:])
	if n == vectorXM {
		csr := binary.LittleEndian.Uint32(c.fpu[offMXCSR:])
		raised = uint16(csr &^ (csr >> 7))
	}
	// Invalid, denormal, divide by zero, overflow, underflow, precision: the FPE_FLT code of each.
	codes := [6]int32{7, 5, 3, 4, 5, 6}
	for _, bit := range []int{0, 2, 3, 1, 4, 5} {
		if raised&(1<<bit) != 0 {
			return codes[bit]
		}
	}
	return 0
}
