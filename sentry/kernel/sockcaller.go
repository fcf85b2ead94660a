package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// A task makes socket calls, and a network namespace keeps what sockets share.
var (
	_ socket.Caller    = (*Task)(nil)
	_ socket.Namespace = (*NetNS)(nil)

	_ socket.Namespaces = (*Task)(nil)
)

// UserNS is whose capabilities count.
func (n *NetNS) UserNS() *auth.UserNS { return n.Owner }

// NetNS is the network namespace that t is in, which t keeps as long as it is.
func (t *Task) NetNS() socket.Namespace { return t.Namespaces().Net }

// NetOfFD is socket.Namespaces's.
func (t *Task) NetOfFD(fd int32) (socket.Namespace, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, errno
	}
	defer f.Put()
	if n, ok := f.Inode.Ops.(interface{ Namespace() any }); ok {
		if ns, ok := n.Namespace().(*NetNS); ok {
			return ns, 0
		}
	}
	return nil, linux.EINVAL
}

// NetOfPID is socket.Namespaces's.
func (t *Task) NetOfPID(pid int32) (socket.Namespace, linux.Errno) {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	p := t.pid.ns().pids[pid]
	if p == nil || p.task == nil {
		return nil, linux.ESRCH
	}
	if n := p.task.Namespaces(); n != nil {
		return n.Net, 0
	}
	return nil, linux.ESRCH
}

// Process identifies t's process: its *PID.
func (t *Task) Process() any { return t.group.ID() }

// ID is the process's id.
func (g *Group) ID() *PID {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return g.leader.pid
}

// PidfdFile returns a pidfd of a process that is not reaped: EINVAL (pidfd_prepare).
func (t *Task) PidfdFile(p *PID) (*vfs.File, linux.Errno) {
	t.k.tasks.RLock()
	gone := p == nil || p.task == nil
	t.k.tasks.RUnlock()
	if gone {
		return nil, linux.EINVAL
	}
	return t.k.pidfdFile(t, &Pidfd{PID: p}, 0), 0
}
