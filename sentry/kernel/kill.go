package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
)

// Kill is kill(2): nr as there, info what is sent.
func (t *Task) Kill(nr int32, signo int) linux.Errno {
	if signo < 0 || signo > linux.SIGRTMAX {
		return linux.EINVAL
	}
	k := t.k
	info := t.userInfo(signo, linux.SI_USER)
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	ns := t.pid.ns()
	switch {
	case nr > 0:
		p := ns.pids[nr]
		if p == nil || p.task == nil {
			return linux.ESRCH
		}
		return t.killGroupOf(p.task.group, &info, (*Group).sendToOne)
	case nr == -1:
		found := false
		for _, p := range ns.pids {
			if p.task == nil || p.task.group.leader != p.task || p.task.group == t.group || ns.init == p.task.group {
				continue
			}
			found = true
			t.killGroupOf(p.task.group, &info, (*Group).sendToMany) // that some may not be signalled is no error
		}
		if found {
			return 0
		}
		return linux.ESRCH
	}
	pg := t.group.pgrp
	if nr != 0 {
		if nr == -1<<31 {
			return linux.ESRCH
		}
		p := ns.pids[-nr]
		if p == nil || p.pgrp == nil {
			return linux.ESRCH
		}
		pg = p.pgrp
	}
	if pg == nil {
		return linux.ESRCH
	}
	sent, errno := false, linux.ESRCH
	for _, g := range pg.members {
		if e := t.killGroupOf(g, &info, (*Group).sendToMany); e == 0 {
			sent = true
		} else {
			errno = e
		}
	}
	if sent {
		return 0
	}
	return errno
}

// userInfo is the information of a signal that a program sends.
func (t *Task) userInfo(signo int, code int32) linux.Siginfo {
	info := linux.Siginfo{Signo: int32(signo), Code: code}
	info.SetPID(t.PID())
	c := t.Cred()
	info.SetUID(c.NS.FromKernelUID(c.Ruid))
	return info
}

// killGroupOf checks permission and sends. tasks is held.
func (t *Task) killGroupOf(g *Group, info *linux.Siginfo, send func(*Group, *linux.Siginfo) linux.Errno) linux.Errno {
	if errno := t.maySignal(g.leader, int(info.Signo)); errno != 0 {
		return errno
	}
	if info.Signo == 0 {
		return 0
	}
	i := t.infoFor(g, info)
	return send(g, &i)
}

// sendToOne sends a signal for this group alone.
func (g *Group) sendToOne(info *linux.Siginfo) linux.Errno { return g.send(info, nil) }

// infoFor is info as the receiver's namespaces show the sender.
func (t *Task) infoFor(g *Group, info *linux.Siginfo) linux.Siginfo {
	i, sender := *info, t.group.leader.pid.NrIn(g.leader.pid.ns())
	if sender == 0 && linux.UnblockableSignals.Has(int(i.Signo)) {
		i.Code = linux.SI_USER // whatever it says: no handler sees it
	}
	switch {
	case i.Code == linux.SI_USER || i.Code == linux.SI_TKILL:
		i.SetPID(sender)
		i.SetUID(g.leader.Cred().NS.FromKernelUID(t.Cred().Ruid))
	case i.Code < 0 && i.Code != linux.SI_TIMER && i.Code != linux.SI_SIGIO && sender == 0:
		i.SetPID(0)
	}
	return i
}

// maySignal is check_kill_permission.
func (t *Task) maySignal(o *Task, signo int) linux.Errno {
	if o.group == t.group {
		return 0
	}
	c, d := t.Cred(), o.Cred()
	if c.Euid == d.Suid || c.Euid == d.Ruid || c.Ruid == d.Suid || c.Ruid == d.Ruid || c.HasIn(d.NS, linux.CAP_KILL) {
		return 0
	}
	if signo == linux.SIGCONT && o.group.pgrp != nil && t.group.pgrp != nil && o.group.pgrp.session == t.group.pgrp.session {
		return 0
	}
	return linux.EPERM
}

// Tgkill is tgkill(2) and, with tgid -1, tkill(2); info is nil for those and what
// rt_tgsigqueueinfo(2) sends else.
func (t *Task) Tgkill(tgid, tid int32, signo int, info *linux.Siginfo) linux.Errno {
	if signo < 0 || signo > linux.SIGRTMAX {
		return linux.EINVAL
	}
	own := info == nil
	if own {
		i := t.userInfo(signo, linux.SI_TKILL)
		info = &i
	}
	k := t.k
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	ns := t.pid.ns()
	p := ns.pids[tid]
	if p == nil || p.task == nil || tgid > 0 && p.task.group.leader.pid.NrIn(ns) != tgid {
		return linux.ESRCH
	}
	o := p.task
	if !own && (info.Code >= 0 || info.Code == linux.SI_TKILL) && o.group != t.group {
		return linux.EPERM
	}
	if errno := t.maySignal(o, signo); errno != 0 {
		return errno
	}
	if signo == 0 || o.zombie {
		return 0
	}
	i := t.infoFor(o.group, info)
	return o.group.send(&i, o)
}

// Sigqueue is rt_sigqueueinfo(2).
func (t *Task) Sigqueue(pid int32, signo int, info *linux.Siginfo) linux.Errno {
	if signo < 0 || signo > linux.SIGRTMAX {
		return linux.EINVAL
	}
	k := t.k
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	p := t.pid.ns().pids[pid]
	if p == nil || p.task == nil {
		return linux.ESRCH
	}
	return t.sigqueueTo(p.task.group, signo, info)
}

func (t *Task) sigqueueTo(g *Group, signo int, info *linux.Siginfo) linux.Errno {
	if (info.Code >= 0 || info.Code == linux.SI_TKILL) && g != t.group {
		return linux.EPERM
	}
	if errno := t.maySignal(g.leader, signo); errno != 0 {
		return errno
	}
	if signo == 0 {
		return 0
	}
	i := *info
	i.Signo = int32(signo)
	if g != t.group { // to itself it may say what it likes
		i = t.infoFor(g, &i)
	}
	return g.send(&i, nil)
}

// fromOutside is the information of a signal of the runtime's user: SI_USER from pid 0.
func fromOutside(signo int) *linux.Siginfo {
	return &linux.Siginfo{Signo: int32(signo), Code: linux.SI_USER}
}

// KillContainer sends signo to every process of a PID namespace, from outside.
func (k *Kernel) KillContainer(ns *PIDNS, signo int) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, p := range ns.pids {
		if p.task != nil && p.task.group.leader == p.task {
			p.task.group.sendToMany(fromOutside(signo))
		}
	}
}

// SendFromOutside sends signo to one process, from outside.
func (g *Group) SendFromOutside(signo int) {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	g.sendFromOutside(signo)
}

func (g *Group) sendFromOutside(signo int) { g.send(fromOutside(signo), nil) }

// SignalGroupFromOutside signals the process group nr of ns: false if there is none.
func (k *Kernel) SignalGroupFromOutside(ns *PIDNS, nr int32, signo int) bool {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	p := ns.pids[nr]
	if p == nil || p.pgrp == nil {
		return false
	}
	for _, g := range p.pgrp.members {
		g.sendToMany(fromOutside(signo))
	}
	return true
}
