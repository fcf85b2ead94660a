package syscalls

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket/unix"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	const only = "AF_UNIX only"
	register(rows{
		linux.SYS_SOCKET:      {"socket", "int int int", socket, only},
		linux.SYS_SOCKETPAIR:  {"socketpair", "int int int hex", socketpair, ""},
		linux.SYS_BIND:        {"bind", "fd hex int", bind, only},
		linux.SYS_LISTEN:      {"listen", "fd int", listen, only},
		linux.SYS_ACCEPT:      {"accept", "fd hex hex", accept, only},
		linux.SYS_ACCEPT4:     {"accept4", "fd hex hex hex", accept4, only},
		linux.SYS_CONNECT:     {"connect", "fd hex int", connect, only},
		linux.SYS_GETSOCKNAME: {"getsockname", "fd hex hex", getsockname, only},
		linux.SYS_GETPEERNAME: {"getpeername", "fd hex hex", getpeername, only},
		linux.SYS_SHUTDOWN:    {"shutdown", "fd int", shutdown, only},
		linux.SYS_SETSOCKOPT:  {"setsockopt", "fd int int hex int", setsockopt, "SOL_SOCKET only"},
		linux.SYS_GETSOCKOPT:  {"getsockopt", "fd int int hex hex", getsockopt, "SOL_SOCKET only"},
	})
}

// sock finds the socket fd with a reference on its file: ENOTSOCK.
func sock(t *kernel.Task, fd int32) (*unix.Socket, *vfs.File, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, nil, errno
	}
	s := unix.Of(f)
	if s == nil {
		f.Put()
		return nil, nil, linux.ENOTSOCK
	}
	return s, f, 0
}

// unixNames are the abstract names of the caller's network namespace.
func unixNames(t *kernel.Task) *unix.Names {
	return t.Namespaces().Net.Get("unix", func() any { return unix.NewNames() }).(*unix.Names)
}

// socketArgs checks family and type of a new socket.
func socketArgs(a Args) (typ int, flags uint32, errno linux.Errno) {
	flags = a.Uint(1) &^ linux.SOCK_TYPE_MASK
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, 0, linux.EINVAL
	}
	if a.Int(0) != linux.AF_UNIX {
		return 0, 0, linux.EAFNOSUPPORT
	}
	return int(a.Uint(1) & linux.SOCK_TYPE_MASK), flags, 0
}

// socket is socket(2).
func socket(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	typ, flags, errno := socketArgs(a)
	if errno != 0 {
		return 0, errno
	}
	f, errno := unix.New(t, unixNames(t), typ, int(a.Int(2)), flags&linux.O_NONBLOCK)
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

// socketpair is socketpair(2).
func socketpair(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	typ, flags, errno := socketArgs(a)
	if errno != 0 {
		return 0, errno
	}
	x, y, errno := unix.Pair(t, unixNames(t), typ, int(a.Int(2)), flags&linux.O_NONBLOCK)
	if errno != 0 {
		return 0, errno
	}
	cloexec := flags&linux.O_CLOEXEC != 0
	xfd, errno := t.Install(x, cloexec)
	if errno != 0 {
		y.Put()
		return 0, errno
	}
	yfd, errno := t.Install(y, cloexec)
	if errno == 0 {
		if errno = usermem.CopyOutInts(t.Space(), a.Addr(3), []int32{xfd, yfd}); errno != 0 {
			t.Files().Close(t, yfd)
		}
	}
	if errno != 0 {
		t.Files().Close(t, xfd)
	}
	return 0, errno
}

// maxSockaddr is the size of struct sockaddr_storage.
const maxSockaddr = 128

// sockaddr copies in an address: its family and what follows.
func sockaddr(t *kernel.Task, addr usermem.Addr, n int32) (family uint16, rest []byte, errno linux.Errno) {
	if n < 0 || n > maxSockaddr {
		return 0, nil, linux.EINVAL
	}
	b := make([]byte, n)
	if _, errno := t.Space().CopyIn(addr, b); errno != 0 {
		return 0, nil, errno
	}
	if n < 2 {
		return 0, nil, linux.EINVAL
	}
	return binary.LittleEndian.Uint16(b), b[2:], 0
}

// unixAddr copies in an AF_UNIX address; disconnect is AF_UNSPEC.
func unixAddr(t *kernel.Task, addr usermem.Addr, n int32) (a unix.Address, disconnect bool, errno linux.Errno) {
	family, rest, errno := sockaddr(t, addr, n)
	if errno != 0 {
		return a, false, errno
	}
	switch family {
	case linux.AF_UNSPEC:
		return a, true, 0
	case linux.AF_UNIX:
		a, errno = unix.ParseAddress(rest)
		return a, false, errno
	}
	return a, false, linux.EINVAL
}

// putSockaddr stores an address as far as the caller's room goes, and its length.
func putSockaddr(t *kernel.Task, name string, addr, lenAddr usermem.Addr) linux.Errno {
	if addr == 0 {
		return 0
	}
	s := t.Space()
	room, errno := usermem.CopyInInt[int32](s, lenAddr)
	if errno != 0 {
		return errno
	}
	if room < 0 {
		return linux.EINVAL
	}
	b := append([]byte{linux.AF_UNIX, 0}, name...)
	if _, errno := s.CopyOut(addr, b[:min(len(b), int(room))]); errno != 0 {
		return errno
	}
	return usermem.CopyOutInt(s, lenAddr, int32(len(b)))
}

// bind is bind(2).
func bind(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	addr, unspec, errno := unixAddr(t, a.Addr(1), a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	if unspec {
		return 0, linux.EINVAL
	}
	at := t.FS().At()
	defer at.Put()
	return ret(s.Bind(t, at, addr, 0o777&^t.FS().Umask()))
}

// listen is listen(2).
func listen(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return ret(s.Listen(t, int(a.Int(1))))
}

// accept is accept(2) without flags.
func accept(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doAccept(t, a, 0) }

// accept4 is accept4(2).
func accept4(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doAccept(t, a, a.Uint(3)) }

func doAccept(t *kernel.Task, a Args, flags uint32) (uintptr, linux.Errno) {
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	nf, n, errno := s.Accept(t, f.NonBlocking(), flags&linux.O_NONBLOCK)
	if errno != 0 {
		return 0, errno
	}
	name, _ := n.PeerName()
	if errno := putSockaddr(t, name, a.Addr(1), a.Addr(2)); errno != 0 {
		nf.Put()
		return 0, errno
	}
	fd, errno := t.Install(nf, flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

// connect is connect(2).
func connect(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	addr, disconnect, errno := unixAddr(t, a.Addr(1), a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	at := t.FS().At()
	defer at.Put()
	return ret(s.Connect(t, at, addr, disconnect, f.NonBlocking()))
}

// getsockname is getsockname(2).
func getsockname(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return ret(putSockaddr(t, s.Name(), a.Addr(1), a.Addr(2)))
}

// getpeername is getpeername(2).
func getpeername(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	name, errno := s.PeerName()
	if errno != 0 {
		return 0, errno
	}
	return ret(putSockaddr(t, name, a.Addr(1), a.Addr(2)))
}

// shutdown is shutdown(2).
func shutdown(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return ret(s.Shutdown(int(a.Int(1))))
}

// setsockopt is setsockopt(2).
func setsockopt(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	n := a.Int(4)
	switch {
	case n < 0:
		return 0, linux.EINVAL
	case a.Int(1) != linux.SOL_SOCKET:
		return 0, linux.EOPNOTSUPP
	}
	mem := t.Space()
	switch opt := int(a.Int(2)); opt {
	case linux.SO_RCVTIMEO, linux.SO_SNDTIMEO:
		if n < 16 {
			return 0, linux.EINVAL
		}
		tv, errno := usermem.CopyIn[linux.Timeval](mem, a.Addr(3))
		if errno != 0 {
			return 0, errno
		}
		if tv.Usec < 0 || tv.Usec >= 1_000_000 {
			return 0, linux.EDOM
		}
		s.SetTimeout(opt == linux.SO_RCVTIMEO, max(tv.Nanos(), 0))
		return 0, 0
	case linux.SO_LINGER:
		if n < 8 {
			return 0, linux.EINVAL
		}
		_, errno := usermem.CopyInInt[uint64](mem, a.Addr(3))
		return 0, errno
	default:
		if n < 4 {
			return 0, linux.EINVAL
		}
		v, errno := usermem.CopyInInt[int32](mem, a.Addr(3))
		if errno != 0 {
			return 0, errno
		}
		return ret(s.SetInt(opt, v, t.Cred().HasIn(t.Kernel().UserNS, linux.CAP_NET_ADMIN)))
	}
}

// getsockopt is getsockopt(2).
func getsockopt(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if a.Int(1) != linux.SOL_SOCKET {
		return 0, linux.EOPNOTSUPP
	}
	room, errno := usermem.CopyInInt[int32](t.Space(), a.Addr(4))
	if errno != 0 {
		return 0, errno
	}
	if room < 0 {
		return 0, linux.EINVAL
	}
	var b []byte
	le := binary.LittleEndian
	switch opt := int(a.Int(2)); opt {
	case linux.SO_RCVTIMEO, linux.SO_SNDTIMEO:
		tv := linux.TimevalOf(s.Timeout(opt == linux.SO_RCVTIMEO))
		b = le.AppendUint64(le.AppendUint64(nil, uint64(tv.Sec)), uint64(tv.Usec))
	case linux.SO_LINGER:
		b = make([]byte, 8)
	case linux.SO_PEERCRED:
		u := linux.Ucred{UID: ^uint32(0), GID: ^uint32(0)}
		if c, ok := s.PeerCred(); ok {
			ns := t.Cred().NS
			u = linux.Ucred{PID: c.PID, UID: ns.FromKernelUID(c.UID), GID: ns.FromKernelGID(c.GID)}
		}
		b = append(b, usermem.Encode(&u)...)
	default:
		v, errno := s.Int(opt)
		if errno != 0 {
			return 0, errno
		}
		b = le.AppendUint32(nil, uint32(v))
	}
	b = b[:min(len(b), int(room))]
	if _, errno := t.Space().CopyOut(a.Addr(3), b); errno != 0 {
		return 0, errno
	}
	return ret(usermem.CopyOutInt(t.Space(), a.Addr(4), int32(len(b))))
}

// restartable makes of an interrupted call with a time-out EINTR: Linux restarts only those
// that wait for ever.
func restartable(s *unix.Socket, read bool, errno linux.Errno) linux.Errno {
	if errno == linux.ERESTARTSYS && s.Timeout(read) != 0 {
		return linux.EINTR
	}
	return errno
}
