package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// fowner is who gets SIGIO of an open file (F_SETOWN, O_ASYNC; fs/fcntl.c). It is kept in
// vfs.File.Owner.
type fowner struct {
	k *Kernel

	// async is held while entry is registered or removed; Kernel's and queues' locks come after it.
	async   sync.Mutex
	queue   *wait.Queue // where entry is registered; guarded by async
	entry   wait.Entry
	urgency *wait.Queue // where urgent is registered; guarded by async
	urgent  wait.Entry  // of a socket that has an owner

	mu       sync.Mutex // a leaf: taken under the locks of queues
	kind     int32
	pid      *PID // nil: nobody
	uid      auth.UID
	euid     auth.UID
	signo    int32
	fd       int32
	on       bool       // O_ASYNC is set
	happened wait.Event // since the last signal
	urged    bool       // urgent data has come since
	queued   bool       // in Kernel.sigio
}

// sigio are the files about which signals are to be sent. Events come under the locks of what
// they happen to, below which no signal can be sent: it is done at the end of the system call
// that made them, and by a goroutine for those that none did.
type sigio struct {
	pending atomic.Bool
	sending sync.Mutex // one at a time, so that the order is kept
	mu      sync.Mutex // guards list; a leaf
	list    []*fowner
}

// ownerOf returns f's owner, made at the first use.
func (t *Task) ownerOf(f *vfs.File) *fowner {
	if p := f.Owner.Load(); p != nil {
		return (*p).(*fowner)
	}
	var o any = &fowner{k: t.k, kind: linux.F_OWNER_PID}
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
	o.kind, o.pid, o.uid, o.euid = kind, p, c.Ruid, c.Euid
	o.mu.Unlock()
	o.watchUrgent(f)
	return 0
}

// watchUrgent begins signals about urgent data of a socket, which need no O_ASYNC (sk_send_sigurg).
func (o *fowner) watchUrgent(f *vfs.File) {
	q := f.PollQueue()
	if q == nil || f.Inode.Type() != linux.S_IFSOCK {
		return
	}
	o.async.Lock()
	defer o.async.Unlock()
	if o.urgency == nil {
		o.urgent.Wake = func(_ *wait.Entry, got wait.Event) {
			if got&wait.Pri != 0 {
				o.note(0, true)
			}
		}
		q.Register(&o.urgent, wait.Pri)
		o.urgency = q
	}
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
	o.async.Lock()
	defer o.async.Unlock()
	o.mu.Lock()
	o.fd, o.on = fd, on
	o.mu.Unlock()
	o.stop()
	q := f.PollQueue()
	if !on || q == nil {
		return
	}
	// What one end of a pipe does, the other hears of only.
	mask := wait.Err | wait.Hup | wait.Pri | wait.Silent | wait.HungUp
	if f.Mode&vfs.ModeRead != 0 {
		mask |= wait.In
	}
	if f.Mode&vfs.ModeWrite != 0 {
		mask |= wait.Out
	}
	o.entry.Wake = o.wake
	q.Register(&o.entry, mask)
	o.queue = q
}

// stop removes the registration. async is held.
func (o *fowner) stop() {
	if o.queue != nil {
		o.queue.Unregister(&o.entry)
		o.queue = nil
	}
}

// Released is called by vfs at the last close.
func (o *fowner) Released() {
	o.async.Lock()
	defer o.async.Unlock()
	o.stop()
	if o.urgency != nil {
		o.urgency.Unregister(&o.urgent)
		o.urgency = nil
	}
}

// wake is called under the queue's lock.
func (o *fowner) wake(_ *wait.Entry, got wait.Event) {
	if got&wait.Silent == 0 {
		o.note(got, false)
	}
}

// note has a signal sent soon.
func (o *fowner) note(got wait.Event, urgent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pid == nil {
		return
	}
	o.happened |= got
	o.urged = o.urged || urgent
	if o.queued {
		return
	}
	o.queued = true
	s := &o.k.sigio
	s.mu.Lock()
	s.list = append(s.list, o)
	s.mu.Unlock()
	s.pending.Store(true)
	go o.k.sendSigio()
}

// sendSigio sends the signals that are due.
func (k *Kernel) sendSigio() {
	s := &k.sigio
	s.sending.Lock()
	defer s.sending.Unlock()
	for {
		s.mu.Lock()
		list := s.list
		s.list = nil
		if len(list) == 0 {
			s.pending.Store(false)
		}
		s.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, o := range list {
			o.send()
		}
	}
}

// Bands of siginfo (fs/fcntl.c, band_table).
const (
	bandIn  = 0x41
	bandOut = 0x304
	bandErr = 0x8
	bandPri = 0x82
	bandHup = 0x18
	bandMsg = 0x441
)

// siginfo is what a signal about got says.
func (o *fowner) siginfo(got wait.Event, signo, fd int32) linux.Siginfo {
	if signo == 0 {
		return linux.Siginfo{Signo: linux.SIGIO, Code: linux.SI_KERNEL}
	}
	info := linux.Siginfo{Signo: signo}
	switch {
	case got&message != 0:
		info.Code = linux.POLL_MSG
		info.SetPoll(bandMsg, fd)
	case got&wait.HungUp != 0:
		info.Code = linux.POLL_HUP
		info.SetPoll(bandHup, fd)
	case got&wait.In != 0:
		info.Code = linux.POLL_IN
		info.SetPoll(bandIn, fd)
	case got&wait.Out != 0:
		info.Code = linux.POLL_OUT
		info.SetPoll(bandOut, fd)
	case got&wait.Pri != 0:
		info.Code = linux.POLL_PRI
		info.SetPoll(bandPri, fd)
	case got&wait.Hup != 0:
		info.Code = linux.POLL_HUP
		info.SetPoll(bandHup, fd)
	default:
		info.Code = linux.POLL_ERR
		info.SetPoll(bandErr, fd)
	}
	return info
}

// send sends SIGIO or the signal that was chosen (send_sigio).
func (o *fowner) send() {
	o.mu.Lock()
	p, kind, signo, fd, got, urged := o.pid, o.kind, o.signo, o.fd, o.happened, o.urged
	o.happened, o.urged, o.queued = 0, false, false
	o.mu.Unlock()
	if p == nil {
		return
	}
	if urged {
		o.sendAs(p, kind, linux.Siginfo{Signo: linux.SIGURG, Code: linux.SI_KERNEL})
	}
	if got != 0 {
		o.sendAs(p, kind, o.siginfo(got, signo, fd))
	}
}

// sendAs sends a signal to whom p stands for.
func (o *fowner) sendAs(p *PID, kind int32, info linux.Siginfo) {
	o.k.tasks.RLock()
	defer o.k.tasks.RUnlock()
	switch {
	case kind == linux.F_OWNER_PGRP && p.pgrp != nil:
		for _, g := range p.pgrp.members {
			o.sendTo(g, nil, info)
		}
	case p.task == nil:
	case kind == linux.F_OWNER_TID:
		o.sendTo(p.task.group, p.task, info)
	default:
		o.sendTo(p.task.group, nil, info)
	}
}

// sendTo sends to one process or thread that the owner may signal (sigio_perm). A real-time
// signal that cannot be queued becomes SIGIO. tasks is held.
func (o *fowner) sendTo(g *Group, t *Task, info linux.Siginfo) {
	c := g.leader.Cred()
	o.mu.Lock()
	may := o.euid == 0 || o.euid == c.Suid || o.euid == c.Ruid || o.uid == c.Suid || o.uid == c.Ruid
	o.mu.Unlock()
	if !may {
		return
	}
	if g.send(&info, t) != 0 {
		info = linux.Siginfo{Signo: linux.SIGIO, Code: linux.SI_KERNEL}
		g.send(&info, t)
	}
}

// message is the event of which POLL_MSG tells.
const message wait.Event = 1 << 31

// MessageSignal returns what makes the caller the owner of f, if it has none yet, and what tells the owner of a lease on f, or of a
// notice of the directory f, about it. fd is the caller's descriptor.
func (t *Task) MessageSignal(f *vfs.File, fd int32) (own, tell func()) {
	o, c, pid := t.ownerOf(f), t.Cred(), t.group.Leader().pid
	own = func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.pid == nil {
			o.kind, o.pid, o.uid, o.euid = linux.F_OWNER_PID, pid, c.Ruid, c.Euid
		}
		if !o.on {
			o.fd = fd
		}
	}
	return own, func() {
		own()
		o.wake(nil, message)
	}
}
