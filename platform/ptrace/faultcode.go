package ptrace

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// A tracer is not told the error code of a fault. The host puts it into the frame of a signal
// handler, so a fault whose signal the application is to see is repeated, the host may deliver its own
// signal, onto memory of the stub's own, and the frame is read there. The application can write to that
// memory: what is read is for its eyes only.

// The memory of the frames, right behind the stub page.
const (
	framesAt   = stubPage + pageSize
	framesSize = 4 * pageSize
	framesTop  = framesAt + framesSize
)

// Places in a signal frame: the return address, struct ucontext up to its mcontext, 18 registers, the
// segments.
const (
	frameErr   = 8 + 40 + 18*8 + 8
	singleStep = 32 // PTRACE_SYSEMU_SINGLESTEP
)

// FaultCode implements platform.FaultCoder.
func (c *context) FaultCode(regs *arch.Registers) (code uint64, ok bool) {
	t := c.thread
	if t == nil || t.dead || c.as.frames(t) != 0 {
		return 0, false
	}
	c.inApp.Store(true)
	sig := c.refault(regs)
	c.inApp.Store(false)
	c.as.left()
	if sig == 0 {
		return 0, false
	}
	c.saveFPU()
	c.fpuDirty = true // the handler begins with a fresh one
	r := *regs
	r.OrigRax, r.Rsp = ^uint64(0), framesTop
	if setRegs(t.tid, &r) != 0 || request(unix.PTRACE_CONT, t.tid, 0, uintptr(sig)) != 0 {
		return 0, false
	}
	for {
		status, e := wait(t.tid)
		if e != 0 || !status.Stopped() {
			t.dead = true
			return 0, false
		}
		if status.StopSignal() == unix.SIGTRAP && status>>16 == 0 {
			break
		}
		if status.StopSignal() == unix.SIGSEGV || request(unix.PTRACE_CONT, t.tid, 0, 0) != 0 {
			return 0, false // no room for the frame
		}
	}
	if getRegs(t.tid, &r) != 0 || r.Rip != entryHandler+1 || r.Rsp < framesAt || r.Rsp > framesTop-frameErr-8 {
		return 0, false
	}
	code, e := peekData(t.tid, r.Rsp+frameErr)
	if c.absent.before { // it is there only because the access was taken for a read at first
		const there = 1
		code &^= there
	}
	return code, e == 0
}

// refault runs the instruction at regs again and returns the signal that it stops with, 0 if it
// does not fault any more; then regs are those behind it.
func (c *context) refault(regs *arch.Registers) unix.Signal {
	t := c.thread
	if !c.load(regs) {
		return 0
	}
	for {
		if request(singleStep, t.tid, 0, 0) != 0 {
			return 0
		}
		status, e := wait(t.tid)
		if e != 0 || !status.Stopped() {
			t.dead = true
			return 0
		}
		switch sig := status.StopSignal(); sig {
		case unix.SIGSEGV, unix.SIGBUS:
			return sig
		case interruptSignal: // load served whoever sent it, or state says so
			if !c.load(regs) {
				return 0
			}
		default:
			orig := regs.OrigRax
			getRegs(t.tid, regs)
			regs.OrigRax = orig
			return 0
		}
	}
}

// frames makes sure that there is memory for frames.
func (s *space) frames(t *thread) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.proc.frames {
		return 0
	}
	_, errno := t.call(unix.SYS_MMAP, framesAt, framesSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED, ^uintptr(0), 0)
	s.proc.frames = errno == 0
	return errno
}
