package inet

import (
	"encoding/hex"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Data in the SYN (tcp_sendmsg_fastopen): sendmsg(2) with MSG_FASTOPEN connects, and so does the first write to a socket
// with TCP_FASTOPEN_CONNECT whose server has given a cookie.

const fastClient = 1 // net.ipv4.tcp_fastopen: TFO_CLIENT_ENABLE

// openFast connects with the first of a message: how many bytes of it were taken.
func (s *Stream) openFast(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if s.net.Stack.Settings.FastOpen.Load()&fastClient == 0 || len(m.Addr) >= 2 && family(m.Addr) == linux.AF_UNSPEC {
		return 0, linux.EOPNOTSUPP
	}
	nonblock := m.Flags&linux.MSG_DONTWAIT != 0
	s.mu.Lock()
	result, n, errno := linux.Errno(linux.EALREADY), 0, linux.Errno(0)
	begin := s.phase != connecting || s.deferred.Load() != nil
	if begin {
		result = linux.EINPROGRESS
		n, errno = s.beginFast(m)
	}
	s.mu.Unlock()
	if errno != 0 {
		return 0, errno
	}
	_, errno = socket.Wait(c, &s.queue, wait.Out|wait.Internal, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		if s.ep.State() == tcp.SynSent || s.ep.State() == tcp.SynRecv || nonblock && begin {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
	switch {
	case errno == linux.EAGAIN && n > 0:
		m.Data.Limit(0)
		return n, 0
	case errno == linux.EAGAIN:
		return 0, result
	case errno != 0:
		return 0, errno
	}
	if errno := s.connectDone(); errno != 0 {
		return 0, errno
	}
	return n, 0
}

// beginFast begins the connection. s.mu is held.
func (s *Stream) beginFast(m *socket.Message) (int, linux.Errno) {
	var a address
	later := s.deferred.Load()
	switch {
	case s.phase == connected:
		return 0, linux.EISCONN
	case later != nil:
		a = *later
	case m.Addr == nil:
		return 0, linux.EINVAL
	case s.ep.State() != tcp.Close:
		return 0, linux.EISCONN
	default:
		var errno linux.Errno
		if a, errno = s.target(m.Addr, true); errno != 0 {
			return 0, errno
		}
		if a.Addr().IsMulticast() {
			return 0, linux.ENETUNREACH
		}
	}
	s.deferred.Store(nil)
	n, errno := s.ep.ConnectFast(a.AddrPort, a.link, m.Data)
	if errno != 0 {
		s.phase = unconnected
		return 0, errno
	}
	s.phase = connecting
	return n, 0
}

// kept reports an option at IPPROTO_TCP that only the socket knows.
func (s *Stream) kept(name int) bool {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	return s.opt.values[name+keptTCP] != 0
}

// setFast sets the options of Fast Open: known is false for others.
func (s *Stream) setFast(name int, v int32) (errno linux.Errno, known bool) {
	closed := s.ep.State() == tcp.Close && s.deferred.Load() == nil
	switch name {
	case linux.TCP_FASTOPEN:
		if v < 0 || !closed && s.ep.State() != tcp.Listen {
			return linux.EINVAL, true
		}
		s.ep.SetFastQueue(v)
	case linux.TCP_FASTOPEN_CONNECT:
		switch {
		case v != 0 && v != 1:
			return linux.EINVAL, true
		case s.net.Stack.Settings.FastOpen.Load()&fastClient == 0:
			return linux.EOPNOTSUPP, true
		case !closed:
			return linux.EINVAL, true
		}
		s.keepTCP(name, v)
	case linux.TCP_FASTOPEN_NO_COOKIE:
		if v != 0 && v != 1 {
			return linux.EINVAL, true
		}
		s.keepTCP(name, v)
		s.ep.Configure(func(o *tcp.Options) { o.NoCookie = v != 0 })
	default:
		return 0, false
	}
	return 0, true
}

func (s *Stream) keepTCP(name int, v int32) {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	s.opt.keep(name+keptTCP, v)
}

// setFastKeys is TCP_FASTOPEN_KEY: one key or two.
func (s *Stream) setFastKeys(value []byte) linux.Errno {
	if len(value) != 16 && len(value) != 32 {
		return linux.EINVAL
	}
	s.ep.SetKeys(append(tcp.FastKeys(nil), value...))
	return 0
}

// parseFastKeys parses net.ipv4.tcp_fastopen_key: words of the machine, of one key or two.
func parseFastKeys(text string) (k tcp.FastKeys, ok bool) {
	keys := strings.Split(text, ",")
	if len(keys) > 2 {
		return nil, false
	}
	for _, key := range keys {
		words := strings.Split(key, "-")
		if len(words) != 4 {
			return nil, false
		}
		for _, w := range words {
			if len(w) > 8 {
				return nil, false
			}
			b, err := hex.DecodeString(strings.Repeat("0", 8-len(w)) + w)
			if err != nil {
				return nil, false
			}
			k = append(k, b[3], b[2], b[1], b[0])
		}
	}
	return k, true
}
