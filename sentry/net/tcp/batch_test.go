package tcp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// TestFirstWindow looks at what each end tells the other at the start: not more than it keeps, whatever the sequence
// numbers are.
func TestFirstWindow(t *testing.T) {
	for seed := range int64(20) {
		s := newSim(seed)
		c, d := s.pair(t, nil)
		s.run(t, time.Second, func() bool { return false })
		for _, e := range []*Endpoint{c, d} {
			if w := e.net.adv - e.net.rcvNxt; w > firstRoom {
				t.Fatalf("a window of %d bytes, the queue holds %d", w, firstRoom)
			}
		}
	}
}

// tcpOf is the TCP header of a packet.
func tcpOf(b []byte) (h header.TCP, data []byte) {
	_, payload, _ := header.ParseIPv4(b)
	_, _, h, data, _ = header.ParseTCP(payload)
	return h, data
}

// TestDuplicates sends everything twice: the sender is told so.
func TestDuplicates(t *testing.T) {
	s := newSim(1)
	c, d := s.pair(t, nil)
	told := 0
	s.dup = 0.5
	s.filter = func(b []byte) bool {
		if h, data := tcpOf(b); len(data) == 0 && h.NBlocks > 0 && before(h.Blocks[0].Start, h.Ack) {
			told++
		}
		return true
	}
	src := usermem.Bytes(make([]byte, 5000))
	c.Write(&src, false, false)
	s.run(t, time.Second, func() bool { return false })
	if told == 0 || d.rcv.n != 5000 {
		t.Errorf("told of %d duplicates, %d bytes came", told, d.rcv.n)
	}
}

// TestHold takes a batch of segments in: one acknowledgement answers them.
func TestHold(t *testing.T) {
	s := newSim(2)
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	var segments [][]byte
	s.filter = func(b []byte) bool { segments = append(segments, append([]byte(nil), b...)); return false }
	data := bytes.Repeat([]byte("0123456789"), 1000)
	src := usermem.Bytes(data)
	c.Write(&src, false, false)
	acks, sent := 0, 0
	s.filter = func(b []byte) bool { acks++; return true }
	for _, b := range segments {
		_, data := tcpOf(b)
		sent += len(data)
		s.b.Stack.Hold(append([]byte(nil), b...), 0, 2, stack.Outside, nil)
	}
	if acks != 0 {
		t.Errorf("%d packets before the end of the batch", acks)
	}
	s.b.Stack.Flush()
	if acks != 1 || len(segments) < 5 || d.rcv.n != sent {
		t.Errorf("%d acknowledgements for %d segments, %d bytes of %d came", acks, len(segments), d.rcv.n, sent)
	}
}

// TestLate: a short request is acknowledged by the answer; or when the application sleeps without one, or some time has passed.
func TestLate(t *testing.T) {
	s := newSim(2)
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	acks := 0
	send := func(n int) {
		t.Helper()
		var packet []byte
		s.filter = func(b []byte) bool { packet = bytes.Clone(b); return false }
		src := usermem.Bytes(make([]byte, n))
		c.Write(&src, false, false)
		acks = 0
		s.filter = func(b []byte) bool { acks++; return true }
		s.b.Stack.Hold(packet, 0, 2, stack.Outside, nil)
		s.b.Stack.Flush()
	}
	step := func(what string, want int) {
		t.Helper()
		if s.run(t, 10*time.Millisecond, func() bool { return acks != 0 }); acks != want {
			t.Errorf("%s: %d packets", what, acks)
		}
		s.run(t, time.Second, func() bool { return false })
	}
	send(100)
	read := usermem.Bytes(make([]byte, 100))
	d.Read(&read, &Recv{Target: 1})
	if acks != 0 {
		t.Error("it was acknowledged at once")
	}
	answer := usermem.Bytes(make([]byte, 50))
	d.Write(&answer, false, false)
	step("an answer", 1)
	send(100)
	s.b.Stack.Rest()
	if acks != 1 {
		t.Errorf("%d packets when the application sleeps", acks)
	}
	step("and later", 1)
	s.b.Stack.Rest()
	send(100)
	step("no answer", 1)
	if send(1000); acks != 1 {
		t.Error("a long segment was not acknowledged")
	}
}

// TestLastAck ends a connection from one end and then from the other: the last FIN is acknowledged at once, and need not come again.
func TestLastAck(t *testing.T) {
	s := newSim(2)
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	fins := 0
	s.filter = func(b []byte) bool {
		if h, _ := tcpOf(b); h.Flags&header.FIN != 0 {
			fins++
		}
		return true
	}
	d.Closed(false)
	s.run(t, time.Second, func() bool { return false })
	c.Closed(false)
	s.run(t, time.Second, func() bool { return false })
	if c.State() != Close || fins != 2 {
		t.Errorf("state %d after %d ends", c.State(), fins)
	}
}

// TestManyOnPort finds the listener at once, however many connections have its port.
func TestManyOnPort(t *testing.T) {
	s := newSim(3)
	s.pair(t, nil)
	local := netip.AddrPortFrom(s.b.v4, 80)
	for i := range 20000 {
		remote := netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(i))
		e := s.b.find(local, remote).child(local, remote, 0)
		e.state = Established
	}
	best := time.Hour
	for range 20 { // the machine may be busy
		begin := time.Now()
		for i := range 1000 {
			if s.b.find(local, netip.AddrPortFrom(s.a.v4, uint16(i))) == nil {
				t.Fatal("nobody listens")
			}
		}
		if best = min(best, time.Since(begin)); best < 100*time.Millisecond {
			return
		}
	}
	t.Errorf("a thousand look-ups took %v", best)
}

// TestFill sends buffers that are filled in place: no short segment but the last, and what was held back goes when there
// is nothing more.
func TestFill(t *testing.T) {
	s := newSim(4)
	c, d := s.pair(t, func(o *Options) { o.NoDelay = true })
	data := make([]byte, 200001)
	s.rnd.Read(data)
	from, short := usermem.Bytes(data), 0
	s.filter = func(b []byte) bool {
		if _, data := tcpOf(b); len(data) > 0 && len(data) < c.net.mss {
			short++
		}
		return true
	}
	read := func(dst *usermem.Buf) (int, linux.Errno) {
		b := make([]byte, min(dst.Len(), from.Len()))
		from.CopyIn(b)
		return dst.CopyOut(b)
	}
	for from.Len() > 0 {
		if n, errno := c.Fill(1<<20, true, read); n == 0 || errno != 0 {
			t.Fatalf("%d, %v", n, errno)
		}
	}
	if n, errno := c.Fill(1, true, read); n != 0 || errno != 0 {
		t.Fatalf("at the end %d, %v", n, errno)
	}
	var got []byte
	s.run(t, 100*time.Millisecond, func() bool {
		buf := make([]byte, 65536)
		dst := usermem.Bytes(buf)
		r := Recv{Target: 1}
		d.Read(&dst, &r)
		got = append(got, buf[:r.Copied]...)
		return len(got) == len(data)
	})
	if !bytes.Equal(got, data) || short != 1 {
		t.Errorf("%d bytes of %d, %d short segments", len(got), len(data), short)
	}
}
