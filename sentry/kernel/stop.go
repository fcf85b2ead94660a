package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// groupStop is a job control stop (SIGNAL_STOP_*): every thread stops, and when the last one
// has, the parent is told.
type groupStop struct {
	active  bool
	seq     uint64 // of the process's stops: each thread takes part in one once
	done    bool
	signo   int
	stopped int // threads that have
}

// stopBy begins a group stop for a stop signal whose action is the default (do_signal_stop).
func (t *Task) stopBy(signo int) {
	g := t.group
	if signo != linux.SIGSTOP {
		t.k.tasks.RLock()
		orphan := g.pgrp == nil || g.pgrp.orphaned(nil)
		t.k.tasks.RUnlock()
		if orphan {
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting || g.stop.active {
		return
	}
	// A SIGCONT that came since the signal was taken wins.
	if g.pending.set.Has(linux.SIGCONT) || t.sig.pending.set.Has(linux.SIGCONT) {
		return
	}
	g.stops++
	g.stop = groupStop{active: true, signo: signo, seq: g.stops}
	g.waitStatus.continued = false
	for _, o := range g.threads() {
		o.kick()
	}
}

// stopHere stops the thread as part of its group's stop until that ends. g.mu is held at the
// call and not at the return.
func (t *Task) stopHere() {
	g := t.group
	t.run.stopSeq = g.stop.seq
	signo := g.stop.signo
	g.stop.stopped++
	last := g.stopComplete()
	if !t.ptrace.enabled.Load() {
		t.state.Store(stateStopped)
	}
	defer t.state.Store(stateRunning)
	g.mu.Unlock()
	if last {
		g.reportStopped()
	}
	defer t.work.Store(true)
	if t.ptrace.enabled.Load() {
		t.ptraceGroupStop(signo)
		return
	}
	for !t.stopOver() {
		t.waiter.ClearInterrupt()
		t.k.frozen.wait(t)
		if !t.stopOver() {
			t.waiter.Sleep(wait.Forever)
		}
	}
}

// stopOver tells whether the stop has ended.
func (t *Task) stopOver() bool {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.stop.active || g.stop.seq != t.run.stopSeq || t.killed.Load()
}

// stopComplete tells whether every thread has stopped and the parent does not know: g.mu is held.
func (g *Group) stopComplete() bool {
	return g.stop.active && !g.stop.done && g.live > 0 && g.stop.stopped >= g.live
}

// reportStopped tells the parent that every thread has stopped, unless the stop has ended by now. As wait(2)
// looks with tasks held, it finds the stop not before SIGCHLD is sent, and a handler of SIGCHLD finds it.
func (g *Group) reportStopped() {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	g.mu.Lock()
	complete, signo := g.stopComplete(), g.stop.signo
	if complete {
		g.stop.done = true
		g.waitStatus = childReport{stopped: true, signo: signo}
	}
	g.mu.Unlock()
	if complete {
		g.tellParentStop(linux.CLD_STOPPED, signo)
	}
}

// continueLocked ends a stop: SIGCONT was sent. g.mu is held; the parent is told by the first
// thread that goes on.
func (g *Group) continueLocked() {
	was := g.stop
	g.stop = groupStop{}
	if was.active {
		g.waitStatus = childReport{continued: true}
		g.cldReport = linux.CLD_STOPPED // the stop was not complete: its end is told as the stop
		if was.done {
			g.cldReport = linux.CLD_CONTINUED
		}
	}
	for _, t := range g.threads() {
		t.state.CompareAndSwap(stateStopped, stateRunning) // seen so before it has woken up
		if t.ptrace.listening {
			t.ptrace.interrupt, t.ptrace.listening = true, false
			t.ptrace.stopped.Store(false)
		}
		if was.active {
			t.kick()
		}
	}
}

// reportContinued tells the parent of the end of a stop. g.mu is held at the call and not at
// the return.
func (g *Group) reportContinued() {
	code, signo := g.cldReport, 0
	if code == linux.CLD_CONTINUED {
		signo = linux.SIGCONT
	}
	g.cldReport = 0
	g.mu.Unlock()
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	g.tellParentStop(code, signo)
}

// tellParentStop is do_notify_parent_cldstop: tasks is held, g.mu is not.
func (g *Group) tellParentStop(code int32, signo int) {
	if g.parent == nil {
		return
	}
	info := g.childInfo(code, int32(signo))
	g.tellParent(&info)
}

// tellParent sends SIGCHLD for a stop or its end, unless SA_NOCLDSTOP, and wakes wait(2).
func (g *Group) tellParent(info *linux.Siginfo) {
	p := g.parent
	if p == nil {
		return
	}
	a := p.sighand.action(linux.SIGCHLD)
	if a.Handler != linux.SIG_IGN && a.Flags&linux.SA_NOCLDSTOP == 0 {
		p.send(info, nil)
	}
	p.childQueue.Notify(wait.Internal)
}

// childInfo makes what SIGCHLD and waitid(2) say of the group.
func (g *Group) childInfo(code, status int32) linux.Siginfo {
	info := linux.Siginfo{Signo: linux.SIGCHLD, Code: code}
	if p := g.parent; p != nil {
		info.SetPID(g.leader.pid.NrIn(p.leader.pid.ns()))
		info.SetUID(p.leader.Cred().NS.FromKernelUID(g.leader.Cred().Ruid))
	}
	user, sys := g.leader.CPU()
	info.SetChild(status, (g.deadUser+user)/linux.ClockTick, (g.deadSys+sys)/linux.ClockTick)
	return info
}
