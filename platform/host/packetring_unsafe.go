package host

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// packetRing is a packet socket's receive ring, TPACKET_V2 (Documentation/networking/packet_mmap.rst): the host writes a packet into
// the next slot and says so in the slot. That costs a load to see, and no system call. What is longer than a slot comes by the
// socket's queue, as without a ring, and its slot says so (PACKET_COPY_THRESH).
type packetRing struct {
	slots  []byte
	next   int // the slot that the host fills next, or has
	looked int // slots before it that it does not have back yet
}

// struct tpacket2_hdr (include/uapi/linux/if_packet.h), and the header of virtio-net that lies before the packet.
type slotHeader struct {
	status  atomic.Uint32
	length  uint32
	snaplen uint32
	mac     uint16
}

const (
	slotReady  = 1 // TP_STATUS_USER
	slotQueued = 2 // TP_STATUS_COPY
	vnetHeader = 10
)

// The ring that MakeRing makes: a segment without data is 142 bytes in its slot with all options, and short questions as those to Redis
// fit; and there are enough for thousands of connections that are closed at once, before the reader gets its processor.
const (
	slotSize = 256
	slots    = 8192
	ringSize = slotSize * slots
)

// MakeRing gives a packet socket that has virtio-net headers, and is not bound yet, a ring, which its reader maps with
// NewPackets. An error says that the host can't: then packets come by the queue.
func MakeRing(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_COPY_THRESH, 1); err != nil {
		return err
	}
	const block = 64 << 10
	return unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq{
		Block_size: block, Block_nr: ringSize / block, Frame_size: slotSize, Frame_nr: slots,
	})
}

// mapRing maps the socket's ring, if it has one. Safe: the mapping is as long as the ring, and stays.
func (p *Packets) mapRing() linux.Errno {
	switch at, errno := Mmap(nil, ringSize, linux.PROT_READ|linux.PROT_WRITE, unix.MAP_SHARED, p.FD, 0); errno {
	case 0:
		p.ring = packetRing{slots: unsafe.Slice((*byte)(at), ringSize)}
	case linux.EINVAL, linux.ENODEV: // it has none
	default:
		return errno
	}
	return 0
}

// header is that of a slot. Safe: slots are aligned, and longer than it.
func (r *packetRing) header(slot int) *slotHeader {
	return (*slotHeader)(unsafe.Pointer(&r.slots[slot*slotSize]))
}

// state is what the host says of a slot: 0 if it has it.
func (r *packetRing) state(slot int) uint32 { return r.header(slot).status.Load() }

// after is the slot n behind the next one.
func (r *packetRing) after(n int) int { return (r.next + n) % slots }

// Next is a word that is not 0 once a packet has come, until the next Read; nil if that cannot be seen without a system call.
func (p *Packets) Next() *atomic.Uint32 {
	if p.ring.slots == nil {
		return nil
	}
	return &p.ring.header(p.ring.next).status
}

// readRing is Read of a socket with a ring.
func (p *Packets) readRing(f func(b []byte, keep bool)) (n int, more bool) {
	r := &p.ring
	for r.looked < len(p.msgs) {
		state := r.state(r.next)
		if state&slotReady == 0 {
			return n, false
		}
		if state&slotQueued == 0 {
			if b := r.packet(r.next); b != nil {
				f(b, false)
				n++
			}
			r.pass(1)
			continue
		}
		queued := 1
		for r.looked+queued < len(p.msgs) && r.state(r.after(queued))&(slotReady|slotQueued) == slotReady|slotQueued {
			queued++
		}
		n += p.queued(r.looked, r.looked+queued, f)
		r.pass(queued)
	}
	return n, true
}

// queued takes as many packets from the queue as slots say are there. That the interface went down, which the host says once, is no reason
// to leave them: they would be taken for those of later slots.
func (p *Packets) queued(from, to int, f func(b []byte, keep bool)) (n int) {
	for range 3 {
		got, errno := p.receive(from+n, to, f)
		if n += got; from+n == to || errno == linux.EAGAIN {
			break
		}
	}
	return n
}

// packet is what lies in a slot: nil if that is not all of it, since the socket's queue is full.
func (r *packetRing) packet(slot int) []byte {
	h := r.header(slot)
	from, to := int(h.mac)-vnetHeader, int(h.mac)+int(h.snaplen)
	if h.snaplen != h.length || from < 0 || to > slotSize {
		return nil
	}
	return r.slots[slot*slotSize:][from:to:to]
}

// pass goes on by n slots, which have been looked at.
func (r *packetRing) pass(n int) {
	r.next = r.after(n)
	r.looked += n
}

// Done ends the use of what Read has shown: the host may write there again.
func (p *Packets) Done() {
	r := &p.ring
	for ; r.looked > 0; r.looked-- {
		r.header(r.after(slots - r.looked)).status.Store(0)
	}
}
