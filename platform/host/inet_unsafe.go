package host

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Sockets of the host's Internet, which only a sentry with the host's network makes. Its policy has
// InetPolicy's rows then. All of them are non-blocking.

// maxAddr is the size of the largest struct sockaddr.
const maxAddr = 128

// InetSocket makes a socket: AF_INET or AF_INET6, SOCK_STREAM or SOCK_DGRAM; non-blocking, close-on-exec.
func InetSocket(family, typ, protocol int) (int, linux.Errno) {
	if family != unix.AF_INET && family != unix.AF_INET6 || typ != unix.SOCK_STREAM && typ != unix.SOCK_DGRAM {
		return -1, linux.EINVAL
	}
	fd, err := unix.Socket(family, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	return fd, errnoOf(err)
}

// withAddr makes a call that takes a descriptor and an address.
func withAddr(nr uintptr, fd int, addr []byte) linux.Errno {
	if len(addr) > maxAddr {
		return linux.EINVAL
	}
	// Safe: addr stays alive and in place for the call, which reads no more than its length.
	_, _, e := unix.Syscall(nr, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(addr))), uintptr(len(addr)))
	return linux.Errno(e)
}

// Bind is bind(2) with a struct sockaddr.
func Bind(fd int, addr []byte) linux.Errno { return withAddr(unix.SYS_BIND, fd, addr) }

// Connect is connect(2): EINPROGRESS for what takes its time.
func Connect(fd int, addr []byte) linux.Errno { return withAddr(unix.SYS_CONNECT, fd, addr) }

// Listen is listen(2).
func Listen(fd, backlog int) linux.Errno { return errnoOf(unix.Listen(fd, backlog)) }

// AcceptNonblock takes a connection; non-blocking, close-on-exec.
func AcceptNonblock(fd int) (int, linux.Errno) {
	for {
		// Not unix.Accept4, which asks for the protocol to make the address of.
		n, _, e := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0)
		if e != unix.EINTR {
			return int(n), linux.Errno(e)
		}
	}
}

// SocketName is getsockname(2), or of the peer getpeername(2).
func SocketName(fd int, peer bool) ([]byte, linux.Errno) {
	var b [maxAddr]byte
	n, nr := uint32(len(b)), uintptr(unix.SYS_GETSOCKNAME)
	if peer {
		nr = unix.SYS_GETPEERNAME
	}
	// Safe: b and n live until the call is over, which writes no more than n bytes.
	_, _, e := unix.Syscall(nr, uintptr(fd), uintptr(unsafe.Pointer(&b)), uintptr(unsafe.Pointer(&n)))
	return append([]byte(nil), b[:min(n, maxAddr)]...), linux.Errno(e)
}

// SetSocketOption is setsockopt(2): ENOPROTOOPT for what SocketOptions does not list.
func SetSocketOption(fd, level, name int, value []byte) linux.Errno {
	if !listed(level, name) {
		return linux.ENOPROTOOPT
	}
	// Safe: as in withAddr.
	_, _, e := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(len(value)), 0)
	return linux.Errno(e)
}

// SocketOption is getsockopt(2) into b: ENOPROTOOPT for what SocketOptions does not list. With an error it may say how much room
// would be needed.
func SocketOption(fd, level, name int, b []byte) (int, linux.Errno) {
	if !listed(level, name) {
		return 0, linux.ENOPROTOOPT
	}
	n := uint32(len(b))
	// Safe: b and n live until the call is over, which writes no more than n bytes.
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&n)), 0)
	if e == 0 {
		n = min(n, uint32(len(b)))
	}
	return int(n), linux.Errno(e)
}

// SocketCount asks for a number by ioctl(2): SIOCINQ, SIOCOUTQ, SIOCATMARK.
func SocketCount(fd int, request uint) (int32, linux.Errno) {
	n, err := unix.IoctlGetInt(fd, request)
	return int32(n), errnoOf(err)
}

// Datagram is what one sendmsg(2) or recvmsg(2) moves beside its data.
type Datagram struct {
	Addr    []byte // to or from; of a message received it is cut to what came
	Control []byte // control messages, aligned; of a message received cut likewise
	Flags   int    // MSG_TRUNC and so on, of a message received
}

// header fills in a struct msghdr. iov must live as long as it.
func header(pieces [][]byte, iov *[iovMax]unix.Iovec, d *Datagram) unix.Msghdr {
	n := 0
	for _, p := range pieces {
		if len(p) > 0 && n < iovMax {
			iov[n].Base, iov[n].Len = &p[0], uint64(len(p))
			n++
		}
	}
	msg := unix.Msghdr{Iov: &iov[0], Iovlen: uint64(n)}
	if len(d.Addr) > 0 {
		msg.Name, msg.Namelen = &d.Addr[0], uint32(len(d.Addr))
	}
	if len(d.Control) > 0 {
		msg.Control = &d.Control[0]
		msg.SetControllen(len(d.Control))
	}
	return msg
}

// SendPieces is sendmsg(2) of the first iovMax pieces; MSG_DONTWAIT and MSG_NOSIGNAL are added.
func SendPieces(fd int, pieces [][]byte, d *Datagram, flags int) (int, linux.Errno) {
	var iov [iovMax]unix.Iovec
	msg := header(pieces, &iov, d)
	for {
		// Safe: msg holds everything, and lives until the call is over.
		n, _, e := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL))
		if e == 0 {
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, linux.Errno(e)
		}
	}
}

// RecvPieces is recvmsg(2) into the first iovMax pieces; MSG_DONTWAIT is added. d comes with room for what it
// is to hold.
func RecvPieces(fd int, pieces [][]byte, d *Datagram, flags int) (int, linux.Errno) {
	var iov [iovMax]unix.Iovec
	msg := header(pieces, &iov, d)
	for {
		// Safe: as in SendPieces; the host writes no more than the lengths.
		n, _, e := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC))
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, linux.Errno(e)
		}
		d.Addr = d.Addr[:min(int(msg.Namelen), len(d.Addr))]
		d.Control = d.Control[:min(int(msg.Controllen), len(d.Control))]
		d.Flags = int(msg.Flags)
		return int(n), 0
	}
}
