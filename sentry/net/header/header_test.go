package header

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestChecksum(t *testing.T) {
	// The example of RFC 1071 3.
	if got := Fold(Sum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 0)); got != 0xddf2 {
		t.Errorf("%#x", got)
	}
	long := make([]byte, 1501)
	for i := range long {
		long[i] = byte(i * 7)
	}
	whole := Fold(Sum(long, 0))
	for _, cut := range []int{2, 20, 40, 64, 1000} {
		if got := Fold(Sum(long[cut:], Sum(long[:cut], 0))); got != whole {
			t.Errorf("cut at %d: %#x, whole %#x", cut, got, whole)
		}
	}
}

func TestIPRoundTrip(t *testing.T) {
	for _, h := range []IP{
		{Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("10.0.0.2"), Proto: 17, TTL: 3, TOS: 8, ID: 77, DF: true, Options: []byte{}, Size: 20},
		{Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("10.0.0.2"), Proto: 6, TTL: 64, ID: 1, Offset: 1480, More: true, Options: []byte{}, Size: 20},
		{Src: netip.MustParseAddr("fd00::1"), Dst: netip.MustParseAddr("fd00::2"), Proto: 6, TTL: 64, TOS: 0xab, DF: true, Size: 40},
		{Src: netip.MustParseAddr("fd00::1"), Dst: netip.MustParseAddr("fd00::2"), Proto: 6, TTL: 64, ID: 9, Offset: 800, More: true, Size: 48},
	} {
		data := []byte("eight by")
		got, payload, ok := ParseIP(append(h.Append(nil, len(data)), data...))
		if !ok || !bytes.Equal(payload, data) || got.Src != h.Src || got.Dst != h.Dst || got.Proto != h.Proto || got.TTL != h.TTL ||
			got.TOS != h.TOS || got.ID != h.ID || got.Offset != h.Offset || got.More != h.More || got.DF != h.DF || got.Size != h.Size {
			t.Errorf("%+v became %+v %q %v", h, got, payload, ok)
		}
	}
}

func TestTCPRoundTrip(t *testing.T) {
	for _, h := range []TCP{
		{Seq: 1, Ack: 2, Flags: SYN, Window: 3, MSS: 1460, HasWScale: true, WScale: 7, SackOK: true, HasTS: true, TSVal: 4, TSEcr: 5},
		{Seq: 1, Ack: 2, Flags: ACK, Window: 3, NBlocks: 2, Blocks: [4]Block{{1, 2}, {3, 4}}, HasTS: true, TSVal: 4, TSEcr: 5},
		{Seq: 1, Flags: RST},
	} {
		b := h.Append(nil, 80, 81)
		if len(b) != h.Size() {
			t.Errorf("%d bytes, not %d", len(b), h.Size())
		}
		src, dst, got, payload, ok := ParseTCP(append(b, "data"...))
		if !ok || src != 80 || dst != 81 || string(payload) != "data" || got != h {
			t.Errorf("%+v became %+v", h, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	h := IP{Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("10.0.0.2"), Proto: 6, TTL: 3}
	t := TCP{Flags: SYN, MSS: 1, SackOK: true, HasTS: true}
	seg := t.Append(nil, 1, 2)
	f.Add(append(h.Append(nil, len(seg)), seg...))
	h.Src, h.Dst = netip.IPv6Loopback(), netip.IPv6Loopback()
	f.Add(append(h.Append(nil, len(seg)), seg...))
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseQuoted(b)
		ParseEthernet(b)
		ParseARP(b)
		if h, body, ok := ParseICMP(b); ok {
			ParseNeighbour(h, body)
		}
		if _, payload, ok := ParseIP(b); ok {
			ParseTCP(payload)
			ParseUDP(payload)
			ParseUDPLite(payload)
		}
	})
}
