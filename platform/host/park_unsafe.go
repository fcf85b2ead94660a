package host

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Parker lets the goroutine of one operating system thread sleep and others wake it, with a
// futex of its own. For a goroutine that is locked to its thread this takes half as many
// thread switches as a channel, whose waker wakes a thread that wakes ours.
type Parker struct{ state atomic.Uint32 }

// States of a Parker.
const (
	parkNone  = iota
	parkWoken // and nobody has seen it
	parkAsleep
)

// Unpark ends the Park that is going on, or else the next one.
func (p *Parker) Unpark() {
	if p.state.Swap(parkWoken) == parkAsleep {
		p.futex(futexWake|futexPrivate, 1, nil, false)
	}
}

// Woken reports whether Unpark was called since the last sleep, and takes notice of it.
func (p *Parker) Woken() bool { return p.state.CompareAndSwap(parkWoken, parkNone) }

// Pending reports whether Woken would be true.
func (p *Parker) Pending() bool { return p.state.Load() == parkWoken }

// Nap is Park for a time so short that the Go runtime is not told: its monitor, which wakes every 20 µs as long as it finds threads to take
// processors from, costs more. If the runtime wants the processor meanwhile, its signal ends the nap.
func (p *Parker) Nap(timeout int64) bool { return p.sleep(timeout, true) }

// Park sleeps until Unpark (true), or for at most timeout nanoseconds, if that is not negative.
func (p *Parker) Park(timeout int64) bool { return p.sleep(timeout, false) }

func (p *Parker) sleep(timeout int64, untold bool) bool {
	if !p.state.CompareAndSwap(parkNone, parkAsleep) {
		return p.Woken()
	}
	var ts *unix.Timespec
	if timeout >= 0 {
		t := unix.NsecToTimespec(timeout)
		ts = &t
	}
	for {
		e := p.futex(futexWait|futexPrivate, parkAsleep, ts, untold)
		if p.Woken() {
			return true
		}
		if e == unix.ETIMEDOUT {
			return !p.state.CompareAndSwap(parkAsleep, parkNone) && p.Woken()
		}
		if ts != nil && e == unix.EINTR {
			// The rest of the time is not known: the caller looks at its clock.
			return !p.state.CompareAndSwap(parkAsleep, parkNone) && p.Woken()
		}
	}
}

// futex is futex(2), of which the Go runtime is told or not. Safe: the host reads state and ts, which stay alive for the call.
func (p *Parker) futex(op int, val uint32, ts *unix.Timespec, untold bool) (e unix.Errno) {
	if untold {
		_, _, e = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.state)), uintptr(op), uintptr(val), uintptr(unsafe.Pointer(ts)), 0, 0)
	} else {
		_, _, e = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.state)), uintptr(op), uintptr(val), uintptr(unsafe.Pointer(ts)), 0, 0)
	}
	return e
}

// Yield lets others run that want the caller's processor.
func Yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
