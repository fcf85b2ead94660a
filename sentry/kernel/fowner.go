package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// fowner is who gets SIGIO of an open file (F_SETOWN, O_ASYNC; fs/fcntl.c). It is kept in
// vfs.File.Owner.
type fowner struct {
	k *Kernel

	mu    lock.Mutex[lock.Owner]
	kind  int32
	pid   *PID // nil: nobody
	uid   auth.UID
	euid  auth.UID
	signo int32
	fd    int32
	file  *vfs.File
	entry wait.Entry
	queue *wait.Queue // where entry is registered
}

// ownerOf returns f's owner, made at the first use.
func (t *Task) ownerOf(f *vfs.File) *fowner {
	if p := f.Owner.Load(); p != nil {
		return (*p).(*fowner)
	}
	var o any = &fowner{k: t.k, kind: linux.F_OWNER_PID, file: f}
	f.Owner.CompareAndSwap(nil, &o)
	return (*f.Owner.Load()).(*fowner)
}

// SetOwner is F_SETOWN_EX: ESRCH if nobody has the id; 0 is nobody.
func (t *Task) SetOwner(f *vfs.File, kind, id int32) linux.Errno {
	var p *PID
	if id != 0 {
		t.k.tasks.RLock()
		p = t.pid.ns().pids[id]
		gone := p == nil || kind == linux.F_OWNER_PGRP && p.pgrp == nil || kind != linux.F_OWNER_PGRP && p.task == nil
		t.k.tasks.RUnlock()
		if gone {
			return linux.ESRCH
		}
	}
	o, c := t.ownerOf(f), t.Cred()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kind, o.pid, o.uid, o.euid = kind, p, c.Ruid, c.Euid
	return 0
}

// Owner is F_GETOWN_EX.
func (t *Task) Owner(f *vfs.File) (kind, id int32) {
	p := f.Owner.Load()
	if p == nil {
		return linux.F_OWNER_PID, 0
	}
	o := (*p).(*fowner)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kind, o.pid.NrIn(t.PIDNS())
}

// SetOwnerSignal is F_SETSIG; OwnerSignal is F_GETSIG.
func (t *Task) SetOwnerSignal(f *vfs.File, signo int32) {
	o := t.ownerOf(f)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.signo = signo
}

// OwnerSignal is F_GETSIG.
func (t *Task) OwnerSignal(f *vfs.File) int32 {
	if p := f.Owner.Load(); p != nil {
		o := (*p).(*fowner)
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.signo
	}
	return 0
}

// SetAsync begins or ends signals about f (O_ASYNC).
func (t *Task) SetAsync(f *vfs.File, fd int32, on bool) {
	o := t.ownerOf(f)
	o.mu.Lock()
	o.fd = fd
	q := o.queue
	o.queue = nil
	o.mu.Unlock()
	if q != nil {
		q.Unregister(&o.entry)
	}
	if !on {
		return
	}
	if q = f.PollQueue(); q == nil {
		return
	}
	o.entry.Wake = o.wake
	q.Register(&o.entry, wait.In|wait.Out|wait.Err|wait.Hup|wait.Pri)
	o.mu.Lock()
	o.queue = q
	o.mu.Unlock()
}

// wake is called under the queue's lock: the signal is sent from a goroutine of its own.
func (o *fowner) wake(_ *wait.Entry, got wait.Event) { go o.send(got) }

// send sends SIGIO or the signal that was chosen (send_sigio).
func (o *fowner) send(got wait.Event) {
	o.mu.Lock()
	p, kind, signo, fd := o.pid, o.kind, o.signo, o.fd
	o.mu.Unlock()
	if p == nil {
		return
	}
	info := linux.Siginfo{Signo: linux.SIGIO, Code: linux.SI_KERNEL}
	if signo != 0 {
		info.Signo, info.Code = signo, linux.POLL_IN
		switch {
		case got&wait.In != 0:
		case got&wait.Out != 0:
			info.Code = linux.POLL_OUT
		case got&wait.Hup != 0:
			info.Code = linux.POLL_HUP
		}
		info.SetPoll(int64(got), fd)
	}
	o.k.tasks.RLock()
	defer o.k.tasks.RUnlock()
	switch {
	case kind == linux.F_OWNER_PGRP && p.pgrp != nil:
		for _, g := range p.pgrp.members {
			g.send(&info, nil)
		}
	case p.task == nil:
	case kind == linux.F_OWNER_TID:
		p.task.group.send(&info, p.task)
	default:
		p.task.group.send(&info, nil)
	}
}

// LeaseSignal returns what tells the holder of a lease on f: the caller, if f has no owner yet. fd is the
// caller's descriptor.
func (t *Task) LeaseSignal(f *vfs.File, fd int32) func() {
	o, c, pid := t.ownerOf(f), t.Cred(), t.group.Leader().pid
	return func() {
		o.mu.Lock()
		if o.pid == nil {
			o.kind, o.pid, o.uid, o.euid = linux.F_OWNER_PID, pid, c.Ruid, c.Euid
		}
		if o.queue == nil {
			o.fd = fd
		}
		o.mu.Unlock()
		go o.send(wait.In)
	}
}
