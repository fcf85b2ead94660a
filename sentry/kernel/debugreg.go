package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// debugRegs are the debug registers that a tracer set (arch/x86/kernel/ptrace.c). The tracer writes
// them while the thread is stopped, the thread gives them to the platform when it goes on.
type debugRegs struct {
	addrs   [4]uint64
	status  uint64 // DR6 without the bits that are always set
	control uint64 // DR7
	dirty   bool
}

const (
	dr6Reserved = 0xffff0ff0         // read as ones
	dr7Reserved = 0xffffffff0000fc00 // dropped
	dr6Step     = 1 << 14
)

// DebugReg is debug register n (ptrace_get_debugreg).
func (s Stopped) DebugReg(n int) uint64 {
	d := &s.t.ptrace.debug
	switch {
	case n < 4:
		return d.addrs[n]
	case n == 6:
		return d.status ^ dr6Reserved
	case n == 7:
		return d.control
	}
	return 0
}

// SetDebugReg sets debug register n (ptrace_set_debugreg): EINVAL for an address of the kernel, for
// a break point that the processor does not have, and for all if the platform has none.
func (s Stopped) SetDebugReg(n int, v uint64) linux.Errno {
	d := &s.t.ptrace.debug
	_, able := s.t.ctx.(platform.Debugger)
	next := *d
	switch {
	case n < 4:
		next.addrs[n] = v
	case n == 6:
		d.status = v ^ dr6Reserved
		return 0
	case n == 7:
		next.control = v &^ dr7Reserved
	default:
		return linux.EIO
	}
	if next.control&0xff != 0 && !able {
		return linux.EINVAL
	}
	const lastAddr = 0x7ffffffff000 - 1
	if n < 4 && v > lastAddr || !next.valid() {
		return linux.EINVAL
	}
	*d = next
	d.dirty = true
	return 0
}

// valid tells whether the processor takes the break points that are on (hw_breakpoint_arch_parse).
func (d *debugRegs) valid() bool {
	for i, addr := range d.addrs {
		if d.control>>(2*i)&3 == 0 {
			continue
		}
		kind, size := d.control>>(16+4*i)&3, d.control>>(18+4*i)&3
		if size >= 2 { // coded as 8 and 4 bytes
			size ^= 1
		}
		bytes := uint64(1) << size
		if kind == 2 || kind == 0 && size != 0 || addr&(bytes-1) != 0 {
			return false
		}
	}
	return true
}

// loadDebug gives the platform what the tracer set. By the thread itself.
func (t *Task) loadDebug() {
	d := &t.ptrace.debug
	if c, ok := t.ctx.(platform.Debugger); ok && d.dirty {
		d.dirty = false
		c.SetDebug(d.addrs, d.control)
	}
}

// flushDebug turns all break points off, as execve(2) does.
func (t *Task) flushDebug() {
	if t.ptrace.debug.control != 0 {
		t.ptrace.debug = debugRegs{dirty: true}
		t.loadDebug()
	}
}

// noteDebug keeps why the processor trapped for PTRACE_PEEKUSER of DR6 (exc_debug).
func (t *Task) noteDebug(code int32) {
	const trapTrace, trapHwbkpt = 2, 4
	if code != trapTrace && code != trapHwbkpt {
		return
	}
	status := uint64(0)
	if c, ok := t.ctx.(platform.Debugger); ok && t.ptrace.debug.control != 0 {
		status = c.DebugHits()
	}
	if code == trapTrace {
		status |= dr6Step
	}
	t.ptrace.debug.status = status
}
