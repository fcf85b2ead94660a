package netlink

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

const (
	sizeofHdr = 16 // struct nlmsghdr
	sizeofNl  = 12 // struct sockaddr_nl
)

func align(n int) int { return (n + 3) &^ 3 }

// request is one message of the application.
type request struct {
	linux.Nlmsghdr
	raw  []byte // the whole message
	body []byte // what follows the header
	text string // why it failed
}

// next takes the first message off b: ok is false if there is no whole one.
func next(b []byte) (r request, rest []byte, ok bool) {
	if !usermem.Decode(b, &r.Nlmsghdr) || r.Len < sizeofHdr || uint64(r.Len) > uint64(len(b)) {
		return r, nil, false
	}
	r.raw = b[:r.Len]
	r.body = r.raw[sizeofHdr:]
	return r, b[min(align(int(r.Len)), len(b)):], true
}

// attrs returns the attributes in b by type, the last of each (nlmsg_parse).
func attrs(b []byte) map[uint16][]byte {
	out := map[uint16][]byte{}
	for len(b) >= 4 {
		n, typ := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])
		if n < 4 || n > len(b) {
			break
		}
		out[typ&0x3fff] = b[4:n]
		b = b[min(align(n), len(b)):]
	}
	return out
}

// reply builds messages to the application.
type reply struct {
	buf   []byte
	start int // of the message being built
}

// begin begins a message with a fixed part.
func begin[T linux.Fixed](r *reply, h linux.Nlmsghdr, fixed *T) {
	r.start = len(r.buf)
	r.buf = append(r.buf, usermem.Encode(&h)...)
	r.buf = append(r.buf, usermem.Encode(fixed)...)
	r.pad()
}

// end fills in the length.
func (r *reply) end() {
	binary.LittleEndian.PutUint32(r.buf[r.start:], uint32(len(r.buf)-r.start))
	r.pad()
}

func (r *reply) pad() {
	for len(r.buf)%4 != 0 {
		r.buf = append(r.buf, 0)
	}
}

func (r *reply) attr(typ uint16, data ...byte) {
	r.buf = binary.LittleEndian.AppendUint16(r.buf, uint16(4+len(data)))
	r.buf = binary.LittleEndian.AppendUint16(r.buf, typ)
	r.buf = append(r.buf, data...)
	r.pad()
}

func (r *reply) attr32(typ uint16, v uint32) {
	r.attr(typ, binary.LittleEndian.AppendUint32(nil, v)...)
}

func (r *reply) str(typ uint16, s string) { r.attr(typ, append([]byte(s), 0)...) }

// ack answers a request with an error or its absence (netlink_ack).
func (r *reply) ack(q *request, errno linux.Errno, port uint32, capped bool) {
	h := linux.Nlmsghdr{Type: linux.NLMSG_ERROR, Seq: q.Seq, PID: port}
	echo := q.raw
	if errno == 0 || capped {
		echo, h.Flags = q.raw[:sizeofHdr], linux.NLM_F_CAPPED
	}
	r.start = len(r.buf)
	r.buf = append(r.buf, usermem.Encode(&h)...)
	r.buf = binary.LittleEndian.AppendUint32(r.buf, uint32(-int32(errno)))
	r.buf = append(r.buf, echo...)
	if errno != 0 && q.text != "" {
		r.pad()
		binary.LittleEndian.PutUint16(r.buf[r.start+6:], h.Flags|linux.NLM_F_ACK_TLVS)
		r.str(linux.NLMSGERR_ATTR_MSG, q.text)
	}
	r.end()
}

// nest appends an attribute that is made of those that f appends.
func (r *reply) nest(typ uint16, f func()) {
	at := len(r.buf)
	r.buf = binary.LittleEndian.AppendUint16(r.buf, 0)
	r.buf = binary.LittleEndian.AppendUint16(r.buf, typ)
	f()
	binary.LittleEndian.PutUint16(r.buf[at:], uint16(len(r.buf)-at))
}

// done ends a dump.
func (r *reply) done(q *request, port uint32) {
	h := linux.Nlmsghdr{Type: linux.NLMSG_DONE, Flags: linux.NLM_F_MULTI, Seq: q.Seq, PID: port}
	r.start = len(r.buf)
	r.buf = append(r.buf, usermem.Encode(&h)...)
	r.buf = append(r.buf, 0, 0, 0, 0)
	r.end()
}
