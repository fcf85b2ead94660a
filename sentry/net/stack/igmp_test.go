package stack

import (
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// sink keeps what is sent.
type sink struct{ sent [][]byte }

func (s *sink) Send(_ netip.Addr, p Out) { s.sent = append(s.sent, p.Flat()) }

// TestReports: a group is told of twice, and when somebody asks; one that was left no more.
func TestReports(t *testing.T) {
	now := int64(time.Hour)
	clock := NewClock(func() int64 { return now })
	d := device.New()
	index := d.Add(device.Link{Name: "eth0", MTU: 1500, Flags: linux.IFF_UP})
	d.AddAddr(index, device.Addr{Family: linux.AF_INET, IP: []byte{10, 0, 0, 1}, Prefix: 24})
	s, out := NewAt(d, clock), &sink{}
	s.Attach(index, out)
	run := func(until int64) {
		for at := clock.Next(); at != 0 && at <= until; at = clock.Next() {
			now = max(now, at)
			clock.Run()
		}
		now = until
	}
	records := func() (types []uint8) {
		for _, b := range out.sent {
			h, p, ok := header.ParseIP(b)
			if !ok || h.TTL != 1 || h.Proto != linux.IPPROTO_IGMP || header.Fold(header.Sum(p, 0)) != 0xffff || p[0] != igmpReport {
				t.Fatalf("%x", b)
			}
			types = append(types, p[8])
		}
		out.sent = nil
		return types
	}
	g := netip.MustParseAddr("239.1.1.1")
	s.Join(index, g)
	s.Join(index, g)
	run(now + 5e9)
	if got := records(); len(got) != 2 || got[0] != changeToExclude || got[1] != changeToExclude {
		t.Errorf("a join: %v", got)
	}
	query := func() {
		q := []byte{igmpQuery, 100, 0, 0, 0, 0, 0, 0}
		sum := ^header.Fold(header.Sum(q, 0))
		q[2], q[3] = byte(sum>>8), byte(sum)
		h := header.IP{Src: netip.MustParseAddr("10.0.0.2"), Dst: allHosts, Proto: linux.IPPROTO_IGMP, TTL: 1}
		s.Input(append(h.Append(nil, len(q)), q...), index, Outside)
	}
	for range 50 {
		query()
	}
	run(now + 11e9)
	if got := records(); len(got) != 1 || got[0] != modeIsExclude {
		t.Errorf("50 questions: %v", got)
	}
	s.Leave(index, g)
	s.Leave(index, g)
	run(now + 5e9)
	if got := records(); len(got) != 2 || got[0] != changeToInclude {
		t.Errorf("the end: %v", got)
	}
	query()
	run(now + 11e9)
	if got := records(); len(got) != 0 || clock.Timers() != 0 {
		t.Errorf("after the end: %v, %d timers", got, clock.Timers())
	}
}

// TestForward sends packets on, with one hop less and errors to who sent those that cannot go on.
func TestForward(t *testing.T) {
	d := device.New()
	var links []int32
	outs := []*sink{{}, {}}
	s := New(d)
	for i, mtu := range []uint32{1500, 600} {
		index := d.Add(device.Link{Name: string(rune('a' + i)), MTU: mtu, Flags: linux.IFF_UP})
		d.AddAddr(index, device.Addr{Family: linux.AF_INET, IP: []byte{10, byte(i), 0, 1}, Prefix: 24})
		s.Attach(index, outs[i])
		links = append(links, index)
	}
	send := func(to string, ttl uint8, n int, df bool) (sent, back [][]byte) {
		outs[0].sent, outs[1].sent = nil, nil
		h := header.IP{Src: netip.MustParseAddr("10.0.0.2"), Dst: netip.MustParseAddr(to), Proto: linux.IPPROTO_UDP, TTL: ttl, DF: df}
		s.Input(append(h.Append(nil, n), make([]byte, n)...), links[0], Outside)
		return outs[1].sent, outs[0].sent
	}
	icmp := func(b [][]byte) (typ, code uint8) {
		if len(b) != 1 {
			return 255, uint8(len(b))
		}
		_, p, _ := header.ParseIP(b[0])
		return p[0], p[1]
	}
	if sent, back := send("10.1.0.9", 64, 100, false); len(sent)+len(back) != 0 {
		t.Error("forwarded although it is off")
	}
	s.Settings.Forward.Store(true)
	sent, _ := send("10.1.0.9", 64, 100, false)
	if len(sent) != 1 {
		t.Fatalf("%d packets", len(sent))
	}
	if h, _, ok := header.ParseIP(sent[0]); !ok || h.TTL != 63 {
		t.Errorf("%+v %v", h, ok)
	}
	if _, back := send("10.1.0.9", 1, 100, false); true {
		if typ, code := icmp(back); typ != linux.ICMP_TIME_EXCEEDED {
			t.Errorf("no hops left: %d %d", typ, code)
		}
	}
	if _, back := send("10.7.0.9", 64, 100, false); true {
		if typ, code := icmp(back); typ != linux.ICMP_DEST_UNREACH || code != linux.ICMP_NET_UNREACH {
			t.Errorf("no route: %d %d", typ, code)
		}
	}
	if _, back := send("10.1.0.9", 64, 1000, true); true {
		if typ, code := icmp(back); typ != linux.ICMP_DEST_UNREACH || code != linux.ICMP_FRAG_NEEDED {
			t.Errorf("too long: %d %d", typ, code)
		}
	}
	if sent, _ := send("10.1.0.9", 64, 1000, false); len(sent) != 2 {
		t.Errorf("%d fragments", len(sent))
	}
}
