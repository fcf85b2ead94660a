package dgram

import (
	"net/netip"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// TestPathMTU: datagrams that fit are not to be split by routers; one that says that they do not fit is believed, if it quotes what
// was sent, for ten minutes.
func TestPathMTU(t *testing.T) {
	a, w := outside(1500)
	now := int64(1)
	a.Stack.Clock = stack.NewClock(func() int64 { return now })
	e := a.New(UDP, linux.IPPROTO_UDP, false, &owner{}, 0)
	to := netip.AddrPortFrom(theirs, 9)
	send := func(n int, o SendOptions) []header.IP {
		w.sent, o.To, o.Checksum = nil, to, -1
		if errno := e.Send(&o, make([]byte, n)); errno != 0 {
			return nil
		}
		var all []header.IP
		for _, b := range w.sent {
			h, _, _ := header.ParseIP(b)
			all = append(all, h)
		}
		return all
	}
	tell := func(mtu uint32, port uint16) {
		h := header.IP{Src: ours, Dst: theirs, Proto: linux.IPPROTO_UDP, TTL: 9, DF: true}
		u := header.UDP{Src: port, Dst: 9}
		quoted := append(h.Append(nil, 1408), u.Append(nil, 1400)...)
		msg := append((&header.ICMP{Type: linux.ICMP_DEST_UNREACH, Code: linux.ICMP_FRAG_NEEDED, Rest: mtu}).Append(nil), quoted...)
		router := netip.MustParseAddr("10.0.0.7")
		stack.FillICMP(msg, router, ours)
		r := header.IP{Src: router, Dst: ours, Proto: linux.IPPROTO_ICMP, TTL: 9}
		a.Stack.Input(append(r.Append(nil, len(msg)), msg...), 2, stack.Outside)
	}
	check := func(what string, got []header.IP, pieces int, df bool) {
		t.Helper()
		if len(got) != pieces || pieces > 0 && got[0].DF != df {
			t.Errorf("%s: %d packets, want %d: %+v", what, len(got), pieces, got)
		}
	}
	want := SendOptions{Whole: true}
	check("plain", send(1400, SendOptions{}), 1, false)
	check("it fits", send(1400, want), 1, true)
	check("it does not", send(2000, want), 2, false)
	port := e.Local().Port()
	tell(1000, port+1)
	check("of somebody else's packet", send(1400, want), 1, true)
	tell(1000, port)
	check("told", send(1400, want), 2, false)
	check("told, small", send(900, want), 1, true)
	check("never to be split", send(1400, SendOptions{DontFrag: true}), 0, false)
	check("the way is being probed", send(1400, SendOptions{DontFrag: true, Probe: true}), 1, true)
	now += 599e9
	tell(1200, port) // more than is known changes nothing
	check("still", send(1100, want), 2, false)
	now += 2e9
	check("forgotten", send(1400, want), 1, true)
	tell(68, port)
	check("less than is believed", send(500, want), 1, false)
}
