package inet

import (
	"net/netip"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Dgram is a socket of UDP, of echo requests, or a raw one.
type Dgram struct {
	common
	ep *dgram.Endpoint

	mu     sync.Mutex
	shut   uint8
	link   int32  // of a link-local peer
	corked []byte // what UDP_CORK and MSG_MORE hold back; nil: nothing
	corkTo dgram.SendOptions
}

func newDgram(c socket.Caller, ns socket.Namespace, n *Net, family, typ, protocol int, kind dgram.Kind) *Dgram {
	s := &Dgram{}
	s.net, s.v6 = n, family == linux.AF_INET6
	s.Init(ns, family, typ, protocol)
	s.opt.init(n, s.v6)
	s.Own = s
	s.ep = n.UDP.New(kind, uint8(protocol), s.v6, s, uint32(c.Cred().Fsuid))
	if !kind.HasPorts() { // those of IPv6 do nothing else
		s.ep.SetOnly(true)
	} else {
		s.ep.SetOnly(s.opt.v6only.Load())
	}
	if !kind.HasPorts() { // INET_PROTOSW_REUSE
		s.Set(c, linux.SO_REUSEADDR, int32Bytes(1))
	}
	if kind == dgram.Raw && protocol == linux.IPPROTO_RAW {
		s.opt.hdrincl.Store(true)
	}
	if kind == dgram.Raw && s.v6 && protocol == linux.IPPROTO_ICMPV6 {
		s.opt.checksum = 2
	}
	return s
}

func (s *Dgram) setRange(r uint32) { s.ep.SetRange(r) }

func (s *Dgram) port() uint16 { return s.ep.Local().Port() }

// Buffers is stack.Owner's.
func (s *Dgram) Buffers() (snd, rcv int) { return int(s.SndBuf.Load()), int(s.RcvBuf.Load()) }

// Bind is bind(2).
func (s *Dgram) Bind(c socket.Caller, addr []byte) linux.Errno {
	a, errno := s.parseBind(c, addr, s.ep.BoundLink())
	if errno != 0 {
		return errno
	}
	if a.link != 0 {
		s.ep.SetLink(a.link)
	}
	if a.Port() == 0 && s.opt.noPort() && s.ep.Kind.HasPorts() {
		return s.ep.BindAddress(a.Addr())
	}
	return s.ep.Bind(a.AddrPort)
}

// Connect is connect(2): it never waits.
func (s *Dgram) Connect(c socket.Caller, addr []byte, _ bool) linux.Errno {
	if len(addr) < 2 {
		return linux.EINVAL
	}
	if family(addr) == linux.AF_UNSPEC {
		s.ep.Disconnect()
		return 0
	}
	if errno := s.ep.Autobind(); errno != 0 {
		return errno
	}
	a, errno := s.target(addr, false)
	if errno != 0 {
		return errno
	}
	if l := s.ep.Local().Addr(); l.IsValid() && l.Is4() && s.v6 && a.Addr().Is6() {
		return linux.EAFNOSUPPORT
	}
	link := a.link
	if link == 0 {
		link = s.ep.BoundLink()
	}
	if a.Addr().IsMulticast() && link == 0 {
		link = s.opt.multicastLink(a.Addr())
	}
	src := s.ep.Local().Addr()
	if src.IsValid() && src.IsUnspecified() {
		src = netip.Addr{}
	}
	p, errno := s.net.Stack.Path(a.Addr(), src, link)
	if errno != 0 {
		return errno
	}
	if p.Broadcast && !s.Flag(linux.SO_BROADCAST) {
		return linux.EACCES
	}
	s.mu.Lock()
	s.link = a.link
	s.mu.Unlock()
	return s.ep.Connect(a.AddrPort, p.Src)
}

// Name is getsockname(2) and getpeername(2).
func (s *Dgram) Name(peer bool) ([]byte, linux.Errno) {
	s.mu.Lock()
	link := s.link
	s.mu.Unlock()
	if !peer {
		return s.format(s.ep.Local(), s.ep.BoundLink()), 0
	}
	a, ok := s.ep.Remote()
	if !ok || a.Port() == 0 { // inet_getname
		return nil, linux.ENOTCONN
	}
	return s.format(a, link), 0
}

// Shutdown is shutdown(2): it has its effect even if there is no connection.
func (s *Dgram) Shutdown(how int) linux.Errno {
	s.mu.Lock()
	s.shut |= uint8(how + 1)
	s.mu.Unlock()
	s.queue.Notify(socket.EventAll)
	if _, ok := s.ep.Remote(); !ok {
		return linux.ENOTCONN
	}
	return 0
}

// maxDgram is the most that is copied in at once: more cannot be sent anyway.
const maxDgram = 65535

// Send is sendmsg(2).
func (s *Dgram) Send(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	n := m.Data.Len()
	if n > maxDgram {
		return 0, linux.EMSGSIZE
	}
	if s.zeroCopy(m) {
		m.Flags &^= linux.MSG_ZEROCOPY
		n, errno := s.Send(c, m)
		if errno == 0 {
			s.copied()
		}
		return n, errno
	}
	if m.Flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if errno := s.ep.Autobind(); errno != 0 { // inet_send_prepare: before anything that may be wrong
		return 0, errno
	}
	o, errno := s.sendOptions(m)
	if errno != 0 {
		return 0, errno
	}
	if errno := s.TakeError(); errno != 0 {
		return 0, errno
	}
	s.mu.Lock()
	shut := s.shut
	s.mu.Unlock()
	if shut&2 != 0 {
		return 0, linux.EPIPE
	}
	data := make([]byte, n)
	if _, errno := m.Data.CopyIn(data); errno != 0 {
		return 0, linux.EFAULT
	}
	if s.ep.Kind.HasPorts() {
		held, whole := s.cork(&o, data, s.opt.cork.Load() || m.Flags&linux.MSG_MORE != 0)
		if held {
			return n, 0
		}
		data = whole
	}
	if errno := s.ep.Send(&o, data); errno != 0 {
		return 0, errno
	}
	return n, 0
}

// cork keeps data back if more is to follow; else it returns it with what was kept.
func (s *Dgram) cork(o *dgram.SendOptions, data []byte, more bool) (held bool, whole []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.corked == nil && !more {
		return false, data
	}
	if s.corked == nil {
		s.corked, s.corkTo = make([]byte, 0, len(data)), *o
	}
	if len(s.corked)+len(data) <= maxDgram {
		s.corked = append(s.corked, data...)
	}
	if more {
		return true, nil
	}
	whole, *o = s.corked, s.corkTo
	s.corked = nil
	return false, whole
}

// uncork sends what was kept back.
func (s *Dgram) uncork() linux.Errno {
	s.mu.Lock()
	data, o := s.corked, s.corkTo
	s.corked = nil
	s.mu.Unlock()
	if data == nil {
		return 0
	}
	return s.ep.Send(&o, data)
}

// sendOptions collects how a message is to be sent: the address it names or the peer, and what options and
// control messages say.
func (s *Dgram) sendOptions(m *socket.Message) (o dgram.SendOptions, errno linux.Errno) {
	if m.Addr != nil && (len(m.Addr) > 0 || s.v6 || s.ep.Kind != dgram.Raw) { // raw_sendmsg alone looks at the length first
		a, errno := s.target(m.Addr, false)
		if errno != 0 {
			return o, errno
		}
		if a.Port() == 0 && s.ep.Kind.HasPorts() {
			return o, linux.EINVAL
		}
		o.To, o.Link = a.AddrPort, a.link
	} else {
		to, ok := s.ep.Remote()
		if !ok {
			return o, linux.EDESTADDRREQ
		}
		s.mu.Lock()
		o.To, o.Link = to, s.link
		s.mu.Unlock()
	}
	if !s.ep.Kind.HasPorts() && s.v6 && o.To.Addr().Is4() {
		return o, linux.EINVAL
	}
	s.opt.fill(&o)
	if errno := s.controlIn(m, &o); errno != 0 {
		return o, errno
	}
	if l := s.ep.BoundLink(); o.Link == 0 {
		o.Link = l
	}
	return o, 0
}

// Recv is recvmsg(2).
func (s *Dgram) Recv(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if m.Flags&linux.MSG_OOB != 0 && !s.ep.Kind.HasPorts() {
		return 0, linux.EOPNOTSUPP
	}
	if m.Flags&linux.MSG_ERRQUEUE != 0 {
		return s.recvError(m)
	}
	if p := s.ep.TakeMTU(); p != nil {
		s.recvMTU(m, p)
		return 0, 0
	}
	nonblock, peek := m.Flags&linux.MSG_DONTWAIT != 0, m.Flags&linux.MSG_PEEK != 0
	var d *dgram.Datagram
	skip := 0
	_, errno := socket.Wait(c, &s.queue, wait.In|wait.RdHup, nonblock, s.RcvTime.Load(), func() (int, linux.Errno) {
		if errno := s.TakeError(); errno != 0 {
			return 0, errno
		}
		if d, skip = s.next(peek); d != nil {
			return 0, 0
		}
		s.mu.Lock()
		shut := s.shut
		s.mu.Unlock()
		if shut&1 != 0 && !nonblock {
			return 0, 0
		}
		return 0, linux.EAGAIN
	})
	if d == nil {
		return 0, errno
	}
	from := d.Data[skip:]
	if len(from) > m.Data.Len() {
		from = from[:m.Data.Len()]
		m.OutFlags |= linux.MSG_TRUNC
	}
	if _, errno := m.Data.CopyOut(from); errno != 0 {
		return 0, linux.EFAULT
	}
	m.Addr = s.format(d.Src, d.Link)
	s.controlOut(m, d)
	n := len(from)
	if m.Flags&linux.MSG_TRUNC != 0 {
		n = len(d.Data)
	}
	s.movePeek(peek, n)
	return n, 0
}

// next is the first datagram, or if SO_PEEK_OFF is on and it is only to be looked at the one that is peeked at, and how
// much of it was before (__skb_try_recv_from_queue).
func (s *Dgram) next(peek bool) (d *dgram.Datagram, skip int) {
	off := int(s.PeekOff.Load())
	if !peek || off <= 0 {
		return s.ep.Next(peek), 0
	}
	return s.ep.PeekAt(off)
}

// movePeek moves the offset of SO_PEEK_OFF: forward by a peek, back by what was taken (skb_consume_udp).
func (s *Dgram) movePeek(peek bool, n int) {
	off := s.PeekOff.Load()
	switch {
	case off < 0:
	case peek:
		s.PeekOff.Store(off + int32(n))
	default:
		s.PeekOff.Store(max(off-int32(n), 0))
	}
}

// Read is vfs.FileOps's.
func (s *Dgram) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Read(ctx, s, f, dst)
}

// Write is vfs.FileOps's.
func (s *Dgram) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Write(ctx, s, f, src)
}

// QuietPipe reports that a write nobody can read raises no SIGPIPE.
func (s *Dgram) QuietPipe() bool { return true }

// Poll is vfs.Poller's (datagram_poll).
func (s *Dgram) Poll(*vfs.File) wait.Event {
	got := socket.EventOut
	if s.Error() != 0 || s.ep.HasErrors() || s.zc.waits.Load() {
		got |= wait.Err
		if s.Flag(linux.SO_SELECT_ERR_QUEUE) {
			got |= wait.Pri
		}
	}
	s.mu.Lock()
	shut := s.shut
	s.mu.Unlock()
	if shut&1 != 0 {
		got |= wait.RdHup | socket.EventIn
	}
	if shut == 3 {
		got |= wait.Hup
	}
	if next, _ := s.ep.Queued(); next >= 0 {
		got |= socket.EventIn
	}
	return got
}

// Lend is vfs.Lender's.
func (s *Dgram) Lend(b vfs.Borrower, f *vfs.File, fd int32, _ bool) {
	if !s.ep.Kind.HasPorts() || s.PeekOff.Load() >= 0 {
		return
	}
	s.ep.Lend(func(next func() *dgram.Datagram) *platform.Loan {
		return b.BorrowPackets(fd, func() (data, name []byte, ok bool) {
			d := next()
			if d == nil {
				return nil, nil, false
			}
			return d.Data, s.format(d.Src, d.Link), true
		}, s.ep)
	}, func() bool { return b.Holds(fd, f) })
}

// Flush is vfs.Flusher's: the descriptor no longer stands for the socket.
func (s *Dgram) Flush(vfs.Ctx, *vfs.File) linux.Errno {
	s.ep.Reclaim()
	return 0
}

// Release is vfs.FileOps's.
func (s *Dgram) Release(*vfs.File) { s.ep.Close() }

// Ioctl is vfs.Ioctler's.
func (s *Dgram) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	v := 0
	switch cmd {
	case linux.SIOCINQ:
		v, _ = s.ep.Queued()
		v = max(v, 0)
	case linux.SIOCOUTQ:
	default:
		if at := s.ep.SeenAt(); at != 0 {
			s.opt.timeSeen.Store(time.Now().UnixNano() - (stack.Wall.Now() - at))
		}
		return s.ioctl(ctx, cmd, arg)
	}
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(v))
}
