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
	faultThere = 1 << 0
	faultWrite = 1 << 1
	faultFetch = 1 << 4
)

// decode reads the registers and turns what the stub says into a trap. Everything may be the
// application's invention: it then fools itself.
func (c *context) decode(t *thread, r *arch.Registers) platform.Trap {
	kind := t.area.kind
	if kind < kindSignal {
		return c.decodeCall(t, r, kind)
	}
	if kind == kindSignal {
		c.live, c.partial = false, false
		trap := t.decodeSignal(r)
		if trap.Kind == platform.Syscall && r.Rip >= minAddr {
			c.hot(t, r)
		}
		return trap
	}
	t.proc.end("a thread says nonsense")
	return platform.Trap{Kind: platform.Gone}
}

// decodeCall is decode for a call from a patched site. Only what is needed to make it is read, which is in one cache line.
func (c *context) decodeCall(t *thread, r *arch.Registers, slot uint32) platform.Trap {
	open := slot >= trampAt && slot < trampAt+trampLen // its trampoline is named
	if open {
		slot = (slot - trampAt) / trampSize
	}
	s := t.proc.site(slot)
	if s == nil || s.open() != open {
		t.proc.end("a patched call names no site")
		return platform.Trap{Kind: platform.Gone}
	}
	a := t.area
	r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9 = a.args[0], a.args[1], a.args[2], a.args[3], a.args[4], a.args[5]
	nr := uint64(a.number)
	if open && c.facts[0] == 0 {
		nr = a.in[13] // who sees every call sees the upper half, too
	}
	r.OrigRax, r.Rax = s.number(nr), enosys
	r.Rip, r.Rcx = s.ret, s.ret
	c.live, c.partial, c.site, c.dropped = true, true, s, t.proc.patches.dropped.Load()
	if !c.lazy {
		c.Complete(r)
	}
	return platform.Trap{Kind: platform.Syscall, Partial: c.partial}
}

// AllowPartial implements platform.Completer.
func (c *context) AllowPartial() { c.lazy = true }

// Complete implements platform.Completer.
func (c *context) Complete(r *arch.Registers) {
	t := c.thread.Load()
	in := &t.area.in
	r.R12, r.R13, r.R14, r.R15 = in[4], in[5], in[6], in[7]
	r.Rbp, r.Rbx, r.Rsp = in[10], in[11], in[15]
	r.Eflags = t.area.flags
	t.bases(r)
	r.Sanitize()
	r.R11 = r.Eflags
	c.partial, c.last = false, *r
}

// StackPointer implements platform.Completer.
func (c *context) StackPointer() uint64 {
	if t := c.thread.Load(); t != nil {
		return t.area.in[15]
	}
	return 0
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
		t.inMoved(r)
		switch {
		case code == siKernel:
			trap.Addr = 0
		case (code == segvMaperr || code == segvAccerr) && reg(f[:], 20) == pageFault:
			trap.Kind = platform.Fault
			trap.Write, trap.Exec = reg(f[:], 19)&faultWrite != 0, reg(f[:], 19)&faultFetch != 0
			trap.There = reg(f[:], 19)&faultThere != 0
		}
	case unix.SIGBUS:
		t.inMoved(r)
		if code == busAdrerr {
			trap.Kind = platform.Fault
			trap.Write = reg(f[:], 20) == pageFault && reg(f[:], 19)&faultWrite != 0
		}
	case unix.SIGILL, unix.SIGTRAP:
		t.patchedCall(&trap, r)
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

// patchedCall finds out whether an exception comes of a patched site, and stands for its call: the
// application uses GS itself, jumped to the SYSCALL instruction that is no more, or steps through
// the code one instruction at a time. Or it is about to go on behind the call, where no
// instruction is any more.
func (t *thread) patchedCall(trap *platform.Trap, r *arch.Registers) {
	if unix.Signal(trap.Signo) == unix.SIGTRAP {
		t.stepped(trap, r)
		return
	}
	switch r.Rip {
	case textAt + entryNoArea:
		if s := t.proc.site(uint32(r.Rax)); s != nil && !s.open() {
			t.becomes(trap, r, s.ret, uint64(s.nr))
		}
		return
	case textAt + entryOpenNoArea:
		if s := t.proc.site(uint32(r.Rcx)); s != nil && s.open() {
			t.becomes(trap, r, s.ret, r.Rax)
		}
		return
	}
	if s := t.proc.siteBefore(r.Rip + 2); s != nil && s.form.class != slotsZero {
		t.becomes(trap, r, s.ret, r.Rax)
		return
	}
	const zeroJump = 7 - 4 // bytes that the jump takes behind the call
	if s := t.proc.siteBefore(r.Rip - zeroJump); s != nil && s.form.class == slotsZero && uint32(r.Rax) == 0 {
		t.becomes(trap, r, s.ret, 0)
		return
	}
	if s := t.proc.siteBefore(r.Rip); s != nil && s.end() != 0 {
		t.behind(trap, r, s)
		return
	}
	t.cpuidPart(trap, r)
}

// stepped is patchedCall for single steps, one of which the application has made into a
// trampoline.
func (t *thread) stepped(trap *platform.Trap, r *arch.Registers) {
	if r.Rip < trampAt || r.Rip >= trampAt+trampLen {
		t.infoStepped(trap, r)
		return
	}
	s := t.proc.site(uint32(r.Rip-trampAt) / trampSize)
	if s == nil {
		return
	}
	switch off := (r.Rip - trampAt) % trampSize; {
	case off == 0 && s.pre != 0:
		*trap = platform.Trap{Kind: platform.Interrupted} // the next step is it
	case off == 0:
		t.becomes(trap, r, s.ret, uint64(s.nr))
	case off <= s.pre:
		r.Rip = s.ret - 2
		trap.Addr = r.Rip
	case off > trampEnd:
		r.Rip = s.ret + uint64(len(s.form.after))
		trap.Addr = r.Rip
	}
}

// behind has what stood behind the call of s done, at whose old place the application is.
func (t *thread) behind(trap *platform.Trap, r *arch.Registers, s *site) {
	imm, compares := s.compares()
	if !compares {
		r.Eflags &^= resumeFlag
		*trap = platform.Trap{Kind: platform.Interrupted}
		r.Rip = s.end()
		return
	}
	r.Eflags = r.Eflags&^arch.Arithmetic | arch.Compare(r.Rax, imm)
	r.Rip += uint64(len(s.form.after))
	t.done(trap, r)
}

// done is the end of an instruction that was done here: the application goes on, or has made a step.
func (t *thread) done(trap *platform.Trap, r *arch.Registers) {
	r.Eflags &^= resumeFlag
	*trap = platform.Trap{Kind: platform.Interrupted}
	if r.Eflags&arch.FlagTF != 0 {
		const trapTrace = 2
		*trap = platform.Trap{Kind: platform.Exception, Signo: uint8(unix.SIGTRAP), Code: trapTrace, Addr: r.Rip}
	}
}

// inMoved brings a fault of what was moved in front of a trampoline back to where that stood.
func (t *thread) inMoved(r *arch.Registers) {
	if r.Rip < trampAt || r.Rip >= trampAt+trampLen {
		t.infoFault(r)
		return
	}
	if s := t.proc.site(uint32(r.Rip-trampAt) / trampSize); s != nil && r.Rip == s.tramp {
		r.Rip = s.start()
	}
}

// becomes makes a trap the call nr before ret.
func (t *thread) becomes(trap *platform.Trap, r *arch.Registers, ret, nr uint64) {
	*trap = platform.Trap{Kind: platform.Syscall}
	r.Eflags &^= resumeFlag
	r.Rip, r.OrigRax = ret, nr
	r.Rax, r.Rcx, r.R11 = enosys, r.Rip, r.Eflags
}

// resumeFlag is RF, which the processor sets when it saves the flags of a fault.
const resumeFlag = 1 << 16
