package kernel

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Signalfd reads signals (signalfd(2), fs/signalfd.c): those pending for whoever reads. What
// poll(2) says of it is about the process that made it or read it last.
type Signalfd struct {
	mask  atomic.Uint64
	owner atomic.Pointer[Task]
	queue wait.Queue
}

// NewSignalfd returns one that reads the signals of mask.
func (t *Task) NewSignalfd(mask linux.SignalSet) *Signalfd {
	f := new(Signalfd)
	f.SetMask(mask)
	f.adopt(t)
	return f
}

// adopt makes t's process the one whose signals wake pollers.
func (f *Signalfd) adopt(t *Task) {
	old := f.owner.Swap(t)
	if old != nil && old.group == t.group {
		return
	}
	if old != nil {
		f.leave(old.group)
	}
	t.group.mu.Lock()
	t.group.signalfds = append(t.group.signalfds, f)
	t.group.mu.Unlock()
}

func (f *Signalfd) leave(g *Group) {
	g.mu.Lock()
	g.signalfds = remove(g.signalfds, f)
	g.mu.Unlock()
}

// signalfd wakes those who poll for signo. g.mu is held.
func (g *Group) signalfd(signo int) {
	for _, f := range g.signalfds {
		if f.Mask().Has(signo) {
			f.queue.Notify(wait.In)
		}
	}
}

// SetMask changes the signals it reads.
func (f *Signalfd) SetMask(mask linux.SignalSet) {
	f.mask.Store(uint64(mask &^ linux.UnblockableSignals))
	f.queue.Notify(wait.In)
}

// Mask is what SetMask was given, for /proc/PID/fdinfo.
func (f *Signalfd) Mask() linux.SignalSet { return linux.SignalSet(f.mask.Load()) }

// Read takes pending signals of the caller.
func (f *Signalfd) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	t, ok := ctx.(*Task)
	if !ok {
		return 0, linux.EINVAL
	}
	const size = 128
	if dst.Len() < size {
		return 0, linux.EINVAL
	}
	f.adopt(t)
	n := 0
	for dst.Len() >= size {
		t.group.mu.Lock()
		q, ok := t.takeLocked(f.Mask())
		t.group.mu.Unlock()
		if !ok {
			break
		}
		s := signalfdInfo(&q.info)
		if _, errno := dst.CopyOut(usermem.Encode(&s)); errno != 0 {
			return n, errno
		}
		n += size
	}
	if n == 0 {
		return 0, linux.EAGAIN
	}
	return n, 0
}

// signalfdInfo is signalfd_copyinfo.
func signalfdInfo(i *linux.Siginfo) linux.SignalfdSiginfo {
	s := linux.SignalfdSiginfo{Signo: uint32(i.Signo), Errno: i.Errno, Code: i.Code}
	switch {
	case i.Code == linux.SI_TIMER:
		s.TID, s.Overrun, s.Ptr, s.Int = uint32(i.Timer()), uint32(i.Overrun()), i.Value(), int32(i.Value())
	case i.Code == linux.SI_USER || i.Code == linux.SI_TKILL || i.Code == linux.SI_KERNEL:
		s.PID, s.UID = uint32(i.PID()), i.UID()
	case i.Code < 0:
		s.PID, s.UID, s.Ptr, s.Int = uint32(i.PID()), i.UID(), i.Value(), int32(i.Value())
	case i.Signo == linux.SIGCHLD:
		s.PID, s.UID, s.Status, s.Utime, s.Stime = uint32(i.PID()), i.UID(), i.Status(), uint64(i.Utime()), uint64(i.Stime())
	case i.Signo == linux.SIGIO:
		s.Band, s.FD = uint32(i.Band()), i.FD()
	case i.Signo == linux.SIGSYS:
		ip, nr, arch := i.Syscall()
		s.Call, s.Syscall, s.Arch = ip, nr, arch
	default:
		s.Addr = i.Addr()
	}
	return s
}

// Write is not possible.
func (f *Signalfd) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Poll tells whether a signal of the mask is pending.
func (f *Signalfd) Poll(*vfs.File) wait.Event {
	t := f.owner.Load()
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	if (t.sig.pending.set|t.group.pending.set)&f.Mask() != 0 {
		return wait.In
	}
	return 0
}

// Queue is notified when a signal comes.
func (f *Signalfd) Queue(*vfs.File) *wait.Queue { return &f.queue }

// Stream marks it as without a position.
func (f *Signalfd) Stream() {}

// NoopSeek marks it as seeking without effect.
func (f *Signalfd) NoopSeek() {}

// Release forgets it.
func (f *Signalfd) Release(*vfs.File) { f.leave(f.owner.Load().group) }
