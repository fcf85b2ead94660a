package kvm

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
)

// Platform is a virtual machine. It implements platform.Platform.
type Platform struct {
	log    func(format string, args ...any)
	ready  chan struct{} // closed when all is made, but for failed
	failed error
	vm     int
	memory *memory
	system system
	pool   pool
	asks   asks
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

// Start begins to make of the device's virtual machine a platform, and to see whether it works. It is called once. Wait
// is called before any other method but Unpatched, and before the sentry is sealed; log is told of what should not happen. The device is
// not needed afterwards.
func Start(dev *Device, log func(format string, args ...any)) *Platform {
	p := &Platform{log: log, ready: make(chan struct{})}
	p.asks.memory.Store(-1)
	go func() {
		defer close(p.ready)
		defer dev.Close()
		p.failed = p.make(dev)
	}()
	return p
}

// Wait waits until the platform is made.
func (p *Platform) Wait() error {
	<-p.ready
	return p.failed
}

// make does what Start began.
func (p *Platform) make(dev *Device) error {
	if dev.wait(); dev.err != nil {
		return dev.err
	}
	p.vm, dev.taken = dev.vm, true
	err := p.init(dev)
	if err == nil {
		err = p.try()
	}
	if err == nil {
		err = p.asks.learn()
	}
	if err != nil {
		p.close()
		return err
	}
	p.ticks.spin, p.ticks.first = handoff.Ticks(spinTime), handoff.Ticks(firstTime)
	p.ticks.gap, p.ticks.stolen = handoff.Ticks(gapTime), handoff.Ticks(stolenTime)
	// A thread in the guest keeps its processor of the Go runtime for a while.
	runtime.GOMAXPROCS(max(8, 2*runtime.NumCPU()))
	return nil
}

// init makes what the first vCPU needs.
func (p *Platform) init(dev *Device) (err error) {
	p.cpus = host.Affinity()
	p.pool.init(p, dev)
	if p.memory, err = newMemory(p.vm, dev.slots); err != nil {
		return err
	}
	if p.system, err = newSystem(p.memory); err != nil {
		return err
	}
	return p.asks.init(p)
}

// close gives the virtual machine back that nobody uses.
func (p *Platform) close() {
	for _, v := range p.pool.all {
		unix.Close(v.fd)
	}
	if p.asks.fd > 0 {
		unix.Close(p.asks.fd)
	}
	unix.Close(p.vm)
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
func (p *Platform) LimitVCPUs(n int) {
	if p.Wait() == nil {
		p.pool.most = min(p.pool.most, n)
	}
}

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
