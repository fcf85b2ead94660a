//go:build !race

package host

import "syscall"

// sealing says that Install installs filters.
const sealing = true

// allThreads makes a host call on every thread of the process.
func allThreads(nr, a, b, c uintptr) syscall.Errno {
	_, _, e := syscall.AllThreadsSyscall(nr, a, b, c)
	return e
}
