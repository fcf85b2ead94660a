package tcp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

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
		s.b.Stack.Hold(append([]byte(nil), b...), 2, stack.Outside)
	}
	if acks != 0 {
		t.Errorf("%d packets before the end of the batch", acks)
	}
	s.b.Stack.Flush()
	if acks != 1 || len(segments) < 5 || d.rcv.n != sent {
		t.Errorf("%d acknowledgements for %d segments, %d bytes of %d came", acks, len(segments), d.rcv.n, sent)
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
	begin := time.Now()
	for i := range 1000 {
		if s.b.find(local, netip.AddrPortFrom(s.a.v4, uint16(i))) == nil {
			t.Fatal("nobody listens")
		}
	}
	if took := time.Since(begin); took > 200*time.Millisecond {
		t.Errorf("a thousand look-ups took %v", took)
	}
}
