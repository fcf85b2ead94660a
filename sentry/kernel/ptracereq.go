package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// The tracer's side: what requests of ptrace(2) do. Those about a stopped tracee take a
// Stopped, which only Tracee gives out.

// Stopped is a tracee of the caller that is stopped and cannot go on before the caller says so
// (SIGKILL aside).
type Stopped struct{ t *Task }

// Traceme is PTRACE_TRACEME.
func (t *Task) Traceme() linux.Errno {
	k := t.k
	k.tasks.Lock()
	defer k.tasks.Unlock()
	if t.tracer != nil || t.group.parent == nil || t.group.forker == nil {
		return linux.EPERM
	}
	if !t.group.forker.zombie { // else the process is going to be a reaper's in a moment
		t.link(t.group.forker)
	}
	return 0
}

// Attach is PTRACE_ATTACH and, with seize, PTRACE_SEIZE.
func (t *Task) Attach(nr int32, seize bool, options uint32) linux.Errno {
	o := t.k.TaskIn(t.PIDNS(), nr)
	if o == nil {
		return linux.ESRCH
	}
	if o.group == t.group || !t.MayAccess(o, true) {
		return linux.EPERM
	}
	k := t.k
	k.tasks.Lock()
	defer k.tasks.Unlock()
	if o.tracer != nil || o.zombie {
		return linux.EPERM
	}
	o.link(t)
	g := o.group
	g.mu.Lock()
	defer g.mu.Unlock()
	o.ptrace.seized.Store(seize)
	o.ptrace.options.Store(options)
	if g.stop.active {
		// It is stopped with its group: it has to stop anew, for its tracer.
		o.run.stopSeq = 0
		o.kick()
	}
	if !seize {
		g.sendLocked(queuedSignal{info: linux.Siginfo{Signo: linux.SIGSTOP, Code: linux.SI_USER}}, o)
	}
	return 0
}

// tracee finds a tracee of the caller: ESRCH.
func (t *Task) tracee(nr int32) (*Task, linux.Errno) {
	k := t.k
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	p := t.pid.ns().pids[nr]
	if p == nil || p.task == nil || p.task.tracer != t {
		return nil, linux.ESRCH
	}
	return p.task, 0
}

// Tracee returns the caller's stopped tracee nr: ESRCH if it is none or runs.
func (t *Task) Tracee(nr int32) (Stopped, linux.Errno) {
	o, errno := t.tracee(nr)
	if errno != 0 {
		return Stopped{}, errno
	}
	if !o.ptrace.stopped.Load() || o.killed.Load() {
		return Stopped{}, linux.ESRCH
	}
	return Stopped{o}, 0
}

// Resume lets it go on with signo.
func (s Stopped) Resume(mode ptraceMode, signo int) linux.Errno {
	if signo < 0 || signo > linux.SIGRTMAX {
		return linux.EIO
	}
	t := s.t
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	p := &t.ptrace
	p.resumed.Store(uint32(mode))
	p.inject, p.listening = signo, false
	p.stopped.Store(false)
	t.waiter.Wake()
	return 0
}

// Detach is PTRACE_DETACH.
func (s Stopped) Detach(signo int) linux.Errno {
	if signo < 0 || signo > linux.SIGRTMAX {
		return linux.EIO
	}
	s.t.k.tasks.Lock()
	defer s.t.k.tasks.Unlock()
	s.t.unlink(signo)
	return 0
}

// Listen is PTRACE_LISTEN: it stays stopped with its group, and a SIGCONT is an event.
func (s Stopped) Listen() linux.Errno {
	t := s.t
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	if !t.ptrace.seized.Load() || t.ptrace.code>>8 != ptraceEventStop {
		return linux.EIO
	}
	if !t.group.stop.active { // it is over already
		t.ptrace.interrupt = true
		t.ptrace.stopped.Store(false)
		t.waiter.Wake()
		return 0
	}
	t.ptrace.listening = true
	return 0
}

// PtraceInterrupt is PTRACE_INTERRUPT.
func (t *Task) PtraceInterrupt(nr int32) linux.Errno {
	o, errno := t.tracee(nr)
	if errno != 0 {
		return errno
	}
	o.group.mu.Lock()
	defer o.group.mu.Unlock()
	if !o.ptrace.seized.Load() {
		return linux.EIO
	}
	if !o.ptrace.stopped.Load() || o.ptrace.listening {
		o.ptrace.interrupt = true
		if o.ptrace.listening {
			o.ptrace.stopped.Store(false)
		}
		o.kick()
	}
	return 0
}

// PtraceKill is PTRACE_KILL.
func (t *Task) PtraceKill(nr int32) linux.Errno {
	o, errno := t.tracee(nr)
	if errno != 0 {
		return errno
	}
	o.group.SendGroup(&linux.Siginfo{Signo: linux.SIGKILL, Code: linux.SI_KERNEL})
	return 0
}

// SetOptions is PTRACE_SETOPTIONS.
func (s Stopped) SetOptions(o uint32) linux.Errno {
	if o&^uint32(PtraceOptionMask) != 0 {
		return linux.EINVAL
	}
	s.t.ptrace.options.Store(o)
	return 0
}

// Message is PTRACE_GETEVENTMSG.
func (s Stopped) Message() uint64 { return s.t.ptrace.message }

// Siginfo is PTRACE_GETSIGINFO: EINVAL if the stop is not about a signal.
func (s Stopped) Siginfo() (linux.Siginfo, linux.Errno) {
	if i := s.t.ptrace.info; i != nil {
		return *i, 0
	}
	return linux.Siginfo{}, linux.EINVAL
}

// SetSiginfo is PTRACE_SETSIGINFO.
func (s Stopped) SetSiginfo(i linux.Siginfo) linux.Errno {
	if s.t.ptrace.info == nil {
		return linux.EINVAL
	}
	*s.t.ptrace.info = i
	return 0
}

// Regs are its registers; what the caller changes it sanitises with SetRegs.
func (s Stopped) Regs() arch.Registers { return *s.t.Regs() }

// SetRegs sets them (putreg): what user mode may not have becomes EIO.
func (s Stopped) SetRegs(r arch.Registers) linux.Errno {
	if r.FsBase >= arch.TaskSizeMax || r.GsBase >= arch.TaskSizeMax {
		return linux.EIO
	}
	for _, s := range [...]uint64{r.Cs, r.Ss, r.Ds, r.Es, r.Fs, r.Gs} {
		if s &= 0xffff; s != 0 && s&3 != 3 { // invalid_selector
			return linux.EIO
		}
	}
	if r.Cs&0xffff == 0 || r.Ss&0xffff == 0 {
		return linux.EIO
	}
	tf := s.t.ptrace.stepTF
	*s.t.Regs() = r
	s.t.Regs().Sanitize()
	s.t.ptrace.stepTF = tf && r.Eflags&arch.FlagTF != 0
	return 0
}

// FPU is its extended state, an XSAVE image; SetFPU sets one that arch.CheckFPU accepts.
func (s Stopped) FPU() []byte { return s.t.ptrace.fpu }

// SetFPU replaces the extended state.
func (s Stopped) SetFPU(b []byte) linux.Errno {
	if errno := arch.CheckFPU(b); errno != 0 {
		return errno
	}
	copy(s.t.ptrace.fpu, b)
	s.t.ptrace.fpuDirty = true
	return 0
}

// Call tells where at a system call it is stopped (PtraceCallEntry and so on), and the data of
// a filter.
func (s Stopped) Call() (where uint8, data uint64) { return s.t.ptrace.call, s.t.ptrace.secData }

// Task is the tracee, for what PTRACE_PEEKSIGINFO, PTRACE_GETSIGMASK and the like look at.
func (s Stopped) Task() *Task { return s.t }

// SetSigmask is PTRACE_SETSIGMASK.
func (s Stopped) SetSigmask(set linux.SignalSet) {
	s.t.group.mu.Lock()
	defer s.t.group.mu.Unlock()
	s.t.setBlockedLocked(set &^ linux.UnblockableSignals)
}

// Sigmask is PTRACE_GETSIGMASK.
func (s Stopped) Sigmask() linux.SignalSet {
	s.t.group.mu.Lock()
	defer s.t.group.mu.Unlock()
	if s.t.sig.restore {
		return s.t.sig.saved
	}
	return s.t.sig.blocked
}

// PeekSiginfo returns at most n queued signals from off on, of the process if shared
// (PTRACE_PEEKSIGINFO).
func (s Stopped) PeekSiginfo(off uint64, n int, shared bool) []linux.Siginfo {
	s.t.group.mu.Lock()
	defer s.t.group.mu.Unlock()
	q := s.t.sig.pending.queue
	if shared {
		q = s.t.group.pending.queue
	}
	var out []linux.Siginfo
	for i := off; i < uint64(len(q)) && len(out) < n; i++ {
		out = append(out, q[i].info)
	}
	return out
}

// Space is its memory as a debugger reaches it: protections do not count.
func (s Stopped) Space() *usermem.Space { return s.t.MM().ForceSpace() }

// Tracer is the thread that traces t, nil if none does.
func (t *Task) Tracer() *Task {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	return t.tracer
}
