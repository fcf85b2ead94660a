package pcap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// echo is a UDP datagram of 4 bytes over IPv4, with n more bytes than its length says.
func frame(n int) []byte {
	b := append(make([]byte, 12), 8, 0)
	b = append(b, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	return append(append(b, 0, 9, 0, 9, 0, 12, 0, 0, 'a', 'b', 'c', 'd'), make([]byte, n)...)
}

// TestReadable lets tcpdump read packets of two interfaces, one of which has no Ethernet header.
func TestReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcapng")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := New(Limits{Snaplen: 60}, func(b []byte) bool { _, err := f.Write(b); return err == nil }, func() {})
	eth, tun, lo := &device.Link{Name: "eth0"}, &device.Link{Name: "tun0"}, &device.Link{Name: "lo", Flags: linux.IFF_LOOPBACK}
	c.Tap(&stack.Frame{Link: eth, Whole: frame(1), Head: 14, Type: 0x800, Kind: stack.FrameOutgoing})
	c.Tap(&stack.Frame{Link: tun, Whole: frame(0)[14:], Type: 0x800})
	c.Tap(&stack.Frame{Link: lo, Whole: frame(0), Head: 14, Type: 0x800, Kind: stack.FrameOutgoing})
	c.Tap(&stack.Frame{Link: lo, Whole: frame(100), Head: 14, Type: 0x800})
	out, err := exec.Command("tcpdump", "-ttnr", path).CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdump: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "IP 10.0.0.1.9 > 10.0.0.2.9: UDP, length 4"); n != 3 {
		t.Errorf("%d packets:\n%s", n, out)
	}
}

// TestLimit: what does not fit is not begun.
func TestLimit(t *testing.T) {
	size, told := 0, 0
	c := New(Limits{Snaplen: 1 << 18, Bytes: 1000}, func(b []byte) bool { size += len(b); return true }, func() { told++ })
	for range 100 {
		c.Tap(&stack.Frame{Link: &device.Link{Name: "eth0"}, Whole: frame(0), Head: 14, Type: 0x800})
	}
	if size > 1000 || size < 800 || told != 1 {
		t.Errorf("%d bytes, told %d times", size, told)
	}
}
