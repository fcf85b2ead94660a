package kernel

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Sending signals (kernel/signal.c). Kernel.tasks is held at least for reading by whoever sends
// to a task other than himself, so that the group cannot be reaped meanwhile.

// SendGroup sends a signal to a process. Permission has been checked.
func (g *Group) SendGroup(info *linux.Siginfo) {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	g.send(info, nil)
}

// SendThread sends a signal to one thread.
func (t *Task) SendThread(info *linux.Siginfo) {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	t.group.send(info, t)
}

// send queues info for t, or for the group if t is nil.
func (g *Group) send(info *linux.Siginfo, t *Task) linux.Errno {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sendLocked(queuedSignal{info: *info}, t)
}

// sendLocked is __send_signal_locked: g.mu is held.
func (g *Group) sendLocked(q queuedSignal, t *Task) linux.Errno {
	signo := int(q.info.Signo)
	if !g.prepare(&q.info, t) {
		return 0
	}
	p := &g.pending
	if t != nil {
		p = &t.sig.pending
	}
	const mostQueued = 1 << 17 // whatever the limit says
	if signo >= linux.SIGRTMIN && q.timer == nil && len(p.queue) >= int(min(g.limits.get(linux.RLIMIT_SIGPENDING).Cur, mostQueued)) {
		if q.info.Code != linux.SI_USER {
			return linux.EAGAIN
		}
		if p.set.Has(signo) {
			return 0 // lost, as on Linux: it is pending already
		}
	}
	if !p.add(q) {
		return 0
	}
	g.signalfd(signo)
	g.complete(signo, t)
	return 0
}

// prepare does what a signal does when it is sent, whatever becomes of it: SIGCONT ends a
// stop, stop signals drop SIGCONT. False: it is ignored (prepare_signal).
func (g *Group) prepare(info *linux.Siginfo, t *Task) bool {
	signo := int(info.Signo)
	if g.exiting && g.execTask == nil {
		return signo == linux.SIGKILL
	}
	bit := linux.SignalBit(signo)
	switch {
	case bit&linux.StopSignals != 0:
		g.flushAll(linux.SignalBit(linux.SIGCONT))
	case signo == linux.SIGCONT:
		g.flushAll(linux.StopSignals)
		g.continueLocked()
	}
	return !g.ignored(info, t)
}

// flushAll drops signals of the group and of every thread.
func (g *Group) flushAll(set linux.SignalSet) {
	g.pending.flush(set)
	for _, t := range g.threads() {
		t.sig.pending.flush(set)
	}
}

// threads are the group's threads. The slice is replaced, never changed in place, under both
// Kernel.tasks and Group.mu, so either suffices to read it.
func (g *Group) threads() []*Task { return g.tasks }

// ignored is sig_ignored: blocked signals are kept, since the action may change until they are
// unblocked; a tracer sees all.
func (g *Group) ignored(info *linux.Siginfo, t *Task) bool {
	one, signo := t, int(info.Signo)
	if one == nil {
		one = g.leader
	}
	if one.sig.blocked.Has(signo) || one.sig.restore && one.sig.saved.Has(signo) {
		return false
	}
	if one.ptrace.enabled.Load() && signo != linux.SIGKILL {
		return false
	}
	a := g.sighand.action(signo)
	if a.Handler == linux.SIG_DFL && g.unkillable() && !(linux.UnblockableSignals.Has(signo) && fromAbove(info)) {
		return true
	}
	return ignores(a.Handler, signo)
}

// ignores tells whether a handler does nothing about signo.
func ignores(handler uint64, signo int) bool {
	return handler == linux.SIG_IGN || handler == linux.SIG_DFL && linux.SignalBit(signo)&linux.IgnoredSignals != 0
}

// unkillable: the init of a PID namespace does not get signals it has no handler for but SIGKILL and SIGSTOP from above.
func (g *Group) unkillable() bool { return g.leader.pid.ns().init == g }

// fromAbove tells whether a signal comes from the kernel itself, or from a process that the receiver's PID namespace does not show.
func fromAbove(info *linux.Siginfo) bool {
	return info.Code == linux.SI_KERNEL || (info.Code == linux.SI_USER || info.Code == linux.SI_TKILL) && info.PID() == 0
}

// complete picks the thread that is to look at the signal, and kicks it (complete_signal).
func (g *Group) complete(signo int, t *Task) {
	if signo == linux.SIGKILL {
		g.exitGroupLocked(linux.SIGKILL, nil) // also of threads that are stopped on their way out
		return
	}
	target := t
	if target == nil || !target.wants(signo) {
		target = nil
		if t == nil {
			if g.leader.wants(signo) {
				target = g.leader
			} else {
				for _, o := range g.threads() {
					if o.wants(signo) {
						target = o
						break
					}
				}
			}
		}
	}
	if target == nil {
		return // everybody blocks it
	}
	if g.fatal(signo, target) {
		g.exitGroupLocked(uint32(signo), nil)
		return
	}
	target.kick()
}

// wants is wants_signal: t would take the signal now.
func (t *Task) wants(signo int) bool {
	if t.sig.blocked.Has(signo) && !t.sig.wanted.Has(signo) && signo != linux.SIGKILL || t.run.dying.Load() {
		return false
	}
	return signo == linux.SIGKILL || !t.ptrace.stopped.Load() && t.state.Load() != stateStopped
}

// fatal tells whether signo ends the group at once, without a core dump or a tracer's say.
func (g *Group) fatal(signo int, t *Task) bool {
	if signo == linux.SIGKILL {
		return true
	}
	bit := linux.SignalBit(signo)
	if bit&(linux.StopSignals|linux.IgnoredSignals|linux.CoreSignals) != 0 || t.sig.blocked.Has(signo) || t.sig.wanted.Has(signo) {
		return false
	}
	return g.sighand.action(signo).Handler == linux.SIG_DFL && !t.ptrace.enabled.Load() && !g.exiting && !g.unkillable()
}

// exitGroupLocked lets every thread but except die (zap_other_threads): g.mu is held.
func (g *Group) exitGroupLocked(status uint32, except *Task) {
	if !g.exiting || g.execTask != nil {
		g.exiting = true
		g.execTask = nil
		g.exitStatus = status
	}
	g.stop = groupStop{}
	for _, t := range g.threads() {
		if t != except {
			t.killed.Store(true)
			t.kick()
		}
	}
}

// killGroup ends the group with a signal.
func (t *Task) killGroup(signo int) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.group.exitGroupLocked(uint32(signo), nil)
}

// forceSignal raises a synchronous signal of t itself: it cannot be blocked or ignored
// (force_sig_info).
func (t *Task) forceSignal(info *linux.Siginfo) {
	g := t.group
	signo := int(info.Signo)
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.sighand
	h.mu.Lock()
	a := &h.actions[signo]
	if a.Handler == linux.SIG_IGN || t.sig.blocked.Has(signo) {
		a.Handler = linux.SIG_DFL
		a.Flags &^= linux.SA_SIGINFO
		t.sig.blocked &^= linux.SignalBit(signo)
	}
	h.mu.Unlock()
	t.sig.pending.add(queuedSignal{info: *info})
	t.work.Store(true)
}

// forceFatal lets the process die of a signal, whatever it does about it (force_fatal_sig).
func (t *Task) forceFatal(signo int) {
	h := t.group.sighand
	h.mu.Lock()
	h.actions[signo] = linux.Sigaction{Handler: linux.SIG_DFL}
	h.mu.Unlock()
	t.ForceSignal(signo, linux.SI_KERNEL)
}

// ForceSignal is forceSignal for system calls (SIGSYS, SIGSEGV of a bad frame).
func (t *Task) ForceSignal(signo int, code int32) {
	info := linux.Siginfo{Signo: int32(signo), Code: code}
	t.forceSignal(&info)
}

// SendSelf sends signo to the task's own process or thread, as the kernel (SIGPIPE, SIGXFSZ).
func (t *Task) SendSelf(signo int) {
	info := linux.Siginfo{Signo: int32(signo), Code: linux.SI_USER}
	info.SetPID(t.PID())
	info.SetUID(t.Cred().NS.FromKernelUID(t.Cred().Ruid))
	t.SendThread(&info)
}

// Blocked is the signal mask.
func (t *Task) Blocked() linux.SignalSet {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return t.sig.blocked
}

// SetBlocked changes the mask of the calling task and returns the old one.
func (t *Task) SetBlocked(how int, set linux.SignalSet) (old linux.SignalSet, errno linux.Errno) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	old = t.sig.blocked
	set &^= linux.UnblockableSignals
	switch how {
	case linux.SIG_BLOCK:
		set |= old
	case linux.SIG_UNBLOCK:
		set = old &^ set
	case linux.SIG_SETMASK:
	default:
		return old, linux.EINVAL
	}
	t.setBlockedLocked(set)
	return old, 0
}

// setBlockedLocked changes the mask; group signals that t does not take any more go to others
// (__set_task_blocked), and those that it takes now make it look.
func (t *Task) setBlockedLocked(set linux.SignalSet) {
	newly := set &^ t.sig.blocked & t.group.pending.set
	t.sig.blocked = set
	if newly != 0 {
		t.group.retarget(t, newly)
	}
	if t.hasPendingLocked() {
		t.work.Store(true)
		t.waiter.Interrupt()
	}
}

// retarget lets others than t look at the group's pending signals.
func (g *Group) retarget(t *Task, set linux.SignalSet) {
	for _, o := range g.threads() {
		if o != t && set&^o.sig.blocked != 0 && !o.run.dying.Load() {
			o.kick()
		}
	}
}

func (t *Task) hasPendingLocked() bool {
	return (t.sig.pending.set|t.group.pending.set)&^t.sig.blocked != 0
}

// HasPending tells whether a signal is to be delivered.
func (t *Task) HasPending() bool {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return t.hasPendingLocked()
}

// Pending returns what sigpending(2) does.
func (t *Task) Pending() linux.SignalSet {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return (t.sig.pending.set | t.group.pending.set) & t.sig.blocked
}

// PendingSets are the signals pending for the thread and for the process.
func (t *Task) PendingSets() (thread, process linux.SignalSet) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return t.sig.pending.set, t.group.pending.set
}

// SwapMask sets the mask until the call is over (sigsuspend, ppoll, epoll_pwait): the old one
// comes back when the call returns, or after the handler that ended it.
func (t *Task) SwapMask(set linux.SignalSet) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.sig.saved, t.sig.restore = t.sig.blocked, true
	t.setBlockedLocked(set &^ linux.UnblockableSignals)
}

// UnswapMask brings the old mask back unless the call was interrupted, in which case the run
// loop does it after the handler.
func (t *Task) UnswapMask(errno linux.Errno) {
	if errno == linux.EINTR || errno >= linux.ERESTARTSYS {
		t.work.Store(true)
		return
	}
	t.restoreMask()
}

func (t *Task) restoreMask() {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	if t.sig.restore {
		t.sig.restore = false
		t.setBlockedLocked(t.sig.saved)
	}
}

// Sigsuspend is rt_sigsuspend(2).
func (t *Task) Sigsuspend(set linux.SignalSet) linux.Errno {
	t.SwapMask(set)
	for t.waiter.Sleep(wait.Forever) == 0 {
	}
	t.work.Store(true)
	return linux.ERESTARTNOHAND
}

// Pause is pause(2).
func (t *Task) Pause() linux.Errno {
	for t.waiter.Sleep(wait.Forever) == 0 {
	}
	return linux.ERESTARTNOHAND
}

// Sigtimedwait is rt_sigtimedwait(2): it takes a pending signal of set, waiting until deadline,
// or with poll not at all. EAGAIN after it, EINTR if another signal came.
func (t *Task) Sigtimedwait(set linux.SignalSet, deadline time.Time, poll bool) (linux.Siginfo, linux.Errno) {
	set &^= linux.UnblockableSignals
	g := t.group
	var errno linux.Errno
	for {
		g.mu.Lock()
		q, ok := t.takeLocked(set)
		t.sig.wanted = set
		if ok || errno != 0 || poll {
			t.sig.wanted = 0
		}
		g.mu.Unlock()
		switch {
		case ok:
			return q.info, 0
		case poll || errno == linux.ETIMEDOUT:
			return linux.Siginfo{}, linux.EAGAIN
		case errno != 0:
			t.work.Store(true)
			return linux.Siginfo{}, linux.EINTR
		}
		errno = t.waiter.Sleep(deadline)
	}
}

// takeLocked is dequeue_signal for the signals of set: the thread's own first.
func (t *Task) takeLocked(set linux.SignalSet) (queuedSignal, bool) {
	p := &t.sig.pending
	n := p.next(set)
	if n == 0 {
		p = &t.group.pending
		if n = p.next(set); n == 0 {
			return queuedSignal{}, false
		}
	}
	q := p.take(n)
	if q.timer != nil {
		q.timer.taken(&q.info)
	}
	return q, true
}

// Action returns and, if a is not nil, sets the action for signo (do_sigaction).
func (t *Task) Action(signo int, a *linux.Sigaction) (linux.Sigaction, linux.Errno) {
	if signo < 1 || signo > linux.SIGRTMAX || a != nil && linux.SignalBit(signo)&linux.UnblockableSignals != 0 {
		return linux.Sigaction{}, linux.EINVAL
	}
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.sighand
	h.mu.Lock()
	old := h.actions[signo]
	if a != nil {
		n := *a
		n.Mask &^= linux.UnblockableSignals
		n.Flags &= linux.SA_NOCLDSTOP | linux.SA_NOCLDWAIT | linux.SA_SIGINFO | linux.SA_ONSTACK | linux.SA_RESTART | linux.SA_NODEFER |
			linux.SA_RESETHAND | linux.SA_EXPOSE_TAGBITS | linux.SA_RESTORER
		h.actions[signo] = n
	}
	h.mu.Unlock()
	if a != nil && ignores(a.Handler, signo) {
		g.flushAll(linux.SignalBit(signo))
	}
	return old, 0
}

// SignalSets are the ignored and the caught signals, for /proc/PID/status.
func (g *Group) SignalSets() (ignored, caught linux.SignalSet) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.sighand
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := 1; i <= linux.SIGRTMAX; i++ {
		switch h.actions[i].Handler {
		case linux.SIG_DFL:
		case linux.SIG_IGN:
			ignored |= linux.SignalBit(i)
		default:
			caught |= linux.SignalBit(i)
		}
	}
	return ignored, caught
}

func (g *Group) sighandUsers() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.sighand.users.Load())
}

// QueuedSignals is how many signals are queued for the process and its threads.
func (g *Group) QueuedSignals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := len(g.pending.queue)
	for _, t := range g.threads() {
		n += len(t.sig.pending.queue)
	}
	return n
}
