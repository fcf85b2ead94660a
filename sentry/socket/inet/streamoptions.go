package inet

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// SetOwn is socket.OwnOptions's.
func (s *Stream) SetOwn(c socket.Caller, name int, value []byte) (linux.Errno, bool) {
	if errno, known := s.setProgram(c, name, value); known {
		return errno, true
	}
	switch name {
	case linux.SO_KEEPALIVE:
		if len(value) < 4 {
			return linux.EINVAL, true
		}
		s.configureKeepAlive(binary.LittleEndian.Uint32(value) != 0)
		return 0, false
	case linux.SO_PEEK_OFF:
		if len(value) < 4 {
			return linux.EINVAL, true
		}
		s.PeekOff.Store(int32(binary.LittleEndian.Uint32(value)))
		return 0, true
	case linux.SO_MAX_PACING_RATE:
		return s.setPacing(value), true
	case linux.SO_TIMESTAMP_OLD, linux.SO_TIMESTAMPNS_OLD, linux.SO_TIMESTAMP_NEW, linux.SO_TIMESTAMPNS_NEW, linux.SO_TIMESTAMPING_OLD, linux.SO_TIMESTAMPING_NEW:
		if len(value) < 4 {
			return linux.EINVAL, true
		}
		v, st := binary.LittleEndian.Uint32(value), s.ep.State()
		ofFlags := name == linux.SO_TIMESTAMPING_OLD || name == linux.SO_TIMESTAMPING_NEW
		if ofFlags && v&linux.SOF_TIMESTAMPING_OPT_ID != 0 && (st == tcp.Close || st == tcp.Listen) {
			return linux.EINVAL, true // there are no bytes to count from
		}
		if v != 0 {
			s.ep.Stamp(true)
		}
		return 0, false
	case linux.SO_RCVLOWAT:
		defer s.queue.Notify(socket.EventIn)
	}
	return s.setOwn(c, name, value, s.ep)
}

// GetOwn is socket.OwnOptions's.
func (s *Stream) GetOwn(name int) ([]byte, linux.Errno, bool) {
	if name == linux.SO_PEEK_OFF {
		return int32Bytes(s.PeekOff.Load()), 0, true
	}
	if name == linux.SO_MAX_PACING_RATE {
		return s.pacing(), 0, true
	}
	return s.getOwn(name, s.ep)
}

func (s *Stream) configureKeepAlive(on bool) {
	s.ep.Configure(func(o *tcp.Options) { o.KeepAlive = on })
}

// SetOption is setsockopt(2) but at SOL_SOCKET.
func (s *Stream) SetOption(c socket.Caller, level, name int, value []byte) linux.Errno {
	switch {
	case level == linux.SOL_TCP:
		return s.setTCP(c, name, value)
	case level == linux.IPPROTO_IP:
		errno := s.setIP4(c, name, value)
		if errno == 0 {
			s.copyTOS()
		}
		return errno
	case level == linux.IPPROTO_IPV6 && s.v6:
		if name == linux.IPV6_V6ONLY {
			return s.setOnly(value, s.ep.Bound(), s.ep.SetOnly)
		}
		if name == linux.IPV6_ADDRFORM {
			return linux.ENOTCONN
		}
		errno := s.setIP6(c, name, value)
		if errno == 0 {
			s.copyTOS()
		}
		return errno
	}
	return linux.ENOPROTOOPT
}

// copyTOS gives the endpoint what goes into its headers.
func (s *Stream) copyTOS() {
	s.opt.mu.Lock()
	tos, ttl := s.opt.tos, max(s.opt.ttl, 0)
	if s.v6 && s.opt.class >= 0 {
		tos = uint8(s.opt.class)
	}
	if s.v6 && s.opt.hops > 0 {
		ttl = s.opt.hops
	}
	err4, err6 := s.opt.recv[linux.IP_RECVERR], s.opt.recv6[linux.IPV6_RECVERR]
	min4, min6 := s.opt.values[linux.IP_MINTTL], s.opt.values6[linux.IPV6_MINHOPCOUNT]
	s.opt.mu.Unlock()
	s.ep.Configure(func(o *tcp.Options) {
		o.TOS, o.TTL = tos, uint8(ttl)
		o.RecvErr4, o.RecvErr6 = err4, err6
	})
	s.ep.SetMinHops(uint8(min4), uint8(min6))
}

// setOnly is IPV6_V6ONLY: EINVAL once the socket has a port.
func (s *common) setOnly(value []byte, bound bool, set func(bool)) linux.Errno {
	if len(value) < 4 || bound {
		return linux.EINVAL
	}
	on := binary.LittleEndian.Uint32(value) != 0
	s.opt.v6only.Store(on)
	set(on)
	return 0
}

// inRange are options that are a number within limits, and where they go.
var inRange = map[int]struct {
	low, high int32
	field     func(o *tcp.Options) *int32
}{
	linux.TCP_KEEPIDLE:  {1, 32767, func(o *tcp.Options) *int32 { return &o.KeepIdle }},
	linux.TCP_KEEPINTVL: {1, 32767, func(o *tcp.Options) *int32 { return &o.KeepIntvl }},
	linux.TCP_KEEPCNT:   {1, 127, func(o *tcp.Options) *int32 { return &o.KeepCnt }},
	linux.TCP_SYNCNT:    {1, 127, func(o *tcp.Options) *int32 { return &o.SynCnt }},
}

// setTCP is setsockopt(2) at IPPROTO_TCP (do_tcp_setsockopt).
func (s *Stream) setTCP(c socket.Caller, name int, value []byte) linux.Errno {
	if name == linux.TCP_CONGESTION {
		return s.setCongestion(c, value)
	}
	switch name {
	case linux.TCP_ULP:
		return linux.ENOENT
	case linux.TCP_FASTOPEN_KEY:
		return s.setFastKeys(value)
	}
	if len(value) < 4 {
		return linux.EINVAL
	}
	v := int32(binary.LittleEndian.Uint32(value))
	if r, ok := inRange[name]; ok {
		if v < r.low || v > r.high {
			return linux.EINVAL
		}
		s.ep.Configure(func(o *tcp.Options) { *r.field(o) = v })
		return 0
	}
	if errno, known := s.setFast(name, v); known {
		return errno
	}
	var f func(o *tcp.Options)
	switch name {
	case linux.TCP_NODELAY:
		f = func(o *tcp.Options) { o.NoDelay = v != 0 }
	case linux.TCP_CORK:
		f = func(o *tcp.Options) { o.Cork = v != 0 }
	case linux.TCP_QUICKACK:
		f = func(o *tcp.Options) { o.QuickAck = v != 0 }
	case linux.TCP_MAXSEG:
		if v != 0 && (v < 88 || v > 32767) {
			return linux.EINVAL
		}
		f = func(o *tcp.Options) { o.MaxSeg = uint16(v) }
	case linux.TCP_LINGER2:
		f = func(o *tcp.Options) {
			switch {
			case v < 0:
				o.Linger2 = -1
			case v > 120:
				o.Linger2 = 120
			default:
				o.Linger2 = v
			}
		}
	case linux.TCP_DEFER_ACCEPT:
		f = func(o *tcp.Options) { o.DeferAccept = deferTime(v) }
	case linux.TCP_WINDOW_CLAMP:
		if v == 0 && s.ep.State() != tcp.Close {
			return linux.EINVAL
		}
		if v != 0 {
			v = max(v, linux.SOCK_MIN_RCVBUF/2)
		}
		f = func(o *tcp.Options) { o.WindowClamp = v }
	case linux.TCP_USER_TIMEOUT:
		if v < 0 {
			return linux.EINVAL
		}
		f = func(o *tcp.Options) { o.UserTimeout = uint32(v) }
	case linux.TCP_NOTSENT_LOWAT:
		f = func(o *tcp.Options) { o.NotsentLowat = uint32(v) }
	case linux.TCP_INQ:
		if v != 0 && v != 1 {
			return linux.EINVAL
		}
		s.opt.inq.Store(v != 0)
		return 0
	case linux.TCP_SAVE_SYN:
		if v < 0 || v > tcp.SaveLink {
			return linux.EINVAL
		}
		s.ep.SetSaveSyn(v)
		return 0
	case linux.TCP_THIN_LINEAR_TIMEOUTS:
		if v != 0 && v != 1 {
			return linux.EINVAL
		}
		s.keepTCP(name, v)
		return 0
	case linux.TCP_THIN_DUPACK:
		if v != 0 && v != 1 {
			return linux.EINVAL
		}
		return 0
	case linux.TCP_REPAIR:
		return linux.EPERM
	default:
		return linux.ENOPROTOOPT
	}
	s.ep.Configure(f)
	return 0
}

// keptTCP tells values of TCP from those of IP that only getsockopt(2) shows.
const keptTCP = 1000

// deferTime is a number of seconds as Linux counts it: in repetitions of a SYN-ACK.
func deferTime(seconds int32) int32 {
	if seconds <= 0 {
		return 0
	}
	total, step := int32(1), int32(1)
	for n := 1; total < seconds && n < 255; n++ { // secs_to_retrans counts in a byte
		step = min(step*2, 120)
		total += step
	}
	return total
}

func (s *Stream) setCongestion(c socket.Caller, value []byte) linux.Errno {
	if len(value) < 1 {
		return linux.EINVAL
	}
	name, _, _ := strings.Cut(string(value[:min(len(value), 15)]), "\x00")
	if !slices.Contains(tcp.Algorithms(), name) {
		return linux.ENOENT
	}
	if !c.Cred().Has(linux.CAP_NET_ADMIN) && !slices.Contains(strings.Fields(socket.TunablesOf(s.NS).Get("ipv4/tcp_allowed_congestion_control", name)), name) {
		return linux.EPERM
	}
	s.ep.Configure(func(o *tcp.Options) { o.Congestion, o.Chosen = name, true })
	return 0
}

// setPacing is SO_MAX_PACING_RATE: bytes a second, of four bytes or eight.
func (s *Stream) setPacing(value []byte) linux.Errno {
	v := uint64(0)
	switch {
	case len(value) >= 8:
		v = binary.LittleEndian.Uint64(value)
	case len(value) >= 4:
		if v = uint64(binary.LittleEndian.Uint32(value)); v == 1<<32-1 {
			v = 1<<64 - 1
		}
	default:
		return linux.EINVAL
	}
	s.ep.Configure(func(o *tcp.Options) { o.MaxPacing = v })
	return 0
}

// pacing is what was set.
func (s *Stream) pacing() []byte {
	v := uint64(1<<64 - 1)
	s.ep.View(func(o *tcp.Options) {
		if o.MaxPacing != 0 {
			v = o.MaxPacing
		}
	})
	return binary.LittleEndian.AppendUint64(nil, v)
}

// Option is getsockopt(2) but at SOL_SOCKET.
func (s *Stream) Option(c socket.Caller, level, name, n int) ([]byte, linux.Errno) {
	switch {
	case level == linux.SOL_TCP:
		return s.getTCP(name, n)
	case level == linux.IPPROTO_IP:
		if name == linux.IP_MTU || name == linux.IP_PKTOPTIONS {
			return s.mtu(name, linux.IP_MTU, n)
		}
		return s.getIP4(name, n)
	case level == linux.IPPROTO_IPV6 && s.v6:
		if name == linux.IPV6_MTU || name == linux.IPV6_2292PKTOPTIONS {
			return s.mtu(name, linux.IPV6_MTU, n)
		}
		if name == linux.IPV6_PATHMTU {
			a, link, ok := s.ep.Remote()
			return s.mtuInfo(a.Addr(), ok, link, n)
		}
		return s.getIP6(name)
	}
	return nil, s.noLevel()
}

// mtu is IP_MTU of a connection; the other name it may be is for options of packets, of which there are none.
func (s *Stream) mtu(name, want, n int) ([]byte, linux.Errno) {
	if name != want {
		return nil, 0
	}
	a, link, ok := s.ep.Remote()
	if !ok {
		return nil, linux.ENOTCONN
	}
	return s.pathMTU(a.Addr(), link, n)
}

// getTCP is getsockopt(2) at IPPROTO_TCP (do_tcp_getsockopt).
func (s *Stream) getTCP(name, n int) ([]byte, linux.Errno) {
	var o tcp.Options
	s.ep.View(func(p *tcp.Options) { o = *p })
	v := int32(0)
	if r, ok := inRange[name]; ok {
		v = *r.field(&o)
		return int32Bytes(v)[:min(n, 4)], 0
	}
	switch name {
	case linux.TCP_NODELAY:
		v = truth(o.NoDelay)
	case linux.TCP_CORK:
		v = truth(o.Cork)
	case linux.TCP_QUICKACK:
		v = truth(o.QuickAck)
	case linux.TCP_MAXSEG:
		v = int32(s.ep.MSS())
	case linux.TCP_LINGER2:
		if v = o.Linger2; v == 0 {
			v = 60
		}
	case linux.TCP_DEFER_ACCEPT:
		v = o.DeferAccept
	case linux.TCP_WINDOW_CLAMP:
		v = o.WindowClamp
	case linux.TCP_USER_TIMEOUT:
		v = int32(o.UserTimeout)
	case linux.TCP_NOTSENT_LOWAT:
		v = int32(o.NotsentLowat)
	case linux.TCP_FASTOPEN:
		v = s.ep.FastQueue()
	case linux.TCP_FASTOPEN_KEY:
		k := s.ep.Keys()
		return append([]byte(nil), k[:min(n, len(k))]...), 0
	case linux.TCP_INQ:
		v = truth(s.opt.inq.Load())
	case linux.TCP_SAVE_SYN:
		v = s.ep.SaveSyn()
	case linux.TCP_THIN_LINEAR_TIMEOUTS, linux.TCP_FASTOPEN_CONNECT, linux.TCP_FASTOPEN_NO_COOKIE:
		s.opt.mu.Lock()
		v = s.opt.values[name+keptTCP]
		s.opt.mu.Unlock()
	case linux.TCP_THIN_DUPACK, linux.TCP_REPAIR, linux.TCP_TX_DELAY:
	case linux.TCP_TIMESTAMP:
		v = int32(uint32(s.ep.Info().LastDataSent))
	case linux.TCP_SAVED_SYN:
		b := s.ep.SavedSyn(n)
		if len(b) > n {
			return b, linux.EINVAL
		}
		return b, 0
	case linux.TCP_CONGESTION:
		b := make([]byte, 16)
		copy(b, o.Congestion)
		return b[:min(n, 16)], 0
	case linux.TCP_INFO:
		i := s.ep.Info()
		b, _ := binary.Append(nil, binary.LittleEndian, &i)
		return b[:min(n, len(b))], 0
	case linux.TCP_CC_INFO:
		b := s.ep.ControlInfo()
		return b[:min(n, len(b))], 0
	case linux.TCP_ULP:
		return nil, 0
	default:
		return nil, linux.ENOPROTOOPT
	}
	return int32Bytes(v)[:min(n, 4)], 0
}

func truth(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// noLevel is what getsockopt(2) says about a level it does not know.
func (s *common) noLevel() linux.Errno {
	if s.v6 {
		return linux.ENOPROTOOPT
	}
	return linux.EOPNOTSUPP
}
