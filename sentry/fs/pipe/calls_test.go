//go:build !lockranks && !race

package pipe

import (
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// through writes a few bytes to a pipe and reads them.
func through(t testing.TB) func() {
	k := ctx()
	r, w := New(k, linux.O_NONBLOCK)
	bytes, buf := make([]byte, 64), new(usermem.Buf)
	return func() {
		*buf = usermem.Bytes(bytes)
		n, errno := w.Write(k, buf)
		*buf = usermem.Bytes(bytes)
		if m, e := r.Read(k, buf); n != m || n != len(bytes) || errno != 0 || e != 0 {
			t.Fatal(n, m, errno, e)
		}
	}
}

// TestAllocations: a write and a read allocate nothing.
func TestAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(100, through(t)); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkThrough(b *testing.B) {
	call := through(b)
	for b.Loop() {
		call()
	}
}
