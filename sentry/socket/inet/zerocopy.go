package inet

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// MSG_ZEROCOPY (Documentation/networking/msg_zerocopy.rst): the application is told by the error queue when it may
// change the bytes of a call. They have been copied when the call returns, which it is told, too, as over Linux's
// loopback.

// zerocopy is what it is to be told: calls are counted, and neighbours are one entry.
type zerocopy struct {
	waits atomic.Bool

	mu     sync.Mutex
	next   uint32 // the number of the next call
	lo, hi uint32 // with waits
}

// zeroCopy reports whether a call is one that the application is to be told of.
func (s *common) zeroCopy(m *socket.Message) bool {
	return m.Flags&linux.MSG_ZEROCOPY != 0 && (m.Data.Len() > 0 || s.Type == linux.SOCK_DGRAM) && s.keptOption(linux.SO_ZEROCOPY)
}

// keptOption reports an option at SOL_SOCKET that is only kept.
func (s *common) keptOption(name int) bool {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	return s.opt.values[keptSocket+name] != 0
}

// copied tells the application of a call that has sent something.
func (s *common) copied() {
	z := &s.zc
	z.mu.Lock()
	if !z.waits.Load() {
		z.lo = z.next
	}
	z.hi = z.next
	z.next++
	z.waits.Store(true)
	z.mu.Unlock()
	s.queue.Notify(wait.Err)
}

// recvCopied takes the entry off the error queue (sock_extended_err of SO_EE_ORIGIN_ZEROCOPY).
func (s *common) recvCopied(m *socket.Message) (int, linux.Errno) {
	z := &s.zc
	z.mu.Lock()
	ok, lo, hi := z.waits.Swap(false), z.lo, z.hi
	z.mu.Unlock()
	if !ok {
		return 0, linux.EAGAIN
	}
	ee := linux.SockExtendedErr{Origin: linux.SO_EE_ORIGIN_ZEROCOPY, Code: linux.SO_EE_CODE_ZEROCOPY_COPIED, Info: lo, Data: hi}
	b := append([]byte(nil), usermem.Encode(&ee)...)
	level, typ, size := int32(linux.IPPROTO_IP), int32(linux.IP_RECVERR), linux.SizeofSockaddrIn
	if s.v6 {
		level, typ, size = linux.IPPROTO_IPV6, linux.IPV6_RECVERR, linux.SizeofSockaddrIn6
	}
	m.Other = append(m.Other, socket.Cmsg{Level: level, Type: typ, Data: append(b, make([]byte, size)...)})
	m.OutFlags |= linux.MSG_ERRQUEUE
	return 0, 0
}

// setZeroCopy is SO_ZEROCOPY, which TCP and UDP have.
func (s *common) setZeroCopy(v int32) linux.Errno {
	switch {
	case s.Protocol != linux.IPPROTO_TCP && (s.Protocol != linux.IPPROTO_UDP || s.Type != linux.SOCK_DGRAM):
		return linux.EOPNOTSUPP
	case v != 0 && v != 1:
		return linux.EINVAL
	}
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	s.opt.keep(keptSocket+linux.SO_ZEROCOPY, v)
	return 0
}
