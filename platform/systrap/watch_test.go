package systrap

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/platform"
)

// messages collects what the platform logs during a test, and makes it impatient.
func messages(t *testing.T) func() string {
	p := plat(t)
	settle := func() { // nobody else uses what is changed here
		for p.refilling.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	settle()
	log, wait := p.log, patience
	var mu sync.Mutex
	var all []string
	p.log = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, fmt.Sprintf(format, args...))
	}
	patience = int64(40 * time.Millisecond)
	t.Cleanup(func() {
		settle()
		p.log, patience = log, wait
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, "\n")
	}
}

// TestStubNotWoken takes the stub's note away that it sleeps, so that nobody wakes it.
func TestStubNotWoken(t *testing.T) {
	said := messages(t)
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		c.Switch(g.as, &g.regs)
		a := c.thread.Load().area
		for a.waits.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond)
		a.waits.Store(0)
		soon(t, "a stub that is not woken", func() {
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
				t.Errorf("%+v", trap)
			}
		})
	})
	if m := said(); !strings.Contains(m, "lost wake-up: the stub was not woken") || !strings.Contains(m, "0x100007") {
		t.Errorf("the log says %q", m)
	}
}

// TestSentryNotWoken has a stub that traps and forgets to wake the sentry. A signal of the Go runtime may wake it instead.
func TestSentryNotWoken(t *testing.T) {
	const tries = 10
	m := ""
	for n := 0; n < tries && !strings.Contains(m, "lost wake-up: the sentry was not woken"); n++ {
		m = sentryNotWoken(t)
	}
	if !strings.Contains(m, "lost wake-up: the sentry was not woken") {
		t.Errorf("the log says %q", m)
	}
}

// sentryNotWoken returns what the log says then.
func sentryNotWoken(t *testing.T) string {
	said := messages(t)
	g := newGuest(t, append(getpidLoop[:len(getpidLoop):len(getpidLoop)], 0xeb, 0xfe)...) // and jmp .
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		c.Switch(g.as, &g.regs)
		g.regs.Rip = guestAt + uint64(len(getpidLoop))
		a := c.thread.Load().area
		time.AfterFunc(80*time.Millisecond, func() { // in the middle of a wait
			a.waits.Store(1)
			a.state.Store(stateTrap)
		})
		soon(t, "a sentry that is not woken", func() { c.Switch(g.as, &g.regs) })
	})
	return said()
}

// TestServiceNotWoken gives the service thread an order and does not wake it.
func TestServiceNotWoken(t *testing.T) {
	said := messages(t)
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		c.Switch(g.as, &g.regs)
		s := g.as.(*space).proc
		time.Sleep(5 * time.Millisecond)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ctl.count, s.ctl.want = 0, 0
		s.ctl.done.Store(0)
		s.ctl.seq.Add(1)
		soon(t, "an order without a wake-up", func() { s.await() })
	})
	if m := said(); !strings.Contains(m, "was not woken for order") {
		t.Errorf("the log says %q", m)
	}
}

// TestLongRunsAreNoLoss: application code that computes for long is nothing to speak of.
func TestLongRunsAreNoLoss(t *testing.T) {
	said := messages(t)
	g := newGuest(t, 0xeb, 0xfe) // jmp .
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		time.AfterFunc(300*time.Millisecond, c.Interrupt)
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Interrupted {
			t.Errorf("%+v", trap)
		}
	})
	if m := said(); m != "" {
		t.Errorf("the log says %q", m)
	}
}
