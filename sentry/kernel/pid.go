package kernel

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// PID is an id that a thread, process group or session has (struct pid): a number in its own
// PID namespace and in each above.
type PID struct {
	nums []pidNumber // outermost namespace first

	// Guarded by Kernel.tasks.
	task    *Task // the thread with this id
	group   *Group
	pgrp    *ProcessGroup
	session *Session

	exited wait.Queue  // pidfds poll it
	gone   atomic.Bool // the process is a zombie without threads, or reaped
}

type pidNumber struct {
	ns *PIDNS
	nr int32
}

// PIDNS is a PID namespace (pid_namespaces(7)).
type PIDNS struct {
	Owner  *auth.UserNS
	Ino    uint64
	parent *PIDNS
	level  int

	// Guarded by Kernel.tasks.
	pids map[int32]*PID
	last int32
	init *Group // its pid 1
	dead bool   // init is gone: no more processes

	emptied wait.Queue // notified when a process in it is reaped
}

// maxPIDLevel bounds nesting (MAX_PID_NS_LEVEL).
const maxPIDLevel = 32

// newPIDNS returns a namespace below parent (nil for the first).
func (k *Kernel) newPIDNS(parent *PIDNS, owner *auth.UserNS) (*PIDNS, linux.Errno) {
	ns := &PIDNS{Owner: owner, Ino: k.nsIno.Add(1), parent: parent, pids: map[int32]*PID{}}
	if parent != nil {
		if ns.level = parent.level + 1; ns.level > maxPIDLevel {
			return nil, linux.ENOSPC
		}
	}
	return ns, 0
}

// Parent is the namespace above, nil for the first.
func (ns *PIDNS) Parent() *PIDNS { return ns.parent }

// LastPID is the number given out last (/proc/sys/kernel/ns_last_pid).
func (ns *PIDNS) LastPID() int32 { return ns.last }

// reservedPIDs is where numbers start again (RESERVED_PIDS).
const reservedPIDs = 300

// allocPID gives new numbers in ns and above; want, if not empty, are the numbers asked for by
// clone3(2), innermost namespace first. Called with Kernel.tasks held.
func (k *Kernel) allocPID(ns *PIDNS, want []int32) (*PID, linux.Errno) {
	if ns.dead {
		return nil, linux.ENOMEM
	}
	p := &PID{nums: make([]pidNumber, ns.level+1)}
	limit := k.sysctl.PIDMax.Load()
	at := ns
	for i := ns.level; i >= 0; i-- {
		nr := int32(0)
		if n := ns.level - i; n < len(want) {
			nr = want[n]
			if _, used := at.pids[nr]; used {
				p.unhash()
				return nil, linux.EEXIST
			}
		} else if nr = at.next(limit); nr == 0 {
			p.unhash()
			return nil, linux.EAGAIN
		}
		at.pids[nr] = p
		p.nums[i] = pidNumber{at, nr}
		at = at.parent
	}
	return p, 0
}

// next finds a free number, 0 if there is none.
func (ns *PIDNS) next(limit int32) int32 {
	for range limit {
		ns.last++
		if ns.last >= limit {
			ns.last = reservedPIDs
		}
		if _, used := ns.pids[ns.last]; !used {
			return ns.last
		}
	}
	return 0
}

// unhash takes the numbers away.
func (p *PID) unhash() {
	for _, n := range p.nums {
		if n.ns != nil && n.ns.pids[n.nr] == p {
			delete(n.ns.pids, n.nr)
		}
	}
}

// put frees the numbers if nothing has the id any more.
func (p *PID) put() {
	if p.task == nil && p.pgrp == nil && p.session == nil {
		p.unhash()
	}
}

// NrIn returns the number in ns, 0 if p is not visible there.
func (p *PID) NrIn(ns *PIDNS) int32 {
	if p == nil || ns == nil || ns.level >= len(p.nums) || p.nums[ns.level].ns != ns {
		return 0
	}
	return p.nums[ns.level].nr
}

// ns is the namespace p was made in.
func (p *PID) ns() *PIDNS { return p.nums[len(p.nums)-1].ns }

// NS is the namespace p was made in.
func (p *PID) NS() *PIDNS { return p.ns() }

// Numbers returns the number in each namespace from ns down, as NSpid of /proc/PID/status.
func (p *PID) Numbers(ns *PIDNS) []int32 {
	var out []int32
	for i := ns.level; i < len(p.nums); i++ {
		out = append(out, p.nums[i].nr)
	}
	return out
}

// TaskIn returns the live or zombie thread numbered nr in ns, nil if there is none.
func (k *Kernel) TaskIn(ns *PIDNS, nr int32) *Task {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	if p := ns.pids[nr]; p != nil {
		return p.task
	}
	return nil
}

// GroupIn returns the process numbered nr in ns, nil if nr names none.
func (k *Kernel) GroupIn(ns *PIDNS, nr int32) *Group {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	if p := ns.pids[nr]; p != nil && p.task != nil && p.task.group.leader == p.task {
		return p.task.group
	}
	return nil
}

// Groups returns the processes visible in ns that are not reaped, by rising number.
func (k *Kernel) Groups(ns *PIDNS) []*Group {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	var out []*Group
	for _, p := range ns.pids {
		if p.task != nil && p.task.group.leader == p.task {
			out = append(out, p.task.group)
		}
	}
	sortGroups(out, ns)
	return out
}
