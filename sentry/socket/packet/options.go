package packet

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// SetOwn is socket.OwnOptions's: filters (sk_attach_filter).
func (s *Socket) SetOwn(c socket.Caller, name int, value []byte) (linux.Errno, bool) {
	switch name {
	case linux.SO_ATTACH_FILTER:
		p, errno := s.ReadFilter(c, value)
		if errno == 0 {
			s.filter.Store(&p)
		}
		return errno, true
	case linux.SO_DETACH_FILTER:
		if s.filter.Swap((*bpf.Program)(nil)) == nil {
			return linux.ENOENT, true
		}
		return 0, true
	}
	return 0, false
}

// GetOwn is socket.OwnOptions's.
func (s *Socket) GetOwn(name int) ([]byte, linux.Errno, bool) {
	if name == linux.SO_BPF_EXTENSIONS {
		return binary.LittleEndian.AppendUint32(nil, 64), 0, true // SKF_AD_MAX
	}
	return nil, 0, false
}

func (s *Socket) option(name int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.optionLocked(name)
}

func (s *Socket) optionLocked(name int) bool { return s.flags>>name&1 != 0 }

// SetOption is socket.Optioner's.
func (s *Socket) SetOption(_ socket.Caller, level, name int, value []byte) linux.Errno {
	if level != linux.SOL_PACKET {
		return linux.ENOPROTOOPT
	}
	switch name {
	case linux.PACKET_ADD_MEMBERSHIP, linux.PACKET_DROP_MEMBERSHIP:
		return s.member(name == linux.PACKET_ADD_MEMBERSHIP, value)
	case linux.PACKET_RX_RING:
		return s.setRing(value)
	}
	if len(value) < 4 {
		return linux.EINVAL
	}
	v := binary.LittleEndian.Uint32(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case linux.PACKET_VERSION:
		if s.ring != nil {
			return linux.EBUSY
		}
		if v > tpacketV3 {
			return linux.EINVAL
		}
		s.version = int32(v)
	case linux.PACKET_RESERVE:
		if s.ring != nil {
			return linux.EBUSY
		}
		if v > 1<<16 {
			return linux.EINVAL
		}
		s.reserve = v
	case linux.PACKET_AUXDATA, linux.PACKET_ORIGDEV, linux.PACKET_LOSS, linux.PACKET_TIMESTAMP, linux.PACKET_IGNORE_OUTGOING, linux.PACKET_QDISC_BYPASS:
		if name == linux.PACKET_IGNORE_OUTGOING && v > 1 {
			return linux.EINVAL
		}
		if s.flags |= 1 << name; v == 0 {
			s.flags &^= 1 << name
		}
	case linux.PACKET_COPY_THRESH:
	default:
		return linux.ENOPROTOOPT
	}
	return 0
}

// Option is socket.Optioner's.
func (s *Socket) Option(_ socket.Caller, level, name, n int) ([]byte, linux.Errno) {
	if level != linux.SOL_PACKET {
		return nil, linux.ENOPROTOOPT
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := uint32(0)
	switch name {
	case linux.PACKET_STATISTICS:
		b := binary.LittleEndian.AppendUint32(nil, s.packets)
		b = binary.LittleEndian.AppendUint32(b, s.drops)
		if s.version == tpacketV3 {
			b = binary.LittleEndian.AppendUint32(b, 0)
		}
		s.packets, s.drops = 0, 0
		return b[:min(n, len(b))], 0
	case linux.PACKET_VERSION:
		v = uint32(s.version)
	case linux.PACKET_RESERVE:
		v = s.reserve
	case linux.PACKET_AUXDATA, linux.PACKET_ORIGDEV, linux.PACKET_LOSS, linux.PACKET_TIMESTAMP, linux.PACKET_IGNORE_OUTGOING, linux.PACKET_QDISC_BYPASS:
		v = s.flags >> name & 1
	default:
		return nil, linux.ENOPROTOOPT
	}
	b := binary.LittleEndian.AppendUint32(nil, v)
	return b[:min(n, 4)], 0
}

// OptionFor is socket.Asker's: how long the header of a version is.
func (s *Socket) OptionFor(level, name int, question []byte) ([]byte, linux.Errno, bool) {
	if level != linux.SOL_PACKET || name != linux.PACKET_HDRLEN {
		return nil, 0, false
	}
	if len(question) < 4 || intOf(question, 0) > tpacketV3 {
		return nil, linux.EINVAL, true
	}
	sizes := [...]uint32{32, 32, 48}
	return binary.LittleEndian.AppendUint32(nil, sizes[intOf(question, 0)]), 0, true
}

// member joins or leaves what a socket wants of an interface (packet_mc_add).
func (s *Socket) member(add bool, value []byte) linux.Errno {
	if len(value) < 16 {
		return linux.EINVAL
	}
	m := membership{link: int32(binary.LittleEndian.Uint32(value)), typ: binary.LittleEndian.Uint16(value[4:]), n: 1}
	size := int(binary.LittleEndian.Uint16(value[6:]))
	if size > 8 || len(value) < 8+size {
		return linux.EINVAL
	}
	m.addr = string(value[8 : 8+size])
	l := s.net.Link(m.link)
	if add && l == nil {
		return linux.ENODEV
	}
	if add && m.typ > linux.PACKET_MR_UNICAST {
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.members {
		o := &s.members[i]
		if o.link != m.link || o.typ != m.typ || o.addr != m.addr {
			continue
		}
		if add {
			o.n++
		} else if o.n--; o.n == 0 {
			s.count(o.typ, -1)
			s.members = append(s.members[:i:i], s.members[i+1:]...)
		}
		return 0
	}
	if !add {
		return 0
	}
	if len(s.members) >= 256 {
		return linux.ENOBUFS
	}
	s.members = append(s.members, m)
	s.count(m.typ, 1)
	return 0
}

// count counts those who want what is for others.
func (s *Socket) count(typ uint16, n int32) {
	if typ == linux.PACKET_MR_PROMISC {
		s.all.promisc.Add(n)
	}
}

// intOf is a number at a place of a value.
func intOf(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
