package ptrace

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// thread is a stub thread that the calling operating system thread traces, stopped whenever
// the functions here are called.
type thread struct {
	pid, tid int
	dead     bool
	debugged bool // it has break points
	atCall   bool // it is stopped at a call of the application and has the registers regs
	regs     arch.Registers
}

// interruptSignal is sent to a running stub thread to stop it. Without a tracer it is ignored.
const interruptSignal = unix.SIGUSR1

const options = unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESYSGOOD

// seize begins to trace a thread that waits in the pause loop.
func seize(pid, tid int) (*thread, linux.Errno) {
	t := &thread{pid: pid, tid: tid}
	if e := request(unix.PTRACE_SEIZE, tid, 0, options); e != 0 {
		return nil, errnoOf(e)
	}
	if e := request(unix.PTRACE_INTERRUPT, tid, 0, 0); e != 0 {
		return nil, errnoOf(e)
	}
	for {
		status, e := wait(tid)
		switch {
		case e != 0:
			return nil, errnoOf(e)
		case !status.Stopped():
			return nil, linux.ESRCH
		case int(status>>16) == unix.PTRACE_EVENT_STOP:
			return t, 0
		}
		// Some signal first: it is not for the stub.
		if e := request(unix.PTRACE_CONT, tid, 0, 0); e != 0 {
			return nil, errnoOf(e)
		}
	}
}

// call makes a host system call in the thread.
func (t *thread) call(nr uintptr, args ...uintptr) (uint64, linux.Errno) {
	return t.callAt(entrySyscall, nr, args...)
}

// callAt makes a host system call at one of the stub page's entries, or at base + their offset
// as long as the page is not there.
func (t *thread) callAt(entry uint64, nr uintptr, args ...uintptr) (uint64, linux.Errno) {
	r := stubRegs(entry)
	r.Rax = uint64(nr)
	for i, to := range []*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9}[:len(args)] {
		*to = uint64(args[i])
	}
	if errno := t.runStub(&r); errno != 0 {
		return 0, errno
	}
	if v := int64(r.Rax); v < 0 && v >= -4095 {
		return 0, linux.Errno(-v)
	}
	return r.Rax, 0
}

// batch makes calls by way of the table in the stub page, which has room for them. It returns how
// many were made before one failed, and its error.
func (t *thread) batch(page []byte, calls []call) (done int, errno linux.Errno) {
	if len(calls) == 1 {
		if _, errno := t.call(calls[0].nr, calls[0].args[:]...); errno != 0 {
			return 0, errno
		}
		return 1, 0
	}
	putCalls(page, calls)
	const table = stubPage + tableOff
	r := stubRegs(entryBatch)
	r.Rbx, r.Rbp = table, table+uint64(len(calls))*callSize
	if errno := t.runStub(&r); errno != 0 {
		return 0, errno
	}
	if r.Rbx == r.Rbp {
		return len(calls), 0
	}
	return int(r.Rbx-table) / callSize, linux.Errno(-int64(r.Rax))
}

// stubRegs returns the registers of stub code that begins at entry.
func stubRegs(entry uint64) arch.Registers {
	return arch.Registers{Rip: entry, OrigRax: ^uint64(0), Cs: arch.UserCs, Ss: arch.UserDs, Eflags: arch.FlagIF | 2}
}

// runStub runs code of the stub page up to its INT3, from the registers r, which are then those at
// the end.
func (t *thread) runStub(r *arch.Registers) linux.Errno {
	if t.dead {
		return linux.ESRCH
	}
	t.atCall = false
	if e := setRegs(t.tid, r); e != 0 {
		return t.failed(e)
	}
	for {
		if e := request(unix.PTRACE_CONT, t.tid, 0, 0); e != 0 {
			return t.failed(e)
		}
		status, e := wait(t.tid)
		if e != 0 {
			return t.failed(e)
		}
		if !status.Stopped() {
			t.dead = true
			return linux.ESRCH
		}
		switch status.StopSignal() {
		case unix.SIGTRAP:
			if status>>16 != 0 { // an event
				continue
			}
			if e := getRegs(t.tid, r); e != 0 {
				return t.failed(e)
			}
			return 0
		case unix.SIGSEGV, unix.SIGILL, unix.SIGBUS:
			panic(fmt.Sprintf("ptrace: the stub's own code raised %v", status.StopSignal()))
		}
		// An interrupt that came late, or whose sender has left word otherwise.
	}
}

// alive tells whether the thread is still there.
func (t *thread) alive() bool {
	var r arch.Registers
	return !t.dead && getRegs(t.tid, &r) == 0
}

// detach leaves the thread waiting in the pause loop, traced by nobody.
func (t *thread) detach() linux.Errno {
	r := stubRegs(entryPause)
	if e := setRegs(t.tid, &r); e != 0 {
		return t.failed(e)
	}
	if e := request(unix.PTRACE_DETACH, t.tid, 0, 0); e != 0 {
		return t.failed(e)
	}
	return 0
}

// reap waits for the end of a thread whose process was killed.
func (t *thread) reap() {
	for !t.dead {
		if status, e := wait(t.tid); e != 0 || !status.Stopped() {
			t.dead = true
		}
	}
}

// failed notes that the thread is gone.
func (t *thread) failed(e unix.Errno) linux.Errno {
	if e == unix.ESRCH || e == unix.ECHILD {
		t.dead = true
	}
	return errnoOf(e)
}

// newThread makes a thread in the process of t that waits in the pause loop.
func (t *thread) newThread() (tid int, errno linux.Errno) {
	const flags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM
	v, errno := t.callAt(entryClone, unix.SYS_CLONE, flags, 0, 0, 0, 0)
	return int(v), errno
}

// newProcess makes a child of the sentry with a copy of the process's mappings, whose one thread
// waits in the pause loop.
func (t *thread) newProcess() (pid int, errno linux.Errno) {
	const flags = unix.CLONE_PARENT | unix.CLONE_FILES | uintptr(unix.SIGCHLD)
	v, errno := t.callAt(entryClone, unix.SYS_CLONE, flags, 0, 0, 0, 0)
	return int(v), errno
}

// exit ends the thread.
func (t *thread) exit() {
	if t.dead {
		return
	}
	t.dead = true
	r := stubRegs(entrySyscall)
	r.Rax, r.Rdi = unix.SYS_EXIT, 0
	if setRegs(t.tid, &r) != 0 {
		wait(t.tid)
		return
	}
	for {
		if request(unix.PTRACE_CONT, t.tid, 0, 0) != 0 {
			wait(t.tid)
			return
		}
		if status, e := wait(t.tid); e != 0 || !status.Stopped() {
			return
		}
	}
}
