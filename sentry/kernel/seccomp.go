package kernel

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// seccompState is a thread's filters (seccomp(2), kernel/seccomp.c).
type seccompState struct {
	mode   atomic.Int32
	filter atomic.Pointer[seccompFilter] // the newest
	gone   bool                          // the thread exits; guarded by Kernel.tasks
}

// seccompFilter is one program; prev was installed before it. What a call number always
// answers, whatever the arguments, is worked out once for the whole chain.
type seccompFilter struct {
	prev *seccompFilter
	prog bpf.Program
	log  bool
	// listener answers SECCOMP_RET_USER_NOTIF of this filter or one before it: a chain has at
	// most one. own says that it is this one's.
	listener *notifier
	own      bool
	depth    int
	insns    int
	allowed  [8]uint64 // calls that the whole chain always allows, a bit each
	quiet    bool      // those that a platform may answer by itself are among them
}

// answerable are the calls that a platform may answer by itself (platform.Answerer, platform.Lender).
var answerable = []uint64{
	linux.SYS_GETPID, linux.SYS_GETTID, linux.SYS_GETPPID, linux.SYS_GETUID, linux.SYS_GETEUID, linux.SYS_GETGID, linux.SYS_GETEGID, linux.SYS_SCHED_YIELD,
	linux.SYS_READ, linux.SYS_WRITE, linux.SYS_WRITEV, linux.SYS_RECVFROM, linux.SYS_SENDTO,
	linux.SYS_CLOSE, linux.SYS_FSTAT, linux.SYS_NEWFSTATAT, linux.SYS_SENDFILE,
	linux.SYS_OPENAT,
}

// Modes and operations.
const (
	SeccompDisabled = 0
	SeccompStrict   = 1
	SeccompFilter   = 2

	SeccompFlagTsync        = 1
	SeccompFlagLog          = 2
	SeccompFlagSpecAllow    = 4
	SeccompFlagNewListener  = 8
	SeccompFlagTsyncEsrch   = 16
	SeccompFlagWaitKillable = 32
	seccompMaxInsns         = 32768 // of a chain, with 4 for each program
	auditArchX8664          = 0xc000003e
)

// Actions, by falling precedence.
const (
	RetKillProcess = 0x80000000
	RetKillThread  = 0x00000000
	RetTrap        = 0x00030000
	RetErrno       = 0x00050000
	RetUserNotif   = 0x7fc00000
	RetTrace       = 0x7ff00000
	RetLog         = 0x7ffc0000
	RetAllow       = 0x7fff0000
	retAction      = 0xffff0000
	retData        = 0x0000ffff
)

// inherit gives a new thread its creator's filters. tasks is held, so that no SeccompFlagTsync
// comes between.
func (s *seccompState) inherit(t, n *Task) {
	s.mode.Store(t.seccomp.mode.Load())
	f := t.seccomp.filter.Load()
	s.filter.Store(f)
	n.run.seccomp = t.run.seccomp || f != nil
	if f != nil {
		f.listener.join()
	}
}

// exitSeccomp lets go of the filters.
func (t *Task) exitSeccomp() {
	t.k.tasks.Lock()
	defer t.k.tasks.Unlock()
	t.seccomp.gone = true
	if f := t.seccomp.filter.Swap(nil); f != nil {
		f.listener.leave()
	}
}

// replace makes f the task's newest filter.
func (s *seccompState) replace(f *seccompFilter) {
	f.listener.join()
	if old := s.filter.Swap(f); old != nil {
		old.listener.leave()
	}
	s.mode.Store(SeccompFilter)
}

// SeccompMode is PR_GET_SECCOMP's, and how many filters there are.
func (t *Task) SeccompMode() (mode int32, filters int) {
	if f := t.seccomp.filter.Load(); f != nil {
		filters = f.depth
	}
	return t.seccomp.mode.Load(), filters
}

// SetSeccompStrict is SECCOMP_SET_MODE_STRICT.
func (t *Task) SetSeccompStrict() linux.Errno {
	if t.seccomp.mode.Load() == SeccompFilter {
		return linux.EINVAL
	}
	t.seccomp.mode.Store(SeccompStrict)
	t.run.seccomp = true
	return 0
}

// AddSeccomp is SECCOMP_SET_MODE_FILTER with a checked program. With SeccompFlagTsync all threads
// get it, or the number of the one that cannot is returned; with SeccompFlagNewListener the listener's
// descriptor is.
func (t *Task) AddSeccomp(prog bpf.Program, flags uint32) (int32, linux.Errno) {
	if t.seccomp.mode.Load() == SeccompStrict {
		return 0, linux.EINVAL
	}
	c := t.Cred()
	if !c.NoNewPrivs && !c.Has(linux.CAP_SYS_ADMIN) {
		return 0, linux.EACCES
	}
	old := t.seccomp.filter.Load()
	f := &seccompFilter{prev: old, prog: prog, log: flags&SeccompFlagLog != 0, depth: 1, insns: len(prog) + 4}
	if old != nil {
		f.depth, f.insns = old.depth+1, old.insns+f.insns
	}
	if f.insns > seccompMaxInsns {
		return 0, linux.ENOMEM
	}
	if old != nil {
		f.listener = old.listener
	}
	f.precompute()
	if flags&SeccompFlagNewListener != 0 {
		return t.addListener(f, flags, c.NoNewPrivs)
	}
	if flags&SeccompFlagTsync == 0 {
		t.setFilter(f)
		return 0, 0
	}
	return t.syncFilter(f, flags, c.NoNewPrivs)
}

// addListener installs f with a listener: EBUSY if a filter before it has one.
func (t *Task) addListener(f *seccompFilter, flags uint32, noNewPrivs bool) (int32, linux.Errno) {
	if f.listener != nil {
		return 0, linux.EBUSY
	}
	f.listener, f.own = &notifier{k: t.k, killable: flags&SeccompFlagWaitKillable != 0}, true
	fd, errno := t.Install(vfs.AnonFile(t, "seccomp notify", f.listener, linux.O_RDWR), true)
	if errno != 0 {
		return 0, errno
	}
	if flags&SeccompFlagTsync == 0 {
		t.setFilter(f)
		return fd, 0
	}
	if tid, errno := t.syncFilter(f, flags, noNewPrivs); tid != 0 || errno != 0 {
		t.Files().Close(t, fd)
		return tid, errno
	}
	return fd, 0
}

// precompute finds the calls that are always allowed.
func (f *seccompFilter) precompute() {
	for nr := range uint64(len(f.allowed) * 64) {
		if f.prev != nil && !f.prev.allows(nr) {
			continue
		}
		if r, ok := f.prog.Constant(int32(nr), auditArchX8664); ok && r&retAction == RetAllow {
			f.allowed[nr/64] |= 1 << (nr % 64)
		}
	}
	f.quiet = true
	for _, nr := range answerable {
		f.quiet = f.quiet && f.allows(nr)
	}
}

func (f *seccompFilter) allows(nr uint64) bool {
	return nr < uint64(len(f.allowed)*64) && f.allowed[nr/64]&(1<<(nr%64)) != 0
}

func (t *Task) setFilter(f *seccompFilter) {
	t.seccomp.replace(f)
	t.run.seccomp = true
	t.forgetPaths()
}

// syncFilter gives f to all threads, whose filters must be ancestors of the caller's.
func (t *Task) syncFilter(f *seccompFilter, flags uint32, noNewPrivs bool) (int32, linux.Errno) {
	k := t.k
	k.tasks.Lock()
	defer k.tasks.Unlock()
	for _, o := range t.group.tasks {
		if o == t || o.seccomp.gone {
			continue
		}
		if of := o.seccomp.filter.Load(); of != nil && !f.descends(of) {
			if flags&SeccompFlagTsyncEsrch != 0 {
				return 0, linux.ESRCH
			}
			return o.pid.NrIn(t.pid.ns()), 0
		}
	}
	for _, o := range t.group.tasks {
		if o == t || o.seccomp.gone {
			continue
		}
		o.seccomp.replace(f)
		o.seccompSync.Store(true)
		o.nnpSync.Store(noNewPrivs)
		o.kick()
	}
	t.setFilter(f)
	return 0, 0
}

func (f *seccompFilter) descends(o *seccompFilter) bool {
	for ; f != nil; f = f.prev {
		if f == o {
			return true
		}
	}
	return false
}

// takeSync follows what another thread's SeccompFlagTsync set. Run loop only.
func (t *Task) takeSync() {
	if !t.seccompSync.Swap(false) {
		return
	}
	t.run.seccomp = true
	t.forgetPaths()
	if c := t.Cred(); t.nnpSync.Load() && !c.NoNewPrivs {
		n := c.Clone()
		n.NoNewPrivs = true
		t.SetCred(n)
	}
}

// run evaluates the chain: the answer of highest precedence, the newest filter's among equals.
func (f *seccompFilter) run(d *bpf.Data) (ret uint32, from *seccompFilter) {
	ret = RetAllow
	for ; f != nil; f = f.prev {
		r := f.prog.Run(d)
		if from == nil || int32(r&retAction) < int32(ret&retAction) {
			ret, from = r, f
		}
	}
	return ret, from
}

// checkSeccomp applies the filters to a call: true if it is to be made. nr may be changed by a
// tracer, in which case the filters look again.
func (t *Task) checkSeccomp(nr *uint64, args *Args) bool {
	if t.seccomp.mode.Load() == SeccompStrict {
		switch *nr {
		case linux.SYS_READ, linux.SYS_WRITE, linux.SYS_EXIT, linux.SYS_RT_SIGRETURN:
			return true
		}
		t.die(linux.SIGKILL)
		t.killedThread()
		return false
	}
	return t.filter(nr, args, true)
}

// recheckSeccomp is checkSeccomp for a call that a tracer has seen: it is not asked again.
func (t *Task) recheckSeccomp(nr *uint64, args *Args) bool { return t.filter(nr, args, false) }

// filter runs the filters and does what they say.
func (t *Task) filter(nr *uint64, args *Args, trace bool) bool {
	f := t.seccomp.filter.Load()
	if f == nil || f.allows(*nr) {
		return true
	}
	r := &t.run.regs
	d := bpf.Data{Nr: int32(*nr), Arch: auditArchX8664, IP: r.Rip, Args: *args}
	ret, from := f.run(&d)
	switch ret & retAction {
	case RetAllow, RetLog:
		return true
	case RetErrno:
		r.Rax = errnoWord(linux.Errno(min(ret&retData, 4095)))
	case RetTrap:
		info := linux.Siginfo{Signo: linux.SIGSYS, Errno: int32(ret & retData), Code: linux.SI_SECCOMP}
		info.SetSyscall(r.Rip, int32(*nr), auditArchX8664)
		r.Rax = *nr
		r.OrigRax = ^uint64(0)
		t.forceSignal(&info)
	case RetTrace:
		if !trace {
			return true
		}
		if t.ptrace.wants(ptraceOptionSeccomp) {
			return t.ptraceSeccomp(nr, args, uint64(ret&retData))
		}
		r.Rax = errnoWord(linux.ENOSYS)
	case RetUserNotif:
		if from.own {
			return from.listener.ask(t, &d)
		}
		r.Rax = errnoWord(linux.ENOSYS)
	case RetKillThread:
		t.die(linux.SIGSYS)
		t.killedThread()
	default:
		t.killGroup(linux.SIGSYS)
		t.die(linux.SIGSYS)
	}
	return false
}

// killedThread: the last thread's death by a filter is the process's.
func (t *Task) killedThread() {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live == 1 && !g.exiting {
		g.exitGroupLocked(t.run.status, t)
	}
}

// syscallEnter is what comes before a call for tracers and filters: false if it is not made.
func (t *Task) syscallEnter(nr *uint64, args *Args) bool {
	t.run.regs.Rax = errnoWord(linux.ENOSYS) // what a tracer sees, and leaves if it cancels the call
	if t.ptrace.enabled.Load() && !t.ptraceSyscallEnter(nr, args) {
		return false
	}
	if t.run.dying.Load() {
		return false
	}
	return !t.run.seccomp || t.checkSeccomp(nr, args)
}

// syscallExit is what comes after it.
func (t *Task) syscallExit() {
	if t.ptrace.enabled.Load() {
		t.ptraceSyscallExit()
	}
}
