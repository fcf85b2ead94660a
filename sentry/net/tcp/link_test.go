package tcp

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// sim is two stacks joined by a bad link, in virtual time.
type sim struct {
	now   int64
	clock *stack.Clock
	queue flights
	rnd   *rand.Rand
	a, b  *host

	delay, jitter   int64
	loss, dup, flip float64
	lost, moved     int
	rate            int64 // bytes a second, 0: any
	free            [2]int64
	filter          func(b []byte) bool
}

type host struct {
	*Table
	s    *sim
	to   *host
	side int
	v4   netip.Addr
}

type flight struct {
	at int64
	n  int
	to *host
	b  []byte
}

type flights []flight

func (f flights) Len() int { return len(f) }
func (f flights) Less(i, j int) bool {
	return f[i].at < f[j].at || f[i].at == f[j].at && f[i].n < f[j].n
}
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	o := *f
	x := o[len(o)-1]
	*f = o[:len(o)-1]
	return x
}

func newSim(seed int64) *sim {
	s := &sim{now: int64(time.Hour), rnd: rand.New(rand.NewSource(seed)), delay: 5e6}
	s.clock = stack.NewClock(func() int64 { return s.now })
	s.a, s.b = s.host(0, "10.0.0.1"), s.host(1, "10.0.0.2")
	s.a.to, s.b.to = s.b, s.a
	return s
}

func (s *sim) host(side int, ip string) *host {
	d := device.New()
	d.SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	i := d.Add(device.Link{Name: "eth0", MTU: 1500, Flags: linux.IFF_UP})
	a := netip.MustParseAddr(ip)
	d.AddAddr(i, device.Addr{Family: linux.AF_INET, IP: a.AsSlice(), Prefix: 24})
	h := &host{Table: NewTable(stack.NewAt(d, s.clock)), s: s, side: side, v4: a}
	h.Stack.Attach(i, h)
	return h
}

// Send is stack.Port's.
func (h *host) Send(_ netip.Addr, o stack.Out) {
	b := o.Packet
	s := h.s
	s.moved++
	if s.filter != nil && !s.filter(b) {
		return
	}
	if s.rnd.Float64() < s.loss {
		s.lost++
		return
	}
	b = append([]byte(nil), b...)
	if s.rnd.Float64() < s.flip {
		b[s.rnd.Intn(len(b))] ^= 1 << s.rnd.Intn(8)
	}
	for n := 1; n > 0; n-- {
		at := s.now + s.delay
		if s.jitter > 0 {
			at += s.rnd.Int63n(s.jitter)
		}
		if s.rate > 0 {
			s.free[h.side] = max(s.free[h.side], s.now) + int64(len(b))*1e9/s.rate
			if s.free[h.side]-s.now > 50e6 { // the queue is full
				s.lost++
				return
			}
			at += s.free[h.side] - s.now
		}
		heap.Push(&s.queue, flight{at, s.moved, h.to, b})
		if s.rnd.Float64() < s.dup {
			n++
		}
	}
}

// step does the next thing that happens: false if there is nothing until limit.
func (s *sim) step(limit int64) bool {
	at := s.clock.Next()
	if len(s.queue) > 0 && (at == 0 || s.queue[0].at <= at) {
		f := heap.Pop(&s.queue).(flight)
		if f.at > limit {
			heap.Push(&s.queue, f)
			return false
		}
		s.now = max(s.now, f.at)
		f.to.Stack.Input(f.b, 2, stack.Outside)
		return true
	}
	if at == 0 || at > limit {
		return false
	}
	s.now = max(s.now, at)
	s.clock.Run()
	return true
}

// run goes on until done, or for a time.
func (s *sim) run(t *testing.T, d time.Duration, done func() bool) bool {
	t.Helper()
	for limit := s.now + int64(d); !done(); {
		if !s.step(limit) {
			s.now = limit
			return done()
		}
	}
	return true
}

// app is the owner of an endpoint.
type app struct {
	err   linux.Errno
	flags map[int]bool
	rcv   int
	snd   int
}

func (a *app) Flag(n int) bool            { return a.flags[n] }
func (a *app) SetError(e linux.Errno)     { a.err = e }
func (a *app) Error() linux.Errno         { return a.err }
func (a *app) TakeError() (e linux.Errno) { e, a.err = a.err, 0; return }
func (a *app) Notify(wait.Event)          {}
func (a *app) Buffers() (int, int) {
	if a.rcv == 0 {
		return 1 << 20, 4 << 20
	}
	return a.snd, a.rcv
}

// pair returns a connection between the hosts.
func (s *sim) pair(t *testing.T, o func(*Options)) (c, d *Endpoint) {
	t.Helper()
	l := s.b.New(false, &app{}, 0)
	if e := l.Bind(netip.AddrPortFrom(s.b.v4, 80)); e != 0 {
		t.Fatal(e)
	}
	if e := l.Listen(10); e != 0 {
		t.Fatal(e)
	}
	c = s.a.New(false, &app{}, 0)
	if o != nil {
		c.Configure(o)
	}
	if e := c.Connect(netip.AddrPortFrom(s.b.v4, 80), 0); e != 0 {
		t.Fatal(e)
	}
	s.run(t, 200*time.Second, func() bool { d, _ = l.Accept(); return d != nil })
	if d == nil {
		t.Fatalf("no connection: %v", c.State())
	}
	d.Attach(&app{})
	return c, d
}

// transfer sends data from c to d, both ends, and compares.
func (s *sim) transfer(t *testing.T, c, d *Endpoint, n int, within time.Duration) {
	t.Helper()
	data := make([]byte, n)
	s.rnd.Read(data)
	src := usermem.Bytes(data)
	var got []byte
	closed, end := false, false
	pump := func() bool {
		for src.Len() > 0 {
			if _, e := c.Write(&src, false, false); e != 0 {
				if e != linux.EAGAIN {
					t.Fatalf("write: %v", e)
				}
				break
			}
		}
		if src.Len() == 0 && !closed {
			closed = true
			c.Shutdown(shutWrite)
		}
		buf := make([]byte, 65536)
		dst := usermem.Bytes(buf)
		r := Recv{Target: 1}
		if e := d.Read(&dst, &r); e == 0 && r.Copied == 0 {
			end = true
		} else if e != 0 && e != linux.EAGAIN {
			t.Fatalf("read: %v", e)
		}
		got = append(got, buf[:r.Copied]...)
		return end
	}
	begin := s.now
	if !s.run(t, within, pump) {
		t.Fatalf("%d of %d bytes after %v; %d packets lost; states %d %d; %+v", len(got), n, within, s.lost, c.state, d.state, c.net.rec)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, not what was sent", len(got))
	}
	t.Logf("%d bytes in %v, %d packets lost of %d, sent again %d", n, time.Duration(s.now-begin), s.lost, s.moved, c.net.retrans)
}

func TestLinks(t *testing.T) {
	for _, k := range []struct {
		name            string
		loss, dup, flip float64
		delay, jitter   time.Duration
		rate            int64
		n               int
		within          time.Duration
		noSack          bool
	}{
		{name: "perfect", delay: 5 * time.Millisecond, n: 4 << 20, within: 5 * time.Second},
		{name: "loss", delay: 5 * time.Millisecond, loss: 0.01, n: 4 << 20, within: 20 * time.Second},
		{name: "much loss", delay: 5 * time.Millisecond, loss: 0.2, n: 256 << 10, within: 600 * time.Second},
		{name: "order", delay: 5 * time.Millisecond, jitter: 4 * time.Millisecond, n: 2 << 20, within: 60 * time.Second},
		{name: "twice", delay: 5 * time.Millisecond, dup: 0.1, n: 2 << 20, within: 20 * time.Second},
		{name: "damage", delay: 5 * time.Millisecond, flip: 0.02, n: 1 << 20, within: 60 * time.Second},
		{name: "everything", delay: 20 * time.Millisecond, jitter: 10 * time.Millisecond, loss: 0.05, dup: 0.05, flip: 0.01, n: 1 << 20, within: 600 * time.Second},
		{name: "narrow", delay: 10 * time.Millisecond, rate: 1 << 20, n: 4 << 20, within: 12 * time.Second},
	} {
		for seed := range int64(3) {
			t.Run(fmt.Sprintf("%s/%d", k.name, seed), func(t *testing.T) {
				s := newSim(seed)
				s.loss, s.dup, s.flip, s.delay, s.jitter, s.rate = k.loss, k.dup, k.flip, int64(k.delay), int64(k.jitter), k.rate
				c, d := s.pair(t, nil)
				s.transfer(t, c, d, k.n, k.within)
				s.transfer2(t, c, d)
			})
		}
	}
}

// transfer2 ends the other direction, too, and looks what is left.
func (s *sim) transfer2(t *testing.T, c, d *Endpoint) {
	t.Helper()
	d.Closed(false)
	s.run(t, 600*time.Second, func() bool { return c.State() == Close && d.State() == Close })
	if c.State() != Close || d.State() != Close {
		t.Fatalf("states at the end %d %d", c.State(), d.State())
	}
	c.Closed(false)
	s.run(t, 200*time.Second, func() bool { return false })
	for _, h := range []*host{s.a, s.b} {
		if len(h.conns)+len(h.waits) != 0 {
			t.Errorf("%d connections and %d waits are left", len(h.conns), len(h.waits))
		}
	}
}

// fixSum makes the checksum of a segment over IPv4 right after it was changed.
func fixSum(b []byte) {
	ip, p, _ := header.ParseIPv4(b)
	p[16], p[17] = 0, 0
	binary.BigEndian.PutUint16(p[16:], ^header.Fold(header.Sum(p, header.Pseudo(ip.Src, ip.Dst, linux.IPPROTO_TCP, len(p)))))
}
