// Package netlink is sockets of the family AF_NETLINK (netlink(7), net/netlink/af_netlink.c):
// requests to the kernel about its network, answered at once into the socket's own queue, and
// news for those who joined a group.
package netlink

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Register makes the family known.
func Register() {
	socket.Register(linux.AF_NETLINK, newSocket)
	socket.RegisterDiag(linux.AF_NETLINK, diagNetlink)
}

// ports are the sockets of a network namespace that have a port, by protocol.
type ports struct {
	mu    lock.Mutex[lock.NetlinkPorts]
	taken map[portKey]*Socket
	rover uint32

	devices *device.Table
	ids     nsids
}

// portsOf are those of a namespace, which are told of its interfaces from the first call on.
func portsOf(ns socket.Namespace) *ports {
	d := socket.Devices(ns)
	return ns.Get("netlink", func() any {
		p := &ports{taken: map[portKey]*Socket{}, rover: lastRover, devices: d}
		d.Watch(p.event)
		return p
	}).(*ports)
}

// lastRover is the first port that is given to who cannot have its process id.
const lastRover = 1<<32 - 4096

type portKey struct {
	protocol int
	port     uint32
}

// Socket is a netlink socket.
type Socket struct {
	socket.Base
	ports *ports
	queue wait.Queue
	read  lock.Mutex[lock.NetlinkRead] // one receiver at a time

	mu       lock.Mutex[lock.Netlink]
	bound    bool
	port     uint32
	groups   uint64 // bit n-1: group n
	dst      linux.SockaddrNl
	messages []message
	charged  int
	options  uint32 // bit n: the on-off option n
}

// message is one datagram.
type message struct {
	data   []byte
	port   uint32 // of the sender, 0 for the kernel
	groups uint32
	cred   *socket.Cred
}

func newSocket(_ socket.Caller, ns socket.Namespace, typ, protocol int) (socket.Socket, linux.Errno) {
	if typ != linux.SOCK_RAW && typ != linux.SOCK_DGRAM {
		return nil, linux.ESOCKTNOSUPPORT
	}
	if protocol != linux.NETLINK_ROUTE && protocol != linux.NETLINK_KOBJECT_UEVENT && protocol != linux.NETLINK_SOCK_DIAG && protocol != linux.NETLINK_USERSOCK {
		return nil, linux.EPROTONOSUPPORT
	}
	s := &Socket{ports: portsOf(ns)}
	s.Init(ns, linux.AF_NETLINK, typ, protocol)
	return s, 0
}

// Stream marks it as without a position; Waits as doing its own waiting.
func (s *Socket) Stream() {}

// Waits marks it.
func (s *Socket) Waits() {}

// QuietPipe reports that it raises no SIGPIPE.
func (s *Socket) QuietPipe() bool { return true }

// Read is vfs.FileOps's.
func (s *Socket) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Read(ctx, s, f, dst)
}

// Write is vfs.FileOps's.
func (s *Socket) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Write(ctx, s, f, src)
}

// Release is vfs.FileOps's.
func (s *Socket) Release(*vfs.File) {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	if k := (portKey{s.Protocol, s.port}); s.ports.taken[k] == s {
		delete(s.ports.taken, k)
	}
}

// Queue is vfs.Poller's.
func (s *Socket) Queue(*vfs.File) *wait.Queue { return &s.queue }

// Poll is vfs.Poller's.
func (s *Socket) Poll(*vfs.File) wait.Event {
	got := socket.EventOut
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.messages) > 0 {
		got |= socket.EventIn
	}
	if s.Error() != 0 {
		got |= wait.Err
	}
	return got
}

// Ioctl is vfs.Ioctler's.
func (s *Socket) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	return socket.Ioctl(ctx, &s.Base, cmd, arg)
}

// Shutdown is not possible.
func (s *Socket) Shutdown(int) linux.Errno { return linux.EOPNOTSUPP }

// parse decodes a struct sockaddr_nl.
func parse(addr []byte) (a linux.SockaddrNl, errno linux.Errno) {
	if !usermem.Decode(addr, &a) || a.Family != linux.AF_NETLINK {
		return a, linux.EINVAL
	}
	return a, 0
}

// Bind is bind(2): port 0 asks for any.
func (s *Socket) Bind(c socket.Caller, addr []byte) linux.Errno {
	a, errno := parse(addr)
	if errno != 0 {
		return errno
	}
	s.mu.Lock()
	bound := s.bound
	s.mu.Unlock()
	if errno := s.take(c, a.PID); errno != 0 {
		return errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if (a.PID != 0 || bound) && a.PID != s.port {
		return linux.EINVAL
	}
	s.groups = s.groups&^(1<<32-1) | uint64(a.Groups)
	return 0
}

// take gives s a port if it has none: the caller's process id, or one that nobody has
// (netlink_autobind).
func (s *Socket) take(c socket.Caller, port uint32) linux.Errno {
	p := s.ports
	p.mu.Lock()
	defer p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound {
		return 0
	}
	auto := port == 0
	if auto {
		port = uint32(c.PID())
	}
	for auto && (port == 0 || p.taken[portKey{s.Protocol, port}] != nil) {
		port = p.rover
		if p.rover--; p.rover < 1<<31 {
			p.rover = lastRover
		}
	}
	k := portKey{s.Protocol, port}
	if p.taken[k] != nil {
		return linux.EADDRINUSE
	}
	p.taken[k] = s
	s.port, s.bound = port, true
	return 0
}

// Connect is connect(2): it sets where to send.
func (s *Socket) Connect(c socket.Caller, addr []byte, _ bool) linux.Errno {
	if len(addr) < 2 {
		return linux.EINVAL
	}
	var a linux.SockaddrNl
	if binary.LittleEndian.Uint16(addr) != linux.AF_UNSPEC {
		var errno linux.Errno
		if a, errno = parse(addr); errno != 0 {
			return errno
		}
		if (a.PID != 0 || a.Groups != 0) && !s.maySendTo(c) {
			return linux.EPERM
		}
		if errno := s.take(c, 0); errno != 0 {
			return errno
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dst = a
	return 0
}

// maySendTo tells whether the caller may send to other sockets.
func (s *Socket) maySendTo(c socket.Caller) bool { return c.Cred().Has(linux.CAP_NET_ADMIN) }

// Name is getsockname(2), or of where it sends to getpeername(2).
func (s *Socket) Name(peer bool) ([]byte, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if peer {
		return sockaddr(s.dst.PID, s.dst.Groups), 0
	}
	return sockaddr(s.port, uint32(s.groups)), 0
}

func sockaddr(port, groups uint32) []byte {
	a := linux.SockaddrNl{Family: linux.AF_NETLINK, PID: port, Groups: groups}
	return append([]byte(nil), usermem.Encode(&a)...)
}

// Send is sendmsg(2): to port 0 a list of requests for the kernel.
func (s *Socket) Send(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if m.Flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	n := m.Data.Len()
	if n == 0 {
		return 0, linux.ENODATA
	}
	s.mu.Lock()
	dst := s.dst
	s.mu.Unlock()
	if len(m.Addr) > 0 {
		var errno linux.Errno
		if dst, errno = parse(m.Addr); errno != 0 {
			return 0, errno
		}
		if (dst.PID != 0 || dst.Groups != 0) && !s.maySendTo(c) {
			return 0, linux.EPERM
		}
	}
	if errno := s.take(c, 0); errno != 0 {
		return 0, errno
	}
	if n > int(s.SndBuf.Load())-32 {
		return 0, linux.EMSGSIZE
	}
	b := make([]byte, n)
	if _, errno := m.Data.CopyIn(b); errno != 0 {
		return 0, errno
	}
	switch {
	case dst.PID != 0:
		s.ports.mu.Lock()
		o := s.ports.taken[portKey{s.Protocol, dst.PID}]
		s.ports.mu.Unlock()
		if o == nil {
			return 0, linux.ECONNREFUSED
		}
		o.put(message{data: b, port: s.port, cred: socket.SenderCred(c)})
	case s.Protocol == linux.NETLINK_KOBJECT_UEVENT || s.Protocol == linux.NETLINK_USERSOCK:
		return 0, linux.ECONNREFUSED
	default:
		s.handle(c, b)
	}
	return n, 0
}

// put queues a message. If there is no room it is lost, and the next receive told (ENOBUFS).
func (s *Socket) put(m message) {
	n, taken := s.Cut(m.data)
	if !taken {
		return
	}
	m.data = m.data[:n]
	s.mu.Lock()
	if s.charged > int(s.RcvBuf.Load()) {
		s.mu.Unlock()
		s.SetError(linux.ENOBUFS)
		s.queue.Notify(wait.Err)
		return
	}
	s.charged += len(m.data) + 512
	s.messages = append(s.messages, m)
	s.mu.Unlock()
	s.queue.Notify(socket.EventIn)
}

// broadcast queues a message with everybody in group.
func (p *ports) broadcast(protocol int, group uint, data []byte) {
	p.mu.Lock()
	var to []*Socket
	for k, s := range p.taken {
		if k.protocol == protocol && s.member(group) {
			to = append(to, s)
		}
	}
	p.mu.Unlock()
	for _, s := range to {
		s.put(message{data: data, groups: 1 << (group - 1), cred: &socket.Cred{}})
	}
}

// listened reports whether anybody is in a group of NETLINK_ROUTE.
func (p *ports) listened(group uint) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, s := range p.taken {
		if k.protocol == linux.NETLINK_ROUTE && s.member(group) {
			return true
		}
	}
	return false
}

func (s *Socket) member(group uint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups>>(group-1)&1 != 0
}

// Recv is recvmsg(2).
func (s *Socket) Recv(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if m.Flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	return socket.Wait(c, &s.queue, wait.In, m.Flags&linux.MSG_DONTWAIT != 0, s.RcvTime.Load(), func() (int, linux.Errno) {
		s.read.Lock()
		defer s.read.Unlock()
		if errno := s.TakeError(); errno != 0 {
			return 0, errno
		}
		s.mu.Lock()
		if len(s.messages) == 0 {
			s.mu.Unlock()
			return 0, linux.EAGAIN
		}
		msg := s.messages[0]
		if m.Flags&linux.MSG_PEEK == 0 {
			s.charged -= len(msg.data) + 512
			s.messages[0] = message{}
			if s.messages = s.messages[1:]; len(s.messages) == 0 {
				s.messages = nil
			}
		}
		s.mu.Unlock()
		return s.fill(m, &msg)
	})
}

func (s *Socket) fill(m *socket.Message, msg *message) (int, linux.Errno) {
	m.Addr, m.Cred = sockaddr(msg.port, msg.groups), msg.cred
	from := msg.data
	if len(from) > m.Data.Len() {
		from = from[:m.Data.Len()]
		m.OutFlags |= linux.MSG_TRUNC
	}
	if s.option(linux.NETLINK_PKTINFO) {
		group := uint32(0)
		for g := msg.groups; g != 0; g >>= 1 {
			group++
		}
		m.Other = append(m.Other, socket.Cmsg{Level: linux.SOL_NETLINK, Type: linux.NETLINK_PKTINFO, Data: binary.LittleEndian.AppendUint32(nil, group)})
	}
	if _, errno := m.Data.CopyOut(from); errno != 0 {
		return 0, linux.EFAULT
	}
	if m.Flags&linux.MSG_TRUNC != 0 {
		return len(msg.data), 0
	}
	return len(from), 0
}

func (s *Socket) option(name int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options>>name&1 != 0
}

// SetOption is socket.Optioner's.
func (s *Socket) SetOption(c socket.Caller, level, name int, value []byte) linux.Errno {
	if level != linux.SOL_NETLINK {
		return linux.ENOPROTOOPT
	}
	v := uint32(0)
	if len(value) >= 4 {
		v = binary.LittleEndian.Uint32(value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case linux.NETLINK_ADD_MEMBERSHIP, linux.NETLINK_DROP_MEMBERSHIP:
		if v == 0 || v > 64 {
			return linux.EINVAL
		}
		if s.groups |= 1 << (v - 1); name == linux.NETLINK_DROP_MEMBERSHIP {
			s.groups &^= 1 << (v - 1)
		}
		return 0
	case linux.NETLINK_LISTEN_ALL_NSID:
		if !c.Cred().Has(linux.CAP_NET_BROADCAST) {
			return linux.EPERM
		}
	case linux.NETLINK_PKTINFO, linux.NETLINK_BROADCAST_ERROR, linux.NETLINK_NO_ENOBUFS, linux.NETLINK_CAP_ACK, linux.NETLINK_EXT_ACK, linux.NETLINK_GET_STRICT_CHK:
	default:
		return linux.ENOPROTOOPT
	}
	if s.options |= 1 << name; v == 0 {
		s.options &^= 1 << name
	}
	return 0
}

// Option is socket.Optioner's.
func (s *Socket) Option(_ socket.Caller, level, name, n int) ([]byte, linux.Errno) {
	if level != linux.SOL_NETLINK {
		return nil, linux.ENOPROTOOPT
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case linux.NETLINK_PKTINFO, linux.NETLINK_BROADCAST_ERROR, linux.NETLINK_NO_ENOBUFS, linux.NETLINK_LISTEN_ALL_NSID, linux.NETLINK_CAP_ACK,
		linux.NETLINK_EXT_ACK, linux.NETLINK_GET_STRICT_CHK:
		if n < 4 {
			return nil, linux.EINVAL
		}
		return binary.LittleEndian.AppendUint32(nil, s.options>>name&1), 0
	case linux.NETLINK_LIST_MEMBERSHIPS:
		return binary.LittleEndian.AppendUint64(nil, s.groups)[:min(8, n&^3)], 0
	}
	return nil, linux.ENOPROTOOPT
}
