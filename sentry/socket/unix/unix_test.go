package unix

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// caller is a task without memory or files.
type caller struct {
	w       *wait.Waiter
	cred    *auth.Cred
	process int
	nofile  uint64
}

var userNS = auth.NewRootNS()

func newCaller() *caller {
	return &caller{w: wait.NewWaiter(), cred: auth.Root(userNS), process: 1, nofile: 1024}
}

func (c *caller) Cred() *auth.Cred      { return c.cred }
func (c *caller) Space() *usermem.Space { return nil }
func (c *caller) Waiter() *wait.Waiter  { return c.w }
func (c *caller) Limit(int) uint64      { return c.nofile }
func (c *caller) Now() int64            { return 0 }
func (c *caller) FS() *vfs.FS           { return nil }
func (c *caller) Process() any          { return c.process }
func (c *caller) PID() int32            { return 1 }

// namespace is a network namespace.
type namespace map[string]any

func (n namespace) Get(name string, make func() any) any {
	if n[name] == nil {
		n[name] = make()
	}
	return n[name]
}

func open(t *testing.T, c *caller, ns namespace, typ int) *Socket {
	t.Helper()
	s, errno := newSocket(c, ns, typ, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return s.(*Socket)
}

func pair(t *testing.T, c *caller, typ int) (a, b *Socket) {
	t.Helper()
	ns := namespace{}
	a, b = open(t, c, ns, typ), open(t, c, ns, typ)
	if errno := a.Pair(c, b); errno != 0 {
		t.Fatal(errno)
	}
	return a, b
}

func send(c *caller, s *Socket, data string, flags uint32, files ...*vfs.File) (int, linux.Errno) {
	b := usermem.Bytes([]byte(data))
	m := socket.Message{Data: &b, Flags: flags}
	m.Files = files
	defer m.Drop()
	return s.Send(c, &m)
}

func recv(c *caller, s *Socket, n int, flags uint32) (string, *socket.Message, linux.Errno) {
	p := make([]byte, n)
	b := usermem.Bytes(p)
	m := &socket.Message{Data: &b, Flags: flags}
	k, errno := s.Recv(c, m)
	return string(p[:min(k, n)]), m, errno
}

func TestStreamKeepsOrderAndBounds(t *testing.T) {
	c := newCaller()
	a, b := pair(t, c, linux.SOCK_STREAM)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	n, errno := send(c, a, string(data), linux.MSG_DONTWAIT)
	if errno != 0 || n == 0 || n > 2*linux.SK_MEM_MAX {
		t.Fatalf("a send without waiting: %d %v", n, errno)
	}
	if _, errno := send(c, a, "x", linux.MSG_DONTWAIT); errno != linux.EAGAIN {
		t.Errorf("a send without room: %v", errno)
	}
	if a.Poll(nil)&wait.Out != 0 {
		t.Error("writable without room")
	}
	var got bytes.Buffer
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		c := newCaller()
		for got.Len() < len(data) {
			s, _, errno := recv(c, b, 1000, 0)
			if errno != 0 || s == "" {
				t.Errorf("recv: %q %v", s, errno)
				return
			}
			got.WriteString(s)
		}
	}()
	rest, errno := send(c, a, string(data[n:]), 0)
	if errno != 0 || n+rest != len(data) {
		t.Errorf("a send that waits: %d %v", rest, errno)
	}
	wg.Wait()
	if !bytes.Equal(got.Bytes(), data) {
		t.Error("what came is not what was sent")
	}
	if w := a.wmem.Load(); w != 0 {
		t.Errorf("%d charged for nothing", w)
	}
}

func TestTimeout(t *testing.T) {
	c := newCaller()
	a, _ := pair(t, c, linux.SOCK_STREAM)
	a.RcvTime.Store(int64(10 * time.Millisecond))
	if _, _, errno := recv(c, a, 1, 0); errno != linux.EAGAIN {
		t.Errorf("after the time: %v", errno)
	}
	c.w.Interrupt()
	if _, _, errno := recv(c, a, 1, 0); errno != linux.EINTR {
		t.Errorf("interrupted with a time-out: %v", errno)
	}
	a.RcvTime.Store(0)
	if _, _, errno := recv(c, a, 1, 0); errno != linux.ERESTARTSYS {
		t.Errorf("interrupted: %v", errno)
	}
}

func TestDatagramsWaitForReceiver(t *testing.T) {
	c, ns := newCaller(), namespace{}
	r, s := open(t, c, ns, linux.SOCK_DGRAM), open(t, c, ns, linux.SOCK_DGRAM)
	addr := []byte("\x01\x00\x00name")
	if errno := r.Bind(c, addr); errno != 0 {
		t.Fatal(errno)
	}
	if errno := s.Connect(c, addr, false); errno != 0 {
		t.Fatal(errno)
	}
	n := 0
	for ; n < 100; n++ {
		if _, errno := send(c, s, "x", linux.MSG_DONTWAIT); errno == linux.EAGAIN {
			break
		}
	}
	if n != linux.UNIX_MAX_DGRAM_QLEN+1 {
		t.Errorf("%d datagrams fit", n)
	}
	if s.Poll(nil)&wait.Out != 0 {
		t.Error("writable though the receiver is full")
	}
	done := make(chan linux.Errno)
	go func() {
		_, errno := send(newCaller(), s, "last", 0)
		done <- errno
	}()
	for range n {
		recv(c, r, 8, 0)
	}
	if got, _, errno := recv(c, r, 8, 0); got != "last" || errno != 0 {
		t.Errorf("the one that waited: %q %v", got, errno)
	}
	if errno := <-done; errno != 0 {
		t.Error(errno)
	}
	r.Release(nil)
	if _, errno := send(c, s, "x", 0); errno != linux.ECONNREFUSED {
		t.Errorf("to a socket that is gone: %v", errno)
	}
}

func TestConnectWaitsForRoom(t *testing.T) {
	c, ns := newCaller(), namespace{}
	l := open(t, c, ns, linux.SOCK_STREAM)
	addr := []byte("\x01\x00\x00server")
	l.Bind(c, addr)
	if errno := l.Listen(c, 0); errno != 0 {
		t.Fatal(errno)
	}
	first, second := open(t, c, ns, linux.SOCK_STREAM), open(t, c, ns, linux.SOCK_STREAM)
	if errno := first.Connect(c, addr, true); errno != 0 {
		t.Fatal(errno)
	}
	if errno := second.Connect(c, addr, true); errno != linux.EAGAIN {
		t.Errorf("beyond the backlog: %v", errno)
	}
	done := make(chan linux.Errno)
	go func() { done <- second.Connect(newCaller(), addr, false) }()
	for range 2 {
		if _, errno := l.Accept(c, false); errno != 0 {
			t.Fatal(errno)
		}
	}
	if errno := <-done; errno != 0 {
		t.Error(errno)
	}
	third := open(t, c, ns, linux.SOCK_STREAM)
	third.Connect(c, addr, true)
	l.Release(nil)
	if _, _, errno := recv(c, third, 1, 0); errno != linux.ECONNRESET {
		t.Errorf("never accepted: %v", errno)
	}
	if errno := open(t, c, ns, linux.SOCK_STREAM).Connect(c, addr, true); errno != linux.ECONNREFUSED {
		t.Errorf("nobody listens: %v", errno)
	}
}

// witness is a file that tells when it is released.
type witness struct{ gone chan struct{} }

func (w witness) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno)  { return 0, 0 }
func (w witness) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) { return 0, 0 }
func (w witness) Release(*vfs.File)                                                { close(w.gone) }

// TestCycle closes all descriptors of sockets that are in each other's queues, with a file in one
// of them; and does not lose what can still be received.
func TestCycle(t *testing.T) {
	c := newCaller()
	a, b := pair(t, c, linux.SOCK_STREAM)
	x, y := pair(t, c, linux.SOCK_DGRAM)
	fa, fb, fx, fy := socket.Open(c, a, 0), socket.Open(c, b, 0), socket.Open(c, x, 0), socket.Open(c, y, 0)
	w := witness{make(chan struct{})}
	fw := vfs.AnonFile(c, "witness", w, 0)
	for _, f := range []*vfs.File{fa, fb, fx} {
		f.Get()
	}
	send(c, a, "1", 0, fa)     // a is in b's queue
	send(c, b, "2", 0, fb, fw) // b and the witness are in a's
	send(c, y, "3", 0, fx)     // x is in its own queue, but y stays open
	fa.Put()
	fb.Put()
	other := func() { socket.Open(c, open(t, c, namespace{}, linux.SOCK_STREAM), 0).Put() }
	other() // any socket that is closed has them collected
	select {
	case <-w.gone:
	case <-time.After(5 * time.Second):
		t.Fatal("a cycle of sockets in flight is kept")
	}
	fx.Put()
	fy.Put()
	other()
	gc.mu.Lock()
	defer gc.mu.Unlock()
	deadline := time.Now().Add(5 * time.Second)
	for len(gc.socks) > 0 || len(gc.users) > 0 || len(gc.owner) > 0 {
		gc.mu.Unlock()
		time.Sleep(time.Millisecond)
		gc.mu.Lock()
		if time.Now().After(deadline) {
			t.Fatalf("still in flight: %d sockets, %d users", len(gc.socks), len(gc.users))
		}
	}
}

func TestReachableIsKept(t *testing.T) {
	c := newCaller()
	a, b := pair(t, c, linux.SOCK_STREAM)
	x, y := pair(t, c, linux.SOCK_STREAM)
	fb, fx, fy := socket.Open(c, b, 0), socket.Open(c, x, 0), socket.Open(c, y, 0)
	send(c, x, "payload", 0)
	fy.Get()
	send(c, y, "fd", 0, fy) // y in x's queue
	send(c, a, "fd", 0, fx) // x in b's, whose descriptor stays
	fy.Put()
	collect()
	sweep()
	_, m, errno := recv(c, b, 8, 0)
	if errno != 0 || len(m.Files) != 1 {
		t.Fatalf("recv: %v, %d files", errno, len(m.Files))
	}
	_, m, errno = recv(c, m.Files[0].Ops.(*Socket), 8, 0)
	if errno != 0 || len(m.Files) != 1 {
		t.Fatalf("recv from what was received: %v, %d files", errno, len(m.Files))
	}
	if s, _, _ := recv(c, m.Files[0].Ops.(*Socket), 8, 0); s != "payload" {
		t.Errorf("%q", s)
	}
	m.Drop()
	fx.Put()
	fb.Put()
}

// TestChain ends a long chain of sockets each of which is in the queue of the next.
func TestChain(t *testing.T) {
	c := newCaller()
	w := witness{make(chan struct{})}
	carried := vfs.AnonFile(c, "witness", w, 0)
	for range 20000 {
		a, b := pair(t, c, linux.SOCK_DGRAM)
		fb := socket.Open(c, b, 0)
		if _, errno := send(c, a, "x", 0, carried); errno != 0 {
			t.Fatal(errno)
		}
		a.Release(nil)
		carried = fb
	}
	carried.Put()
	<-w.gone
}

func TestTooManyInFlight(t *testing.T) {
	c := newCaller()
	c.nofile = 4
	c.cred = &auth.Cred{Ruid: 77, NS: userNS}
	a, b := pair(t, c, linux.SOCK_DGRAM)
	f := vfs.AnonFile(c, "file", witness{make(chan struct{})}, 0)
	errno := linux.Errno(0)
	n := 0
	for ; n < 10 && errno == 0; n++ {
		f.Get()
		_, errno = send(c, a, "x", linux.MSG_DONTWAIT, f)
	}
	if errno != linux.ETOOMANYREFS || n != 6 {
		t.Errorf("send %d: %v", n, errno)
	}
	a.Release(nil)
	b.Release(nil)
	if f.Refs() != 1 || gc.users[77] != 0 {
		t.Errorf("%d references, %d in flight", f.Refs(), gc.users[77])
	}
}

// TestManyClose has many goroutines use and close sockets at once: for the race detector.
func TestManyClose(t *testing.T) {
	ns := namespace{}
	l := open(t, newCaller(), ns, linux.SOCK_STREAM)
	addr := []byte("\x01\x00\x00busy")
	l.Bind(newCaller(), addr)
	l.Listen(newCaller(), 4)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := newCaller()
			for k := range 50 {
				if i%2 == 0 {
					s, errno := l.Accept(c, false)
					if errno != 0 {
						t.Error(errno)
						return
					}
					a := s.(*Socket)
					recv(c, a, 10, linux.MSG_DONTWAIT)
					send(c, a, "hello", linux.MSG_DONTWAIT)
					a.Release(nil)
					continue
				}
				s := newIn(l.names, linux.SOCK_STREAM, 0)
				if errno := s.Connect(c, addr, false); errno != 0 {
					t.Error(errno)
					return
				}
				send(c, s, "hello", linux.MSG_DONTWAIT)
				s.Poll(nil)
				if k%3 > 0 {
					recv(c, s, 10, 0)
				}
				s.Release(nil)
			}
		}()
	}
	wg.Wait()
}
