package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// SocketName is the control socket's name in the state directory.
const SocketName = "control.sock"

// Listen makes the control socket in the state directory dir.
func Listen(dir string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), SocketName)
	err = withAddress(dir, func(sa unix.Sockaddr) error { return unix.Bind(fd, sa) })
	if err == nil {
		err = unix.Listen(fd, 64)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("control socket in %s: %w", dir, err)
	}
	return f, nil
}

// withAddress calls f with the address of the socket in dir. The path of an address has at
// most 107 bytes, so it goes by way of a descriptor of the directory.
func withAddress(dir string, f func(unix.Sockaddr) error) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(&unix.SockaddrUnix{Name: filepath.Join(fmt.Sprintf("/proc/self/fd/%d", fd), SocketName)})
}

// Dial connects to the sentry of the container in dir. If timeout is not 0, no answer takes
// longer. A sandbox that has ended gives control.ErrGone.
func Dial(dir string, timeout time.Duration) (*control.Client, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if timeout > 0 {
		tv := unix.NsecToTimeval(timeout.Nanoseconds())
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
	}
	err = withAddress(dir, func(sa unix.Sockaddr) error {
		for {
			if err := unix.Connect(fd, sa); err != unix.EINTR {
				return err
			}
		}
	})
	if err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) {
			return nil, control.ErrGone
		}
		return nil, fmt.Errorf("control socket in %s: %w", dir, err)
	}
	return control.NewClient(socket(fd)), nil
}

// socket is a control.Stream.
type socket int

var _ control.Stream = socket(0)

func (s socket) Recv(b []byte) (int, []int, error) {
	oob := make([]byte, unix.CmsgSpace(control.MaxFiles*4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(int(s), b, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			return 0, nil, errTimeout
		}
		if err == unix.ECONNRESET {
			return 0, nil, nil // the sentry ended before it read all that it was sent
		}
		if err != nil || oobn == 0 {
			return max(n, 0), nil, err
		}
		return n, rights(oob[:oobn]), nil
	}
}

var errTimeout = errors.New("the sentry does not answer")

func rights(oob []byte) (fds []int) {
	msgs, _ := unix.ParseSocketControlMessage(oob)
	for i := range msgs {
		got, _ := unix.ParseUnixRights(&msgs[i])
		fds = append(fds, got...)
	}
	return fds
}

func (s socket) Send(b []byte, fds []int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	for len(b) > 0 {
		n, err := unix.SendmsgN(int(s), b, oob, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b, oob = b[n:], nil
	}
	return nil
}

func (s socket) CloseFD(fd int) { unix.Close(fd) }
func (s socket) Close()         { unix.Close(int(s)) }
