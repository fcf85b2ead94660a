package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// errnoOf is the errno in what a wrapper of package unix returned.
func errnoOf(err error) linux.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(unix.Errno); ok {
		return linux.Errno(e)
	}
	return linux.EIO
}

// again repeats call while a signal (the Go runtime's own) interrupts it.
func again(call func() error) linux.Errno {
	for {
		if err := call(); err != unix.EINTR {
			return errnoOf(err)
		}
	}
}
