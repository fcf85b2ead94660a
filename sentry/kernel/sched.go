package kernel

import (
	"math/bits"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// schedState is what sched_setscheduler(2) and its kin set. The host schedules the threads, so
// policies and priorities are kept and shown but have no effect on who runs; affinity binds the
// thread to the host's processors.
type schedState struct {
	mu       sync.Mutex
	policy   uint32
	priority int32
	reset    bool   // SCHED_RESET_ON_FORK
	affinity []byte // nil: all
	runtime  uint64
	deadline uint64
	period   uint64
}

// Sched is a copy of a thread's scheduling attributes.
type Sched struct {
	Policy   uint32
	Priority int32
	Reset    bool
	Runtime  uint64
	Deadline uint64
	Period   uint64
}

// Sched returns the attributes.
func (t *Task) Sched() Sched {
	s := &t.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	return Sched{s.policy, s.priority, s.reset, s.runtime, s.deadline, s.period}
}

// SetSched sets them; permission has been checked.
func (t *Task) SetSched(n Sched) {
	s := &t.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy, s.priority, s.reset = n.Policy, n.Priority, n.Reset
	s.runtime, s.deadline, s.period = n.Runtime, n.Deadline, n.Period
}

// Affinity returns the processor mask, a bit each.
func (t *Task) Affinity() []byte {
	s := &t.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.affinity == nil {
		return t.k.allCPUs()
	}
	return s.affinity
}

// SetAffinity sets the mask, of which only processors that exist count: EINVAL if none is left.
func (t *Task) SetAffinity(mask []byte) linux.Errno {
	all := t.k.allCPUs()
	any := byte(0)
	for i := range all {
		if i >= len(mask) {
			all[i] = 0
		} else {
			all[i] &= mask[i]
		}
		any |= all[i]
	}
	if any == 0 {
		return linux.EINVAL
	}
	s := &t.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	s.affinity = all
	t.ctx.SetCPUs(t.k.hostCPUs(all))
	t.kick()
	return 0
}

// hostCPUs are the host's processors that stand for those of the mask: the i-th one for i
// modulo as many as the sandbox has.
func (k *Kernel) hostCPUs(mask []byte) []int {
	var out []int
	for i, cpu := range k.HostCPUs {
		if i %= k.NumCPU; mask[i/8]&(1<<(i%8)) != 0 {
			out = append(out, cpu)
		}
	}
	return out
}

// CPUNumber is the processor that getcpu(2) names: the first the thread may run on.
func (t *Task) CPUNumber() uint32 {
	for i, b := range t.Affinity() {
		if b != 0 {
			return uint32(i*8 + bits.TrailingZeros8(b))
		}
	}
	return 0
}

// allCPUs is the mask of the processors there are, in whole longs.
func (k *Kernel) allCPUs() []byte {
	m := make([]byte, (k.NumCPU+63)/64*8)
	for i := range k.NumCPU {
		m[i/8] |= 1 << (i % 8)
	}
	return m
}

// fork copies the state to a child.
func (s *schedState) fork(n *schedState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.affinity = s.affinity
	if s.reset {
		return
	}
	n.policy, n.priority = s.policy, s.priority
	n.runtime, n.deadline, n.period = s.runtime, s.deadline, s.period
}

// rank orders waiters for a priority-inheriting futex.
func (s *schedState) rank() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policy == linux.SCHED_FIFO || s.policy == linux.SCHED_RR {
		return s.priority
	}
	return 0
}

// Nice is the nice value; SetNice sets it.
func (t *Task) Nice() int32     { return t.nice.Load() }
func (t *Task) SetNice(n int32) { t.nice.Store(n) }

// IOPriority is what ioprio_set(2) stored, 0 before; SetIOPriority sets it.
func (t *Task) IOPriority() int32     { return t.ioprio.Load() }
func (t *Task) SetIOPriority(p int32) { t.ioprio.Store(p) }

// EachIn calls f for the threads that getpriority(2)'s which and who name, as t sees them, and
// tells how many there were.
func (t *Task) EachIn(which int, who int32, f func(*Task)) int {
	const process, group, user = 0, 1, 2
	k := t.k
	var found []*Task
	k.tasks.RLock()
	ns := t.pid.ns()
	switch which {
	case process:
		if who == 0 {
			found = append(found, t)
		} else if p := ns.pids[who]; p != nil && p.task != nil {
			found = append(found, p.task)
		}
	case group:
		pg := t.group.pgrp
		if who != 0 {
			pg = nil
			if p := ns.pids[who]; p != nil {
				pg = p.pgrp
			}
		}
		if pg != nil {
			for _, g := range pg.members {
				found = append(found, g.tasks...)
			}
		}
	case user:
		c := t.Cred()
		uid := c.Ruid
		if who != 0 {
			uid, _ = c.NS.ToKernelUID(uint32(who))
		}
		for _, p := range ns.pids {
			if p.task != nil && p.task.Cred().Ruid == uid {
				found = append(found, p.task)
			}
		}
	}
	k.tasks.RUnlock()
	for _, o := range found {
		f(o)
	}
	return len(found)
}
