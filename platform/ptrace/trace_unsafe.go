package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Requests of ptrace(2), one function each. They do not block, so the Go scheduler is not told.

func request(req, tid int, addr, data uintptr) unix.Errno {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, data, 0, 0)
	return e
}

// getRegs and setRegs copy the general registers. Safe: the host writes or reads one
// user_regs_struct, which arch.Registers is, at r, which stays alive for the call.
func getRegs(tid int, r *arch.Registers) unix.Errno {
	return request(unix.PTRACE_GETREGS, tid, 0, uintptr(unsafe.Pointer(r)))
}

func setRegs(tid int, r *arch.Registers) unix.Errno {
	return request(unix.PTRACE_SETREGS, tid, 0, uintptr(unsafe.Pointer(r)))
}

// peekUser reads a word of struct user. Safe: the host writes one word to v.
func peekUser(tid, offset int) (v uint64, e unix.Errno) {
	e = request(unix.PTRACE_PEEKUSR, tid, uintptr(offset), uintptr(unsafe.Pointer(&v)))
	return v, e
}

// peekData reads a word of the stub's memory. Safe: the host writes one word to v.
func peekData(tid int, addr uint64) (v uint64, e unix.Errno) {
	e = request(unix.PTRACE_PEEKDATA, tid, uintptr(addr), uintptr(unsafe.Pointer(&v)))
	return v, e
}

const ntX86Xstate = 0x202

// fpuRegs copies the extended state from or to b. Safe: the host touches at most the bytes of b
// that iov names.
func fpuRegs(req, tid int, b []byte) unix.Errno {
	iov := unix.Iovec{Base: &b[0], Len: uint64(len(b))}
	return request(req, tid, ntX86Xstate, uintptr(unsafe.Pointer(&iov)))
}

// siginfo is the beginning of siginfo_t, as far as stops are decoded.
type siginfo struct {
	signo, errno, code, _ int32
	addr                  uint64
	_                     [104]byte
}

// getSiginfo returns why tid stopped. Safe: siginfo has the size of siginfo_t.
func getSiginfo(tid int, s *siginfo) unix.Errno {
	return request(unix.PTRACE_GETSIGINFO, tid, 0, uintptr(unsafe.Pointer(s)))
}

// rseq is struct ptrace_rseq_configuration.
type rseq struct {
	addr                  uint64
	size, signature, _, _ uint32
}

// getRseq returns the restartable sequences' area that a C library registered, if one did. Safe:
// the host writes at most the size that it is told.
func getRseq(tid int, r *rseq) unix.Errno {
	const getConfiguration = 0x420f
	return request(getConfiguration, tid, unsafe.Sizeof(*r), uintptr(unsafe.Pointer(r)))
}

// wait returns the next stop or the end of tid. It blocks, and tells the Go scheduler.
// Safe: the host writes one int to status.
func wait(tid int) (status unix.WaitStatus, e unix.Errno) {
	for {
		_, _, e = unix.Syscall6(unix.SYS_WAIT4, uintptr(tid), uintptr(unsafe.Pointer(&status)), unix.WALL, 0, 0, 0)
		if e != unix.EINTR {
			return status, e
		}
	}
}

// ignoreChildren gives SIGCHLD its default action, which is none, in place of the Go runtime's
// handler: the host would run it at every stop of a stub, on some thread that it wakes for that.
// Safe: the host reads one struct kernel_sigaction, which is all zero.
func ignoreChildren() unix.Errno {
	var act [4]uint64
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	return e
}

// ended takes notice of the end of a process; false as long as it lives. Safe: nothing is stored.
func ended(pid int) bool {
	v, _, e := unix.RawSyscall6(unix.SYS_WAIT4, uintptr(pid), 0, unix.WALL|unix.WNOHANG, 0, 0, 0)
	return v != 0 || e != 0
}

// code returns the bytes of the stub page. Safe: stubCodeAddr is the address of stubCode, which
// is that long and which the collector does not move, being text.
func code() []byte { return unsafe.Slice(stubCodeAddr(), stubSize) }

// codeAddr is where that is in the sentry. Safe: only the number is used.
func codeAddr() uint64 { return uint64(uintptr(unsafe.Pointer(stubCodeAddr()))) }

// setAffinity binds tid (0: the caller) to processors. Safe: the host reads the set.
func setAffinity(tid int, cpus ...int) {
	var set [16]uint64
	for _, cpu := range cpus {
		set[cpu/64] |= 1 << (cpu % 64)
	}
	unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(tid), unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
}

// errnoOf is the errno of the host as the kernel above sees it.
func errnoOf(e unix.Errno) linux.Errno { return linux.Errno(e) }
