package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Faults and exceptions of application code (arch/x86/mm/fault.c, arch/x86/kernel/traps.c).

// trapState is the processor's exception that raised a signal last: thread.trap_nr, error_code
// and cr2, which every signal frame shows from then on.
type trapState struct{ nr, code, cr2 uint64 }

// Numbers of exceptions (arch/x86/include/asm/trapnr.h).
const (
	trapDivide     = 0
	trapDebug      = 1
	trapBreakpoint = 3
	trapOverflow   = 4
	trapInvalid    = 6
	trapProtection = 13
	trapPage       = 14
	trapX87        = 16
	trapAlignment  = 17
	trapSIMD       = 19
)

// fault makes memory accessible or raises the signal.
func (t *Task) fault(trap *platform.Trap) {
	t.faults[0].Add(1)
	if trap.Exec && trap.Addr >= arch.VsyscallStart && trap.Addr < arch.VsyscallEnd && t.vsyscall(trap.Addr) {
		return
	}
	bus := trap.Signo == linux.SIGBUS
	s := t.MM().HandleFault(addrOf(trap.Addr), trap.Write, trap.Exec, bus)
	if s.Signo == 0 {
		return
	}
	code, ok := t.faultCode(trap, s)
	if !ok {
		return // another thread has made it accessible meanwhile
	}
	t.run.trap = trapState{trapPage, code, trap.Addr}
	info := linux.Siginfo{Signo: int32(s.Signo), Code: s.Code}
	info.SetAddr(trap.Addr)
	t.forceSignal(&info)
}

// faultCode is the error code of a page fault that becomes a signal; false if it is none any more.
func (t *Task) faultCode(trap *platform.Trap, s mm.Signal) (code uint64, ok bool) {
	const there, write, user, fetch = 1, 2, 4, 16
	if f, ok := t.ctx.(platform.FaultCoder); ok {
		rip := t.Regs().Rip
		code, ok := f.FaultCode(t.Regs())
		if code&fetch != 0 && s.Code == linux.SEGV_ACCERR {
			code |= there // as below
		}
		if ok || t.Regs().Rip != rip {
			return code, ok
		}
	}
	code = user
	if trap.Write {
		code |= write
	}
	if trap.Exec {
		code |= fetch
	}
	// A fetch is only refused when the page is there: access_error lets a fault bring it first.
	if trap.There || trap.Exec && s.Code == linux.SEGV_ACCERR || trap.Addr >= arch.TaskSizeMax {
		code |= there
	}
	return code, true
}

// exception raises the signal of a processor exception.
func (t *Task) exception(trap *platform.Trap) {
	t.run.trap.nr, t.run.trap.code = t.exceptionNumber(trap)
	info := linux.Siginfo{Signo: int32(trap.Signo), Code: trap.Code}
	info.SetAddr(trap.Addr)
	if trap.Signo == linux.SIGTRAP {
		t.noteDebug(trap.Code)
	}
	t.forceSignal(&info)
}

// exceptionNumber tells from a signal, and from the instruction where it leaves a choice, which
// exception it was, and the error code.
func (t *Task) exceptionNumber(trap *platform.Trap) (nr, code uint64) {
	switch trap.Signo {
	case linux.SIGILL:
		return trapInvalid, 0
	case linux.SIGTRAP:
		if trap.Code == linux.SI_KERNEL {
			return trapBreakpoint, 0
		}
		return trapDebug, 0
	case linux.SIGBUS:
		return trapAlignment, 0
	case linux.SIGFPE:
		return t.floatException(trap.Code), 0
	}
	const intN = 0xcd
	rip := usermem.Addr(t.Regs().Rip)
	var b [2]byte
	if _, errno := t.Space().CopyIn(rip-2, b[:]); errno == 0 && b == [2]byte{intN, trapOverflow} {
		return trapOverflow, 0 // a trap: the instruction is behind
	}
	if _, errno := t.Space().CopyIn(rip, b[:]); errno == 0 && b[0] == intN {
		const fromIDT = 2
		return trapProtection, uint64(b[1])<<3 | fromIDT
	}
	return trapProtection, 0
}

// floatException is the number of a SIGFPE's exception.
func (t *Task) floatException(code int32) uint64 {
	if code == linux.FPE_INTDIV {
		return trapDivide
	}
	const fwait, x87First, x87Last = 0x9b, 0xd8, 0xdf
	var b [1]byte
	if _, errno := t.Space().CopyIn(usermem.Addr(t.Regs().Rip), b[:]); errno == 0 && (b[0] == fwait || b[0] >= x87First && b[0] <= x87Last) {
		return trapX87
	}
	return trapSIMD
}

// oldGate raises the signal of int 0x80 and sysenter: there are no 32-bit calls, as without
// CONFIG_IA32_EMULATION. The syscall instruction, and no other, leaves rip in rcx.
func (t *Task) oldGate() {
	const instruction, vector, fromIDT = 2, 0x80, 2
	r := t.Regs()
	r.Rip -= instruction
	r.Rax, r.OrigRax = r.OrigRax, ^uint64(0)
	t.run.trap.nr, t.run.trap.code = trapProtection, vector<<3|fromIDT
	t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
}

// vsyscall does the old calls at fixed addresses, as a kernel with vsyscall=xonly does
// (emulate_vsyscall, arch/x86/entry/vsyscall/vsyscall_64.c): false if addr is none of the
// three. A host that emulates them itself does so before a fault gets here.
func (t *Task) vsyscall(addr uint64) bool {
	const spacing = 0xc00
	r := t.Regs()
	if addr&^spacing != arch.VsyscallStart || addr != r.Rip {
		return false
	}
	calls := [...]uint64{linux.SYS_GETTIMEOFDAY, linux.SYS_TIME, linux.SYS_GETCPU}
	n := addr & spacing >> 10
	if n >= uint64(len(calls)) {
		t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
		return true
	}
	back, errno := usermem.CopyInInt[uint64](t.Space(), usermem.Addr(r.Rsp))
	if errno != 0 {
		t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
		return true
	}
	nr := calls[n]
	args := Args{r.Rdi, r.Rsi}
	r.OrigRax, r.Rax = nr, errnoWord(linux.ENOSYS)
	if !t.run.seccomp || t.checkSeccomp(&nr, &args) {
		t.call(nr, &args)
	}
	r.OrigRax = ^uint64(0)
	if t.run.dying.Load() {
		return true
	}
	if r.Rax == errnoWord(linux.EFAULT) {
		t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
		return true
	}
	r.Rip, r.Rsp = back, r.Rsp+8
	return true
}
