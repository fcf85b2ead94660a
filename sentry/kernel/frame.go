package kernel

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Signal frames of x86-64 (arch/x86/kernel/signal_64.c, arch/x86/kernel/fpu/signal.c). From
// the top of the stack down: the red zone, the XSAVE image with its trailer, siginfo, ucontext,
// the return address.

// Where the software's own bytes are in the FXSAVE area, and what they say
// (struct _fpx_sw_bytes).
const (
	swReserved    = 464
	fpXstateMagic = 0x46505853
	fpMagic2      = 0x46505845
	fpMagic2Size  = 4
	fxsaveBytes   = 512
	redZone       = 128
)

// Sizes of the parts of struct rt_sigframe.
const (
	ucontextSize = 304
	siginfoSize  = 128
	frameSize    = 8 + ucontextSize + siginfoSize
)

// MinSigStack is AT_MINSIGSTKSZ: the largest frame.
func MinSigStack() uint64 {
	return uint64(frameSize+arch.FPUSize+fpMagic2Size+64+16+7) &^ 7
}

// onAltstack tells whether sp is on the alternate stack.
func (t *Task) onAltstack(sp uint64) bool {
	s := &t.run.altstack
	return s.Flags&linux.SS_AUTODISARM == 0 && sp > s.SP && sp-s.SP <= s.Size
}

// altFlags is what sigaltstack(2) shows as ss_flags.
func (t *Task) altFlags(sp uint64) uint32 {
	s := &t.run.altstack
	switch {
	case s.Size == 0:
		return linux.SS_DISABLE
	case t.onAltstack(sp):
		return s.Flags&linux.SS_AUTODISARM | linux.SS_ONSTACK
	}
	return s.Flags & linux.SS_AUTODISARM
}

// Altstack is sigaltstack(2): it returns the old stack and sets s, unless that is nil.
func (t *Task) Altstack(s *linux.Sigaltstack) (linux.Sigaltstack, linux.Errno) {
	sp := t.Regs().Rsp
	old := t.run.altstack
	old.Flags = t.altFlags(sp)
	if s == nil {
		return old, 0
	}
	if t.onAltstack(sp) {
		return old, linux.EPERM
	}
	mode := s.Flags &^ linux.SS_AUTODISARM
	if mode != linux.SS_DISABLE && mode != linux.SS_ONSTACK && mode != 0 {
		return old, linux.EINVAL
	}
	n := *s
	if mode == linux.SS_DISABLE {
		n.SP, n.Size = 0, 0
	} else if n.Size < linux.MINSIGSTKSZ {
		return old, linux.ENOMEM
	}
	t.run.altstack = n
	return old, 0
}

// fpuBuffer returns room for an image.
func (t *Task) fpuBuffer() []byte {
	if t.run.fpu == nil {
		t.run.fpu = make([]byte, arch.FPUSize+fpMagic2Size)
	}
	return t.run.fpu
}

// pushFrame writes the frame of a handler and points the registers at the handler.
func (t *Task) pushFrame(info *linux.Siginfo, a *linux.Sigaction, mask linux.SignalSet) linux.Errno {
	r := t.Regs()
	if a.Flags&linux.SA_RESTORER == 0 {
		return linux.EFAULT
	}
	sp := r.Rsp - redZone
	entering := false
	if a.Flags&linux.SA_ONSTACK != 0 && t.altFlags(r.Rsp)&^linux.SS_AUTODISARM == 0 && t.run.altstack.Size != 0 {
		sp = t.run.altstack.SP + t.run.altstack.Size
		entering = true
	}
	nested := t.onAltstack(r.Rsp)
	image := t.fpuBuffer()
	t.ctx.FPU(image[:arch.FPUSize])
	le := binary.LittleEndian
	clear(image[swReserved:fxsaveBytes])
	le.PutUint32(image[swReserved:], fpXstateMagic)
	le.PutUint32(image[swReserved+4:], uint32(arch.FPUSize+fpMagic2Size))
	le.PutUint64(image[swReserved+8:], arch.XFeatures)
	le.PutUint32(image[swReserved+16:], uint32(arch.FPUSize))
	le.PutUint32(image[arch.FPUSize:], fpMagic2)
	fp := (sp - uint64(len(image))) &^ 63
	frame := (fp-frameSize)&^15 - 8
	if (nested || entering) && (frame < t.run.altstack.SP || frame > t.run.altstack.SP+t.run.altstack.Size) {
		return linux.EFAULT // the alternate stack overflows
	}
	uc := linux.Ucontext{Stack: t.run.altstack, Sigmask: mask, Mcontext: t.sigcontext(fp)}
	uc.Flags = linux.UC_FP_XSTATE | linux.UC_SIGCONTEXT_SS | linux.UC_STRICT_RESTORE_SS
	uc.Stack.Flags = t.run.altstack.Flags
	if t.run.altstack.Size == 0 {
		uc.Stack.Flags = linux.SS_DISABLE
	}
	uc.Mcontext.Oldmask = uint64(mask)
	uc.Mcontext.Trapno, uc.Mcontext.Err, uc.Mcontext.Cr2 = t.run.trap.nr, t.run.trap.code, t.run.trap.cr2
	s := t.Space()
	if _, errno := s.CopyOut(usermem.Addr(fp), image); errno != 0 {
		return errno
	}
	if errno := usermem.CopyOutInt(s, usermem.Addr(frame), a.Restorer); errno != 0 {
		return errno
	}
	if errno := usermem.CopyOut(s, usermem.Addr(frame+8), &uc); errno != 0 {
		return errno
	}
	if errno := usermem.CopyOut(s, usermem.Addr(frame+8+ucontextSize), info); errno != 0 {
		return errno
	}
	if t.run.altstack.Flags&linux.SS_AUTODISARM != 0 {
		t.run.altstack = linux.Sigaltstack{}
	}
	r.Rdi, r.Rsi, r.Rdx = uint64(info.Signo), frame+8+ucontextSize, frame+8
	r.Rax = 0
	r.Rsp, r.Rip = frame, a.Handler
	r.Eflags &^= arch.FlagDF | arch.FlagRF | arch.FlagTF
	r.Cs, r.Ss = arch.UserCs, arch.UserDs
	// Handlers start with a fresh FPU (fpu__clear_user_states).
	arch.InitialFPU(image[:arch.FPUSize])
	t.ctx.SetFPU(image[:arch.FPUSize])
	r.Sanitize()
	return 0
}

// sigcontext returns the registers as a frame shows them.
func (t *Task) sigcontext(fp uint64) linux.Sigcontext {
	r := t.Regs()
	return linux.Sigcontext{
		R8: r.R8, R9: r.R9, R10: r.R10, R11: r.R11, R12: r.R12, R13: r.R13, R14: r.R14, R15: r.R15,
		Rdi: r.Rdi, Rsi: r.Rsi, Rbp: r.Rbp, Rbx: r.Rbx, Rdx: r.Rdx, Rax: r.Rax, Rcx: r.Rcx, Rsp: r.Rsp,
		Rip: r.Rip, Eflags: r.Eflags, Cs: arch.UserCs, Ss: arch.UserDs, Fpstate: fp,
	}
}

// Sigreturn is rt_sigreturn(2): the registers become what the frame says. A frame that cannot
// be read or holds what user mode may not have ends in SIGSEGV.
func (t *Task) Sigreturn() linux.Errno {
	r := t.Regs()
	s := t.Space()
	uc, errno := usermem.CopyIn[linux.Ucontext](s, usermem.Addr(r.Rsp))
	if errno != 0 {
		t.badFrame(0)
		return NoReturn
	}
	c := &uc.Mcontext
	if errno := t.restoreFPU(c.Fpstate); errno != 0 {
		t.badFrame(0)
		return NoReturn
	}
	n := *r
	n.R8, n.R9, n.R10, n.R11, n.R12, n.R13, n.R14, n.R15 = c.R8, c.R9, c.R10, c.R11, c.R12, c.R13, c.R14, c.R15
	n.Rdi, n.Rsi, n.Rbp, n.Rbx, n.Rdx, n.Rax, n.Rcx, n.Rsp = c.Rdi, c.Rsi, c.Rbp, c.Rbx, c.Rdx, c.Rax, c.Rcx, c.Rsp
	const fixEflags = 0x50dd5
	n.Rip, n.Eflags = c.Rip, r.Eflags&^fixEflags|c.Eflags&fixEflags
	n.OrigRax = ^uint64(0)
	n.Sanitize()
	*r = n
	t.SetBlocked(linux.SIG_SETMASK, uc.Sigmask)
	// As sigaltstack(2) with the frame's stack, errors ignored.
	t.run.altstack = restored(uc.Stack)
	t.run.restart = nil
	return NoReturn
}

// restored is what restore_altstack makes of a frame's stack.
func restored(s linux.Sigaltstack) linux.Sigaltstack {
	mode := s.Flags &^ linux.SS_AUTODISARM
	if mode == linux.SS_DISABLE || s.Size < linux.MINSIGSTKSZ {
		return linux.Sigaltstack{}
	}
	s.Flags &^= linux.SS_AUTODISARM
	return s
}

// restoreFPU loads the extended state at fp, 0 for the initial one.
func (t *Task) restoreFPU(fp uint64) linux.Errno {
	image := t.fpuBuffer()
	if fp == 0 {
		arch.InitialFPU(image[:arch.FPUSize])
		t.ctx.SetFPU(image[:arch.FPUSize])
		return 0
	}
	s, le := t.Space(), binary.LittleEndian
	var fx [fxsaveBytes]byte
	if _, errno := s.CopyIn(usermem.Addr(fp), fx[:]); errno != 0 {
		return errno
	}
	full := le.Uint32(fx[swReserved:]) == fpXstateMagic && le.Uint32(fx[swReserved+16:]) == uint32(arch.FPUSize)
	if full {
		if _, errno := s.CopyIn(usermem.Addr(fp), image); errno != 0 {
			return errno
		}
		full = le.Uint32(image[arch.FPUSize:]) == fpMagic2
	}
	clear(fx[swReserved:])
	if full {
		clear(image[swReserved:fxsaveBytes])
		le.PutUint64(image[fxsaveBytes:], le.Uint64(image[fxsaveBytes:])&arch.XFeatures)
	} else {
		arch.FXSaveToFPU(image[:arch.FPUSize], fx[:])
	}
	if errno := arch.CheckFPU(image[:arch.FPUSize]); errno != 0 {
		return errno
	}
	t.ctx.SetFPU(image[:arch.FPUSize])
	return 0
}
