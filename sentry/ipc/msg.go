package ipc

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Msgs is a message queue (struct msg_queue).
type Msgs struct {
	Perm
	mu    lock.Mutex[lock.MessageSet] // guards all, Perm included
	list  []Message
	bytes uint64
	limit uint64 // msg_qbytes
	stime int64  // seconds
	rtime int64
	lspid int32
	lrpid int32
	queue wait.Queue // notified when a message comes or goes
}

// Message is one message.
type Message struct {
	Type int64
	Data []byte
}

func (q *Msgs) perm() *Perm { return &q.Perm }

// Msgget is msgget(2).
func (ns *Namespace) Msgget(c Caller, key int32, flags uint32) (int32, linux.Errno) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	fits := func(*Msgs) linux.Errno { return 0 }
	build := func(p Perm) (*Msgs, linux.Errno) { return &Msgs{Perm: p, limit: ns.Limits.MsgMnb.Load()}, 0 }
	return ns.msgs.get(c, key, flags, int(ns.Limits.MsgMni.Load()), fits, build, ns.userNS)
}

// Msgsnd is msgsnd(2); the caller has copied the message in and bounded it by Limits.MsgMax.
func (ns *Namespace) Msgsnd(c Caller, id int32, m Message, flags uint32) linux.Errno {
	if id < 0 || m.Type < 1 || uint64(len(m.Data)) > ns.Limits.MsgMax.Load() {
		return linux.EINVAL
	}
	q, errno := lookup(ns, &ns.msgs, id, false)
	if errno != 0 {
		return errno
	}
	_, errno = wait.Until(&q.queue, wait.Internal, c.Waiter(), wait.Forever, func() (int, linux.Errno) {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.removed {
			return 0, linux.EIDRM
		}
		if errno := q.may(c.Cred(), 0o2); errno != 0 {
			return 0, errno
		}
		if q.bytes+uint64(len(m.Data)) > q.limit || uint64(len(q.list))+1 > q.limit {
			if flags&linux.IPC_NOWAIT != 0 {
				return 0, errNowait
			}
			return 0, linux.EAGAIN
		}
		q.list = append(q.list, m)
		q.bytes += uint64(len(m.Data))
		q.stime, q.lspid = c.Now()/int64(time.Second), c.PID()
		q.queue.Notify(wait.Internal)
		return 0, 0
	})
	return msgErrno(errno, linux.EAGAIN)
}

// msgErrno turns what the waiting loop gave into msgop(2)'s answer.
func msgErrno(errno, nowait linux.Errno) linux.Errno {
	switch errno {
	case errNowait:
		return nowait
	case linux.ERESTARTSYS:
		return linux.EINTR // never restarted (signal(7))
	}
	return errno
}

// Msgrcv is msgrcv(2): it takes out the message that typ and flags choose, cut to size with
// MSG_NOERROR, or copies it with MSG_COPY.
func (ns *Namespace) Msgrcv(c Caller, id int32, size uint64, typ int64, flags uint32) (Message, linux.Errno) {
	var got Message
	if id < 0 || int64(size) < 0 {
		return got, linux.EINVAL
	}
	if flags&linux.MSG_COPY != 0 && (flags&linux.MSG_EXCEPT != 0 || flags&linux.IPC_NOWAIT == 0) {
		return got, linux.EINVAL
	}
	q, errno := lookup(ns, &ns.msgs, id, false)
	if errno != 0 {
		return got, errno
	}
	_, errno = wait.Until(&q.queue, wait.Internal, c.Waiter(), wait.Forever, func() (int, linux.Errno) {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.removed {
			return 0, linux.EIDRM
		}
		if errno := q.may(c.Cred(), 0o4); errno != 0 {
			return 0, errno
		}
		i := q.choose(typ, flags)
		if i < 0 {
			if flags&linux.IPC_NOWAIT != 0 {
				return 0, errNowait
			}
			return 0, linux.EAGAIN
		}
		got = q.list[i]
		if uint64(len(got.Data)) > size && flags&linux.MSG_NOERROR == 0 {
			return 0, linux.E2BIG
		}
		if flags&linux.MSG_COPY == 0 {
			q.bytes -= uint64(len(got.Data))
			q.list = append(q.list[:i], q.list[i+1:]...)
			q.rtime, q.lrpid = c.Now()/int64(time.Second), c.PID()
			q.queue.Notify(wait.Internal)
		}
		got.Data = got.Data[:min(uint64(len(got.Data)), size)]
		return 0, 0
	})
	return got, msgErrno(errno, linux.ENOMSG)
}

// choose returns the index of the message msgrcv(2) would take, -1 if none.
func (q *Msgs) choose(typ int64, flags uint32) int {
	if flags&linux.MSG_COPY != 0 {
		if typ >= 0 && typ < int64(len(q.list)) {
			return int(typ)
		}
		return -1
	}
	best := -1
	for i, m := range q.list {
		switch {
		case typ == 0, typ > 0 && (m.Type == typ) != (flags&linux.MSG_EXCEPT != 0):
			return i
		case typ < 0 && m.Type <= -typ && (best < 0 || m.Type < q.list[best].Type):
			best = i
		}
	}
	return best
}

// MsgStat is IPC_STAT, or with index MSG_STAT (and with any MSG_STAT_ANY).
func (ns *Namespace) MsgStat(c Caller, id int32, index, any bool) (linux.MsqidDS, int32, linux.Errno) {
	q, errno := lookup(ns, &ns.msgs, id, index)
	if errno != 0 {
		return linux.MsqidDS{}, 0, errno
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !any {
		if errno := q.may(c.Cred(), 0o4); errno != 0 {
			return linux.MsqidDS{}, 0, errno
		}
	}
	return linux.MsqidDS{Perm: q.export(), Stime: q.stime, Rtime: q.rtime, Ctime: q.CtimeSec, Cbytes: q.bytes,
		Qnum: uint64(len(q.list)), Qbytes: q.limit, Lspid: q.lspid, Lrpid: q.lrpid}, q.ID, 0
}

// MsgInfo is IPC_INFO, or with usage MSG_INFO; and the highest index in use.
func (ns *Namespace) MsgInfo(usage bool) (linux.Msginfo, int32) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	most, bytes, queues := int32(ns.Limits.MsgMax.Load()), int32(ns.Limits.MsgMnb.Load()), int32(ns.Limits.MsgMni.Load())
	i := linux.Msginfo{Pool: linux.MSGMNI * linux.MSGMNB / 1024, Map: linux.MSGMNB, Max: most, Mnb: bytes,
		Mni: queues, Ssz: 16, Tql: linux.MSGMNB, Seg: 0xffff}
	if usage {
		i.Pool, i.Map, i.Tql = int32(ns.msgs.used), 0, 0
		for _, q := range ns.msgs.slots {
			if q != nil {
				q.mu.Lock()
				i.Map += int32(len(q.list))
				i.Tql += int32(q.bytes)
				q.mu.Unlock()
			}
		}
	}
	return i, ns.msgs.highest()
}

// MsgSet is IPC_SET.
func (ns *Namespace) MsgSet(c Caller, id int32, uid auth.UID, gid auth.GID, mode uint32, qbytes uint64) linux.Errno {
	q, errno := lookup(ns, &ns.msgs, id, false)
	if errno != 0 {
		return errno
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if errno := q.owns(c.Cred()); errno != 0 {
		return errno
	}
	if qbytes > ns.Limits.MsgMnb.Load() && !c.Cred().HasIn(ns.userNS, capSysResource) {
		return linux.EPERM
	}
	q.limit = qbytes
	errno = q.Perm.set(c, uid, gid, mode)
	q.queue.Notify(wait.Internal)
	return errno
}

// MsgRemove is IPC_RMID: sleepers get EIDRM.
func (ns *Namespace) MsgRemove(c Caller, id int32) linux.Errno {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	q, errno := ns.msgs.byID(id)
	if errno != 0 {
		return errno
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if errno := q.owns(c.Cred()); errno != 0 {
		return errno
	}
	ns.msgs.remove(q)
	q.removed, q.list = true, nil
	q.queue.Notify(wait.Internal)
	return 0
}
