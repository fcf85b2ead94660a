package kernel

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// loop is the life of a thread: application code, trap, pending work, again.
func (t *Task) loop() {
	defer t.k.live.Done()
	growStack(0)
	t.run.lastSeen, t.run.slept = t.k.Clock.Monotonic(), t.waiter.Slept()
	t.k.frozen.wait(t) // it may have been born too late for the kick
	for !t.run.dying.Load() {
		if t.work.Load() {
			t.doWork()
			continue
		}
		trap := t.enter()
		if t.ptrace.stepTF {
			t.disarmStep()
		}
		switch trap.Kind {
		case platform.Syscall:
			t.syscall()
		case platform.Fault:
			t.fault(&trap)
		case platform.Exception:
			t.exception(&trap)
		case platform.Interrupted:
			t.switches[1].Add(1)
		case platform.Gone:
			t.killGroup(linux.SIGKILL)
			t.run.status = linux.SIGKILL
			t.run.dying.Store(true)
		}
	}
	t.exit()
}

// enter runs application code until a trap and keeps the account of time.
func (t *Task) enter() platform.Trap {
	if quiet := t.quiet(); quiet != t.run.answers || quiet && t.Cred() != t.run.answered {
		t.answer(quiet)
	}
	if t.run.borrowed {
		t.ctx.(platform.Lender).Flush()
	}
	if t.waiter.Slept() != t.run.slept {
		if s, ok := t.ctx.(platform.Sleeper); ok {
			s.Woken(t.waiter.WokenOn())
		}
	}
	arch.StoreInt64(&t.inside, 1) // Switch has a barrier before it enters the application
	t.run.entered = 0
	if !t.run.announced {
		t.entered()
	}
	trap := t.ctx.Switch(t.run.as, &t.run.regs)
	t.run.partial = trap.Partial
	if t.run.borrowed {
		t.settle(&trap)
	}
	if t.run.entered != 0 {
		t.run.lastSeen = t.k.Clock.Account()
		arch.StoreInt64(&t.user, t.user.Load()+max(t.run.lastSeen, t.run.entered))
	}
	t.inside.Store(0)
	if t.barriers.Load() != nil {
		t.passBarriers()
	}
	return trap
}

// entered keeps the account when the thread enters the application.
func (t *Task) entered() {
	now, slept := t.k.Clock.Account(), t.waiter.Slept()
	arch.StoreInt64(&t.sys, t.sys.Load()+max(now-t.run.lastSeen-(slept-t.run.slept), 0))
	t.run.slept, t.run.entered = slept, now
	arch.StoreInt64(&t.user, t.user.Load()-now)
}

// quiet tells that nobody wants to see every call of the thread.
func (t *Task) quiet() bool {
	if t.ptrace.enabled.Load() || t.k.Trace != nil || t.run.dispatch.on {
		return false
	}
	if !t.run.seccomp {
		return true
	}
	f := t.seccomp.filter.Load()
	return f != nil && f.quiet
}

// answer lets the platform answer calls that always have the same result, or not. Ids in another
// than the first user namespace change when somebody writes its map.
func (t *Task) answer(quiet bool) {
	c := t.Cred()
	t.run.answers, t.run.answered = quiet, c
	a, ok := t.ctx.(platform.Answerer)
	if !ok {
		return
	}
	if !quiet {
		a.Answer(nil)
		return
	}
	t.k.tasks.RLock() // against Orphan
	defer t.k.tasks.RUnlock()
	ns := t.pid.ns()
	a.Answer(&platform.Facts{
		PID: t.group.leader.pid.NrIn(ns), TID: t.pid.NrIn(ns), PPID: t.ppid(),
		IDs: c.NS.Parent == nil,
		UID: uint32(c.Ruid), EUID: uint32(c.Euid), GID: uint32(c.Rgid), EGID: uint32(c.Egid),
	})
}

// PPID is getppid(2): 0 if the parent is in another PID namespace.
func (t *Task) PPID() int32 {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	return t.ppid()
}

// ppid is PPID with tasks held.
func (t *Task) ppid() int32 {
	if p := t.group.parent; p != nil {
		return p.leader.pid.NrIn(t.pid.ns())
	}
	return 0
}

// syscall does the call the registers ask for. It is the one place where calls are made:
// seccomp, ptrace and strace wrap it.
func (t *Task) syscall() {
	r := &t.run.regs
	if r.Rcx != r.Rip {
		t.oldGate()
		return
	}
	nr := uint64(uint32(r.OrigRax)) // the upper half is not looked at
	t.run.args = Args(r.Args())
	args := &t.run.args
	if t.ptrace.enabled.Load() || t.run.seccomp || t.run.dispatch.on {
		if t.run.dispatch.on && t.dispatched() {
			return
		}
		if !t.syscallEnter(&nr, args) {
			t.syscallExit()
			return
		}
	}
	t.call(nr, args)
	if t.ptrace.enabled.Load() && !t.run.dying.Load() {
		t.syscallExit()
	}
}

// call dispatches and stores the result.
func (t *Task) call(nr uint64, args *Args) {
	var (
		ret   uintptr
		errno linux.Errno
		began time.Time
		trace = t.k.Trace
	)
	if trace != nil {
		began = time.Now()
		trace.Enter(t, nr, args)
	}
	arch.StoreInt64(&t.calls, t.calls.Load()+1)
	if nr < uint64(len(t.k.Syscalls)) && t.k.Syscalls[nr] != nil {
		ret, errno = t.k.Syscalls[nr](t, args)
	} else {
		errno = linux.ENOSYS
		t.reportUnknown(nr)
	}
	if trace != nil {
		trace.Exit(t, nr, args, ret, errno, time.Since(began))
	}
	if t.k.sigio.pending.Load() {
		t.k.sendSigio()
	}
	switch {
	case errno == errnoNoReturn:
		return // the registers are as they should be: execve, rt_sigreturn
	case errno != 0:
		t.run.regs.Rax = uint64(-int64(errno))
		if errno >= linux.ERESTARTSYS {
			t.work.Store(true)
		}
	default:
		t.run.regs.Rax = uint64(ret)
	}
}

// errnoNoReturn says that a call has set the registers itself. It never leaves the kernel.
const errnoNoReturn linux.Errno = 4000

// NoReturn is what a call returns that has set the registers itself.
const NoReturn = errnoNoReturn

// reportUnknown logs the first use of each call that has no function. Every C library tries
// rseq(2) and does without.
func (t *Task) reportUnknown(nr uint64) {
	if nr >= uint64(len(t.k.unknown)*64) || nr == linux.SYS_RSEQ {
		return
	}
	bit := uint64(1) << (nr % 64)
	if t.k.unknown[nr/64].Or(bit)&bit == 0 {
		t.k.Log.Limited("unsupported system call %s (%d) by %s, pid %d: ENOSYS", t.k.Names(nr), nr, t.Comm(), t.PID())
	}
}

// doWork does what is pending before application code runs again
// (exit_to_user_mode_loop, kernel/entry/common.c; get_signal, kernel/signal.c).
func (t *Task) doWork() {
	t.work.Store(false)
	t.waiter.ClearInterrupt()
	t.k.frozen.wait(t)
	t.takeSync()
	handled := t.signals()
	if t.run.dying.Load() {
		return
	}
	if !handled {
		t.restartCall()
		t.restoreMask()
	}
	t.run.regs.OrigRax = ^uint64(0) // no longer in a call
	t.armStep()
}

// restartCall lets an interrupted call run again if no handler came between
// (arch_do_signal_or_restart, arch/x86/kernel/signal.c).
func (t *Task) restartCall() {
	if !t.inSyscall() {
		return
	}
	r := t.Regs()
	switch linux.Errno(-int64(r.Rax)) {
	case linux.ERESTARTNOHAND, linux.ERESTARTSYS, linux.ERESTARTNOINTR:
		r.Rax = r.OrigRax
		r.Rip -= 2
	case linux.ERESTART_RESTARTBLOCK:
		r.Rax = linux.SYS_RESTART_SYSCALL
		r.Rip -= 2
	}
}

// inSyscall tells whether the registers are those of a call: OrigRax holds its number.
func (t *Task) inSyscall() bool { return int32(t.run.regs.OrigRax) != -1 }
