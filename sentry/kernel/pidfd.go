package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Pidfd is an open process (pidfd_open(2)). It is readable once the process has ended.
type Pidfd struct {
	PID    *PID
	Thread bool // PIDFD_THREAD
}

// PidfdThread is the flag of pidfd_open(2) for any thread, O_EXCL.
const PidfdThread = linux.O_EXCL

// PidfdOpen is pidfd_open(2): ESRCH if there is no such process, ENOENT (6.12: EINVAL before
// PIDFD_THREAD) if nr is a thread that leads no process.
func (t *Task) PidfdOpen(nr int32, flags uint32) (int32, linux.Errno) {
	t.k.tasks.RLock()
	p := t.pid.ns().pids[nr]
	gone := p == nil || p.task == nil
	notLeader := !gone && p.task.group.leader != p.task
	t.k.tasks.RUnlock()
	switch {
	case gone:
		return 0, linux.ESRCH
	case notLeader && flags&PidfdThread == 0:
		return 0, linux.EINVAL
	}
	f := t.k.pidfdFile(t, &Pidfd{PID: p, Thread: flags&PidfdThread != 0}, flags&linux.O_NONBLOCK)
	return t.Install(f, true)
}

// newPidfdOf makes the pidfd of clone(2).
func (t *Task) newPidfdOf(p *PID, thread bool) (int32, linux.Errno) {
	return t.Install(t.k.pidfdFile(t, &Pidfd{PID: p, Thread: thread}, 0), true)
}

func (k *Kernel) pidfdFile(t *Task, p *Pidfd, flags uint32) *vfs.File {
	return vfs.AnonFile(t, "[pidfd]", p, linux.O_RDWR|flags)
}

// Task returns the thread, nil once it is reaped.
func (p *Pidfd) Task(k *Kernel) *Task {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	return p.PID.task
}

// SendSignal is pidfd_send_signal(2) with info as rt_sigqueueinfo(2) has it, or nil.
func (t *Task) PidfdSignal(p *Pidfd, signo int, info *linux.Siginfo, scope uint32) linux.Errno {
	if signo < 0 || signo > linux.SIGRTMAX {
		return linux.EINVAL
	}
	own := t.userInfo(signo, linux.SI_USER)
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	o := p.PID.task
	if o == nil || p.PID.NrIn(t.pid.ns()) == 0 {
		if o != nil {
			return linux.EINVAL
		}
		return linux.ESRCH
	}
	const (
		scopeThread = 1
		scopeGroup  = 2
		scopePgrp   = 4
	)
	switch {
	case info != nil:
		return t.sigqueueTo(o.group, signo, info)
	case scope == scopePgrp:
		if o.group.pgrp == nil {
			return linux.ESRCH
		}
		errno := linux.ESRCH
		for _, g := range o.group.pgrp.members {
			if e := t.killGroupOf(g, &own, (*Group).sendToMany); e == 0 {
				errno = 0
			} else if errno != 0 {
				errno = e
			}
		}
		return errno
	case scope == scopeThread || scope == 0 && p.Thread:
		if errno := t.maySignal(o, signo); errno != 0 || signo == 0 {
			return errno
		}
		own.Code = linux.SI_TKILL
		own = t.infoFor(o.group, &own)
		return o.group.send(&own, o)
	}
	return t.killGroupOf(o.group, &own, (*Group).sendToOne)
}

// Read and Write are not possible.
func (p *Pidfd) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Write is not possible.
func (p *Pidfd) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Poll tells whether the process has ended.
func (p *Pidfd) Poll(*vfs.File) wait.Event {
	if p.PID.gone.Load() {
		return wait.In
	}
	return 0
}

// Queue is notified when it ends.
func (p *Pidfd) Queue(*vfs.File) *wait.Queue { return &p.PID.exited }

// Stream marks it as without a position.
func (p *Pidfd) Stream() {}

// Release has nothing to do: ids are kept by the collector.
func (p *Pidfd) Release(*vfs.File) {}
