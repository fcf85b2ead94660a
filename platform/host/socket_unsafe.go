package host

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// maxRights bounds the descriptors of one message here (Linux: SCM_MAX_FD, 253).
const maxRights = 64

// rights is the control message SCM_RIGHTS.
type rights struct {
	unix.Cmsghdr
	fds [maxRights]int32
}

// Sendmsg sends p, with fds if any, on a connected socket. flags as in sendmsg(2);
// MSG_NOSIGNAL is added.
func Sendmsg(fd int, p []byte, fds []int, flags int) (int, linux.Errno) {
	if len(fds) > maxRights {
		return 0, linux.EINVAL
	}
	var control rights
	iov := unix.Iovec{Base: unsafe.SliceData(p), Len: uint64(len(p))}
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1}
	if len(fds) > 0 {
		control.Level, control.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS
		control.SetLen(unix.CmsgLen(4 * len(fds)))
		for i, f := range fds {
			control.fds[i] = int32(f)
		}
		msg.Control = (*byte)(unsafe.Pointer(&control))
		msg.SetControllen(unix.CmsgSpace(4 * len(fds)))
	}
	for {
		// Safe: msg holds p, iov and control, and lives until the call is over.
		n, _, e := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags)|unix.MSG_NOSIGNAL)
		if e == 0 {
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, linux.Errno(e)
		}
	}
}

// Recvmsg receives into p from a connected socket, and into fds descriptors that came along,
// close-on-exec. Descriptors beyond len(fds) are closed, and the flags returned tell with
// MSG_CTRUNC; MSG_TRUNC tells that the message was longer than p.
func Recvmsg(fd int, p []byte, fds []int, flags int) (n, nfds, outFlags int, errno linux.Errno) {
	var control rights
	iov := unix.Iovec{Base: unsafe.SliceData(p), Len: uint64(len(p))}
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1}
	if len(fds) > 0 {
		msg.Control = (*byte)(unsafe.Pointer(&control))
		msg.SetControllen(unix.CmsgSpace(4 * min(len(fds), maxRights)))
	}
	for {
		// Safe: as in Sendmsg.
		var r uintptr
		var e unix.Errno
		if flags&unix.MSG_DONTWAIT != 0 { // the Go runtime need not hear of it
			r, _, e = unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags)|unix.MSG_CMSG_CLOEXEC)
		} else {
			r, _, e = unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags)|unix.MSG_CMSG_CLOEXEC)
		}
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, 0, 0, linux.Errno(e)
		}
		nfds, cut := control.take(fds, &msg)
		if cut {
			msg.Flags |= unix.MSG_CTRUNC
		}
		return int(r), nfds, int(msg.Flags), 0
	}
}

// take copies the received descriptors to dst and closes those it has no room for.
func (c *rights) take(dst []int, msg *unix.Msghdr) (n int, cut bool) {
	if msg.Controllen < unix.SizeofCmsghdr || c.Level != unix.SOL_SOCKET || c.Type != unix.SCM_RIGHTS {
		return 0, false
	}
	got := min((int(c.Len)-unix.SizeofCmsghdr)/4, maxRights)
	for i := range got {
		if i < len(dst) {
			dst[i] = int(c.fds[i])
			n++
		} else {
			Close(int(c.fds[i]))
			cut = true
		}
	}
	return n, cut
}
