package systrap

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Codes of siginfo.
const (
	siKernel   = 0x80
	segvMaperr = 1
	segvAccerr = 2
	busAdrerr  = 2
)

// Of a page fault's error code (arch/x86/include/asm/trap_pf.h).
const (
	pageFault  = 14
	faultWrite = 1 << 1
	faultFetch = 1 << 4
)

// decode reads the registers and turns what the stub says into a trap. Everything may be the
// application's invention: it then fools itself.
func (c *context) decode(t *thread, r *arch.Registers) platform.Trap {
	switch t.area.kind {
	case kindCall:
		return c.decodeCall(t, r)
	case kindSignal:
		c.live = false
		trap := t.decodeSignal(r)
		if trap.Kind == platform.Syscall && r.Rip >= minAddr {
			c.hot(t, r)
		}
		return trap
	}
	t.proc.end("a thread says nonsense")
	return platform.Trap{Kind: platform.Gone}
}

// decodeCall is decode for a call from a patched site.
func (c *context) decodeCall(t *thread, r *arch.Registers) platform.Trap {
	in := &t.area.in
	s, ok := t.proc.site(t.area.slot)
	if !ok {
		t.proc.end("a patched call names no site")
		return platform.Trap{Kind: platform.Gone}
	}
	r.R8, r.R9, r.R10 = in[0], in[1], in[2]
	r.R12, r.R13, r.R14, r.R15 = in[4], in[5], in[6], in[7]
	r.Rdi, r.Rsi, r.Rbp, r.Rbx = in[8], in[9], in[10], in[11]
	r.Rdx, r.Rsp = in[12], in[15]
	r.Eflags = t.area.flags
	t.bases(r)
	r.Rip = s.ret
	r.Sanitize()
	r.Rcx, r.R11 = r.Rip, r.Eflags
	r.OrigRax, r.Rax = uint64(s.nr), enosys
	c.live, c.last = true, *r
	return platform.Trap{Kind: platform.Syscall}
}

// enosys is -ENOSYS, the result of a call until it has one.
const enosys = ^uint64(38) + 1

// decodeSignal is decode for a signal.
func (t *thread) decodeSignal(r *arch.Registers) platform.Trap {
	a := t.area
	frame, ok := a.bytes(a.frame-t.at, ucSize)
	if !ok {
		t.proc.end("a signal frame is elsewhere")
		return platform.Trap{Kind: platform.Gone}
	}
	var f [ucSize]byte
	copy(f[:], frame)
	r.R8, r.R9, r.R10, r.R11 = reg(f[:], 0), reg(f[:], 1), reg(f[:], 2), reg(f[:], 3)
	r.R12, r.R13, r.R14, r.R15 = reg(f[:], 4), reg(f[:], 5), reg(f[:], 6), reg(f[:], 7)
	r.Rdi, r.Rsi, r.Rbp, r.Rbx = reg(f[:], 8), reg(f[:], 9), reg(f[:], 10), reg(f[:], 11)
	r.Rdx, r.Rax, r.Rcx, r.Rsp = reg(f[:], 12), reg(f[:], 13), reg(f[:], 14), reg(f[:], 15)
	r.Rip, r.Eflags = reg(f[:], 16), reg(f[:], 17)
	t.bases(r)
	r.OrigRax = ^uint64(0)
	r.Sanitize()
	sig, code, addr := a.sig, a.code, a.addr
	trap := platform.Trap{Kind: platform.Exception, Signo: uint8(sig), Code: code, Addr: addr}
	switch unix.Signal(sig) {
	case unix.SIGSYS:
		if a.arch != unix.AUDIT_ARCH_X86_64 {
			// INT 0x80, which a kernel without the 32-bit calls does not know.
			trap.Signo, trap.Code, trap.Addr = uint8(unix.SIGSEGV), siKernel, 0
			r.Rip -= 2
			break
		}
		trap = platform.Trap{Kind: platform.Syscall}
		r.OrigRax, r.Rax = r.Rax, enosys
	case interruptSignal:
		trap = platform.Trap{Kind: platform.Interrupted}
	case unix.SIGSEGV:
		switch {
		case code == siKernel:
			trap.Addr = 0
		case (code == segvMaperr || code == segvAccerr) && reg(f[:], 20) == pageFault:
			trap.Kind = platform.Fault
			trap.Write, trap.Exec = reg(f[:], 19)&faultWrite != 0, reg(f[:], 19)&faultFetch != 0
		}
	case unix.SIGBUS:
		if code == busAdrerr {
			trap.Kind = platform.Fault
			trap.Write = reg(f[:], 20) == pageFault && reg(f[:], 19)&faultWrite != 0
		}
	case unix.SIGILL, unix.SIGTRAP:
		if t.patchedCall(unix.Signal(sig), r) {
			trap = platform.Trap{Kind: platform.Syscall}
		}
	case unix.SIGFPE:
	default:
		t.proc.end("a signal that does not exist")
		trap = platform.Trap{Kind: platform.Gone}
	}
	return trap
}

// bases reads the segment bases.
func (t *thread) bases(r *arch.Registers) {
	r.FsBase, r.GsBase = t.area.fs, t.area.gs
	if r.GsBase == t.at {
		r.GsBase = 0
	}
	r.Ds, r.Es, r.Fs, r.Gs = 0, 0, 0, 0
}

// patchedCall tells whether an exception comes of a patched site and stands for its call: the
// application uses GS itself, jumped to the SYSCALL instruction that is no more, or steps
// through the code one instruction at a time.
func (t *thread) patchedCall(sig unix.Signal, r *arch.Registers) bool {
	switch {
	case sig == unix.SIGILL && r.Rip == textAt+entryNoArea:
		s, ok := t.proc.site(uint32(r.Rax))
		if !ok {
			return false
		}
		r.Rip, r.OrigRax = s.ret, uint64(s.nr)
	case sig == unix.SIGILL:
		if _, ok := t.proc.restarted(r.Rip); !ok {
			return false
		}
		r.Rip += 2
		r.OrigRax = r.Rax
	case r.Rip >= trampAt && r.Rip < trampAt+trampLen && r.Rip%trampSize == 0:
		s, ok := t.proc.site(uint32(r.Rip-trampAt) / trampSize)
		if !ok {
			return false
		}
		r.Rip, r.OrigRax = s.ret, uint64(s.nr)
	default:
		return false
	}
	r.Rax, r.Rcx, r.R11 = enosys, r.Rip, r.Eflags
	return true
}
