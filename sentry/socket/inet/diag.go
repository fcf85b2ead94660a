package inet

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// inet_diag: what ss(8) asks about sockets of these families (net/ipv4/inet_diag.c, tcp_diag.c, udp_diag.c, raw_diag.c).

// diagnosis is one request that has been taken apart (struct inet_diag_req_v2).
type diagnosis struct {
	*socket.DiagRequest
	family, protocol, ext uint8
	states                uint32
	id                    []byte // struct inet_diag_sockid
	filter                diagFilter
	found                 bool // the one that was asked for
}

// diagSock is what is told of one socket.
type diagSock struct {
	diagEntry
	state, timer, retrans uint8
	expires               uint32 // ms
	in, out               int
	uid                   uint32
	owner                 stack.Owner
	shut                  uint8
	tcp                   *tcp.Endpoint
}

// Places in struct inet_diag_sockid.
const (
	diagSport, diagDport, diagSrc, diagDst, diagIf, diagCookie = 0, 2, 4, 20, 36, 40
	diagIDSize                                                 = 48
)

// diag answers a request.
func diag(q *socket.DiagRequest) linux.Errno {
	if len(q.Body) < linux.SizeofInetDiagReq {
		return linux.EINVAL
	}
	d := &diagnosis{DiagRequest: q, family: q.Body[0], protocol: q.Body[1], ext: q.Body[2], states: binary.LittleEndian.Uint32(q.Body[4:]), id: q.Body[8 : 8+diagIDSize]}
	for b := q.Body[linux.SizeofInetDiagReq:]; len(b) >= 4; {
		n, typ := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])
		if n < 4 || n > len(b) {
			break
		}
		if q.Dump && typ == linux.INET_DIAG_REQ_BYTECODE {
			d.filter = b[4:n]
		}
		if typ == linux.INET_DIAG_REQ_PROTOCOL && n >= 8 && binary.LittleEndian.Uint32(b[4:]) != uint32(d.protocol) {
			return linux.ENOENT // MPTCP, whose number is more than a byte
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	if errno := d.filter.check(q.Admin()); errno != 0 {
		return errno
	}
	if q.Destroy && !q.Admin() {
		return linux.EPERM
	}
	n := Of(q.NS)
	switch d.protocol {
	case linux.IPPROTO_TCP:
		n.TCP.Each(d.family == linux.AF_INET6, func(i tcp.Info) { d.stream(n, i) })
	case linux.IPPROTO_UDP:
		d.dgrams(n, dgram.UDP, 0)
	case linux.IPPROTO_UDPLITE:
		d.dgrams(n, dgram.UDPLite, 0)
	case linux.IPPROTO_RAW:
		d.dgrams(n, dgram.Raw, q.Body[3])
	default:
		return linux.ENOENT
	}
	if !q.Dump && !d.found {
		return linux.ENOENT
	}
	return 0
}

// stream tells of a TCP socket.
func (d *diagnosis) stream(n *Net, i tcp.Info) {
	s := diagSock{state: uint8(i.State), uid: i.UID, owner: i.Owner, in: i.RxQueue, out: i.TxQueue, tcp: i.Endpoint, timer: uint8(i.Timer), retrans: i.Retrans}
	if i.Expires != 0 {
		s.expires = uint32(max(i.Expires-n.Stack.Clock.Now(), 0) / 1e6)
	}
	s.addresses(d.family, i.Local, i.Remote)
	s.link, s.chosenPort, s.shut = i.Link, i.ChosenPort, i.Shut
	d.take(&s)
}

// dgrams tells of datagram or raw sockets.
func (d *diagnosis) dgrams(n *Net, kind dgram.Kind, protocol uint8) {
	n.UDP.Each(kind, d.family == linux.AF_INET6, func(e *dgram.Endpoint) {
		if protocol != 0 && e.Proto != protocol {
			return
		}
		s := diagSock{state: uint8(tcp.Close), uid: e.UID(), owner: e.Owner}
		remote, ok := e.Remote()
		if ok {
			s.state = uint8(tcp.Established)
		}
		_, s.in = e.Queued()
		s.addresses(d.family, e.Local(), remote)
		s.link = e.BoundLink()
		d.take(&s)
	})
}

func (s *diagSock) addresses(family uint8, local, remote netip.AddrPort) {
	s.family, s.sport, s.dport = family, local.Port(), remote.Port()
	put := func(to *[16]byte, a netip.Addr) {
		switch {
		case !a.IsValid():
		case family == linux.AF_INET6:
			*to = a.As16()
		case a.Is4():
			b := a.As4()
			copy(to[:], b[:])
		}
	}
	put(&s.src, local.Addr())
	put(&s.dst, remote.Addr())
}

// take tells of a socket if that is what was asked for.
func (d *diagnosis) take(s *diagSock) {
	base := baseOf(s.owner)
	if base != nil {
		s.mark = base.Mark()
	}
	sport, dport := binary.BigEndian.Uint16(d.id[diagSport:]), binary.BigEndian.Uint16(d.id[diagDport:])
	if d.Dump {
		if d.states>>s.state&1 == 0 || sport != 0 && sport != s.sport || dport != 0 && dport != s.dport || !d.filter.match(&s.diagEntry) {
			return
		}
		d.Emit(d.describe(s, base))
		return
	}
	if d.found || sport != s.sport || dport != s.dport || [16]byte(d.id[diagSrc:diagSrc+16]) != s.src || [16]byte(d.id[diagDst:diagDst+16]) != s.dst ||
		base != nil && !base.SameCookie(d.id[diagCookie:]) {
		return
	}
	d.found = true
	switch {
	case !d.Destroy:
		d.Emit(d.describe(s, base))
	case s.tcp != nil:
		s.tcp.Abort(linux.ECONNABORTED)
	}
}

func baseOf(o stack.Owner) *socket.Base {
	if s, ok := o.(socket.Socket); ok {
		return s.Common()
	}
	return nil
}

// describe makes struct inet_diag_msg and its attributes (inet_sk_diag_fill, inet_twsk_diag_fill, inet_req_diag_fill).
func (d *diagnosis) describe(s *diagSock, base *socket.Base) []byte {
	b := []byte{d.family, s.state, s.timer, s.retrans}
	b = binary.BigEndian.AppendUint16(b, s.sport)
	b = binary.BigEndian.AppendUint16(b, s.dport)
	b = append(append(b, s.src[:]...), s.dst[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.link))
	cookie, inode := uint64(0), uint32(0)
	if base != nil {
		cookie, inode = base.Cookie(), base.InodeNumber()
	}
	b = binary.LittleEndian.AppendUint64(b, cookie)
	b = binary.LittleEndian.AppendUint32(b, s.expires)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.in))
	b = binary.LittleEndian.AppendUint32(b, uint32(s.out))
	b = binary.LittleEndian.AppendUint32(b, d.UID(auth.UID(s.uid)))
	b = binary.LittleEndian.AppendUint32(b, inode)
	if s.state == uint8(tcp.TimeWait) || s.state == uint8(tcp.SynRecv) && s.tcp == nil {
		if d.Admin() {
			b = socket.DiagAttr32(b, linux.INET_DIAG_MARK, 0)
		}
		return b
	}
	b = socket.DiagAttr(b, linux.INET_DIAG_SHUTDOWN, s.shut)
	b = d.options(b, s)
	if d.Admin() {
		b = socket.DiagAttr32(b, linux.INET_DIAG_MARK, s.mark)
	}
	if base != nil && d.wants(linux.INET_DIAG_TCLASS) {
		b = socket.DiagAttr32(b, linux.INET_DIAG_CLASS_ID, uint32(base.Priority()))
	}
	b = append(b, d.flags(s)...)
	return d.details(b, s, base)
}

func (d *diagnosis) wants(ext int) bool { return d.ext>>(ext-1)&1 != 0 }

// optionsOf are the options of an owner.
func optionsOf(o stack.Owner) *options {
	switch s := o.(type) {
	case *Stream:
		return &s.opt
	case *Dgram:
		return &s.opt
	}
	return nil
}

// options tells of the type of service and IPV6_V6ONLY.
func (d *diagnosis) options(b []byte, s *diagSock) []byte {
	o := optionsOf(s.owner)
	if o == nil {
		return b
	}
	o.mu.Lock()
	tos, class := o.tos, max(o.class, 0)
	o.mu.Unlock()
	if d.wants(linux.INET_DIAG_TOS) {
		b = socket.DiagAttr(b, linux.INET_DIAG_TOS, tos)
	}
	if d.family == linux.AF_INET6 {
		if d.wants(linux.INET_DIAG_TCLASS) {
			b = socket.DiagAttr(b, linux.INET_DIAG_TCLASS, byte(class))
		}
		if s.state == uint8(tcp.Listen) || s.state == uint8(tcp.Close) {
			b = socket.DiagAttr(b, linux.INET_DIAG_SKV6ONLY, byte(truth(o.v6only.Load())))
		}
	}
	return b
}

// flags is struct inet_diag_sockopt.
func (d *diagnosis) flags(s *diagSock) []byte {
	var v uint8
	if s.tcp != nil {
		v |= 1 << 1 // is_icsk
	}
	if o := optionsOf(s.owner); o != nil {
		o.mu.Lock()
		if o.recv[linux.IP_RECVERR] {
			v |= 1
		}
		if o.recv[linux.IP_MULTICAST_LOOP] {
			v |= 1 << 4
		}
		if o.recv[linux.IP_MULTICAST_ALL] {
			v |= 1 << 6
		}
		o.mu.Unlock()
		if o.freebind.Load() {
			v |= 1 << 2
		}
		if o.hdrincl.Load() {
			v |= 1 << 3
		}
	}
	return socket.DiagAttr(nil, linux.INET_DIAG_SOCKOPT, v, 0)
}

// details is memory, struct tcp_info and the name of the congestion control.
func (d *diagnosis) details(b []byte, s *diagSock, base *socket.Base) []byte {
	in, out := s.in, s.out
	if s.state == uint8(tcp.Listen) {
		in, out = 0, 0
	}
	if base != nil && d.wants(linux.INET_DIAG_MEMINFO) {
		b = socket.DiagAttr32(b, linux.INET_DIAG_MEMINFO, uint32(in), uint32(out), 0, uint32(out))
	}
	if base != nil && d.wants(linux.INET_DIAG_SKMEMINFO) {
		b = base.DiagMemory(b, linux.INET_DIAG_SKMEMINFO, in, out)
	}
	if s.tcp == nil {
		return b
	}
	if d.wants(linux.INET_DIAG_INFO) {
		info := s.tcp.Info()
		data, _ := binary.Append(nil, binary.LittleEndian, &info)
		b = socket.DiagAttr(b, linux.INET_DIAG_INFO, data...)
	}
	if d.wants(linux.INET_DIAG_CONG) {
		s.tcp.View(func(o *tcp.Options) {
			b = socket.DiagAttr(b, linux.INET_DIAG_CONG, append([]byte(o.Congestion), 0)...)
		})
	}
	if d.wants(linux.INET_DIAG_VEGASINFO) || d.wants(linux.INET_DIAG_BBRINFO) {
		if info := s.tcp.ControlInfo(); len(info) > 0 {
			b = socket.DiagAttr(b, linux.INET_DIAG_BBRINFO, info...)
		}
	}
	return b
}
