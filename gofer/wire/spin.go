package wire

import (
	"runtime"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// spin decides how to wait. Requests come in bursts, and the answer to most takes less time
// than it takes to fall asleep and be woken. So a receiver looks a few times for something to
// have come before it sleeps, some twenty microseconds in all. It learns: where looking is in
// vain (long gaps between requests, all processors busy) it soon stops, and tries again only
// now and then.
type spin struct {
	looks int // how often to look
	calls int // since looking was given up
	never bool
}

const (
	maxLooks = 100
	minLooks = 20
	retry    = 64
)

func newSpin() spin { return spin{looks: maxLooks, never: runtime.NumCPU() == 1} }

// recv is r with waiting.
func (s *spin) recv(r Recv, p []byte, fds []int) (n, nfds int, errno linux.Errno) {
	if s.never {
		return r(p, fds, true)
	}
	if s.looks == 0 {
		if s.calls++; s.calls < retry {
			return r(p, fds, true)
		}
		s.looks = maxLooks
	}
	for range s.looks {
		if n, nfds, errno = r(p, fds, false); errno != linux.EAGAIN {
			s.looks = maxLooks
			return n, nfds, errno
		}
	}
	if s.looks /= 2; s.looks < minLooks {
		s.looks, s.calls = 0, 0
	}
	return r(p, fds, true)
}
