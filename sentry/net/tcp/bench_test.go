package tcp

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// BenchmarkBulk sends in one direction over a link without faults.
func BenchmarkBulk(b *testing.B) {
	s := newSim(1)
	s.delay = 1e5
	t := &testing.T{}
	c, d := s.pair(t, nil)
	const piece = 64 << 10
	data, buf := make([]byte, piece), make([]byte, piece)
	b.SetBytes(piece)
	b.ReportAllocs()
	for range b.N {
		src, got := usermem.Bytes(data), 0
		s.run(t, time.Second, func() bool {
			c.Write(&src, false, false)
			dst, r := usermem.Bytes(buf), Recv{Target: 1}
			d.Read(&dst, &r)
			got += r.Copied
			return got >= piece
		})
	}
}

// BenchmarkAnswers is a byte each way.
func BenchmarkAnswers(b *testing.B) {
	s := newSim(1)
	s.delay = 1e5
	t := &testing.T{}
	c, d := s.pair(t, nil)
	var buf [10]byte
	say := func(from, to *Endpoint) {
		src := usermem.Bytes([]byte{1})
		from.Write(&src, false, false)
		s.run(t, time.Second, func() bool { return to.rcv.n > 0 })
		dst, r := usermem.Bytes(buf[:]), Recv{Target: 1}
		to.Read(&dst, &r)
	}
	b.ReportAllocs()
	for range b.N {
		say(c, d)
		say(d, c)
	}
}
