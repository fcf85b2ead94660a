package tcp

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// FuzzSegments sends a connection, and who listens, segments near to what they expect.
func FuzzSegments(f *testing.F) {
	f.Add([]byte{0, 0x10, 0, 0, 0, 0, 10, 3, 0x18, 1, 1, 0, 0, 50, 9, 0x11, 0, 0, 2, 2, 0})
	f.Add([]byte{1, 2, 0, 0, 0, 0, 0, 1, 0x10, 0, 1, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 0x30, 0, 0, 0, 9, 100, 0, 0x14, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		s := newSim(1)
		s.delay = 1e6
		c, d := s.pair(t, nil)
		s.filter = func([]byte) bool { return true }
		data := make([]byte, 50000)
		for len(in) >= 7 {
			op := in[:7]
			in = in[7:]
			s.attack(c, op)
			switch op[0] >> 4 {
			case 1:
				src := usermem.Bytes(data)
				if d.State().in(Established, CloseWait) {
					d.Write(&src, op[6]&1 != 0, false)
				}
			case 2:
				dst := usermem.Bytes(data)
				d.Read(&dst, &Recv{Target: 1})
			case 3:
				d.Shutdown(shutWrite)
			case 4:
				s.run(t, time.Duration(op[6])*10*time.Millisecond, func() bool { return false })
			case 5:
				d.Closed(false)
				return
			}
			if n := d.rcv.n; n > mostRoom+1<<17 {
				t.Fatalf("%d bytes are queued", n)
			}
			if x := d.net; x != nil && d.state != Close {
				x.sound(t)
			}
			if x := d.net; x != nil && (x.oooBytes > mostRoom || before(x.nxt, x.una)) {
				t.Fatalf("%d bytes out of order, una %d nxt %d", x.oooBytes, x.una, x.nxt)
			}
		}
	})
}

// attack makes one segment: to the connection's other end or, with bit 0, from another port.
func (s *sim) attack(c *Endpoint, op []byte) {
	x := c.net
	if x == nil {
		return
	}
	jump := func(b byte) uint32 {
		v := int32(int8(b))
		if v > 64 || v < -64 {
			v *= 1 << 12
		}
		return uint32(v)
	}
	h := header.TCP{Seq: x.nxt + jump(op[2]), Ack: x.rcvNxt + jump(op[3]), Flags: op[1], Window: uint16(op[5]) << 8, Urgent: uint16(op[4])}
	if op[0]&2 != 0 {
		h.HasTS, h.TSVal, h.TSEcr = true, x.tsNow()+jump(op[4]), x.tsRecent
	}
	if op[0]&4 != 0 {
		h.NBlocks, h.Blocks[0] = 1, header.Block{Start: x.rcvNxt + jump(op[3]), End: x.rcvNxt + jump(op[4])}
		if op[6]&1 != 0 {
			h.NBlocks, h.Blocks[1] = 2, header.Block{Start: x.rcvNxt + jump(op[3]^op[6]), End: x.rcvNxt + jump(op[4]^op[6])}
		}
	}
	if op[0]&8 != 0 {
		h.MSS, h.SackOK, h.HasWScale, h.WScale = uint16(op[6])<<3, true, true, op[5]&15
	}
	from := c.local
	if op[0]&1 != 0 {
		from = netip.AddrPortFrom(from.Addr(), from.Port()^1)
	}
	if op[0]&0xc == 0xc {
		h.FastOpen = op[6] & 31
	}
	s.attackWith(&h, from, c.remote, make([]byte, int(op[6])*8))
}

// attackWith sends b a segment.
func (s *sim) attackWith(h *header.TCP, from, to netip.AddrPort, data []byte) {
	b := h.Append(nil, from.Port(), to.Port())
	b = append(b, data...)
	sum := header.Sum(b, header.Pseudo(from.Addr(), to.Addr(), linux.IPPROTO_TCP, len(b)))
	binary.BigEndian.PutUint16(b[16:], ^header.Fold(sum))
	ip := header.IP{Src: from.Addr(), Dst: to.Addr(), Proto: linux.IPPROTO_TCP, TTL: 64, DF: true}
	s.b.Stack.Input(append(ip.Append(nil, len(b)), b...), 2, stack.Outside)
}
