package unix

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Listen is listen(2): EINVAL if the socket has no name.
func (s *Socket) Listen(c socket.Caller, backlog int) linux.Errno {
	if !s.pairs() {
		return linux.EOPNOTSUPP
	}
	if s.name.Load() == nil {
		return linux.EINVAL
	}
	s.mu.Lock()
	if s.state == connected {
		s.mu.Unlock()
		return linux.EINVAL
	}
	var waiting map[*Socket]struct{}
	if backlog > s.backlog {
		waiting = s.roomLocked()
	}
	s.backlog, s.state = backlog, listening
	s.Listening.Store(true)
	s.Peer.Store(socket.PeerCred(c)) // what those who connect see
	s.mu.Unlock()
	tell(waiting)
	return 0
}

// Accept is accept(2): the oldest connection. EINVAL if none can be made any more.
func (s *Socket) Accept(c socket.Caller, nonblock bool) (socket.Socket, linux.Errno) {
	if !s.pairs() {
		return nil, linux.EOPNOTSUPP
	}
	var got *Socket
	_, errno := socket.Wait(c, &s.queue, wait.In, nonblock, s.RcvTime.Load(), func() (int, linux.Errno) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.state != listening:
			return 0, linux.EINVAL
		case len(s.accepts) > 0:
			got = s.accepts[0]
			s.accepts[0] = nil
			s.accepts = s.accepts[1:]
			return 0, 0
		case s.shut&shutRead != 0 && !nonblock:
			return 0, linux.EINVAL
		}
		return 0, linux.EAGAIN
	})
	if errno != 0 {
		return nil, errno
	}
	got.mu.Lock()
	got.embryo = false
	got.PassCred.Store(s.PassCred.Load())
	got.PassPidfd.Store(s.PassPidfd.Load())
	got.mu.Unlock()
	s.mu.Lock()
	waiting := s.roomLocked()
	s.mu.Unlock()
	tell(waiting)
	return got, 0
}

// Connect is connect(2).
func (s *Socket) Connect(c socket.Caller, addr []byte, nonblock bool) linux.Errno {
	if !s.pairs() {
		return s.connectDgram(c, addr)
	}
	if _, errno := parse(addr); errno != 0 {
		return errno
	}
	if s.PassCred.Load() || s.PassPidfd.Load() {
		if errno := s.autobind(); errno != 0 {
			return errno
		}
	}
	_, errno := socket.Wait(c, &s.queue, wait.Internal|wait.Out, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		return 0, s.connectOnce(c, addr)
	})
	return errno
}

// connectOnce makes a connection if the listener has room for it: EAGAIN (unix_stream_connect).
func (s *Socket) connectOnce(c socket.Caller, addr []byte) linux.Errno {
	l, errno := s.find(c, addr)
	if errno != 0 {
		return errno
	}
	unlock := lockBoth(s, l)
	switch {
	case l.dead, l.state != listening, l.shut&shutRead != 0:
		errno = linux.ECONNREFUSED
	case len(l.accepts) > l.backlog:
		l.tellLocked(s)
		errno = linux.EAGAIN
	case s.state == connected:
		errno = linux.EISCONN
	case s.state != closed:
		errno = linux.EINVAL
	}
	if errno != 0 {
		unlock()
		return errno
	}
	n := newIn(l.names, s.Type, 0)
	n.embryo = true
	n.state, n.peer = connected, s
	n.name.Store(l.name.Load())
	n.Peer.Store(socket.PeerCred(c))
	s.Peer.Store(l.Peer.Load())
	s.state, s.peer = connected, n
	l.accepts = append(l.accepts, n)
	unlock()
	s.queue.Notify(changed | wait.Silent)
	l.queue.Notify(socket.EventIn)
	return 0
}

// connectDgram sets where to send; AF_UNSPEC unsets it. The receiver must not have chosen another
// sender (unix_dgram_connect).
func (s *Socket) connectDgram(c socket.Caller, addr []byte) linux.Errno {
	if len(addr) < 2 {
		return linux.EINVAL
	}
	if addr[0] == linux.AF_UNSPEC && addr[1] == 0 {
		s.mu.Lock()
		old := s.peer
		s.peer, s.state = nil, closed
		s.mu.Unlock()
		s.disconnected(old)
		return 0
	}
	if _, errno := parse(addr); errno != 0 {
		return errno
	}
	if s.PassCred.Load() || s.PassPidfd.Load() {
		if errno := s.autobind(); errno != 0 {
			return errno
		}
	}
	o, errno := s.find(c, addr)
	if errno != 0 {
		return errno
	}
	unlock := lockBoth(s, o)
	if o.dead {
		unlock()
		return linux.ECONNREFUSED
	}
	if o.peer != nil && o.peer != s {
		unlock()
		return linux.EPERM
	}
	old := s.peer
	s.peer = o
	s.state, o.state = connected, connected
	unlock()
	if old != o {
		s.disconnected(old)
	}
	s.queue.Notify(socket.EventOut | wait.Internal)
	return 0
}

// disconnected ends what s had with its old peer: messages that came are lost, and a peer that
// sends to s alone is told (unix_dgram_disconnected).
func (s *Socket) disconnected(old *Socket) {
	if old == nil {
		return
	}
	s.read.Lock()
	s.mu.Lock()
	lost := s.messages
	s.messages = nil
	waiting := s.roomLocked()
	s.mu.Unlock()
	s.read.Unlock()
	for _, m := range lost {
		m.drop()
	}
	old.mu.Lock()
	delete(old.waiting, s)
	reset := len(lost) > 0 && !old.dead && old.peer == s
	if reset {
		old.SetError(linux.ECONNRESET)
	}
	old.state = closed
	old.mu.Unlock()
	if reset {
		old.queue.Notify(changed)
	}
	tell(waiting)
	s.queue.Notify(socket.EventOut)
}
