package tcp

import (
	"bytes"
	"math/rand"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// cutter is a host whose link cuts segments and fills in checksums; here they stay long.
type cutter struct{ *host }

func (cutter) Offload() bool { return true }

func (c cutter) Send(next netip.Addr, o stack.Out) {
	b := bytes.Clone(o.Flat())
	fixSum(b)
	c.host.Send(next, stack.Out{Packet: b})
}

// TestPin: pieces of a file that are sent from where they are come in order with what is written and read around them, also if some
// are lost, and nothing of the file is held when all has been acknowledged. Over other links they are to be copied.
func TestPin(t *testing.T) {
	const size = 300_000
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(data)
	f.Write(data)
	for _, cuts := range []bool{true, false} {
		s := newSim(3)
		s.loss = 0.02
		if cuts {
			s.a.Stack.Attach(2, cutter{s.a})
		}
		c, d := s.pair(t, nil)
		src := usermem.Bytes(data[:1000])
		c.Write(&src, false, true)
		p, ok := pages.NewHostFile(int(f.Fd()), false).Peek(1000, size-2000)
		if !ok {
			t.Fatal("no window")
		}
		n, errno := c.Pin(p, 500, false, func(dst *usermem.Buf) (int, linux.Errno) { return dst.CopyOut(data[size-1000:]) })
		p.Window.Put()
		if !cuts {
			if errno != linux.EOPNOTSUPP {
				t.Errorf("without offloading: %d bytes, %v", n, errno)
			}
			continue
		}
		if n != size-1500 || errno != 0 {
			t.Fatalf("%d bytes, %v", n, errno)
		}
		src = usermem.Bytes(data[size-500:])
		c.Write(&src, false, false)
		var got []byte
		s.run(t, 100*time.Second, func() bool {
			buf := make([]byte, 1<<20)
			dst, r := usermem.Bytes(buf), Recv{Target: 1}
			d.Read(&dst, &r)
			got = append(got, buf[:r.Copied]...)
			return len(got) >= size && c.snd.n == 0
		})
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes, not what was sent", len(got))
		}
		if !p.Window.Close() {
			t.Error("the file is still held")
		}
	}
}
