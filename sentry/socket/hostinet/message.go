package hostinet

import (
	"encoding/binary"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Flags of a message that are the host's to know. How long to wait, and SIGPIPE, are not.
const (
	sendFlags = linux.MSG_OOB | linux.MSG_DONTROUTE | linux.MSG_CONFIRM | linux.MSG_MORE | linux.MSG_EOR | linux.MSG_FASTOPEN
	recvFlags = linux.MSG_OOB | linux.MSG_PEEK | linux.MSG_TRUNC | linux.MSG_ERRQUEUE
)

// maxDatagram is more than a datagram has.
const maxDatagram = 1 << 16

// maxControl is room for all control messages that come with a datagram.
const maxControl = 1024

// datagrams are buffers: a datagram goes and comes in one piece, however the application's memory is cut.
var datagrams = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// Send is sendmsg(2).
func (s *Socket) Send(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if s.Type == linux.SOCK_DGRAM && m.Addr != nil && len(m.Addr) == 0 {
		return 0, linux.EINVAL
	}
	d := host.Datagram{Addr: m.Addr}
	var errno linux.Errno
	if d.Control, errno = controlIn(m.Other); errno != 0 {
		return 0, errno
	}
	flags, nonblock := int(m.Flags&sendFlags), m.Flags&linux.MSG_DONTWAIT != 0
	if s.Type == linux.SOCK_DGRAM {
		return s.sendDatagram(c, m, &d, flags, nonblock)
	}
	sent, empty := 0, m.Data.Len() == 0
	_, errno = socket.Wait(c, &s.queue, wait.Out, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		for m.Data.Len() > 0 {
			n, errno := m.Data.Pieces(false, func(pieces [][]byte) (int, linux.Errno) {
				return host.SendPieces(s.fd, pieces, &d, flags)
			})
			sent += n
			if errno != 0 {
				return 0, inProgress(errno)
			}
		}
		if empty {
			_, errno := host.SendPieces(s.fd, nil, &d, flags)
			return 0, errno
		}
		return 0, 0
	})
	if sent > 0 {
		return sent, 0
	}
	return 0, errno
}

// inProgress has a send with MSG_FASTOPEN wait for the connection like any other.
func inProgress(errno linux.Errno) linux.Errno {
	if errno == linux.EINPROGRESS || errno == linux.EALREADY {
		return linux.EAGAIN
	}
	return errno
}

func (s *Socket) sendDatagram(c socket.Caller, m *socket.Message, d *host.Datagram, flags int, nonblock bool) (int, linux.Errno) {
	if m.Data.Len() > maxDatagram {
		return 0, linux.EMSGSIZE
	}
	buf := datagrams.Get().(*[maxDatagram]byte)
	defer datagrams.Put(buf)
	b := buf[:m.Data.Len()]
	if _, errno := m.Data.CopyIn(b); errno != 0 {
		return 0, errno
	}
	return socket.Wait(c, &s.queue, wait.Out, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		return host.SendPieces(s.fd, [][]byte{b}, d, flags)
	})
}

// Recv is recvmsg(2).
func (s *Socket) Recv(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	flags, nonblock := int(m.Flags&recvFlags), m.Flags&linux.MSG_DONTWAIT != 0
	if s.Type == linux.SOCK_STREAM && m.Flags&linux.MSG_ERRQUEUE == 0 {
		return s.recvStream(c, m, flags, nonblock)
	}
	buf := datagrams.Get().(*[maxDatagram]byte)
	defer datagrams.Put(buf)
	b := buf[:min(m.Data.Len(), maxDatagram)]
	var d host.Datagram
	n, errno := socket.Wait(c, &s.queue, wait.In|wait.RdHup, nonblock || m.Flags&linux.MSG_ERRQUEUE != 0, s.RcvTime.Load(), func() (int, linux.Errno) {
		d = host.Datagram{Addr: make([]byte, linux.SizeofSockaddrIn6), Control: s.room()}
		n, errno := host.RecvPieces(s.fd, [][]byte{b}, &d, flags)
		if errno == linux.EAGAIN && !nonblock && m.Flags&linux.MSG_ERRQUEUE == 0 && s.Poll(nil)&wait.RdHup != 0 {
			return 0, 0 // nothing comes any more, which only a receive that waits is told
		}
		return n, errno
	})
	if errno != 0 {
		return 0, errno
	}
	if _, errno := m.Data.CopyOut(b[:min(n, len(b))]); errno != 0 {
		return 0, linux.EFAULT
	}
	s.received(m, &d)
	return n, 0
}

func (s *Socket) recvStream(c socket.Caller, m *socket.Message, flags int, nonblock bool) (int, linux.Errno) {
	if m.Flags&linux.MSG_TRUNC != 0 {
		return s.discard(c, m, flags, nonblock)
	}
	least := s.Lowat(m.Flags, m.Data.Len())
	if m.Flags&(linux.MSG_PEEK|linux.MSG_OOB) != 0 {
		least = 0
	}
	got := 0
	var d host.Datagram
	_, errno := socket.Wait(c, &s.queue, wait.In|wait.RdHup, nonblock, s.RcvTime.Load(), func() (int, linux.Errno) {
		for {
			if got > 0 && s.Poll(nil)&wait.Err != 0 {
				return 0, 0 // the error is for the next call to take
			}
			d = host.Datagram{Control: s.room()}
			asked := m.Data.Len()
			recv := func(pieces [][]byte) (int, linux.Errno) { return host.RecvPieces(s.fd, pieces, &d, flags) }
			if asked == 0 {
				return recv(nil)
			}
			n, errno := m.Data.Pieces(true, recv)
			got += n
			if errno != 0 {
				return 0, errno
			}
			if n == 0 || n == asked || got >= least {
				return 0, 0
			}
		}
	})
	s.received(m, &d)
	if got > 0 {
		return got, 0
	}
	return 0, errno
}

// discard is MSG_TRUNC of a stream: bytes are taken and thrown away.
func (s *Socket) discard(c socket.Caller, m *socket.Message, flags int, nonblock bool) (int, linux.Errno) {
	buf := datagrams.Get().(*[maxDatagram]byte)
	defer datagrams.Put(buf)
	var d host.Datagram
	return socket.Wait(c, &s.queue, wait.In|wait.RdHup, nonblock, s.RcvTime.Load(), func() (int, linux.Errno) {
		return host.RecvPieces(s.fd, [][]byte{buf[:min(m.Data.Len(), maxDatagram)]}, &d, flags)
	})
}

// room is where control messages go.
func (s *Socket) room() []byte {
	if !s.control.Load() {
		return nil
	}
	return make([]byte, maxControl)
}

// received takes over what came beside the data.
func (s *Socket) received(m *socket.Message, d *host.Datagram) {
	if len(d.Addr) > 0 {
		m.Addr = d.Addr
	}
	m.OutFlags |= uint32(d.Flags) & (linux.MSG_TRUNC | linux.MSG_CTRUNC | linux.MSG_OOB | linux.MSG_EOR | linux.MSG_ERRQUEUE)
	for b := d.Control; len(b) >= linux.SizeofCmsghdr; {
		n := binary.NativeEndian.Uint64(b)
		if n < linux.SizeofCmsghdr || n > uint64(len(b)) {
			return
		}
		level, typ := int32(binary.NativeEndian.Uint32(b[8:])), int32(binary.NativeEndian.Uint32(b[12:]))
		m.Other = append(m.Other, socket.Cmsg{Level: level, Type: typ, Data: b[linux.SizeofCmsghdr:n]})
		b = b[min((n+7)&^7, uint64(len(b))):]
	}
}

// controlIn makes the control messages of a send into the host's form: EINVAL for those of a kind
// that the host is not asked to do.
func controlIn(list []socket.Cmsg) (out []byte, errno linux.Errno) {
	for _, c := range list {
		switch [2]int32{c.Level, c.Type} {
		case [2]int32{linux.IPPROTO_IP, linux.IP_PKTINFO}, [2]int32{linux.IPPROTO_IP, linux.IP_TTL}, [2]int32{linux.IPPROTO_IP, linux.IP_TOS},
			[2]int32{linux.IPPROTO_IPV6, linux.IPV6_PKTINFO}, [2]int32{linux.IPPROTO_IPV6, linux.IPV6_HOPLIMIT},
			[2]int32{linux.IPPROTO_IPV6, linux.IPV6_TCLASS}, [2]int32{linux.IPPROTO_IPV6, linux.IPV6_DONTFRAG},
			[2]int32{linux.SOL_UDP, linux.UDP_SEGMENT}:
		default:
			if c.Level != linux.IPPROTO_IP && c.Level != linux.IPPROTO_IPV6 && c.Level != linux.SOL_UDP {
				continue // nobody's
			}
			return nil, linux.EINVAL
		}
		out = binary.NativeEndian.AppendUint64(out, uint64(linux.SizeofCmsghdr+len(c.Data)))
		out = binary.NativeEndian.AppendUint32(out, uint32(c.Level))
		out = binary.NativeEndian.AppendUint32(out, uint32(c.Type))
		out = append(out, c.Data...)
		out = append(out, make([]byte, -len(out)&7)...)
	}
	return out, 0
}

// Read is vfs.FileOps's.
func (s *Socket) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Read(ctx, s, f, dst)
}

// Write is vfs.FileOps's.
func (s *Socket) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Write(ctx, s, f, src)
}
