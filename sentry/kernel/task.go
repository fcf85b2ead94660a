package kernel

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Task is one application thread (struct task_struct).
type Task struct {
	k     *Kernel
	group *Group
	ctx   platform.Context

	// Guarded by Kernel.tasks.
	pid    *PID
	tracer *Task
	traced []*Task // those it traces

	waiter *wait.Waiter
	// work is set when the run loop has something to look at before application code runs.
	work atomic.Bool

	// Changed by the task's own goroutine only, read by everybody.
	cred  atomic.Pointer[auth.Cred]
	mem   atomic.Pointer[mm.MM] // nil once it has exited
	fs    atomic.Pointer[vfs.FS]
	files atomic.Pointer[FDTable]
	ns    atomic.Pointer[Namespaces]
	exe   atomic.Pointer[vfs.File]
	comm  atomic.Pointer[string]

	// sig is guarded by Group.mu.
	sig struct {
		pending pendingSignals
		blocked linux.SignalSet
		saved   linux.SignalSet // to be restored once the call is over (sigsuspend and its like)
		restore bool            // saved counts
		wanted  linux.SignalSet // what sigtimedwait(2) waits for
	}
	killed atomic.Bool // SIGKILL is pending or the group exits

	// run is of the task's goroutine only.
	run struct {
		regs     arch.Registers // see Regs
		partial  bool           // regs are not complete
		as       platform.AddressSpace
		fpu      []byte // room for an FPU image
		args     Args   // of the call that is made: a function of the table gets them by pointer, for which they would be allocated
		buf      usermem.Buf
		scratch  []byte
		path     [256]byte
		altstack linux.Sigaltstack
		restart  func(*Task) (uintptr, linux.Errno)
		seccomp  bool
		answers  bool       // the platform answers getpid(2) and so on itself
		answered *auth.Cred // what it answers with
		borrowed bool       // something was lent to the application
		knows    bool       // and files, so that it is told of changes
		polls    bool       // and epoll_wait lends
		opened   int32      // the file that was opened last, and 1
		closes   habit      // it closes files
		stats    habit      // and asks for the attributes of what it has just opened
		links    habit      // and for links that are none
		asked    int32      // the descriptor that was read last, and 1
		sends    bool       // a file that is opened is sent
		file     []byte     // room for such a one
		replies  bool       // what was read lately was followed by a write to the same descriptor
		dispatch userDispatch
		trap     trapState
		dying    atomic.Bool // the thread is to exit with status; others look
		status   uint32      // as wait(2) shows it
		stopSeq  uint64      // the group stop it took part in last
		slept    int64
		lastSeen int64 // when the account was last brought up to date
		entered  int64 // and when the thread entered the application after that

		announced bool // the platform says when the thread enters the application
	}

	pdeathSignal atomic.Int32
	clearTID     usermem.Addr
	robustList   atomic.Uint64 // get_robust_list(2) of another thread reads it
	vfork        atomic.Pointer[vfork]
	ptrace       ptraceState
	seccomp      seccompState
	personality  atomic.Uint32
	timerSlack   atomic.Int64
	nice         atomic.Int32
	ioprio       atomic.Int32
	sched        schedState
	exitStatus   uint32 // guarded by Kernel.tasks; of a zombie
	zombie       bool   // guarded by Kernel.tasks
	accounted    atomic.Bool
	startBoot    int64
	keepCaps     atomic.Bool
	ioFlusher    atomic.Bool
	seccompSync  atomic.Bool // another thread gave it filters
	nnpSync      atomic.Bool
	pi           piState

	calls     atomic.Int64 // system calls made
	user, sys atomic.Int64 // processor time, ns; user is less by when the thread entered the application, while it is there
	state     atomic.Uint32
	told      [2]atomic.Int64 // user and sys, as CPU returned them
	inside    atomic.Int64    // 1: it may be in the application
	barriers  atomic.Pointer[barrierNode]
	faults    [2]atomic.Int64
	switches  [2]atomic.Int64
	io        ioCounters
	login     audit
}

// ioCounters are for /proc/PID/io. The task's own goroutine counts.
type ioCounters struct{ ReadChars, WriteChars, ReadCalls, WriteCalls atomic.Int64 }

// IO returns the counters of /proc/PID/io.
func (t *Task) IO() *ioCounters { return &t.io }

// HasRead counts a call that moved n bytes.
func (c *ioCounters) HasRead(n int) { count(&c.ReadCalls, &c.ReadChars, n) }

// HasWritten is HasRead for a write.
func (c *ioCounters) HasWritten(n int) { count(&c.WriteCalls, &c.WriteChars, n) }

func count(calls, chars *atomic.Int64, n int) {
	arch.StoreInt64(calls, calls.Load()+1)
	if n > 0 {
		arch.StoreInt64(chars, chars.Load()+int64(n))
	}
}

// Kernel returns the kernel the task belongs to.
func (t *Task) Kernel() *Kernel { return t.k }

// Group returns the process.
func (t *Task) Group() *Group { return t.group }

// MountNS is the task's mount namespace, nil for a zombie.
func (t *Task) MountNS() *vfs.MountNS {
	if ns := t.Namespaces(); ns != nil {
		return ns.Mount
	}
	return nil
}

// LockHolder is whose a lock on a file is that t takes.
func (t *Task) LockHolder() any { return t.group }

// ID returns the thread's identity.
func (t *Task) ID() *PID {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	return t.pid
}

// TIDIn is the thread's number in ns, 0 if it is not visible there.
func (t *Task) TIDIn(ns *PIDNS) int32 { return t.ID().NrIn(ns) }

// TID is the number in its own PID namespace.
func (t *Task) TID() int32 { return t.TIDIn(t.PIDNS()) }

// PID is the process id in its own PID namespace.
func (t *Task) PID() int32 { return t.group.PIDIn(t.PIDNS()) }

// PIDNS is the namespace the task lives in (not the one its children will).
func (t *Task) PIDNS() *PIDNS { return t.ID().ns() }

// Cred returns the credentials; they do not change once returned.
func (t *Task) Cred() *auth.Cred { return t.cred.Load() }

// SetCred publishes new credentials. Task's goroutine only.
func (t *Task) SetCred(c *auth.Cred) {
	old := t.cred.Swap(c)
	if m := t.MM(); m != nil && old.Has(linux.CAP_IPC_LOCK) != c.Has(linux.CAP_IPC_LOCK) {
		m.SetLimits(t.group.mmLimits(c))
	}
}

// MM returns the address space, nil for a zombie. Others than the task itself must Get it.
func (t *Task) MM() *mm.MM { return t.mem.Load() }

// GetMM returns the address space with a user more, nil if it is gone.
func (t *Task) GetMM() *mm.MM {
	if m := t.mem.Load(); m != nil && m.Get() {
		return m
	}
	return nil
}

// Space is the application's memory.
func (t *Task) Space() *usermem.Space { return t.mem.Load().Space() }

// Buf is room for the memory of the call that the task makes: a file gets it by pointer, for which it would be allocated.
func (t *Task) Buf() *usermem.Buf { return &t.run.buf }

// PathRoom is room for a short path, for the task's goroutine.
func (t *Task) PathRoom() []byte { return t.run.path[:] }

// MostScratch is how many bytes of its calls a task keeps room for.
const MostScratch = 4096

// Scratch is that room, for the task's goroutine; KeepScratch takes it back, or what it has grown to.
func (t *Task) Scratch() []byte { return t.run.scratch[:0] }

// KeepScratch keeps b for the next call.
func (t *Task) KeepScratch(b []byte) {
	if cap(b) <= MostScratch {
		t.run.scratch = b
	}
}

// Waiter is what the task sleeps with.
func (t *Task) Waiter() *wait.Waiter { return t.waiter }

// Now is CLOCK_REALTIME in nanoseconds when the call was seen, or, if the task has slept since or does not run yet, now.
func (t *Task) Now() int64 {
	if t.run.lastSeen == 0 || t.waiter.Slept() != t.run.slept {
		return t.k.Clock.Realtime()
	}
	return t.k.Clock.RealtimeAt(t.run.lastSeen)
}

// Limit returns the soft limit of resource.
func (t *Task) Limit(resource int) uint64 { return t.group.limits.get(resource).Cur }

// FS returns root, working directory and umask; nil for a zombie.
func (t *Task) FS() *vfs.FS { return t.fs.Load() }

// Files returns the descriptor table; nil for a zombie.
func (t *Task) Files() *FDTable { return t.files.Load() }

// Namespaces returns the namespaces; nil for a zombie.
func (t *Task) Namespaces() *Namespaces { return t.ns.Load() }

// Exe is the program's file, nil if there is none any more.
func (t *Task) Exe() *vfs.File { return t.exe.Load() }

// Comm is the thread's name, at most 15 bytes.
func (t *Task) Comm() string { return *t.comm.Load() }

// SetComm sets the name, cut to 15 bytes.
func (t *Task) SetComm(s string) {
	if len(s) > 15 {
		s = s[:15]
	}
	t.comm.Store(&s)
}

// Regs are the registers, for the task's goroutine or while the task is stopped. Who makes a call, or looks whether it may be made,
// needs no more of them than its number, arguments, result and Rip, which run.regs always has.
func (t *Task) Regs() *arch.Registers {
	if t.run.partial {
		t.run.partial = false
		t.ctx.(platform.Completer).Complete(&t.run.regs)
	}
	return &t.run.regs
}

// Personality is personality(2)'s; SetPersonality changes it.
func (t *Task) Personality() uint32     { return t.personality.Load() }
func (t *Task) SetPersonality(p uint32) { t.personality.Store(p) }

// PdeathSignal is prctl(2) PR_GET_PDEATHSIG's.
func (t *Task) PdeathSignal() int32     { return t.pdeathSignal.Load() }
func (t *Task) SetPdeathSignal(s int32) { t.pdeathSignal.Store(s) }

// TimerSlack is prctl(2) PR_GET_TIMERSLACK's, ns.
func (t *Task) TimerSlack() int64     { return t.timerSlack.Load() }
func (t *Task) SetTimerSlack(n int64) { t.timerSlack.Store(n) }

// KeepCaps is prctl(2) PR_SET_KEEPCAPS.
func (t *Task) KeepCaps() bool     { return t.keepCaps.Load() }
func (t *Task) SetKeepCaps(b bool) { t.keepCaps.Store(b) }

// IOFlusher is prctl(2) PR_GET_IO_FLUSHER's.
func (t *Task) IOFlusher() bool     { return t.ioFlusher.Load() }
func (t *Task) SetIOFlusher(b bool) { t.ioFlusher.Store(b) }

// SetClearTID is set_tid_address(2).
func (t *Task) SetClearTID(a usermem.Addr) { t.clearTID = a }

// RobustList is get_robust_list(2)'s; SetRobustList is set_robust_list(2).
func (t *Task) RobustList() usermem.Addr     { return usermem.Addr(t.robustList.Load()) }
func (t *Task) SetRobustList(a usermem.Addr) { t.robustList.Store(uint64(a)) }

// SetRestart says how the call goes on if it returns ERESTART_RESTARTBLOCK.
func (t *Task) SetRestart(f func(*Task) (uintptr, linux.Errno)) { t.run.restart = f }

// Restart runs what SetRestart said: restart_syscall(2).
func (t *Task) Restart() (uintptr, linux.Errno) {
	f := t.run.restart
	if f == nil {
		return 0, linux.EINTR
	}
	t.run.restart = nil
	return f(t)
}

// kick makes the run loop look at what is to be done, and ends a sleep.
func (t *Task) kick() {
	t.work.Store(true)
	t.waiter.Interrupt()
	t.ctx.Interrupt()
}

// CPU returns the processor time used, ns, up to now. The times between entering the application and
// its trap, and to the next, are upper bounds: it may have waited for a processor. What it returned before is a lower bound.
func (t *Task) CPU() (user, sys int64) { return t.cpu(0) }

// cpu is CPU, with what a call has used that is not over.
func (t *Task) cpu(call int64) (user, sys int64) {
	for user = t.user.Load(); user < 0; {
		now, was := t.k.Clock.Monotonic(), user
		if user = t.user.Load(); user == was {
			user = max(user+now, 0)
		}
	}
	sys = t.sys.Load() + call
	if m, ok := t.ctx.(platform.Metered); ok {
		user = min(user, m.CPUTime())
	}
	if b, ok := t.ctx.(platform.Bound); ok {
		sys = min(sys, b.BoundTime())
	}
	return atLeast(&t.told[0], user), atLeast(&t.told[1], sys)
}

// atLeast makes v the value of a if that is less, and returns the value: whoever looks at a thread between its reading of the
// clock and its account of that sees time which the account has less of (cputime_adjust, kernel/sched/cputime.c).
func atLeast(a *atomic.Int64, v int64) int64 {
	for old := a.Load(); ; old = a.Load() {
		if old >= v {
			return old
		}
		if a.CompareAndSwap(old, v) {
			return v
		}
	}
}

// Faults are the minor and major page faults.
func (t *Task) Faults() (minor, major int64) { return t.faults[0].Load(), t.faults[1].Load() }

// Switches are the voluntary and involuntary context switches.
func (t *Task) Switches() (voluntary, involuntary int64) {
	return t.switches[0].Load(), t.switches[1].Load()
}

// StartBoot is CLOCK_BOOTTIME when the thread was made.
func (t *Task) StartBoot() int64 { return t.startBoot }

// SetIgnoredUmask and the like are not here: umask is FS's.

// State is the letter of /proc/PID/stat (proc_pid_stat(5)).
func (t *Task) State() byte {
	t.k.tasks.RLock()
	zombie := t.zombie
	t.k.tasks.RUnlock()
	switch {
	case zombie:
		return 'Z'
	case t.ptrace.stopped.Load():
		return 't'
	case t.state.Load() == stateStopped:
		return 'T'
	case t.state.Load() == stateUninterruptible:
		return 'D'
	case t.waiter.Sleeping():
		return 'S'
	}
	return 'R'
}

const (
	stateRunning uint32 = iota
	stateStopped
	stateUninterruptible
)
