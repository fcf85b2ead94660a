package dgram

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

type owner struct{ err linux.Errno }

func (o *owner) Flag(int) bool              { return false }
func (o *owner) SetError(e linux.Errno)     { o.err = e }
func (o *owner) Error() linux.Errno         { return o.err }
func (o *owner) TakeError() (e linux.Errno) { e, o.err = o.err, 0; return }
func (o *owner) Notify(wait.Event)          {}
func (o *owner) Buffers() (int, int)        { return 200000, 200000 }

// wire keeps what is sent.
type wire struct{ sent [][]byte }

func (w *wire) Send(_ netip.Addr, o stack.Out) { w.sent = append(w.sent, o.Packet) }

var (
	ours   = netip.MustParseAddr("10.0.0.1")
	theirs = netip.MustParseAddr("10.0.0.2")
)

// outside is a table with an interface of a small MTU.
func outside(mtu uint32) (*Table, *wire) {
	d := device.New()
	d.SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	i := d.Add(device.Link{Name: "eth0", MTU: mtu, Flags: linux.IFF_UP})
	d.AddAddr(i, device.Addr{Family: linux.AF_INET, IP: ours.AsSlice(), Prefix: 24})
	t, w := NewTable(stack.New(d)), &wire{}
	t.Stack.Attach(i, w)
	return t, w
}

// TestFragments: a datagram that does not fit is cut, and comes together in whatever order the
// pieces arrive; not if they overlap.
func TestFragments(t *testing.T) {
	a, w := outside(1500)
	e := a.New(UDP, linux.IPPROTO_UDP, false, &owner{}, 0)
	data := bytes.Repeat([]byte("fragments "), 1000)
	if errno := e.Send(&SendOptions{To: netip.AddrPortFrom(theirs, 9), Checksum: -1}, data); errno != 0 {
		t.Fatal(errno)
	}
	if len(w.sent) != 7 {
		t.Fatalf("%d pieces", len(w.sent))
	}
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1, 0}, {3, 0, 6, 1, 5, 2, 4}} {
		b, _ := outside(1500)
		r := b.New(UDP, linux.IPPROTO_UDP, false, &owner{}, 0)
		if errno := r.Bind(netip.AddrPortFrom(netip.Addr{}, 9)); errno != 0 {
			t.Fatal(errno)
		}
		for _, i := range order {
			b.Stack.Input(turned(w.sent[i]), 2, stack.Outside)
		}
		d := r.Next(false)
		if d == nil || !bytes.Equal(d.Data, data) || d.Src.Addr() != theirs {
			t.Errorf("order %v: %v", order, d)
		}
		b.Stack.Input(turned(w.sent[0]), 2, stack.Outside)
		over := turned(w.sent[1])
		over[7]-- // begins earlier
		fix(over)
		b.Stack.Input(over, 2, stack.Outside)
		for _, p := range w.sent[1:] {
			b.Stack.Input(turned(p), 2, stack.Outside)
		}
		if d := r.Next(false); d != nil {
			t.Errorf("pieces that overlap became %d bytes", len(d.Data))
		}
	}
}

// turned is a packet on its way back: the addresses change places, which leaves checksums as they are.
func turned(p []byte) []byte {
	b := append([]byte(nil), p...)
	copy(b[12:16], p[16:20])
	copy(b[16:20], p[12:16])
	return b
}

func fix(b []byte) {
	b[10], b[11] = 0, 0
	sum := ^header.Fold(header.Sum(b[:20], 0))
	b[10], b[11] = byte(sum>>8), byte(sum)
}

// TestAnswers: who is not there is said so, echo requests are answered, what is not for us is not.
func TestAnswers(t *testing.T) {
	a, w := outside(1500)
	send := func(dst netip.Addr, proto uint8, payload []byte) {
		h := header.IP{Src: theirs, Dst: dst, Proto: proto, TTL: 9}
		a.Stack.Input(append(h.Append(nil, len(payload)), payload...), 2, stack.Outside)
	}
	u := header.UDP{Src: 7, Dst: 99}
	send(ours, linux.IPPROTO_UDP, u.Append(nil, 0))
	ping := (&header.ICMP{Type: linux.ICMP_ECHO, Rest: 5}).Append(nil)
	stack.FillICMP(ping, theirs, ours)
	send(ours, linux.IPPROTO_ICMP, ping)
	send(netip.MustParseAddr("10.0.0.9"), linux.IPPROTO_ICMP, ping)
	send(netip.MustParseAddr("127.0.0.1"), linux.IPPROTO_ICMP, ping)
	if len(w.sent) != 2 {
		t.Fatalf("%d answers", len(w.sent))
	}
	for i, want := range []uint8{linux.ICMP_DEST_UNREACH, linux.ICMP_ECHOREPLY} {
		h, payload, ok := header.ParseIP(w.sent[i])
		if !ok || h.Dst != theirs || payload[0] != want || header.Fold(header.Sum(payload, 0)) != 0xffff {
			t.Errorf("answer %d: %+v %x", i, h, payload)
		}
	}
}

// FuzzInput gives the stack packets from outside.
func FuzzInput(f *testing.F) {
	h := header.IP{Src: theirs, Dst: ours, Proto: linux.IPPROTO_UDP, TTL: 3}
	u := header.UDP{Src: 1, Dst: 9}
	f.Add(append(h.Append(nil, 8), u.Append(nil, 0)...), uint8(0))
	h.Proto = linux.IPPROTO_UDPLITE
	f.Add(append(h.Append(nil, 8), u.Append(nil, 0)...), uint8(0))
	h.Proto, h.More = linux.IPPROTO_ICMP, true
	f.Add(append(h.Append(nil, 8), 8, 0, 0, 0, 0, 0, 0, 0), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		a, _ := outside(1500)
		e := a.New(UDP, linux.IPPROTO_UDP, true, &owner{}, 0)
		e.Bind(netip.AddrPortFrom(netip.Addr{}, 9))
		l := a.New(UDPLite, linux.IPPROTO_UDPLITE, true, &owner{}, 0)
		l.Bind(netip.AddrPortFrom(netip.Addr{}, 9))
		a.New(Raw, linux.IPPROTO_ICMP, false, &owner{}, 0)
		if len(b) >= 20 && b[0] == 0x45 { // make more of them good ones
			copy(b[16:20], ours.AsSlice())
			b[2], b[3] = byte(len(b)>>8), byte(len(b))
			fix(b)
		}
		a.Stack.Input(append([]byte(nil), b...), 2, stack.From(how&1))
		a.Stack.Input(append([]byte(nil), b...), 2, stack.From(how&1))
	})
}
