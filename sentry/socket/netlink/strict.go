package netlink

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// NETLINK_GET_STRICT_CHK: requests for lists may say nothing that the kernel would not look at (inet_valid_dump_ifaddr_req and its
// likes).

// strictness is what a request may have.
type strictness struct {
	size  int   // of its fixed part
	zero  []int // bytes of that which must be 0
	attrs []uint16
}

var strictDumps = map[uint16]strictness{
	linux.RTM_GETLINK:  {16, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, []uint16{linux.IFLA_MASTER, linux.IFLA_LINKINFO, linux.IFLA_EXT_MASK, linux.IFLA_TARGET_NETNSID}},
	linux.RTM_GETADDR:  {8, []int{1, 2, 3}, []uint16{linux.IFA_TARGET_NETNSID}},
	linux.RTM_GETROUTE: {12, []int{1, 2, 3, 6}, []uint16{linux.RTA_TABLE, linux.RTA_OIF}},
	linux.RTM_GETNEIGH: {12, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11}, []uint16{linux.NDA_IFINDEX, linux.NDA_MASTER}},
	linux.RTM_GETRULE:  {12, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, nil},
}

// strict checks a request: EINVAL.
func (s *Socket) strict(q *request) linux.Errno {
	v, ok := strictDumps[q.Type]
	if !ok || !s.option(linux.NETLINK_GET_STRICT_CHK) || q.body[0] == linux.AF_BRIDGE {
		return 0
	}
	if len(q.body) < v.size {
		return linux.EINVAL
	}
	for _, i := range v.zero {
		if q.body[i] != 0 {
			return linux.EINVAL
		}
	}
	for typ := range attrs(q.body[v.size:]) {
		if !slices.Contains(v.attrs, typ) {
			return linux.EINVAL
		}
	}
	if index := s.onlyIndex(q); q.Type == linux.RTM_GETADDR && index != 0 {
		if _, errno := socket.Devices(s.NS).Find(int32(index), ""); errno != 0 {
			return linux.ENODEV
		}
	}
	return 0
}

// strictRoute is strict for the request for one route (inet_rtm_valid_getroute_req).
func (s *Socket) strictRoute(m *linux.Rtmsg, at map[uint16][]byte) linux.Errno {
	bits := uint8(32)
	if m.Family == linux.AF_INET6 {
		bits = 128
	}
	switch {
	case !s.option(linux.NETLINK_GET_STRICT_CHK):
	case m.DstLen != 0 && m.DstLen != bits, m.SrcLen != 0 && m.SrcLen != bits, m.Table != 0, m.Protocol != 0, m.Scope != 0, m.Type != 0,
		at[linux.RTA_DST] != nil && m.DstLen == 0, at[linux.RTA_SRC] != nil && m.SrcLen == 0:
		return linux.EINVAL
	}
	return 0
}

// getAddr describes one address of IPv6: EOPNOTSUPP for others, EADDRNOTAVAIL if there is none (inet6_rtm_getaddr).
func (s *Socket) getAddr(q *request) linux.Errno {
	var m linux.Ifaddrmsg
	switch {
	case q.body[0] != linux.AF_INET6:
		return linux.EOPNOTSUPP
	case !usermem.Decode(q.body, &m), s.option(linux.NETLINK_GET_STRICT_CHK) && (m.Prefixlen != 0 || m.Flags != 0 || m.Scope != 0):
		return linux.EINVAL
	}
	at := attrs(q.body[8:])
	ip := at[linux.IFA_ADDRESS]
	if b := at[linux.IFA_LOCAL]; b != nil {
		ip = b
	}
	if len(ip) != 16 {
		return linux.EINVAL
	}
	links := socket.Devices(s.NS).Links()
	if !slices.ContainsFunc(links, func(l device.Link) bool { return uint32(l.Index) == m.Index }) {
		m.Index = 0 // which is any
	}
	for i := range links {
		for _, a := range links[i].Addrs {
			if a.Family == linux.AF_INET6 && slices.Equal(a.IP, ip) && (m.Index == 0 || m.Index == uint32(links[i].Index)) {
				var r reply
				putAddr(&r, linux.Nlmsghdr{Type: linux.RTM_NEWADDR, Seq: q.Seq, PID: s.port}, &links[i], a)
				s.put(message{data: r.buf, cred: &socket.Cred{}})
				return 0
			}
		}
	}
	return linux.EADDRNOTAVAIL
}

// getNeigh describes one neighbour (neigh_get).
func (s *Socket) getNeigh(q *request) linux.Errno {
	var m linux.Ndmsg
	if !usermem.Decode(q.body, &m) || q.body[1]|q.body[2]|q.body[3] != 0 || m.State != 0 || m.Type != 0 || m.Flags&^linux.NTF_PROXY != 0 {
		return linux.EINVAL
	}
	at, size := attrs(q.body[12:]), map[uint8]int{linux.AF_INET: 4, linux.AF_INET6: 16}[m.Family]
	dst, given := at[linux.NDA_DST]
	switch {
	case len(at) > 1 || len(at) == 1 && !given:
		return linux.EINVAL
	case size == 0:
		return linux.EAFNOSUPPORT
	case given && len(dst) != size:
		return linux.EINVAL
	}
	if _, errno := socket.Devices(s.NS).Find(m.Ifindex, ""); m.Ifindex != 0 && errno != 0 {
		return linux.ENODEV
	}
	if !given || m.Ifindex == 0 {
		return linux.EINVAL
	}
	errno := linux.Errno(linux.ENOENT)
	want, _ := netip.AddrFromSlice(dst)
	socket.Stack(s.NS).EachPort(func(index int32, out stack.Port) {
		e, ok := out.(ethernet)
		if !ok || index != m.Ifindex {
			return
		}
		e.Each(func(a netip.Addr, mac [6]byte, state uint16) {
			if a == want && errno != 0 {
				var r reply
				putNeigh(&r, linux.Nlmsghdr{Seq: q.Seq, PID: s.port}, &neigh{index, a, mac, state})
				s.put(message{data: r.buf, cred: &socket.Cred{}})
				errno = 0
			}
		})
	})
	return errno
}

// failed ends a list that cannot be made (netlink_dump_done).
func (r *reply) failed(q *request, port uint32, errno linux.Errno) {
	r.done(q, port)
	binary.LittleEndian.PutUint32(r.buf[r.start+sizeofHdr:], uint32(-int32(errno)))
}
