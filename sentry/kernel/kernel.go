package kernel

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/loader"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vdso"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Args are a system call's six arguments, with their C types asked for by method.
type Args [6]uint64

// Int is argument i as an int.
func (a *Args) Int(i int) int32 { return int32(a[i]) }

// Uint is argument i as an unsigned int.
func (a *Args) Uint(i int) uint32 { return uint32(a[i]) }

// Long is argument i as a long.
func (a *Args) Long(i int) int64 { return int64(a[i]) }

// Size is argument i as a size_t.
func (a *Args) Size(i int) uint64 { return a[i] }

// Addr is argument i as a pointer.
func (a *Args) Addr(i int) usermem.Addr { return usermem.Addr(a[i]) }

// SyscallFunc does one system call: the value it returns, or an error.
type SyscallFunc func(t *Task, a *Args) (uintptr, linux.Errno)

// Tracer prints system calls (--strace).
type Tracer interface {
	Enter(t *Task, nr uint64, a *Args)
	Exit(t *Task, nr uint64, a *Args, ret uintptr, errno linux.Errno, took time.Duration)
}

// Log takes the kernel's own messages.
type Log interface {
	Warn(format string, args ...any)
	Debug(format string, args ...any)
	Limited(format string, args ...any) // what the application causes
}

// Config is what a Kernel is made of.
type Config struct {
	Platform platform.Platform
	Pool     *pages.Pool
	Clock    *vdso.Clock
	VDSO     *loader.VDSO
	Machine  loader.Machine
	Random   func(b []byte)
	Log      Log
	Syscalls []SyscallFunc
	Names    func(nr uint64) string
	Trace    Tracer // nil: none
	TotalRAM uint64
	NumCPU   int
	HostCPUs []int // that the sandbox may run on; the i-th is its processor i modulo NumCPU
	Hostname string
	MaxTasks int64 // of the container; 0: Linux's default
}

// Kernel is one sandbox's kernel.
type Kernel struct {
	Config
	MM     *mm.System
	UserNS *auth.UserNS
	InitNS Namespaces
	Memfds Memfds

	// tasks guards the tree: parents, children, groups, sessions, ids, tracers.
	tasks lock.RWMutex[lock.Tasks]

	alarms  alarms
	futexes futexTable
	sysctl  Sysctl
	unknown [8]atomic.Uint64 // system calls without a function that were reported
	frozen  freezer
	start   int64 // CLOCK_MONOTONIC at start
	nsIno   atomic.Uint64
	fsTypes []FSType
	forks   atomic.Uint64
	traps   atomic.Int64 // of threads that have exited
	nrTasks atomic.Int64
	load    loadavg
	sigio   sigio
	live    sync.WaitGroup
}

// Memfds makes files without a name (memfd_create(2)).
type Memfds interface {
	New(ctx vfs.Ctx, name string, mode uint32, sealable bool) (*vfs.File, linux.Errno)
}

// Sysctl holds what /proc/sys/kernel shows and changes.
type Sysctl struct {
	PIDMax      atomic.Int32
	ThreadsMax  atomic.Int32
	CorePattern atomic.Pointer[string]
	RandomizeVA atomic.Int32
	PtraceScope atomic.Int32
	Hints       sync.Map // numbers of /proc/sys that are only kept, by name
	NGroupsMax  int
}

// New returns a kernel without tasks.
func New(c Config) *Kernel {
	k := &Kernel{Config: c, MM: mm.NewSystem(c.TotalRAM), UserNS: auth.NewRootNS()}
	k.nsIno.Store(0xf0000000)
	k.sysctl.PIDMax.Store(4194304)
	k.sysctl.ThreadsMax.Store(int32(min(c.TotalRAM/(128<<10), 1<<22)))
	k.sysctl.RandomizeVA.Store(2)
	core := "core"
	k.sysctl.CorePattern.Store(&core)
	k.start = c.Clock.Monotonic()
	k.InitNS = k.newNamespaces()
	return k
}

// Sysctl returns the kernel's tunables.
func (k *Kernel) Sysctl() *Sysctl { return &k.sysctl }

// Uptime is CLOCK_BOOTTIME in nanoseconds: what processes' starts are counted from.
func (k *Kernel) Uptime() int64 { return k.Clock.Boottime() }

// Forks is how many tasks were ever made; Tasks how many there are.
func (k *Kernel) Forks() uint64 { return k.forks.Load() }
func (k *Kernel) Tasks() int64  { return k.nrTasks.Load() }

// Running is how many tasks run or want to.
func (k *Kernel) Running() (n int64) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, p := range k.InitNS.PIDChildren.pids {
		if t := p.task; t != nil && !t.zombie && !t.waiter.Sleeping() && t.state.Load() == stateRunning && !t.ptrace.stopped.Load() {
			n++
		}
	}
	return n
}

// Traps is how many system calls there were.
func (k *Kernel) Traps() uint64 {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	n := k.traps.Load()
	for _, p := range k.InitNS.PIDChildren.pids {
		if p.task != nil {
			n += p.task.calls.Load()
		}
	}
	return uint64(n)
}

// deadline returns when ns nanoseconds from now are over, for wait.Until.
func deadlineIn(ns int64) time.Time {
	if ns < 0 {
		return wait.Forever
	}
	return time.Now().Add(time.Duration(ns))
}

// DeadlineIn returns when ns nanoseconds from now are over, for wait.Until; negative: never.
func DeadlineIn(ns int64) time.Time { return deadlineIn(ns) }

// loadavg follows how many tasks run, as /proc/loadavg shows it (kernel/sched/loadavg.c).
type loadavg struct {
	mu   lock.Mutex[lock.Load]
	last int64
	avg  [3]uint64 // fixed point, 11 bits
}

// Load returns the three averages in 11 bits fixed point. They are brought up to date when
// somebody asks, from what runs now: nothing ticks for it.
func (k *Kernel) Load() [3]uint64 {
	const tick = 5 * linux.Second
	decay := [3]uint64{1884, 2014, 2037}
	l := &k.load
	l.mu.Lock()
	defer l.mu.Unlock()
	now, active := k.Clock.Monotonic()-k.start, uint64(k.Running())<<11
	for n := 0; l.last+tick <= now && n < 1000; n++ {
		l.last += tick
		for i := range l.avg {
			l.avg[i] = (l.avg[i]*decay[i] + active*(2048-decay[i])) >> 11
		}
	}
	l.last = max(l.last, now-tick)
	return l.avg
}
