// Package measure finds out what a platform costs on this host.
package measure

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// The loop that is measured: mov $SYS_getpgid,%eax; syscall; jmp back.
var loop = []byte{0xb8, unix.SYS_GETPGID, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7}

const (
	pageSize   = 4096
	textAt     = 0x10000000
	stackAt    = 0x20000000
	warmUp     = 400 // calls, in which a platform patches the site and finds the way to wait
	rounds     = 120 // the best of which counts: on a busy machine most are disturbed
	roundCalls = 20
)

// TrapCost is the time from one system call of an application to the next, if each is answered at once.
func TrapCost(p platform.Platform) (time.Duration, error) {
	as, errno := p.NewAddressSpace()
	if errno != 0 {
		return 0, fmt.Errorf("making an address space: %w", errno)
	}
	if _, err := mapPage(as, textAt, platform.Read|platform.Exec, loop); err != nil {
		return 0, err
	}
	stack, err := mapPage(as, stackAt, platform.Read|platform.Write, nil)
	if err != nil {
		return 0, err
	}
	if p, ok := p.(interface{ Unpatched(fd int) }); ok {
		p.Unpatched(stack)
	}
	return timeCalls(p, as)
}

// mapPage maps a page of a new file, which begins with these bytes.
func mapPage(as platform.AddressSpace, at uint64, prot platform.Prot, begin []byte) (fd int, err error) {
	if fd, err = unix.MemfdCreate("measured", unix.MFD_CLOEXEC); err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if err := unix.Ftruncate(fd, pageSize); err != nil {
		return -1, fmt.Errorf("ftruncate: %w", err)
	}
	if _, err := unix.Pwrite(fd, begin, 0); err != nil {
		return -1, fmt.Errorf("pwrite: %w", err)
	}
	if errno := as.Map(at, pageSize, fd, 0, prot, true); errno != 0 {
		return -1, fmt.Errorf("mapping a page: %w", errno)
	}
	return fd, nil
}

func timeCalls(p platform.Platform, as platform.AddressSpace) (time.Duration, error) {
	runtime.LockOSThread()
	c := p.NewContext()
	regs := arch.Registers{Rip: textAt, Rsp: stackAt + pageSize/2}
	best := time.Hour
	for round := range 1 + rounds {
		calls := roundCalls
		if round == 0 {
			calls = warmUp
		}
		began := time.Now()
		for range calls {
			trap := c.Switch(as, &regs)
			if trap.Kind == platform.Gone {
				return 0, errors.New("the stub process has died")
			}
			if trap.Kind != platform.Syscall || regs.OrigRax != unix.SYS_GETPGID {
				return 0, fmt.Errorf("a system call gave trap %+v", trap)
			}
			regs.Rax = 1
		}
		if took := time.Since(began) / time.Duration(calls); round > 0 {
			best = min(best, took)
		}
	}
	return best, nil
}
