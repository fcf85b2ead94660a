package unix

import (
	"encoding/binary"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// diag is unix_diag: what ss(8) asks about sockets of this family (net/unix/diag.c).
func diag(q *socket.DiagRequest) linux.Errno {
	if len(q.Body) < linux.SizeofUnixDiagReq {
		return linux.EINVAL
	}
	if q.Destroy {
		return linux.EOPNOTSUPP
	}
	states, ino, show := binary.LittleEndian.Uint32(q.Body[4:]), binary.LittleEndian.Uint32(q.Body[8:]), binary.LittleEndian.Uint32(q.Body[12:])
	n := q.NS.Get("unix", newNames(q.NS)).(*names)
	n.mu.Lock()
	var all []*Socket
	for _, s := range n.all {
		all = append(all, s)
	}
	n.mu.Unlock()
	slices.SortFunc(all, func(a, b *Socket) int { return int(int64(a.id) - int64(b.id)) })
	if !q.Dump {
		for _, s := range all {
			if ino != 0 && s.InodeNumber() == ino {
				if !s.SameCookie(q.Body[16:]) {
					return linux.ESTALE
				}
				q.Emit(s.describe(q, show))
				return 0
			}
		}
		if ino == 0 {
			return linux.EINVAL
		}
		return linux.ENOENT
	}
	for _, s := range all {
		if states>>s.number()&1 != 0 {
			q.Emit(s.describe(q, show))
		}
	}
	return 0
}

// number is the state as Linux shows it here: those of TCP.
func (s *Socket) number() uint8 {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == listening:
		return 10
	case s.state == connected, s.peer != nil:
		return 1
	}
	return 7
}

// describe makes struct unix_diag_msg and its attributes (sk_diag_fill).
func (s *Socket) describe(q *socket.DiagRequest, show uint32) []byte {
	b := []byte{linux.AF_UNIX, byte(s.Type), s.number(), 0}
	b = binary.LittleEndian.AppendUint32(b, s.InodeNumber())
	b = binary.LittleEndian.AppendUint64(b, s.Cookie())
	if name := s.name.Load(); name != nil && show&linux.UDIAG_SHOW_NAME != 0 {
		b = socket.DiagAttr(b, linux.UNIX_DIAG_NAME, sockaddr(name)[2:]...)
	}
	s.mu.Lock()
	peer, shut, accepts := s.peer, s.shut, slices.Clone(s.accepts)
	in, out := 0, s.backlog
	if s.state == listening {
		in = len(s.accepts)
	} else {
		for _, m := range s.messages {
			if in += m.left(); s.Type == linux.SOCK_DGRAM { // unix_inq_len
				break
			}
		}
		out = int(s.wmem.Load())
	}
	s.mu.Unlock()
	if peer != nil && show&linux.UDIAG_SHOW_PEER != 0 {
		b = socket.DiagAttr32(b, linux.UNIX_DIAG_PEER, peer.InodeNumber())
	}
	if s.number() == 10 && show&linux.UDIAG_SHOW_ICONS != 0 {
		var inodes []uint32
		for _, a := range accepts {
			a.mu.Lock()
			p := a.peer
			a.mu.Unlock()
			if p != nil {
				inodes = append(inodes, p.InodeNumber())
			}
		}
		b = socket.DiagAttr32(b, linux.UNIX_DIAG_ICONS, inodes...)
	}
	if show&linux.UDIAG_SHOW_RQLEN != 0 {
		b = socket.DiagAttr32(b, linux.UNIX_DIAG_RQLEN, uint32(in), uint32(out))
	}
	if show&linux.UDIAG_SHOW_MEMINFO != 0 {
		b = s.DiagMemory(b, linux.UNIX_DIAG_MEMINFO, in, int(s.wmem.Load()))
	}
	b = socket.DiagAttr(b, linux.UNIX_DIAG_SHUTDOWN, shut)
	if i := s.Inode(); i != nil && show&linux.UDIAG_SHOW_UID != 0 {
		b = socket.DiagAttr32(b, linux.UNIX_DIAG_UID, q.UID(i.Attr().UID))
	}
	return b
}
