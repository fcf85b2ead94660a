package dgram

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/platform"
)

// Datagrams that wait to be received may be lent to the platform, which then answers some calls without asking. They stay in the
// queue until it says that they were taken. Whoever else looks at the queue takes them back first.

// worth is how many datagrams are lent, by what became of those that were. It is guarded by Endpoint.read, but for took.
type worth struct {
	most  int // at once
	pause int // how often none will be, after nobody has taken any
	lent  int
	took  atomic.Int32
}

const (
	mostLent = 64
	longRest = 64 // loans
)

// next is how many to lend now.
func (w *worth) next() int {
	took := int(w.took.Swap(0))
	switch {
	case w.pause > 0:
		w.pause--
		return 0
	case w.lent == 0:
		w.most = max(w.most, 2)
	case took > 0 && took >= w.lent-1: // the last one may not have fitted
		w.most = min(2*w.most, mostLent)
	case took == 0:
		if w.most /= 2; w.most == 0 {
			w.pause, w.lent = longRest, 0
			return 0
		}
	}
	return w.most
}

// Lend has borrow take datagrams from the front of the queue, which next returns. It must not be the only one who knows of the loan:
// holds says that the descriptor still stands for the endpoint.
func (e *Endpoint) Lend(borrow func(next func() *Datagram) *platform.Loan, holds func() bool) {
	e.read.Lock()
	defer e.read.Unlock()
	e.mu.Lock()
	queue := e.queue
	e.mu.Unlock()
	if len(queue) == 0 || e.loan.Load() != nil || e.Owner.Error() != 0 {
		return
	}
	n := e.worth.next()
	if n == 0 {
		return
	}
	queue = queue[:min(n, len(queue))]
	n = 0
	loan := borrow(func() *Datagram {
		if n == len(queue) || queue[n].Segment != 0 {
			return nil
		}
		n++
		return queue[n-1]
	})
	if loan == nil {
		return
	}
	e.worth.lent = n
	e.loan.Store(loan)
	if !holds() {
		e.Reclaim()
	}
}

// Reclaim ends a loan.
func (e *Endpoint) Reclaim() {
	if l := e.loan.Load(); l != nil {
		l.Revoke(e)
	}
}

// Taken is platform.Lent's.
func (e *Endpoint) Taken(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.worth.took.Add(int32(n))
	for ; n > 0 && len(e.queue) > 0; n-- {
		e.seenAt.Store(e.queue[0].Time)
		e.dropLocked()
	}
}

// Posted is platform.Lent's. No room to write is lent.
func (e *Endpoint) Posted([]byte, bool) {}

// Returned is platform.Lent's.
func (e *Endpoint) Returned(l *platform.Loan) { e.loan.CompareAndSwap(l, nil) }

// SeenAt returns, once, when the last datagram came that was taken from a loan; 0 if there is none.
func (e *Endpoint) SeenAt() int64 {
	e.Reclaim()
	return e.seenAt.Swap(0)
}
