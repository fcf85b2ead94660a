package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Accept takes a connection from a listening socket that was inherited; close-on-exec.
func Accept(fd int) (int, linux.Errno) {
	for {
		n, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		if err != unix.EINTR {
			return n, errnoOf(err)
		}
	}
}

// Shutdown is shutdown(2).
func Shutdown(fd, how int) linux.Errno { return errnoOf(unix.Shutdown(fd, how)) }

// SocketError takes the pending error of a socket (SO_ERROR).
func SocketError(fd int) linux.Errno {
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return errnoOf(err)
	}
	return linux.Errno(v)
}
