package kernel

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// shmAttachments are where a process has attached System V segments, for shmdt(2). The areas
// themselves hold the segments.
type shmAttachments struct {
	mu sync.Mutex
	at map[usermem.Addr]*ipc.Segment
}

// ShmAttached notes a shmat(2).
func (t *Task) ShmAttached(addr usermem.Addr, s *ipc.Segment) {
	a := &t.group.shm
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at = map[usermem.Addr]*ipc.Segment{}
	}
	a.at[addr] = s
}

// ShmDetach forgets the segment at addr: EINVAL if none is attached there.
func (t *Task) ShmDetach(addr usermem.Addr) (*ipc.Segment, linux.Errno) {
	a := &t.group.shm
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.at[addr]
	if s == nil {
		return nil, linux.EINVAL
	}
	delete(a.at, addr)
	return s, 0
}

// fork copies them to a child's group.
func (a *shmAttachments) fork(n *shmAttachments) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.at) == 0 {
		return
	}
	n.at = map[usermem.Addr]*ipc.Segment{}
	for addr, s := range a.at {
		n.at[addr] = s
	}
}

// clear forgets all: exec.
func (a *shmAttachments) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = nil
}

// SemUndo returns the process's undo list, made at the first use.
func (t *Task) SemUndo() *ipc.Undo {
	g := t.group
	if u := g.undo.Load(); u != nil {
		return u
	}
	g.undo.CompareAndSwap(nil, new(ipc.Undo))
	return g.undo.Load()
}

// exitSem leaves the undo list, which is applied when the last user does.
func (t *Task) exitSem() {
	if u := t.group.undo.Swap(nil); u != nil {
		u.Exit(t.PID())
	}
}
