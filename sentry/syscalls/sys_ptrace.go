package syscalls

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	register(rows{
		linux.SYS_PTRACE: {"ptrace", "int pid hex hex", ptrace, "hardware break points where the platform has them; no thread area, no seccomp dump"},
	})
}

// Requests of ptrace(2) (include/uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h).
const (
	ptTraceme        = 0
	ptPeektext       = 1
	ptPeekdata       = 2
	ptPeekuser       = 3
	ptPoketext       = 4
	ptPokedata       = 5
	ptPokeuser       = 6
	ptCont           = 7
	ptKill           = 8
	ptSinglestep     = 9
	ptGetregs        = 12
	ptSetregs        = 13
	ptGetfpregs      = 14
	ptSetfpregs      = 15
	ptAttach         = 16
	ptDetach         = 17
	ptOldsetoptions  = 21
	ptSyscall        = 24
	ptArchPrctl      = 30
	ptSysemu         = 31
	ptSysemuStep     = 32
	ptSetoptions     = 0x4200
	ptGeteventmsg    = 0x4201
	ptGetsiginfo     = 0x4202
	ptSetsiginfo     = 0x4203
	ptGetregset      = 0x4204
	ptSetregset      = 0x4205
	ptSeize          = 0x4206
	ptInterrupt      = 0x4207
	ptListen         = 0x4208
	ptPeeksiginfo    = 0x4209
	ptGetsigmask     = 0x420a
	ptSetsigmask     = 0x420b
	ptGetSyscallInfo = 0x420e

	ntPrstatus  = 1
	ntPrfpreg   = 2
	ntX86Xstate = 0x202
)

// ptrace is ptrace(2).
func ptrace(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	req, pid := a.Long(0), a.Int(1)
	switch req {
	case ptTraceme:
		return ret(t.Traceme())
	case ptAttach:
		return ret(t.Attach(pid, false, 0))
	case ptSeize:
		if a[2] != 0 || a[3]&^kernel.PtraceOptionMask != 0 {
			return 0, linux.EIO
		}
		return ret(t.Attach(pid, true, uint32(a[3])))
	case ptInterrupt:
		return ret(t.PtraceInterrupt(pid))
	case ptKill:
		return ret(t.PtraceKill(pid))
	}
	s, errno := t.Tracee(pid)
	if errno != 0 {
		return 0, errno
	}
	signo := int(min(a[3], 1<<20))
	switch req {
	case ptCont:
		return ret(s.Resume(kernel.PtraceCont, signo))
	case ptSyscall:
		return ret(s.Resume(kernel.PtraceSyscall, signo))
	case ptSinglestep:
		return ret(s.Resume(kernel.PtraceStep, signo))
	case ptSysemu:
		return ret(s.Resume(kernel.PtraceSysemu, signo))
	case ptSysemuStep:
		return ret(s.Resume(kernel.PtraceSysemuStep, signo))
	case ptDetach:
		return ret(s.Detach(signo))
	case ptListen:
		return ret(s.Listen())
	case ptSetoptions, ptOldsetoptions:
		if a[3]>>32 != 0 {
			return 0, linux.EINVAL
		}
		return ret(s.SetOptions(uint32(a[3])))
	case ptGeteventmsg:
		return ret(usermem.CopyOutInt(t.Space(), a.Addr(3), s.Message()))
	}
	return ptraceData(t, s, a)
}

// ptraceData are the requests that read or change a stopped tracee.
func ptraceData(t *kernel.Task, s kernel.Stopped, a Args) (uintptr, linux.Errno) {
	mem := t.Space()
	switch a.Long(0) {
	case ptPeektext, ptPeekdata:
		v, errno := usermem.CopyInInt[uint64](s.Space(), a.Addr(2))
		if errno != 0 {
			return 0, linux.EIO
		}
		return ret(usermem.CopyOutInt(mem, a.Addr(3), v))
	case ptPoketext, ptPokedata:
		if usermem.CopyOutInt(s.Space(), a.Addr(2), a[3]) != 0 {
			return 0, linux.EIO
		}
		return 0, 0
	case ptPeekuser:
		return ret(peekUser(t, s, a[2], a.Addr(3)))
	case ptPokeuser:
		return ret(pokeUser(s, a[2], a[3]))
	case ptGetregs:
		_, errno := mem.CopyOut(a.Addr(3), encodeRegs(s.Regs()))
		return 0, errno
	case ptSetregs:
		b := make([]byte, regsSize)
		if _, errno := mem.CopyIn(a.Addr(3), b); errno != 0 {
			return 0, errno
		}
		return ret(s.SetRegs(decodeRegs(b)))
	case ptGetfpregs:
		_, errno := mem.CopyOut(a.Addr(3), s.FPU()[:fxSize])
		return 0, errno
	case ptSetfpregs:
		b := make([]byte, fxSize)
		if _, errno := mem.CopyIn(a.Addr(3), b); errno != 0 {
			return 0, errno
		}
		return ret(setFX(s, b))
	case ptGetsiginfo:
		i, errno := s.Siginfo()
		if errno != 0 {
			return 0, errno
		}
		return ret(usermem.CopyOut(mem, a.Addr(3), &i))
	case ptSetsiginfo:
		i, errno := usermem.CopyIn[linux.Siginfo](mem, a.Addr(3))
		if errno != 0 {
			return 0, errno
		}
		return ret(s.SetSiginfo(i))
	case ptGetsigmask:
		if a[2] != 8 {
			return 0, linux.EINVAL
		}
		return ret(usermem.CopyOutInt(mem, a.Addr(3), uint64(s.Sigmask())))
	case ptSetsigmask:
		set, errno := sigset(t, a.Addr(3), a[2])
		if errno == 0 {
			s.SetSigmask(set)
		}
		return 0, errno
	case ptArchPrctl:
		return ret(ptraceArchPrctl(t, s, a[3], a[2]))
	case ptGetregset, ptSetregset:
		return ret(regset(t, s, a.Long(0) == ptSetregset, uint32(a[2]), a.Addr(3)))
	case ptPeeksiginfo:
		return peekSiginfo(t, s, a)
	case ptGetSyscallInfo:
		return syscallInfo(t, s, a)
	}
	return 0, linux.EIO
}

// Sizes of struct user_regs_struct, user_fpregs_struct and what of struct user is there.
const (
	regsSize = 27 * 8
	fxSize   = 512
	userSize = 912
	debugOff = 848 // offsetof(struct user, u_debugreg)
)

// encodeRegs lays registers out as struct user_regs_struct, which has their order.
func encodeRegs(r arch.Registers) []byte {
	b := make([]byte, regsSize)
	for i, v := range regWords(&r) {
		binary.LittleEndian.PutUint64(b[8*i:], *v)
	}
	return b
}

func decodeRegs(b []byte) (r arch.Registers) {
	for i, v := range regWords(&r) {
		*v = binary.LittleEndian.Uint64(b[8*i:])
	}
	return r
}

// regWords are the registers in the order of struct user_regs_struct.
func regWords(r *arch.Registers) [27]*uint64 {
	return [...]*uint64{
		&r.R15, &r.R14, &r.R13, &r.R12, &r.Rbp, &r.Rbx, &r.R11, &r.R10, &r.R9, &r.R8, &r.Rax, &r.Rcx, &r.Rdx, &r.Rsi, &r.Rdi,
		&r.OrigRax, &r.Rip, &r.Cs, &r.Eflags, &r.Rsp, &r.Ss, &r.FsBase, &r.GsBase, &r.Ds, &r.Es, &r.Fs, &r.Gs,
	}
}

// peekUser is PTRACE_PEEKUSER: a word of struct user, of its registers or the debug registers.
func peekUser(t *kernel.Task, s kernel.Stopped, off uint64, addr usermem.Addr) linux.Errno {
	if off&7 != 0 || off >= userSize {
		return linux.EIO
	}
	v := uint64(0)
	if off < regsSize {
		r := s.Regs()
		v = *regWords(&r)[off/8]
	} else if off >= debugOff {
		v = s.DebugReg(int(off-debugOff) / 8)
	}
	return usermem.CopyOutInt(t.Space(), addr, v)
}

// pokeUser is PTRACE_POKEUSER: of registers and debug registers.
func pokeUser(s kernel.Stopped, off, v uint64) linux.Errno {
	switch {
	case off&7 != 0 || off >= userSize:
		return linux.EIO
	case off < regsSize:
		r := s.Regs()
		*regWords(&r)[off/8] = v
		return s.SetRegs(r)
	case off >= debugOff:
		return s.SetDebugReg(int(off-debugOff)/8, v)
	}
	return linux.EIO
}

// setFX replaces the FXSAVE part of the extended state.
func setFX(s kernel.Stopped, fx []byte) linux.Errno {
	image := append([]byte(nil), s.FPU()...)
	copy(image, fx)
	bv := binary.LittleEndian.Uint64(image[fxSize:])
	binary.LittleEndian.PutUint64(image[fxSize:], bv|arch.FeatureX87|arch.FeatureSSE)
	return s.SetFPU(image)
}

func ptraceArchPrctl(t *kernel.Task, s kernel.Stopped, op, v uint64) linux.Errno {
	r := s.Regs()
	switch op {
	case archSetFS:
		r.FsBase = v
	case archSetGS:
		r.GsBase = v
	case archGetFS:
		return usermem.CopyOutInt(t.Space(), usermem.Addr(v), r.FsBase)
	case archGetGS:
		return usermem.CopyOutInt(t.Space(), usermem.Addr(v), r.GsBase)
	default:
		return linux.EINVAL
	}
	return s.SetRegs(r)
}

// regset is PTRACE_GETREGSET and PTRACE_SETREGSET: addr is a struct iovec, whose length becomes
// what was moved.
func regset(t *kernel.Task, s kernel.Stopped, set bool, kind uint32, addr usermem.Addr) linux.Errno {
	mem := t.Space()
	iov, errno := usermem.CopyIn[linux.Iovec](mem, addr)
	if errno != 0 {
		return errno
	}
	var now []byte
	switch kind {
	case ntPrstatus:
		now = encodeRegs(s.Regs())
	case ntPrfpreg:
		now = s.FPU()[:fxSize]
	case ntX86Xstate:
		now = append([]byte(nil), s.FPU()...)
		binary.LittleEndian.PutUint64(now[464:], arch.XFeatures) // xstate_bv of the kernel, for debuggers
	default:
		return linux.EINVAL
	}
	n := min(iov.Len, uint64(len(now)))
	if iov.Len&7 != 0 {
		return linux.EINVAL
	}
	if !set {
		if _, errno := mem.CopyOut(usermem.Addr(iov.Base), now[:n]); errno != 0 {
			return errno
		}
	} else {
		b := append([]byte(nil), now...)
		if _, errno := mem.CopyIn(usermem.Addr(iov.Base), b[:n]); errno != 0 {
			return errno
		}
		switch kind {
		case ntPrstatus:
			errno = s.SetRegs(decodeRegs(b))
		case ntPrfpreg:
			errno = setFX(s, b)
		default:
			clear(b[464:512])
			errno = s.SetFPU(b)
		}
		if errno != 0 {
			return errno
		}
	}
	return usermem.CopyOutInt(mem, addr+8, n)
}

// peekSiginfo is PTRACE_PEEKSIGINFO: it returns how many it stored.
func peekSiginfo(t *kernel.Task, s kernel.Stopped, a Args) (uintptr, linux.Errno) {
	mem := t.Space()
	var b [16]byte
	if _, errno := mem.CopyIn(a.Addr(2), b[:]); errno != 0 {
		return 0, errno
	}
	off, flags, n := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint32(b[8:]), int32(binary.LittleEndian.Uint32(b[12:]))
	if flags&^1 != 0 || n < 0 {
		return 0, linux.EINVAL
	}
	list := s.PeekSiginfo(off, int(min(n, 1024)), flags&1 != 0)
	for i := range list {
		if errno := usermem.CopyOut(mem, a.Addr(3)+usermem.Addr(i*128), &list[i]); errno != 0 {
			if i > 0 {
				return uintptr(i), 0
			}
			return 0, errno
		}
	}
	return uintptr(len(list)), 0
}

// syscallInfo is PTRACE_GET_SYSCALL_INFO: it returns how many bytes there are.
func syscallInfo(t *kernel.Task, s kernel.Stopped, a Args) (uintptr, linux.Errno) {
	const arch64 = 0xc000003e
	r := s.Regs()
	le := binary.LittleEndian
	b := make([]byte, 88)
	where, data := s.Call()
	b[0] = where
	le.PutUint32(b[4:], arch64)
	le.PutUint64(b[8:], r.Rip)
	le.PutUint64(b[16:], r.Rsp)
	size := 24
	switch where {
	case kernel.PtraceCallEntry, kernel.PtraceCallSeccomp:
		le.PutUint64(b[24:], r.OrigRax)
		for i, v := range r.Args() {
			le.PutUint64(b[32+8*i:], v)
		}
		size = 80
		if where == kernel.PtraceCallSeccomp {
			le.PutUint32(b[80:], uint32(data))
			size = 84
		}
	case kernel.PtraceCallExit:
		le.PutUint64(b[24:], r.Rax)
		if v := int64(r.Rax); v < 0 && v >= -4095 {
			b[32] = 1
		}
		size = 33
	}
	_, errno := t.Space().CopyOut(a.Addr(3), b[:min(a[2], uint64(size))])
	return uintptr(size), errno
}
