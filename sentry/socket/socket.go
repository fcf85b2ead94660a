// Package socket is what all sockets share: the registry of address families, messages with
// their control data, the options at SOL_SOCKET (net/socket.c, net/core/sock.c).
//
// A family registers how a socket of it is made; its sockets are the operations of an open file
// of sockfs. The system calls (sentry/syscalls) copy messages in and out and turn descriptors
// and process ids into what they stand for; a family never sees either.
package socket

import (
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/link"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Caller is the task that makes a call.
type Caller interface {
	vfs.Ctx
	FS() *vfs.FS
	// Process identifies the caller's process: comparable, good for Cred.Process. PID is its
	// number where it lives.
	Process() any
	PID() int32
}

// Namespace is a network namespace: a place for what a family keeps for each.
type Namespace interface {
	Get(name string, make func() any) any
}

// Socket is a socket of any family. Addresses are struct sockaddr as the application gave them,
// at least two bytes long; nil is none.
type Socket interface {
	vfs.FileOps
	vfs.Poller
	Common() *Base
	Bind(c Caller, addr []byte) linux.Errno
	// Connect waits unless nonblock.
	Connect(c Caller, addr []byte, nonblock bool) linux.Errno
	// Name is getsockname(2), or of the peer getpeername(2).
	Name(peer bool) ([]byte, linux.Errno)
	// Send sends m and takes the control data it could use out of it. It waits unless
	// m.Flags has MSG_DONTWAIT.
	Send(c Caller, m *Message) (int, linux.Errno)
	// Recv fills m and returns the result of recvmsg(2).
	Recv(c Caller, m *Message) (int, linux.Errno)
	// Shutdown is shutdown(2): how is SHUT_RD, SHUT_WR or SHUT_RDWR.
	Shutdown(how int) linux.Errno
}

// Listener is a socket that connections can be made to; the others answer EOPNOTSUPP.
type Listener interface {
	Listen(c Caller, backlog int) linux.Errno
	Accept(c Caller, nonblock bool) (Socket, linux.Errno)
}

// Pairer is a socket that socketpair(2) can connect to another of the same kind.
type Pairer interface {
	Pair(c Caller, other Socket) linux.Errno
}

// Optioner has options beside those of SOL_SOCKET: ENOPROTOOPT for what it does not know.
type Optioner interface {
	SetOption(c Caller, level, name int, value []byte) linux.Errno
	// Option returns the value, at most n bytes.
	Option(c Caller, level, name, n int) ([]byte, linux.Errno)
}

// Maker makes a socket of a family: ESOCKTNOSUPPORT, EPROTONOSUPPORT.
type Maker func(c Caller, ns Namespace, typ, protocol int) (Socket, linux.Errno)

var (
	familiesMu sync.RWMutex
	families   = map[int]Maker{}
)

// Register adds an address family; packages call it once, at start.
func Register(family int, make Maker) {
	familiesMu.Lock()
	defer familiesMu.Unlock()
	families[family] = make
}

// MakerOf returns what makes sockets of a family; nil if it is not there.
func MakerOf(family int) Maker {
	familiesMu.RLock()
	defer familiesMu.RUnlock()
	return families[family]
}

// New makes a socket (__sock_create): EAFNOSUPPORT for a family that is not there, EINVAL for a
// type that cannot be.
func New(c Caller, ns Namespace, family, typ, protocol int) (Socket, linux.Errno) {
	if family < 0 || family >= linux.AF_MAX {
		return nil, linux.EAFNOSUPPORT
	}
	if typ < 0 || typ >= linux.SOCK_MAX {
		return nil, linux.EINVAL
	}
	make := MakerOf(family)
	if make == nil {
		return nil, linux.EAFNOSUPPORT
	}
	return make(c, ns, typ, protocol)
}

// sockfs holds the inodes of sockets.
var sockfs = vfs.NewPseudo("sockfs", 0x534F434B)

// Opened is a socket that wants to know when there is a file for it: its Release will come.
type Opened interface{ Opened() }

// held is a namespace that lives while somebody has it.
type held interface {
	Hold()
	Drop()
}

// End takes apart what a namespace that has ended holds.
func End(ns Namespace) { link.End(Devices(ns)) }

// Open returns an open file of s; flags may have O_NONBLOCK.
func Open(c vfs.Ctx, s Socket, flags uint32) *vfs.File {
	ns, ok := s.Common().NS.(held)
	if ok {
		ns.Hold()
	}
	p := sockfs.NewPathHolding(c, "socket", linux.S_IFSOCK|0o777, ns)
	s.Common().inode.Store(p.Inode())
	if o, ok := s.(Opened); ok {
		o.Opened()
	}
	return vfs.NewFile(c, p, s, linux.O_RDWR|flags&linux.O_NONBLOCK)
}

// Of returns the socket of an open file: ENOTSOCK if it is none.
func Of(f *vfs.File) (Socket, linux.Errno) {
	if s, ok := f.Ops.(Socket); ok {
		return s, 0
	}
	return nil, linux.ENOTSOCK
}

// Events as pollers may ask for them.
const (
	EventIn  = wait.In | wait.RdNorm
	EventOut = wait.Out | wait.WrNorm | wait.WrBand
	EventAll = EventIn | EventOut | wait.Err | wait.Hup | wait.RdHup | wait.Pri | wait.Internal
)

// Wait runs try until it answers something else than EAGAIN: at once if nonblock, at the latest
// after timeout nanoseconds (0: never), then EAGAIN. An interrupted call is restarted only if
// there is no time-out (sock_intr_errno).
func Wait(c vfs.Ctx, q *wait.Queue, events wait.Event, nonblock bool, timeout int64, try func() (int, linux.Errno)) (int, linux.Errno) {
	if nonblock {
		return try()
	}
	deadline := wait.Forever
	if timeout != 0 {
		deadline = time.Now().Add(time.Duration(timeout))
	}
	answered := false
	n, errno := wait.Until(q, events|wait.Hup|wait.Err, c.Waiter(), deadline, func() (int, linux.Errno) {
		n, errno := try()
		answered = errno != linux.EAGAIN
		return n, errno
	})
	switch {
	case answered:
	case errno == linux.ETIMEDOUT:
		errno = linux.EAGAIN
	case errno == linux.ERESTARTSYS && timeout != 0:
		errno = linux.EINTR
	}
	return n, errno
}

// Read is vfs.FileOps's Read of a socket: it waits by itself, since the socket may have a
// time-out. A read of no bytes does nothing.
func Read(ctx vfs.Ctx, s Socket, f *vfs.File, dst *usermem.Buf) (int, linux.Errno) {
	if dst.Len() == 0 {
		return 0, 0
	}
	m := Message{Data: dst, Flags: statusFlags(f)}
	defer m.Drop()
	return s.Recv(callerOf(ctx), &m)
}

// Write is Read's counterpart.
func Write(ctx vfs.Ctx, s Socket, f *vfs.File, src *usermem.Buf) (int, linux.Errno) {
	m := Message{Data: src, Flags: statusFlags(f)}
	if s.Common().Type == linux.SOCK_SEQPACKET {
		m.Flags |= linux.MSG_EOR
	}
	return s.Send(callerOf(ctx), &m)
}

func statusFlags(f *vfs.File) uint32 {
	if f.NonBlocking() {
		return linux.MSG_DONTWAIT
	}
	return 0
}

// callerOf is ctx as a task, or the kernel in its place.
func callerOf(ctx vfs.Ctx) Caller {
	if c, ok := ctx.(Caller); ok {
		return c
	}
	return kernelCaller{ctx}
}

type kernelCaller struct{ vfs.Ctx }

func (kernelCaller) FS() *vfs.FS  { return nil }
func (kernelCaller) Process() any { return nil }
func (kernelCaller) PID() int32   { return 0 }
