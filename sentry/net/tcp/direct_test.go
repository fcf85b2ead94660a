package tcp

import (
	"bytes"
	"math/rand"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// sleeper is an owner that can be waited for.
type sleeper struct {
	mu  sync.Mutex
	err linux.Errno
	ch  chan struct{}
}

func newSleeper() *sleeper { return &sleeper{ch: make(chan struct{}, 1)} }

func (a *sleeper) Flag(int) bool { return false }
func (a *sleeper) SetError(e linux.Errno) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = e
}
func (a *sleeper) Error() linux.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
func (a *sleeper) TakeError() linux.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.err
	a.err = 0
	return e
}
func (a *sleeper) Notify(wait.Event) {
	select {
	case a.ch <- struct{}{}:
	default:
	}
}
func (a *sleeper) Buffers() (int, int) { return 20000, 30000 }

func (a *sleeper) wait() bool {
	select {
	case <-a.ch:
		return true
	case <-time.After(10 * time.Second):
		return false
	}
}

// loopback is a table with only the loopback.
func loopback() *Table {
	d := device.New()
	d.SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	return NewTable(stack.New(d))
}

// TestDirect lets many connections of one stack send both ways at once, and end in several ways.
func TestDirect(t *testing.T) {
	table, lo := loopback(), netip.MustParseAddr("127.0.0.1")
	lw := newSleeper()
	l := table.New(false, lw, 0)
	if e := l.Bind(netip.AddrPortFrom(lo, 0)); e != 0 {
		t.Fatal(e)
	}
	if e := l.Listen(4); e != 0 {
		t.Fatal(e)
	}
	const conns = 40
	var all sync.WaitGroup
	for i := range conns {
		all.Add(1)
		go func() {
			defer all.Done()
			w := newSleeper()
			c := table.New(false, w, 0)
			if e := c.Connect(l.Local(), 0); e != 0 {
				t.Error(e)
				return
			}
			for c.State() == SynSent {
				w.wait()
			}
			talk(t, c, w, int64(i))
		}()
	}
	for i := range conns {
		var d *Endpoint
		for d == nil {
			if d, _ = l.Accept(); d == nil && !lw.wait() {
				t.Fatalf("connection %d does not come", i)
			}
		}
		w := newSleeper()
		d.Attach(w)
		all.Add(1)
		go func() {
			defer all.Done()
			talk(t, d, w, int64(i)+1000)
		}()
	}
	all.Wait()
	l.Closed(false)
	if len(table.conns) != 0 {
		t.Errorf("%d connections are left", len(table.conns))
	}
	table.mu.Lock()
	for len(table.waits) > 0 {
		table.dropLocked(table.first)
	}
	table.unlock()
	table.ports.All(func(b *stack.Binding) { t.Errorf("port %d is left", b.Port) })
}

// talk sends a pattern of its own length and reads that of the other side until its end.
func talk(t *testing.T, e *Endpoint, w *sleeper, seed int64) {
	r := rand.New(rand.NewSource(seed))
	n := r.Intn(300000)
	data := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
	src := usermem.Bytes(data)
	buf := make([]byte, 5000)
	shut, got := false, 0
	for end := false; !end || !shut; {
		before := src.Len()
		if src.Len() > 0 {
			part := src
			part.Limit(1 + r.Intn(9000))
			if k, e := e.Write(&part, false, false); e == 0 {
				drop := usermem.Bytes(data[n-src.Len()+k:])
				src = drop
			} else if e != linux.EAGAIN {
				t.Errorf("write: %v", e)
				return
			}
		} else if !shut {
			shut = true
			e.Shutdown(shutWrite)
		}
		dst := usermem.Bytes(buf)
		rc := Recv{Target: 1}
		errno := e.Read(&dst, &rc)
		for i, b := range buf[:rc.Copied] {
			if b != "0123456789abcdef"[(got+i)%16] {
				t.Errorf("byte %d is wrong", got+i)
				return
			}
		}
		got += rc.Copied
		end = end || errno == 0 && rc.Copied == 0
		if errno == linux.EAGAIN && src.Len() == before && (shut || before > 0) && !w.wait() {
			t.Errorf("nothing happens: %d to be sent, %d read, state %d", src.Len(), got, e.State())
			return
		}
	}
	e.Closed(false)
}

// TestTimeWait: addresses of a connection are kept until its time is over, and no longer.
func TestTimeWait(t *testing.T) {
	s := newSim(1)
	lo := netip.MustParseAddr("127.0.0.1")
	l := s.a.New(false, &app{}, 0)
	l.Bind(netip.AddrPortFrom(lo, 80))
	l.Listen(5)
	for range 1000 {
		c := s.a.New(false, &app{}, 0)
		if e := c.Connect(netip.AddrPortFrom(lo, 80), 0); e != 0 {
			t.Fatal(e)
		}
		d, e := l.Accept()
		if e != 0 {
			t.Fatal(e)
		}
		d.Attach(&app{})
		c.Closed(false)
		d.Closed(false)
	}
	if len(s.a.conns) != 0 || len(s.a.waits) != 1000 {
		t.Fatalf("%d connections, %d in TIME_WAIT", len(s.a.conns), len(s.a.waits))
	}
	s.run(t, 61*time.Second, func() bool { return false })
	if len(s.a.waits) != 0 {
		t.Fatalf("%d are still in TIME_WAIT", len(s.a.waits))
	}
}

// TestPortsAgain: with few ports connections take those of old ones in TIME_WAIT, at once from both
// sides.
func TestPortsAgain(t *testing.T) {
	s := newSim(1)
	lo := netip.MustParseAddr("127.0.0.1")
	s.a.Stack.Settings.LocalPorts.Store(40000<<16 | 40009)
	l := s.a.New(false, &app{}, 0)
	l.Bind(netip.AddrPortFrom(lo, 80))
	l.Listen(5)
	for i := range 200 {
		c := s.a.New(false, &app{}, 0)
		if e := c.Connect(netip.AddrPortFrom(lo, 80), 0); e != 0 {
			t.Fatalf("connection %d: %v", i, e)
		}
		d, e := l.Accept()
		if e != 0 {
			t.Fatal(e)
		}
		d.Attach(&app{})
		if i%2 == 0 {
			c.Closed(false)
			d.Closed(false)
		} else {
			d.Closed(false)
			c.Closed(false)
		}
		s.now += 2e9
	}
	c := s.a.New(false, &app{}, 0)
	for range 11 {
		if e := c.Connect(netip.AddrPortFrom(lo, 81), 0); e != 0 || c.State() != Close {
			t.Fatalf("%v, state %d", e, c.State())
		}
		c.Abort(0)
	}
}
