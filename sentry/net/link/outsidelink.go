package link

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// socket is the wire of an interface that the sandbox was handed.
type socket struct {
	*Link
	sock *host.Packets
	out  *shaper // nil: no limit
	in   *gate   // likewise
	shut atomic.Bool
}

// maxFrame is the longest frame that the host may hand over, in one piece for many.
const maxFrame = 65536 + vnetSize + 14 + 4

// batch is how many frames are taken in at once.
const batch = 16

// New joins interface index of s to the packet socket fd, which gives every frame of an Ethernet a virtio-net
// header. limit is how many bits a second may come and go each way, 0 for any. An error is that of mapping the socket's ring.
func New(s *stack.Stack, index int32, fd int, mac [6]byte, limit uint64) (*Link, linux.Errno) {
	at := batch
	if limit > 0 {
		at = 1
	}
	packets, errno := host.NewPackets(fd, at, maxFrame)
	if errno != 0 {
		return nil, errno
	}
	w := &socket{sock: packets}
	if limit > 0 {
		w.out = newShaper(s.Clock, limit, func(f frame) { w.put(f) })
		w.in = newGate(s.Clock, limit, func() {
			w.shut.Store(false)
			outside.Kick()
		})
	}
	w.Link = join(s, index, mac, w)
	s.Attach(index, w.Link)
	outside.add(w)
	return w.Link, 0
}

// take takes in what has come, for some time at most.
func (w *socket) take() {
	for range 8 {
		if w.in != nil && w.in.shut() {
			w.shut.Store(true)
			return
		}
		n, more := w.sock.Read(w.got)
		if n > 0 {
			w.stack.Flush()
		}
		w.sock.Done()
		if !more {
			return
		}
	}
}

// got takes a frame with its virtio-net header, whose buffer may be kept or not.
func (w *socket) got(b []byte, keep bool) {
	outside.count(len(b))
	if w.in != nil {
		w.in.bucket.take(len(b) - vnetSize)
	}
	if keep {
		w.input(b, w.sock)
	} else {
		w.input(b, nil)
	}
}

// offload is wire's: checksums and long segments of TCP are the host's.
func (*socket) offload() bool { return true }

// transmit is wire's.
func (w *socket) transmit(f frame) bool {
	if w.out != nil {
		return w.out.put(f)
	}
	return w.put(f)
}

// mostPieces is how many pieces of a frame the host takes one by one.
const mostPieces = 30

// put gives a frame to the host. One that it has no room for is lost, as on any Ethernet.
func (w *socket) put(f frame) bool {
	if !outside.sent.Load() {
		outside.sent.Store(true)
	}
	if len(f.data) > mostPieces {
		f = f.keep()
	}
	errno := w.sock.Send(f.head, f.data)
	if errno == linux.EFAULT { // of a file that has become shorter
		errno = w.sock.Send(f.keep().head, nil)
	}
	return errno == 0
}
