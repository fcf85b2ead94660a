// Package link joins a stack to an Ethernet that the sandbox was handed as a packet socket
// (packet(7)): frames in and out, with virtio-net headers so that checksums and the cutting of long
// TCP segments are left to the host, and neighbours by ARP and neighbour discovery (RFC 826, RFC
// 4861). Everything that comes in is from somebody else, and checked.
package link

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Link is an Ethernet interface.
type Link struct {
	sock  *host.Packets
	index int32
	mac   header.MAC
	stack *stack.Stack
	stats *device.Stats
	out   *shaper // nil: no limit
	in    *gate   // likewise
	shut  atomic.Bool

	mu     sync.Mutex
	neighs map[netip.Addr]*neighbour
	timer  stack.Timer
	armed  bool
}

// struct virtio_net_hdr (include/uapi/linux/virtio_net.h).
const (
	vnetSize      = 10
	needsChecksum = 1
	dataValid     = 2
	gsoTCP4       = 1
	gsoTCP6       = 4
)

// maxFrame is the longest frame that the host may hand over, in one piece for many.
const maxFrame = 65536 + vnetSize + header.EthernetSize + 4

// New joins interface index of s to the packet socket fd, which gives every frame of an Ethernet a virtio-net
// header. limit is how many bits a second may come and go each way, 0 for any.
func New(s *stack.Stack, index int32, fd int, mac [6]byte, limit uint64) *Link {
	at := batch
	if limit > 0 {
		at = 1
	}
	l := &Link{sock: host.NewPackets(fd, at, maxFrame), index: index, mac: mac, stack: s, neighs: map[netip.Addr]*neighbour{}}
	if limit > 0 {
		l.out = newShaper(s.Clock, limit, l.put)
		l.in = newGate(s.Clock, limit, func() {
			l.shut.Store(false)
			outside.Kick()
		})
	}
	for i := range *s.Devices.View() {
		if d := &(*s.Devices.View())[i]; d.Index == index {
			l.stats = d.Stats
		}
	}
	l.timer.Init(l.expire)
	s.Attach(index, l)
	outside.add(l)
	return l
}

// batch is how many frames are taken in at once.
const batch = 16

// take takes in what has come, for some time at most.
func (l *Link) take() {
	for range 8 {
		if l.in != nil && l.in.shut() {
			l.shut.Store(true)
			return
		}
		more := l.sock.Read(l.input)
		l.stack.Flush()
		if !more {
			return
		}
	}
}

// input takes a frame with its virtio-net header.
func (l *Link) input(b []byte) {
	if len(b) <= vnetSize {
		return
	}
	if l.in != nil {
		l.in.bucket.take(len(b) - vnetSize)
	}
	flags := b[0]
	e, payload, ok := header.ParseEthernet(b[vnetSize:])
	if ok && l.stack.Tapped() {
		l.tell(b[vnetSize:], e, l.kind(e), flags&needsChecksum != 0, nil)
	}
	if !ok || e.Dst != l.mac && e.Dst[0]&1 == 0 || e.Src == l.mac {
		return
	}
	l.stats.Rx(len(b) - vnetSize)
	if e.Dst[0]&1 != 0 {
		l.stats.Multicast.Add(1)
	}
	switch e.Type {
	case header.TypeARP:
		l.inputARP(payload)
	case header.TypeIPv4, header.TypeIPv6:
		from := stack.Outside
		if flags&(needsChecksum|dataValid) != 0 {
			from = stack.OutsideChecked
		}
		if !tcp(payload) {
			payload = append([]byte(nil), payload...)
		}
		l.stack.Hold(payload, l.index, from)
	}
}

// kind is whom a frame that came in is for.
func (l *Link) kind(e header.Ethernet) uint8 {
	switch {
	case e.Dst == l.mac:
		return stack.FrameHost
	case e.Dst == header.BroadcastMAC:
		return stack.FrameBroadcast
	case e.Dst[0]&1 != 0:
		return stack.FrameMulticast
	}
	return stack.FrameOther
}

// tell tells those who watch of a frame.
func (l *Link) tell(b []byte, e header.Ethernet, kind uint8, partial bool, from any) {
	if dev := l.stack.Link(l.index); dev != nil {
		l.stack.Tell(&stack.Frame{Link: dev, Whole: b, Head: header.EthernetSize, Type: e.Type, Kind: kind, Partial: partial, From: from})
	}
}

// SendFrame is stack.Framer's.
func (l *Link) SendFrame(b []byte) bool {
	f := frame{head: append(make([]byte, vnetSize, vnetSize+len(b)), b...)}
	if l.out != nil {
		return l.out.put(f)
	}
	return l.sock.Send(f.head, nil) == 0
}

// tcp reports whether a packet is one of TCP, which the stack does not keep, and no fragment.
func tcp(b []byte) bool {
	switch {
	case len(b) < header.IPv4Size:
		return false
	case b[0]>>4 == 4:
		return b[9] == linux.IPPROTO_TCP && b[6]&0x3f == 0 && b[7] == 0
	}
	return b[6] == linux.IPPROTO_TCP
}

// Offload is stack.Offloader's: checksums and long segments of TCP are the host's.
func (l *Link) Offload() bool { return true }

// Send is stack.Port's.
func (l *Link) Send(next netip.Addr, p stack.Out) {
	f := l.frame(p)
	switch {
	case next.IsMulticast():
		l.write(f, header.MulticastMAC(next))
	case l.stack.IsBroadcast(next):
		l.write(f, header.BroadcastMAC)
	default:
		l.resolve(next, f)
	}
}

// frame is one to be sent: its headers with the virtio-net header, and what follows, which is lent until it has
// been written.
type frame struct {
	head []byte
	data [][]byte
}

// keep makes a frame one that may wait.
func (f frame) keep() frame {
	if f.data == nil {
		return f
	}
	head := append([]byte(nil), f.head...)
	for _, d := range f.data {
		head = append(head, d...)
	}
	return frame{head: head}
}

// size is the length on the wire, or that of what the host makes several of.
func (f frame) size() int {
	n := len(f.head) - vnetSize
	for _, d := range f.data {
		n += len(d)
	}
	return n
}

// frame puts the headers before a packet; the destination is filled in when it is known.
func (l *Link) frame(p stack.Out) frame {
	const size = vnetSize + header.EthernetSize
	b := p.Whole
	if b == nil {
		b = append(make([]byte, size, size+len(p.Packet)), p.Packet...)
	} else {
		b = b[stack.Headroom-size:]
	}
	clear(b[:vnetSize])
	typ, ip := uint16(header.TypeIPv4), header.IPv4Size
	if p.Packet[0]>>4 == 6 {
		typ, ip = header.TypeIPv6, header.IPv6Size
	}
	if p.Partial {
		b[0] = needsChecksum
		start := header.EthernetSize + ip
		binary.LittleEndian.PutUint16(b[6:], uint16(start))
		binary.LittleEndian.PutUint16(b[8:], 16)
		if p.Segment > 0 {
			b[1] = gsoTCP4
			if ip == header.IPv6Size {
				b[1] = gsoTCP6
			}
			binary.LittleEndian.PutUint16(b[2:], uint16(start+int(p.Packet[ip+12]>>4)*4))
			binary.LittleEndian.PutUint16(b[4:], uint16(p.Segment))
		}
	}
	e := header.Ethernet{Src: l.mac, Type: typ}
	e.Append(b[vnetSize:vnetSize])
	return frame{b, p.Data}
}

// write sends a frame. One that the host has no room for is lost, as on any Ethernet.
func (l *Link) write(f frame, to header.MAC) {
	copy(f.head[vnetSize:], to[:])
	if l.stack.Tapped() {
		whole := f.keep().head
		e, _, _ := header.ParseEthernet(whole[vnetSize:])
		l.tell(whole[vnetSize:], e, stack.FrameOutgoing, whole[0] == needsChecksum, nil)
	}
	if l.out == nil {
		l.put(f)
	} else if !l.out.put(f) {
		l.stats.TxDropped.Add(1)
	}
}

// put gives a frame to the host.
func (l *Link) put(f frame) {
	if errno := l.sock.Send(f.head, f.data); errno != 0 {
		l.stats.TxDropped.Add(1)
	}
}
