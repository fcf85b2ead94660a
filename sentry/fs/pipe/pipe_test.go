package pipe

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

func ctx() vfs.KernelCtx { return vfs.KernelCtx{W: wait.NewWaiter()} }

func write(f *vfs.File, b []byte) (int, linux.Errno) {
	src := usermem.Bytes(b)
	return f.Write(ctx(), &src)
}

func read(f *vfs.File, n int) ([]byte, linux.Errno) {
	b := make([]byte, n)
	dst := usermem.Bytes(b)
	n, errno := f.Read(ctx(), &dst)
	return b[:n], errno
}

func expect(t *testing.T, n int, errno linux.Errno, wantN int, want linux.Errno) {
	t.Helper()
	if n != wantN || errno != want {
		t.Fatalf("%d, %v; want %d, %v", n, errno, wantN, want)
	}
}

func TestPages(t *testing.T) {
	r, w := New(ctx(), linux.O_NONBLOCK)
	big := make([]byte, 1<<17)
	n, errno := write(w, big)
	expect(t, n, errno, 65536, 0)
	n, errno = write(w, big[:1])
	expect(t, n, errno, 0, linux.EAGAIN)
	read(r, 4095)
	n, errno = write(w, big[:1]) // a whole page must be free
	expect(t, n, errno, 0, linux.EAGAIN)
	read(r, 1)
	n, errno = write(w, big[:5000])
	expect(t, n, errno, 4096, 0)
	if got := r.Poll(); got != wait.In|wait.RdNorm {
		t.Errorf("%#x", got)
	}
	if got := w.Poll(); got != 0 {
		t.Errorf("%#x", got)
	}
	r.Put()
	if got := w.Poll(); got != wait.Err {
		t.Errorf("%#x", got)
	}
	n, errno = write(w, big[:1])
	expect(t, n, errno, 0, linux.EPIPE)
	w.Put()
}

// TestShrink makes a pipe smaller than the pages that a part was read of.
func TestShrink(t *testing.T) {
	r, w := New(ctx(), linux.O_NONBLOCK)
	write(w, make([]byte, 5000))
	read(r, 904)
	if _, errno := r.Ops.(*end).SetPipeSize(ctx(), pageSize); errno != linux.EBUSY {
		t.Error(errno)
	}
	read(r, 3192)
	if n, errno := r.Ops.(*end).SetPipeSize(ctx(), 1); n != pageSize || errno != 0 {
		t.Error(n, errno)
	}
	n, errno := write(w, make([]byte, 8192))
	expect(t, n, errno, 0, linux.EAGAIN)
	read(r, 904)
	n, errno = write(w, make([]byte, 8192))
	expect(t, n, errno, pageSize, 0)
	if _, errno := r.Ops.(*end).SetPipeSize(ctx(), 8192); errno != 0 {
		t.Error(errno)
	}
	write(w, make([]byte, 4096))
	for _, c := range []struct {
		size int
		want linux.Errno
	}{{-1, linux.EINVAL}, {0, linux.EBUSY}, {1 << 31, 0}, {5000, 0}} {
		if _, errno := r.Ops.(*end).SetPipeSize(ctx(), c.size); errno != c.want {
			t.Errorf("%d: %v", c.size, errno)
		}
	}
}

func TestPackets(t *testing.T) {
	r, w := New(ctx(), linux.O_NONBLOCK|linux.O_DIRECT)
	write(w, []byte("one"))
	write(w, []byte("second"))
	write(w, make([]byte, 5000))
	for _, want := range []int{3, 2, 4096, 904} {
		size := 1 << 16
		if want == 2 {
			size = 2 // the rest of the packet is lost
		}
		b, errno := read(r, size)
		expect(t, len(b), errno, want, 0)
	}
	for range defaultSlots {
		n, errno := write(w, []byte("x"))
		expect(t, n, errno, 1, 0)
	}
	n, errno := write(w, []byte("x"))
	expect(t, n, errno, 0, linux.EAGAIN)
}

// TestStream sends bytes through a pipe from several goroutines, in pieces that must stay whole.
func TestStream(t *testing.T) {
	r, w := New(ctx(), 0)
	const writers, lines = 4, 2000
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			line := bytes.Repeat([]byte{'a' + byte(g)}, 99)
			line = append(line, '\n')
			for range lines {
				if n, errno := write(w, line); n != len(line) || errno != 0 {
					t.Errorf("%d %v", n, errno)
					return
				}
			}
		})
	}
	go func() {
		wg.Wait()
		w.Put()
	}()
	var all []byte
	for {
		b, errno := read(r, 1+rand.IntN(9000))
		if errno != 0 {
			t.Fatal(errno)
		}
		if len(b) == 0 {
			break
		}
		all = append(all, b...)
	}
	if len(all) != writers*lines*100 {
		t.Fatalf("%d bytes", len(all))
	}
	for ; len(all) > 0; all = all[100:] {
		if !bytes.Equal(all[:99], bytes.Repeat(all[:1], 99)) || all[99] != '\n' {
			t.Fatalf("mixed: %q", all[:100])
		}
	}
}

func TestPartialThenBroken(t *testing.T) {
	r, w := New(ctx(), 0)
	go func() {
		for w.Poll()&wait.Out != 0 { // until it is full
			time.Sleep(time.Millisecond)
		}
		r.Put()
	}()
	n, errno := write(w, make([]byte, 100_000))
	expect(t, n, errno, 65536, linux.EPIPE)
}

func TestInterrupted(t *testing.T) {
	r, _ := New(ctx(), 0)
	c := ctx()
	time.AfterFunc(20*time.Millisecond, c.W.Interrupt)
	dst := usermem.Bytes(make([]byte, 1))
	n, errno := r.Read(c, &dst)
	expect(t, n, errno, 0, linux.ERESTARTSYS)
}

// TestUsers checks that an unprivileged user's pipes become small, and are counted right.
func TestUsers(t *testing.T) {
	u := user{ctx()}
	var files []*vfs.File
	for range softPages / defaultSlots {
		r, w := New(u, 0)
		files = append(files, r, w)
	}
	r, w := New(u, 0)
	files = append(files, r, w)
	if n := r.Ops.(*end).PipeSize(); n != smallSlots*pageSize {
		t.Error(n)
	}
	if _, errno := r.Ops.(*end).SetPipeSize(u, 65536); errno != linux.EPERM {
		t.Error(errno)
	}
	if n, errno := r.Ops.(*end).SetPipeSize(u, 4096); n != 4096 || errno != 0 {
		t.Error(n, errno)
	}
	for _, f := range files {
		f.Put()
	}
	if n := users.pages[1000]; n != 0 {
		t.Error(n)
	}
}

// user is an unprivileged caller.
type user struct{ vfs.KernelCtx }

func (u user) Cred() *auth.Cred {
	c := u.KernelCtx.Cred().Clone()
	c.Effective, c.Ruid = 0, 1000
	return c
}
