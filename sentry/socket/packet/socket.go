// Package packet is sockets of the family AF_PACKET (packet(7), net/packet/af_packet.c): frames as they come in and go
// out, with or without the header of their link, read one by one or from a ring in shared memory.
package packet

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Register makes the family known; rings are memory of pool.
func Register(pool *pages.Pool) {
	socket.Register(linux.AF_PACKET, func(c socket.Caller, ns socket.Namespace, typ, protocol int) (socket.Socket, linux.Errno) {
		return newSocket(c, ns, pool, typ, protocol)
	})
	socket.RegisterDiag(linux.AF_PACKET, diag)
	socket.RegisterProc("packet", list)
}

// all is the packet sockets of a network namespace.
type all struct {
	mu      sync.Mutex
	sockets []*Socket
	promisc atomic.Int32 // memberships
}

func of(ns socket.Namespace) *all {
	return ns.Get("packet", func() any { return &all{} }).(*all)
}

func (a *all) list() []*Socket {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sockets)
}

// Socket is a packet socket.
type Socket struct {
	socket.Base
	net   *stack.Stack
	all   *all
	pool  *pages.Pool
	queue wait.Queue

	filter atomic.Pointer[bpf.Program]

	mu       sync.Mutex
	proto    uint16 // 0: nothing comes in
	link     int32  // 0: all
	tapped   bool
	closed   bool
	messages []message
	charged  int
	packets  uint32
	drops    uint32
	members  []membership
	flags    uint32 // bit n: the on-off option n
	version  int32
	reserve  uint32
	ring     *ring
}

// message is a frame that waits to be read.
type message struct {
	addr   []byte
	data   []byte
	size   int // before it was cut
	aux    []byte
	charge int
}

// membership is what a socket wants of an interface (struct packet_mreq).
type membership struct {
	link int32
	typ  uint16
	addr string
	n    int
}

func newSocket(c socket.Caller, ns socket.Namespace, pool *pages.Pool, typ, protocol int) (socket.Socket, linux.Errno) {
	if !socket.MayRaw(c, ns) {
		return nil, linux.EPERM
	}
	if typ != linux.SOCK_RAW && typ != linux.SOCK_DGRAM {
		return nil, linux.ESOCKTNOSUPPORT
	}
	s := &Socket{net: socket.Stack(ns), all: of(ns), pool: pool}
	s.Init(ns, linux.AF_PACKET, typ, protocol)
	s.Own = s
	s.hook(swap(uint16(protocol)), 0)
	s.all.mu.Lock()
	s.all.sockets = append(s.all.sockets, s)
	s.all.mu.Unlock()
	return s, 0
}

// swap turns a number between the orders of machine and network.
func swap(v uint16) uint16 { return v>>8 | v<<8 }

// hook lets frames of a protocol come in, from one interface or all.
func (s *Socket) hook(proto uint16, link int32) {
	s.mu.Lock()
	s.proto, s.link = proto, link
	add, remove := proto != 0 && !s.tapped, proto == 0 && s.tapped
	s.tapped = proto != 0
	s.mu.Unlock()
	if add {
		s.net.AddTap(s)
	}
	if remove {
		s.net.RemoveTap(s)
	}
}

// Tap is stack.Tap's (packet_rcv, tpacket_rcv).
func (s *Socket) Tap(f *stack.Frame) {
	if f.From == s || f.Kind == stack.FrameOther && s.all.promisc.Load() == 0 {
		return
	}
	s.mu.Lock()
	woken := s.takeLocked(f)
	s.mu.Unlock()
	if woken {
		s.queue.Notify(socket.EventIn)
	}
}

func (s *Socket) takeLocked(f *stack.Frame) bool {
	switch {
	case s.closed, s.link != 0 && s.link != f.Link.Index:
		return false
	case s.proto != linux.ETH_P_ALL && (s.proto != f.Type || f.Kind == stack.FrameOutgoing || f.Early):
		return false
	case f.Kind == stack.FrameOutgoing && s.optionLocked(linux.PACKET_IGNORE_OUTGOING):
		return false
	}
	data := f.Whole
	if s.Type == linux.SOCK_DGRAM {
		data = data[f.Head:]
	}
	n := len(data)
	if p := s.filter.Load(); p != nil {
		k := bpf.Packet{Data: data, Link: f.Whole, Net: f.Whole[f.Head:], Protocol: f.Type, Kind: uint32(f.Kind), Index: f.Link.Index, Hatype: f.Link.Type, Mark: s.Mark()}
		if n = int(min(p.RunPacket(&k), uint32(n))); n == 0 {
			return false
		}
	}
	s.packets++
	if s.ring != nil {
		woken, ok := s.ring.put(s, f, data, n)
		if !ok {
			s.drops++
		}
		return woken
	}
	charge := len(data) + 512
	if s.charged+charge > int(s.RcvBuf.Load()) {
		s.drops++
		return false
	}
	s.charged += charge
	s.messages = append(s.messages, message{addr: address(f), data: slices.Clone(data[:n]), size: len(data), aux: s.aux(f, len(data), n), charge: charge})
	return true
}

// address is struct sockaddr_ll of a frame.
func address(f *stack.Frame) []byte {
	b := sockaddr(f.Type, f.Link)
	b[10] = f.Kind
	if f.Link.Type == linux.ARPHRD_ETHER || f.Link.Loopback() {
		copy(b[12:18], f.Whole[6:12])
		b[11] = 6
	}
	return b
}

func sockaddr(proto uint16, l *device.Link) []byte {
	b := make([]byte, 20)
	binary.LittleEndian.PutUint16(b, linux.AF_PACKET)
	binary.BigEndian.PutUint16(b[2:], proto)
	if l != nil {
		binary.LittleEndian.PutUint32(b[4:], uint32(l.Index))
		binary.LittleEndian.PutUint16(b[8:], l.Type)
	}
	return b
}

// frameStatus is what the headers of rings and struct tpacket_auxdata say of a frame.
func frameStatus(f *stack.Frame) uint32 {
	status := uint32(linux.TP_STATUS_USER)
	switch {
	case f.Partial:
		status |= linux.TP_STATUS_CSUMNOTREADY
	case f.Kind != stack.FrameOutgoing:
		status |= linux.TP_STATUS_CSUM_VALID
	}
	return status
}

// aux is struct tpacket_auxdata.
func (s *Socket) aux(f *stack.Frame, size, n int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, frameStatus(f))
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	head := 0
	if s.Type == linux.SOCK_RAW {
		head = f.Head
	}
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(head))
	return append(b, 0, 0, 0, 0)
}

// Bind is bind(2).
func (s *Socket) Bind(_ socket.Caller, b []byte) linux.Errno {
	if len(b) < 20 || binary.LittleEndian.Uint16(b) != linux.AF_PACKET {
		return linux.EINVAL
	}
	proto, link := binary.BigEndian.Uint16(b[2:]), int32(binary.LittleEndian.Uint32(b[4:]))
	if link != 0 && s.net.Link(link) == nil {
		return linux.ENODEV
	}
	s.mu.Lock()
	if proto == 0 {
		proto = s.proto
	}
	s.mu.Unlock()
	s.hook(proto, link)
	if l := s.net.Link(link); l != nil && !l.Up() {
		s.SetError(linux.ENETDOWN)
		s.queue.Notify(wait.Err)
	}
	return 0
}

// Connect is not possible.
func (*Socket) Connect(socket.Caller, []byte, bool) linux.Errno { return linux.EOPNOTSUPP }

// Shutdown is not possible.
func (*Socket) Shutdown(int) linux.Errno { return linux.EOPNOTSUPP }

// Name is getsockname(2).
func (s *Socket) Name(peer bool) ([]byte, linux.Errno) {
	if peer {
		return nil, linux.EOPNOTSUPP
	}
	s.mu.Lock()
	proto, link := s.proto, s.link
	s.mu.Unlock()
	l := s.net.Link(link)
	b := sockaddr(proto, l)
	binary.LittleEndian.PutUint32(b[4:], uint32(link))
	if l == nil {
		return b[:12], 0
	}
	b[11] = 6
	copy(b[12:], l.MAC[:])
	return b[:18], 0
}

// Send is sendmsg(2) (packet_snd).
func (s *Socket) Send(_ socket.Caller, m *socket.Message) (int, linux.Errno) {
	s.mu.Lock()
	proto, link := s.proto, s.link
	s.mu.Unlock()
	var to []byte
	if m.Addr != nil {
		if len(m.Addr) < 12 || len(m.Addr) < 12+int(m.Addr[11]) {
			return 0, linux.EINVAL
		}
		proto, link = binary.BigEndian.Uint16(m.Addr[2:]), int32(binary.LittleEndian.Uint32(m.Addr[4:]))
		to = m.Addr[12 : 12+int(m.Addr[11])]
	}
	l := s.net.Link(link)
	switch {
	case l == nil:
		return 0, linux.ENXIO
	case !l.Up():
		return 0, linux.ENETDOWN
	}
	n := m.Data.Len()
	head := 0
	if s.Type == linux.SOCK_DGRAM {
		head = 14
		if len(to) < 6 {
			if to != nil || !l.Loopback() {
				return 0, linux.EINVAL
			}
			to = make([]byte, 6)
		}
	} else if n < 14 {
		return 0, linux.EINVAL
	}
	if n+head > int(l.MTU)+14+4 {
		return 0, linux.EMSGSIZE
	}
	frame := make([]byte, head+n)
	if _, errno := m.Data.CopyIn(frame[head:]); errno != 0 {
		return 0, linux.EFAULT
	}
	if head > 0 {
		copy(frame, to[:6])
		copy(frame[6:], l.MAC[:])
		binary.BigEndian.PutUint16(frame[12:], proto)
	}
	if !s.net.SendFrame(l, frame, s) {
		return 0, linux.ENOBUFS
	}
	return n, 0
}

// Recv is recvmsg(2).
func (s *Socket) Recv(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if m.Flags&linux.MSG_ERRQUEUE != 0 {
		return 0, linux.EAGAIN
	}
	var got message
	_, errno := socket.Wait(c, &s.queue, wait.In, m.Flags&linux.MSG_DONTWAIT != 0, s.RcvTime.Load(), func() (int, linux.Errno) {
		if errno := s.TakeError(); errno != 0 {
			return 0, errno
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.messages) == 0 {
			return 0, linux.EAGAIN
		}
		if got = s.messages[0]; m.Flags&linux.MSG_PEEK == 0 {
			s.charged -= got.charge
			s.messages[0] = message{}
			if s.messages = s.messages[1:]; len(s.messages) == 0 {
				s.messages = nil
			}
		}
		return 0, 0
	})
	if errno != 0 {
		return 0, errno
	}
	from := got.data
	if len(from) > m.Data.Len() {
		from = from[:m.Data.Len()]
		m.OutFlags |= linux.MSG_TRUNC
	}
	if _, errno := m.Data.CopyOut(from); errno != 0 {
		return 0, linux.EFAULT
	}
	m.Addr = got.addr
	if s.option(linux.PACKET_AUXDATA) {
		m.Other = append(m.Other, socket.Cmsg{Level: linux.SOL_PACKET, Type: linux.PACKET_AUXDATA, Data: got.aux})
	}
	if m.Flags&linux.MSG_TRUNC != 0 {
		return len(got.data), 0
	}
	return len(from), 0
}

// Stream marks it as without a position; Waits as doing its own waiting.
func (*Socket) Stream() {}

// Waits marks it.
func (*Socket) Waits() {}

// QuietPipe reports that it raises no SIGPIPE.
func (*Socket) QuietPipe() bool { return true }

// Read is vfs.FileOps's.
func (s *Socket) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Read(ctx, s, f, dst)
}

// Write is vfs.FileOps's.
func (s *Socket) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Write(ctx, s, f, src)
}

// Queue is vfs.Poller's.
func (s *Socket) Queue(*vfs.File) *wait.Queue { return &s.queue }

// Poll is vfs.Poller's (packet_poll).
func (s *Socket) Poll(*vfs.File) wait.Event {
	got := socket.EventOut
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.messages) > 0 || s.ring != nil && s.ring.ready() {
		got |= socket.EventIn
	}
	if s.Error() != 0 {
		got |= wait.Err
	}
	return got
}

// Release is vfs.FileOps's.
func (s *Socket) Release(*vfs.File) {
	s.hook(0, 0)
	s.mu.Lock()
	s.closed = true
	r := s.ring
	s.ring = nil
	for _, m := range s.members {
		s.count(m.typ, -1)
	}
	s.members = nil
	s.mu.Unlock()
	if r != nil {
		r.stop(s)
	}
	s.all.mu.Lock()
	s.all.sockets = slices.DeleteFunc(s.all.sockets, func(o *Socket) bool { return o == s })
	s.all.mu.Unlock()
}

// Ioctl is vfs.Ioctler's.
func (s *Socket) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd == linux.SIOCINQ {
		n := 0
		s.mu.Lock()
		if len(s.messages) > 0 {
			n = len(s.messages[0].data)
		}
		s.mu.Unlock()
		return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(n))
	}
	return socket.Ioctl(ctx, &s.Base, cmd, arg)
}

// now is the time of a frame.
func now() time.Time { return time.Now() }

// list is /proc/net/packet (packet_seq_show).
func list(ns socket.Namespace, uid func(auth.UID) uint32, _ uint64) (string, uint64) {
	var b strings.Builder
	b.WriteString("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n")
	for _, s := range of(ns).list() {
		s.mu.Lock()
		running, owner := 0, uint32(0)
		if s.tapped {
			running = 1
		}
		if i := s.Inode(); i != nil {
			owner = uid(i.Attr().UID)
		}
		fmt.Fprintf(&b, "%016x %-6d %-4d %04x   %-5d %1d %-6d %-6d %-6d\n", 0, 3, s.Type, s.proto, s.link, running, s.charged, owner, s.InodeNumber())
		s.mu.Unlock()
	}
	return b.String(), 0
}

// diag is packet_diag (net/packet/diag.c).
func diag(q *socket.DiagRequest) linux.Errno {
	if len(q.Body) < linux.SizeofNetlinkDiagReq || q.Body[1] != 0 {
		return linux.EINVAL
	}
	if !q.Dump {
		return linux.EOPNOTSUPP
	}
	show := binary.LittleEndian.Uint32(q.Body[8:])
	for _, s := range of(q.NS).list() {
		s.mu.Lock()
		proto, link, version, reserve, mem := s.proto, s.link, s.version, s.reserve, s.charged
		s.mu.Unlock()
		b := []byte{linux.AF_PACKET, byte(s.Type)}
		b = binary.LittleEndian.AppendUint16(b, proto)
		b = binary.LittleEndian.AppendUint32(b, s.InodeNumber())
		b = binary.LittleEndian.AppendUint64(b, s.Cookie())
		if show&linux.PACKET_SHOW_INFO != 0 {
			flags := uint32(0)
			if s.option(linux.PACKET_AUXDATA) {
				flags |= 2
			}
			b = socket.DiagAttr32(b, linux.PACKET_DIAG_INFO, uint32(link), uint32(version), reserve, 0, 0, flags)
			if i := s.Inode(); i != nil {
				b = socket.DiagAttr32(b, linux.PACKET_DIAG_UID, q.UID(i.Attr().UID))
			}
		}
		if show&linux.PACKET_SHOW_MEMINFO != 0 {
			b = s.DiagMemory(b, linux.PACKET_DIAG_MEMINFO, mem, 0)
		}
		q.Emit(b)
	}
	return 0
}
