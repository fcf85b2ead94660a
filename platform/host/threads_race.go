//go:build race

package host

import "syscall"

// A sentry with the race detector is for testing the sentry with programs that are trusted: the
// detector is a C library, with which Go cannot make a call on every thread, and which calls the
// host as it likes. It keeps its capabilities on threads that exist already, and no filter.
const sealing = false

func allThreads(nr, a, b, c uintptr) syscall.Errno {
	_, _, e := syscall.Syscall(nr, a, b, c)
	return e
}
