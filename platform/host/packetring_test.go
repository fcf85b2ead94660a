package host

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// loopback makes two packet sockets on the loopback of a new network namespace, the second with a ring.
func loopback(t *testing.T) (out int, in *Packets) {
	t.Helper()
	var fds [2]int
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and ends with the goroutine
		made <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			for i := range fds {
				fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				fds[i] = fd
			}
			if err := setUp(fds[0], true); err != nil {
				return err
			}
			for _, fd := range fds {
				for _, o := range [][3]int{{unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1}, {unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1}, {unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256 << 20}} {
					if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
						return err
					}
				}
			}
			if err := MakeRing(fds[1]); err != nil {
				return err
			}
			if err := unix.Bind(fds[0], &unix.SockaddrLinklayer{Ifindex: 1}); err != nil {
				return err
			}
			return unix.Bind(fds[1], &unix.SockaddrLinklayer{Ifindex: 1, Protocol: 0x0300})
		}()
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	in, errno := NewPackets(fds[1], 16, 70000)
	if in.ring.slots == nil {
		t.Fatal("no ring", errno)
	}
	t.Cleanup(func() {
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return fds[0], in
}

// setUp sets the loopback of a socket's network namespace up or down.
func setUp(fd int, up bool) error {
	r, _ := unix.NewIfreq("lo")
	if up {
		r.SetUint16(unix.IFF_UP)
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// numbered is a packet with virtio-net and Ethernet headers that says its number, so often as fits.
func numbered(n, size int) []byte {
	b := make([]byte, vnetHeader+14, vnetHeader+14+size+8)
	b[vnetHeader+12] = 0x88
	b[vnetHeader+13] = 0xb5
	for len(b) < vnetHeader+14+size {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b[:vnetHeader+14+size]
}

// TestRing: packets of any size, a few at a time, come in order and whole, many times round the ring; what was kept stays.
func TestRing(t *testing.T) {
	out, in := loopback(t)
	sent, got, kept := 0, 0, 0
	var want [][]byte
	var held []byte
	var frame *Frame
	for sent < 5*slots {
		for range 1 + rand.IntN(40) {
			size := 8 + rand.IntN(100)
			switch rand.IntN(8) {
			case 0:
				size = slotSize - 150 + rand.IntN(200)
			case 1:
				size = 8 + rand.IntN(60000)
			}
			b := numbered(sent, size)
			if _, err := unix.Write(out, b); err != nil {
				t.Fatal(size, err)
			}
			want = append(want, b)
			sent++
		}
		var views [][]byte
		for more := true; more; {
			views = views[:0]
			var n int
			n, more = in.Read(func(b []byte, keep bool) {
				if !bytes.Equal(b, want[got]) {
					t.Fatalf("packet %d: %d bytes, not the %d that were sent", got, len(b), len(want[got]))
				}
				views = append(views, b)
				if got++; keep && frame == nil {
					held, frame = b, in.Keep()
					kept = got - 1
				}
			})
			if n != len(views) {
				t.Fatalf("%d packets, said to be %d", len(views), n)
			}
			for i, b := range views {
				if !bytes.Equal(b, want[got-n+i]) {
					t.Fatal("a packet changed before Done")
				}
			}
			in.Done()
		}
		if got != sent {
			t.Fatalf("%d of %d packets have come", got, sent)
		}
		if frame != nil && !bytes.Equal(held, want[kept]) {
			t.Fatal("what was kept has changed")
		}
		if frame != nil && rand.IntN(4) == 0 {
			frame.Free()
			frame = nil
		}
	}
}

// TestRingDown: what has come before the interface went down is whole, and what comes when it is up again.
func TestRingDown(t *testing.T) {
	out, in := loopback(t)
	sent := 0
	send := func() {
		for range 5 {
			if _, err := unix.Write(out, numbered(sent, 2000+sent)); err != nil {
				t.Fatal(err)
			}
			sent++
		}
	}
	send()
	for _, up := range []bool{false, true} {
		if err := setUp(out, up); err != nil {
			t.Fatal(err)
		}
	}
	unix.GetsockoptInt(out, unix.SOL_SOCKET, unix.SO_ERROR) // of the sender, too, the host says once that it was down
	send()
	got := 0
	in.Read(func(b []byte, _ bool) {
		if !bytes.Equal(b, numbered(got, 2000+got)) {
			t.Errorf("packet %d of %d bytes, not %d", got, len(b), 2000+got)
		}
		got++
	})
	if in.Done(); got != sent {
		t.Errorf("%d of %d packets", got, sent)
	}
}

// TestRingFull: what the ring has no room for is lost, and what comes later is not.
func TestRingFull(t *testing.T) {
	out, in := loopback(t)
	for i := range slots + 100 {
		if _, err := unix.Write(out, numbered(i, 8+i%3*1000)); err != nil {
			t.Fatal(err)
		}
	}
	got := 0
	drain := func() {
		for more := true; more; in.Done() {
			_, more = in.Read(func(b []byte, _ bool) {
				if n := int(binary.BigEndian.Uint64(b[vnetHeader+14:])); n != got {
					t.Fatalf("packet %d, not %d", n, got)
				}
				got++
			})
		}
	}
	drain()
	if got != slots {
		t.Fatalf("%d packets of a ring of %d", got, slots)
	}
	got = 0
	for i := range 10 {
		unix.Write(out, numbered(i, 8+i%3*1000))
	}
	if drain(); got != 10 {
		t.Fatalf("%d packets of 10", got)
	}
}
