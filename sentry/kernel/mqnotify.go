package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// What message queues (mq_notify(2)) ask of namespaces and processes.

// Queues returns the message queues of the namespace, made by make at the first call.
func (n *IPCNS) Queues(make func() any) any {
	n.mqOnce.Do(func() { n.mq = make() })
	return n.mq
}

// MessageProcess is the process that mq_notify(2) registers for the task.
func (t *Task) MessageProcess() any { return t.group }

// MessageSignal sends signo with value: from has sent a message to a queue.
func (g *Group) MessageSignal(from vfs.Ctx, signo int, value uint64) {
	info := linux.Siginfo{Signo: int32(signo), Code: linux.SI_MESGQ}
	info.SetValue(value)
	t, ok := from.(*Task)
	if !ok {
		return
	}
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	info.SetPID(t.group.leader.pid.NrIn(g.leader.pid.ns()))
	info.SetUID(g.leader.Cred().NS.FromKernelUID(t.Cred().Ruid))
	g.send(&info, nil)
}

// PIDSeenBy is the process's number in the PID namespace of reader, 0 if it has none there.
func (g *Group) PIDSeenBy(reader vfs.Ctx) int32 {
	if t, ok := reader.(*Task); ok {
		return g.PIDIn(t.PIDNS())
	}
	return 0
}
