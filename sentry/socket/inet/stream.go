package inet

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Stream is a TCP socket.
type Stream struct {
	common
	ep *tcp.Endpoint

	mu    sync.Mutex
	phase phase

	deferred atomic.Pointer[address] // where the first write connects to, with TCP_FASTOPEN_CONNECT
}

// phase is how far connect(2) has come (socket_state).
type phase uint8

const (
	unconnected phase = iota
	connecting
	connected
)

// Sizes of buffers until they are set, and of those of a connection (net.ipv4.tcp_rmem, tcp_wmem).
const (
	firstSnd = 16384
	firstRcv = 131072
	grownSnd = 2626560
	realSnd  = 1 << 20 // what is used of it
	realRcv  = 512 << 10
	farRcv   = 6 << 20 // of a connection of segments, which begins with less
)

func newStream(c socket.Caller, ns socket.Namespace, n *Net, v6 bool) *Stream {
	s := makeStream(ns, n, v6)
	s.ep = n.TCP.New(v6, s, uint32(c.Cred().Fsuid))
	s.ep.SetOnly(s.opt.v6only.Load())
	return s
}

func makeStream(ns socket.Namespace, n *Net, v6 bool) *Stream {
	s := &Stream{}
	family := linux.AF_INET
	if v6 {
		family = linux.AF_INET6
	}
	s.net, s.v6 = n, v6
	s.Init(ns, family, linux.SOCK_STREAM, linux.IPPROTO_TCP)
	s.SndBuf.Store(firstSnd)
	s.RcvBuf.Store(firstRcv)
	s.opt.init(n, v6)
	s.Own = s
	return s
}

func (s *Stream) setRange(r uint32) { s.ep.SetRange(r) }

func (s *Stream) port() uint16 { return s.ep.Local().Port() }

// Buffers is stack.Owner's: half of a size that was set is for what stands around the data.
func (s *Stream) Buffers() (snd, rcv int) {
	snd, rcv = realSnd, realRcv
	if s.ep.Far() {
		rcv = farRcv
	}
	if s.Locked(linux.SOCK_SNDBUF_LOCK) {
		snd = int(s.SndBuf.Load()) / 2
	}
	if s.Locked(linux.SOCK_RCVBUF_LOCK) {
		rcv = int(s.RcvBuf.Load()) / 2
	}
	return snd, rcv
}

// Bind is bind(2).
func (s *Stream) Bind(c socket.Caller, addr []byte) linux.Errno {
	a, errno := s.parseBind(c, addr, s.ep.BoundLink())
	if errno != 0 {
		return errno
	}
	if a.link != 0 {
		s.ep.SetLink(a.link)
	}
	if a.Port() == 0 && s.opt.noPort() {
		return s.ep.BindAddress(a.Addr())
	}
	return s.ep.Bind(a.AddrPort)
}

// Connect is connect(2) (__inet_stream_connect).
func (s *Stream) Connect(c socket.Caller, addr []byte, nonblock bool) linux.Errno {
	if len(addr) < 2 {
		return linux.EINVAL
	}
	if family(addr) == linux.AF_UNSPEC {
		s.disconnect()
		return 0
	}
	s.mu.Lock()
	result := linux.Errno(linux.EALREADY)
	switch {
	case s.phase == connected || s.deferred.Load() != nil:
		s.mu.Unlock()
		return linux.EISCONN
	case s.phase == unconnected:
		if errno := s.begin(addr); errno != 0 {
			s.mu.Unlock()
			return errno
		}
		s.phase = connecting
		if s.deferred.Load() != nil {
			s.mu.Unlock()
			return 0
		}
		if result = linux.EINPROGRESS; nonblock {
			s.mu.Unlock()
			return result
		}
	}
	s.mu.Unlock()
	_, errno := socket.Wait(c, &s.queue, wait.Out|wait.Internal, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		if s.ep.State() == tcp.SynSent || s.ep.State() == tcp.SynRecv {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
	switch {
	case errno == linux.EAGAIN:
		return result
	case errno != 0:
		return errno
	}
	return s.connectDone()
}

// begin starts a connection.
func (s *Stream) begin(addr []byte) linux.Errno {
	if s.ep.State() != tcp.Close {
		return linux.EISCONN
	}
	a, errno := s.target(addr, true)
	if errno != 0 {
		return errno
	}
	if a.Addr().IsMulticast() {
		return linux.ENETUNREACH
	}
	if !s.kept(linux.TCP_FASTOPEN_CONNECT) {
		return s.ep.Connect(a.AddrPort, a.link)
	}
	if s.ep.MayOpenFast(a.Addr()) {
		if _, errno := s.net.Stack.Path(a.Addr(), s.ep.Local().Addr(), a.link); errno != 0 {
			return errno
		}
		s.deferred.Store(&a)
		return 0
	}
	_, errno = s.ep.ConnectFast(a.AddrPort, a.link, nil)
	return errno
}

// connectDone is what a connection has come to that is no longer being made.
func (s *Stream) connectDone() linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ep.State() == tcp.Close {
		errno := s.TakeError()
		if errno == 0 {
			errno = linux.ECONNABORTED
		}
		s.phase = unconnected
		s.ep.Abort(0)
		return errno
	}
	s.phase = connected
	s.grow()
	return 0
}

// grow sets the sizes that buffers of connections have unless they were set.
func (s *Stream) grow() {
	if !s.Locked(linux.SOCK_SNDBUF_LOCK) {
		s.SndBuf.Store(grownSnd)
	}
}

// disconnect is connect(2) to AF_UNSPEC.
func (s *Stream) disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Listening.Store(false)
	s.deferred.Store(nil)
	s.ep.Abort(linux.ECONNRESET)
	s.phase = unconnected
}

// Listen is listen(2).
func (s *Stream) Listen(c socket.Caller, backlog int) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != unconnected {
		return linux.EINVAL
	}
	errno := s.ep.Listen(backlog)
	if errno == 0 {
		s.Listening.Store(true)
	}
	return errno
}

// Accept is accept(2).
func (s *Stream) Accept(c socket.Caller, nonblock bool) (socket.Socket, linux.Errno) {
	var ep *tcp.Endpoint
	_, errno := socket.Wait(c, &s.queue, wait.In, nonblock, s.RcvTime.Load(), func() (n int, errno linux.Errno) {
		ep, errno = s.ep.Accept()
		return 0, errno
	})
	if errno != 0 {
		return nil, errno
	}
	n := makeStream(s.NS, s.net, s.v6)
	n.Inherit(&s.Base)
	n.opt.inherit(&s.opt)
	n.ep, n.phase = ep, connected
	n.grow()
	ep.Attach(n)
	if n.Stamped() {
		ep.Stamp(true)
	}
	if n.Flag(linux.SO_KEEPALIVE) {
		n.configureKeepAlive(true)
	}
	return n, 0
}

// Name is getsockname(2) and getpeername(2).
func (s *Stream) Name(peer bool) ([]byte, linux.Errno) {
	if !peer {
		_, link, _ := s.ep.Remote()
		return s.format(s.ep.Local(), link), 0
	}
	a, link, ok := s.ep.Remote()
	if !ok {
		return nil, linux.ENOTCONN
	}
	return s.format(a, link), 0
}

// Shutdown is shutdown(2) (inet_shutdown).
func (s *Stream) Shutdown(how int) linux.Errno {
	mode := uint8(how + 1)
	s.mu.Lock()
	if s.phase == connecting && s.ep.State() == tcp.Established {
		s.phase = connected
	}
	s.mu.Unlock()
	switch s.ep.State() {
	case tcp.Listen:
		if mode&1 != 0 {
			s.Listening.Store(false)
			s.ep.Abort(0)
		}
		s.queue.Notify(socket.EventAll)
		return 0
	case tcp.SynSent:
		s.disconnect()
		return 0
	}
	if s.deferred.Load() != nil {
		s.disconnect()
		return 0
	}
	return s.ep.Shutdown(mode)
}

// Send is sendmsg(2).
func (s *Stream) Send(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if s.zeroCopy(m) {
		m.Flags &^= linux.MSG_ZEROCOPY
		n, errno := s.Send(c, m)
		if n > 0 {
			s.copied()
		}
		return n, errno
	}
	first := 0
	if m.Flags&linux.MSG_FASTOPEN != 0 || s.deferred.Load() != nil {
		n, errno := s.openFast(c, m)
		if errno != 0 || n > 0 && m.Data.Len() == 0 {
			return n, errno
		}
		first = n
	}
	n, errno := s.sendMore(c, m)
	if first > 0 {
		return first + n, 0
	}
	return n, errno
}

// sendMore is sendmsg(2) of a connection.
func (s *Stream) sendMore(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	sent, empty := 0, m.Data.Len() == 0
	urgent, more := m.Flags&linux.MSG_OOB != 0, m.Flags&linux.MSG_MORE != 0
	_, errno := socket.Wait(c, &s.queue, wait.Out|wait.Internal, m.Flags&linux.MSG_DONTWAIT != 0, s.SndTime.Load(), func() (int, linux.Errno) {
		for m.Data.Len() > 0 || empty {
			n, errno := s.ep.Write(m.Data, urgent, more)
			sent += n
			if errno != 0 || empty {
				return 0, errno
			}
		}
		return 0, 0
	})
	if sent > 0 {
		return sent, 0
	}
	return 0, errno
}

// Recv is recvmsg(2).
func (s *Stream) Recv(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	nonblock := m.Flags&linux.MSG_DONTWAIT != 0
	switch {
	case m.Flags&linux.MSG_ERRQUEUE != 0:
		return s.recvCopied(m)
	case m.Flags&linux.MSG_OOB != 0:
		return s.recvUrgent(m)
	}
	r := tcp.Recv{Peek: m.Flags&linux.MSG_PEEK != 0, Trunc: m.Flags&linux.MSG_TRUNC != 0, Target: s.Lowat(m.Flags, m.Data.Len())}
	if off := s.PeekOff.Load(); r.Peek && off > 0 {
		r.PeekOff = int(off)
	}
	_, errno := socket.Wait(c, &s.queue, wait.In|wait.RdHup|wait.Internal, nonblock, s.RcvTime.Load(), func() (int, linux.Errno) {
		return 0, readMuch(s.ep, m.Data, &r, wait.Look)
	})
	if off := s.PeekOff.Load(); off >= 0 && r.Copied > 0 {
		if r.Peek {
			s.PeekOff.Add(int32(r.Copied))
		} else {
			s.PeekOff.Store(max(0, off-int32(r.Copied)))
		}
	}
	if s.opt.inq.Load() {
		in, _, _, _ := s.ep.Queued()
		m.Other = append(m.Other, socket.Cmsg{Level: linux.SOL_TCP, Type: linux.TCP_CM_INQ, Data: int32Bytes(int32(in))})
	}
	if r.Copied > 0 {
		if s.Stamped() {
			s.stampTo(m)
		}
		return r.Copied, 0
	}
	return 0, errno
}

// bulk is how much a receive must find, and have room for after that, to look whether more has come meanwhile.
const bulk = 16 << 10

// source is what is received from: a tcp.Endpoint.
type source interface {
	Read(dst *usermem.Buf, r *tcp.Recv) linux.Errno
	Far() bool
}

// readMuch reads what is there; if that is much, what look finds, too, as often as it finds much again. That saves calls, each of
// which costs more than to look.
func readMuch(from source, dst *usermem.Buf, r *tcp.Recv, look func() bool) linux.Errno {
	errno := from.Read(dst, r)
	for had := 0; errno == 0 && r.Copied >= had+bulk && dst.Len() >= bulk && !r.Peek && from.Far() && look(); {
		had = r.Copied
		errno = from.Read(dst, r)
	}
	return errno
}

// stampTo adds when the last of the bytes came that are there (tcp_recv_timestamp).
func (s *Stream) stampTo(m *socket.Message) {
	if at := s.ep.ArrivedAt(); at != 0 {
		m.Other = append(m.Other, s.Stamps(time.Now().UnixNano()-(stack.Wall.Now()-at))...)
	}
}

func (s *Stream) recvUrgent(m *socket.Message) (int, linux.Errno) {
	b, n, errno := s.ep.Urgent(m.Flags&linux.MSG_PEEK != 0)
	if errno != 0 || n == 0 {
		return 0, errno
	}
	m.OutFlags |= linux.MSG_OOB
	if m.Data.Len() == 0 {
		m.OutFlags |= linux.MSG_TRUNC
		return 0, 0
	}
	if m.Flags&linux.MSG_TRUNC == 0 {
		if _, errno := m.Data.CopyOut([]byte{b}); errno != 0 {
			return 0, linux.EFAULT
		}
	}
	return 1, 0
}

// Read is vfs.FileOps's.
func (s *Stream) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Read(ctx, s, f, dst)
}

// Write is vfs.FileOps's.
func (s *Stream) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Write(ctx, s, f, src)
}

// Fill is Write of at most n bytes that read puts where they are sent from; more says that others follow.
func (s *Stream) Fill(ctx vfs.Ctx, f *vfs.File, n int, more bool, read func(dst *usermem.Buf) (int, linux.Errno)) (int, linux.Errno) {
	return socket.Wait(ctx, &s.queue, wait.Out|wait.Internal, f.NonBlocking(), s.SndTime.Load(), func() (int, linux.Errno) {
		return s.ep.Fill(n, more, read)
	})
}

// Pin is Fill behind a piece of a host file, of which there is no copy: EOPNOTSUPP if there is to be one.
func (s *Stream) Pin(ctx vfs.Ctx, f *vfs.File, p usermem.Piece, n int, more bool, read func(dst *usermem.Buf) (int, linux.Errno)) (int, linux.Errno) {
	return socket.Wait(ctx, &s.queue, wait.Out|wait.Internal, f.NonBlocking(), s.SndTime.Load(), func() (int, linux.Errno) {
		return s.ep.Pin(p, n, more, read)
	})
}

// Poll is vfs.Poller's.
func (s *Stream) Poll(*vfs.File) wait.Event {
	if s.deferred.Load() != nil {
		return socket.EventOut
	}
	got := s.ep.Poll(int(s.RcvLowat.Load()))
	if s.zc.waits.Load() {
		got |= wait.Err
	}
	return got
}

// Flush is vfs.Flusher's: the descriptor no longer stands for the socket.
func (s *Stream) Flush(ctx vfs.Ctx, f *vfs.File) linux.Errno {
	s.ep.Reclaim()
	s.WaitToEnd(ctx, f, &s.queue, s.ep)
	return 0
}

// Lend is vfs.Lender's.
func (s *Stream) Lend(b vfs.Borrower, f *vfs.File, fd int32, empty bool) {
	if s.RcvLowat.Load() > 1 || s.PeekOff.Load() >= 0 {
		return
	}
	s.ep.Lend(func(data []byte, room int) *platform.Loan { return b.Borrow(fd, data, room, s.ep) },
		func() bool { return b.Holds(fd, f) }, empty)
}

// Release is vfs.FileOps's.
func (s *Stream) Release(*vfs.File) {
	on, seconds := s.Linger()
	s.ep.Closed(on && seconds == 0)
}

// Ioctl is vfs.Ioctler's.
func (s *Stream) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	v := 0
	switch cmd {
	case linux.SIOCINQ, linux.SIOCOUTQ, linux.SIOCOUTQNSD:
		in, out, unsent, errno := s.ep.Queued()
		if errno != 0 {
			return 0, errno
		}
		switch v = in; cmd {
		case linux.SIOCOUTQ:
			v = out
		case linux.SIOCOUTQNSD:
			v = unsent
		}
	case linux.SIOCATMARK:
		if s.ep.AtMark() {
			v = 1
		}
	default:
		return s.ioctl(ctx, cmd, arg)
	}
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(v))
}

func int32Bytes(v int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
