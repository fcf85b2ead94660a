package socket

import (
	"encoding/binary"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// DiagRequest is a request about the sockets of a family (sock_diag(7)).
type DiagRequest struct {
	Caller  Caller
	NS      Namespace
	Body    []byte // the request as it came, from the family on
	Dump    bool   // about all, not one
	Destroy bool   // the one is to be closed
	UID     func(auth.UID) uint32
	Emit    func(msg []byte) // takes the body of an answer
}

// Admin reports whether the caller may see what only administrators do.
func (q *DiagRequest) Admin() bool { return q.Caller.Cred().Has(linux.CAP_NET_ADMIN) }

// Diag answers requests about a family.
type Diag func(q *DiagRequest) linux.Errno

var diags struct {
	sync.Mutex
	of map[int]Diag
}

// RegisterDiag makes d the one for a family.
func RegisterDiag(family int, d Diag) {
	diags.Lock()
	defer diags.Unlock()
	if diags.of == nil {
		diags.of = map[int]Diag{}
	}
	diags.of[family] = d
}

// DiagOf returns the one for a family, nil if there is none.
func DiagOf(family int) Diag {
	diags.Lock()
	defer diags.Unlock()
	return diags.of[family]
}

// Cookie is the number of a socket that no other has had.
func (s *Base) Cookie() uint64 {
	if s.cookie.Load() == 0 {
		s.cookie.CompareAndSwap(0, cookies.Add(1))
	}
	return s.cookie.Load()
}

// Mark is SO_MARK.
func (s *Base) Mark() uint32 { return s.mark.Load() }

// InodeNumber is the inode's, 0 if nobody has the socket open.
func (s *Base) InodeNumber() uint32 {
	if i := s.Inode(); i != nil {
		return uint32(i.Ino)
	}
	return 0
}

// SameCookie reports whether a cookie of a request, eight bytes, is for the socket.
func (s *Base) SameCookie(b []byte) bool {
	c := binary.LittleEndian.Uint64(b)
	return c == 1<<64-1 || c == s.Cookie()
}

// DiagAttr appends an attribute of netlink.
func DiagAttr(b []byte, typ uint16, data ...byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.LittleEndian.AppendUint16(b, typ)
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// DiagAttr32 appends one of numbers.
func DiagAttr32(b []byte, typ uint16, v ...uint32) []byte {
	var data []byte
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, x)
	}
	return DiagAttr(b, typ, data...)
}

// DiagMemory appends what a socket uses (sock_diag_put_meminfo): bytes that wait to be read, and to be sent.
func (s *Base) DiagMemory(b []byte, typ uint16, in, out int) []byte {
	return DiagAttr32(b, typ, uint32(in), uint32(s.RcvBuf.Load()), 0, uint32(s.SndBuf.Load()), 0, uint32(out), 0, 0, 0)
}
