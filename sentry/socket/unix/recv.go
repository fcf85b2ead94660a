package unix

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Recv is recvmsg(2).
func (s *Socket) Recv(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	s.mu.Lock()
	st := s.state
	s.mu.Unlock()
	switch {
	case s.Type == linux.SOCK_STREAM && st != connected:
		return 0, linux.EINVAL
	case s.Type == linux.SOCK_SEQPACKET && st != connected:
		return 0, linux.ENOTCONN
	case m.Flags&linux.MSG_OOB != 0 && s.Type == linux.SOCK_STREAM:
		return s.recvUrgent(m)
	case m.Flags&linux.MSG_OOB != 0:
		return 0, linux.EOPNOTSUPP
	case s.Type == linux.SOCK_STREAM:
		return s.recvStream(c, m)
	}
	return s.recvDgram(c, m)
}

// peekStart is where a peek begins (sk_peek_offset).
func (s *Socket) peekStart(flags uint32) int {
	if flags&linux.MSG_PEEK == 0 {
		return 0
	}
	return int(max(s.PeekOff.Load(), 0))
}

// movePeek moves the offset of SO_PEEK_OFF: forward by a peek, back by what was taken.
func (s *Socket) movePeek(by int) {
	for {
		old := s.PeekOff.Load()
		if old < 0 || s.PeekOff.CompareAndSwap(old, int32(min(max(int64(old)+int64(by), 0), 1<<31-1))) {
			return
		}
	}
}

// streamRead is the progress of a receive from a stream.
type streamRead struct {
	copied int
	target int
	skip   int // of a peek
	begun  bool
	passed []*message // that nobody will read
}

// recvStream takes bytes over message boundaries, but not over those of messages with files or of
// different senders (unix_stream_read_generic).
func (s *Socket) recvStream(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	r := streamRead{target: s.Lowat(m.Flags, m.Data.Len()), skip: s.peekStart(m.Flags)}
	_, errno := socket.Wait(c, &s.queue, wait.In, m.Flags&linux.MSG_DONTWAIT != 0, s.RcvTime.Load(), func() (int, linux.Errno) {
		s.read.Lock()
		defer s.read.Unlock()
		return 0, s.recvSome(m, &r)
	})
	if r.copied > 0 {
		return r.copied, 0
	}
	return 0, errno
}

// recvSome goes on with r: EAGAIN if it is to be waited for more. s.read is held, so that nobody
// else takes messages.
func (s *Socket) recvSome(m *socket.Message, r *streamRead) linux.Errno {
	peek := m.Flags&linux.MSG_PEEK != 0
	i, skip := 0, r.skip
	for {
		msg, errno := s.nextPart(&i, &skip, peek, r)
		for _, m := range r.passed {
			m.drop()
		}
		r.passed = nil
		if msg == nil {
			return errno
		}
		if r.begun && (s.PassCred.Load() || s.PassPidfd.Load()) && !msg.credOrNone().Same(m.Cred) {
			return 0
		}
		if !r.begun {
			r.begun = true
			m.Cred, m.Addr = msg.credOrNone(), msg.sender()
		}
		from := msg.data[msg.off+skip:]
		from = from[:min(len(from), m.Data.Len())]
		if _, errno := m.Data.CopyOut(from); errno != 0 {
			return linux.EFAULT
		}
		r.copied += len(from)
		if peek {
			if len(msg.files) > 0 {
				m.Files = msg.copyFiles()
			}
			s.movePeek(len(from))
			skip = 0
			i++
			if len(msg.files) > 0 || m.Data.Len() == 0 || !s.has(i) {
				return 0
			}
			continue
		}
		s.movePeek(-len(from))
		if len(msg.files) > 0 {
			m.Files = msg.takeFiles()
		}
		if msg.off += len(from); msg.left() > 0 {
			return 0
		}
		s.takeFirst()
		msg.discharge()
		if m.Files != nil || m.Data.Len() == 0 {
			return 0
		}
	}
}

// nextPart returns message i, or a later one if all of it is to be skipped. If there is none it
// tells what to do: to end with 0 or an error, or to wait for more (EAGAIN).
func (s *Socket) nextPart(i, skip *int, peek bool, r *streamRead) (*message, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passUrgentLocked(i, peek, r) {
		return nil, 0
	}
	for ; *i < len(s.messages); *i++ {
		msg := s.messages[*i]
		if *skip < msg.left() {
			return msg, 0
		}
		*skip -= msg.left()
	}
	if r.copied >= r.target {
		return nil, 0
	}
	if errno := s.TakeError(); errno != 0 {
		return nil, errno
	}
	if s.shut&shutRead != 0 {
		return nil, 0
	}
	return nil, linux.EAGAIN
}

// has reports whether there is a message i.
func (s *Socket) has(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return i < len(s.messages)
}

// takeFirst removes the first message.
func (s *Socket) takeFirst() {
	s.mu.Lock()
	s.takeLocked(0)
	s.mu.Unlock()
}

// takeLocked removes message i.
func (s *Socket) takeLocked(i int) {
	switch {
	case len(s.messages) == 0: // emptied by the collector
	case i == 0:
		s.messages[0] = nil
		if s.messages = s.messages[1:]; len(s.messages) == 0 {
			s.messages = nil
		}
	default:
		s.messages = append(s.messages[:i:i], s.messages[i+1:]...)
	}
}

// credOrNone is the sender of a message.
func (m *message) credOrNone() *socket.Cred {
	if m.cred == nil {
		return socket.NoCred
	}
	return m.cred
}

// sender is the address the message is from, nil if the sender has no name.
func (m *message) sender() []byte {
	if name := m.from.name.Load(); name != nil {
		return sockaddr(name)
	}
	return nil
}

// copyFiles returns the files with a reference each.
func (m *message) copyFiles() []*vfs.File {
	out := append([]*vfs.File(nil), m.files...)
	for _, f := range out {
		f.Get()
	}
	return out
}

// recvDgram takes one message (__unix_dgram_recvmsg).
func (s *Socket) recvDgram(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	nonblock := m.Flags&linux.MSG_DONTWAIT != 0
	skip := s.peekStart(m.Flags)
	var msg *message
	n, errno := socket.Wait(c, &s.queue, wait.In, nonblock, s.RcvTime.Load(), func() (n int, errno linux.Errno) {
		s.read.Lock()
		defer s.read.Unlock()
		if errno := s.TakeError(); errno != 0 {
			return 0, errno
		}
		s.mu.Lock()
		i, left := 0, skip
		for i < len(s.messages) && left >= s.messages[i].left() && left > 0 {
			left -= s.messages[i].left()
			i++
		}
		if i == len(s.messages) {
			defer s.mu.Unlock()
			return 0, s.emptyLocked(nonblock)
		}
		msg = s.messages[i]
		var waiting map[*Socket]struct{}
		if m.Flags&linux.MSG_PEEK == 0 {
			s.takeLocked(i)
			waiting = s.roomLocked()
		}
		s.mu.Unlock()
		tell(waiting)
		return s.fill(m, msg, left)
	})
	if msg == nil {
		return 0, errno
	}
	return n, errno
}

// emptyLocked is what a receive from an empty queue of datagrams comes to.
func (s *Socket) emptyLocked(nonblock bool) linux.Errno {
	switch {
	case s.shut&shutRead != 0 && (s.Type == linux.SOCK_SEQPACKET || !nonblock):
		return 0
	case s.Type == linux.SOCK_SEQPACKET && s.state != connected && !nonblock:
		return linux.ENOTCONN
	}
	return linux.EAGAIN
}

// fill copies a datagram from skip on to m. What does not fit is lost, unless it is a peek.
func (s *Socket) fill(m *socket.Message, msg *message, skip int) (int, linux.Errno) {
	peek := m.Flags&linux.MSG_PEEK != 0
	if !peek {
		defer msg.drop()
	}
	m.Addr, m.Cred = msg.sender(), msg.credOrNone()
	if msg.at != 0 {
		m.Other = append(m.Other, s.Stamps(msg.at)...)
	}
	from := msg.data[min(skip, len(msg.data)):]
	whole := len(from)
	if len(from) > m.Data.Len() {
		from = from[:m.Data.Len()]
		m.OutFlags |= linux.MSG_TRUNC
	}
	if _, errno := m.Data.CopyOut(from); errno != 0 {
		return 0, linux.EFAULT
	}
	if peek {
		m.Files = msg.copyFiles()
		s.movePeek(len(from))
	} else {
		m.Files = msg.takeFiles()
		s.movePeek(-whole)
	}
	if m.Flags&linux.MSG_TRUNC != 0 {
		return whole, 0
	}
	return len(from), 0
}
