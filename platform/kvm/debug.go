package kvm

import "github.com/seed-7423c386/runsc/platform"

// Bits of DR6 and DR7.
const (
	dr6Clear = 0xffff0ff0
	dr6Hits  = 0xf
	dr6Step  = 1 << 14
	dr7Fixed = 1 << 10
)

// debuggable is a context on a host that has break points for its guests. It implements
// platform.Debugger.
type debuggable struct {
	*context
	*platform.BreakPoints
}

// loadDebug gives the debug registers to the vCPU.
func (c *context) loadDebug(v *vcpu) {
	if _, e := ioctlOn(v.fd, setDebugRegs, &debugRegs{db: c.debug.Addrs, dr6: dr6Clear, dr7: c.debug.Control | dr7Fixed}); e != 0 {
		c.p.log("kvm: the debug registers: errno %d", e)
	}
	v.debugged, c.debug.Dirty = c.debug.Control != 0, false
}

// debugCode reads why there was a debug exception, and returns the siginfo code.
func (c *context) debugCode(v *vcpu) int32 {
	var d debugRegs
	if _, e := ioctlOn(v.fd, getDebugRegs, &d); e != 0 {
		c.p.log("kvm: reading the debug registers: errno %d", e)
	}
	c.debug.Hit(d.dr6)
	c.debug.Dirty = true // DR6 is to be cleared
	switch {
	case d.dr6&dr6Step != 0:
		return trapTrace
	case d.dr6&dr6Hits != 0:
		return trapHwbkpt
	}
	return trapBrkpt
}
