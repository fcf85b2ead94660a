package tcp

import (
	"github.com/seed-7423c386/runsc/platform"
)

// What a connection has for the application may be lent to the platform, which then answers the next read of it, and some
// writes, without asking. Everybody else who looks at the connection or changes it takes the loan back first.

// mostLent is how many bytes are lent at most.
const mostLent = 2048

// Lend has borrow take all bytes that can be read, if they are not too many, and the room there is to write. It
// must not be the only one who knows of the loan: holds says that the descriptor still stands for the connection. empty
// says that the room is wanted even if there are no bytes.
func (e *Endpoint) Lend(borrow func(data []byte, room int) *platform.Loan, holds func() bool, empty bool) {
	e.read.Lock()
	defer e.read.Unlock()
	if e.loan.Load() != nil {
		return
	}
	e.lock()
	if !e.state.in(Established, CloseWait) || e.urg.state != urgNone || e.rcv.n == 0 && !empty || e.shut&shutWrite != 0 || e.owner.Error() != 0 {
		e.mu.Unlock()
		return
	}
	n := e.rcv.n
	if n > mostLent {
		n = 0
	}
	c := newChunk(n)
	e.rcv.copyTo(c.data[:n], 0)
	room := 0
	if e.state == Established { // else a reset is likely to be the answer, of which the next write tells
		limit, _ := e.buffers()
		room = limit - e.snd.n
	}
	e.mu.Unlock()
	loan := borrow(c.data[:n], room)
	c.free()
	if loan == nil {
		return
	}
	e.loan.Store(loan)
	e.lock()
	if room > 0 && e.state != Established {
		loan.Forbid()
	}
	e.mu.Unlock()
	if !holds() {
		e.Reclaim()
	}
}

// forbid has the application ask before it writes again, since there is something to be told: the peer writes no more, or is gone.
func (e *Endpoint) forbid() {
	if l := e.loan.Load(); l != nil {
		l.Forbid()
	}
}

// Reclaim ends a loan.
func (e *Endpoint) Reclaim() {
	if l := e.loan.Load(); l != nil {
		l.Revoke(e)
	}
}

// reclaimData ends a loan as far as bytes to be read are concerned.
func (e *Endpoint) reclaimData() {
	if l := e.loan.Load(); l != nil {
		l.RevokeData(e)
	}
}

// Taken is platform.Lent's.
func (e *Endpoint) Taken(n int) {
	e.lock()
	e.consume(n)
	e.unlock()
}

// Posted is platform.Lent's. What is written to a connection that has ended meanwhile is lost as if it had been on its
// way.
func (e *Endpoint) Posted(b []byte, more bool) {
	e.lock()
	defer e.unlock()
	if !e.state.in(Established, CloseWait) || e.shut&shutWrite != 0 || e.dead {
		return
	}
	e.hold = e.Cork
	if len(b) > 0 {
		e.putLocked(b)
	}
	if !more || e.net == nil {
		e.transmit()
	}
}

// Returned is platform.Lent's.
func (e *Endpoint) Returned(l *platform.Loan) { e.loan.CompareAndSwap(l, nil) }

// putLocked queues bytes.
func (e *Endpoint) putLocked(b []byte) {
	e.sent += uint64(len(b))
	if q := e.direct(); q != nil {
		q.write(b)
		e.gave(e.peer, len(b))
		e.peer.arrived(len(b))
	} else {
		e.snd.write(b)
	}
}
