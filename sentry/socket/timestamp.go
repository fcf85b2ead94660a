package socket

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Times at which messages came (SO_TIMESTAMP in socket(7), Documentation/networking/timestamping.rst). Those of what is sent,
// and of hardware, there are not: what asks for them is kept and has no effect, as on an interface that cannot do it.

// setStamping is SO_TIMESTAMPING: flags, or a struct so_timestamping, which begins with them.
func (s *Base) setStamping(name int, value []byte) linux.Errno {
	v := binary.LittleEndian.Uint32(value)
	switch {
	case v&^linux.SOF_TIMESTAMPING_MASK != 0,
		v&linux.SOF_TIMESTAMPING_OPT_ID_TCP != 0 && v&linux.SOF_TIMESTAMPING_OPT_ID == 0,
		v&linux.SOF_TIMESTAMPING_OPT_STATS != 0 && v&linux.SOF_TIMESTAMPING_OPT_TSONLY == 0:
		return linux.EINVAL
	}
	s.stamping.Store(v)
	s.setFlag(stampNew, name == linux.SO_TIMESTAMPING_NEW)
	return 0
}

// stampNew is the bit of the flags that says that messages are of the newer types, whose times have 64 bits everywhere (SOCK_TSTAMP_NEW).
const stampNew = linux.SO_TIMESTAMP_NEW

// newer are the types by the older ones.
var newer = map[int]int{
	linux.SO_TIMESTAMP_OLD: linux.SO_TIMESTAMP_NEW, linux.SO_TIMESTAMPNS_OLD: linux.SO_TIMESTAMPNS_NEW, linux.SO_TIMESTAMPING_OLD: linux.SO_TIMESTAMPING_NEW,
}

// stampType is the type of a message about a time.
func (s *Base) stampType(old int) int32 {
	if s.Flag(stampNew) {
		return int32(newer[old])
	}
	return int32(old)
}

// setStamp is SO_TIMESTAMP and SO_TIMESTAMPNS, of which one at most is on (sock_set_timestamp).
func (s *Base) setStamp(name int, on bool) {
	ns := name == linux.SO_TIMESTAMPNS_OLD || name == linux.SO_TIMESTAMPNS_NEW
	s.setFlag(linux.SO_TIMESTAMP_OLD, on && !ns)
	s.setFlag(linux.SO_TIMESTAMPNS_OLD, on && ns)
	if on {
		s.setFlag(stampNew, name == linux.SO_TIMESTAMP_NEW || name == linux.SO_TIMESTAMPNS_NEW)
	}
}

// stamp is which of them is on, 0 for none.
func (s *Base) stamp() int {
	switch {
	case s.Flag(linux.SO_TIMESTAMP_OLD):
		return int(s.stampType(linux.SO_TIMESTAMP_OLD))
	case s.Flag(linux.SO_TIMESTAMPNS_OLD):
		return int(s.stampType(linux.SO_TIMESTAMPNS_OLD))
	}
	return 0
}

// Stamped reports whether receivers are to be told of times.
func (s *Base) Stamped() bool {
	return s.Flag(linux.SO_TIMESTAMP_OLD) || s.Flag(linux.SO_TIMESTAMPNS_OLD) || s.software()
}

// software reports whether SO_TIMESTAMPING asks for times at which something was received.
func (s *Base) software() bool {
	const both = linux.SOF_TIMESTAMPING_RX_SOFTWARE | linux.SOF_TIMESTAMPING_SOFTWARE
	return s.stamping.Load()&both == both
}

// Stamps are the control messages about what came at a time, in nanoseconds of CLOCK_REALTIME (__sock_recv_timestamp).
func (s *Base) Stamps(at int64) (list []Cmsg) {
	add := func(typ int, data []byte) {
		list = append(list, Cmsg{linux.SOL_SOCKET, s.stampType(typ), append([]byte(nil), data...)})
	}
	ts := linux.TimespecOf(at)
	switch {
	case s.Flag(linux.SO_TIMESTAMP_OLD):
		tv := linux.TimevalOf(at)
		add(linux.SO_TIMESTAMP_OLD, usermem.Encode(&tv))
	case s.Flag(linux.SO_TIMESTAMPNS_OLD):
		add(linux.SO_TIMESTAMPNS_OLD, usermem.Encode(&ts))
	}
	if s.software() { // struct scm_timestamping: three times, two of them of hardware
		add(linux.SO_TIMESTAMPING_OLD, append(append([]byte(nil), usermem.Encode(&ts)...), make([]byte, 32)...))
	}
	return list
}
