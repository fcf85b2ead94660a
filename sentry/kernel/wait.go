package kernel

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// WaitArgs says whom wait4(2) and waitid(2) wait for, and for what.
type WaitArgs struct {
	Which   int    // P_ALL, P_PID, P_PGID, P_PIDFD
	ID      int32  // P_PID, P_PGID: in the caller's namespace; P_PGID with 0: the caller's own
	PID     *PID   // P_PIDFD
	Options uint32 // WEXITED and so on
	// NonBlock: EAGAIN instead of waiting (a pidfd with O_NONBLOCK).
	NonBlock bool
}

// WaitResult is what was waited for. PID is 0 if there is nothing (WNOHANG).
type WaitResult struct {
	PID    int32
	UID    uint32
	Status uint32 // as wait4(2) gives it
	Code   int32  // CLD_
	Value  int32  // siginfo's status
	Usage  linux.Rusage
}

// Wait is wait4(2) and waitid(2) (do_wait, kernel/exit.c).
func (t *Task) Wait(w WaitArgs) (WaitResult, linux.Errno) {
	var res WaitResult
	pgrp := w.ID
	if w.Which == linux.P_PGID && pgrp == 0 {
		pgrp, _ = t.Getpgid(0)
	}
	try := func() (int, linux.Errno) {
		t.k.tasks.Lock()
		defer t.k.tasks.Unlock()
		found := false
		for _, o := range t.waitThreads(w.Options) {
			for _, c := range slices.Clone(o.traced) {
				if !t.matches(&w, c, pgrp) {
					continue
				}
				found = true
				if t.waitTraced(&w, c, &res) {
					return 1, 0
				}
			}
		}
		for _, c := range t.group.children {
			if !t.matches(&w, c.leader, pgrp) || w.Options&linux.WNOTHREAD != 0 && c.forker != t {
				continue
			}
			if tr := c.leader.tracer; tr != nil {
				// Its tracer comes first; if that is us, it was looked at above.
				found = true
				continue
			}
			if !t.matchesClone(&w, c) {
				continue
			}
			found = true
			if t.waitChild(&w, c, &res) {
				return 1, 0
			}
		}
		switch {
		case !found:
			return 0, linux.ECHILD
		case w.Options&linux.WNOHANG != 0:
			return 0, 0
		}
		return 0, linux.EAGAIN
	}
	if w.NonBlock {
		_, errno := try()
		return res, errno
	}
	_, errno := wait.Until(&t.group.childQueue, wait.All, t.waiter, wait.Forever, try)
	return res, errno
}

// waitThreads are the threads whose tracees count.
func (t *Task) waitThreads(options uint32) []*Task {
	if options&linux.WNOTHREAD != 0 {
		return []*Task{t}
	}
	return t.group.tasks
}

// matches is eligible_pid.
func (t *Task) matches(w *WaitArgs, c *Task, pgrp int32) bool {
	ns := t.pid.ns()
	switch w.Which {
	case linux.P_PID:
		return c.pid.NrIn(ns) == w.ID
	case linux.P_PIDFD:
		return c.pid == w.PID
	case linux.P_PGID:
		pg := c.group.pgrp
		return pg != nil && pg.pid.NrIn(ns) == pgrp
	}
	return true
}

// matchesClone is the rest of eligible_child: clone children are those with another exit
// signal than SIGCHLD.
func (t *Task) matchesClone(w *WaitArgs, c *Group) bool {
	return w.Options&linux.WALL != 0 || (c.exitSignal != linux.SIGCHLD) == (w.Options&linux.WCLONE != 0)
}

// waitChild looks at a child (wait_consider_task).
func (t *Task) waitChild(w *WaitArgs, c *Group, res *WaitResult) bool {
	if c.IsZombie() {
		if w.Options&linux.WEXITED == 0 {
			return false
		}
		t.takeZombie(w, c, res)
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.waitStatus.stopped && w.Options&linux.WUNTRACED != 0:
		if w.Options&linux.WNOWAIT == 0 {
			c.waitStatus.stopped = false
		}
		*res = t.childResult(c.leader, uint32(c.waitStatus.signo)<<8|0x7f, linux.CLD_STOPPED, int32(c.waitStatus.signo))
		return true
	case c.waitStatus.continued && w.Options&linux.WCONTINUED != 0:
		if w.Options&linux.WNOWAIT == 0 {
			c.waitStatus.continued = false
		}
		*res = t.childResult(c.leader, 0xffff, linux.CLD_CONTINUED, linux.SIGCONT)
		return true
	}
	return false
}

func (t *Task) childResult(c *Task, status uint32, code, value int32) WaitResult {
	return WaitResult{
		PID: c.pid.NrIn(t.pid.ns()), UID: t.Cred().NS.FromKernelUID(c.Cred().Ruid), Status: status, Code: code, Value: value,
	}
}

// takeZombie reaps a dead child and takes over its account (wait_task_zombie). tasks is held.
func (t *Task) takeZombie(w *WaitArgs, c *Group, res *WaitResult) {
	info := c.exitInfo()
	*res = t.childResult(c.leader, c.exitStatus, info.Code, info.Status())
	res.Usage = c.deadUsage()
	if w.Options&linux.WNOWAIT != 0 {
		return
	}
	g := t.group
	c.mu.Lock()
	user, sys, rss := c.deadUser+c.childUser, c.deadSys+c.childSys, max(c.maxRSS, c.childMaxRSS)
	faults := [2]int64{c.deadFaults[0] + c.childFaults[0], c.deadFaults[1] + c.childFaults[1]}
	c.mu.Unlock()
	g.mu.Lock()
	g.childUser += user
	g.childSys += sys
	g.childMaxRSS = max(g.childMaxRSS, rss)
	g.childFaults[0] += faults[0]
	g.childFaults[1] += faults[1]
	g.mu.Unlock()
	c.reap()
}

// deadUsage is the rusage of a dead process with that of the children it waited for.
func (g *Group) deadUsage() linux.Rusage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return linux.Rusage{
		Utime: linux.TimevalOf(g.deadUser + g.childUser), Stime: linux.TimevalOf(g.deadSys + g.childSys),
		Maxrss: int64(max(g.maxRSS, g.childMaxRSS) >> 10), Minflt: g.deadFaults[0] + g.childFaults[0], Majflt: g.deadFaults[1] + g.childFaults[1],
	}
}

// Rusage is getrusage(2).
func (t *Task) Rusage(who int) (linux.Rusage, linux.Errno) {
	g := t.group
	var u linux.Rusage
	switch who {
	case linux.RUSAGE_CHILDREN:
		g.mu.Lock()
		defer g.mu.Unlock()
		u.Utime, u.Stime = linux.TimevalOf(g.childUser), linux.TimevalOf(g.childSys)
		u.Maxrss, u.Minflt, u.Majflt = int64(g.childMaxRSS>>10), g.childFaults[0], g.childFaults[1]
		return u, 0
	case linux.RUSAGE_THREAD:
		user, sys := t.CPU()
		u.Utime, u.Stime = linux.TimevalOf(user), linux.TimevalOf(sys)
		u.Minflt, u.Majflt = t.Faults()
		u.Nvcsw, u.Nivcsw = t.Switches()
	case linux.RUSAGE_SELF:
		user, sys := g.CPU()
		u.Utime, u.Stime = linux.TimevalOf(user), linux.TimevalOf(sys)
		for _, o := range g.Tasks() {
			minor, major := o.Faults()
			v, i := o.Switches()
			u.Minflt, u.Majflt, u.Nvcsw, u.Nivcsw = u.Minflt+minor, u.Majflt+major, u.Nvcsw+v, u.Nivcsw+i
		}
	default:
		return u, linux.EINVAL
	}
	g.mu.Lock()
	rss := g.maxRSS
	g.mu.Unlock()
	if m := t.MM(); m != nil {
		rss = max(rss, m.Stats().PeakRss)
	}
	u.Maxrss = int64(rss >> 10)
	return u, 0
}
