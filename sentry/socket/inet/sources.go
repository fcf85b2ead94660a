package inet

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Sources of multicast groups as a whole (IP_MSFILTER, struct ip_msfilter in ip(7)): the group, the interface's address, which kind
// the sources are of, how many there are, and they.
const sizeofMsfilter = 16

// parseSources reads the fixed part: EINVAL, ENODEV.
func (s *Dgram) parseSources(b []byte) (group netip.Addr, link int32, n uint32, errno linux.Errno) {
	if len(b) < sizeofMsfilter {
		return group, 0, 0, linux.EINVAL
	}
	group = netip.AddrFrom4([4]byte(b))
	if !group.IsMulticast() {
		return group, 0, 0, linux.EINVAL
	}
	link, errno = s.linkBy(0, netip.AddrFrom4([4]byte(b[4:])), group)
	return group, link, binary.LittleEndian.Uint32(b[12:]), errno
}

// setSources is IP_MSFILTER.
func (s *Dgram) setSources(b []byte) linux.Errno {
	group, link, n, errno := s.parseSources(b)
	if errno != 0 {
		return errno
	}
	mode, rest := binary.LittleEndian.Uint32(b[8:]), b[sizeofMsfilter:]
	if mode != linux.MCAST_INCLUDE && mode != linux.MCAST_EXCLUDE || uint64(n)*4 > uint64(len(rest)) {
		return linux.EINVAL
	}
	var sources []netip.Addr
	for ; n > 0; n, rest = n-1, rest[4:] {
		sources = append(sources, netip.AddrFrom4([4]byte(rest)))
	}
	return s.ep.SetSources(group, link, sources, mode == linux.MCAST_EXCLUDE)
}

// OptionFor is socket.Asker's: IP_MSFILTER, of the group that is asked for.
func (s *Dgram) OptionFor(level, name int, question []byte) ([]byte, linux.Errno, bool) {
	if level != linux.IPPROTO_IP || name != linux.IP_MSFILTER {
		return nil, 0, false
	}
	group, link, room, errno := s.parseSources(question)
	if errno != 0 {
		return nil, errno, true
	}
	sources, exclude, errno := s.ep.Sources(group, link)
	if errno != 0 {
		return nil, errno, true
	}
	mode := uint32(linux.MCAST_INCLUDE)
	if exclude {
		mode = linux.MCAST_EXCLUDE
	}
	b := append([]byte(nil), question[:8]...)
	b = binary.LittleEndian.AppendUint32(b, mode)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(sources)))
	for _, a := range sources[:min(uint32(len(sources)), room)] {
		b = append(b, a.AsSlice()...)
	}
	return b, 0, true
}
