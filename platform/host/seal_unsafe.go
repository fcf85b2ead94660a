package host

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Seal takes away from every thread, present and future, all host system calls but those of
// Policy and extra (the rows of the platform in use). Any other call kills the process. There
// is no way back.
func Seal(extra ...Call) error { return Install(append(Policy(), extra...)) }

// Install is Seal for a process with a table of its own.
func Install(calls []Call) error {
	filter, err := Compile(calls, os.Getpid())
	if err != nil {
		return err
	}
	if !sealing {
		return nil
	}
	runtime.LockOSThread() // no_new_privs and the filter go to one and the same thread first
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Safe: prog and filter live until the call is over, and the host only reads them.
	tid, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if e != 0 {
		return fmt.Errorf("install the seccomp filter: %w", e)
	}
	if tid != 0 {
		return fmt.Errorf("install the seccomp filter: thread %d has one of its own", tid)
	}
	return nil
}
