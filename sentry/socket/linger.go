package socket

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Linger is SO_LINGER: for how many seconds.
func (s *Base) Linger() (on bool, seconds int32) {
	l := s.linger.Load()
	return l>>32 != 0, int32(l)
}

// Ender is a connection that has an end.
type Ender interface {
	// End ends the sending side. It tells whether the peer lacks something yet.
	End() bool
	// Ending tells whether it still does.
	Ending() bool
}

// WaitToEnd is what close(2) of the last descriptor of a connection does if it is to linger: it waits until the peer has all, for a
// time. q tells of changes. A process that ends does not wait (inet_release, sk_stream_wait_close).
func (s *Base) WaitToEnd(ctx vfs.Ctx, f *vfs.File, q *wait.Queue, e Ender) {
	on, seconds := s.Linger()
	if !on || seconds == 0 || f.Refs() > 1 {
		return
	}
	if x, ok := ctx.(interface{ Exiting() bool }); ok && x.Exiting() || !e.End() {
		return
	}
	wait.Until(q, EventAll, ctx.Waiter(), time.Now().Add(time.Duration(seconds)*time.Second), func() (int, linux.Errno) {
		if e.Ending() {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
}
