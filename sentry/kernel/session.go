package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Session is a session (setsid(2)); ProcessGroup a process group. Both are guarded by
// Kernel.tasks.
type Session struct {
	pid    *PID
	k      *Kernel
	groups map[*ProcessGroup]struct{}
	leader *Group // nil once it is gone
	tty    vfs.TTY
	// oldForeground is the foreground group of a terminal that was hung up.
	oldForeground *ProcessGroup
}

// ProcessGroup is the processes that signals of a terminal reach together.
type ProcessGroup struct {
	pid     *PID
	session *Session
	members []*Group
}

// newSession makes g the leader of a new session and process group. Called with tasks held.
func (k *Kernel) newSession(g *Group) {
	s := &Session{pid: g.leader.pid, k: k, groups: map[*ProcessGroup]struct{}{}, leader: g}
	g.leader.pid.session = s
	g.tty = nil
	g.joinPgrp(s.newPgrp(g.leader.pid))
}

// newPgrp returns the empty process group pid of s.
func (s *Session) newPgrp(pid *PID) *ProcessGroup {
	pg := &ProcessGroup{pid: pid, session: s}
	pid.pgrp = pg
	s.groups[pg] = struct{}{}
	return pg
}

// joinPgrp moves g to pg.
func (g *Group) joinPgrp(pg *ProcessGroup) {
	g.leavePgrp()
	g.pgrp = pg
	pg.members = append(pg.members, g)
}

// leavePgrp takes g out of its process group; an empty one ends, and an empty session.
func (g *Group) leavePgrp() {
	pg := g.pgrp
	if pg == nil {
		return
	}
	g.pgrp = nil
	pg.members = remove(pg.members, g)
	if len(pg.members) > 0 {
		return
	}
	s := pg.session
	delete(s.groups, pg)
	pg.pid.pgrp = nil
	pg.pid.put()
	if len(s.groups) == 0 {
		s.pid.session = nil
		s.pid.put()
	}
}

// remove returns list without x; the order is kept.
func remove[T comparable](list []T, x T) []T {
	for i := range list {
		if list[i] == x {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// orphaned tells whether pg is orphaned: no member has a parent outside it in its session
// (POSIX 3.264). Members that are gone do not count, and a parent counts even if it is the init
// of a PID namespace (will_become_orphaned_pgrp, kernel/exit.c).
func (pg *ProcessGroup) orphaned(ignore *Group) bool {
	for _, g := range pg.members {
		if g == ignore || g.isDeadLocked() || g.parent == nil {
			continue
		}
		if p := g.parent.pgrp; p != nil && p != pg && p.session == pg.session {
			return false
		}
	}
	return true
}

// isDeadLocked tells whether all threads are gone, with tasks held.
func (g *Group) isDeadLocked() bool { return g.leader.zombie && len(g.tasks) <= 1 }

// hasStopped tells whether a member is stopped.
func (pg *ProcessGroup) hasStopped() bool {
	for _, g := range pg.members {
		g.mu.Lock()
		stopped := g.stop.done
		g.mu.Unlock()
		if stopped {
			return true
		}
	}
	return false
}

// Signal sends signo to every member, as the kernel.
func (pg *ProcessGroup) signalLocked(signo int) {
	for _, g := range pg.members {
		g.sendToMany(&linux.Siginfo{Signo: int32(signo), Code: linux.SI_KERNEL})
	}
}

// Setsid is setsid(2).
func (t *Task) Setsid() (int32, linux.Errno) {
	k, g := t.k, t.group
	k.tasks.Lock()
	defer k.tasks.Unlock()
	pid := g.leader.pid
	if pid.pgrp != nil || pid.session != nil {
		return 0, linux.EPERM
	}
	k.newSession(g)
	return pid.NrIn(pid.ns()), 0
}

// Setpgid is setpgid(2).
func (t *Task) Setpgid(nr, pgnr int32) linux.Errno {
	if pgnr < 0 || pgnr == 0 && nr < 0 {
		return linux.EINVAL
	}
	k := t.k
	k.tasks.Lock()
	defer k.tasks.Unlock()
	ns := t.pid.ns()
	self := t.group
	g := self
	if nr != 0 {
		p := ns.pids[nr]
		if p == nil || p.task == nil {
			return linux.ESRCH
		}
		if p.task.group.leader != p.task {
			return linux.EINVAL
		}
		g = p.task.group
	}
	if pgnr == 0 {
		pgnr = g.leader.pid.NrIn(ns)
	}
	if g != self {
		switch {
		case g.parent != self:
			return linux.ESRCH
		case g.pgrp.session != self.pgrp.session:
			return linux.EPERM
		case g.execed:
			return linux.EACCES
		}
	}
	if g.pgrp.session.leader == g {
		return linux.EPERM
	}
	pid := g.leader.pid
	if pgnr == pid.NrIn(ns) {
		if pid.pgrp == nil {
			g.joinPgrp(g.pgrp.session.newPgrp(pid))
		} else if g.pgrp != pid.pgrp {
			g.joinPgrp(pid.pgrp)
		}
		return 0
	}
	p := ns.pids[pgnr]
	if p == nil || p.pgrp == nil || p.pgrp.session != self.pgrp.session {
		return linux.EPERM
	}
	if g.pgrp != p.pgrp {
		g.joinPgrp(p.pgrp)
	}
	return 0
}

// processOrSelf finds the process nr, the caller for 0. Called with tasks held.
func (t *Task) processOrSelf(nr int32) (*Group, linux.Errno) {
	if nr == 0 {
		return t.group, 0
	}
	p := t.pid.ns().pids[nr]
	if p == nil || p.task == nil {
		return nil, linux.ESRCH
	}
	return p.task.group, 0
}

// Getpgid is getpgid(2).
func (t *Task) Getpgid(nr int32) (int32, linux.Errno) {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	g, errno := t.processOrSelf(nr)
	if errno != 0 || g.pgrp == nil {
		return 0, linux.ESRCH
	}
	return g.pgrp.pid.NrIn(t.pid.ns()), 0
}

// Getsid is getsid(2).
func (t *Task) Getsid(nr int32) (int32, linux.Errno) {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	g, errno := t.processOrSelf(nr)
	if errno != 0 || g.pgrp == nil {
		return 0, linux.ESRCH
	}
	return g.pgrp.session.pid.NrIn(t.pid.ns()), 0
}

// Ids returns process group, session, terminal and its foreground group as ns shows them
// (/proc/PID/stat); tty may be nil.
func (g *Group) Ids(ns *PIDNS) (pgrp, session int32, tty vfs.TTY, foreground int32) {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	if g.pgrp == nil {
		return 0, 0, nil, -1
	}
	s := g.pgrp.session
	pgrp, session, foreground = g.pgrp.pid.NrIn(ns), s.pid.NrIn(ns), -1
	if g.tty != nil {
		if fg, _ := g.tty.Foreground().(*ProcessGroup); fg != nil {
			foreground = fg.pid.NrIn(ns)
		}
	}
	return pgrp, session, g.tty, foreground
}
