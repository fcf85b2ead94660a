package ptrace

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/host"
)

// context is an application thread. It implements platform.Context.
type context struct {
	p      *Platform
	as     *space
	thread *thread
	tracer int // the operating system thread that Switch runs on; 0: not yet known
	state  atomic.Int32
	inApp  atomic.Bool  // the thread may be in application code
	target atomic.Int64 // pid<<32 | tid of the stub thread, for Interrupt

	fpu      []byte // the state while there is no thread, and room for the host's image
	fpuDirty bool   // fpu is to be loaded before application code runs

	platform.BreakPoints
	meter  host.Meter
	absent absence

	cpu     int                   // the processor of both threads; -1: none chosen
	place   place                 // what it has seen there
	bound   *[]int                // what allowed was when it was made
	allowed atomic.Pointer[[]int] // processors by number, nil: all
}

// States of a context.
const (
	idle        int32 = iota
	running           // in the application, or on the way
	interrupted       // Interrupt was called: Switch returns soon
)

func newContext(p *Platform) *context {
	c := &context{p: p, cpu: -1, fpu: make([]byte, max(arch.HostFPUSize, arch.FPUSize)), fpuDirty: true}
	arch.InitialFPU(c.fpu[:arch.FPUSize])
	return c
}

// Switch implements platform.Context.
func (c *context) Switch(as platform.AddressSpace, regs *arch.Registers) platform.Trap {
	if s := as.(*space); c.as != s {
		if !c.enter(s) {
			return platform.Trap{Kind: platform.Gone}
		}
	}
	if !c.state.CompareAndSwap(idle, running) {
		c.state.Store(idle)
		return platform.Trap{Kind: platform.Interrupted}
	}
	c.inApp.Store(true)
	trap := c.run(regs)
	c.inApp.Store(false)
	c.as.left()
	c.state.Store(idle)
	return trap
}

// enter gives the context a thread in s.
func (c *context) enter(s *space) bool {
	if c.tracer == 0 {
		runtime.LockOSThread()
		c.tracer = unix.Gettid()
	}
	if c.as != nil {
		c.saveFPU()
		c.meter.End()
		c.as.leave(c)
		c.as = nil
	}
	if s.bind(c) != 0 {
		return false
	}
	c.as = s
	c.meter.Begin(c.thread.pid)
	c.fpuDirty = true
	c.Dirty = c.Control != 0
	c.target.Store(int64(c.thread.pid)<<32 | int64(c.thread.tid))
	c.cpu = -1
	return true
}

// run runs application code until a trap.
func (c *context) run(regs *arch.Registers) platform.Trap {
	t := c.thread
	gone := platform.Trap{Kind: platform.Gone}
	regs.Sanitize()
	if !c.load(regs) {
		return gone
	}
	if c.state.Load() == interrupted { // the signal may have come while load made calls
		return platform.Trap{Kind: platform.Interrupted}
	}
	c.p.cpus.enter(c)
	defer c.p.cpus.leave(c)
	for {
		if e := request(unix.PTRACE_SYSEMU, t.tid, 0, 0); e != 0 {
			return gone
		}
		status, e := wait(t.tid)
		if e != 0 || !status.Stopped() {
			t.dead = true
			return gone
		}
		switch sig := status.StopSignal(); {
		case status>>16 != 0: // an event: nothing of the application's
		case sig == interruptSignal:
			if e := getRegs(t.tid, regs); e != 0 {
				return gone
			}
			regs.OrigRax = ^uint64(0)
			if c.state.Load() != interrupted && !c.load(regs) {
				return gone
			}
			if c.state.Load() == interrupted {
				return platform.Trap{Kind: platform.Interrupted}
			}
		default:
			if trap, ok := c.decode(sig, regs); ok {
				return trap
			}
		}
	}
}

// load does what waits for a thread of the space, and gives the thread the state to go on with.
func (c *context) load(regs *arch.Registers) bool {
	if c.as.pending.Load() {
		c.as.serve(c)
	}
	orig := regs.OrigRax
	if e := c.setRegs(regs); e != 0 {
		regs.OrigRax = orig
		return false
	}
	if c.fpuDirty {
		c.loadFPU()
	}
	if c.Dirty {
		c.loadDebug()
	}
	return true
}

// setRegs gives the thread its registers: of most calls only the result is new.
func (c *context) setRegs(regs *arch.Registers) unix.Errno {
	t := c.thread
	if t.atCall {
		t.atCall = false
		const firstRestart, lastRestart = -516, -512 // which the host would take for its own
		r := int64(regs.Rax)
		t.regs.Rax = regs.Rax
		if t.regs == *regs && (r < firstRestart || r > lastRestart) {
			return request(unix.PTRACE_POKEUSR, t.tid, raxOffset, uintptr(regs.Rax))
		}
	}
	regs.OrigRax = ^uint64(0) // the host has no call to restart
	return setRegs(t.tid, regs)
}

// raxOffset is offsetof(struct user, regs.rax).
const raxOffset = 80

// absence is what the last trap has to say about a page: that it is not there, for the access of
// the instruction at rip to addr; or, before, that it was not there when the same access began.
type absence struct {
	rip, addr uint64
	before    bool
}

// Codes of siginfo.
const (
	siKernel   = 0x80
	segvMaperr = 1
	segvAccerr = 2
	busAdrerr  = 2
)

// decode turns a stop into a trap; false for a signal that means nothing.
func (c *context) decode(sig unix.Signal, regs *arch.Registers) (platform.Trap, bool) {
	t := c.thread
	before := c.absent
	c.absent = absence{}
	if e := getRegs(t.tid, regs); e != 0 {
		return platform.Trap{Kind: platform.Gone}, true
	}
	const syscallStop = unix.SIGTRAP | 0x80
	if sig == syscallStop {
		const enosys = 38
		regs.Rax = ^uint64(enosys) + 1
		t.atCall, t.regs = true, *regs
		return platform.Trap{Kind: platform.Syscall}, true
	}
	regs.OrigRax = ^uint64(0)
	var info siginfo
	if e := getSiginfo(t.tid, &info); e != 0 {
		return platform.Trap{Kind: platform.Gone}, true
	}
	trap := platform.Trap{Kind: platform.Exception, Signo: uint8(sig), Code: info.code, Addr: info.addr}
	switch sig {
	case unix.SIGSEGV:
		if info.code == segvMaperr || info.code == segvAccerr {
			c.fault(&trap, regs)
			switch again := before.addr == info.addr && before.rip == regs.Rip; {
			case info.code == segvMaperr:
				c.absent = absence{rip: regs.Rip, addr: info.addr}
			case again:
				c.absent.before = true
			}
		} else if info.code == siKernel {
			trap.Addr = 0
		}
		return trap, info.code > 0
	case unix.SIGBUS:
		if info.code == busAdrerr {
			trap.Kind = platform.Fault
		}
		return trap, info.code > 0
	case unix.SIGILL, unix.SIGFPE, unix.SIGTRAP:
		if sig == unix.SIGTRAP && c.Control != 0 {
			c.noteHits()
		}
		return trap, info.code > 0
	}
	return trap, false
}

// fault tells what kind of access it was. The host does not say; but what is mapped can always
// be read, so a protection fault is a write, or a fetch if the address is that of the
// instruction. A fault on what is not mapped counts as a read: if it was a write and the page
// turns out read-only, the next fault says so.
func (c *context) fault(trap *platform.Trap, regs *arch.Registers) {
	trap.Kind = platform.Fault
	const longestInstruction = 15
	fetch := trap.Addr-regs.Rip < longestInstruction
	switch {
	case trap.Addr == regs.Rip, fetch && trap.Code == segvAccerr && trap.Addr&(pageSize-1) == 0:
		trap.Exec = true
	case trap.Code == segvAccerr:
		trap.Write = true
	}
}

// Interrupt implements platform.Context.
func (c *context) Interrupt() {
	for {
		switch s := c.state.Load(); s {
		case interrupted:
			return
		default:
			if !c.state.CompareAndSwap(s, interrupted) {
				continue
			}
			if s == running {
				c.signal()
			}
			return
		}
	}
}

// signal stops the thread, which runs.
func (c *context) signal() {
	v := c.target.Load()
	unix.Tgkill(int(v>>32), int(int32(v)), interruptSignal)
}

// Spawn implements platform.Spawner.
func (c *context) Spawn() {
	if c.as != nil {
		c.as.spawn()
	}
}

// SetCPUs implements platform.Context.
func (c *context) SetCPUs(cpus []int) { c.allowed.Store(&cpus) }

// FPU implements platform.Context.
func (c *context) FPU(dst []byte) {
	c.saveFPU()
	copy(dst, c.fpu[:arch.FPUSize])
}

// saveFPU brings the state into c.fpu.
func (c *context) saveFPU() {
	if c.fpuDirty || c.thread == nil || c.thread.dead {
		return
	}
	fpuRegs(unix.PTRACE_GETREGSET, c.thread.tid, c.fpu[:arch.HostFPUSize])
}

// loadFPU gives it to the thread.
func (c *context) loadFPU() {
	clear(c.fpu[arch.FPUSize:])
	fpuRegs(unix.PTRACE_SETREGSET, c.thread.tid, c.fpu[:arch.HostFPUSize])
	c.fpuDirty = false
}

// SetFPU implements platform.Context.
func (c *context) SetFPU(src []byte) {
	copy(c.fpu[:arch.FPUSize], src)
	c.fpuDirty = true
}

// Release implements platform.Context.
func (c *context) Release() {
	if c.as != nil {
		c.meter.End()
		c.as.leave(c)
		c.as = nil
	}
	if c.tracer != 0 {
		c.tracer = 0
		c.p.cpus.unbind()
		runtime.UnlockOSThread() // for the goroutine of another context
	}
}

// CPUTime implements platform.Metered.
func (c *context) CPUTime() int64 { return c.meter.Used() }

var _ platform.Context = (*context)(nil)
var _ platform.Spawner = (*context)(nil)
var _ platform.Metered = (*context)(nil)
var _ platform.FaultCoder = (*context)(nil)
var _ platform.Sleeper = (*context)(nil)
var _ platform.Debugger = (*context)(nil)
var _ platform.AddressSpace = (*space)(nil)
