package systrap

import (
	"testing"

	"github.com/seed-7423c386/runsc/platform"
)

// begin makes n calls of g's text in an address space of its own, or in a copy of one, and returns the context's life before it ends.
func (g *guest) begin(t *testing.T, n int, copied bool) (l life) {
	t.Helper()
	as := g.space(t)
	defer as.Release()
	if copied {
		child, errno := plat(t).NewAddressSpace()
		if errno != 0 {
			t.Fatal(errno)
		}
		defer child.Release()
		if errno := as.Clone(child); errno != 0 {
			t.Fatal(errno)
		}
		as = child
	}
	on(func() {
		second := plat(t).NewContext().(debuggable).context
		defer second.Release()
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		for i := range n {
			regs := g.regs
			regs.Rip = guestAt
			if trap := c.Switch(as, &regs); trap.Kind != platform.Syscall {
				t.Fatalf("call %d: %+v", i, trap)
			}
		}
		regs := g.regs
		regs.Rip = guestAt
		second.Switch(as, &regs)
		if l = c.life; second.life.program != nil {
			t.Error("a second thread begins a program")
		}
	})
	return l
}

// TestLife has programs live for a known time, and sees who goes far.
func TestLife(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	if l := g.begin(t, 40, false); l.expect != 0 || l.traps != 40 || l.program == nil || l.enough() != youngTraps {
		t.Errorf("the first time: %+v", l)
	}
	if l := g.begin(t, 20, false); l.expect != 40 || l.enough() <= 1000 {
		t.Errorf("a short program: %+v, %d", l, l.enough())
	}
	if l := g.begin(t, 1000, true); l.program != nil || l.expect != 0 {
		t.Errorf("a copy: %+v", l)
	}
	l := g.begin(t, 200, false)
	if want := 40 - 20/lifeStep; l.expect != want {
		t.Errorf("%d traps are expected, not %d", l.expect, want)
	}
	if l.traps = l.expect + youngTraps; l.enough() <= 1000 {
		t.Errorf("it is about to end: %+v, %d", l, l.enough())
	}
	if l.traps, l.brisk = l.traps+1, false; l.enough() > youngTraps {
		t.Errorf("it has lived for longer than others: %+v, %d", l, l.enough())
	}
	for range 4 * lifeStep {
		l = g.begin(t, 200, false)
	}
	if l.traps, l.brisk = 0, true; l.enough() != briskTraps {
		t.Errorf("a long program that is brisk: %+v, %d", l, l.enough())
	}
	l.brisk = false
	if l.young = 1; l.expect < 190 || l.expect > 200 || l.enough() != youngTraps {
		t.Errorf("a long program: %+v, %d", l, l.enough())
	}
	if l.traps = l.expect - farPays + 1; l.enough() <= 1000 {
		t.Errorf("the rest of it is short: %+v, %d", l, l.enough())
	}
	for slow, brisk := range map[int64]bool{10: true, 11: false} {
		l.program.life.Store(10 * briskly)
		l.program.slow.Store(slow * slowUnit)
		if l := g.begin(t, 1, false); l.brisk != brisk {
			t.Errorf("%d slow ones of %d: %+v", slow, l.expect, l)
		}
	}
}
