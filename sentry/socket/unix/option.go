package unix

import (
	"github.com/seed-7423c386/runsc/abi/linux"
)

// options are what setsockopt(2) sets.
type options struct {
	passCred                 bool
	sendBuffer, recvBuffer   int
	sendTimeout, recvTimeout int64 // ns; 0: none
	flags                    map[int]int32
}

func (o *options) init() { o.sendBuffer, o.recvBuffer = defaultBuffer, defaultBuffer }

// optionsCopy is what an accepted socket inherits.
func (s *Socket) optionsCopy() options {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.opt
	o.flags = nil
	return o
}

// Bounds of the buffers: net.core.wmem_max doubled, SOCK_MIN_SNDBUF.
const (
	maxBuffer = 212992
	minBuffer = 4608
)

// SetInt is setsockopt(2) at SOL_SOCKET with an int: ENOPROTOOPT for what it does not know.
// forced says that the caller may exceed the bounds.
func (s *Socket) SetInt(opt int, v int32, forced bool) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch opt {
	case linux.SO_PASSCRED:
		s.opt.passCred = v != 0
	case linux.SO_SNDBUF, linux.SO_SNDBUFFORCE, linux.SO_RCVBUF, linux.SO_RCVBUFFORCE:
		if (opt == linux.SO_SNDBUFFORCE || opt == linux.SO_RCVBUFFORCE) && !forced {
			return linux.EPERM
		}
		n := int(v)
		if opt == linux.SO_SNDBUF || opt == linux.SO_RCVBUF {
			n = min(n, maxBuffer)
		}
		n = max(2*n, minBuffer)
		if opt == linux.SO_SNDBUF || opt == linux.SO_SNDBUFFORCE {
			s.opt.sendBuffer = n
		} else {
			s.opt.recvBuffer = max(n, 2304)
		}
	case linux.SO_DEBUG, linux.SO_REUSEADDR, linux.SO_DONTROUTE, linux.SO_BROADCAST, linux.SO_KEEPALIVE, linux.SO_OOBINLINE, linux.SO_PRIORITY,
		linux.SO_REUSEPORT, linux.SO_TIMESTAMP, linux.SO_RCVLOWAT:
		if s.opt.flags == nil {
			s.opt.flags = map[int]int32{}
		}
		if opt != linux.SO_PRIORITY && opt != linux.SO_RCVLOWAT && v != 0 {
			v = 1
		}
		s.opt.flags[opt] = v
	case linux.SO_TYPE, linux.SO_ERROR, linux.SO_DOMAIN, linux.SO_PROTOCOL, linux.SO_ACCEPTCONN, linux.SO_PEERCRED:
		return linux.ENOPROTOOPT
	default:
		return linux.ENOPROTOOPT
	}
	return 0
}

// SetTimeout is SO_RCVTIMEO and SO_SNDTIMEO, ns; 0 is none. Timeout returns it.
func (s *Socket) SetTimeout(read bool, ns int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if read {
		s.opt.recvTimeout = ns
	} else {
		s.opt.sendTimeout = ns
	}
}

// Timeout is the time-out of reading or writing.
func (s *Socket) Timeout(read bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if read {
		return s.opt.recvTimeout
	}
	return s.opt.sendTimeout
}

// Int is getsockopt(2) at SOL_SOCKET of an int.
func (s *Socket) Int(opt int) (int32, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(b bool) (int32, linux.Errno) {
		if b {
			return 1, 0
		}
		return 0, 0
	}
	switch opt {
	case linux.SO_TYPE:
		return int32(s.typ), 0
	case linux.SO_DOMAIN:
		return linux.AF_UNIX, 0
	case linux.SO_PROTOCOL:
		return 0, 0
	case linux.SO_ERROR:
		e := s.err
		s.err = 0
		return int32(e), 0
	case linux.SO_ACCEPTCONN:
		return is(s.listen != nil)
	case linux.SO_PASSCRED:
		return is(s.opt.passCred)
	case linux.SO_SNDBUF:
		return int32(s.opt.sendBuffer), 0
	case linux.SO_RCVBUF:
		return int32(s.opt.recvBuffer), 0
	case linux.SO_SNDLOWAT:
		return 1, 0
	case linux.SO_RCVLOWAT:
		if v, ok := s.opt.flags[opt]; ok {
			return v, 0
		}
		return 1, 0
	case linux.SO_DEBUG, linux.SO_REUSEADDR, linux.SO_DONTROUTE, linux.SO_BROADCAST, linux.SO_KEEPALIVE, linux.SO_OOBINLINE, linux.SO_PRIORITY,
		linux.SO_REUSEPORT, linux.SO_TIMESTAMP:
		return s.opt.flags[opt], 0
	}
	return 0, linux.ENOPROTOOPT
}

// PeerCred is SO_PEERCRED; ok is false if there never was a peer.
func (s *Socket) PeerCred() (Cred, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peerCred, s.peerSet
}

// Type is SOCK_STREAM and so on.
func (s *Socket) Type() int { return s.typ }
