package ptrace

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/host"
)

// Platform makes stub processes. It implements platform.Platform.
type Platform struct {
	work  chan func() // for the service thread, which traces the master
	cpus  cpus
	stock stock
	dead  graves

	master *thread // of the service thread
}

// New makes the master stub. It is called once, before the sentry is sealed, and needs a process
// that may be traced by its own user.
func New() (*Platform, error) {
	p := &Platform{work: make(chan func(), 64)}
	p.cpus.init()
	if err := p.stock.init(); err != nil {
		return nil, fmt.Errorf("memory for stub pages: %w", err)
	}
	// A thread that waits for its stub, or sleeps, keeps its processor of the Go runtime for up to
	// 10 ms. Who becomes ready meanwhile shall find another.
	runtime.GOMAXPROCS(max(8, 2*runtime.NumCPU()))
	if e := ignoreChildren(); e != 0 {
		return nil, fmt.Errorf("the action of SIGCHLD: %w", e)
	}
	failed := make(chan error)
	go p.serve(failed)
	if err := <-failed; err != nil {
		return nil, err
	}
	return p, nil
}

// serve is the service thread.
func (p *Platform) serve(failed chan<- error) {
	runtime.LockOSThread()
	err := p.makeMaster()
	failed <- err
	if err != nil {
		return
	}
	for f := range p.work {
		f()
	}
}

// do runs f on the service thread.
func (p *Platform) do(f func()) {
	done := make(chan struct{})
	p.work <- func() {
		f()
		close(done)
	}
	<-done
}

// makeMaster forks the master and empties its memory.
func (p *Platform) makeMaster() error {
	pid := int(int64(forkMaster(unix.CLONE_FILES | uintptr(unix.SIGCHLD))))
	if pid < 0 {
		return fmt.Errorf("forking the master stub: %w", unix.Errno(-pid))
	}
	t, errno := seize(pid, pid)
	if errno != 0 {
		unix.Kill(pid, unix.SIGKILL)
		return fmt.Errorf("tracing the master stub: %w", errno)
	}
	p.master = t
	if errno := p.empty(t); errno != 0 {
		unix.Kill(pid, unix.SIGKILL)
		return fmt.Errorf("preparing the master stub: %w", errno)
	}
	return nil
}

// empty maps the stub page and takes everything else away, which is a copy of the sentry.
func (p *Platform) empty(t *thread) linux.Errno {
	text := codeAddr()
	old := func(nr uintptr, args ...uintptr) linux.Errno {
		_, errno := t.callAt(text, nr, args...)
		return errno
	}
	n, _, errno := p.stock.slot()
	if errno != 0 {
		return errno
	}
	if errno := old(unix.SYS_MMAP, stubPage, pageSize, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED|unix.MAP_FIXED, uintptr(p.stock.fd), uintptr(n*pageSize)); errno != 0 {
		return errno
	}
	// The host writes there; it is set in a sentry that links C only (with the race detector).
	if r := (rseq{}); getRseq(t.tid, &r) == 0 && r.addr != 0 {
		const unregister = 1
		old(unix.SYS_RSEQ, uintptr(r.addr), uintptr(r.size), unregister, uintptr(r.signature))
	}
	calls := []struct {
		nr   uintptr
		args []uintptr
	}{
		{unix.SYS_MUNMAP, []uintptr{framesAt, maxAddr - framesAt}},
		{unix.SYS_PRCTL, []uintptr{unix.PR_SET_DUMPABLE, 1, 0, 0, 0}},
		{unix.SYS_PRCTL, []uintptr{unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0}},
	}
	for _, c := range calls {
		if _, errno := t.call(c.nr, c.args...); errno != 0 {
			return errno
		}
	}
	return t.ignoreSignals()
}

// ignoreSignals lets a stub thread that nobody traces yet survive a late interrupt: the
// dispositions of the sentry's Go runtime name handlers that are no longer there. Faults have the
// handler of FaultCode.
func (t *thread) ignoreSignals() linux.Errno {
	for signo := uintptr(1); signo <= 64; signo++ {
		if signo == uintptr(unix.SIGKILL) || signo == uintptr(unix.SIGSTOP) {
			continue
		}
		action := uintptr(stubPage + ignoreOff)
		if signo == uintptr(unix.SIGSEGV) || signo == uintptr(unix.SIGBUS) {
			action = stubPage + handleOff
		}
		if _, errno := t.call(unix.SYS_RT_SIGACTION, signo, action, 0, 8); errno != 0 {
			return errno
		}
	}
	const setMask = 2
	_, errno := t.call(unix.SYS_RT_SIGPROCMASK, setMask, stubPage+emptyOff, 0, 8)
	return errno
}

// NewAddressSpace implements platform.Platform.
func (p *Platform) NewAddressSpace() (platform.AddressSpace, linux.Errno) {
	return newSpace(p), 0
}

// ThreadBound implements platform.ThreadBound: only the thread that traces a stub may deal with it.
func (p *Platform) ThreadBound() {}

// NewContext implements platform.Platform.
func (p *Platform) NewContext() platform.Context { return newContext(p) }

// Limits implements platform.Platform.
func (p *Platform) Limits() (min, max uint64) { return minAddr, maxAddr }

// Policy is what the platform asks of the host beyond host.Policy.
func Policy() []host.Call {
	return []host.Call{
		{Name: "ptrace", No: linux.SYS_PTRACE, Any: host.OneOf(0, unix.PTRACE_CONT, unix.PTRACE_SYSEMU, unix.PTRACE_GETREGS, unix.PTRACE_SETREGS,
			unix.PTRACE_GETSIGINFO, unix.PTRACE_GETREGSET, unix.PTRACE_SETREGSET, unix.PTRACE_SEIZE, unix.PTRACE_INTERRUPT, unix.PTRACE_DETACH,
			unix.PTRACE_PEEKUSR, unix.PTRACE_POKEUSR, unix.PTRACE_PEEKDATA, singleStep)},
		{Name: "wait4", No: linux.SYS_WAIT4},
		// Stubs come and go, so their numbers are not known here.
		{Name: "tgkill", No: linux.SYS_TGKILL, Any: host.OneOf(2, uint32(interruptSignal))},
		{Name: "kill", No: linux.SYS_KILL, Any: host.OneOf(1, uint32(unix.SIGKILL))},
		{Name: "sched_setaffinity", No: linux.SYS_SCHED_SETAFFINITY},
		{Name: "getcpu", No: linux.SYS_GETCPU},
	}
}
