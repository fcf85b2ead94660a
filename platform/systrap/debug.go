package systrap

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
)

// Debug registers are the host's to set, for a tracer: ptrace(2), PTRACE_POKEUSER. So a thread is traced for that
// moment, and again for the one in which DR6 is read: what was set stays when the tracer has gone. Meanwhile
// the process is dumpable, without which its own user may not trace it.

// breakPoints is what a context wants in the debug registers of its thread.
type breakPoints struct {
	platform.BreakPoints
	loaded bool // the thread has some
}

// debuggable is a context on a host on which stub threads may be traced. It implements platform.Debugger.
type debuggable struct {
	*context
	*platform.BreakPoints
}

// SetDebug implements platform.Debugger.
func (c debuggable) SetDebug(addrs [4]uint64, control uint64) {
	for i, addr := range addrs {
		if addr < minAddr || addr >= areaAt { // the stub's own, which must not trap
			addrs[i] = 0
			control &^= 3 << (2 * i)
		}
	}
	c.BreakPoints.SetDebug(addrs, control)
}

// traceable tells whether the host lets the sentry trace its stubs: unless Yama wants CAP_SYS_PTRACE for it, or nobody may
// (Documentation/admin-guide/LSM/Yama.rst).
func traceable() bool {
	text, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	return err != nil || text[0] <= '1'
}

// debugReg is offsetof(struct user, u_debugreg[n]).
func debugReg(n int) uintptr { return 848 + 8*uintptr(n) }

// loadDebug gives the debug registers to the thread.
func (c *context) loadDebug(t *thread) {
	d := &c.debug
	if d.Dirty = false; d.Control == 0 && !d.loaded {
		return
	}
	err := t.traced(func() error { return d.Load(t.setDebugReg) })
	if d.loaded = d.Control != 0; err != nil && !t.proc.dead.Load() {
		c.p.log("systrap: the debug registers of a stub thread: %v", err)
	}
}

// noteHits reads from the thread which of its break points it met.
func (c *context) noteHits(t *thread) {
	const dr6 = 6
	t.traced(func() error {
		var v [8]byte
		if _, err := unix.PtracePeekUser(t.tid, debugReg(dr6), v[:]); err != nil {
			return err
		}
		c.debug.Hit(binary.LittleEndian.Uint64(v[:]))
		return t.setDebugReg(dr6, 0)
	})
}

// clearDebug takes the break points away from a thread that another context will have.
func (c *context) clearDebug(t *thread) {
	if c.debug.loaded && !t.proc.dead.Load() && t.traced(func() error { return t.setDebugReg(7, 0) }) != nil {
		t.proc.kill()
	}
	c.debug.loaded, c.debug.Dirty = false, c.debug.Control != 0
}

func (t *thread) setDebugReg(n int, v uint64) error {
	_, err := unix.PtracePokeUser(t.tid, debugReg(n), binary.LittleEndian.AppendUint64(nil, v))
	return err
}

// traced calls f while the calling thread traces t, which is stopped. It waits for its turn in the stub, or runs.
func (t *thread) traced(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, errno := t.proc.order(false, call{unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1}); errno != 0 {
		return errno
	}
	defer t.proc.order(false, call{unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0})
	if err := unix.PtraceSeize(t.tid); err != nil {
		return fmt.Errorf("tracing it: %w", err)
	}
	if err := t.halt(); err != nil {
		return fmt.Errorf("stopping it: %w", err)
	}
	err := f()
	if e := unix.PtraceDetach(t.tid); e != nil { // it was killed, and its end is for its tracer to see
		unix.Wait4(t.tid, nil, unix.WALL, nil)
		return e
	}
	return err
}

// halt stops a traced thread that runs.
func (t *thread) halt() error {
	if err := unix.PtraceInterrupt(t.tid); err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		switch _, err := unix.Wait4(t.tid, &status, unix.WALL, nil); {
		case err == unix.EINTR:
		case err != nil:
			return err
		case !status.Stopped():
			return unix.ESRCH
		case int(status>>16) == unix.PTRACE_EVENT_STOP:
			return nil
		default: // a signal first, which it is to have
			if err := unix.PtraceCont(t.tid, int(status.StopSignal())); err != nil {
				return err
			}
		}
	}
}

var _ platform.Debugger = debuggable{}
