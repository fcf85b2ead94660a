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

const enosys = 38

// decode reads the registers and turns what the stub says into a trap. Everything may be the
// application's invention: it then fools itself.
func (t *thread) decode(r *arch.Registers) platform.Trap {
	a := t.area
	frame, ok := a.bytes(a.frame-t.at, ucSize)
	if !ok || a.kind != kindSignal {
		t.proc.end("a thread says nonsense")
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
		r.OrigRax, r.Rax = r.Rax, ^uint64(enosys)+1
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
	case unix.SIGILL, unix.SIGFPE, unix.SIGTRAP:
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
