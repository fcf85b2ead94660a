package kvm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// device is what the host offers.
const device = "/dev/kvm"

// Device is a virtual machine with nothing in it, and what the host says of it. To make and to ask takes some
// milliseconds, mostly for CPUID if the host is a virtual machine itself, so that it is done while the process does other things.
type Device struct {
	file  *os.File
	ready chan struct{}

	// Of these nothing is looked at before ready is closed.
	err     error
	vm      int
	taken   bool // the virtual machine is a platform's
	cpuid   *cpuidTable
	runSize int // of the shared registers
	most    int // vCPUs
	slots   int // of memory
}

// Open opens the device. It is called while the process may: Start does not need to.
func Open() (*Device, error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("the host offers no virtual machines: %w", err)
	}
	d := &Device{file: f, ready: make(chan struct{}), vm: -1}
	go func() {
		d.err = d.ask()
		close(d.ready)
	}()
	return d, nil
}

func (d *Device) wait() { <-d.ready }

// Close ends what only Start needs.
func (d *Device) Close() {
	d.wait()
	d.file.Close()
	if d.vm >= 0 && !d.taken {
		unix.Close(d.vm)
	}
}

// ask makes the virtual machine.
func (d *Device) ask() error {
	kvm := int(d.file.Fd())
	if err := suitable(kvm); err != nil {
		return err
	}
	vm, e := ioctl(kvm, createVM, 0)
	if e != 0 {
		return fmt.Errorf("making a virtual machine: %w", e)
	}
	d.vm = vm
	const tss = 0xfffbd000 // where no slot is
	ioctl(vm, setTSSAddr, tss)
	if d.runSize, e = ioctl(kvm, getVCPUMmapSize, 0); e != 0 {
		return fmt.Errorf("the size of the shared registers: %w", e)
	}
	d.most, _ = ioctl(kvm, checkExtension, capMaxVCPUs)
	d.slots, _ = ioctl(kvm, checkExtension, capNrMemslots)
	var err error
	d.cpuid, err = features(kvm)
	return err
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

// kernelAtLeast tells whether the host's kernel is of that version or newer.
func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	var a, b int
	if unix.Uname(&u) != nil {
		return false
	}
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b)
	return a > major || a == major && b >= minor
}
