package packet

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Versions of the headers in a ring.
const (
	tpacketV1 = iota
	tpacketV2
	tpacketV3
)

// ring is memory that frames are put into for the application, which gives each place back by its status word: a place
// is a frame, or with version 3 a block of many (Documentation/networking/packet_mmap.rst). The socket's lock guards it.
type ring struct {
	mappings mm.Mappings
	object   *pages.Object
	version  int32
	size     uint64
	reserve  int

	slot  int // the size of a place
	slots int
	head  int // the next place

	// Of version 3.
	private  int
	timeout  int64 // ns, until a block is given to the application though it is not full
	open     bool
	used     int // bytes of the open block
	count    int
	last     int // where its last frame begins
	sequence uint64
	timer    stack.Timer
}

// maxRing bounds the memory of a ring.
const maxRing = 256 << 20

// setRing is PACKET_RX_RING (packet_set_ring): struct tpacket_req, or tpacket_req3. No blocks end the ring.
func (s *Socket) setRing(value []byte) linux.Errno {
	s.mu.Lock()
	version, reserve, old := s.version, s.reserve, s.ring
	s.mu.Unlock()
	need := 16
	if version == tpacketV3 {
		need = 28
	}
	if len(value) < need {
		return linux.EINVAL
	}
	block, blocks, frame, frames := intOf(value, 0), intOf(value, 4), intOf(value, 8), intOf(value, 12)
	if old != nil && (old.mappings.Mapped() || blocks != 0) {
		return linux.EBUSY
	}
	if blocks == 0 {
		if frames != 0 {
			return linux.EINVAL
		}
		s.mu.Lock()
		s.ring = nil
		s.mu.Unlock()
		if old != nil {
			old.stop(s)
		}
		return 0
	}
	r := &ring{version: version, reserve: int(reserve), size: uint64(block) * uint64(blocks)}
	least := uint32(r.headers()) + reserve
	switch {
	case block == 0 || block%pages.PageSize != 0 || frame < least || frame%16 != 0 || frame > block:
		return linux.EINVAL
	case uint64(block/frame)*uint64(blocks) != uint64(frames):
		return linux.EINVAL
	case r.size > maxRing:
		return linux.ENOMEM
	}
	r.slot, r.slots = int(frame), int(frames)
	if version == tpacketV3 {
		r.slot, r.slots = int(block), int(blocks)
		r.private = int(intOf(value, 20))
		if uint64(r.private)+blockHeader+uint64(least) > uint64(block) || r.private < 0 || intOf(value, 24) != 0 && intOf(value, 24) != 1 {
			return linux.EINVAL
		}
		if r.timeout = int64(intOf(value, 16)) * 1e6; r.timeout == 0 {
			r.timeout = 8e6
		}
		r.timer.Init(func() { r.expire(s) })
	}
	r.object = pages.NewObject(s.pool, pages.Shmem, nil)
	if errno := r.object.Allocate(0, r.size); errno != 0 {
		r.object.Release()
		return linux.ENOMEM
	}
	s.mu.Lock()
	s.ring, s.messages, s.charged = r, nil, 0
	s.mu.Unlock()
	return 0
}

// headers is what stands before the data of a frame: its header and struct sockaddr_ll.
func (r *ring) headers() int { return r.header() + 20 }

func (r *ring) header() int {
	if r.version == tpacketV3 {
		return 48
	}
	return 32
}

// stop ends a ring that the socket has no more.
func (r *ring) stop(s *Socket) {
	if r.version == tpacketV3 {
		s.net.Clock.Set(&r.timer, 0)
	}
	r.object.Release()
}

func align16(n int) int { return (n + 15) &^ 15 }

// offsets are where the link's header and the packet stand in a place.
func (r *ring) offsets(dgram bool, head int) (mac, net int) {
	if dgram {
		n := align16(r.headers()) + 16 + r.reserve
		return n, n
	}
	net = align16(r.headers()+max(head, 16)) + r.reserve
	return net - head, net
}

func (r *ring) write(at int, b []byte) {
	src := usermem.Bytes(b)
	r.object.Write(&src, uint64(at))
}

func (r *ring) word(at int) uint32 {
	var b [4]byte
	dst := usermem.Bytes(b[:])
	r.object.Read(&dst, uint64(at), r.size)
	return binary.LittleEndian.Uint32(b[:])
}

func (r *ring) setWord(at int, v uint32) { r.write(at, binary.LittleEndian.AppendUint32(nil, v)) }

// put puts a frame into the ring, n bytes of data: whether the application is to be woken, and false if there is no room.
func (r *ring) put(s *Socket, f *stack.Frame, data []byte, n int) (woken, ok bool) {
	mac, net := r.offsets(s.Type == linux.SOCK_DGRAM, f.Head)
	if r.version == tpacketV3 {
		return r.putBlock(s, f, data, n, mac, net)
	}
	at := r.head * r.slot
	if r.word(at) != linux.TP_STATUS_KERNEL {
		return false, false
	}
	n = min(n, r.slot-mac)
	if n < 0 {
		return false, false
	}
	t := now()
	status := frameStatus(f)
	if s.drops > 0 {
		status |= linux.TP_STATUS_LOSING
	}
	b := make([]byte, 0, 64)
	if r.version == tpacketV1 {
		b = binary.LittleEndian.AppendUint64(b, 0)
	} else {
		b = binary.LittleEndian.AppendUint32(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint16(b, uint16(mac))
	b = binary.LittleEndian.AppendUint16(b, uint16(net))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Unix()))
	if r.version == tpacketV1 {
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Nanosecond()/1000))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Nanosecond()))
	}
	b = append(b[:min(len(b), 32)], make([]byte, 32-len(b))...)
	r.write(at+mac, data[:n])
	r.write(at, append(b, address(f)...))
	r.setWord(at, status)
	r.head = (r.head + 1) % r.slots
	return true, true
}

const blockHeader = 48 // struct tpacket_block_desc

// putBlock puts a frame into the open block; when that is full it is the application's.
func (r *ring) putBlock(s *Socket, f *stack.Frame, data []byte, n, mac, net int) (woken, ok bool) {
	first := blockHeader + (r.private+7)&^7
	n = min(n, r.slot-first-mac)
	if n < 0 {
		return false, false
	}
	size := (mac + n + 7) &^ 7
	if r.open && r.used+size > r.slot {
		r.close(0)
		woken = true
	}
	t := now()
	if !r.open && !r.openBlock(s, t.Unix(), t.Nanosecond()) {
		return woken, false
	}
	base := r.head * r.slot
	if r.count > 0 {
		r.setWord(base+r.last, uint32(r.used-r.last))
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 72), 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Nanosecond()))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, frameStatus(f))
	b = binary.LittleEndian.AppendUint16(b, uint16(mac))
	b = binary.LittleEndian.AppendUint16(b, uint16(net))
	b = append(append(b, make([]byte, 20)...), address(f)...)
	at := base + r.used
	r.write(at+mac, data[:n])
	r.write(at, b)
	r.last = r.used
	r.used += size
	r.count++
	r.write(base+40, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(t.Unix())), uint32(t.Nanosecond())))
	return woken, true
}

// openBlock begins the next block: false if the application has it still.
func (r *ring) openBlock(s *Socket, sec int64, nsec int) bool {
	base := r.head * r.slot
	if r.word(base+8) != linux.TP_STATUS_KERNEL {
		return false
	}
	r.sequence++
	b := binary.LittleEndian.AppendUint32(nil, tpacketV3)
	b = binary.LittleEndian.AppendUint32(b, blockHeader)
	b = append(b, make([]byte, 16)...) // status, frames, first, length
	b = binary.LittleEndian.AppendUint64(b, r.sequence)
	b = binary.LittleEndian.AppendUint32(b, uint32(sec))
	b = binary.LittleEndian.AppendUint32(b, uint32(nsec))
	r.write(base, append(b, make([]byte, 8)...))
	r.open, r.count, r.last = true, 0, 0
	r.used = blockHeader + (r.private+7)&^7
	s.net.Clock.Set(&r.timer, s.net.Clock.Now()+r.timeout)
	return true
}

// close gives the open block to the application.
func (r *ring) close(status uint32) {
	base := r.head * r.slot
	r.setWord(base+12, uint32(r.count))
	r.setWord(base+16, uint32(blockHeader+(r.private+7)&^7))
	r.setWord(base+20, uint32(r.used))
	r.setWord(base+8, linux.TP_STATUS_USER|status)
	r.open = false
	r.head = (r.head + 1) % r.slots
}

// expire gives a block away that has waited for long enough.
func (r *ring) expire(s *Socket) {
	s.mu.Lock()
	woken := s.ring == r && r.open && r.count > 0
	if woken {
		r.close(linux.TP_STATUS_BLK_TMO)
	}
	s.mu.Unlock()
	if woken {
		s.queue.Notify(socket.EventIn)
	}
}

// ready reports whether the place before the next is the application's.
func (r *ring) ready() bool {
	at := (r.head + r.slots - 1) % r.slots * r.slot
	if r.version == tpacketV3 {
		at += 8
	}
	return r.word(at) != linux.TP_STATUS_KERNEL
}

// Mmap is vfs.Mapper's: the whole ring (packet_mmap).
func (s *Socket) Mmap(_ vfs.Ctx, _ *vfs.File, a *mm.MapArgs) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring == nil || a.Off != 0 || a.Len != s.ring.size {
		return linux.EINVAL
	}
	a.Mappable = s.ring
	return 0
}

// Backing is mm.Mappable's.
func (r *ring) Backing(off, most uint64, _ bool) (mm.Backing, linux.Errno) {
	if off >= r.size {
		return mm.Backing{}, linux.EFAULT
	}
	at, n, errno := r.object.Backing(off, min(most, r.size-off), 64<<10)
	return mm.Backing{Off: at, Len: n}, errno
}

// Sync is mm.Mappable's.
func (*ring) Sync(uint64, uint64) linux.Errno { return 0 }

// Mappings is mm.Mappable's.
func (r *ring) Mappings() *mm.Mappings { return &r.mappings }
