// Package hostinet is sockets of AF_INET and AF_INET6 that are sockets of the host: streams and
// datagrams, for a sandbox with --network=host. The sentry's process is in the network namespace that
// the application is to have; what a call means is the host's affair, waiting and rights are ours.
//
// The host's sockets never block. One epoll instance of the host tells when something happened
// to one of them. Namespaces that the application makes have nothing to do with the host: there
// the sandbox's own stack (package inet) is used.
package hostinet

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/socket/inet"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Register has sockets of the Internet in ns made on the host, and packet sockets refused. Those of other
// namespaces are made as before.
func Register(ns socket.Namespace) {
	for _, family := range []int{linux.AF_INET, linux.AF_INET6, linux.AF_PACKET} {
		other := socket.MakerOf(family)
		socket.Register(family, func(c socket.Caller, in socket.Namespace, typ, protocol int) (socket.Socket, linux.Errno) {
			if in != ns {
				return other(c, in, typ, protocol)
			}
			return newSocket(ns, family, typ, protocol)
		})
	}
}

// Socket is a socket of the host.
type Socket struct {
	socket.Base
	fd    int
	queue wait.Queue
	// control is set once an option may have control messages come with what is received.
	control atomic.Bool
}

func newSocket(ns socket.Namespace, family, typ, protocol int) (socket.Socket, linux.Errno) {
	switch {
	case protocol < 0 || protocol >= linux.IPPROTO_MAX:
		return nil, linux.EINVAL
	case typ == linux.SOCK_RAW, family == linux.AF_PACKET:
		return nil, linux.EPERM
	case typ != linux.SOCK_STREAM && typ != linux.SOCK_DGRAM:
		return nil, linux.ESOCKTNOSUPPORT
	}
	fd, errno := host.InetSocket(family, typ, protocol)
	if errno != 0 {
		return nil, errno
	}
	if protocol == 0 {
		protocol = linux.IPPROTO_TCP
		if typ == linux.SOCK_DGRAM {
			protocol = linux.IPPROTO_UDP
		}
	}
	return wrap(ns, fd, family, typ, protocol)
}

// wrap makes a socket of a host's, which it takes over.
func wrap(ns socket.Namespace, fd, family, typ, protocol int) (*Socket, linux.Errno) {
	s := &Socket{fd: fd}
	s.Init(ns, family, typ, protocol)
	s.Own = s
	if errno := watch(s); errno != 0 {
		host.Close(fd)
		return nil, errno
	}
	return s, 0
}

// Bind is bind(2). Who may have a port below 1024 is our own question: the sentry may.
func (s *Socket) Bind(c socket.Caller, addr []byte) linux.Errno {
	if len(addr) >= 4 && family(addr) != linux.AF_UNSPEC {
		port := binary.BigEndian.Uint16(addr[2:])
		if port != 0 && port < firstUnprivileged && !c.Cred().Has(linux.CAP_NET_BIND_SERVICE) {
			return linux.EACCES
		}
	}
	return host.Bind(s.fd, addr)
}

// firstUnprivileged is net.ipv4.ip_unprivileged_port_start's usual value.
const firstUnprivileged = 1024

func family(addr []byte) int { return int(binary.NativeEndian.Uint16(addr)) }

// Connect is connect(2). The host's is asked until it has a result, as the application would.
func (s *Socket) Connect(c socket.Caller, addr []byte, nonblock bool) linux.Errno {
	first := linux.Errno(0)
	_, errno := socket.Wait(c, &s.queue, wait.Out, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		errno := host.Connect(s.fd, addr)
		if errno != linux.EINPROGRESS && errno != linux.EALREADY {
			return 0, errno
		}
		if first == 0 {
			first = errno
		}
		return 0, linux.EAGAIN
	})
	if errno == linux.EAGAIN && first != 0 {
		return first
	}
	return errno
}

// Listen is listen(2).
func (s *Socket) Listen(_ socket.Caller, backlog int) linux.Errno {
	errno := host.Listen(s.fd, backlog)
	if errno == 0 {
		s.Listening.Store(true)
	}
	return errno
}

// Accept is accept(2).
func (s *Socket) Accept(c socket.Caller, nonblock bool) (socket.Socket, linux.Errno) {
	fd, errno := socket.Wait(c, &s.queue, wait.In, nonblock, s.RcvTime.Load(), func() (int, linux.Errno) {
		return host.AcceptNonblock(s.fd)
	})
	if errno != 0 {
		return nil, errno
	}
	n, errno := wrap(s.NS, fd, s.Family, s.Type, s.Protocol)
	if errno != 0 {
		return nil, errno
	}
	n.Inherit(&s.Base)
	n.control.Store(s.control.Load())
	return n, 0
}

// Name is getsockname(2) and getpeername(2).
func (s *Socket) Name(peer bool) ([]byte, linux.Errno) { return host.SocketName(s.fd, peer) }

// Shutdown is shutdown(2).
func (s *Socket) Shutdown(how int) linux.Errno {
	errno := host.Shutdown(s.fd, how)
	s.queue.Notify(socket.EventAll)
	return errno
}

// Poll is vfs.Poller's.
func (s *Socket) Poll(*vfs.File) wait.Event {
	const events = socket.EventIn | socket.EventOut | wait.Pri | wait.RdHup
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: int16(events)}}
	if n, errno := host.Poll(fds, 0); errno != 0 || n == 0 {
		return 0
	}
	return wait.Event(uint16(fds[0].Revents))
}

// Queue is vfs.Poller's.
func (s *Socket) Queue(*vfs.File) *wait.Queue { return &s.queue }

// Stream marks it as without a position.
func (s *Socket) Stream() {}

// Waits marks it as doing its own waiting.
func (s *Socket) Waits() {}

// QuietPipe reports that a datagram nobody can read raises no SIGPIPE.
func (s *Socket) QuietPipe() bool { return s.Type != linux.SOCK_STREAM }

// Release is vfs.FileOps's. The host is told to linger only if that is to drop the connection: it would
// keep the thread that closes.
func (s *Socket) Release(*vfs.File) {
	unwatch(s)
	if on, seconds := s.Linger(); on && seconds == 0 {
		host.SetSocketOption(s.fd, linux.SOL_SOCKET, linux.SO_LINGER, usermem.Encode(&linux.Linger{Onoff: 1}))
	}
	host.Close(s.fd)
}

// Flush is vfs.Flusher's.
func (s *Socket) Flush(ctx vfs.Ctx, f *vfs.File) linux.Errno {
	if s.Protocol == linux.IPPROTO_TCP {
		s.WaitToEnd(ctx, f, &s.queue, s)
	}
	return 0
}

// End is socket.Ender's.
func (s *Socket) End() bool {
	if n, errno := host.SocketCount(s.fd, linux.SIOCINQ); errno != 0 || n > 0 {
		return false
	}
	return host.Shutdown(s.fd, linux.SHUT_WR) == 0 && s.Ending()
}

// Ending is socket.Ender's.
func (s *Socket) Ending() bool {
	const finWait1, lastAck, closing = 4, 9, 11 // include/net/tcp_states.h
	var info [1]byte                            // struct tcp_info begins with the state
	if n, errno := host.SocketOption(s.fd, linux.SOL_TCP, linux.TCP_INFO, info[:]); errno != 0 || n == 0 {
		return false
	}
	return info[0] == finWait1 || info[0] == lastAck || info[0] == closing
}

// Ioctl is vfs.Ioctler's.
func (s *Socket) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	switch cmd {
	case linux.SIOCINQ, linux.SIOCOUTQ, linux.SIOCOUTQNSD, linux.SIOCATMARK:
		n, errno := host.SocketCount(s.fd, uint(cmd))
		if errno != 0 {
			return 0, errno
		}
		return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), n)
	}
	return inet.Ioctl(ctx, &s.Base, cmd, arg)
}

// SetOwn is socket.OwnOptions's: the host has the options that mean something to it.
func (s *Socket) SetOwn(c socket.Caller, name int, value []byte) (linux.Errno, bool) {
	switch name {
	case linux.SO_ERROR, linux.SO_ACCEPTCONN, linux.SO_COOKIE, linux.SO_MEMINFO:
		return linux.ENOPROTOOPT, true
	case linux.SO_LINGER: // see Release
		return 0, false
	case linux.SO_ATTACH_FILTER, linux.SO_DETACH_FILTER, linux.SO_LOCK_FILTER: // programs are not handed through
		return linux.EOPNOTSUPP, true
	}
	errno := host.SetSocketOption(s.fd, linux.SOL_SOCKET, name, value)
	switch name {
	case linux.SO_TIMESTAMP_OLD, linux.SO_TIMESTAMPNS_OLD, linux.SO_TIMESTAMPING_OLD, linux.SO_RXQ_OVFL:
		s.control.Store(true)
	case linux.SO_RCVLOWAT:
		return errno, errno != 0 // it counts here as well
	}
	return errno, errno != linux.ENOPROTOOPT
}

// GetOwn is socket.OwnOptions's.
func (s *Socket) GetOwn(name int) ([]byte, linux.Errno, bool) {
	if name == linux.SO_LINGER {
		return nil, 0, false
	}
	b := make([]byte, maxOption)
	n, errno := host.SocketOption(s.fd, linux.SOL_SOCKET, name, b)
	return b[:min(n, len(b))], errno, errno != linux.ENOPROTOOPT
}

// maxOption is more than any option's value has: struct tcp_info's 248 bytes.
const maxOption = 512

// SetOption is socket.Optioner's.
func (s *Socket) SetOption(_ socket.Caller, level, name int, value []byte) linux.Errno {
	if level != linux.SOL_TCP || name == linux.TCP_INQ {
		s.control.Store(true)
	}
	return host.SetSocketOption(s.fd, level, name, value)
}

// Option is socket.Optioner's.
func (s *Socket) Option(_ socket.Caller, level, name, n int) ([]byte, linux.Errno) {
	b := make([]byte, min(n, maxOption))
	n, errno := host.SocketOption(s.fd, level, name, b)
	switch {
	case errno == 0:
		return b[:n], 0
	case n > len(b): // how much room it needs: TCP_SAVED_SYN
		return make([]byte, min(n, maxOption)), errno
	}
	return nil, errno
}

// watcher is the host's epoll instance, made when there is the first socket.
var watcher struct {
	mu      sync.Mutex
	fd      int
	sockets map[int32]*Socket
}

// watch has the queue of s notified of what happens to the host's socket.
func watch(s *Socket) linux.Errno {
	w := &watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sockets == nil {
		fd, errno := host.EpollCreate()
		if errno != 0 {
			return errno
		}
		w.fd, w.sockets = fd, map[int32]*Socket{}
		go notify(fd)
	}
	w.sockets[int32(s.fd)] = s
	const events = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLPRI | unix.EPOLLRDHUP | unix.EPOLLET
	errno := host.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: events & (1<<32 - 1), Fd: int32(s.fd)})
	if errno != 0 {
		delete(w.sockets, int32(s.fd))
	}
	return errno
}

func unwatch(s *Socket) {
	w := &watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sockets, int32(s.fd))
	host.EpollCtl(w.fd, unix.EPOLL_CTL_DEL, s.fd, &unix.EpollEvent{})
}

// notify passes the host's events on. One that comes late may meet another socket of the same
// number, which looks and finds nothing.
func notify(epfd int) {
	w := &watcher
	events := make([]unix.EpollEvent, 64)
	for {
		n, errno := host.EpollWait(epfd, events, -1)
		if errno != 0 && errno != linux.EINTR {
			return
		}
		for _, e := range events[:n] {
			w.mu.Lock()
			s := w.sockets[e.Fd]
			w.mu.Unlock()
			if s != nil {
				s.queue.Notify(wait.Event(e.Events) & wait.All)
			}
		}
	}
}
