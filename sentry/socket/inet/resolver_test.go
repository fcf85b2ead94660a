package inet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// newResolver returns a namespace whose resolver asks the other end of a socket pair.
func newResolver(t *testing.T, servers ...netip.Addr) (*Net, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := device.New()
	d.SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	s := stack.New(d)
	n := &Net{Stack: s, UDP: dgram.NewTable(s), TCP: tcp.NewTable(s)}
	n.Resolve(fds[0], servers)
	f := os.NewFile(uintptr(fds[1]), "docker")
	t.Cleanup(func() { f.Close() })
	f.SetDeadline(time.Now().Add(10 * time.Second))
	return n, f
}

// query is a question with an id.
func query(id uint16) []byte {
	return append(binary.BigEndian.AppendUint16(nil, id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'e', 'b', 0, 0, 1, 0, 1)
}

// client is a UDP endpoint, and what waits for its next datagram.
func client(t *testing.T, n *Net) (*dgram.Endpoint, func() []byte) {
	o := &resolverOwner{}
	e := n.UDP.New(dgram.UDP, linux.IPPROTO_UDP, false, o, 0)
	w := wait.NewWaiter()
	return e, func() (b []byte) {
		t.Helper()
		_, errno := wait.Until(&o.queue, wait.In, w, time.Now().Add(10*time.Second), func() (int, linux.Errno) {
			d := e.Next(false)
			if d == nil {
				return 0, linux.EAGAIN
			}
			if d.Src != ResolverAddr {
				t.Errorf("the answer is from %v", d.Src)
			}
			b = d.Data
			return 0, 0
		})
		if errno != 0 {
			t.Fatalf("no answer: %v", errno)
		}
		return b
	}
}

// serve answers the next question by f.
func serve(t *testing.T, f *os.File, answer func(q []byte) []byte) {
	go func() {
		b := make([]byte, 4096)
		n, err := f.Read(b)
		if err != nil {
			t.Errorf("no question: %v", err)
			return
		}
		f.Write(answer(b[:n]))
	}()
}

func TestResolverUDP(t *testing.T) {
	n, docker := newResolver(t)
	e, next := client(t, n)
	serve(t, docker, func(q []byte) []byte { q[2] |= 0x80; return append(q, "answer"...) })
	if errno := e.Send(&dgram.SendOptions{To: ResolverAddr}, query(77)); errno != 0 {
		t.Fatal(errno)
	}
	if b := next(); binary.BigEndian.Uint16(b) != 77 || !bytes.HasSuffix(b, []byte("answer")) {
		t.Errorf("answer %q", b)
	}
}

// TestResolverServer asks a server when Docker fails, and takes no other's answer.
func TestResolverServer(t *testing.T) {
	server := netip.MustParseAddr("127.0.0.53")
	n, docker := newResolver(t, server)
	so := &resolverOwner{}
	se := n.UDP.New(dgram.UDP, linux.IPPROTO_UDP, false, so, 0)
	if errno := se.Bind(netip.AddrPortFrom(server, 53)); errno != 0 {
		t.Fatal(errno)
	}
	go func() {
		w := wait.NewWaiter()
		wait.Until(&so.queue, wait.In, w, time.Now().Add(10*time.Second), func() (int, linux.Errno) {
			d := se.Next(false)
			if d == nil {
				return 0, linux.EAGAIN
			}
			d.Data[2] |= 0x80
			se.Send(&dgram.SendOptions{To: d.Src}, append(d.Data, "outside"...))
			return 0, 0
		})
	}()
	e, next := client(t, n)
	serve(t, docker, func(q []byte) []byte { q[2] |= 0x80; q[3] |= serverFailure; return q })
	e.Send(&dgram.SendOptions{To: ResolverAddr}, query(5))
	if b := next(); binary.BigEndian.Uint16(b) != 5 || !bytes.HasSuffix(b, []byte("outside")) {
		t.Errorf("answer %q", b)
	}
}

func TestResolverTCP(t *testing.T) {
	n, docker := newResolver(t)
	serve(t, docker, func(q []byte) []byte {
		if q[11] != 1 || !bytes.HasSuffix(q, []byte{0, 0, 41, 0xff, 0xff, 0, 0, 0, 0, 0, 0}) {
			t.Errorf("the question %v does not allow a long answer", q)
		}
		return append(q, make([]byte, 5000)...)
	})
	o := &resolverOwner{}
	e := n.TCP.New(false, o, 0)
	if errno := e.Connect(ResolverAddr, 0); errno != 0 || e.State() != tcp.Established {
		t.Fatalf("connect: %v, state %v", errno, e.State())
	}
	q := query(9)
	src := usermem.Bytes(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...))
	if _, errno := e.Write(&src, false, false); errno != 0 {
		t.Fatal(errno)
	}
	b := make([]byte, 2+len(q)+11+5000)
	dst, p := usermem.Bytes(b), tcp.Recv{Target: len(b)}
	wait.Until(&o.queue, wait.In, wait.NewWaiter(), time.Now().Add(10*time.Second), func() (int, linux.Errno) { return 0, e.Read(&dst, &p) })
	if p.Copied != len(b) || binary.BigEndian.Uint16(b) != uint16(len(b)-2) || binary.BigEndian.Uint16(b[2:]) != 9 {
		t.Errorf("%d bytes, %v", p.Copied, b[:4])
	}
	e.Closed(false)
}
