package systrap

import (
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// lender notes what it is told.
type lender struct {
	taken    int
	posted   []byte
	returned int
}

func (l *lender) Taken(n int)               { l.taken += n }
func (l *lender) Posted(b []byte, _ bool)   { l.posted = append(l.posted, b...) }
func (l *lender) Returned(_ *platform.Loan) { l.returned++ }

const lentFD = 5

// server is a guest that reads and writes without end, by patched calls; the next is a read.
func server(t *testing.T, f func(g *guest, c *context)) { caller(t, unix.SYS_READ, unix.SYS_WRITE, f) }

// caller is a guest that makes two calls without end, by patched calls; the next is the first.
func caller(t *testing.T, first, second uint16, f func(g *guest, c *context)) {
	patchable(t, true)
	g := newGuest(t,
		0xb8, byte(first), byte(first>>8), 0, 0, 0x0f, 0x05, // again: mov $first,%eax, syscall
		0xb8, byte(second), byte(second>>8), 0, 0, 0x0f, 0x05,
		0xeb, 0xf0) // jmp again
	if errno := g.as.Map(conformance.DataAt, pageSize, g.fd, pageSize, platform.Read|platform.Write, false); errno != 0 {
		t.Fatal(errno)
	}
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.regs.Rdi, g.regs.Rsi, g.regs.Rdx, g.regs.R8, g.regs.R15 = lentFD, conformance.DataAt, 100, 8, 15
		for range 2 * (patchAfter + 2) {
			c.Switch(g.as, &g.regs)
		}
		if g.regs.OrigRax != uint64(second) {
			t.Fatalf("the last call is %d", g.regs.OrigRax)
		}
		f(g, c)
	})
}

// next runs the guest up to a trap, which is to be call nr.
func (g *guest) next(t *testing.T, c *context, nr uint64) {
	t.Helper()
	if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != nr {
		t.Fatalf("%+v, call %d", trap, g.regs.OrigRax)
	}
	c.Settle(-1)
	if r := &g.regs; r.Rdi != lentFD || r.Rdx != 100 || r.R8 != 8 || r.R15 != 15 {
		t.Errorf("registers %+v", r)
	}
}

// TestLend: what was lent is read, and room for more is used, without a trap; once.
func TestLend(t *testing.T) {
	server(t, func(g *guest, c *context) {
		var l lender
		if c.Lend(lentFD, []byte("hello"), leastRoom, &l) == nil {
			t.Fatal("nothing was lent")
		}
		if c.Lend(lentFD+maxLoans, []byte("other"), leastRoom, &l) != nil {
			t.Error("a place was lent twice")
		}
		c.lent.rooms.Store(false) // nobody looks meanwhile, however long it takes
		g.next(t, c, unix.SYS_READ)
		if l.taken != 5 || len(l.posted) != 100 || string(l.posted[:5]) != "hello" {
			t.Errorf("taken %d, posted %q", l.taken, l.posted)
		}
		g.next(t, c, unix.SYS_READ) // the write between them is answered
		c.Return()
		g.next(t, c, unix.SYS_WRITE)
		if len(l.posted) != 200 || l.returned != 1 {
			t.Errorf("posted %d bytes, returned %d times", len(l.posted), l.returned)
		}
	})
}

// TestLook: an application that has written and goes on is lent no room for a while; one that has only read keeps it.
func TestLook(t *testing.T) {
	server(t, func(g *guest, c *context) {
		var l lender
		a := c.thread.Load().area
		if c.Lend(lentFD, []byte("hello"), leastRoom, &l) == nil {
			t.Fatal("nothing was lent")
		}
		a.loans[lentFD].state.Store(loanTaken)
		a.takes.Add(1)
		if c.lent.look(false) || l.taken != 5 || c.lent.until != 0 || l.returned != 0 {
			t.Errorf("after a read: %+v, banned until %d", l, c.lent.until)
		}
		a.posted[0] = post{loan: lentFD, off: areaBytes + 8, len: 7}
		a.posts.Store(1)
		if !c.lent.look(false) || len(l.posted) != 7 || c.lent.until == 0 || l.returned != 1 {
			t.Errorf("after a write: %+v, banned until %d", l, c.lent.until)
		}
		c.Return()
		c.lent.until = int64(time.Since(begun)) + int64(time.Hour)
		if c.Lend(lentFD, []byte("hello"), leastRoom, &l) == nil || c.lent.rooms.Load() {
			t.Error("room is lent to one that is banned, or bytes are not")
		}
	})
}

// TestLendFull: what has no place is not lent until there is some again.
func TestLendFull(t *testing.T) {
	server(t, func(_ *guest, c *context) {
		var l lender
		data := make([]byte, 1000)
		n := 0
		for ; c.Lend(int32(lentFD+n), data, leastRoom, &l) != nil; n++ {
			if c.Full() {
				t.Fatalf("full after %d", n)
			}
		}
		if !c.Full() || n != (areaSize-postsRoom-areaBytes)/len(data) {
			t.Errorf("%d loans, full %v", n, c.Full())
		}
		c.Return()
		if c.Full() || l.returned != n || c.Lend(lentFD, data, leastRoom, &l) == nil {
			t.Errorf("after all were returned: full %v, %d returned", c.Full(), l.returned)
		}
	})
}

// TestRevokeData: the sentry answers the next read, the platform still the next write.
func TestRevokeData(t *testing.T) {
	server(t, func(g *guest, c *context) {
		var l lender
		loan := c.Lend(lentFD, []byte("hello"), leastRoom, &l)
		c.lent.rooms.Store(false) // nobody looks
		loan.RevokeData(&l)
		g.next(t, c, unix.SYS_READ)
		g.next(t, c, unix.SYS_READ)
		if l.taken != 0 || len(l.posted) != 100 || l.returned != 0 {
			t.Errorf("%+v", l)
		}
		loan.Revoke(&l)
		g.next(t, c, unix.SYS_WRITE)
		if l.returned != 1 {
			t.Errorf("%+v", l)
		}
	})
}

// TestLendElsewhere: other descriptors, short reads, and buffers that are not there are the sentry's.
func TestLendElsewhere(t *testing.T) {
	server(t, func(g *guest, c *context) {
		var l lender
		for _, lend := range []func(){
			func() { c.Lend(lentFD+1, []byte("hello"), leastRoom, &l) },
			func() { c.Lend(lentFD, make([]byte, 101), 0, &l) },
			func() { c.Lend(lentFD, []byte("hello"), leastRoom, &l).Revoke(&l) },
			func() { g.regs.Rsi = 0x1000_0000; c.Lend(lentFD, []byte("hello"), leastRoom, &l) },
		} {
			lend()
			g.next(t, c, unix.SYS_READ)
			c.Return()
			g.next(t, c, unix.SYS_WRITE)
		}
		if l.taken != 0 || l.posted != nil || l.returned != 4 {
			t.Errorf("%+v", l)
		}
	})
}

// TestLendLies: whatever is written to the area, no more is taken and posted than was lent.
func TestLendLies(t *testing.T) {
	server(t, func(g *guest, c *context) {
		rng := rand.New(rand.NewPCG(1, 2))
		a := c.thread.Load().area
		for range 2000 {
			var l lender
			room := rng.IntN(2) * leastRoom
			c.Lend(lentFD, []byte("hello"), room, &l)
			a.loans[lentFD].state.Store(rng.Uint32N(4))
			a.loans[lentFD].room = rng.Uint32()
			for i := range a.posted {
				a.posted[i] = post{loan: lentFD + rng.Uint32N(2), off: rng.Uint32N(2 * areaSize), len: rng.Uint32N(2 * leastRoom)}
			}
			a.posts.Store(rng.Uint32N(100))
			a.takes.Store(rng.Uint32())
			c.Return()
			if l.taken > 5 || len(l.posted) > room {
				t.Fatalf("taken %d, posted %d", l.taken, len(l.posted))
			}
		}
	})
}
