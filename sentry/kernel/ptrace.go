package kernel

import (
	"slices"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// ptrace(2) inside the sandbox (kernel/ptrace.c). A tracee stops on its own goroutine, in
// ptraceStop, with its registers and FPU state laid open; the tracer reads and changes them
// from its own while the tracee is stopped, and lets it go.

// ptraceState is a task's part as a tracee. What is atomic may be read by anybody, and changes with Group.mu
// held; the rest is guarded by Group.mu, or by the task being stopped.
type ptraceState struct {
	enabled atomic.Bool // it has a tracer
	stopped atomic.Bool
	seized  atomic.Bool
	options atomic.Uint32
	resumed atomic.Uint32 // how it was resumed, a ptraceMode

	code      uint32 // of the stop: signal, event<<8
	info      *linux.Siginfo
	message   uint64
	waitable  bool // the stop has not been waited for
	inject    int  // the signal to go on with
	interrupt bool // PTRACE_INTERRUPT, or a new seized child: to stop with PTRACE_EVENT_STOP
	listening bool
	call      uint8  // the stop is at a system call: entry, exit, seccomp
	secData   uint64 // of SECCOMP_RET_TRACE
	fpu       []byte // the state while stopped
	fpuDirty  bool
	stepTF    bool // the trap flag is the tracer's
	debug     debugRegs
}

type ptraceMode uint8

// How a tracee goes on.
const (
	PtraceCont ptraceMode = iota
	PtraceSyscall
	PtraceStep
	PtraceSysemu
	PtraceSysemuStep
)

// Options and events (include/uapi/linux/ptrace.h).
const (
	ptraceOptionSysgood  = 0x1
	ptraceOptionSeccomp  = 0x80
	ptraceOptionExit     = 0x40
	ptraceOptionExitkill = 0x100000
	PtraceOptionMask     = 0xff | 0x300000

	ptraceEventFork      = 1
	ptraceEventVfork     = 2
	ptraceEventClone     = 3
	ptraceEventExec      = 4
	ptraceEventVforkDone = 5
	ptraceEventExit      = 6
	ptraceEventSeccomp   = 7
	ptraceEventStop      = 128
)

// Where a stop at a system call is: PTRACE_SYSCALL_INFO's op.
const (
	PtraceCallNone    = 0
	PtraceCallEntry   = 1
	PtraceCallExit    = 2
	PtraceCallSeccomp = 3
)

// mode is how the tracee was resumed.
func (p *ptraceState) mode() ptraceMode { return ptraceMode(p.resumed.Load()) }

// wants tells whether the tracer asked for an event.
func (p *ptraceState) wants(option uint32) bool {
	return p.enabled.Load() && p.options.Load()&option != 0
}

// trap tells whether the task is to stop with PTRACE_EVENT_STOP. Group.mu is held.
func (p *ptraceState) trap() bool { return p.enabled.Load() && p.interrupt }

// stepping tells whether the tracer wants each instruction.
func (p *ptraceState) stepping() bool {
	return p.enabled.Load() && (p.mode() == PtraceStep || p.mode() == PtraceSysemuStep)
}

// ptraceStop stops until the tracer lets go and returns the signal to go on with. No lock is
// held. Without a tracer it returns signo at once. message is what PTRACE_GETEVENTMSG tells.
func (t *Task) ptraceStop(code uint32, info *linux.Siginfo, signo int, message uint64) int {
	k, g, p := t.k, t.group, &t.ptrace
	t.Regs()
	t.openFPU()
	k.tasks.RLock()
	g.mu.Lock()
	if t.tracer == nil || t.killed.Load() {
		g.mu.Unlock()
		k.tasks.RUnlock()
		return signo
	}
	p.code, p.info, p.message, p.waitable, p.inject, p.listening = code, info, message, true, 0, false
	p.stopped.Store(true)
	g.mu.Unlock()
	t.tellTracer(linux.CLD_TRAPPED, int32(code&0x7f))
	k.tasks.RUnlock()
	for p.stopped.Load() && !t.killed.Load() {
		t.waiter.ClearInterrupt()
		k.frozen.wait(t)
		if p.stopped.Load() && !t.killed.Load() {
			t.waiter.Sleep(wait.Forever)
		}
	}
	g.mu.Lock()
	p.stopped.Store(false)
	p.waitable, p.info, p.code = false, nil, 0
	inject := p.inject
	if t.hasPendingLocked() {
		t.waiter.Interrupt()
	}
	g.mu.Unlock()
	t.work.Store(true)
	t.closeFPU()
	return inject
}

// openFPU brings the FPU state where the tracer can reach it; closeFPU puts it back.
func (t *Task) openFPU() {
	if t.ptrace.fpu == nil {
		t.ptrace.fpu = make([]byte, arch.FPUSize)
	}
	t.ctx.FPU(t.ptrace.fpu)
	t.ptrace.fpuDirty = false
}

func (t *Task) closeFPU() {
	if t.ptrace.fpuDirty {
		t.ctx.SetFPU(t.ptrace.fpu)
	}
	t.loadDebug()
}

// tellTracer sends SIGCHLD to the tracer and wakes its wait(2). tasks is held.
func (t *Task) tellTracer(code, status int32) {
	tr := t.tracer.group
	info := linux.Siginfo{Signo: linux.SIGCHLD, Code: code}
	info.SetPID(t.pid.NrIn(tr.leader.pid.ns()))
	info.SetUID(tr.leader.Cred().NS.FromKernelUID(t.Cred().Ruid))
	user, sys := t.CPU()
	info.SetChild(status, user/linux.ClockTick, sys/linux.ClockTick)
	a := tr.sighand.action(linux.SIGCHLD)
	if a.Handler != linux.SIG_IGN && a.Flags&linux.SA_NOCLDSTOP == 0 {
		tr.send(&info, nil)
	}
	tr.childQueue.Notify(wait.Internal)
}

// ptraceSignal stops for a signal about to be delivered and returns what is to be delivered
// instead, if anything (ptrace_signal).
func (t *Task) ptraceSignal(q queuedSignal) (queuedSignal, bool) {
	info := q.info
	was := int(info.Signo)
	n := t.ptraceStop(uint32(was), &info, was, 0)
	if n == 0 {
		return q, false
	}
	if n != int(info.Signo) {
		info = linux.Siginfo{Signo: int32(n), Code: linux.SI_USER}
		t.k.tasks.RLock()
		if tr := t.tracer; tr != nil {
			info.SetPID(tr.group.leader.pid.NrIn(t.pid.ns()))
		}
		t.k.tasks.RUnlock()
	}
	q.info = info
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	if t.sig.blocked.Has(n) && n != was {
		t.group.sendLocked(queuedSignal{info: info}, t)
		return q, false
	}
	return q, true
}

// ptraceTrap stops with PTRACE_EVENT_STOP: PTRACE_INTERRUPT, a new seized child, the end of a
// group stop.
func (t *Task) ptraceTrap() {
	g := t.group
	g.mu.Lock()
	t.ptrace.interrupt = false
	signo := linux.SIGTRAP
	if g.stop.active {
		signo = g.stop.signo
	}
	g.mu.Unlock()
	info := linux.Siginfo{Signo: int32(signo), Code: int32(signo | ptraceEventStop<<8)}
	t.ptraceStop(uint32(signo|ptraceEventStop<<8), &info, 0, 0)
}

// ptraceGroupStop is what a tracee does in a group stop: its tracer sees it and may let it run.
func (t *Task) ptraceGroupStop(signo int) {
	if t.ptrace.seized.Load() {
		info := linux.Siginfo{Signo: int32(signo), Code: int32(signo | ptraceEventStop<<8)}
		t.ptraceStop(uint32(signo|ptraceEventStop<<8), &info, 0, 0)
		return
	}
	t.ptraceStop(uint32(signo), nil, 0, 0)
}

// ptraceEvent stops for an event that the tracer asked for.
func (t *Task) ptraceEvent(event int, message uint64) {
	p := &t.ptrace
	if event == 0 || !p.wants(1<<event) {
		return
	}
	info := linux.Siginfo{Signo: linux.SIGTRAP, Code: int32(linux.SIGTRAP | event<<8)}
	info.SetPID(t.TID())
	t.ptraceStop(uint32(linux.SIGTRAP|event<<8), &info, 0, message)
}

// cloneEvent is the event of a clone(2).
func cloneEvent(a *linux.CloneArgs) int {
	switch {
	case a.Flags&linux.CLONE_UNTRACED != 0:
		return 0
	case a.Flags&linux.CLONE_VFORK != 0:
		return ptraceEventVfork
	case a.ExitSignal != linux.SIGCHLD:
		return ptraceEventClone
	}
	return ptraceEventFork
}

// tracerNS is the PID namespace in which a tracer hears of ids; without one it is t's own.
func (t *Task) tracerNS() *PIDNS {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	if t.tracer != nil {
		return t.tracer.pid.ns()
	}
	return t.pid.ns()
}

// ptraceClone attaches the tracer to a new child if it wants that (ptrace_init_task). n does
// not run yet.
func (t *Task) ptraceClone(n *Task, a *linux.CloneArgs, event int) {
	if !(event != 0 && t.ptrace.wants(1<<event)) && !(a.Flags&linux.CLONE_PTRACE != 0 && t.ptrace.enabled.Load()) {
		return
	}
	k := t.k
	k.tasks.Lock()
	defer k.tasks.Unlock()
	if t.tracer == nil {
		return
	}
	n.link(t.tracer)
	n.ptrace.options.Store(t.ptrace.options.Load())
	n.ptrace.seized.Store(t.ptrace.seized.Load())
	if n.ptrace.seized.Load() {
		n.ptrace.interrupt = true
	} else {
		n.sig.pending.add(queuedSignal{info: linux.Siginfo{Signo: linux.SIGSTOP, Code: linux.SI_USER}})
	}
	n.work.Store(true)
}

// ptraceExec tells the tracer of an exec; former is the id that the thread had before.
func (t *Task) ptraceExec(former int32) {
	p := &t.ptrace
	switch {
	case p.wants(1 << ptraceEventExec):
		t.ptraceEvent(ptraceEventExec, uint64(former))
	case p.enabled.Load() && !p.seized.Load():
		t.SendSelf(linux.SIGTRAP)
	}
}

// ptraceExit is the stop before a thread ends.
func (t *Task) ptraceExit() {
	if t.ptrace.wants(ptraceOptionExit) && !t.killed.Load() {
		t.ptraceEvent(ptraceEventExit, uint64(t.run.status))
	} else if t.ptrace.wants(ptraceOptionExit) {
		// A killed thread stops, too, unless it was SIGKILL.
		if t.run.status&0x7f != linux.SIGKILL {
			t.killed.Store(false)
			t.ptraceEvent(ptraceEventExit, uint64(t.run.status))
			t.killed.Store(true)
		}
	}
}

// ptraceSyscallEnter stops before a call: false if the tracer cancelled it.
func (t *Task) ptraceSyscallEnter(nr *uint64, args *Args) bool {
	p := &t.ptrace
	emulated := p.mode() == PtraceSysemu || p.mode() == PtraceSysemuStep
	if p.mode() != PtraceSyscall && !emulated {
		return true
	}
	t.syscallStop(PtraceCallEntry)
	r := t.Regs()
	*nr, *args = uint64(uint32(r.OrigRax)), Args(r.Args())
	return !emulated && t.inSyscall() && !t.killed.Load()
}

// ptraceSyscallExit stops after a call.
func (t *Task) ptraceSyscallExit() {
	switch p := &t.ptrace; p.mode() {
	case PtraceSyscall:
		t.syscallStop(PtraceCallExit)
	case PtraceStep:
		t.ptraceStepped()
	}
}

// syscallStop is a stop at a system call.
func (t *Task) syscallStop(where uint8) {
	p := &t.ptrace
	code := uint32(linux.SIGTRAP)
	if p.options.Load()&ptraceOptionSysgood != 0 {
		code |= 0x80
	}
	p.call = where
	info := linux.Siginfo{Signo: linux.SIGTRAP, Code: int32(code)}
	info.SetPID(t.TID())
	n := t.ptraceStop(code, &info, 0, uint64(where))
	p.call = PtraceCallNone
	if n != 0 {
		t.SendSelf(n)
	}
}

// ptraceSeccomp stops for SECCOMP_RET_TRACE: true if the call is to be made.
func (t *Task) ptraceSeccomp(nr *uint64, args *Args, data uint64) bool {
	p := &t.ptrace
	p.call, p.secData = PtraceCallSeccomp, data
	t.ptraceEvent(ptraceEventSeccomp, data)
	p.call = PtraceCallNone
	r := t.Regs()
	if t.killed.Load() || !t.inSyscall() {
		return false
	}
	*nr, *args = uint64(uint32(r.OrigRax)), Args(r.Args())
	// The filters look again, and a second SECCOMP_RET_TRACE lets it pass.
	if f := t.seccomp.filter.Load(); f != nil && !f.allows(*nr) {
		return t.recheckSeccomp(nr, args)
	}
	return true
}

// ptraceStepped reports a step that ended at a system call or a handler's first instruction.
func (t *Task) ptraceStepped() {
	info := linux.Siginfo{Signo: linux.SIGTRAP, Code: linux.TRAP_TRACE}
	info.SetAddr(t.Regs().Rip)
	t.forceSignal(&info)
}

// armStep sets the trap flag for a tracer that single-steps; called before application code
// runs. disarmStep takes it away after the trap.
func (t *Task) armStep() {
	if t.ptrace.stepping() && t.Regs().Eflags&arch.FlagTF == 0 {
		t.Regs().Eflags |= arch.FlagTF
		t.ptrace.stepTF = true
	}
}

func (t *Task) disarmStep() {
	if t.ptrace.stepTF {
		t.ptrace.stepTF = false
		t.Regs().Eflags &^= arch.FlagTF
	}
}

// link makes tr the tracer of t. tasks is held.
func (t *Task) link(tr *Task) {
	t.tracer = tr
	tr.traced = append(slices.Clone(tr.traced), t)
	t.ptrace.resumed.Store(uint32(PtraceCont))
	t.ptrace.enabled.Store(true)
}

// unlink ends tracing; a stopped tracee goes on with signo. tasks is held.
func (t *Task) unlink(signo int) {
	if tr := t.tracer; tr != nil {
		tr.traced = remove(slices.Clone(tr.traced), t)
	}
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	t.tracer = nil
	p := &t.ptrace
	p.enabled.Store(false)
	p.seized.Store(false)
	p.options.Store(0)
	p.resumed.Store(uint32(PtraceCont))
	p.interrupt = false
	p.inject = signo
	if p.stopped.Load() {
		p.stopped.Store(false)
	}
	if g.stop.active {
		t.run.stopSeq = 0 // it stops with its group again
	}
	t.kick()
}

// detachAll lets go of what a dying task traces, and of its own tracer. tasks is held.
func (t *Task) detachAll() {
	for _, o := range slices.Clone(t.traced) {
		kill := o.ptrace.options.Load()&ptraceOptionExitkill != 0
		o.unlink(0)
		switch {
		case o.zombie && o.group.leader == o && o.group.IsZombie():
			o.group.tellParentExit()
		case o.zombie && o.group.leader != o:
			o.release()
		case kill:
			info := linux.Siginfo{Signo: linux.SIGKILL, Code: linux.SI_KERNEL}
			o.group.send(&info, nil)
		}
	}
}

// waitTraced looks at a tracee for its tracer (wait_consider_task with ptrace). tasks is held.
func (t *Task) waitTraced(w *WaitArgs, c *Task, res *WaitResult) bool {
	g := c.group
	leader := c == g.leader
	if c.zombie && (!leader || g.IsZombie()) {
		if w.Options&linux.WEXITED == 0 {
			return false
		}
		return t.takeTracedZombie(w, c, res)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.ptrace.stopped.Load() || !c.ptrace.waitable || c.ptrace.listening {
		return false
	}
	code := c.ptrace.code
	*res = t.childResult(c, code<<8|0x7f, linux.CLD_TRAPPED, int32(code))
	if w.Options&linux.WNOWAIT == 0 {
		c.ptrace.waitable = false
	}
	return true
}

// takeTracedZombie reports a dead tracee; its real parent hears of it next.
func (t *Task) takeTracedZombie(w *WaitArgs, c *Task, res *WaitResult) bool {
	g := c.group
	if c != g.leader {
		status := c.exitStatus
		*res = t.childResult(c, status, linux.CLD_EXITED, int32(status>>8))
		if status&0x7f != 0 {
			res.Code, res.Value = linux.CLD_KILLED, int32(status&0x7f)
		}
		if w.Options&linux.WNOWAIT == 0 {
			c.unlink(0)
			c.release()
		}
		return true
	}
	if g.parent == t.group {
		if w.Options&linux.WNOWAIT == 0 {
			c.unlink(0)
		}
		t.takeZombie(w, g, res)
		return true
	}
	info := g.exitInfo()
	*res = t.childResult(c, g.exitStatus, info.Code, info.Status())
	if w.Options&linux.WNOWAIT == 0 {
		c.unlink(0)
		g.tellParentExit()
	}
	return true
}

// MayAccess is ptrace_may_access: whether t may look into o. real: by the real ids (attach)
// rather than the file-system ids (/proc).
func (t *Task) MayAccess(o *Task, real bool) bool {
	if o.group == t.group {
		return true
	}
	c, d := t.Cred(), o.Cred()
	uid, gid := c.Fsuid, c.Fsgid
	if real {
		uid, gid = c.Ruid, c.Rgid
	}
	same := uid == d.Euid && uid == d.Suid && uid == d.Ruid && gid == d.Egid && gid == d.Sgid && gid == d.Rgid
	capable := c.HasIn(d.NS, linux.CAP_SYS_PTRACE)
	if !same && !capable {
		return false
	}
	if o.group.Dumpable() != 1 && !capable {
		return false
	}
	return c.NS == d.NS && d.Permitted&^c.Permitted == 0 || capable
}

// tracerAllows tells whether an exec may gain rights although the task is traced: its tracer
// could have them, too (LSM_UNSAFE_PTRACE).
func (t *Task) tracerAllows() bool {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	tr := t.tracer
	return tr == nil || tr.Cred().HasIn(t.Cred().NS, linux.CAP_SYS_PTRACE)
}
