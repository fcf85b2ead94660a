package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// SECCOMP_RET_USER_NOTIF (seccomp_unotify(2)): a call waits until whoever reads the filter's
// listener answers it.

// notifier is a filter's listener (struct notification).
type notifier struct {
	k        *Kernel
	users    atomic.Int64 // tasks that run under the filter
	killable bool         // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	queue    wait.Queue   // of the listener's readers

	mu     sync.Mutex
	closed bool // the listener is gone
	nextID uint64
	calls  []*notifiedCall
}

// notifiedCall is a call that waits (struct seccomp_knotif). Guarded by notifier.mu.
type notifiedCall struct {
	id    uint64
	t     *Task
	data  bpf.Data
	state notifyState
	val   int64
	errno int32 // negative or 0
	flags uint32
}

type notifyState uint8

const (
	notifyNew notifyState = iota
	notifySent
	notifyReplied
)

// notifyContinue is SECCOMP_USER_NOTIF_FLAG_CONTINUE: the call is to be made after all.
const notifyContinue = 1

// ask lets the listener answer a call of t: true if it is to be made. Otherwise Rax is set
// (seccomp_do_user_notification).
func (n *notifier) ask(t *Task, d *bpf.Data) bool {
	r := &t.run.regs
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		r.Rax = errnoWord(linux.ENOSYS)
		return false
	}
	n.nextID++
	c := &notifiedCall{id: n.nextID, t: t, data: *d}
	n.calls = append(n.calls, c)
	n.mu.Unlock()
	n.queue.Notify(wait.In)
	interrupted := n.wait(t, c)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = remove(n.calls, c)
	switch {
	case c.state != notifyReplied && interrupted:
		r.Rax = errnoWord(linux.ERESTARTSYS)
		t.work.Store(true)
	case c.flags&notifyContinue != 0:
		return true
	case c.errno != 0:
		r.Rax = uint64(int64(c.errno))
	default:
		r.Rax = uint64(c.val)
	}
	return false
}

// wait sleeps until c is answered; true if a signal came instead.
func (n *notifier) wait(t *Task, c *notifiedCall) bool {
	for {
		errno := t.waiter.Sleep(wait.Forever)
		n.mu.Lock()
		state := c.state
		n.mu.Unlock()
		switch {
		case state == notifyReplied:
			return false
		case errno == 0:
		case n.killable && state == notifySent && !t.killed.Load():
			t.waiter.ClearInterrupt() // only death ends it now; the rest is looked at later
			t.work.Store(true)
			t.k.frozen.wait(t)
			t.waiter.Wake() // that may have taken the answer's
		default:
			return true
		}
	}
}

// find returns a call by its id. mu is held.
func (n *notifier) find(id uint64) *notifiedCall {
	for _, c := range n.calls {
		if c.id == id && c.state != notifyReplied {
			return c
		}
	}
	return nil
}

// reply answers c. mu is held.
func (c *notifiedCall) reply(val int64, errno int32, flags uint32) {
	c.state, c.val, c.errno, c.flags = notifyReplied, val, errno, flags
	c.t.waiter.Wake()
}

// join and leave count the tasks under the filter; nil is allowed.
func (n *notifier) join() {
	if n != nil {
		n.users.Add(1)
	}
}

func (n *notifier) leave() {
	if n != nil && n.users.Add(-1) == 0 {
		n.queue.Notify(wait.Hup)
	}
}

// Requests of the listener (include/uapi/linux/seccomp.h).
const (
	notifRecv       = 0xc0502100
	notifSend       = 0xc0182101
	notifIDValid    = 0x40082102
	notifIDValidOld = 0x80082102
	notifAddfd      = 0x40182103
	notifSetFlags   = 0x40082104
)

// Ioctl is vfs.Ioctler's: seccomp_unotify(2).
func (n *notifier) Ioctl(ctx vfs.Ctx, f *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	t, ok := ctx.(*Task)
	if !ok {
		return 0, linux.EINVAL
	}
	at := usermem.Addr(arg)
	switch cmd {
	case notifRecv:
		return 0, n.receive(t, f, at)
	case notifSend:
		return 0, n.send(t, at)
	case notifIDValid, notifIDValidOld:
		id, errno := usermem.CopyInInt[uint64](t.Space(), at)
		if errno != 0 {
			return 0, errno
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if c := n.find(id); c == nil || c.state != notifySent {
			return 0, linux.ENOENT
		}
		return 0, 0
	case notifAddfd:
		fd, errno := n.addFD(t, at)
		return uintptr(fd), errno
	case notifSetFlags:
		const syncWakeUp = 1 // a hint for the scheduler, which is the host's
		if arg&^syncWakeUp != 0 {
			return 0, linux.EINVAL
		}
		return 0, 0
	}
	return 0, linux.EINVAL
}

// receive is SECCOMP_IOCTL_NOTIF_RECV: it waits for a call; ENOENT if there is nobody left to make
// any.
func (n *notifier) receive(t *Task, _ *vfs.File, at usermem.Addr) linux.Errno {
	old, errno := usermem.CopyIn[linux.SeccompNotif](t.Space(), at)
	if errno != 0 {
		return errno
	}
	if old != (linux.SeccompNotif{}) {
		return linux.EINVAL
	}
	var c *notifiedCall
	_, errno = wait.Until(&n.queue, wait.In|wait.Hup, t.waiter, wait.Forever, func() (int, linux.Errno) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, o := range n.calls {
			if o.state == notifyNew {
				c, o.state = o, notifySent
				return 0, 0
			}
		}
		if n.users.Load() == 0 {
			return 0, linux.ENOENT
		}
		return 0, linux.EAGAIN
	})
	if errno != 0 {
		return errno
	}
	out := linux.SeccompNotif{ID: c.id, PID: uint32(c.t.TIDIn(t.PIDNS())), Nr: c.data.Nr, Arch: c.data.Arch, IP: c.data.IP, Args: c.data.Args}
	if errno := usermem.CopyOut(t.Space(), at, &out); errno != 0 {
		n.mu.Lock()
		if c.state == notifySent {
			c.state = notifyNew
		}
		n.mu.Unlock()
		n.queue.Notify(wait.In)
		return errno
	}
	n.queue.Notify(wait.Out)
	return 0
}

// send is SECCOMP_IOCTL_NOTIF_SEND.
func (n *notifier) send(t *Task, at usermem.Addr) linux.Errno {
	r, errno := usermem.CopyIn[linux.SeccompNotifResp](t.Space(), at)
	switch {
	case errno != 0:
		return errno
	case r.Flags&^notifyContinue != 0, r.Flags != 0 && (r.Error != 0 || r.Val != 0):
		return linux.EINVAL
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.find(r.ID)
	switch {
	case c == nil:
		return linux.ENOENT
	case c.state != notifySent:
		return linux.EINPROGRESS
	}
	c.reply(r.Val, r.Error, r.Flags)
	return 0
}

// addFD is SECCOMP_IOCTL_NOTIF_ADDFD: the caller's file becomes a descriptor of who waits, and with
// SECCOMP_ADDFD_FLAG_SEND its number the answer.
func (n *notifier) addFD(t *Task, at usermem.Addr) (int32, linux.Errno) {
	const setfd, reply = 1, 2
	a, errno := usermem.CopyIn[linux.SeccompNotifAddfd](t.Space(), at)
	switch {
	case errno != 0:
		return 0, errno
	case a.NewfdFlags&^linux.O_CLOEXEC != 0, a.Flags&^(setfd|reply) != 0, a.Newfd != 0 && a.Flags&setfd == 0:
		return 0, linux.EINVAL
	}
	f, errno := t.File(int32(a.Srcfd))
	if errno != 0 {
		return 0, errno
	}
	c, files, errno := n.filesOf(a.ID)
	if errno != 0 {
		f.Put()
		return 0, errno
	}
	defer files.put(t)
	// No lock is held: what the descriptor was before may be a listener.
	fd, cloexec := int32(a.Newfd), a.NewfdFlags&linux.O_CLOEXEC != 0
	if a.Flags&setfd != 0 {
		errno = files.InstallAt(c.t, f, fd, cloexec)
	} else {
		fd, errno = files.Install(c.t, f, 0, cloexec)
	}
	if errno != 0 {
		return 0, errno
	}
	if a.Flags&reply != 0 {
		n.mu.Lock()
		defer n.mu.Unlock()
		if c.state != notifySent {
			return 0, linux.ENOENT
		}
		c.reply(int64(fd), 0, 0)
	}
	return fd, 0
}

// filesOf returns a call that was received, and the descriptors of who waits, to be put.
func (n *notifier) filesOf(id uint64) (*notifiedCall, *FDTable, linux.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.find(id)
	switch {
	case c == nil:
		return nil, nil, linux.ENOENT
	case c.state != notifySent:
		return nil, nil, linux.EINPROGRESS
	}
	files := c.t.Files() // it cannot leave while mu is held
	files.Get()
	return c, files, 0
}

// Poll tells whether there are calls to receive, or to answer.
func (n *notifier) Poll(*vfs.File) (got wait.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.calls {
		switch c.state {
		case notifyNew:
			got |= wait.In | wait.RdNorm
		case notifySent:
			got |= wait.Out | wait.WrNorm
		}
	}
	if n.users.Load() == 0 {
		got |= wait.Hup
	}
	return got
}

// Queue is notified when a call comes or is received, and when nobody is left.
func (n *notifier) Queue(*vfs.File) *wait.Queue { return &n.queue }

// Read is not possible.
func (n *notifier) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Write is not possible.
func (n *notifier) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Stream marks it as without a position.
func (n *notifier) Stream() {}

// Release lets those who wait go on with ENOSYS, as all who ask later.
func (n *notifier) Release(*vfs.File) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, c := range n.calls {
		if c.state != notifyReplied {
			c.reply(0, -int32(linux.ENOSYS), 0)
		}
	}
}
