package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Taking signals: what get_signal of kernel/signal.c does, on the task's own goroutine.

func addrOf(v uint64) usermem.Addr { return usermem.Addr(v) }

// signals takes pending signals until a handler is to run (true), the thread is to die, or
// nothing is left. Stops happen here.
func (t *Task) signals() (handled bool) {
	g := t.group
	for {
		g.mu.Lock()
		if t.killed.Load() {
			status := g.exitStatus
			if g.execTask != nil {
				status = 0
			}
			g.mu.Unlock()
			t.die(status)
			return false
		}
		if g.cldReport != 0 {
			g.reportContinued() // unlocks
			continue
		}
		if g.stop.active && t.run.stopSeq != g.stop.seq {
			t.stopHere() // unlocks
			continue
		}
		if t.ptrace.trap() {
			g.mu.Unlock()
			t.ptraceTrap()
			continue
		}
		q, ok := t.takeSignal()
		if !ok {
			g.mu.Unlock()
			return false
		}
		g.mu.Unlock()
		if t.ptrace.enabled.Load() && q.info.Signo != linux.SIGKILL {
			if q, ok = t.ptraceSignal(q); !ok {
				continue
			}
		}
		if t.deliver(&q.info) {
			return true
		}
		if t.run.dying.Load() {
			return false
		}
	}
}

// takeSignal takes the next one: the synchronous signals of the thread itself come first.
func (t *Task) takeSignal() (queuedSignal, bool) {
	if n := t.sig.pending.next(linux.SyncSignals &^ t.sig.blocked); n != 0 {
		return t.sig.pending.take(n), true
	}
	return t.takeLocked(^t.sig.blocked)
}

// deliver acts on one signal: true if a handler is set up.
func (t *Task) deliver(info *linux.Siginfo) bool {
	g := t.group
	signo := int(info.Signo)
	bit := linux.SignalBit(signo)
	g.mu.Lock()
	h := g.sighand
	h.mu.Lock()
	a := h.actions[signo]
	if a.Handler > linux.SIG_IGN && a.Flags&linux.SA_RESETHAND != 0 {
		h.actions[signo].Handler = linux.SIG_DFL
	}
	h.mu.Unlock()
	switch {
	case a.Handler == linux.SIG_IGN:
		g.mu.Unlock()
		return false
	case a.Handler != linux.SIG_DFL:
		g.mu.Unlock()
		return t.handle(info, &a)
	case bit&linux.IgnoredSignals != 0, g.unkillable() && bit&linux.UnblockableSignals == 0 && info.Code <= 0:
		g.mu.Unlock()
		return false
	case bit&linux.StopSignals != 0:
		g.mu.Unlock()
		t.stopBy(signo)
		return false
	}
	status := uint32(signo)
	if bit&linux.CoreSignals != 0 && g.coreWanted() {
		status |= coreFlag
	}
	g.exitGroupLocked(status, nil)
	g.mu.Unlock()
	return false
}

// coreFlag is WCOREDUMP's.
const coreFlag = 0x80

// coreWanted tells whether Linux would write a core file and so sets WCOREDUMP. None is ever
// written here: the pattern that /proc shows is a pipe to nowhere.
func (g *Group) coreWanted() bool { return false }

// handle lets a handler run: it builds the frame (handle_signal, arch/x86/kernel/signal.c).
func (t *Task) handle(info *linux.Siginfo, a *linux.Sigaction) bool {
	r := t.Regs()
	if t.inSyscall() {
		switch linux.Errno(-int64(r.Rax)) {
		case linux.ERESTARTNOHAND, linux.ERESTART_RESTARTBLOCK:
			r.Rax = errnoWord(linux.EINTR)
		case linux.ERESTARTSYS:
			if a.Flags&linux.SA_RESTART == 0 {
				r.Rax = errnoWord(linux.EINTR)
				break
			}
			fallthrough
		case linux.ERESTARTNOINTR:
			r.Rax = r.OrigRax
			r.Rip -= 2
		}
	}
	g := t.group
	g.mu.Lock()
	mask := t.sig.blocked
	if t.sig.restore {
		mask = t.sig.saved
	}
	g.mu.Unlock()
	stepping := t.ptrace.stepping()
	if errno := t.pushFrame(info, a, mask); errno != 0 {
		t.badFrame(int(info.Signo))
		return false
	}
	g.mu.Lock()
	t.sig.restore = false
	set := t.sig.blocked | a.Mask
	if a.Flags&linux.SA_NODEFER == 0 {
		set |= linux.SignalBit(int(info.Signo))
	}
	t.setBlockedLocked(set &^ linux.UnblockableSignals)
	g.mu.Unlock()
	if stepping {
		t.ptraceStepped()
	}
	r.OrigRax = ^uint64(0)
	// What became pending meanwhile is looked at before the handler runs.
	return true
}

func errnoWord(e linux.Errno) uint64 { return uint64(-int64(e)) }

// badFrame is force_sigsegv: the frame cannot be written or read.
func (t *Task) badFrame(signo int) {
	if signo == linux.SIGSEGV {
		h := t.group.sighand
		h.mu.Lock()
		h.actions[linux.SIGSEGV].Handler = linux.SIG_DFL
		h.mu.Unlock()
	}
	t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
}

// BadFrame is what a system call does about a signal frame it cannot use.
func (t *Task) BadFrame() { t.badFrame(0) }

// die notes that the thread is to exit with a status of wait(2).
func (t *Task) die(status uint32) {
	if !t.run.dying.Load() {
		t.run.status = status
		t.run.dying.Store(true)
	}
}
