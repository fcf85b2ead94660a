package mqueue

import (
	"fmt"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// open is an open queue.
type open struct{ q *queue }

// Open is vfs.InodeOps's.
func (q *queue) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &open{q}, 0 }

// of returns the queue that f is, if it may be used for mode: EBADF.
func of(f *vfs.File, mode uint32) (*queue, linux.Errno) {
	o, ok := f.Ops.(*open)
	if !ok || f.Mode&mode != mode {
		return nil, linux.EBADF
	}
	return o.q, 0
}

// Send is mq_timedsend(2). data is called for the message's n bytes once the checks that come
// before have passed.
func Send(ctx vfs.Ctx, f *vfs.File, n uint64, prio uint32, deadline time.Time, data func() ([]byte, linux.Errno)) linux.Errno {
	q, errno := of(f, vfs.ModeWrite)
	if errno != 0 {
		return errno
	}
	if n > uint64(q.size) {
		return linux.EMSGSIZE
	}
	b, errno := data()
	if errno != 0 {
		return errno
	}
	return q.send(ctx, Message{Data: b, Prio: prio}, f.NonBlocking(), deadline)
}

// Receive is mq_timedreceive(2) into room for n bytes.
func Receive(ctx vfs.Ctx, f *vfs.File, n uint64, deadline time.Time) (Message, linux.Errno) {
	q, errno := of(f, vfs.ModeRead)
	if errno != 0 {
		return Message{}, errno
	}
	if n < uint64(q.size) {
		return Message{}, linux.EMSGSIZE
	}
	return q.receive(ctx, f.NonBlocking(), deadline)
}

// Attr is mq_getattr(3); with set it is mq_setattr(3), which only knows O_NONBLOCK.
func Attr(ctx vfs.Ctx, f *vfs.File, set *linux.MqAttr) (linux.MqAttr, linux.Errno) {
	q, errno := of(f, 0)
	if errno != 0 {
		return linux.MqAttr{}, errno
	}
	q.mu.Lock()
	old := linux.MqAttr{Flags: int64(f.Flags() & linux.O_NONBLOCK), Maxmsg: q.max, Msgsize: q.size, Curmsgs: int64(len(q.messages))}
	q.mu.Unlock()
	if set == nil {
		return old, 0
	}
	now := ctx.Now()
	q.Update(func(a *vfs.Attr) { a.Atime, a.Ctime = now, now })
	return old, f.SetFlags(ctx, f.Flags()&^linux.O_NONBLOCK|uint32(set.Flags)&linux.O_NONBLOCK)
}

// Read is vfs.FileOps's: a line about the queue.
func (o *open) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	q := o.q
	q.mu.Lock()
	n, held := q.note, q.held
	q.mu.Unlock()
	var how, signo, pid int32
	if n.owner != nil {
		how, pid = n.how, n.owner.PIDSeenBy(ctx)
		if how == linux.SIGEV_SIGNAL {
			signo = n.signo
		}
	}
	line := fmt.Sprintf("QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", held, how, signo, pid)
	if off < 0 || off >= int64(len(line)) {
		return 0, 0
	}
	return dst.CopyOut([]byte(line[off:min(int64(len(line)), off+int64(dst.Len()))]))
}

// Write is vfs.FileOps's: there is none.
func (*open) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Poll is vfs.Poller's.
func (o *open) Poll(*vfs.File) wait.Event {
	q := o.q
	q.mu.Lock()
	defer q.mu.Unlock()
	var got wait.Event
	if len(q.messages) > 0 {
		got |= wait.In | wait.RdNorm
	}
	if int64(len(q.messages)) < q.max {
		got |= wait.Out | wait.WrNorm
	}
	return got
}

// Queue is vfs.Poller's.
func (o *open) Queue(*vfs.File) *wait.Queue { return &o.q.ready }

// Flush is vfs.Flusher's: a process that closes the queue is no longer told.
func (o *open) Flush(ctx vfs.Ctx, _ *vfs.File) linux.Errno {
	c, ok := ctx.(interface{ MessageProcess() any })
	if !ok {
		return 0
	}
	p, _ := c.MessageProcess().(Process)
	o.q.mu.Lock()
	gone := o.q.drop(p)
	o.q.mu.Unlock()
	gone.removed()
	return 0
}

// Release is vfs.FileOps's.
func (*open) Release(*vfs.File) {}
