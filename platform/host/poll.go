package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Poll is ppoll(2) without a signal mask; timeout in nanoseconds, negative for none. It
// blocks its thread. EINTR comes back: the caller knows how much time is left.
func Poll(fds []unix.PollFd, timeout int64) (int, linux.Errno) {
	var ts *unix.Timespec
	if timeout >= 0 {
		t := unix.NsecToTimespec(timeout)
		ts = &t
	}
	n, err := unix.Ppoll(fds, ts, nil)
	return max(n, 0), errnoOf(err)
}

// EpollCreate returns a new epoll descriptor, close-on-exec.
func EpollCreate() (int, linux.Errno) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return fd, errnoOf(err)
}

// EpollCtl is epoll_ctl(2).
func EpollCtl(epfd, op, fd int, event *unix.EpollEvent) linux.Errno {
	return errnoOf(unix.EpollCtl(epfd, op, fd, event))
}

// EpollWait is epoll_wait(2), timeout in milliseconds, -1 for none. It blocks its thread.
func EpollWait(epfd int, events []unix.EpollEvent, timeout int) (int, linux.Errno) {
	n, err := unix.EpollWait(epfd, events, timeout)
	return max(n, 0), errnoOf(err)
}

// Eventfd returns a new eventfd, close-on-exec and non-blocking.
func Eventfd() (int, linux.Errno) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return fd, errnoOf(err)
}

// PollIn waits until there is something to read from fd, or an error.
func PollIn(fd int) linux.Errno {
	_, errno := Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
	return errno
}
