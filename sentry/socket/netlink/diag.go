package netlink

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// NETLINK_SOCK_DIAG (sock_diag(7), net/core/sock_diag.c): the sockets of a namespace, family by family.

// diag does one request.
func (s *Socket) diag(c socket.Caller, q *request) (errno linux.Errno, answered bool) {
	if q.Type != linux.SOCK_DIAG_BY_FAMILY && q.Type != linux.SOCK_DESTROY {
		if q.Type == 18 || q.Type == 19 { // TCPDIAG_GETSOCK, of which the family's requests are the successor
			return linux.EOPNOTSUPP, false
		}
		return linux.EINVAL, false
	}
	if len(q.body) < 2 || q.body[0] >= linux.AF_MAX {
		return linux.EINVAL, false
	}
	d := socket.DiagOf(int(q.body[0]))
	if d == nil {
		return linux.ENOENT, false
	}
	var r reply
	flush := func() {
		if len(r.buf) > 0 {
			s.put(message{data: r.buf, cred: &socket.Cred{}})
			r = reply{}
		}
	}
	h := linux.Nlmsghdr{Type: q.Type, Seq: q.Seq, PID: s.port}
	dr := &socket.DiagRequest{Caller: c, NS: s.NS, Body: q.body, Dump: q.Flags&linux.NLM_F_DUMP != 0, Destroy: q.Type == linux.SOCK_DESTROY,
		UID: func(u auth.UID) uint32 { return c.Cred().NS.FromKernelUID(u) }}
	if dr.Destroy {
		dr.Dump = false
	}
	if dr.Dump {
		h.Flags = linux.NLM_F_MULTI
	}
	dr.Emit = func(msg []byte) {
		r.start = len(r.buf)
		r.buf = append(append(r.buf, usermem.Encode(&h)...), msg...)
		r.end()
		if len(r.buf) > diagBatch {
			flush()
		}
	}
	if errno := d(dr); errno != 0 {
		return errno, false
	}
	if dr.Dump {
		flush()
		r.done(q, s.port)
	}
	flush()
	return 0, dr.Dump
}

// diagBatch is about how much goes into one message.
const diagBatch = 16 << 10

// diagNetlink is netlink_diag: the sockets of this family (net/netlink/diag.c).
func diagNetlink(q *socket.DiagRequest) linux.Errno {
	if len(q.Body) < linux.SizeofNetlinkDiagReq {
		return linux.EINVAL
	}
	if !q.Dump {
		return linux.EOPNOTSUPP
	}
	protocol, show := int(q.Body[1]), binary.LittleEndian.Uint32(q.Body[8:])
	if protocol != linux.NDIAG_PROTO_ALL && protocol >= linux.NETLINK_MAX {
		return linux.ENOENT
	}
	p := portsOf(q.NS)
	p.mu.Lock()
	var all []*Socket
	for k, s := range p.taken {
		if protocol == linux.NDIAG_PROTO_ALL || protocol == k.protocol {
			all = append(all, s)
		}
	}
	p.mu.Unlock()
	for _, s := range all {
		s.mu.Lock()
		port, groups, dst, mem, flags := s.port, s.groups, s.dst, s.charged, s.options
		s.mu.Unlock()
		b := []byte{linux.AF_NETLINK, byte(s.Type), byte(s.Protocol), 0}
		b = binary.LittleEndian.AppendUint32(b, port)
		b = binary.LittleEndian.AppendUint32(b, dst.PID)
		b = binary.LittleEndian.AppendUint32(b, dst.Groups)
		b = binary.LittleEndian.AppendUint32(b, s.InodeNumber())
		b = binary.LittleEndian.AppendUint64(b, s.Cookie())
		if show&linux.NDIAG_SHOW_GROUPS != 0 {
			b = socket.DiagAttr(b, linux.NETLINK_DIAG_GROUPS, binary.LittleEndian.AppendUint64(nil, groups)...)
		}
		if show&linux.NDIAG_SHOW_MEMINFO != 0 {
			b = s.DiagMemory(b, linux.NETLINK_DIAG_MEMINFO, mem, 0)
		}
		if show&linux.NDIAG_SHOW_FLAGS != 0 {
			b = socket.DiagAttr32(b, linux.NETLINK_DIAG_FLAGS, diagFlags(flags))
		}
		q.Emit(b)
	}
	return 0
}

// diagFlags are the options in the numbers of the answer (NDIAG_FLAG_).
func diagFlags(options uint32) (flags uint32) {
	for bit, name := range map[int]int{1: linux.NETLINK_PKTINFO, 2: linux.NETLINK_BROADCAST_ERROR, 3: linux.NETLINK_NO_ENOBUFS, 4: linux.NETLINK_LISTEN_ALL_NSID, 5: linux.NETLINK_CAP_ACK} {
		flags |= options >> name & 1 << bit
	}
	return flags
}
