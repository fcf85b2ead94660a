package kvm

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// tryCode is a program that shows whether the host's KVM does what it should: mov $39,%eax; syscall;
// mov 0x11000,%ebx; syscall; mov 0x11000,%ebx; syscall; ud2.
var tryCode = []byte{0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x8b, 0x1c, 0x25, 0, 0x10, 0x01, 0, 0x0f, 0x05, 0x8b, 0x1c, 0x25, 0, 0x10, 0x01, 0, 0x0f, 0x05, 0x0f, 0x0b}

// tryPages are what it needs of memory.
const tryPages = 3

// try runs it, and finds out whether SYSCALL gets to ring 0.
func (p *Platform) try() error {
	const text, data = 0x10000, 0x11000
	fd := p.asks.fd
	for page, b := range [tryPages][]byte{tryCode, {1}, {2}} {
		if _, err := unix.Pwrite(fd, b, int64(page)*pageSize); err != nil {
			return fmt.Errorf("writing a memfd: %w", err)
		}
	}
	as, errno := p.NewAddressSpace()
	if errno != 0 {
		return fmt.Errorf("an address space: %w", errno)
	}
	defer as.Release()
	c := newContext(p)
	defer c.Release()
	r := &arch.Registers{Rip: text, Rsp: data}
	if errno := as.Map(text, pageSize, fd, 0, platform.Read|platform.Exec, false); errno != 0 {
		return fmt.Errorf("mapping memory: %w", errno)
	}
	first := *r
	trap := c.Switch(as, r)
	if trap.Kind == platform.Fault && trap.Addr == entryAt(0) {
		p.outside = true
		r.Rip, r.Rax = r.Rcx, 0
		if err := p.openDoor(c, as.(*space), first); err != nil {
			return err
		}
	} else if trap.Kind != platform.Syscall || r.OrigRax != 39 || r.Rip != text+7 {
		return fmt.Errorf("the host's KVM does not run a program: %+v at %#x", trap, r.Rip)
	}
	if p.door == p.outside {
		if err := p.newSlots(); err != nil {
			return err
		}
	}
	for page := uint64(1); page <= 2; page++ {
		if errno := as.Map(data, pageSize, fd, page*pageSize, platform.Read, false); errno != 0 {
			return fmt.Errorf("mapping memory: %w", errno)
		}
		if trap := c.Switch(as, r); trap.Kind != platform.Syscall || r.Rbx != page {
			return fmt.Errorf("the host's KVM does not see a change of the page tables: %+v, %d", trap, r.Rbx)
		}
	}
	const global, once = 1 << 1, 1
	c.debug.SetDebug([4]uint64{r.Rip}, global|once)
	trap = c.Switch(as, r)
	if trap.Kind == platform.Exception && trap.Signo == uint8(unix.SIGTRAP) {
		p.breakPoints = true
		c.debug.SetDebug([4]uint64{}, 0)
		trap = c.Switch(as, r)
	}
	if trap.Kind != platform.Exception || trap.Signo != uint8(unix.SIGILL) {
		return errors.New("the host's KVM does not deliver exceptions")
	}
	return nil
}
