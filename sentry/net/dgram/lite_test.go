package dgram

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// TestLite: on the wire the checksum of UDP-Lite is of the part that the header names, and what is damaged behind
// that part arrives.
func TestLite(t *testing.T) {
	a, w := outside(1500)
	e := a.New(UDPLite, linux.IPPROTO_UDPLITE, false, &owner{}, 0)
	if errno := e.Bind(netip.AddrPortFrom(ours, 9)); errno != 0 {
		t.Fatal(errno)
	}
	const size = header.UDPSize + 20
	for _, c := range []struct {
		cover int32
		field uint16
	}{{-1, 0}, {0, 0}, {8, 8}, {size - 1, size - 1}, {size, 0}, {100, 0}} {
		w.sent = nil
		e.Cover.Store(c.cover)
		if errno := e.Send(&SendOptions{To: netip.AddrPortFrom(theirs, 7)}, []byte("twenty bytes of data")); errno != 0 || len(w.sent) != 1 {
			t.Fatal(errno, len(w.sent))
		}
		h, p, ok := header.ParseIP(w.sent[0])
		field := binary.BigEndian.Uint16(p[4:])
		covered := len(p)
		if field != 0 {
			covered = int(field)
		}
		if !ok || h.Proto != linux.IPPROTO_UDPLITE || field != c.field || len(p) != size ||
			header.Fold(header.Sum(p[:covered], header.Pseudo(h.Src, h.Dst, h.Proto, len(p)))) != 0xffff {
			t.Errorf("cover %d: %+v %x", c.cover, h, p)
		}
		// The same comes in, damaged in each byte in turn.
		p = append([]byte(nil), p...)
		p[0], p[1], p[2], p[3] = p[2], p[3], p[0], p[1]
		for i := 8; i < len(p); i++ {
			p[i] ^= 1
			ip := header.IP{Src: theirs, Dst: ours, Proto: linux.IPPROTO_UDPLITE, TTL: 9}
			a.Stack.Input(append(ip.Append(nil, len(p)), p...), 2, stack.Outside)
			d := e.Next(false)
			if arrived := d != nil; arrived != (i >= covered) {
				t.Errorf("cover %d, byte %d damaged: arrived %v", c.cover, i, arrived)
			} else if arrived && (int(d.Covered) != covered || len(d.Data) != 20) {
				t.Errorf("cover %d: %d bytes, %d covered", c.cover, len(d.Data), d.Covered)
			}
			p[i] ^= 1
		}
	}
	for _, bad := range []uint16{1, 7, size + 1} {
		p := binary.BigEndian.AppendUint16([]byte{0, 7, 0, 9}, bad)
		if _, _, ok := header.ParseUDPLite(append(p, make([]byte, size-6)...)); ok {
			t.Errorf("a coverage of %d is accepted", bad)
		}
	}
}
