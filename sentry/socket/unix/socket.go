// Package unix is sockets of the family AF_UNIX (unix(7), net/unix/af_unix.c).
//
// A message that is sent stands in the receiver's queue, charged to the sender until it is
// taken. A connection is two sockets that are each other's peer; the one at the server's side
// is made by connect(2) and waits in the listener's queue, ready to be written to, until it is
// accepted. A datagram socket's peer is only where it sends to.
//
// Locks: Socket.read is held while messages are copied to application memory, and taken before
// Socket.mu. Of two sockets that are locked together that with the lower id comes first. No
// lock but read is held while application memory is touched or a queue is notified.
package unix

import (
	"slices"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Register makes the family known.
func Register() {
	socket.Register(linux.AF_UNIX, newSocket)
	socket.RegisterProc("unix", list)
	socket.RegisterDiag(linux.AF_UNIX, diag)
}

// The states of a socket (sk_state).
type state uint8

const (
	closed state = iota
	listening
	connected
)

// Directions that are shut down.
const (
	shutRead  = 1
	shutWrite = 2
	shutBoth  = 3
)

// Socket is a unix socket.
type Socket struct {
	socket.Base
	id    uint64 // orders locks
	names *names // the abstract names of its network namespace
	queue wait.Queue
	read  lock.Mutex[lock.SocketRead]
	wmem  atomic.Int64 // what is charged for messages sent that nobody has taken

	name atomic.Pointer[string]      // sun_path as it was bound; never changes once set
	bind lock.Mutex[lock.SocketBind] // one bind at a time

	mu       lock.Mutex[lock.Socket]
	state    state
	dead     bool // released
	embryo   bool // not accepted yet
	shut     uint8
	peer     *Socket
	messages []*message
	urgent   *message // that of messages which MSG_OOB reads; one that it has read stays, empty, where it was
	backlog  int      // of messages or connections that wait; a listener's or a datagram socket's
	accepts  []*Socket
	waiting  map[*Socket]struct{} // who is to be told that there is room
	path     vfs.Path             // of the node it is bound to

}

// message is one message in a queue (struct sk_buff).
type message struct {
	from  *Socket
	data  []byte
	off   int // what has been taken
	size  int // what is charged
	cred  *socket.Cred
	files []*vfs.File

	tossed bool  // by the receiver's filter
	at     int64 // when it was sent, if the receiver wants to know
}

// left is how many bytes have not been taken.
func (m *message) left() int { return len(m.data) - m.off }

var lastID atomic.Uint64

func newSocket(_ socket.Caller, ns socket.Namespace, typ, protocol int) (socket.Socket, linux.Errno) {
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
	n := ns.Get("unix", newNames(ns)).(*names)
	return newIn(n, typ, protocol), 0
}

// newIn makes a socket that belongs to the network namespace of n.
func newIn(n *names, typ, protocol int) *Socket {
	s := &Socket{id: lastID.Add(1), names: n, backlog: linux.UNIX_MAX_DGRAM_QLEN}
	s.Init(n.ns, linux.AF_UNIX, typ, protocol)
	return s
}

// pairs reports whether the socket is one of a type that makes connections.
func (s *Socket) pairs() bool { return s.Type != linux.SOCK_DGRAM }

// lockBoth locks a and b, which may be the same.
func lockBoth(a, b *Socket) (unlock func()) {
	switch {
	case a == b:
		a.mu.Lock()
		return a.mu.Unlock
	case a.id > b.id:
		a, b = b, a
	}
	a.mu.Lock()
	b.mu.Lock()
	return func() { b.mu.Unlock(); a.mu.Unlock() }
}

// Pair is socketpair(2).
func (s *Socket) Pair(c socket.Caller, other socket.Socket) linux.Errno {
	o := other.(*Socket)
	cred := socket.PeerCred(c)
	defer lockBoth(s, o)()
	s.peer, o.peer = o, s
	s.state, o.state = connected, connected
	s.Peer.Store(cred)
	o.Peer.Store(cred)
	return 0
}

// Stream marks it as without a position.
func (s *Socket) Stream() {}

// Waits marks it as doing its own waiting.
func (s *Socket) Waits() {}

// QuietPipe reports that a write nobody can read raises no SIGPIPE: only streams do.
func (s *Socket) QuietPipe() bool { return s.Type != linux.SOCK_STREAM }

// Read is vfs.FileOps's.
func (s *Socket) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Read(ctx, s, f, dst)
}

// Write is vfs.FileOps's.
func (s *Socket) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return socket.Write(ctx, s, f, src)
}

// Queue is vfs.Poller's.
func (s *Socket) Queue(*vfs.File) *wait.Queue { return &s.queue }

// writable reports room for more to send (unix_writable).
func (s *Socket) writable() bool { return s.wmem.Load()<<2 <= int64(s.SndBuf.Load()) }

// Poll is vfs.Poller's (unix_poll, unix_dgram_poll).
func (s *Socket) Poll(*vfs.File) wait.Event {
	var got wait.Event
	s.mu.Lock()
	if s.Error() != 0 {
		got |= wait.Err
	}
	if s.shut == shutBoth {
		got |= wait.Hup
	}
	if s.shut&shutRead != 0 {
		got |= wait.RdHup | socket.EventIn
	}
	if len(s.messages) > 0 || len(s.accepts) > 0 {
		got |= socket.EventIn
	}
	if s.urgent != nil {
		got |= wait.Pri
	}
	if s.pairs() && s.state == closed {
		got |= wait.Hup
	}
	room := s.writable() && s.state != listening
	peer := s.peer
	s.mu.Unlock()
	if room && peer != nil && s.Type != linux.SOCK_STREAM && peer.fullFor(s) {
		room = false
	}
	if room {
		got |= socket.EventOut
	}
	return got
}

// fullFor reports whether from cannot send another datagram to s, and if so notes that from is to
// be told when there is room.
func (s *Socket) fullFor(from *Socket) bool {
	if s == from {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || s.peer == from || len(s.messages) <= s.backlog {
		return false
	}
	s.tellLocked(from)
	return true
}

// tellLocked notes that o is to be told when there is room in s.
func (s *Socket) tellLocked(o *Socket) {
	if s.waiting == nil {
		s.waiting = map[*Socket]struct{}{}
	}
	s.waiting[o] = struct{}{}
}

// roomLocked takes those who wait for room; the caller notifies them without the lock.
func (s *Socket) roomLocked() map[*Socket]struct{} {
	w := s.waiting
	s.waiting = nil
	return w
}

func tell(waiting map[*Socket]struct{}) {
	for o := range waiting {
		o.queue.Notify(socket.EventOut | wait.Internal)
	}
}

// Shutdown is shutdown(2). The peer of a connection has the other direction shut.
func (s *Socket) Shutdown(how int) linux.Errno {
	mode := uint8(how + 1)
	s.mu.Lock()
	s.shut |= mode
	peer := s.peer
	s.mu.Unlock()
	if peer != nil && s.pairs() {
		peer.shutDown(mode>>1&shutRead | mode<<1&shutWrite)
	}
	s.queue.Notify(changed | wait.Silent)
	return 0
}

// changed are the events of a new state.
const changed = socket.EventAll &^ wait.Pri

func (s *Socket) shutDown(mode uint8) {
	s.mu.Lock()
	s.shut |= mode
	s.mu.Unlock()
	switch {
	case mode == shutBoth:
		s.queue.Notify(changed | wait.HungUp)
	case mode&shutRead != 0:
		s.queue.Notify(changed)
	default:
		s.queue.Notify(changed | wait.Silent)
	}
}

// Release is vfs.FileOps's: the last descriptor is gone.
func (s *Socket) Release(*vfs.File) {
	s.release()
	collect()
}

// release ends the socket (unix_release_sock). The peer of a connection is told; that it is reset
// if something it sent was not read. Connections that nobody accepted end, too.
func (s *Socket) release() {
	s.names.remove(s)
	s.names.leave(s)
	s.mu.Lock()
	s.dead = true
	s.shut = shutBoth
	wasEmbryo := s.embryo
	s.state = closed
	s.Listening.Store(false)
	peer, messages, accepts, path := s.peer, s.messages, s.accepts, s.path
	s.peer, s.messages, s.accepts, s.path, s.urgent = nil, nil, nil, vfs.Path{}, nil
	waiting := s.roomLocked()
	s.mu.Unlock()
	if peer != nil && s.pairs() {
		peer.mu.Lock()
		peer.shut = shutBoth
		if slices.ContainsFunc(messages, func(m *message) bool { return m.left() > 0 || s.Type != linux.SOCK_STREAM }) || wasEmbryo {
			peer.SetError(linux.ECONNRESET)
		}
		peer.mu.Unlock()
		peer.queue.Notify(changed | wait.HungUp)
	}
	for _, m := range messages {
		m.drop()
	}
	for _, a := range accepts {
		a.release()
	}
	tell(waiting)
	if path.Dentry != nil {
		path.Inode().SetSpecial(nil)
		path.Put()
	}
}

// drop ends a message that nobody will read.
func (m *message) drop() {
	m.discharge()
	m.dropFiles()
}

// discharge gives the sender its room back. SIGIO tells of it only if there was none (SOCKWQ_ASYNC_NOSPACE).
func (m *message) discharge() {
	room, event := m.from.writable(), socket.EventOut
	m.from.wmem.Add(-int64(m.size))
	m.size = 0
	if room {
		event |= wait.Silent
	}
	if m.from.writable() {
		m.from.queue.Notify(event)
	}
}

// Ioctl is vfs.Ioctler's: SIOCINQ and SIOCOUTQ.
func (s *Socket) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	n := 0
	switch cmd {
	case linux.SIOCOUTQ:
		n = int(s.wmem.Load())
	case linux.SIOCINQ:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.state == listening {
			return 0, linux.EINVAL
		}
		for _, m := range s.messages {
			n += m.left()
			if s.Type == linux.SOCK_DGRAM {
				break
			}
		}
	case linux.SIOCATMARK:
		if s.Type != linux.SOCK_STREAM {
			return 0, linux.EOPNOTSUPP
		}
		if s.atMark() {
			n = 1
		}
	default:
		return socket.Ioctl(ctx, &s.Base, cmd, arg)
	}
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(n))
}
