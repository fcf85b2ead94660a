package mqueue

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Process is a process that wants to know of messages. Processes are compared with ==.
type Process interface {
	// MessageSignal sends signo with value: from has sent a message (SI_MESGQ).
	MessageSignal(from vfs.Ctx, signo int, value uint64)
	// PIDSeenBy is the process's number in the reader's PID namespace, 0 if it has none there.
	PIDSeenBy(reader vfs.Ctx) int32
}

// Cookies takes what mq_notify(3) of the C library waits for on a netlink socket (SIGEV_THREAD).
type Cookies interface {
	Deliver(b []byte)
}

// note is a registration of mq_notify(2): for one message.
type note struct {
	owner  Process // nil: nobody
	how    int32   // SIGEV_*
	signo  int32
	value  uint64
	cookie []byte    // SIGEV_THREAD
	socket *vfs.File // likewise, with a reference
}

// Notify is mq_notify(2): nil gives up. cookie and socket are SIGEV_THREAD's; the socket's
// reference is taken over on success.
func Notify(ctx vfs.Ctx, f *vfs.File, owner Process, ev *linux.Sigevent, cookie []byte, socket *vfs.File) linux.Errno {
	o, ok := f.Ops.(*open)
	if !ok {
		return linux.EBADF
	}
	q := o.q
	q.mu.Lock()
	switch {
	case ev == nil:
		gone := q.drop(owner)
		q.mu.Unlock()
		gone.removed()
		return 0
	case q.note.owner != nil:
		q.mu.Unlock()
		return linux.EBUSY
	}
	q.note = note{owner: owner, how: ev.Notify, signo: ev.Signo, value: ev.Value, cookie: cookie, socket: socket}
	q.mu.Unlock()
	now := ctx.Now()
	q.Update(func(a *vfs.Attr) { a.Atime, a.Ctime = now, now })
	return 0
}

// drop takes owner's registration away and returns it. q.mu is held.
func (q *queue) drop(owner Process) note {
	if owner == nil || q.note.owner != owner {
		return note{}
	}
	gone := q.note
	q.note = note{}
	return gone
}

// send tells the process, once a message has come to an empty queue.
func (n note) send(from vfs.Ctx) {
	switch {
	case n.owner == nil:
	case n.how == linux.SIGEV_SIGNAL && n.signo != 0:
		n.owner.MessageSignal(from, int(n.signo), n.value)
	case n.how == linux.SIGEV_THREAD:
		n.deliver(linux.NOTIFY_WOKENUP)
	}
}

// removed tells a thread that waits that there will be no message.
func (n note) removed() {
	if n.owner != nil && n.how == linux.SIGEV_THREAD {
		n.deliver(linux.NOTIFY_REMOVED)
	}
}

func (n note) deliver(what byte) {
	b := append([]byte(nil), n.cookie...)
	b[len(b)-1] = what
	n.socket.Ops.(Cookies).Deliver(b)
	n.socket.Put()
}
