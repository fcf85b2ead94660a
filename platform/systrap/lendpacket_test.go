package systrap

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// burst lends datagrams, all from one sender.
func burst(c *context, l *lender, all ...string) *platform.Loan {
	return c.LendPackets(lentFD, func() (data, name []byte, ok bool) {
		if len(all) == 0 {
			return nil, nil, false
		}
		data, all = []byte(all[0]), all[1:]
		return data, []byte("sender"), true
	}, l)
}

// receiver is a guest that receives and calls getpgrp(2) without end.
func receiver(t *testing.T, f func(g *guest, c *context)) {
	caller(t, unix.SYS_RECVFROM, unix.SYS_GETPGRP, func(g *guest, c *context) {
		g.regs.R10, g.regs.R8, g.regs.R9 = 0, 0, 0
		g.traps(t, c)
		f(g, c)
	})
}

// traps runs the guest until it makes another call than getpgrp: how often that came before.
func (g *guest) traps(t *testing.T, c *context) (others int) {
	t.Helper()
	for ; ; others++ {
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
			t.Fatalf("%+v", trap)
		}
		c.Settle(-1)
		if g.regs.OrigRax == unix.SYS_RECVFROM {
			return others
		}
	}
}

// TestLendPackets: datagrams are received one after the other without a trap, as many as were lent and as far as they fit.
func TestLendPackets(t *testing.T) {
	receiver(t, func(g *guest, c *context) {
		for _, o := range []struct {
			what  string
			prep  func()
			taken int
		}{
			{"all", func() {}, 4},
			{"the third does not fit", func() { g.regs.Rdx = 7 }, 2},
			{"flags", func() { g.regs.Rdx, g.regs.R10 = 100, unix.MSG_PEEK }, 0},
			{"without waiting", func() { g.regs.R10 = unix.MSG_DONTWAIT }, 4},
			{"an address, and no room for it", func() { g.regs.R8, g.regs.R9 = conformance.DataAt+200, conformance.DataAt+300 }, 0},
			{"an address that is not there", func() { g.regs.R8 = 0x1000_0000 }, 0},
			{"bytes that are not there", func() { g.regs.R8, g.regs.Rsi = 0, 0x1000_0000 }, 1}, // the empty one
		} {
			var l lender
			o.prep()
			if burst(c, &l, "", "hello", "datagram", "last") == nil || burst(c, &l, "another") != nil {
				t.Fatal("nothing was lent, or twice")
			}
			if n := g.traps(t, c); l.taken != o.taken || n != o.taken+1 {
				t.Errorf("%s: %d taken, after %d other calls", o.what, l.taken, n)
			}
			c.Return()
			if l.returned != 1 {
				t.Errorf("%s: returned %d times", o.what, l.returned)
			}
		}
	})
}

// TestRevokePackets: what is left can be taken back at any time, and there is a limit to what is lent.
func TestRevokePackets(t *testing.T) {
	receiver(t, func(g *guest, c *context) {
		var l lender
		a := c.thread.Load().area
		loan := burst(c, &l, "one", "two", "three")
		a.loans[lentFD].state.Add(^uint32(0)) // the stub has taken one, and not come back
		if loan.Revoke(&l); l.taken != 1 || l.returned != 1 || g.traps(t, c) != 1 || l.taken != 1 {
			t.Errorf("%+v", l)
		}
		c.Return()
		l = lender{}
		long := make([]byte, 1000)
		if burst(c, &l, string(long), string(long), string(long), string(long), string(long), string(long), string(long), string(long)) == nil {
			t.Fatal("nothing was lent")
		}
		if g.regs.Rdx = 1000; g.traps(t, c) != 6 || l.taken != (areaSize-postsRoom-areaBytes)/1040 {
			t.Errorf("%+v", l)
		}
	})
}

// TestLendPacketsLies: whatever is written to the area, no more is taken than was lent, and the stub does nothing worse than to trap.
func TestLendPacketsLies(t *testing.T) {
	receiver(t, func(g *guest, c *context) {
		rng := rand.New(rand.NewPCG(1, 2))
		a := c.thread.Load().area
		for range 2000 {
			var l lender
			burst(c, &l, "one", "two", "three")
			e := &a.loans[lentFD]
			e.off = rng.Uint32() >> rng.IntN(32)
			e.state.Store(rng.Uint32() >> rng.IntN(32))
			if b, ok := a.bytes(uint64(e.off), packetData); ok {
				b[packetLen], b[packetNamed] = byte(rng.Uint32()), byte(rng.Uint32())
			}
			a.takes.Store(rng.Uint32())
			if rng.IntN(8) == 0 {
				g.traps(t, c)
			}
			c.Return()
			if l.taken > 3 {
				t.Fatalf("taken %d", l.taken)
			}
		}
	})
}
