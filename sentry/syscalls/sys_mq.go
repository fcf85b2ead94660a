package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/mqueue"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_MQ_OPEN:         {"mq_open", "str open mode hex", mqOpen, ""},
		linux.SYS_MQ_UNLINK:       {"mq_unlink", "str", mqUnlink, ""},
		linux.SYS_MQ_TIMEDSEND:    {"mq_timedsend", "fd hex size uint ts", mqTimedsend, ""},
		linux.SYS_MQ_TIMEDRECEIVE: {"mq_timedreceive", "fd hex size hex ts", mqTimedreceive, ""},
		linux.SYS_MQ_NOTIFY:       {"mq_notify", "fd hex", mqNotify, ""},
		linux.SYS_MQ_GETSETATTR:   {"mq_getsetattr", "fd hex hex", mqGetsetattr, ""},
	})
}

// Queues returns the message queues of an IPC namespace.
func Queues(ns *kernel.IPCNS) *mqueue.FS {
	return ns.Queues(func() any { return mqueue.New(ns.Owner, &ns.Limits) }).(*mqueue.FS)
}

func mqAttr(t *kernel.Task, addr usermem.Addr) (*linux.MqAttr, linux.Errno) {
	if addr == 0 {
		return nil, 0
	}
	v, errno := usermem.CopyIn[linux.MqAttr](t.Space(), addr)
	return &v, errno
}

// mqOpen is mq_open(2).
func mqOpen(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	attr, errno := mqAttr(t, a.Addr(3))
	if errno != 0 {
		return 0, errno
	}
	name, errno := path(t, a.Addr(0), false)
	if errno != 0 {
		return 0, errno
	}
	f, errno := Queues(t.Namespaces().IPC).Open(t, name, a.Uint(1), a.Uint(2)&^t.FS().Umask(), attr)
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, true)
	return uintptr(fd), errno
}

// mqUnlink is mq_unlink(2).
func mqUnlink(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	name, errno := path(t, a.Addr(0), false)
	if errno != 0 {
		return 0, errno
	}
	return ret(Queues(t.Namespaces().IPC).Unlink(t, name))
}

// mqTimedsend is mq_timedsend(2).
func mqTimedsend(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, errno := futexDeadline(t, a.Addr(4), linux.CLOCK_REALTIME, true)
	if errno != 0 {
		return 0, errno
	}
	if a.Uint(3) >= linux.MQ_PRIO_MAX {
		return 0, linux.EINVAL
	}
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return ret(mqueue.Send(t, f, a.Size(2), a.Uint(3), deadline, func() ([]byte, linux.Errno) {
		b := make([]byte, a.Size(2))
		_, errno := t.Space().CopyIn(a.Addr(1), b)
		return b, errno
	}))
}

// mqTimedreceive is mq_timedreceive(2).
func mqTimedreceive(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, errno := futexDeadline(t, a.Addr(4), linux.CLOCK_REALTIME, true)
	if errno != 0 {
		return 0, errno
	}
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	m, errno := mqueue.Receive(t, f, a.Size(2), deadline)
	if errno != 0 {
		return 0, errno
	}
	if p := a.Addr(3); p != 0 {
		if errno := usermem.CopyOutInt(t.Space(), p, m.Prio); errno != 0 {
			return 0, errno
		}
	}
	_, errno = t.Space().CopyOut(a.Addr(1), m.Data)
	return uintptr(len(m.Data)), errno
}

// mqNotify is mq_notify(2).
func mqNotify(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	var (
		ev     *linux.Sigevent
		cookie []byte
		socket *vfs.File
	)
	if p := a.Addr(1); p != 0 {
		v, errno := usermem.CopyIn[linux.Sigevent](t.Space(), p)
		if errno != 0 {
			return 0, errno
		}
		ev = &v
		switch {
		case v.Notify == linux.SIGEV_NONE:
		case v.Notify == linux.SIGEV_SIGNAL && v.Signo >= 0 && v.Signo <= linux.SIGRTMAX:
		case v.Notify == linux.SIGEV_THREAD:
			if cookie, socket, errno = mqThread(t, &v); errno != 0 {
				return 0, errno
			}
		default:
			return 0, linux.EINVAL
		}
	}
	f, errno := t.File(a.Int(0))
	if errno == 0 {
		errno = mqueue.Notify(t, f, t.Group(), ev, cookie, socket)
		f.Put()
	}
	if errno != 0 && socket != nil {
		socket.Put()
	}
	return 0, errno
}

// mqThread is what SIGEV_THREAD means to the kernel: a message to a netlink socket, on which a
// thread of the C library waits.
func mqThread(t *kernel.Task, ev *linux.Sigevent) ([]byte, *vfs.File, linux.Errno) {
	cookie := make([]byte, linux.NOTIFY_COOKIE_LEN)
	if _, errno := t.Space().CopyIn(usermem.Addr(ev.Value), cookie); errno != 0 {
		return nil, nil, errno
	}
	f, errno := t.File(ev.Signo)
	if errno != 0 {
		return nil, nil, errno
	}
	if _, ok := f.Ops.(mqueue.Cookies); !ok {
		errno = linux.ENOTSOCK
		if f.Inode.Type() == linux.S_IFSOCK {
			errno = linux.EINVAL
		}
		f.Put()
		return nil, nil, errno
	}
	return cookie, f, 0
}

// mqGetsetattr is mq_getsetattr(2).
func mqGetsetattr(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	set, errno := mqAttr(t, a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	if set != nil && set.Flags&^linux.O_NONBLOCK != 0 {
		return 0, linux.EINVAL
	}
	f, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	old, errno := mqueue.Attr(t, f, set)
	if errno == 0 && a.Addr(2) != 0 {
		errno = usermem.CopyOut(t.Space(), a.Addr(2), &old)
	}
	return 0, errno
}
