package unix

import (
	"strings"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// listener is a listening socket's queue of connections.
type listener struct {
	mu      sync.Mutex
	backlog int
	ready   []*Socket // our ends
	closed  bool
	cred    Cred
	queue   *wait.Queue // the socket's
	room    wait.Queue  // those who wait for a place
}

func (l *listener) pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ready)
}

func (l *listener) close() {
	l.mu.Lock()
	ready := l.ready
	l.ready, l.closed = nil, true
	l.mu.Unlock()
	for _, s := range ready {
		s.close()
	}
	l.room.Notify(wait.Internal)
}

// Address is a decoded struct sockaddr_un: Path for a name in the file system, Name for an
// abstract one (with its leading NUL), neither for an unnamed one.
type Address struct {
	Path string
	Name string
}

// ParseAddress decodes what follows the family: EINVAL if it is too long or empty where a name is
// needed.
func ParseAddress(b []byte) (Address, linux.Errno) {
	if len(b) > linux.UNIX_PATH_MAX {
		return Address{}, linux.EINVAL
	}
	if len(b) == 0 {
		return Address{}, 0
	}
	if b[0] == 0 {
		return Address{Name: string(b)}, 0
	}
	path, _, _ := strings.Cut(string(b), "\x00")
	return Address{Path: path}, 0
}

// Bind is bind(2); at is where paths begin and mode what the umask leaves of 0777.
func (s *Socket) Bind(c Caller, at vfs.At, a Address, mode uint32) linux.Errno {
	s.mu.Lock()
	bound := s.name != ""
	s.mu.Unlock()
	if bound {
		if a.Path == "" && a.Name == "" {
			return 0
		}
		return linux.EINVAL
	}
	switch {
	case a.Path != "":
		p, errno := vfs.MknodAt(c, at, a.Path, linux.S_IFSOCK|mode, 0)
		if errno == linux.EEXIST {
			errno = linux.EADDRINUSE
		}
		if errno != 0 {
			return errno
		}
		defer p.Put()
		i := p.Inode()
		i.Get()
		i.SetSpecial(s)
		s.mu.Lock()
		s.name, s.inode = a.Path+"\x00", i
		s.mu.Unlock()
	case a.Name != "":
		s.names.mu.Lock()
		if s.names.by[a.Name] != nil {
			s.names.mu.Unlock()
			return linux.EADDRINUSE
		}
		s.names.by[a.Name] = s
		s.names.mu.Unlock()
		s.setName(a.Name)
	default:
		s.setName(s.names.auto(s))
	}
	return 0
}

func (s *Socket) setName(name string) {
	s.mu.Lock()
	s.name = name
	s.mu.Unlock()
}

// Name is what getsockname(2) gives behind the family; PeerName getpeername(2): ENOTCONN.
func (s *Socket) Name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// PeerName is the peer's name.
func (s *Socket) PeerName() (string, linux.Errno) {
	s.mu.Lock()
	p := s.peer
	s.mu.Unlock()
	if p == nil {
		return "", linux.ENOTCONN
	}
	return p.Name(), 0
}

// Listen is listen(2).
func (s *Socket) Listen(c Caller, backlog int) linux.Errno {
	if !s.connected() {
		return linux.EOPNOTSUPP
	}
	if backlog < 0 || backlog > linux.SOMAXCONN {
		backlog = linux.SOMAXCONN
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.name == "" || s.peer != nil {
		return linux.EINVAL
	}
	if s.listen == nil {
		s.listen = &listener{queue: &s.queue}
	}
	s.listen.mu.Lock()
	s.listen.backlog, s.listen.cred = backlog, credOf(c)
	s.listen.mu.Unlock()
	return 0
}

// lookup finds the socket of an address: ECONNREFUSED if nobody has it.
func (s *Socket) lookup(c Caller, at vfs.At, a Address) (*Socket, linux.Errno) {
	if a.Path == "" {
		if a.Name == "" {
			return nil, linux.EINVAL
		}
		if o := s.names.find(a.Name); o != nil {
			return o, 0
		}
		return nil, linux.ECONNREFUSED
	}
	p, errno := vfs.Walk(c, at, a.Path, vfs.Follow)
	if errno != 0 {
		return nil, errno
	}
	defer p.Put()
	i := p.Inode()
	if errno := i.Permission(c, vfs.MayWrite); errno != 0 {
		return nil, errno
	}
	if i.Type() != linux.S_IFSOCK {
		return nil, linux.ECONNREFUSED
	}
	o, _ := i.Special(nil).(*Socket)
	if o == nil {
		return nil, linux.ECONNREFUSED
	}
	return o, 0
}

// Connect is connect(2). For datagrams disconnect is AF_UNSPEC.
func (s *Socket) Connect(c Caller, at vfs.At, a Address, disconnect, nonblock bool) linux.Errno {
	if !s.connected() {
		return s.connectDatagram(c, at, a, disconnect)
	}
	s.mu.Lock()
	peer, l := s.peer, s.listen
	s.mu.Unlock()
	switch {
	case disconnect:
		return linux.EINVAL
	case peer != nil:
		return linux.EISCONN
	case l != nil:
		return linux.EINVAL
	}
	o, errno := s.lookup(c, at, a)
	if errno != 0 {
		return errno
	}
	if o.typ != s.typ {
		return linux.EPROTOTYPE
	}
	return s.connectTo(c, o, nonblock)
}

// connectTo queues a new socket with the listener o.
func (s *Socket) connectTo(c Caller, o *Socket, nonblock bool) linux.Errno {
	o.mu.Lock()
	l, name := o.listen, o.name
	o.mu.Unlock()
	if l == nil {
		return linux.ECONNREFUSED
	}
	mine := newSocket(s.names, s.typ) // the accepting side
	mine.name = name
	mine.opt = o.optionsCopy()
	try := func() (int, linux.Errno) {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case l.closed:
			return 0, linux.ECONNREFUSED
		case len(l.ready) > l.backlog:
			return 0, linux.EAGAIN
		}
		s.mu.Lock()
		if s.peer != nil {
			s.mu.Unlock()
			return 0, linux.EISCONN
		}
		s.peer, s.peerCred, s.peerSet, s.was = mine, l.cred, true, true
		s.mu.Unlock()
		mine.peer, mine.peerCred, mine.peerSet, mine.was = s, credOf(c), true, true
		l.ready = append(l.ready, mine)
		return 0, 0
	}
	_, errno := try()
	if errno == linux.EAGAIN && !nonblock {
		_, errno = wait.Until(&l.room, wait.Internal, c.Waiter(), s.deadline(false), try)
		if errno == linux.ETIMEDOUT {
			errno = linux.EAGAIN
		}
	}
	if errno == 0 {
		l.queue.Notify(wait.In)
		s.queue.Notify(wait.Out)
	}
	return errno
}

// connectDatagram sets or clears the peer of a datagram socket.
func (s *Socket) connectDatagram(c Caller, at vfs.At, a Address, disconnect bool) linux.Errno {
	var o *Socket
	if !disconnect {
		var errno linux.Errno
		if o, errno = s.lookup(c, at, a); errno != 0 {
			return errno
		}
		if o.typ != s.typ {
			return linux.EPROTOTYPE
		}
		o.mu.Lock()
		other := o.peer
		o.mu.Unlock()
		if other != nil && other != s {
			return linux.EPERM
		}
	}
	s.mu.Lock()
	s.peer = o
	s.mu.Unlock()
	s.queue.Notify(wait.Out)
	return 0
}

// Accept is accept(2): it waits for a connection.
func (s *Socket) Accept(c Caller, nonblock bool, flags uint32) (*vfs.File, *Socket, linux.Errno) {
	s.mu.Lock()
	l := s.listen
	s.mu.Unlock()
	if !s.connected() {
		return nil, nil, linux.EOPNOTSUPP
	}
	if l == nil {
		return nil, nil, linux.EINVAL
	}
	var got *Socket
	try := func() (int, linux.Errno) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			return 0, linux.EINVAL
		}
		if len(l.ready) == 0 {
			if s.isShut() {
				return 0, linux.EINVAL
			}
			return 0, linux.EAGAIN
		}
		got, l.ready = l.ready[0], l.ready[1:]
		return 0, 0
	}
	_, errno := try()
	if errno == linux.EAGAIN && !nonblock {
		_, errno = wait.Until(&s.queue, wait.In, c.Waiter(), s.deadline(true), try)
		if errno == linux.ETIMEDOUT {
			errno = linux.EAGAIN
		}
	}
	if errno != 0 {
		return nil, nil, errno
	}
	l.room.Notify(wait.Internal)
	return fileOf(c, got, flags), got, 0
}

func (s *Socket) isShut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noRead
}

// Shutdown is shutdown(2).
func (s *Socket) Shutdown(how int) linux.Errno {
	if how < 0 || how > 2 {
		return linux.EINVAL
	}
	s.mu.Lock()
	s.noRead = s.noRead || how != linux.SHUT_WR
	s.noWrite = s.noWrite || how != linux.SHUT_RD
	peer := s.peer
	s.mu.Unlock()
	if peer != nil && s.connected() {
		peer.mu.Lock()
		peer.noRead = peer.noRead || how != linux.SHUT_RD
		peer.noWrite = peer.noWrite || how != linux.SHUT_WR
		peer.mu.Unlock()
		peer.queue.Notify(wait.All)
	}
	s.queue.Notify(wait.All)
	return 0
}

// deadline is when a blocking call gives up (SO_RCVTIMEO, SO_SNDTIMEO).
func (s *Socket) deadline(read bool) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	ns := s.opt.sendTimeout
	if read {
		ns = s.opt.recvTimeout
	}
	if ns == 0 {
		return wait.Forever
	}
	return time.Now().Add(time.Duration(ns))
}
