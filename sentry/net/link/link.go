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
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Link is an Ethernet interface.
type Link struct {
	wire  wire
	index int32
	mac   atomic.Uint64
	stack *stack.Stack
	stats *device.Stats

	mu     sync.Mutex
	neighs map[netip.Addr]*neighbour
	timer  stack.Timer
	armed  bool
	closed bool
}

// wire is where the frames of an interface go.
type wire interface {
	// transmit sends a frame, whose pieces are lent: false if it is lost.
	transmit(f frame) bool
	// offload reports whether that fills in checksums of TCP and cuts its segments.
	offload() bool
}

// struct virtio_net_hdr (include/uapi/linux/virtio_net.h).
const (
	vnetSize      = 10
	needsChecksum = 1
	dataValid     = 2
	gsoTCP4       = 1
	gsoTCP6       = 4
)

// join makes interface index of s one whose frames go to w.
func join(s *stack.Stack, index int32, mac [6]byte, w wire) *Link {
	l := &Link{wire: w, index: index, stack: s, neighs: map[netip.Addr]*neighbour{}, stats: &device.Stats{}}
	l.SetMAC(mac)
	if d, errno := s.Devices.Find(index, ""); errno == 0 {
		l.stats = d.Stats
	}
	l.timer.Init(l.expire)
	return l
}

// SetMAC changes the hardware address.
func (l *Link) SetMAC(m [6]byte) {
	l.mac.Store(uint64(binary.BigEndian.Uint16(m[:]))<<32 | uint64(binary.BigEndian.Uint32(m[2:])))
}

// own is the hardware address.
func (l *Link) own() (m header.MAC) {
	v := l.mac.Load()
	binary.BigEndian.PutUint16(m[:], uint16(v>>32))
	binary.BigEndian.PutUint32(m[2:], uint32(v))
	return m
}

// input takes a frame with its virtio-net header, in a buffer that kept can give away if it is not nil.
func (l *Link) input(b []byte, kept stack.Keeper) {
	if len(b) <= vnetSize {
		return
	}
	flags := b[0]
	e, payload, ok := header.ParseEthernet(b[vnetSize:])
	if ok && l.stack.Tapped() {
		l.tell(b[vnetSize:], e, l.kind(e), flags&needsChecksum != 0, nil)
	}
	if own := l.own(); !ok || e.Dst != own && e.Dst[0]&1 == 0 || e.Src == own {
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
		b, head := b[vnetSize:], header.EthernetSize
		if !tcp(payload) {
			b, head, kept = append([]byte(nil), payload...), 0, nil
		}
		l.stack.Hold(b, head, l.index, from, kept)
	}
}

// kind is whom a frame that came in is for.
func (l *Link) kind(e header.Ethernet) uint8 {
	switch {
	case e.Dst == l.own():
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
	return l.wire.transmit(frame{head: append(make([]byte, vnetSize, vnetSize+len(b)), b...)})
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

// Offload is stack.Offloader's.
func (l *Link) Offload() bool { return l.wire.offload() }

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
	lent bool // the headers are, too
}

// keep makes a frame one that may wait.
func (f frame) keep() frame {
	if f.data == nil && !f.lent {
		return f
	}
	n := len(f.head)
	head := make([]byte, f.size()+vnetSize)
	copy(head, f.head)
	for _, d := range f.data {
		usermem.CopyFile(head[n:], d)
		n += len(d)
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
	e := header.Ethernet{Src: l.own(), Type: typ}
	e.Append(b[vnetSize:vnetSize])
	return frame{b, p.Data, p.Lent && p.Whole != nil}
}

// write sends a frame.
func (l *Link) write(f frame, to header.MAC) {
	copy(f.head[vnetSize:], to[:])
	if l.stack.Tapped() {
		whole := f.keep().head
		e, _, _ := header.ParseEthernet(whole[vnetSize:])
		l.tell(whole[vnetSize:], e, stack.FrameOutgoing, whole[0] == needsChecksum, nil)
	}
	if !l.wire.transmit(f) {
		l.stats.TxDropped.Add(1)
	}
}
