// Package unix is AF_UNIX sockets (unix(7), net/unix): stream, datagram and sequenced packets, by
// path, abstract name or pair, with descriptors and credentials passed along.
//
//	unix.go     a socket's state, names
//	connect.go  bind, listen, connect, accept, shutdown
//	queue.go    what is on its way to a socket
//	msg.go      sending and receiving
//	option.go   socket options
//
// Locks: a socket's own lock is taken alone, never two at once; the receive queue has its own.
package unix

import (
	"encoding/hex"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Caller is who makes a call.
type Caller interface {
	vfs.Ctx
	PID() int32
}

// Cred is what a peer learns of a process.
type Cred struct {
	PID int32
	UID auth.UID
	GID auth.GID
}

func credOf(c Caller) Cred { return Cred{c.PID(), c.Cred().Euid, c.Cred().Egid} }

// Names are the abstract names of a network namespace.
type Names struct {
	mu   sync.Mutex
	by   map[string]*Socket
	next uint32 // of autobind
}

// NewNames returns an empty table.
func NewNames() *Names { return &Names{by: map[string]*Socket{}} }

// Socket is one socket. It implements vfs.FileOps and what poll needs.
type Socket struct {
	typ   int
	names *Names
	queue wait.Queue // of those who wait for this socket
	in    inbox

	mu       sync.Mutex
	name     string     // as getsockname gives it behind the family: a path with its NUL, or NUL and a name
	inode    *vfs.Inode // of a path, with a reference
	peer     *Socket
	peerCred Cred
	peerSet  bool // peerCred counts
	listen   *listener
	noRead   bool // shut down, or the peer's other half
	noWrite  bool
	was      bool // it was connected: a stream whose peer is gone reads the end
	closed   bool
	err      linux.Errno // SO_ERROR
	opt      options
}

var sockfs = vfs.NewPseudo("sockfs", 0x534f434b)

// New returns a socket of a type and its open file: ESOCKTNOSUPPORT for types there are not.
func New(c Caller, names *Names, typ, protocol int, flags uint32) (*vfs.File, linux.Errno) {
	if protocol != 0 && protocol != linux.AF_UNIX {
		return nil, linux.EPROTONOSUPPORT
	}
	switch typ {
	case linux.SOCK_STREAM, linux.SOCK_DGRAM, linux.SOCK_SEQPACKET:
	case linux.SOCK_RAW:
		typ = linux.SOCK_DGRAM
	default:
		return nil, linux.ESOCKTNOSUPPORT
	}
	return fileOf(c, newSocket(names, typ), flags), 0
}

func newSocket(names *Names, typ int) *Socket {
	s := &Socket{typ: typ, names: names}
	s.opt.init()
	s.in.owner = s
	s.in.limit = defaultBuffer
	return s
}

func fileOf(c Caller, s *Socket, flags uint32) *vfs.File {
	return vfs.NewFile(c, sockfs.NewPath(c, "socket", linux.S_IFSOCK|0o777), s, linux.O_RDWR|flags)
}

// Pair is socketpair(2).
func Pair(c Caller, names *Names, typ, protocol int, flags uint32) (a, b *vfs.File, errno linux.Errno) {
	if a, errno = New(c, names, typ, protocol, flags); errno != 0 {
		return nil, nil, errno
	}
	if b, errno = New(c, names, typ, protocol, flags); errno != 0 {
		a.Put()
		return nil, nil, errno
	}
	x, y := a.Ops.(*Socket), b.Ops.(*Socket)
	cred := credOf(c)
	x.peer, x.peerCred, x.peerSet, x.was = y, cred, true, true
	y.peer, y.peerCred, y.peerSet, y.was = x, cred, true, true
	return a, b, 0
}

// Of returns the socket that f is, nil if it is none.
func Of(f *vfs.File) *Socket {
	s, _ := f.Ops.(*Socket)
	return s
}

// connected tells whether the type has connections.
func (s *Socket) connected() bool { return s.typ != linux.SOCK_DGRAM }

// Stream marks it as without a position.
func (*Socket) Stream() {}

// Read is read(2) of a socket.
func (s *Socket) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	r, errno := s.recvOnce(dst, 0, false)
	r.drop()
	return r.N, errno
}

// Write is write(2) of a socket.
func (s *Socket) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	c, ok := ctx.(Caller)
	if !ok {
		return 0, linux.EINVAL
	}
	return s.sendOnce(c, src, &Message{}, nil)
}

// Poll is vfs.Poller's.
func (s *Socket) Poll(*vfs.File) wait.Event {
	s.mu.Lock()
	peer, l, was := s.peer, s.listen, s.was
	noRead, noWrite, bad := s.noRead, s.noWrite, s.err != 0
	s.mu.Unlock()
	var got wait.Event
	if bad {
		got |= wait.Err
	}
	if l != nil {
		if l.pending() > 0 {
			got |= wait.In | wait.RdNorm
		}
		return got
	}
	if s.in.len() > 0 || noRead {
		got |= wait.In | wait.RdNorm
	}
	if noRead {
		got |= wait.RdHup
	}
	if noRead && noWrite || s.connected() && peer == nil {
		got |= wait.Hup
		if was {
			got |= wait.In | wait.RdNorm | wait.RdHup
		}
	}
	if peer == nil || peer.in.room() > 0 {
		got |= wait.Out | wait.WrNorm | wait.WrBand
	}
	return got
}

// Queue is vfs.Poller's.
func (s *Socket) Queue(*vfs.File) *wait.Queue { return &s.queue }

// Requests of ioctl(2).
const (
	siocinq  = 0x541b
	siocoutq = 0x5411
)

// Ioctl is vfs.Ioctler's.
func (s *Socket) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	n := 0
	switch cmd {
	case siocinq:
		if s.listening() {
			return 0, linux.EINVAL
		}
		n = s.in.first(s.connected() && s.typ == linux.SOCK_STREAM)
	case siocoutq:
		s.mu.Lock()
		peer := s.peer
		s.mu.Unlock()
		if peer != nil {
			n = peer.in.bytes()
		}
	default:
		return 0, linux.ENOTTY
	}
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(n))
}

func (s *Socket) listening() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listen != nil
}

// Release is vfs.FileOps's: names go, the peer sees the end, what was on its way is dropped.
func (s *Socket) Release(*vfs.File) { s.close() }

func (s *Socket) close() {
	s.mu.Lock()
	peer, l, inode, name := s.peer, s.listen, s.inode, s.name
	s.closed, s.peer, s.listen, s.inode = true, nil, nil, nil
	unread := s.in.len() > 0
	s.mu.Unlock()
	if name != "" && name[0] == 0 {
		s.names.remove(name, s)
	}
	if inode != nil {
		if inode.Special(nil) == any(s) {
			inode.SetSpecial(nil)
		}
		inode.Put()
	}
	if l != nil {
		l.close()
	}
	s.in.clear()
	if peer != nil {
		peer.peerGone(s, unread)
	}
}

// peerGone notes that the other side of a connection has been closed.
func (s *Socket) peerGone(other *Socket, unread bool) {
	s.mu.Lock()
	if s.peer == other {
		if s.connected() {
			s.noRead, s.noWrite = true, true
			if unread {
				s.err = linux.ECONNRESET
			}
		}
		s.peer = nil
	}
	s.mu.Unlock()
	s.queue.Notify(wait.All)
}

func (n *Names) remove(name string, s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.by[name] == s {
		delete(n.by, name)
	}
}

// find returns the socket with an abstract name.
func (n *Names) find(name string) *Socket {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.by[name]
}

// auto gives s a name of its own: NUL and five hexadecimal digits (unix_autobind).
func (n *Names) auto(s *Socket) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		n.next = (n.next + 1) & 0xfffff
		b := []byte{byte(n.next >> 16), byte(n.next >> 8), byte(n.next)}
		name := "\x00" + hex.EncodeToString(b)[1:]
		if n.by[name] == nil {
			n.by[name] = s
			return name
		}
	}
}
