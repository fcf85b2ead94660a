package syscalls

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_SOCKET:      {"socket", "int hex int", socketCall, ""},
		linux.SYS_SOCKETPAIR:  {"socketpair", "int hex int hex", socketpair, ""},
		linux.SYS_BIND:        {"bind", "fd hex int", bind, ""},
		linux.SYS_LISTEN:      {"listen", "fd int", listen, ""},
		linux.SYS_ACCEPT:      {"accept", "fd hex hex", accept, ""},
		linux.SYS_ACCEPT4:     {"accept4", "fd hex hex hex", accept4, ""},
		linux.SYS_CONNECT:     {"connect", "fd hex int", connect, ""},
		linux.SYS_GETSOCKNAME: {"getsockname", "fd hex hex", getsockname, ""},
		linux.SYS_GETPEERNAME: {"getpeername", "fd hex hex", getpeername, ""},
		linux.SYS_SHUTDOWN:    {"shutdown", "fd int", shutdown, ""},
		linux.SYS_SETSOCKOPT:  {"setsockopt", "fd int int hex int", setsockopt, ""},
		linux.SYS_GETSOCKOPT:  {"getsockopt", "fd int int hex hex", getsockopt, ""},
	})
}

// sock finds the socket fd, with a reference on its file: ENOTSOCK if it is something else.
func sock(t *kernel.Task, fd int32) (socket.Socket, *vfs.File, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, nil, errno
	}
	s, errno := socket.Of(f)
	if errno != 0 {
		f.Put()
		return nil, nil, errno
	}
	return s, f, 0
}

// sockType takes SOCK_CLOEXEC and SOCK_NONBLOCK off a type: EINVAL for other flags.
func sockType(v uint32) (typ int, flags uint32, errno linux.Errno) {
	flags = v &^ linux.SOCK_TYPE_MASK
	if flags&^(linux.SOCK_CLOEXEC|linux.SOCK_NONBLOCK) != 0 {
		return 0, 0, linux.EINVAL
	}
	return int(v & linux.SOCK_TYPE_MASK), flags, 0
}

// installSocket gives s a file and a descriptor.
func installSocket(t *kernel.Task, s socket.Socket, flags uint32) (int32, linux.Errno) {
	return t.Install(socket.Open(t, s, flags), flags&linux.SOCK_CLOEXEC != 0)
}

// socketCall is socket(2).
func socketCall(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	typ, flags, errno := sockType(a.Uint(1))
	if errno != 0 {
		return 0, errno
	}
	s, errno := socket.New(t, t.Namespaces().Net, int(a.Int(0)), typ, int(a.Int(2)))
	if errno != 0 {
		return 0, errno
	}
	fd, errno := installSocket(t, s, flags)
	return uintptr(fd), errno
}

// socketpair is socketpair(2).
func socketpair(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	typ, flags, errno := sockType(a.Uint(1))
	if errno != 0 {
		return 0, errno
	}
	var s [2]socket.Socket
	for i := range s {
		if s[i], errno = socket.New(t, t.Namespaces().Net, int(a.Int(0)), typ, int(a.Int(2))); errno != 0 {
			return 0, errno
		}
	}
	p, ok := s[0].(socket.Pairer)
	if !ok {
		return 0, linux.EOPNOTSUPP
	}
	if errno := p.Pair(t, s[1]); errno != 0 {
		return 0, errno
	}
	second := socket.Open(t, s[1], flags)
	var fds [2]int32
	if fds[0], errno = installSocket(t, s[0], flags); errno != 0 {
		second.Put()
		return 0, errno
	}
	if fds[1], errno = t.Install(second, flags&linux.SOCK_CLOEXEC != 0); errno == 0 {
		if errno = usermem.CopyOutInts(t.Space(), a.Addr(3), fds[:]); errno == 0 {
			return 0, 0
		}
		t.Files().Close(t, fds[1])
	}
	t.Files().Close(t, fds[0])
	return 0, errno
}

// sockaddrIn copies in an address of n bytes (move_addr_to_kernel).
func sockaddrIn(t *kernel.Task, addr usermem.Addr, n int32) ([]byte, linux.Errno) {
	if n < 0 || n > linux.SizeofSockaddrStorage {
		return nil, linux.EINVAL
	}
	b := make([]byte, n)
	_, errno := t.Space().CopyIn(addr, b)
	return b, errno
}

// sockaddrOut stores an address, cut at the length at lenAddr, and its true length there
// (move_addr_to_user).
func sockaddrOut(t *kernel.Task, b []byte, addr, lenAddr usermem.Addr) linux.Errno {
	n, errno := usermem.CopyInInt[int32](t.Space(), lenAddr)
	switch {
	case errno != 0:
		return errno
	case n < 0:
		return linux.EINVAL
	}
	if cut := b[:min(int(n), len(b))]; len(cut) > 0 {
		if _, errno := t.Space().CopyOut(addr, cut); errno != 0 {
			return errno
		}
	}
	return usermem.CopyOutInt(t.Space(), lenAddr, int32(len(b)))
}

// bind is bind(2).
func bind(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	addr, errno := sockaddrIn(t, a.Addr(1), a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	return ret(s.Bind(t, addr))
}

// listen is listen(2). The backlog is an unsigned number for the limit's sake, as in Linux.
func listen(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	l, ok := s.(socket.Listener)
	if !ok {
		return 0, linux.EOPNOTSUPP
	}
	return ret(l.Listen(t, int(min(a.Uint(1), linux.SOMAXCONN))))
}

// accept is accept(2).
func accept(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doAccept(t, a.Int(0), a.Addr(1), a.Addr(2), 0)
}

// accept4 is accept4(2).
func accept4(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doAccept(t, a.Int(0), a.Addr(1), a.Addr(2), a.Uint(3))
}

func doAccept(t *kernel.Task, fd int32, addr, lenAddr usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	if flags&^(linux.SOCK_CLOEXEC|linux.SOCK_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	s, f, errno := sock(t, fd)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	l, ok := s.(socket.Listener)
	if !ok {
		return 0, linux.EOPNOTSUPP
	}
	if errno := t.Files().Room(t); errno != 0 { // the connection stays (__sys_accept4_file)
		return 0, errno
	}
	n, errno := l.Accept(t, f.NonBlocking())
	if errno != 0 {
		return 0, errno
	}
	file := socket.Open(t, n, flags)
	if addr != 0 {
		name, errno := n.Name(true)
		if errno == linux.ENOTCONN {
			errno = linux.ECONNABORTED
		}
		if errno == 0 {
			errno = sockaddrOut(t, name, addr, lenAddr)
		}
		if errno != 0 {
			file.Put()
			return 0, errno
		}
	}
	file.Get()
	defer file.Put()
	nfd, errno := t.Install(file, flags&linux.SOCK_CLOEXEC != 0)
	if errno == 0 {
		t.HasAccepted(file, nfd)
	}
	return uintptr(nfd), errno
}

// connect is connect(2).
func connect(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	addr, errno := sockaddrIn(t, a.Addr(1), a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	return ret(s.Connect(t, addr, f.NonBlocking()))
}

// getsockname is getsockname(2).
func getsockname(t *kernel.Task, a Args) (uintptr, linux.Errno) { return sockname(t, a, false) }

// getpeername is getpeername(2).
func getpeername(t *kernel.Task, a Args) (uintptr, linux.Errno) { return sockname(t, a, true) }

func sockname(t *kernel.Task, a Args, peer bool) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	name, errno := s.Name(peer)
	if errno != 0 {
		return 0, errno
	}
	return ret(sockaddrOut(t, name, a.Addr(1), a.Addr(2)))
}

// shutdown is shutdown(2).
func shutdown(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	how := a.Int(1)
	if how < linux.SHUT_RD || how > linux.SHUT_RDWR {
		return 0, linux.EINVAL
	}
	return ret(s.Shutdown(int(how)))
}

// maxOption bounds the values of options.
const maxOption = 4096

// setsockopt is setsockopt(2).
func setsockopt(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	n := a.Int(4)
	if n < 0 {
		return 0, linux.EINVAL
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	value := make([]byte, min(n, maxOption))
	if _, errno := t.Space().CopyIn(a.Addr(3), value); errno != 0 {
		return 0, errno
	}
	level, name := int(a.Int(1)), int(a.Int(2))
	if level == linux.SOL_SOCKET {
		return ret(s.Common().Set(t, name, value))
	}
	if o, ok := s.(socket.Optioner); ok {
		return ret(o.SetOption(t, level, name, value))
	}
	return 0, linux.EOPNOTSUPP
}

// getsockopt is getsockopt(2).
func getsockopt(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	level, name := int(a.Int(1)), int(a.Int(2))
	o, special := s.(socket.Optioner)
	if level != linux.SOL_SOCKET && !special {
		return 0, linux.EOPNOTSUPP
	}
	n, errno := usermem.CopyInInt[int32](t.Space(), a.Addr(4))
	switch {
	case errno != 0:
		return 0, errno
	case n < 0:
		return 0, linux.EINVAL
	}
	var value []byte
	switch {
	case level != linux.SOL_SOCKET:
		if q, ok := s.(socket.Asker); ok {
			question := make([]byte, min(n, maxOption))
			if _, errno := t.Space().CopyIn(a.Addr(3), question); errno != 0 {
				return 0, errno
			}
			var known bool
			if value, errno, known = q.OptionFor(level, name, question); known {
				break
			}
		}
		value, errno = o.Option(t, level, name, int(min(n, maxOption)))
		if errno != 0 && len(value) > 0 { // how much room it needs
			if errno := usermem.CopyOutInt(t.Space(), a.Addr(4), int32(len(value))); errno != 0 {
				return 0, errno
			}
		}
	case name == linux.SO_PEERNAME:
		if value, errno = s.Name(true); errno == 0 && len(value) < int(n) {
			errno = linux.EINVAL
		}
	case name == linux.SO_GET_FILTER:
		return ret(getFilter(t, s.Common().Filter(), a.Addr(3), a.Addr(4), n))
	case name == linux.SO_PEERGROUPS:
		return ret(peerGroups(t, s.Common(), a.Addr(3), a.Addr(4), n))
	case name == linux.SO_PEERCRED:
		value = peerCred(t, s.Common().Peer.Load())
	case name == linux.SO_PEERPIDFD:
		value, errno = peerPidfd(t, s.Common().Peer.Load())
	default:
		if value, errno = s.Common().Get(name); (name == linux.SO_COOKIE || name == linux.SO_NETNS_COOKIE) && n < 8 {
			errno = linux.EINVAL
		}
	}
	if errno != 0 {
		return 0, errno
	}
	value = value[:min(len(value), int(n))]
	if _, errno := t.Space().CopyOut(a.Addr(3), value); errno != 0 {
		return 0, errno
	}
	return ret(usermem.CopyOutInt(t.Space(), a.Addr(4), int32(len(value))))
}

// getFilter is SO_GET_FILTER, whose lengths are in instructions: EINVAL if there is not room for all (sk_get_filter).
func getFilter(t *kernel.Task, raw []byte, addr, lenAddr usermem.Addr, n int32) linux.Errno {
	count := int32(len(raw) / 8)
	if n > 0 && n < count {
		return linux.EINVAL
	}
	if n > 0 {
		if _, errno := t.Space().CopyOut(addr, raw); errno != 0 {
			return errno
		}
	}
	return usermem.CopyOutInt(t.Space(), lenAddr, count)
}

// ucred is c in the caller's namespaces; of nobody if it is nil (cred_to_ucred).
func ucred(t *kernel.Task, c *socket.Cred) linux.Ucred {
	u := linux.Ucred{PID: 0, UID: ^uint32(0), GID: ^uint32(0)}
	if c == nil {
		return u
	}
	if p, ok := c.Process.(*kernel.PID); ok {
		u.PID = p.NrIn(t.PIDNS())
	}
	u.UID, u.GID = t.Cred().NS.FromKernelUID(c.UID), t.Cred().NS.FromKernelGID(c.GID)
	return u
}

func peerCred(t *kernel.Task, c *socket.Cred) []byte {
	u := ucred(t, c)
	return append([]byte(nil), usermem.Encode(&u)...)
}

// peerGroups is SO_PEERGROUPS: ERANGE, with the length it needs, if there is no room.
func peerGroups(t *kernel.Task, s *socket.Base, addr, lenAddr usermem.Addr, n int32) linux.Errno {
	c := s.Peer.Load()
	if c == nil {
		return linux.ENODATA
	}
	need := int32(4 * len(c.Groups))
	if errno := usermem.CopyOutInt(t.Space(), lenAddr, need); errno != 0 {
		return errno
	}
	if n < need {
		return linux.ERANGE
	}
	gids := make([]uint32, len(c.Groups))
	for i, g := range c.Groups {
		gids[i] = t.Cred().NS.FromKernelGID(g)
	}
	return usermem.CopyOutInts(t.Space(), addr, gids)
}

// peerPidfd is SO_PEERPIDFD.
func peerPidfd(t *kernel.Task, c *socket.Cred) ([]byte, linux.Errno) {
	if c == nil || c.Process == nil {
		return nil, linux.ENODATA
	}
	f, errno := t.PidfdFile(c.Process.(*kernel.PID))
	if errno != 0 {
		return nil, errno
	}
	fd, errno := t.Install(f, true)
	return binary.LittleEndian.AppendUint32(nil, uint32(fd)), errno
}

// socketOwner is FIOSETOWN, FIOGETOWN and their other names: F_SETOWN and F_GETOWN through memory.
func socketOwner(t *kernel.Task, f *vfs.File, cmd uint32, addr usermem.Addr) linux.Errno {
	if cmd == linux.FIOGETOWN || cmd == linux.SIOCGPGRP {
		kind, id := t.Owner(f)
		if kind == linux.F_OWNER_PGRP {
			id = -id
		}
		return usermem.CopyOutInt(t.Space(), addr, id)
	}
	id, errno := usermem.CopyInInt[int32](t.Space(), addr)
	switch {
	case errno != 0:
		return errno
	case id == -1<<31:
		return linux.EINVAL
	case id < 0:
		return t.SetOwner(f, linux.F_OWNER_PGRP, -id)
	}
	return t.SetOwner(f, linux.F_OWNER_PID, id)
}
