package kernel

import (
	"slices"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Group is a thread group: a process (struct signal_struct and what the leader stands for).
type Group struct {
	k *Kernel

	// Guarded by Kernel.tasks.
	leader     *Task
	tasks      []*Task // live threads and the leader until it is reaped
	parent     *Group  // who waits for it
	forker     *Task   // the thread of parent that waits with __WNOTHREAD and whose death PDEATHSIG tells
	children   []*Group
	pgrp       *ProcessGroup
	tty        vfs.TTY // controlling terminal
	subreaper  bool
	hasReaper  bool // an ancestor was a subreaper
	exitSignal int  // to the parent; 0 none
	execed     bool // since the fork: setpgid(2) by the parent fails
	reaped     bool

	// childQueue is notified when a child, or a traced task, has something for wait(2).
	childQueue wait.Queue

	limits rlimits

	mu lock.Mutex[lock.Group]
	// Guarded by mu.
	pending    pendingSignals
	sighand    *Sighand
	exiting    bool // SIGNAL_GROUP_EXIT: every thread is to die
	exitStatus uint32
	execTask   *Task // the thread that execs and wants the others gone
	stop       groupStop
	stops      uint64 // how many there were
	// cldReport is what the parent is to be told of a stop that is over (CLD_), 0 if nothing.
	cldReport  int32
	timers     posixTimers
	real       itimer
	virtual    cpuItimer
	prof       cpuItimer
	cpuTimer   cpuWatch
	waitStatus childReport // stopped or continued, not yet waited for
	oomScore   int32
	oomFloor   int32
	dumpable   int32
	live       int // threads that have not exited
	signalfds  []*Signalfd
	births     []*birth

	// Accounts of threads that are gone and of children waited for.
	deadUser, deadSys   int64
	childUser, childSys int64
	maxRSS, childMaxRSS uint64
	deadFaults          [2]int64
	childFaults         [2]int64

	shm        shmAttachments
	noTHP      atomic.Bool
	coreFilter atomic.Uint32 // less coreDumpFilter
	barriers   atomic.Uint32 // membarrier(2) registrations
	undo       atomic.Pointer[ipc.Undo]
	started    int64 // CLOCK_BOOTTIME at start, ns
	startMon   int64
	exited     chan struct{} // closed when the last thread is gone
	onExit     func(status uint32)
}

// childReport is what wait(2) can report of a living child.
type childReport struct {
	stopped   bool
	continued bool
	signo     int // the stop signal
}

// Sighand is the signal actions, shared by CLONE_SIGHAND.
type Sighand struct {
	mu      lock.Mutex[lock.Sighand]
	actions [linux.SIGRTMAX + 1]linux.Sigaction
	users   atomic.Int32
}

func newSighand() *Sighand {
	s := new(Sighand)
	s.users.Store(1)
	return s
}

// clone returns a copy with one user.
func (s *Sighand) clone() *Sighand {
	n := newSighand()
	s.mu.Lock()
	defer s.mu.Unlock()
	n.actions = s.actions
	return n
}

func (s *Sighand) action(signo int) linux.Sigaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actions[signo]
}

// resetHandlers is flush_signal_handlers: handlers become default, ignored ones stay so unless
// all is true.
func (s *Sighand) resetHandlers(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.actions {
		a := &s.actions[i]
		if all || a.Handler != linux.SIG_IGN {
			a.Handler = linux.SIG_DFL
		}
		a.Flags, a.Mask, a.Restorer = 0, 0, 0
	}
}

// Leader returns the main thread.
func (g *Group) Leader() *Task {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return g.leader
}

// Tasks returns the threads there are, the leader also as a zombie.
func (g *Group) Tasks() []*Task {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return slices.Clone(g.tasks)
}

// Threads is how many threads live.
func (g *Group) Threads() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.live
}

// PIDIn is the process id as ns shows it.
func (g *Group) PIDIn(ns *PIDNS) int32 {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return g.leader.pid.NrIn(ns)
}

// Parent returns the parent process, nil for the first.
func (g *Group) Parent() *Group {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return g.parent
}

// Started is CLOCK_BOOTTIME when the process was made, in ns.
func (g *Group) Started() int64 { return g.started }

// Exited is closed once all threads are gone.
func (g *Group) Exited() <-chan struct{} { return g.exited }

// ExitStatus is the status as wait(2) gives it, of a process whose threads are all gone.
func (g *Group) ExitStatus() uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exitStatus
}

// IsZombie tells whether all threads are gone.
func (g *Group) IsZombie() bool {
	select {
	case <-g.exited:
		return true
	default:
		return false
	}
}

// CPU returns the processor time used by all threads, living and dead, in ns.
func (g *Group) CPU() (user, sys int64) {
	tasks := g.Tasks()
	g.mu.Lock() // a thread is counted once, dead or alive
	defer g.mu.Unlock()
	user, sys = g.deadUser, g.deadSys
	for _, t := range tasks {
		if !t.accounted.Load() {
			u, s := t.CPU()
			user, sys = user+u, sys+s
		}
	}
	return user, sys
}

// ChildCPU is the time of children waited for.
func (g *Group) ChildCPU() (user, sys int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.childUser, g.childSys
}

func sortGroups(gs []*Group, ns *PIDNS) {
	slices.SortFunc(gs, func(a, b *Group) int { return int(a.leader.pid.NrIn(ns)) - int(b.leader.pid.NrIn(ns)) })
}
