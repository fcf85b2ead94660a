package ptrace

import "golang.org/x/sys/unix"

// debug is what a context wants in the debug registers of its thread.
type debug struct {
	addrs   [4]uint64
	control uint64 // DR7
	dirty   bool   // the thread has something else
	hits    uint64
}

// debugOffset is offsetof(struct user, u_debugreg).
const debugOffset = 848

// SetDebug implements platform.Debugger.
func (c *context) SetDebug(addrs [4]uint64, control uint64) {
	c.debug.addrs, c.debug.control, c.debug.dirty = addrs, control, true
}

// DebugHits implements platform.Debugger.
func (c *context) DebugHits() uint64 {
	hits := c.debug.hits
	c.debug.hits = 0
	return hits
}

// loadDebug gives the debug registers to the thread. Control is off while the addresses change, as
// the host checks them together.
func (c *context) loadDebug() {
	c.debug.dirty = false
	poke := func(i int, v uint64) unix.Errno {
		return request(unix.PTRACE_POKEUSR, c.thread.tid, uintptr(debugOffset+8*i), uintptr(v))
	}
	if poke(7, 0) != 0 || c.debug.control == 0 {
		return
	}
	for i, addr := range c.debug.addrs {
		if addr != 0 {
			poke(i, addr)
		}
	}
	poke(7, c.debug.control)
	c.thread.debugged = true
}

// noteHits reads from the thread which of its break points it met.
func (c *context) noteHits() {
	const dr6 = 6
	if v, e := peekUser(c.thread.tid, debugOffset+8*dr6); e == 0 {
		c.debug.hits |= v & 0xf
		request(unix.PTRACE_POKEUSR, c.thread.tid, debugOffset+8*dr6, 0)
	}
}

// clearDebug takes the break points away from a thread that another context will have.
func (t *thread) clearDebug() {
	if t.debugged {
		request(unix.PTRACE_POKEUSR, t.tid, debugOffset+8*7, 0)
		t.debugged = false
	}
}
