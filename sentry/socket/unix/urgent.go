package unix

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// Urgent data of streams: one byte, a message of its own in the queue. A receive stops before it; one that begins there passes
// over it, unless SO_OOBINLINE is set. Once MSG_OOB has read the byte, the empty message marks where it was.

// passUrgentLocked has message i be one that a receive may go on with: true if it is to end before that (manage_oob).
func (s *Socket) passUrgentLocked(i *int, peek bool, r *streamRead) (stop bool) {
	if *i >= len(s.messages) || s.messages[*i].left() > 0 && s.messages[*i] != s.urgent {
		return false
	}
	copied := r.copied > 0
	if m := s.messages[*i]; m.left() == 0 { // read by MSG_OOB
		if copied && s.urgent == nil {
			return true
		}
		s.passLocked(i, peek, r)
		if *i >= len(s.messages) {
			return copied
		}
	}
	if s.messages[*i] != s.urgent {
		return false
	}
	switch inline := s.Flag(linux.SO_OOBINLINE); {
	case copied:
		return true
	case inline && !peek:
		s.urgent = nil
	case !inline:
		if !peek {
			s.urgent = nil
		}
		s.passLocked(i, peek, r)
	}
	return false
}

// passLocked passes over message i, for good unless it is a peek.
func (s *Socket) passLocked(i *int, peek bool, r *streamRead) {
	if peek {
		*i++
		return
	}
	r.passed = append(r.passed, s.messages[*i])
	s.takeLocked(*i)
}

// recvUrgent is recvmsg(2) with MSG_OOB (unix_stream_recv_urg): EINVAL if there is no urgent byte.
func (s *Socket) recvUrgent(m *socket.Message) (int, linux.Errno) {
	s.read.Lock()
	defer s.read.Unlock()
	s.mu.Lock()
	msg := s.urgent
	if msg == nil || s.Flag(linux.SO_OOBINLINE) {
		s.mu.Unlock()
		return 0, linux.EINVAL
	}
	b := slices.Clone(msg.data[msg.off:])
	if m.Flags&linux.MSG_PEEK == 0 {
		s.urgent = nil
		msg.off = len(msg.data)
	}
	s.mu.Unlock()
	if m.Flags&linux.MSG_PEEK == 0 {
		msg.discharge()
	}
	if n, errno := m.Data.CopyOut(b); n < len(b) || errno != 0 {
		return 0, linux.EFAULT
	}
	m.OutFlags |= linux.MSG_OOB
	return len(b), 0
}

// atMark is SIOCATMARK.
func (s *Socket) atMark() bool {
	s.read.Lock()
	defer s.read.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.messages) == 0 {
		return false
	}
	first := s.messages[0]
	return first == s.urgent || first.left() == 0 && (s.urgent == nil || len(s.messages) > 1 && s.messages[1] == s.urgent)
}
