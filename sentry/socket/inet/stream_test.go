package inet

import (
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// pieces is a source in which a piece of so many bytes is there after each look.
type pieces struct {
	sizes []int
	there int
	near  bool
}

func (p *pieces) Far() bool { return !p.near }

func (p *pieces) Read(dst *usermem.Buf, r *tcp.Recv) linux.Errno {
	n := min(p.there, dst.Len())
	p.there -= n
	if n > 0 {
		dst.CopyOut(make([]byte, n))
		r.Copied += n
	} else if r.Copied == 0 {
		return linux.EAGAIN
	}
	return 0
}

func (p *pieces) look() bool {
	if len(p.sizes) > 0 {
		p.there += p.sizes[0]
		p.sizes = p.sizes[1:]
	}
	return true
}

// TestReadMuch: who receives much gets what has come meanwhile, too; who receives little, looks or is near does not look.
func TestReadMuch(t *testing.T) {
	for _, c := range []struct {
		what       string
		first      int
		later      []int
		room, want int
		peek, near bool
	}{
		{"more comes twice", bulk, []int{bulk, 2 * bulk}, 8 * bulk, 4 * bulk, false, false},
		{"little comes", 2 * bulk, []int{1, bulk}, 8 * bulk, 2*bulk + 1, false, false},
		{"little is there", bulk - 1, []int{bulk}, 8 * bulk, bulk - 1, false, false},
		{"there is little room", bulk, []int{bulk}, 2*bulk - 1, bulk, false, false},
		{"the room is used up", bulk, []int{4 * bulk}, 2 * bulk, 2 * bulk, false, false},
		{"peeked", bulk, []int{bulk}, 8 * bulk, bulk, true, false},
		{"the peer is inside", bulk, []int{bulk}, 8 * bulk, bulk, false, true},
	} {
		p := &pieces{sizes: c.later, there: c.first, near: c.near}
		dst := usermem.Bytes(make([]byte, c.room))
		r := tcp.Recv{Peek: c.peek}
		if errno := readMuch(p, &dst, &r, p.look); errno != 0 || r.Copied != c.want {
			t.Errorf("%s: %d bytes, not %d: %v", c.what, r.Copied, c.want, errno)
		}
	}
}
