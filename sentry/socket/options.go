package socket

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Base is the state that sockets of all families have (struct sock): its type and the options
// at SOL_SOCKET. Sockets embed it and call Init.
type Base struct {
	// Set when it is made.
	NS                     Namespace
	Family, Type, Protocol int

	// Options, as getsockopt(2) shows them. Time-outs are nanoseconds, 0 for none.
	SndBuf, RcvBuf   atomic.Int32
	SndTime, RcvTime atomic.Int64
	RcvLowat         atomic.Int32
	PeekOff          atomic.Int32 // -1: off
	PassCred         atomic.Bool
	PassPidfd        atomic.Bool
	Listening        atomic.Bool
	Peer             atomic.Pointer[Cred] // SO_PEERCRED

	flags    atomic.Uint64 // bit n: the on-off option n
	priority atomic.Int32
	mark     atomic.Uint32
	linger   atomic.Int64 // on<<32 | seconds
	locks    atomic.Int32
	err      atomic.Int32
	cookie   atomic.Uint64
	busyPoll atomic.Int32 // shown, as nothing here is polled by waiting busily
	cpu      atomic.Int32 // SO_INCOMING_CPU; -1: none
	filter   atomic.Pointer[attached]
	stamping atomic.Uint32 // SO_TIMESTAMPING
	inode    atomic.Pointer[vfs.Inode]

	// Own, if it is set, is asked first about options at SOL_SOCKET that mean more to a family; set
	// when the socket is made.
	Own OwnOptions
}

// OwnOptions are options at SOL_SOCKET that a family handles itself: known is false for those that
// it does not.
type OwnOptions interface {
	SetOwn(c Caller, name int, value []byte) (errno linux.Errno, known bool)
	GetOwn(name int) (value []byte, errno linux.Errno, known bool)
}

// Inherit takes the options of a listener.
func (s *Base) Inherit(l *Base) {
	s.SndBuf.Store(l.SndBuf.Load())
	s.RcvBuf.Store(l.RcvBuf.Load())
	s.SndTime.Store(l.SndTime.Load())
	s.RcvTime.Store(l.RcvTime.Load())
	s.RcvLowat.Store(l.RcvLowat.Load())
	s.flags.Store(l.flags.Load())
	s.priority.Store(l.priority.Load())
	s.mark.Store(l.mark.Load())
	s.linger.Store(l.linger.Load())
	s.locks.Store(l.locks.Load())
	s.filter.Store(l.filter.Load())
	s.stamping.Store(l.stamping.Load())
}

// Locked reports whether a buffer's size was set: SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK.
func (s *Base) Locked(which int32) bool { return s.locks.Load()&which != 0 }

// Priority is SO_PRIORITY.
func (s *Base) Priority() int32 { return s.priority.Load() }

// SetPriority is what an option of another level makes of SO_PRIORITY.
func (s *Base) SetPriority(v int32) { s.priority.Store(v) }

// Init gives the options their first values.
func (s *Base) Init(ns Namespace, family, typ, protocol int) {
	s.NS, s.Family, s.Type, s.Protocol = ns, family, typ, protocol
	s.SndBuf.Store(linux.SK_MEM_MAX)
	s.RcvBuf.Store(linux.SK_MEM_MAX)
	s.RcvLowat.Store(1)
	s.PeekOff.Store(-1)
	s.cpu.Store(-1)
}

// Common returns s: what Socket's method of the name is.
func (s *Base) Common() *Base { return s }

// Inode is that of the open file, nil for a socket that nobody has accepted yet.
func (s *Base) Inode() *vfs.Inode { return s.inode.Load() }

// SetError notes an error for the next call or SO_ERROR to report (sk_err).
func (s *Base) SetError(e linux.Errno) { s.err.Store(int32(e)) }

// Error is the noted error without taking it.
func (s *Base) Error() linux.Errno { return linux.Errno(s.err.Load()) }

// TakeError returns the noted error and forgets it (sock_error).
func (s *Base) TakeError() linux.Errno {
	if s.err.Load() == 0 {
		return 0
	}
	return linux.Errno(s.err.Swap(0))
}

// Lowat is how many of want bytes a receive waits for (sock_rcvlowat).
func (s *Base) Lowat(flags uint32, want int) int {
	if flags&linux.MSG_WAITALL == 0 {
		want = min(want, int(s.RcvLowat.Load()))
	}
	return max(want, 1)
}

// Flag reports the on-off option name.
func (s *Base) Flag(name int) bool { return s.flags.Load()>>name&1 != 0 }

func (s *Base) setFlag(name int, on bool) {
	for {
		old := s.flags.Load()
		v := old &^ (1 << name)
		if on {
			v |= 1 << name
		}
		if s.flags.CompareAndSwap(old, v) {
			return
		}
	}
}

var cookies atomic.Uint64

// Set is setsockopt(2) at SOL_SOCKET (sk_setsockopt).
func (s *Base) Set(c Caller, name int, value []byte) linux.Errno {
	ofFilter := name == linux.SO_ATTACH_FILTER || name == linux.SO_DETACH_FILTER || name == linux.SO_ATTACH_BPF
	if ofFilter && s.Flag(linux.SO_LOCK_FILTER) {
		return linux.EPERM
	}
	if s.Own != nil {
		if errno, known := s.Own.SetOwn(c, name, value); known {
			if errno == 0 && name == linux.SO_DETACH_FILTER {
				s.filter.Store(nil)
			}
			return errno
		}
	}
	if name == linux.SO_ATTACH_FILTER {
		return s.setFilter(c, name, value)
	}
	switch name {
	case linux.SO_BINDTODEVICE, linux.SO_ZEROCOPY, linux.SO_ATTACH_BPF, linux.SO_ATTACH_REUSEPORT_CBPF, linux.SO_ATTACH_REUSEPORT_EBPF:
		return linux.EOPNOTSUPP
	}
	if len(value) < 4 {
		return linux.EINVAL
	}
	v := int32(binary.LittleEndian.Uint32(value))
	if name == linux.SO_REUSEPORT && v != 0 && s.Family != linux.AF_INET && s.Family != linux.AF_INET6 {
		return linux.EOPNOTSUPP
	}
	switch name {
	case linux.SO_RCVTIMEO_OLD, linux.SO_RCVTIMEO_NEW:
		return setTimeout(&s.RcvTime, value)
	case linux.SO_SNDTIMEO_OLD, linux.SO_SNDTIMEO_NEW:
		return setTimeout(&s.SndTime, value)
	case linux.SO_LINGER:
		return s.setLinger(value)
	case linux.SO_SNDBUF, linux.SO_RCVBUF, linux.SO_SNDBUFFORCE, linux.SO_RCVBUFFORCE:
		return s.setBuf(c, name, v)
	case linux.SO_PASSCRED, linux.SO_PASSPIDFD, linux.SO_PEEK_OFF:
		return s.setUnix(name, v)
	case linux.SO_DEBUG:
		if v != 0 && !c.Cred().Has(linux.CAP_NET_ADMIN) {
			return linux.EACCES
		}
		s.setFlag(name, v != 0)
	case linux.SO_REUSEADDR, linux.SO_REUSEPORT, linux.SO_DONTROUTE, linux.SO_BROADCAST, linux.SO_KEEPALIVE, linux.SO_OOBINLINE,
		linux.SO_NO_CHECK, linux.SO_RXQ_OVFL, linux.SO_SELECT_ERR_QUEUE:
		s.setFlag(name, v != 0)
	case linux.SO_TIMESTAMP_OLD, linux.SO_TIMESTAMPNS_OLD, linux.SO_TIMESTAMP_NEW, linux.SO_TIMESTAMPNS_NEW:
		s.setStamp(name, v != 0)
	case linux.SO_DETACH_FILTER:
		return s.setFilter(c, name, value)
	case linux.SO_LOCK_FILTER:
		if v == 0 && s.Flag(name) {
			return linux.EPERM
		}
		s.setFlag(name, v != 0)
	case linux.SO_TIMESTAMPING_OLD, linux.SO_TIMESTAMPING_NEW:
		return s.setStamping(name, value)
	case linux.SO_PRIORITY:
		if (v < 0 || v > linux.TC_PRIO_INTERACTIVE) && !netAdmin(c) {
			return linux.EPERM
		}
		s.priority.Store(v)
	case linux.SO_MARK:
		if !netAdmin(c) {
			return linux.EPERM
		}
		s.mark.Store(uint32(v))
	case linux.SO_RCVLOWAT:
		if v < 0 {
			v = 1<<31 - 1
		}
		s.RcvLowat.Store(max(v, 1))
	case linux.SO_BUSY_POLL, linux.SO_PREFER_BUSY_POLL, linux.SO_BUSY_POLL_BUDGET, linux.SO_INCOMING_CPU:
		return s.setHint(c, name, v)
	case linux.SO_BSDCOMPAT:
	case linux.SO_BUF_LOCK:
		if v&^linux.SOCK_BUF_LOCK_MASK != 0 {
			return linux.EINVAL
		}
		s.locks.Store(v)
	default:
		return linux.ENOPROTOOPT
	}
	return 0
}

// setHint sets what says how packets are to be taken in, which has no meaning here but is shown.
func (s *Base) setHint(c Caller, name int, v int32) linux.Errno {
	switch admin := c.Cred().Has(linux.CAP_NET_ADMIN); name {
	case linux.SO_BUSY_POLL:
		if v < 0 {
			return linux.EINVAL
		}
		s.busyPoll.Store(v)
	case linux.SO_PREFER_BUSY_POLL:
		if v != 0 && !admin {
			return linux.EPERM
		}
		s.setFlag(preferBusyPoll, v != 0)
	case linux.SO_BUSY_POLL_BUDGET:
		switch {
		case v > 8 && !admin:
			return linux.EPERM
		case v < 0 || v > 1<<16-1:
			return linux.EINVAL
		}
	case linux.SO_INCOMING_CPU:
		s.cpu.Store(v)
	}
	return 0
}

// preferBusyPoll is SO_PREFER_BUSY_POLL's bit of the flags: its number is not below 64.
const preferBusyPoll = 0

func netAdmin(c Caller) bool {
	return c.Cred().Has(linux.CAP_NET_RAW) || c.Cred().Has(linux.CAP_NET_ADMIN)
}

// setUnix sets the options of families that pass credentials or can peek at an offset.
func (s *Base) setUnix(name int, v int32) linux.Errno {
	switch name {
	case linux.SO_PASSCRED, linux.SO_PASSPIDFD:
		if s.Family != linux.AF_UNIX && !(s.Family == linux.AF_NETLINK && name == linux.SO_PASSCRED) {
			if name == linux.SO_PASSPIDFD {
				return linux.EOPNOTSUPP
			}
		}
		if name == linux.SO_PASSCRED {
			s.PassCred.Store(v != 0)
		} else {
			s.PassPidfd.Store(v != 0)
		}
	default:
		if s.Family != linux.AF_UNIX {
			return linux.EOPNOTSUPP
		}
		s.PeekOff.Store(v)
	}
	return 0
}

// setTimeout stores a struct timeval: EDOM for microseconds out of range; a negative time is no
// time at all, which times out at once (sock_set_timeout). Times are counted in ticks.
func setTimeout(to *atomic.Int64, value []byte) linux.Errno {
	var tv linux.Timeval
	if !usermem.Decode(value, &tv) {
		return linux.EINVAL
	}
	if tv.Usec < 0 || tv.Usec >= 1_000_000 {
		return linux.EDOM
	}
	switch {
	case tv.Sec < 0:
		to.Store(1)
	case tv.Sec == 0 && tv.Usec == 0, tv.Sec >= 1<<33:
		to.Store(0)
	default:
		ns := tv.Sec*1_000_000_000 + (tv.Usec*1000+linux.TICK_NANOS-1)/linux.TICK_NANOS*linux.TICK_NANOS
		to.Store(ns)
	}
	return 0
}

func (s *Base) setLinger(value []byte) linux.Errno {
	var l linux.Linger
	if !usermem.Decode(value, &l) {
		return linux.EINVAL
	}
	on := int64(0)
	if l.Onoff != 0 {
		on = 1 << 32
	}
	s.linger.Store(on | int64(uint32(l.Linger)))
	return 0
}

// setBuf sets a buffer's size: twice what was asked for, within limits.
func (s *Base) setBuf(c Caller, name int, v int32) linux.Errno {
	if name == linux.SO_SNDBUFFORCE || name == linux.SO_RCVBUFFORCE {
		if !c.Cred().Has(linux.CAP_NET_ADMIN) {
			return linux.EPERM
		}
		v = max(v, 0)
	} else {
		v = int32(min(uint32(v), linux.SK_MEM_MAX))
	}
	v = min(v, (1<<31-1)/2) * 2
	if name == linux.SO_SNDBUF || name == linux.SO_SNDBUFFORCE {
		s.locks.Or(linux.SOCK_SNDBUF_LOCK)
		s.SndBuf.Store(max(v, linux.SOCK_MIN_SNDBUF))
	} else {
		s.locks.Or(linux.SOCK_RCVBUF_LOCK)
		s.RcvBuf.Store(max(v, linux.SOCK_MIN_RCVBUF))
	}
	return 0
}

// Get is getsockopt(2) at SOL_SOCKET (sk_getsockopt), all but the options about the peer's
// process, which the system calls show.
func (s *Base) Get(name int) ([]byte, linux.Errno) {
	if s.Own != nil {
		if v, errno, known := s.Own.GetOwn(name); known {
			return v, errno
		}
	}
	v := int32(0)
	switch name {
	case linux.SO_RCVTIMEO_OLD, linux.SO_RCVTIMEO_NEW:
		return timeoutBytes(s.RcvTime.Load()), 0
	case linux.SO_SNDTIMEO_OLD, linux.SO_SNDTIMEO_NEW:
		return timeoutBytes(s.SndTime.Load()), 0
	case linux.SO_LINGER:
		l := s.linger.Load()
		return append([]byte(nil), usermem.Encode(&linux.Linger{Onoff: int32(l >> 32), Linger: int32(l)})...), 0
	case linux.SO_COOKIE:
		return binary.LittleEndian.AppendUint64(nil, s.Cookie()), 0
	case linux.SO_TIMESTAMPING_OLD, linux.SO_TIMESTAMPING_NEW: // struct so_timestamping
		return binary.LittleEndian.AppendUint64(nil, uint64(s.stamping.Load())), 0
	case linux.SO_NETNS_COOKIE:
		return binary.LittleEndian.AppendUint64(nil, s.NS.Get("cookie", func() any { return cookies.Add(1) }).(uint64)), 0
	case linux.SO_TYPE:
		v = int32(s.Type)
	case linux.SO_DOMAIN:
		v = int32(s.Family)
	case linux.SO_PROTOCOL:
		v = int32(s.Protocol)
	case linux.SO_ERROR:
		v = int32(s.TakeError())
	case linux.SO_SNDBUF:
		v = s.SndBuf.Load()
	case linux.SO_RCVBUF:
		v = s.RcvBuf.Load()
	case linux.SO_PRIORITY:
		v = s.priority.Load()
	case linux.SO_MARK:
		v = int32(s.mark.Load())
	case linux.SO_RCVLOWAT:
		v = s.RcvLowat.Load()
	case linux.SO_SNDLOWAT:
		v = 1
	case linux.SO_PASSCRED:
		v = truth(s.PassCred.Load())
	case linux.SO_PASSPIDFD:
		v = truth(s.PassPidfd.Load())
	case linux.SO_ACCEPTCONN:
		v = truth(s.Listening.Load())
	case linux.SO_PEEK_OFF:
		if s.Family != linux.AF_UNIX {
			return nil, linux.EOPNOTSUPP
		}
		v = s.PeekOff.Load()
	case linux.SO_BUF_LOCK:
		v = s.locks.Load()
	case linux.SO_BUSY_POLL:
		v = s.busyPoll.Load()
	case linux.SO_PREFER_BUSY_POLL:
		v = truth(s.Flag(preferBusyPoll))
	case linux.SO_INCOMING_CPU:
		v = s.cpu.Load()
	case linux.SO_MEMINFO: // struct sk_meminfo: what may be received and sent is its second and fourth number
		b := binary.LittleEndian.AppendUint32(make([]byte, 4, 36), uint32(s.RcvBuf.Load()))
		return binary.LittleEndian.AppendUint32(append(b, 0, 0, 0, 0), uint32(s.SndBuf.Load()))[:36], 0
	case linux.SO_DEBUG, linux.SO_REUSEADDR, linux.SO_REUSEPORT, linux.SO_DONTROUTE, linux.SO_BROADCAST, linux.SO_KEEPALIVE,
		linux.SO_OOBINLINE, linux.SO_NO_CHECK, linux.SO_RXQ_OVFL, linux.SO_SELECT_ERR_QUEUE,
		linux.SO_LOCK_FILTER:
		v = truth(s.Flag(name))
	case linux.SO_TIMESTAMP_OLD, linux.SO_TIMESTAMPNS_OLD, linux.SO_TIMESTAMP_NEW, linux.SO_TIMESTAMPNS_NEW:
		v = truth(s.stamp() == name || name == linux.SO_TIMESTAMP_NEW && s.stamp() == linux.SO_TIMESTAMPNS_NEW) // as Linux has it
	case linux.SO_BPF_EXTENSIONS:
		v = 64 // SKF_AD_MAX
	case linux.SO_BSDCOMPAT, linux.SO_INCOMING_NAPI_ID, linux.SO_ZEROCOPY, linux.SO_NOFCS, linux.SO_PASSSEC:
	default:
		return nil, linux.ENOPROTOOPT
	}
	return binary.LittleEndian.AppendUint32(nil, uint32(v)), 0
}

func timeoutBytes(ns int64) []byte {
	tv := linux.TimevalOf(ns)
	return append([]byte(nil), usermem.Encode(&tv)...)
}

func truth(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
