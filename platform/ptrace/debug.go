package ptrace

import "golang.org/x/sys/unix"

// debugOffset is offsetof(struct user, u_debugreg).
const debugOffset = 848

// loadDebug gives the debug registers to the thread.
func (c *context) loadDebug() {
	c.thread.debugged = c.thread.debugged || c.Control != 0
	c.Load(func(n int, v uint64) error {
		if e := c.thread.setDebugReg(n, v); e != 0 {
			return e
		}
		return nil
	})
}

// noteHits reads from the thread which of its break points it met.
func (c *context) noteHits() {
	const dr6 = 6
	if v, e := peekUser(c.thread.tid, debugOffset+8*dr6); e == 0 {
		c.Hit(v)
		c.thread.setDebugReg(dr6, 0)
	}
}

// clearDebug takes the break points away from a thread that another context will have.
func (t *thread) clearDebug() {
	if t.debugged {
		t.setDebugReg(7, 0)
		t.debugged = false
	}
}

func (t *thread) setDebugReg(n int, v uint64) unix.Errno {
	return request(unix.PTRACE_POKEUSR, t.tid, uintptr(debugOffset+8*n), uintptr(v))
}
