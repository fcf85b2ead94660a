package kvm

import (
	"fmt"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Where the host emulates ring 0, SYSCALL jumps to its entry in ring 3. It need not fault in the guest there: the
// door is a page that ring 3 may execute, says the page table, but which the host does not have. KVM_RUN fails at the
// first instruction, with the registers as SYSCALL has left them, and neither an exception nor HLT is to be emulated.
// An application that jumps there makes a system call, as if it had executed SYSCALL; one that reads there gets a signal.

// callAt is where SYSCALL goes on vCPU number id.
func (p *Platform) callAt(id int) uint64 {
	if p.door {
		return doorAt
	}
	return entryAt(id)
}

// openDoor sees whether a door works, with the program of try, on the first vCPU. No address space but that program's
// has been made.
func (p *Platform) openDoor(c *context, as *space, r arch.Registers) error {
	gpa, errno := p.memory.nothing()
	if errno != 0 {
		return fmt.Errorf("a page without memory: %w", errno)
	}
	if err := p.system.enter(doorAt, gpa|pteUser); err != nil {
		return err
	}
	p.door = true
	v := p.pool.all[0]
	if err := v.setMSRs(msrLSTAR, doorAt, msrCSTAR, doorAt); err != nil {
		return err
	}
	if trap := c.Switch(as, &r); trap.Kind == platform.Syscall {
		return nil
	}
	p.door = false
	return v.setMSRs(msrLSTAR, entryAt(v.id), msrCSTAR, entryAt(v.id))
}
