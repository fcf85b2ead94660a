package unix

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Names of sockets: a node in the file tree, or a string that begins with a zero byte and is
// known in the network namespace alone (an abstract name).

// names are the abstract names of a network namespace.
type names struct {
	ns    socket.Namespace
	mu    sync.Mutex
	taken map[nameKey]*Socket
	next  uint32 // for autobind
	all   map[uint64]*Socket
}

func newNames(ns socket.Namespace) func() any {
	return func() any { return &names{ns: ns, taken: map[nameKey]*Socket{}, all: map[uint64]*Socket{}} }
}

// nameKey is an abstract name; each type has names of its own.
type nameKey struct {
	typ  int
	name string
}

// add takes a name: false if it is taken.
func (n *names) add(s *Socket, name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := nameKey{s.Type, name}
	if n.taken[k] != nil {
		return false
	}
	n.taken[k] = s
	s.name.Store(&name)
	return true
}

// remove frees the name of s, if it has an abstract one.
func (n *names) remove(s *Socket) {
	name := s.name.Load()
	if name == nil || (*name)[0] != 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := (nameKey{s.Type, *name}); n.taken[k] == s {
		delete(n.taken, k)
	}
}

func (n *names) find(typ int, name string) *Socket {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.taken[nameKey{typ, name}]
}

// parse checks a struct sockaddr_un and returns its name: an abstract one with its zero byte, or
// a path (unix_validate_addr, unix_mkname_bsd).
func parse(addr []byte) (string, linux.Errno) {
	if len(addr) <= 2 || len(addr) > 2+linux.UNIX_PATH_MAX || addr[0] != linux.AF_UNIX || addr[1] != 0 {
		return "", linux.EINVAL
	}
	name := addr[2:]
	if name[0] != 0 {
		if i := bytes.IndexByte(name, 0); i >= 0 {
			name = name[:i]
		}
	}
	return string(name), 0
}

// sockaddr is a name as the application is shown it. Paths end with a zero byte.
func sockaddr(name *string) []byte {
	b := []byte{linux.AF_UNIX, 0}
	if name != nil {
		b = append(b, *name...)
		if (*name)[0] != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// Name is getsockname(2) and getpeername(2).
func (s *Socket) Name(peer bool) ([]byte, linux.Errno) {
	if peer {
		s.mu.Lock()
		o := s.peer
		s.mu.Unlock()
		if o == nil {
			return nil, linux.ENOTCONN
		}
		s = o
	}
	return sockaddr(s.name.Load()), 0
}

// Bind is bind(2).
func (s *Socket) Bind(c socket.Caller, addr []byte) linux.Errno {
	if len(addr) == 2 && addr[0] == linux.AF_UNIX && addr[1] == 0 {
		return s.autobind()
	}
	name, errno := parse(addr)
	if errno != 0 {
		return errno
	}
	s.bind.Lock()
	defer s.bind.Unlock()
	if name[0] != 0 {
		return s.bindPath(c, name)
	}
	if s.name.Load() != nil {
		return linux.EINVAL
	}
	if !s.names.add(s, name) {
		return linux.EADDRINUSE
	}
	return 0
}

// bindPath makes the node and binds s to it. s.bind is held.
func (s *Socket) bindPath(c socket.Caller, name string) linux.Errno {
	perm := uint32(0o777)
	if i := s.Inode(); i != nil {
		perm = i.Mode() & 0o7777
	}
	at := c.FS().At()
	defer at.Put()
	p, errno := vfs.MknodAt(c, at, name, linux.S_IFSOCK|perm&^c.FS().Umask(), 0)
	if errno == linux.EEXIST {
		return linux.EADDRINUSE
	}
	if errno != 0 {
		return errno
	}
	if s.name.Load() != nil {
		p.Put()
		vfs.Unlink(c, at, name, false)
		return linux.EINVAL
	}
	p.Inode().SetSpecial(s)
	s.mu.Lock()
	s.path = p
	s.mu.Unlock()
	s.name.Store(&name)
	return 0
}

// autobind gives s an abstract name of five hexadecimal digits, if it has none.
func (s *Socket) autobind() linux.Errno {
	s.bind.Lock()
	defer s.bind.Unlock()
	if s.name.Load() != nil {
		return 0
	}
	n := s.names
	for range 1 << 20 {
		n.mu.Lock()
		n.next = (n.next + 1) & 0xfffff
		name := fmt.Sprintf("\x00%05x", n.next)
		n.mu.Unlock()
		if n.add(s, name) {
			return 0
		}
	}
	return linux.ENOSPC
}

// find returns the socket of type typ that an address names (unix_find_other). A path needs write
// permission.
func (s *Socket) find(c socket.Caller, addr []byte) (*Socket, linux.Errno) {
	name, errno := parse(addr)
	if errno != 0 {
		return nil, errno
	}
	if name[0] == 0 {
		if o := s.names.find(s.Type, name); o != nil {
			return o, 0
		}
		return nil, linux.ECONNREFUSED
	}
	at := c.FS().At()
	defer at.Put()
	p, errno := vfs.Walk(c, at, name, vfs.Follow)
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
	switch {
	case o == nil:
		return nil, linux.ECONNREFUSED
	case o.Type != s.Type:
		return nil, linux.EPROTOTYPE
	}
	return o, 0
}
