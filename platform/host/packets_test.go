package host

import (
	"fmt"
	"runtime"
	"testing"
	"time"

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
	p, errno := NewPackets(fds[1], 4, 100)
	if errno != 0 {
		t.Fatal(errno)
	}
	var kept [][]byte
	var buffers []*Frame
	for round := range 10 {
		for i := range 3 {
			unix.Write(fds[0], fmt.Appendf(nil, "packet %d", 3*round+i))
		}
		n := 0
		p.Read(func(b []byte, _ bool) {
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

// TestWaitRead: who waits without a word to the Go runtime does not keep it from collecting garbage, and still waits to the end.
func TestWaitRead(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	const hour = int64(time.Hour)
	ready := make(chan bool)
	go func() { ready <- WaitRead([]int{fds[0]}, -1, hour) }()
	time.Sleep(10 * time.Millisecond)
	began := time.Now()
	runtime.GC()
	if took := time.Since(began); took > time.Minute {
		t.Errorf("a collection took %v", took)
	}
	unix.Write(fds[1], []byte{1})
	if !<-ready {
		t.Error("the descriptor cannot be read")
	}
	unix.Read(fds[0], make([]byte, 1))
	for _, short := range []int64{0, 1e6, hour} {
		began, timeout := time.Now(), 20*time.Millisecond
		for left := timeout; left > 0; left = timeout - time.Since(began) { // a signal may end it if the time is short
			if WaitRead([]int{fds[0]}, int64(left), short) {
				t.Error("the descriptor can be read")
			}
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("a wait of %v took %v", timeout, took)
		}
	}
}
