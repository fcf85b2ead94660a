package link

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/pages"
)

// wireTo makes a wire whose frames go to peer, which does not block.
func wireTo(t *testing.T) (w *socket, peer int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	packets, errno := host.NewPackets(fds[1], 1, 100)
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() {
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return &socket{sock: packets}, fds[0]
}

// TestTruncated sends pieces of a file that has become shorter, few and more than the host takes: what is gone is sent as 0.
func TestTruncated(t *testing.T) {
	w, peer := wireTo(t)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Write(bytes.Repeat([]byte("x"), 3*4096))
	p, ok := pages.NewHostFile(int(f.Fd()), false).Peek(0, 3*4096)
	if !ok {
		t.Fatal("no window")
	}
	f.Truncate(4096)
	for _, pieces := range []int{1, 3 * 16} {
		fr := frame{head: []byte("head")}
		for i, n := 0, 3*4096/pieces; i < pieces; i++ {
			fr.data = append(fr.data, p.Bytes[i*n:(i+1)*n])
		}
		if !w.put(fr) {
			t.Fatalf("%d pieces are not sent", pieces)
		}
		got := make([]byte, 20000)
		n, _ := unix.Read(peer, got)
		want := append([]byte("head"), append(bytes.Repeat([]byte("x"), 4096), make([]byte, 2*4096)...)...)
		if !bytes.Equal(got[:n], want) {
			t.Errorf("%d pieces: %d bytes, %d of them x", pieces, n, bytes.Count(got[:n], []byte("x")))
		}
	}
}
