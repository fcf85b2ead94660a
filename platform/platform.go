// Package platform is the contract between the kernel and the ways of running application
// code. It sees descriptors, addresses and registers, and nothing of the kernel above.
//
// A Platform is chosen once per sandbox. It makes AddressSpaces, into which the kernel maps
// ranges of host files (the memory file, or a file the gofer handed over), and Contexts, one
// per application thread. Context.Switch is the only way to run application code.
//
// Between a trap and the return of Switch there is no allocation, no lock shared with other
// threads, no map look-up and no logging.
package platform

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Prot is what application code may do with mapped memory; the bits are PROT_READ,
// PROT_WRITE and PROT_EXEC of mmap(2).
type Prot uint8

const (
	Read  Prot = 1 << 0
	Write Prot = 1 << 1
	Exec  Prot = 1 << 2
)

// Platform makes address spaces and contexts.
type Platform interface {
	// NewAddressSpace returns an empty address space. ENOMEM or EAGAIN if the host has no
	// room for another stub.
	NewAddressSpace() (AddressSpace, linux.Errno)

	// NewContext returns the context of a new application thread. It belongs to the one
	// goroutine that calls Switch, except Interrupt.
	NewContext() Context

	// Limits returns the lowest and the first too high address that an application may map.
	Limits() (min, max uint64)
}

// ThreadBound is a Platform whose Contexts lock the goroutine that calls Switch to its operating
// system thread.
type ThreadBound interface{ ThreadBound() }

// AddressSpace is the application's view of memory. Methods may be called from any
// goroutine, also while threads run in it; a mapping change is seen by every thread once the
// method returns. Addresses, lengths and offsets are multiples of the page size, and ranges
// lie inside Limits: the caller has checked.
type AddressSpace interface {
	// Map maps length bytes of the host file fd from offset off at addr, shared, in place of
	// what was there. populate asks for the pages to be entered ahead of their faults.
	Map(addr, length uint64, fd int, off uint64, prot Prot, populate bool) linux.Errno

	// Protect changes the protection of what is mapped inside the range; holes stay holes.
	Protect(addr, length uint64, prot Prot) linux.Errno

	// Unmap removes every mapping inside the range.
	Unmap(addr, length uint64)

	// Clone copies every mapping of this address space into dst, which is empty: what fork
	// needs. Platforms without a fast way return ENOSYS, and the kernel lets faults fill dst.
	Clone(dst AddressSpace) linux.Errno

	// Release gives the address space back. No context is inside it or will enter it.
	Release()
}

// Context is one application thread.
type Context interface {
	// Switch runs application code in as from the state in regs until something needs the
	// kernel, leaves the new state in regs (but see Completer) and says what it was. If r does not name a
	// canonical user address or has flags user mode may not set, it sanitises them first.
	Switch(as AddressSpace, regs *arch.Registers) Trap

	// Interrupt makes the Switch that is running, or else the next one, return a trap of
	// kind Interrupted soon. It may be called from any goroutine, does not block, and
	// several calls may count as one.
	Interrupt()

	// FPU copies the extended state into dst, an XSAVE image in standard format of
	// arch.FPUSize bytes. SetFPU sets it; the image has been checked with arch.CheckFPU.
	// Both are called between Switches only. A fresh context has arch.InitialFPU.
	FPU(dst []byte)
	SetFPU(src []byte)

	// SetCPUs has the thread run on these processors of the host only (nil: on any), from the
	// next Switch on. It may be called from any goroutine. The slice is not changed afterwards.
	SetCPUs(cpus []int)

	// Release ends the thread. Switch is not running and will not be called again.
	Release()
}

// Debugger is a Context that has the processor's debug registers. Its methods are called between
// Switches only.
type Debugger interface {
	// SetDebug sets the addresses of break points and DR7, which the caller has checked; a fresh
	// context has none.
	SetDebug(addrs [4]uint64, control uint64)
	// DebugHits returns, as the low bits of DR6, the break points met since it was asked last.
	DebugHits() uint64
}

// Batcher is an AddressSpace that notes changes as long as nobody runs in it and makes them all at
// once when somebody enters: filling a new one with a few Maps is cheaper than Clone. Errors of
// noted changes leave nothing mapped.
type Batcher interface {
	// Filling tells that what is mapped until somebody enters is what another address space has.
	Filling()
}

// LateReleaser is an AddressSpace that can be released beside other work.
type LateReleaser interface {
	// ReleaseLate is Release, which may return before it is done. Contexts that were inside may be released or enter
	// another address space meanwhile. done is called when nothing is mapped any more.
	ReleaseLate(done func())
}

// Foreseer is an AddressSpace that can put mappings off which nobody waits for yet.
type Foreseer interface {
	// MapSoon is Map where nothing is mapped, made together with a change that cannot wait. Until then
	// the range may still fault, and a Map of a part of it has it made. The host may fail to make it, which
	// leaves nothing mapped.
	MapSoon(addr, length uint64, fd int, off uint64, prot Prot, populate bool) linux.Errno
}

// Spawner is a Context that wants to know, between Switches, that another one will soon enter
// the address space it was last in.
type Spawner interface{ Spawn() }

// Metered is a Context that knows how long the host's processors worked for its thread.
type Metered interface {
	// CPUTime returns that in nanoseconds; what other threads of the address space used meanwhile may
	// be in it. It never becomes less and may be called from any goroutine, but not often.
	CPUTime() int64
}

// Bound is a Metered Context that knows the same about the thread of the sentry's that it is bound to, while that is outside
// Switch: what the kernel did for the application's thread is no more than that.
type Bound interface {
	// BoundTime returns that in nanoseconds, as CPUTime.
	BoundTime() int64
}

// FaultCoder is a Context that can find out the error code of a fault when the application is to see
// it, where the Trap does not say enough.
type FaultCoder interface {
	// FaultCode returns the processor's error code for the fault that Switch just returned, with the
	// registers it left; not ok if it is not to be had, or the access does not fault any more and regs
	// are those behind it.
	FaultCode(regs *arch.Registers) (code uint64, ok bool)
}

// Sleeper is a Context that wants to know, before the next Switch, that its thread slept and on
// which processor the thread ran that woke it.
type Sleeper interface{ Woken(cpu int) }

// Completer is a Context that can do with less than all registers. After a Trap with Partial only the number, the arguments, Rax, Rcx and
// Rip of a call are in regs; whoever reads or changes more than Rax and OrigRax then has to complete them first.
type Completer interface {
	// AllowPartial has it return such Traps. It is called before the first Switch.
	AllowPartial()
	// Complete puts the other registers in place.
	Complete(regs *arch.Registers)
	// StackPointer returns Rsp, from any goroutine, while the thread is in the call.
	StackPointer() uint64
}

// Announcer is a Context that says when application code goes on.
type Announcer interface {
	// OnEnter has f called by each Switch that enters the application, on the same goroutine: at the moment, and where
	// two processors are used, beside what goes on there. It is called once, before the first Switch.
	OnEnter(f func())
}

// Rester is a Context that wants to know, between Switches, that its thread is about to sleep.
type Rester interface{ Rest() }

// Answerer is a Context that can answer some calls of the application itself.
type Answerer interface {
	// Answer has getpid(2) and so on answered with these facts, from the next Switch on; nil: with
	// none. The platform may trap them all the same.
	Answer(*Facts)
	// Orphan has getppid(2) answered no more from now on, until Answer is called. It may be called at any
	// time, but not beside Answer.
	Orphan()
}

// Facts are answers to calls without arguments, which stay the same until Answer is called again, or Orphan.
type Facts struct {
	PID, TID, PPID       int32
	IDs                  bool // the others are valid
	UID, EUID, GID, EGID uint32
}

// Lender is a Context that can answer reads and writes of files itself, from what was lent to the application.
type Lender interface {
	// Lend lets the application's next read of fd have data, all of it, and its writes take room bytes at most, from the next Switch
	// on. nil if nothing was lent.
	Lend(fd int32, data []byte, room int, from Lent) *Loan
	// Full reports whether there was no place for data that was to be lent. Return makes place.
	Full() bool
	// Settle tells what was taken and posted. It is to be called whenever Switch has returned; fd is what the call that
	// the application makes now writes to or ends, or -1. What was posted there waits for that, or Flush. posted says that something was.
	Settle(fd int32) (posted bool)
	// Flush is called when the call is over.
	Flush()
	// Return ends all loans.
	Return()
}

// PacketLender is a Lender that can answer the receiving of datagrams, too.
type PacketLender interface {
	// LendPackets lets the application receive from fd what next returns, one after the other: the bytes and the address of who
	// sent them, until there are no more, or one does not fit. Taken counts datagrams.
	LendPackets(fd int32, next func() (data, name []byte, ok bool), from Lent) *Loan
}

// Opening is a call of openat(2); none if Path is empty.
type Opening struct {
	Dir   int32
	Flags uint32
	Path  string
}

// MostFile is the longest file whose bytes are lent, MostPath the longest path, with the 0.
const (
	MostFile = 2048
	MostPath = 256
)

// FileLender is a Lender that can answer calls about a file that was just opened, too.
type FileLender interface {
	// LendsFiles reports whether it is worth trying: the application was lent room to write to something.
	LendsFiles() bool
	// LendFile lets the application close fd without a call, and know its attributes, a struct stat, and send its bytes by sendfile(2) to
	// what it has room to write to, until the next one. data is all of them, at most MostFile, or none. wasted says that
	// those that were lent the last time were not sent. again is a call that opens the file again when it is closed, until the next one.
	LendFile(fd int32, stat, data []byte, again Opening) (wasted bool)
	// LendOpen lets it know of a file that it has just opened and may close, until the next Switch returns, what flags that and the
	// descriptor have, and its attributes, unless stat is nil.
	LendOpen(fd int32, stat []byte, flags uint32, cloexec bool)
	// LendEnd lets it know, until the next Switch returns, that there is nothing more to be read of the directory fd, if it may close that.
	LendEnd(fd int32)
	// LendClose lets it close a descriptor without a call: false if it is lent nothing now.
	LendClose(fd int32) bool
	// FilesChanged says that none of that holds any longer, but that it may close the file. It may be called at any time, with any lock held.
	FilesChanged()
	// Closed returns what it has closed so since it was asked last, until it is asked again. It is to be called whenever Switch has
	// returned. all says that it is lent no file any longer.
	Closed(all bool) []int32
}

// PathLender is a Context that can be told that paths do not lead to symbolic links.
type PathLender interface {
	// LendPath lets the application know that readlink(2) of path, which begins with "/", is EINVAL, until PathsChanged.
	LendPath(path string)
	// PathsChanged says that this holds of no path any longer. It may be called at any time, with any lock held.
	PathsChanged()
}

// Lent is whose bytes and room were lent. It is told with locks of the platform held.
type Lent interface {
	// Taken says that the application has read the n bytes there were.
	Taken(n int)
	// Posted says that it has written b, which is memory of the application's, and whether more will follow at once.
	Posted(b []byte, more bool)
	// Returned says that a loan is over.
	Returned(*Loan)
}

// Loan is what was lent.
type Loan struct {
	// Revoke ends it, if it is a loan from the one given. RevokeData does so as far as data is concerned, and leaves room to write.
	Revoke, RevokeData func(from Lent)
	// Forbid has the application ask from now on, also before it writes. What it has written is told as it would be. It may be called
	// with any lock held, and does no harm to a loan that is over.
	Forbid func()
}

// TrapKind says why Switch returned.
type TrapKind uint8

const (
	// Syscall: a system call; regs.OrigRax holds its number, regs.Rip the next instruction,
	// regs.Rax -ENOSYS.
	Syscall TrapKind = iota
	// Fault: the instruction at regs.Rip could not access Trap.Addr. If the kernel can make
	// the address accessible it does so and switches again; else it is a SIGSEGV or SIGBUS.
	Fault
	// Exception: the processor raised Trap.Signo (SIGILL, SIGFPE, SIGTRAP, or a SIGSEGV or SIGBUS that
	// is no page fault) with Trap.Code as its si_code and Trap.Addr as si_addr.
	Exception
	// Interrupted: somebody called Interrupt. regs are the thread's between two instructions.
	Interrupted
	// Gone: the thread's stub is dead (the host killed it). The kernel kills the task.
	Gone
)

// Trap is what Switch returns.
type Trap struct {
	Kind    TrapKind
	Partial bool // Syscall: only what the call needs is in regs (Completer). Interrupted: as the call before has left them

	Signo uint8  // Exception: the signal
	Write bool   // Fault: the access was a write (else a read or a fetch)
	Exec  bool   // Fault: the access was an instruction fetch
	There bool   // Fault: the page was there, but its protection did not allow the access
	Code  int32  // Fault, Exception: si_code as the host gave it
	Addr  uint64 // Fault, Exception: si_addr
}
