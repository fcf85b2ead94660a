package kvm

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
)

// device is what the host offers.
const device = "/dev/kvm"

// Platform is a virtual machine. It implements platform.Platform.
type Platform struct {
	log    func(format string, args ...any)
	vm     int
	memory *memory
	system system
	pool   pool
	cpus   []int // the sentry may run on
	// outside tells that SYSCALL does not get to ring 0: the host emulates that, and the instruction
	// ends in a page fault at the entry.
	outside     bool
	door        bool // it ends KVM_RUN instead (door.go)
	breakPoints bool // the host has them for its guests

	slots   []*slot       // far.go
	running atomic.Int32  // contexts whose application code runs
	least   atomic.Uint64 // what a call costs, in ticks
	ticks   struct{ spin, first, gap, stolen uint64 }
}

// Open opens the device. It is called while the process may: New does not need to.
func Open() (*os.File, error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("the host offers no virtual machines: %w", err)
	}
	return f, nil
}

// New makes the virtual machine and sees whether it works. It is called once, before the sentry is
// sealed; log is told of what should not happen. The device is not needed afterwards.
func New(dev *os.File, log func(format string, args ...any)) (*Platform, error) {
	kvm := int(dev.Fd())
	p := &Platform{log: log}
	if err := suitable(kvm); err != nil {
		return nil, err
	}
	var e unix.Errno
	if p.vm, e = ioctl(kvm, createVM, 0); e != 0 {
		return nil, fmt.Errorf("making a virtual machine: %w", e)
	}
	const tss = 0xfffbd000 // where no slot is
	ioctl(p.vm, setTSSAddr, tss)
	if err := p.init(kvm); err != nil {
		unix.Close(p.vm)
		return nil, err
	}
	if err := p.try(); err != nil {
		p.close()
		return nil, err
	}
	p.ticks.spin, p.ticks.first = handoff.Ticks(spinTime), handoff.Ticks(firstTime)
	p.ticks.gap, p.ticks.stolen = handoff.Ticks(gapTime), handoff.Ticks(stolenTime)
	// A thread in the guest keeps its processor of the Go runtime for a while.
	runtime.GOMAXPROCS(max(8, 2*runtime.NumCPU()))
	return p, nil
}

// init makes what the first vCPU needs.
func (p *Platform) init(kvm int) (err error) {
	p.cpus = host.Affinity()
	slots, _ := ioctl(kvm, checkExtension, capNrMemslots)
	if p.memory, err = newMemory(p.vm, slots); err != nil {
		return err
	}
	if p.system, err = newSystem(p.memory); err != nil {
		return err
	}
	return p.pool.init(p, kvm)
}

// close gives the virtual machine back that nobody uses.
func (p *Platform) close() {
	for _, v := range p.pool.all {
		unix.Close(v.fd)
	}
	unix.Close(p.vm)
}

// suitable tells what the host's KVM lacks.
func suitable(kvm int) error {
	if v, e := ioctl(kvm, getAPIVersion, 0); e != 0 || v != 12 {
		return fmt.Errorf("%s is not KVM: %w", device, errors.Join(e, fmt.Errorf("version %d", v)))
	}
	for _, c := range []struct {
		number uintptr
		least  int
		name   string
	}{
		{capUserMemory, 1, "user memory"},
		{capSyncMMU, 1, "a memory that follows the process"},
		{capSyncRegs, syncRegs | syncSregs | syncEvents, "shared registers"},
		{capImmediateExit, 1, "an immediate exit"},
		{capDebugRegs, 1, "debug registers"},
		{capXsave, 1, "XSAVE"},
		{capXCRs, 1, "XCR0"},
	} {
		if v, e := ioctl(kvm, checkExtension, c.number); e != 0 || v&c.least != c.least {
			return fmt.Errorf("the host's KVM lacks %s", c.name)
		}
	}
	return nil
}

// NewAddressSpace implements platform.Platform.
func (p *Platform) NewAddressSpace() (platform.AddressSpace, linux.Errno) {
	s, errno := newSpace(p)
	if errno != 0 {
		return nil, errno
	}
	return s, 0
}

// NewContext implements platform.Platform.
func (p *Platform) NewContext() platform.Context {
	c := newContext(p)
	if p.breakPoints {
		return debuggable{c, &c.debug}
	}
	return c
}

// Limits implements platform.Platform.
func (p *Platform) Limits() (min, max uint64) { return minAddr, maxAddr }

// LimitVCPUs has threads share n vCPUs, if there are more. It is called before NewContext.
func (p *Platform) LimitVCPUs(n int) { p.pool.most = min(p.pool.most, n) }

// ThreadBound implements platform.ThreadBound.
func (p *Platform) ThreadBound() {}

// Policy is what the platform asks of the host beyond host.Policy, all on descriptors it has.
func (p *Platform) Policy() []host.Call {
	vm := func(request uint32) host.Checks { return host.Checks{host.Int(0, uint32(p.vm)), host.Int(1, request)} }
	vcpu := host.OneOf(1, runVCPU, getSregs, setMSRs, setCPUID2, getDebugRegs, setDebugRegs, getXsave, setXsave, setXCRs, setDeviceAttr)
	return []host.Call{
		{Name: "ioctl", No: linux.SYS_IOCTL, Any: append(vcpu, vm(createVCPU), vm(setUserMemoryRegion))},
		{Name: "sched_setaffinity", No: linux.SYS_SCHED_SETAFFINITY, Any: []host.Checks{{host.Long(0, 0)}}},
	}
}
