package kernel

import (
	"slices"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// What only /proc shows and changes.

// audit is a thread's login (audit_set_loginuid): kept as it is one more than the id, 0 if none
// is set.
type audit struct{ uid, session atomic.Uint32 }

var lastAuditSession atomic.Uint32

// LoginUID is /proc/PID/loginuid and sessionid; ok is false if nobody logged in.
func (t *Task) LoginUID() (uid auth.UID, session uint32, ok bool) {
	if u := t.login.uid.Load(); u != 0 {
		return auth.UID(u - 1), t.login.session.Load(), true
	}
	return 0, 0, false
}

// SetLoginUID sets the login, or takes it away with set false: once there is one that takes
// CAP_AUDIT_CONTROL (audit_set_loginuid_perm).
func (t *Task) SetLoginUID(uid auth.UID, set bool) linux.Errno {
	if _, _, has := t.LoginUID(); has && !t.Cred().HasIn(t.k.UserNS, linux.CAP_AUDIT_CONTROL) {
		return linux.EPERM
	}
	if !set {
		t.login.uid.Store(0)
		return 0
	}
	t.login.session.Store(lastAuditSession.Add(1))
	t.login.uid.Store(uint32(uid) + 1)
	return 0
}

func (a *audit) inherit(from *audit) {
	a.session.Store(from.session.Load())
	a.uid.Store(from.uid.Load())
}

// coreDumpFilter is core(5)'s default: private and shared anonymous memory, ELF headers, huge pages.
const coreDumpFilter = 0x33

// CoreFilter is /proc/PID/coredump_filter; SetCoreFilter sets it. No cores are written, so it is
// only kept.
func (g *Group) CoreFilter() uint32 { return g.coreFilter.Load() ^ coreDumpFilter }

// SetCoreFilter is writing coredump_filter.
func (g *Group) SetCoreFilter(v uint32) { g.coreFilter.Store(v&0x1ff ^ coreDumpFilter) }

// OOMFloor is below what oom_score_adj may only be set with CAP_SYS_RESOURCE (oom_score_adj_min).
func (g *Group) OOMFloor() int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.oomFloor
}

// SetOOMFloor is set by whoever has the capability.
func (g *Group) SetOOMFloor(v int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.oomFloor = v
}

// ChildrenOf returns the processes that t forked, by their numbers in ns.
func (k *Kernel) ChildrenOf(t *Task, ns *PIDNS) (pids []int32) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, g := range t.group.children {
		if g.forker == t {
			if nr := g.leader.pid.NrIn(ns); nr != 0 {
				pids = append(pids, nr)
			}
		}
	}
	return pids
}

// Count is how many descriptors are open.
func (f *FDTable) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// InCall is /proc/PID/syscall: where a sleeping thread is. ok is false if it runs; nr is -1 if
// it is in no call. The registers are read while they may begin to change: what is shown is
// then of a moment ago.
func (t *Task) InCall() (nr int64, args [6]uint64, sp, pc uint64, ok bool) {
	if !t.waiter.Sleeping() && !t.ptrace.stopped.Load() {
		return 0, args, 0, 0, false
	}
	r := &t.run.regs
	sp = r.Rsp
	if t.run.partial {
		sp = t.ctx.(platform.Completer).StackPointer()
	}
	return int64(r.OrigRax), r.Args(), sp, r.Rip, true
}

// TimerInfo is one of /proc/PID/timers.
type TimerInfo struct {
	ID, Clock, Notify, Signo int32
	Value                    uint64
	Thread                   *Task // SIGEV_THREAD_ID's
}

// PosixTimers are the timers of timer_create(2), the newest first.
func (g *Group) PosixTimers() (list []TimerInfo) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tm := range g.timers.list {
		list = append(list, TimerInfo{tm.id, tm.clock, tm.notify, tm.signo, tm.value, tm.target})
	}
	slices.SortFunc(list, func(a, b TimerInfo) int { return int(b.ID) - int(a.ID) })
	return list
}

// PIDsFrom returns the first processes of ns with numbers from nr on, at most max of them, by rising
// number.
func (k *Kernel) PIDsFrom(ns *PIDNS, nr int32, max int) []*Group {
	gs := k.Groups(ns)
	i, _ := slices.BinarySearchFunc(gs, nr, func(g *Group, nr int32) int { return int(g.PIDIn(ns)) - int(nr) })
	return gs[i:min(len(gs), i+max)]
}

// ExitSignal is what the parent is sent at the end, 0 if nothing.
func (g *Group) ExitSignal() int32 {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return int32(g.exitSignal)
}

// CPU is the processor time of all processes there are and of those the first ones waited for, ns.
func (k *Kernel) CPU() (user, sys int64) {
	for _, g := range k.Groups(k.InitNS.PIDChildren) {
		u, s := g.CPU()
		user, sys = user+u, sys+s
		if g.Parent() == nil {
			u, s = g.ChildCPU()
			user, sys = user+u, sys+s
		}
	}
	return user, sys
}

// Begun tells whether ns has, or had, a first process.
func (k *Kernel) Begun(ns *PIDNS) bool {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	return ns.init != nil || ns.dead
}
