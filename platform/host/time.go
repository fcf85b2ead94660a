package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// ClockGettime is clock_gettime(2) as a system call, in nanoseconds.
func ClockGettime(clock int32) (int64, linux.Errno) {
	var ts unix.Timespec
	err := unix.ClockGettime(clock, &ts)
	return ts.Nano(), errnoOf(err)
}

// Getrandom fills p from the host's random number generator.
func Getrandom(p []byte) linux.Errno {
	for len(p) > 0 {
		n, err := unix.Getrandom(p, 0)
		if err != nil && err != unix.EINTR {
			return errnoOf(err)
		}
		p = p[max(n, 0):]
	}
	return 0
}

// Exit ends the process at once, without the deferred work of os.Exit's callers.
func Exit(code int) { unix.Exit(code) }
