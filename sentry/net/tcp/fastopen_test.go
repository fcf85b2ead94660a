package tcp

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// TestSipHash is the test vector of SipHash's authors.
func TestSipHash(t *testing.T) {
	key, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	msg, _ := hex.DecodeString("000102030405060708090a0b0c0d0e")
	if h := sipHash(key, msg); h != 0xa129ca6149be45e5 {
		t.Errorf("%x", h)
	}
}

// fastServerOf lets b listen with Fast Open.
func fastServerOf(t *testing.T, s *sim, queue int32) (*Endpoint, netip.AddrPort) {
	to := netip.AddrPortFrom(s.b.v4, 80)
	l := serveShort(t, s.b.Table, to)
	s.b.Stack.Settings.FastOpen.Store(fastClient | fastServer)
	l.SetFastQueue(queue)
	return l, to
}

// open connects with data: how many bytes went with the SYN, and what the server has read of them by when.
func (s *sim) openFast(t *testing.T, l *Endpoint, to netip.AddrPort, data []byte) (c, d *Endpoint, n int) {
	t.Helper()
	c = s.a.New(false, &app{}, 0)
	src := usermem.Bytes(data)
	n, errno := c.ConnectFast(to, 0, &src)
	if errno != 0 {
		t.Fatal(errno)
	}
	s.run(t, 20*time.Second, func() bool { d, _ = l.Accept(); return d != nil })
	if d == nil {
		t.Fatal("no connection")
	}
	d.Attach(&app{})
	return c, d, n
}

func readAll(d *Endpoint) []byte {
	buf := make([]byte, 65536)
	dst, r := usermem.Bytes(buf), Recv{Target: 1}
	d.Read(&dst, &r)
	return buf[:r.Copied]
}

// cookieFor makes a first connection, which is given a cookie.
func cookieFor(t *testing.T, s *sim, l *Endpoint, to netip.AddrPort) {
	t.Helper()
	c, d, n := s.openFast(t, l, to, []byte("nothing"))
	s.run(t, time.Second, func() bool { return false })
	if n != 0 || d.rcv.n != 0 || c.State() != Established || s.a.cookies.of(to.Addr()).size != cookieSize {
		t.Fatalf("%d bytes went, %d came, state %d, cookie of %d", n, d.rcv.n, c.State(), s.a.cookies.of(to.Addr()).size)
	}
	c.Closed(true)
	d.Closed(true)
}

// TestFastOpen gets a cookie, and then data comes before the connection is there; the answer, too, goes before that.
func TestFastOpen(t *testing.T) {
	s := newSim(1)
	l, to := fastServerOf(t, s, 5)
	cookieFor(t, s, l, to)
	begin := s.now
	c, d, n := s.openFast(t, l, to, []byte("request"))
	if n != 7 || s.now-begin != s.delay || d.Info().State != uint8(SynRecv) || l.listen.fast != 1 {
		t.Fatalf("%d bytes went, accepted after %d ns, state %d", n, s.now-begin, d.Info().State)
	}
	if b := readAll(d); !bytes.Equal(b, []byte("request")) {
		t.Fatalf("%q came", b)
	}
	src := usermem.Bytes([]byte("answer"))
	d.Write(&src, false, false)
	s.run(t, time.Second, func() bool { return c.rcv.n > 0 })
	if s.now-begin != 2*s.delay || c.Info().Options&32 == 0 || d.Info().Options&32 == 0 {
		t.Errorf("the answer came after %d ns, options %x %x", s.now-begin, c.Info().Options, d.Info().Options)
	}
	s.run(t, time.Second, func() bool { return false })
	if d.Info().State != uint8(Established) || l.listen.fast != 0 || c.snd.n != 0 {
		t.Errorf("state %d, %d are counted, %d bytes are kept", d.Info().State, l.listen.fast, c.snd.n)
	}
	if s.a.Counters.FastOpenActive.Load() != 1 || s.b.Counters.FastOpenPassive.Load() != 1 || s.b.Counters.FastOpenCookieReqd.Load() != 1 {
		t.Errorf("counted %d, %d, %d", s.a.Counters.FastOpenActive.Load(), s.b.Counters.FastOpenPassive.Load(), s.b.Counters.FastOpenCookieReqd.Load())
	}
	s.transfer(t, c, d, 1<<20, 10*time.Second)
}

// TestFastOpenLoss loses each of the first packets once; a cookie that is wrong, and a server that does not want any data.
func TestFastOpenLoss(t *testing.T) {
	for lose := range 6 {
		for _, spoil := range []string{"", "cookie", "server"} {
			s := newSim(1)
			l, to := fastServerOf(t, s, 5)
			cookieFor(t, s, l, to)
			switch spoil {
			case "cookie":
				s.b.SetFastKeys(make(FastKeys, 16))
			case "server":
				s.b.Stack.Settings.FastOpen.Store(1)
			}
			k := -1
			s.filter = func([]byte) bool { k++; return k != lose }
			c, d, n := s.openFast(t, l, to, bytes.Repeat([]byte("x"), 1000))
			s.filter = nil
			var got []byte
			s.run(t, 20*time.Second, func() bool { got = append(got, readAll(d)...); return len(got) >= 1000 })
			s.run(t, 5*time.Second, func() bool { return false })
			if n != 1000 || len(got) != 1000 || l.listen.fast != 0 || c.State() != Established || d.State() != Established {
				t.Fatalf("%d lost, %q: %d went, %d came, %d are counted, states %d %d", lose, spoil, n, len(got), l.listen.fast, c.State(), d.State())
			}
			if spoil == "cookie" && lose == 5 {
				if peer := s.a.cookies.of(s.b.v4); s.b.MakeFastKeys().mac(0, s.a.v4, s.b.v4) != [8]byte(peer.cookie[:8]) {
					t.Errorf("the new cookie is not known")
				}
			}
			s.transfer(t, c, d, 100000, 10*time.Second)
		}
	}
}

// TestFastFlood sends SYNs with data and a good cookie that are never gone on with: what is kept of them is bounded, and
// ends.
func TestFastFlood(t *testing.T) {
	s := newSim(1)
	l, to := fastServerOf(t, s, 5)
	l.Listen(1000)
	keys := s.b.MakeFastKeys()
	for i := range 100 {
		src := netip.AddrFrom4([4]byte{10, 0, 0, byte(3 + i)})
		m := keys.mac(0, src, to.Addr())
		h := header.TCP{Seq: uint32(i), Flags: header.SYN, Window: 1000, MSS: 1460, FastOpen: cookieSize}
		copy(h.Cookie[:], m[:])
		s.attackWith(&h, netip.AddrPortFrom(src, 1000), to, []byte("data"))
	}
	if n, _ := l.Backlog(); n != 5 || l.listen.fast != 5 {
		t.Errorf("%d connections, %d are counted", n, l.listen.fast)
	}
	s.run(t, 200*time.Second, func() bool { return false })
	if l.listen.fast != 0 {
		t.Errorf("%d are counted at the end", l.listen.fast)
	}
	for {
		d, _ := l.Accept()
		if d == nil {
			break
		}
		d.Attach(&app{})
		if d.State() != Close {
			t.Errorf("state %d", d.State())
		}
		d.Closed(false)
	}
	if len(s.b.conns) != 0 {
		t.Errorf("%d connections are left", len(s.b.conns))
	}
}
