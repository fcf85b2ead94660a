package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/mm"
)

// rlimits are the resource limits of a process (getrlimit(2)).
type rlimits struct {
	mu  sync.Mutex // of changes
	now atomic.Pointer[limitSet]
}

// limitSet does not change once others see it.
type limitSet [linux.RLIM_NLIMITS]linux.Rlimit

func (r *rlimits) get(resource int) linux.Rlimit { return r.now.Load()[resource] }

func (r *rlimits) copyFrom(o *rlimits) { r.now.Store(o.now.Load()) }

// setLocked changes one. mu is held.
func (r *rlimits) setLocked(resource int, l linux.Rlimit) {
	next := *r.now.Load()
	next[resource] = l
	r.now.Store(&next)
}

// stackLimit is _STK_LIM.
const stackLimit = 8 << 20

// capStack is what a change of rights by exec does to an unusual stack limit.
func (r *rlimits) capStack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.get(linux.RLIMIT_STACK); s.Cur > stackLimit {
		s.Cur = stackLimit
		r.setLocked(linux.RLIMIT_STACK, s)
	}
}

// defaultLimits are those of Linux's first process (INIT_RLIMITS).
func defaultLimits(ram uint64) (l limitSet) {
	for i := range l {
		l[i] = linux.Rlimit{Cur: linux.RLIM_INFINITY, Max: linux.RLIM_INFINITY}
	}
	l[linux.RLIMIT_STACK].Cur = stackLimit
	l[linux.RLIMIT_CORE].Cur = 0
	threads := min(ram/(128<<10), 1<<22) / 2
	l[linux.RLIMIT_NPROC] = linux.Rlimit{Cur: threads, Max: threads}
	l[linux.RLIMIT_SIGPENDING] = l[linux.RLIMIT_NPROC]
	l[linux.RLIMIT_NOFILE] = linux.Rlimit{Cur: 1024, Max: 4096}
	l[linux.RLIMIT_MEMLOCK] = linux.Rlimit{Cur: 8 << 20, Max: 8 << 20}
	l[linux.RLIMIT_MSGQUEUE] = linux.Rlimit{Cur: 819200, Max: 819200}
	l[linux.RLIMIT_NICE] = linux.Rlimit{}
	l[linux.RLIMIT_RTPRIO] = linux.Rlimit{}
	return l
}

// Rlimit returns a limit of the process.
func (g *Group) Rlimit(resource int) linux.Rlimit { return g.limits.get(resource) }

// SetRlimit sets a limit of g for the caller t: EINVAL if soft is above hard, EPERM if hard would
// rise without CAP_SYS_RESOURCE (do_prlimit).
func (t *Task) SetRlimit(g *Group, resource int, n linux.Rlimit) linux.Errno {
	if n.Cur > n.Max {
		return linux.EINVAL
	}
	if resource == linux.RLIMIT_NOFILE && n.Max > maxFD {
		return linux.EPERM
	}
	r := &g.limits
	r.mu.Lock()
	if n.Max > r.get(resource).Max && !t.Cred().HasIn(t.k.UserNS, linux.CAP_SYS_RESOURCE) {
		r.mu.Unlock()
		return linux.EPERM
	}
	r.setLocked(resource, n)
	r.mu.Unlock()
	switch resource {
	case linux.RLIMIT_CPU:
		g.watchCPU()
	case linux.RLIMIT_AS, linux.RLIMIT_DATA, linux.RLIMIT_STACK, linux.RLIMIT_MEMLOCK:
		l := g.Leader()
		if m := l.GetMM(); m != nil {
			m.SetLimits(g.mmLimits(l.Cred()))
			m.Put()
		}
	}
	return 0
}

// mmLimits are the limits an address space obeys.
func (g *Group) mmLimits(c *auth.Cred) mm.Limits {
	return mm.Limits{
		AS: g.limits.get(linux.RLIMIT_AS).Cur, Data: g.limits.get(linux.RLIMIT_DATA).Cur,
		Stack: g.limits.get(linux.RLIMIT_STACK).Cur, Memlock: g.limits.get(linux.RLIMIT_MEMLOCK).Cur,
		CanLock: c.Has(linux.CAP_IPC_LOCK),
	}
}
