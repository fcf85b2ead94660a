package mqueue

import (
	"sort"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// queue is a message queue. A message that comes while somebody waits for one is handed to the
// one who has waited longest; room that comes, to the sender who has: nobody overtakes.
type queue struct {
	vfs.Inode
	fs    *space
	user  auth.UID // charged for it
	bytes uint64   // what user is charged
	max   int64    // messages
	size  int64    // of the longest message

	ready wait.Queue // of poll(2)

	mu        lock.Mutex[lock.MessageQueue]
	messages  []Message // in the order in which they will be received
	held      int64     // bytes in messages
	senders   []*sleeper
	receivers []*sleeper
	note      note
}

// Message is a message and its priority.
type Message struct {
	Data []byte
	Prio uint32
}

// sleeper waits to send or to receive msg. done says that it has been sent or received. Both are
// guarded by queue.mu.
type sleeper struct {
	wake wait.Queue
	msg  Message
	done bool
}

// charges are the bytes that each user's queues could take (RLIMIT_MSGQUEUE).
var charges = struct {
	sync.Mutex
	of map[auth.UID]uint64
}{of: map[auth.UID]uint64{}}

// charge adds n to what u is charged, unless that becomes more than limit; -n takes it back.
func charge(u auth.UID, n, limit uint64) bool {
	charges.Lock()
	defer charges.Unlock()
	sum := charges.of[u] + n
	switch {
	case sum > limit:
		return false
	case sum == 0:
		delete(charges.of, u)
	default:
		charges.of[u] = sum
	}
	return true
}

// Bookkeeping that Linux charges for each message (struct msg_msg, struct posix_msg_tree_node).
const (
	messageCost  = 48
	priorityCost = 48
)

// newQueue makes a queue with what a and want say (mqueue_get_inode).
func (f *space) newQueue(ctx vfs.Ctx, a *vfs.CreateArgs, want *linux.MqAttr) (*queue, linux.Errno) {
	admin := ctx.Cred().HasIn(f.userNS, linux.CAP_SYS_RESOURCE)
	q := &queue{fs: f, user: ctx.Cred().Fsuid, max: int64(f.limits.MqDefault.Load()), size: int64(f.limits.MqSizeDefault.Load())}
	q.max, q.size = min(q.max, int64(f.limits.MqMsg.Load())), min(q.size, int64(f.limits.MqMsgSize.Load()))
	if want != nil {
		most, longest := int64(f.limits.MqMsg.Load()), int64(f.limits.MqMsgSize.Load())
		if ctx.Cred().Has(linux.CAP_SYS_RESOURCE) {
			most, longest = linux.HARD_MSGMAX, linux.HARD_MSGSIZEMAX
		}
		if want.Maxmsg <= 0 || want.Msgsize <= 0 || want.Maxmsg > most || want.Msgsize > longest {
			return nil, linux.EINVAL
		}
		q.max, q.size = want.Maxmsg, want.Msgsize
	}
	f.mu.Lock()
	if uint64(f.queues) >= f.limits.MqQueues.Load() && !admin {
		f.mu.Unlock()
		return nil, linux.ENOSPC
	}
	q.bytes = uint64(q.max)*messageCost + uint64(min(q.max, linux.MQ_PRIO_MAX))*priorityCost + uint64(q.max)*uint64(q.size)
	if !charge(q.user, q.bytes, ctx.Limit(linux.RLIMIT_MSGQUEUE)) {
		f.mu.Unlock()
		return nil, linux.EMFILE
	}
	f.queues++
	f.ino++
	ino := f.ino
	f.mu.Unlock()
	now := ctx.Now()
	q.Init(q, f.sb, ino, vfs.Attr{Mode: a.Mode, Nlink: 1, UID: a.UID, GID: a.GID, Size: fileSize, Blksize: 4096, Atime: now, Mtime: now, Ctime: now})
	return q, 0
}

// Evict is vfs.Evicter's.
func (q *queue) Evict() {
	q.mu.Lock()
	q.messages = nil
	q.mu.Unlock()
	charge(q.user, -q.bytes, ^uint64(0))
	q.fs.mu.Lock()
	q.fs.queues--
	q.fs.mu.Unlock()
}

// Setattr is vfs.InodeOps's.
func (q *queue) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	s.Mask &^= vfs.AttrSize
	q.Update(func(a *vfs.Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// touched stamps all times: something was sent or received.
func (q *queue) touched(ctx vfs.Ctx) {
	now := ctx.Now()
	q.Update(func(a *vfs.Attr) { a.Atime, a.Mtime, a.Ctime = now, now, now })
}

// insert puts m behind those of its priority. q.mu is held.
func (q *queue) insert(m Message) {
	i := sort.Search(len(q.messages), func(i int) bool { return q.messages[i].Prio < m.Prio })
	q.messages = append(q.messages, Message{})
	copy(q.messages[i+1:], q.messages[i:])
	q.messages[i] = m
	q.held += int64(len(m.Data))
}

// send is mq_timedsend(2) of a message that fits.
func (q *queue) send(ctx vfs.Ctx, m Message, nonblock bool, deadline time.Time) linux.Errno {
	q.mu.Lock()
	if int64(len(q.messages)) < q.max {
		signal := q.deliver(m)
		q.mu.Unlock()
		q.touched(ctx)
		q.ready.Notify(wait.In | wait.RdNorm)
		signal.send(ctx)
		return 0
	}
	if nonblock {
		q.mu.Unlock()
		return linux.EAGAIN
	}
	s := &sleeper{msg: m}
	q.senders = append(q.senders, s)
	q.mu.Unlock()
	return q.sleep(ctx, s, &q.senders, deadline)
}

// deliver gives m to who waits, or keeps it and returns the notification that is due. q.mu is
// held; there is room.
func (q *queue) deliver(m Message) note {
	if len(q.receivers) > 0 {
		r := q.receivers[0]
		q.receivers = q.receivers[1:]
		r.msg, r.done = m, true
		r.wake.Notify(wait.Internal)
		return note{}
	}
	q.insert(m)
	if len(q.messages) > 1 {
		return note{}
	}
	due := q.note
	q.note = note{}
	return due
}

// receive is mq_timedreceive(2).
func (q *queue) receive(ctx vfs.Ctx, nonblock bool, deadline time.Time) (Message, linux.Errno) {
	q.mu.Lock()
	if len(q.messages) == 0 {
		if nonblock {
			q.mu.Unlock()
			return Message{}, linux.EAGAIN
		}
		s := new(sleeper)
		q.receivers = append(q.receivers, s)
		q.mu.Unlock()
		if errno := q.sleep(ctx, s, &q.receivers, deadline); errno != 0 {
			return Message{}, errno
		}
		q.touched(ctx)
		return s.msg, 0
	}
	m := q.messages[0]
	q.messages[0].Data = nil
	q.messages = q.messages[1:]
	q.held -= int64(len(m.Data))
	if len(q.senders) > 0 {
		s := q.senders[0]
		q.senders = q.senders[1:]
		q.insert(s.msg)
		s.done = true
		s.wake.Notify(wait.Internal)
	}
	q.mu.Unlock()
	q.touched(ctx)
	q.ready.Notify(wait.Out | wait.WrNorm)
	return m, 0
}

// sleep waits until s is done. A sleeper that gives up leaves the list, unless it was done at the
// last moment.
func (q *queue) sleep(ctx vfs.Ctx, s *sleeper, list *[]*sleeper, deadline time.Time) linux.Errno {
	_, errno := wait.Until(&s.wake, wait.Internal, ctx.Waiter(), deadline, func() (int, linux.Errno) {
		q.mu.Lock()
		defer q.mu.Unlock()
		if s.done {
			return 0, 0
		}
		return 0, linux.EAGAIN
	})
	if errno == 0 {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.done {
		return 0
	}
	for i, o := range *list {
		if o == s {
			*list = append((*list)[:i:i], (*list)[i+1:]...)
			break
		}
	}
	return errno
}
