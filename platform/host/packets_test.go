package host

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKeep: what is kept stays as it is while other packets come, and its buffer is used again when it is free.
func TestKeep(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	p := NewPackets(fds[1], 4, 100)
	var kept [][]byte
	var buffers []*Frame
	for round := range 10 {
		for i := range 3 {
			unix.Write(fds[0], fmt.Appendf(nil, "packet %d", 3*round+i))
		}
		n := 0
		p.Read(func(b []byte) {
			if want := fmt.Sprintf("packet %d", 3*round+n); string(b) != want {
				t.Errorf("%q, not %q", b, want)
			}
			if n++; n == 2 {
				kept, buffers = append(kept, b), append(buffers, p.Keep())
			}
		})
		if n != 3 {
			t.Fatalf("%d packets", n)
		}
	}
	for i, b := range kept {
		if want := fmt.Sprintf("packet %d", 3*i+1); string(b) != want {
			t.Errorf("kept %q, not %q", b, want)
		}
		for _, o := range buffers[:i] {
			if o == buffers[i] {
				t.Error("a buffer was given away twice")
			}
		}
		buffers[i].Free()
	}
}
