package tcp

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Bytes in and out (tcp_sendmsg_locked, tcp_recvmsg_locked).

// smallWrite is how much is copied on the stack, so that small writes share a buffer.
const smallWrite = 512

// Write queues bytes of src: how many. EAGAIN if there is no room or no connection yet, EPIPE, or the
// error that was noted. urgent says that the last byte is, more that more will follow soon.
func (e *Endpoint) Write(src *usermem.Buf, urgent, more bool) (int, linux.Errno) {
	e.Reclaim()
	e.lock()
	room, errno := e.roomLocked()
	e.mu.Unlock()
	if errno != 0 || src.Len() == 0 {
		return 0, errno
	}
	if src.Len() <= smallWrite && room >= src.Len() {
		var b [smallWrite]byte
		n, errno := src.CopyIn(b[:src.Len()])
		if errno != 0 { // a piece is taken whole or not at all (tcp_sendmsg_locked, do_fault)
			return 0, errno
		}
		e.lock()
		defer e.unlock()
		if _, errno := e.roomLocked(); errno != 0 && errno != linux.EAGAIN {
			return 0, errno
		}
		e.hold = more || e.Cork
		e.putLocked(b[:n])
		e.wrote(src, urgent, more)
		return n, 0
	}
	c, errno := fill(src, room)
	if errno != 0 {
		return 0, errno
	}
	n := c.len()
	e.lock()
	defer e.unlock()
	if _, errno := e.roomLocked(); errno != 0 && errno != linux.EAGAIN {
		c.free()
		return 0, errno
	}
	e.hold = more || e.Cork
	e.queueLocked(c)
	e.wrote(src, urgent, more)
	return n, 0
}

// Fill is Write of at most n bytes, and not more than fit into one buffer, that read puts where they stay. more says that
// others follow, unless read has less than it is asked for; what was held back for them goes when it has nothing.
func (e *Endpoint) Fill(n int, more bool, read func(dst *usermem.Buf) (int, linux.Errno)) (int, linux.Errno) {
	e.Reclaim()
	e.lock()
	room, errno := e.roomLocked()
	e.mu.Unlock()
	if errno != 0 {
		return 0, errno
	}
	more = more || n > room
	n = min(n, room, sizes[len(sizes)-1])
	c := newChunk(n)
	dst := usermem.Bytes(c.data[:n])
	got, errno := read(&dst)
	c.data = c.data[:max(got, 0)]
	e.lock()
	defer e.unlock()
	if got <= 0 {
		c.free()
		e.hold = e.Cork
		e.transmit()
		return 0, errno
	}
	if _, errno := e.roomLocked(); errno != 0 && errno != linux.EAGAIN {
		c.free()
		return 0, errno
	}
	e.hold = more && got == n || e.Cork
	e.queueLocked(c)
	if e.net != nil {
		e.net.output(e, more && got == n)
	} else {
		e.move()
	}
	return got, 0
}

// leastPinned is how much data of a file is sent from where it is: to look after the mapping costs more for less.
const leastPinned = 32 << 10

// Pin is Fill of a piece of a host file, which is not copied, and n bytes more that read puts behind it: as with Linux's sendfile,
// what is in the file when a segment goes is what is sent. EOPNOTSUPP if it is to be copied.
func (e *Endpoint) Pin(p usermem.Piece, n int, more bool, read func(dst *usermem.Buf) (int, linux.Errno)) (int, linux.Errno) {
	put, errno := e.pin(p)
	if errno != 0 {
		return 0, errno
	}
	rest := 0
	if put == len(p.Bytes) {
		rest, _ = e.Fill(n, more, read)
	}
	if rest <= 0 {
		e.lock()
		e.transmit()
		e.unlock()
	}
	return put + max(rest, 0), 0
}

// pin queues as much of a piece of a file as there is room for.
func (e *Endpoint) pin(p usermem.Piece) (int, linux.Errno) {
	e.Reclaim()
	e.lock()
	defer e.unlock()
	room, errno := e.roomLocked()
	if errno != 0 {
		return 0, errno
	}
	n := min(len(p.Bytes), room)
	if e.net == nil || !e.net.path.Offload || n < leastPinned || p.Window == nil || !p.Window.Get() {
		return 0, linux.EOPNOTSUPP
	}
	e.queueLocked(pinnedChunk(p.Bytes[:n], p.Window))
	return n, 0
}

// queueLocked queues a chunk.
func (e *Endpoint) queueLocked(c *chunk) {
	n := c.len()
	e.sent += uint64(n)
	if q := e.direct(); q != nil {
		q.push(c)
		e.gave(e.peer, n)
		e.peer.arrived(n)
	} else {
		e.snd.push(c)
	}
}

// roomLocked is how much may be queued: EAGAIN for nothing.
func (e *Endpoint) roomLocked() (int, linux.Errno) {
	switch {
	case e.owner.Error() != 0:
		return 0, e.sendError()
	case e.shut&shutWrite != 0:
		return 0, linux.EPIPE
	case e.state == SynSent || e.state == SynRecv:
		return 0, linux.EAGAIN
	case e.state != Established && e.state != CloseWait:
		return 0, linux.EPIPE
	}
	limit, _ := e.buffers()
	if e.snd.n >= limit {
		return 0, linux.EAGAIN
	}
	return limit - e.snd.n, 0
}

func (e *Endpoint) sendError() linux.Errno { return e.owner.TakeError() }

// wrote sends what was queued, when the last of it is.
func (e *Endpoint) wrote(src *usermem.Buf, urgent, more bool) {
	if urgent && src.Len() == 0 {
		e.hold = false
		e.markUrgent()
	}
	if e.net != nil {
		e.net.output(e, more || src.Len() > 0)
		return
	}
	e.move()
}

// Recv is the progress of a receive.
type Recv struct {
	Peek, Trunc bool
	Target      int // how many bytes to wait for
	Copied      int
	PeekOff     int // where a peek begins
}

// Read goes on with r: EAGAIN if it is to be waited for more; 0 when it is done, at the end of the
// stream, too.
func (e *Endpoint) Read(dst *usermem.Buf, r *Recv) linux.Errno {
	e.read.Lock()
	defer e.read.Unlock()
	e.reclaimData()
	skip := 0
	if r.Peek {
		skip = r.PeekOff + r.Copied
	}
	for first := true; first || dst.Len() > 0; first = false {
		e.lock()
		b, errno, stop := e.nextLocked(r, &skip)
		e.unlock()
		if b == nil {
			if errno != 0 && errno != linux.EAGAIN && r.Copied > 0 {
				return 0
			}
			return errno
		}
		n := min(len(b), dst.Len())
		if n == 0 {
			return 0
		}
		if r.Trunc { // a peek, too, copies nothing then
			dst.Limit(dst.Len() - n) // as if it had been copied
		} else {
			var errno linux.Errno
			if _, errno = dst.CopyOut(b[:n]); errno != 0 { // a piece is copied whole or not at all (skb_copy_datagram_iter)
				if r.Copied > 0 {
					return 0
				}
				return errno
			}
		}
		r.Copied += n
		if r.Peek {
			skip += n
		} else {
			e.lock()
			e.consume(n)
			e.unlock()
		}
		if stop && n == len(b) {
			return 0
		}
	}
	return 0
}

// nextLocked returns the bytes that are to be read next, as many as lie in one piece; before urgent data stop says that
// the receive ends behind them. If there are none, what to do.
func (e *Endpoint) nextLocked(r *Recv, skip *int) (b []byte, errno linux.Errno, stop bool) {
	if e.state == Listen {
		return nil, linux.ENOTCONN, false
	}
	if e.urg.state != urgNone && e.urg.at == e.readSeq+uint64(*skip) {
		if r.Copied > 0 {
			return nil, 0, false
		}
		if !e.inline() && e.rcv.n > *skip {
			if r.Peek {
				*skip++
			} else {
				e.passUrgent()
			}
		}
	}
	if e.rcv.n > *skip {
		b = e.rcv.at(*skip)
		if e.urg.state != urgNone && e.urg.at > e.readSeq+uint64(*skip) {
			if left := e.urg.at - e.readSeq - uint64(*skip); left < uint64(len(b)) {
				return b[:left], 0, true
			}
		}
		return b, 0, false
	}
	if r.Copied >= r.Target {
		return nil, 0, false
	}
	switch {
	case r.Copied > 0 && (e.owner.Error() != 0 || e.state == Close || e.shut&shutRead != 0):
		return nil, 0, false
	case r.Copied > 0:
	case e.done:
		e.endRead = true
		return nil, 0, false
	case e.owner.Error() != 0:
		return nil, e.owner.TakeError(), false
	case e.shut&shutRead != 0:
		return nil, 0, false
	case e.state == Close:
		return nil, linux.ENOTCONN, false
	}
	return nil, linux.EAGAIN, false
}

// consume takes n bytes off the front.
func (e *Endpoint) consume(n int) {
	if n > e.rcv.n { // taken away meanwhile by a disconnect
		n = e.rcv.n
	}
	e.rcv.drop(n)
	e.readSeq += uint64(n)
	if e.urg.state != urgNone && e.urg.at < e.readSeq {
		e.urg.state = urgNone
	}
	switch {
	case e.net != nil:
		e.net.readSome(e)
	case e.peer != nil && e.peer.snd.n > 0:
		e.peer.move()
	}
}

// passUrgent skips the urgent byte, which only MSG_OOB reads.
func (e *Endpoint) passUrgent() {
	e.consume(1)
}

// markUrgent tells the peer that the last byte written is urgent.
func (e *Endpoint) markUrgent() {
	if e.net != nil {
		e.net.urgentSeq(e)
		return
	}
	if e.peer != nil {
		e.peer.gotUrgent(e.sent - 1)
	}
}

// gotUrgent notes that the byte at a position is urgent; it may not be there yet.
func (e *Endpoint) gotUrgent(at uint64) {
	if at < e.readSeq || e.urg.state == urgNotYet && at <= e.urg.at {
		return
	}
	if e.urg.state != urgNone && e.urg.at == e.readSeq && !e.inline() && e.rcv.n > 0 {
		e.consume(1) // the one before, which nobody can read any more (tcp_check_urg)
	}
	e.urg = urgent{at: at, state: urgNotYet}
	e.takeUrgent()
}

// takeUrgent reads the urgent byte when it has come.
func (e *Endpoint) takeUrgent() {
	if e.urg.state != urgNotYet || e.got <= e.urg.at {
		return
	}
	b := e.rcv.at(int(e.urg.at - e.readSeq))
	if len(b) == 0 {
		return
	}
	e.urg.data, e.urg.state = b[0], urgValid
	e.events |= wait.Pri
}

// Urgent is recv(2) with MSG_OOB (tcp_recv_urg): the byte; n is 0 at the end of the stream.
func (e *Endpoint) Urgent(peek bool) (b byte, n int, errno linux.Errno) {
	e.Reclaim()
	e.lock()
	defer e.unlock()
	switch {
	case e.state == Listen:
		return 0, 0, linux.ENOTCONN
	case e.inline() || e.urg.state == urgNone || e.urg.state == urgRead:
		return 0, 0, linux.EINVAL
	case e.state == Close && !e.done:
		return 0, 0, linux.ENOTCONN
	case e.urg.state == urgValid:
		if !peek {
			e.urg.state = urgRead
		}
		return e.urg.data, 1, 0
	case e.state == Close || e.shut&shutRead != 0:
		return 0, 0, 0
	}
	return 0, 0, linux.EAGAIN
}

// AtMark is SIOCATMARK.
func (e *Endpoint) AtMark() bool {
	e.Reclaim()
	e.lock()
	defer e.mu.Unlock()
	return e.urg.state != urgNone && e.urg.at == e.readSeq
}

// Queued is what SIOCINQ, SIOCOUTQ and SIOCOUTQNSD tell. EINVAL of a listener.
func (e *Endpoint) Queued() (in, out, unsent int, errno linux.Errno) {
	if e.listener() != nil {
		return 0, 0, 0, linux.EINVAL
	}
	e.Reclaim()
	e.lock()
	defer e.mu.Unlock()
	in = e.rcv.n
	if e.urg.state != urgNone && !e.inline() && e.urg.at >= e.readSeq && e.urg.at < e.got {
		in = int(e.urg.at - e.readSeq)
	}
	return in, e.snd.n, e.notSent(), 0
}

// arrived notes n bytes more in the receive queue.
func (e *Endpoint) arrived(n int) {
	e.got += uint64(n)
	e.events |= evIn
	if e.stamped {
		e.arrivedAt = stack.Wall.Now()
	}
	e.takeUrgent()
	if e.parent != nil {
		e.parent.ready(e)
	}
}
