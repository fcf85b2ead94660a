package kvm

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of ioctl(2) (include/uapi/linux/kvm.h).
const (
	getAPIVersion       = 0xae00
	createVM            = 0xae01
	checkExtension      = 0xae03
	getVCPUMmapSize     = 0xae04
	getSupportedCPUID   = 0xc008ae05
	createVCPU          = 0xae41
	setUserMemoryRegion = 0x4020ae46
	setTSSAddr          = 0xae47
	runVCPU             = 0xae80
	getSregs            = 0x8138ae83
	setMSRs             = 0x4008ae89
	setCPUID2           = 0x4008ae90
	getCPUID2           = 0xc008ae91
	getDebugRegs        = 0x8080aea1
	setDebugRegs        = 0x4080aea2
	getXsave            = 0x9000aea4
	setXsave            = 0x5000aea5
	setXCRs             = 0x4188aea7
	setDeviceAttr       = 0x4018aee1
)

// Capabilities.
const (
	capUserMemory    = 3
	capNrMemslots    = 10
	capSyncMMU       = 16
	capDebugRegs     = 50
	capXsave         = 55
	capXCRs          = 56
	capMaxVCPUs      = 66
	capSyncRegs      = 74
	capImmediateExit = 136
)

// Reasons for which KVM_RUN returns 0.
const (
	exitHLT      = 5
	exitShutdown = 8
)

// Bits of kvm_valid_regs and kvm_dirty_regs.
const (
	syncRegs   = 1
	syncSregs  = 2
	syncEvents = 4
)

// regs is struct kvm_regs.
type regs struct {
	rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp uint64
	r8, r9, r10, r11, r12, r13, r14, r15   uint64
	rip, rflags                            uint64
}

// segment is struct kvm_segment.
type segment struct {
	base                                             uint64
	limit                                            uint32
	selector                                         uint16
	typ, present, dpl, db, s, l, g, avl, unusable, _ uint8
}

// dtable is struct kvm_dtable.
type dtable struct {
	base  uint64
	limit uint16
	_     [3]uint16
}

// sregs is struct kvm_sregs.
type sregs struct {
	cs, ds, es, fs, gs, ss, tr, ldt segment
	gdt, idt                        dtable
	cr0, cr2, cr3, cr4, cr8         uint64
	efer, apicBase                  uint64
	interrupts                      [4]uint64
}

// events is the beginning of struct kvm_vcpu_events: what is about to be delivered.
type events struct {
	exceptionInjected, exceptionNr, hasErrorCode, exceptionPending uint8
	errorCode                                                      uint32
	interruptInjected, interruptNr, soft, shadow                   uint8
	nmiInjected, nmiPending, nmiMasked, _                          uint8
	_                                                              [48]byte
}

// runArea is struct kvm_run, which KVM shares with the thread that runs the vCPU.
type runArea struct {
	kick      atomic.Uint32 // kickNow: the second byte is immediate_exit
	_         uint32
	reason    uint32
	_, _      uint8
	_         uint16
	_, _      uint64
	_         [256]byte // of the reasons
	validRegs uint64
	dirtyRegs uint64
	regs      regs
	sregs     sregs
	events    events
}

const kickNow = 1 << 8

// debugRegs is struct kvm_debugregs.
type debugRegs struct {
	db       [4]uint64
	dr6, dr7 uint64
	_        [10]uint64
}

// xcrs is struct kvm_xcrs with one register.
type xcrs struct {
	count, _ uint32
	xcr, _   uint32
	value    uint64
	_        [15 + 16]([2]uint64)
}

// msrs is struct kvm_msrs with room for a few.
type msrs struct {
	count, _ uint32
	entries  [4]struct {
		index, _ uint32
		data     uint64
	}
}

// cpuidTable is struct kvm_cpuid2.
type cpuidTable struct {
	count, _ uint32
	entries  [256]cpuidEntry
}

// cpuidEntry is struct kvm_cpuid_entry2.
type cpuidEntry struct {
	function, index, flags uint32
	eax, ebx, ecx, edx     uint32
	_                      [3]uint32
}

// region is struct kvm_userspace_memory_region.
type region struct {
	slot, flags     uint32
	guest, size, at uint64
}

// deviceAttr is struct kvm_device_attr.
type deviceAttr struct {
	flags, group uint32
	attr, addr   uint64
}

// ioctl is ioctl(2) with a number, repeated when a signal of the runtime's interrupts it.
func ioctl(fd int, request, arg uintptr) (int, unix.Errno) {
	for {
		v, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, arg)
		if e != unix.EINTR {
			return int(v), e
		}
	}
}

// ioctlOn is ioctl with the address of arg. Safe: each request above is used with the type of its
// argument, of which the host reads or writes no more than that; arg is alive for the call.
func ioctlOn[T any](fd int, request uintptr, arg *T) (int, unix.Errno) {
	for {
		v, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg)))
		if e != unix.EINTR {
			return int(v), e
		}
	}
}

// enter is KVM_RUN. It blocks, and tells the Go scheduler.
func (v *vcpu) enter() unix.Errno {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(v.fd), runVCPU, 0)
	return e
}

// mapRun maps the run area of a vCPU. Safe: the host gives size bytes, which are more than the
// struct, and they stay until the process ends.
func mapRun(fd, size int) (*runArea, unix.Errno) {
	if size < int(unsafe.Sizeof(runArea{})) {
		return nil, unix.ENOTSUP
	}
	p, _, e := unix.Syscall6(unix.SYS_MMAP, 0, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED, uintptr(fd), 0)
	if e != 0 {
		return nil, e
	}
	return *(**runArea)(unsafe.Pointer(&p)), 0
}

// setTSCOffset has the guest read the host's time-stamp counter, plus offset. Safe: the host
// reads offset.
func setTSCOffset(fd int, offset uint64) unix.Errno {
	const tscCtrl, tscOffset = 0, 0
	attr := deviceAttr{group: tscCtrl, attr: tscOffset, addr: uint64(uintptr(unsafe.Pointer(&offset)))}
	_, e := ioctlOn(fd, setDeviceAttr, &attr)
	return e
}

// setAffinity binds the calling thread to processors. Safe: the host reads the set.
func setAffinity(cpus []int) {
	var set [64]uint64
	for _, cpu := range cpus {
		set[cpu/64%len(set)] |= 1 << (cpu % 64)
	}
	unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
}

// reserve takes size bytes of the sentry's address space, aligned to align, with nothing in them.
func reserve(size, align uint64) (uintptr, unix.Errno) {
	p, _, e := unix.Syscall6(unix.SYS_MMAP, 0, uintptr(size+align), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, ^uintptr(0), 0)
	return (p + uintptr(align) - 1) &^ (uintptr(align) - 1), e
}

// place maps size bytes of fd from off at an address of the reserved range; fd -1: memory of its
// own; writable false: that cannot be written; fd none: nothing.
func place(at uintptr, size uint64, fd int, off uint64, writable bool) unix.Errno {
	prot, flags := uintptr(unix.PROT_READ), uintptr(unix.MAP_SHARED|unix.MAP_FIXED)
	if writable {
		prot |= unix.PROT_WRITE
	}
	switch fd {
	case none:
		prot, flags = unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE
		fd = -1
	case -1:
		flags = unix.MAP_PRIVATE | unix.MAP_FIXED | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	}
	_, _, e := unix.Syscall6(unix.SYS_MMAP, at, uintptr(size), prot, flags, uintptr(fd), uintptr(off))
	return e
}

const none = -2

// advise is madvise(2) on the reserved range.
func advise(at uintptr, size uint64, advice int) unix.Errno {
	for {
		_, _, e := unix.Syscall(unix.SYS_MADVISE, at, uintptr(size), uintptr(advice))
		if e != unix.EINTR && e != unix.EAGAIN {
			return e
		}
	}
}

// table is the frame at guest-physical address gpa as a page table. Safe: frames lie in the reserved
// range, are mapped for good and hold no Go pointers; the address is no Go pointer either.
func (m *memory) table(gpa uint64) *[512]uint64 {
	at := m.base + uintptr(gpa)
	return *(**[512]uint64)(unsafe.Pointer(&at))
}

// block is what lies in a frame at blockOffset. Safe as table.
func (m *memory) block(gpa uint64) *block {
	at := m.base + uintptr(gpa) + blockOffset
	return *(**block)(unsafe.Pointer(&at))
}

// bytes is the same frame as bytes.
func (m *memory) bytes(gpa uint64) *[pageSize]byte {
	at := m.base + uintptr(gpa)
	return *(**[pageSize]byte)(unsafe.Pointer(&at))
}
