package tcp

import (
	"bytes"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// keeper counts what it gives away.
type keeper struct{ gave int }

func (k *keeper) Keep() *stack.Buffer { k.gave++; return new(stack.Buffer) }

// TestKept: long segments stay in the buffers in which they came, short ones do not, and what is read is what came, whether the buffers are
// used again or not.
func TestKept(t *testing.T) {
	s := newSim(9)
	c, d := s.pair(t, nil)
	var k keeper
	var all, got []byte
	read := func(n int) {
		buf := make([]byte, n)
		dst, r := usermem.Bytes(buf), Recv{Target: 1}
		d.Read(&dst, &r)
		got = append(got, buf[:r.Copied]...)
	}
	keeps := 0
	for i := range 300 {
		n := 1 + s.rnd.Intn(60000)
		if i%3 == 0 {
			n = 1 + s.rnd.Intn(1000)
		}
		b := make([]byte, n, n+500)
		s.rnd.Read(b)
		all = append(all, b...)
		d.lock()
		before := k.gave
		d.net.take(d, b, &k)
		d.unlock()
		if k.gave == before {
			clear(b) // the next frame comes there
		} else {
			keeps++
			if n < worthKeeping || k.gave != before+1 {
				t.Fatalf("of %d bytes %d were kept", n, k.gave-before)
			}
		}
		read(s.rnd.Intn(60000))
	}
	for len(got) < len(all) {
		read(1 << 20)
	}
	if !bytes.Equal(got, all) || keeps == 0 || d.rcv.n != 0 {
		t.Errorf("%d bytes of %d, %d segments kept", len(got), len(all), keeps)
	}
	c.Abort(0)
	s.run(t, time.Second, func() bool { return false })
}
