// Package link joins a stack to an Ethernet that the sandbox was handed as a packet socket
// (packet(7)): frames in and out, with virtio-net headers so that checksums and the cutting of long
// TCP segments are left to the host, and neighbours by ARP and neighbour discovery (RFC 826, RFC
// 4861). Everything that comes in is from somebody else, and checked.
package link

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Link is an Ethernet interface.
type Link struct {
	fd    int
	index int32
	mac   header.MAC
	stack *stack.Stack
	stats *device.Stats

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
// header. It goes on until the descriptor fails.
func New(s *stack.Stack, index int32, fd int, mac [6]byte) *Link {
	l := &Link{fd: fd, index: index, mac: mac, stack: s, neighs: map[netip.Addr]*neighbour{}}
	for i := range *s.Devices.View() {
		if d := &(*s.Devices.View())[i]; d.Index == index {
			l.stats = d.Stats
		}
	}
	l.timer.Init(l.expire)
	s.Attach(index, l)
	go l.run()
	return l
}

// run takes frames in. The buffer is used again for the next frame, so who keeps one makes a copy.
func (l *Link) run() {
	buf := make([]byte, maxFrame)
	for {
		n, errno := host.Read(l.fd, buf)
		switch errno {
		case 0:
			if n > vnetSize {
				l.input(buf[:n])
			}
		case linux.EAGAIN:
			if errno := host.PollIn(l.fd); errno != 0 && errno != linux.EINTR {
				return
			}
		case linux.ENETDOWN, linux.EINTR:
		default:
			return
		}
	}
}

// input takes a frame with its virtio-net header.
func (l *Link) input(b []byte) {
	flags := b[0]
	e, payload, ok := header.ParseEthernet(b[vnetSize:])
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
		l.stack.Input(append([]byte(nil), payload...), l.index, from)
	}
}

// Offload is stack.Offloader's: checksums and long segments of TCP are the host's.
func (l *Link) Offload() bool { return true }

// Send is stack.Port's.
func (l *Link) Send(next netip.Addr, p stack.Out) {
	frame := l.frame(p)
	switch {
	case next.IsMulticast():
		l.write(frame, header.MulticastMAC(next))
	case l.stack.IsBroadcast(next):
		l.write(frame, header.BroadcastMAC)
	default:
		l.resolve(next, frame)
	}
}

// frame puts the headers before a packet; the destination is filled in when it is known.
func (l *Link) frame(p stack.Out) []byte {
	b := make([]byte, vnetSize, vnetSize+header.EthernetSize+len(p.Packet))
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
	return append(e.Append(b), p.Packet...)
}

// write sends a frame. One that the host has no room for is lost, as on any Ethernet.
func (l *Link) write(frame []byte, to header.MAC) {
	copy(frame[vnetSize:], to[:])
	if _, errno := host.Write(l.fd, frame); errno != 0 {
		l.stats.TxDropped.Add(1)
	}
}
