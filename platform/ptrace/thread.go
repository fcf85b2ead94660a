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
	kicked   bool // the interrupt signal came while a call was injected
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
	if t.dead {
		return 0, linux.ESRCH
	}
	r := arch.Registers{Rip: entry, Rax: uint64(nr), OrigRax: ^uint64(0), Cs: arch.UserCs, Ss: arch.UserDs, Eflags: arch.FlagIF | 2}
	for i, to := range []*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9}[:len(args)] {
		*to = uint64(args[i])
	}
	if e := setRegs(t.tid, &r); e != 0 {
		return 0, t.failed(e)
	}
	for {
		if e := request(unix.PTRACE_CONT, t.tid, 0, 0); e != 0 {
			return 0, t.failed(e)
		}
		status, e := wait(t.tid)
		if e != 0 {
			return 0, t.failed(e)
		}
		if !status.Stopped() {
			t.dead = true
			return 0, linux.ESRCH
		}
		switch status.StopSignal() {
		case unix.SIGTRAP:
			if status>>16 != 0 { // an event
				continue
			}
			if e := getRegs(t.tid, &r); e != 0 {
				return 0, t.failed(e)
			}
			if v := int64(r.Rax); v < 0 && v >= -4095 {
				return 0, linux.Errno(-v)
			}
			return r.Rax, 0
		case interruptSignal:
			t.kicked = true
		case unix.SIGSEGV, unix.SIGILL, unix.SIGBUS:
			panic(fmt.Sprintf("ptrace: the stub's own code raised %v", status.StopSignal()))
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
	r := arch.Registers{Rip: entrySyscall, Rax: unix.SYS_EXIT, OrigRax: ^uint64(0), Cs: arch.UserCs, Ss: arch.UserDs, Eflags: arch.FlagIF | 2}
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
