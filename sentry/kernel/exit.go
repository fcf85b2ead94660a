package kernel

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Exit of threads and processes (kernel/exit.c).

// Exiting reports whether the thread is about to end (PF_EXITING).
func (t *Task) Exiting() bool { return t.run.dying.Load() }

// ExitThread is exit(2): the run loop ends the thread.
func (t *Task) ExitThread(code int32) { t.die(uint32(code&0xff) << 8) }

// ExitGroup is exit_group(2).
func (t *Task) ExitGroup(code int32) {
	g := t.group
	status := uint32(code&0xff) << 8
	g.mu.Lock()
	if g.exiting && g.execTask == nil {
		status = g.exitStatus
	} else {
		g.exitGroupLocked(status, t)
	}
	g.mu.Unlock()
	t.die(status)
}

// exit ends the thread: the last thing its goroutine does (do_exit).
func (t *Task) exit() {
	t.ptraceExit()
	t.exitSeccomp()
	g := t.group
	g.mu.Lock()
	g.live--
	last := g.live == 0
	stopped := g.stopComplete()
	// Signals that only this thread would have taken go to others.
	g.retarget(t, g.pending.set&^t.sig.blocked)
	g.mu.Unlock()
	if stopped {
		g.reportStopped()
	}
	if last {
		g.stopTimers()
	}
	t.exitMM()
	if last {
		t.exitSem()
	}
	if f := t.files.Swap(nil); f != nil {
		f.put(t)
	}
	if f := t.fs.Swap(nil); f != nil {
		f.Put()
	}
	if f := t.exe.Swap(nil); f != nil && last {
		f.Put()
	} else if f != nil {
		f.Put()
	}
	if last {
		t.disassociate()
	}
	if n := t.ns.Swap(nil); n != nil {
		n.drop()
	}
	if t.run.knows {
		vfs.TellChanges(t, false)
	}
	t.enterAccount()
	t.notifyExit(last)
	t.ctx.Release()
}

// enterAccount brings the account of time and calls up to date for the last time.
func (t *Task) enterAccount() {
	now := t.k.Clock.Monotonic()
	if t.run.lastSeen != 0 {
		t.sys.Store(t.sys.Load() + max(now-t.run.lastSeen-(t.waiter.Slept()-t.run.slept), 0))
	}
	t.run.lastSeen, t.run.slept = now, t.waiter.Slept()
	t.k.traps.Add(t.calls.Swap(0))
}

// exitMM leaves the address space: robust futexes, clear_child_tid, a vfork parent.
func (t *Task) exitMM() {
	m := t.MM()
	if m == nil {
		return
	}
	t.exitFutexes()
	if t.clearTID != 0 && m.Users() > 1 {
		usermem.CopyOutInt(t.Space(), t.clearTID, uint32(0))
		t.FutexWake(t.clearTID, true, 1, linux.FUTEX_BITSET_MATCH_ANY)
	}
	peak := m.Stats().PeakRss
	t.group.mu.Lock()
	t.group.maxRSS = max(t.group.maxRSS, peak)
	t.group.mu.Unlock()
	t.mem.Store(nil)
	t.finishVfork()
	m.Put()
}

// finishVfork lets a parent in vfork(2) go on.
func (t *Task) finishVfork() {
	if v := t.vfork.Swap(nil); v != nil {
		v.done.Store(true)
		v.parent.waiter.Wake()
	}
}

// disassociate gives up the terminal of a session whose leader ends.
func (t *Task) disassociate() {
	k := t.k
	k.tasks.Lock()
	defer k.tasks.Unlock()
	if t.group.pgrp == nil {
		return
	}
	s := t.group.pgrp.session
	if s.leader != t.group {
		return
	}
	s.leader = nil
	s.dropTTY(true)
}

// notifyExit makes the thread a zombie or lets it vanish, gives its children away and tells
// the parent (exit_notify).
func (t *Task) notifyExit(last bool) {
	k, g := t.k, t.group
	if last {
		k.tasks.Lock()
		ns := t.pid.ns()
		isInit := ns.init == g
		if isInit {
			t.detachAll() // the namespace is empty only when nobody has those that t traces
		}
		k.tasks.Unlock()
		if isInit {
			t.zapNamespace(ns)
		}
	}
	k.tasks.Lock()
	defer k.tasks.Unlock()
	status := t.run.status
	t.zombie, t.exitStatus = true, status
	t.detachAll()
	k.reparent(t)
	g.mu.Lock()
	g.account(t)
	if !g.exiting && last {
		g.exitStatus = status // the last thread's code is the process's (synchronize_group_exit)
	}
	g.mu.Unlock()
	defer g.childQueue.Notify(wait.Internal) // an exec may wait for the thread to be gone
	if t != g.leader && t.tracer == nil {
		t.release()
	} else if t != g.leader {
		t.tellTracer(linux.CLD_EXITED, int32(status>>8))
	}
	// The thread that counted itself out last need not be the last to get here.
	if g.alive() == nil {
		g.end()
	}
	k.nrTasks.Add(-1)
	k.frozen.ended()
}

// account adds a dead thread's use to the group's. g.mu is held.
func (g *Group) account(t *Task) {
	user, sys := t.CPU()
	g.deadUser += user
	g.deadSys += sys
	g.deadFaults[0] += t.faults[0].Load()
	g.deadFaults[1] += t.faults[1].Load()
	t.accounted.Store(true)
}

// end is the end of the whole process: its parent is told, or it is reaped at once. tasks is
// held.
func (g *Group) end() {
	g.leader.pid.gone.Store(true)
	close(g.exited)
	g.leader.pid.exited.Notify(wait.In | wait.Hup)
	defer g.notifyNamespaces()
	if g.onExit != nil {
		g.onExit(g.exitStatus)
	}
	if p := g.parent; p != nil && g.pgrp.heldBy(p) {
		g.pgrp.hangupIfOrphaned(g)
	}
	if tr := g.leader.tracer; tr != nil && tr.group != g.parent {
		info := g.exitInfo() // the tracer waits first
		g.leader.tellTracer(info.Code, info.Status())
		return
	}
	g.tellParentExit()
}

// tellParentExit sends the exit signal, and reaps if the parent does not want to wait
// (do_notify_parent). tasks is held.
func (g *Group) tellParentExit() {
	p := g.parent
	if p == nil {
		g.reap()
		return
	}
	info := g.exitInfo()
	autoreap := false
	if g.exitSignal == linux.SIGCHLD {
		a := p.sighand.action(linux.SIGCHLD)
		autoreap = a.Handler == linux.SIG_IGN || a.Flags&linux.SA_NOCLDWAIT != 0
		if a.Handler == linux.SIG_IGN {
			info.Signo = 0
		}
	}
	if info.Signo != 0 && g.exitSignal != 0 {
		info.Signo = int32(g.exitSignal)
		p.send(&info, nil)
	}
	if autoreap || p.IsZombie() {
		g.reap()
	}
	p.childQueue.Notify(wait.Internal)
	g.notifyNamespaces() // the parent may be an init that ends itself
}

// exitInfo is what SIGCHLD says of the end.
func (g *Group) exitInfo() linux.Siginfo {
	status := g.exitStatus
	switch {
	case status&0x7f == 0:
		return g.childInfo(linux.CLD_EXITED, int32(status>>8))
	case status&coreFlag != 0:
		return g.childInfo(linux.CLD_DUMPED, int32(status&0x7f))
	}
	return g.childInfo(linux.CLD_KILLED, int32(status&0x7f))
}

// release takes a dead thread out of the tree, also out of its tracer's list. tasks is held.
func (t *Task) release() {
	if tr := t.tracer; tr != nil {
		tr.traced = remove(slices.Clone(tr.traced), t)
		t.tracer = nil
	}
	g := t.group
	g.mu.Lock()
	g.tasks = remove(slices.Clone(g.tasks), t)
	g.mu.Unlock()
	if t.pid.task == t {
		t.pid.task = nil
	}
	t.pid.put()
}

// reap takes a dead process out of the tree: it has been waited for. tasks is held.
func (g *Group) reap() {
	if g.reaped {
		return
	}
	g.reaped = true
	if p := g.parent; p != nil {
		p.children = remove(p.children, g)
		g.parent = nil
	}
	g.leavePgrp()
	for _, t := range slices.Clone(g.tasks) {
		t.release()
	}
	g.notifyNamespaces()
}

// notifyNamespaces wakes inits that wait for their namespaces to become empty.
func (g *Group) notifyNamespaces() {
	for _, n := range g.leader.pid.nums {
		n.ns.emptied.Notify(wait.Internal)
	}
}

// alive is a thread that has not ended yet, nil if there is none (find_alive_thread). tasks is held.
func (g *Group) alive() *Task {
	for _, t := range g.tasks {
		if !t.zombie {
			return t
		}
	}
	return nil
}

// reparent gives the children of a dying thread, which counts as dead already, to another thread of the
// process, or to a reaper if it was the last (forget_original_parent). tasks is held.
func (k *Kernel) reparent(t *Task) {
	g := t.group
	heir := g.alive()
	for _, c := range slices.Clone(g.children) {
		if c.forker != t && heir != nil {
			continue
		}
		for _, o := range c.tasks {
			if s := o.pdeathSignal.Load(); s != 0 && c.forker == t {
				info := linux.Siginfo{Signo: s, Code: linux.SI_USER}
				info.SetPID(g.leader.pid.NrIn(c.leader.pid.ns()))
				info.SetUID(c.leader.Cred().NS.FromKernelUID(t.Cred().Ruid))
				c.send(&info, nil)
			}
		}
		if heir != nil {
			c.forker = heir
			continue
		}
		g.children = remove(g.children, c)
		r := g.reaperFor(c)
		c.parent = r
		for _, o := range c.tasks {
			if a, ok := o.ctx.(platform.Answerer); ok {
				a.Orphan()
			}
		}
		if r == nil {
			if c.IsZombie() {
				c.reap()
			}
			continue
		}
		c.forker, c.exitSignal = r.alive(), linux.SIGCHLD
		r.children = append(r.children, c)
		if c.pgrp.heldBy(g) {
			c.pgrp.hangupIfOrphaned(nil)
		}
		if c.IsZombie() && !c.reaped && (c.leader.tracer == nil) {
			c.tellParentExit()
		}
	}
}

// reaperFor is who takes over the orphan c of g (find_new_reaper): the nearest subreaper above
// in the same namespace, or the namespace's init. nil: nobody is left.
func (g *Group) reaperFor(c *Group) *Group {
	ns := g.leader.pid.ns()
	if g.hasReaper {
		for p := g.parent; p != nil && p.leader.pid.ns() == ns && p != ns.init; p = p.parent {
			if p.subreaper && p.alive() != nil && !p.exitingNow() {
				return p
			}
		}
	}
	if ns.init == nil || ns.init == g || ns.init.alive() == nil {
		return nil
	}
	return ns.init
}

func (g *Group) exitingNow() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exiting
}

// heldBy tells whether a member with the parent p keeps pg from being orphaned: p is of another
// group of the same session.
func (pg *ProcessGroup) heldBy(p *Group) bool {
	return pg != nil && p.pgrp != nil && p.pgrp != pg && p.pgrp.session == pg.session
}

// hangupIfOrphaned sends SIGHUP and SIGCONT to a group that has become orphaned and has a
// stopped member (kill_orphaned_pgrp). ignore is a process that is going. tasks is held.
func (pg *ProcessGroup) hangupIfOrphaned(ignore *Group) {
	if pg.orphaned(ignore) && pg.hasStopped() {
		pg.signalLocked(linux.SIGHUP)
		pg.signalLocked(linux.SIGCONT)
	}
}

// zapNamespace kills everything else in a PID namespace whose init ends, which is the caller, and waits until it is gone
// (zap_pid_ns_processes).
func (t *Task) zapNamespace(ns *PIDNS) {
	k, init := t.k, t.group
	k.tasks.Lock()
	ns.dead = true
	for _, p := range ns.pids {
		if p.task != nil && p.task.group != init && p.task.group.leader == p.task {
			info := linux.Siginfo{Signo: linux.SIGKILL, Code: linux.SI_KERNEL}
			p.task.group.send(&info, nil)
		}
	}
	k.tasks.Unlock()
	empty := func() (int, linux.Errno) {
		k.tasks.Lock()
		defer k.tasks.Unlock()
		for _, p := range ns.pids {
			if p.task == nil || p.task.group == init {
				continue
			}
			if g := p.task.group; g.IsZombie() && g.parent == init && g.leader.tracer == nil {
				g.reap()
			} else {
				return 0, linux.EAGAIN
			}
			return 0, linux.EAGAIN // the map changed: look again
		}
		return 0, 0
	}
	k.frozen.aside(t, func() { wait.Until(&ns.emptied, wait.Internal, wait.NewWaiter(), wait.Forever, empty) })
}
