package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
)

// attach is a part of the host's tree that the container gets to see.
type attach struct {
	fd       int
	readonly bool
	cross    bool // mounts below are seen, too
}

// node is a file the client has an id of. Whoever uses it holds a reference, the table has one.
type node struct {
	fd       int // O_PATH
	typ      uint32
	dev, ino uint64
	at       *attach
	refs     atomic.Int32

	// Where a regular file was found: the fastest way to open it. It may have been moved.
	dir  *node // with a reference; nil: not known
	name string
}

func (n *node) put() {
	for n != nil && n.refs.Add(-1) == 0 {
		closeFD(n.fd)
		n = n.dir
	}
}

// server answers one client.
type server struct {
	conn     int
	attaches []attach
	uids     idMap
	gids     idMap
	logFD    int
	debug    bool

	nodes struct {
		sync.RWMutex
		byID map[uint64]*node
		last uint64 // id given last
		max  int
		room int // descriptors there is room for without waiting
	}

	send  sync.Mutex // whole frames
	busy  chan struct{}
	tasks sync.WaitGroup
	ended atomic.Bool // something malformed was seen
}

// maxBusy bounds the requests that are worked on at the same time.
const maxBusy = 64

// shortWait is how long the Go runtime hears nothing of a wait for the next request, in nanoseconds. Else
// it would keep a thread awake that looks every few microseconds for calls that take long. It is more than a tick of the host: a timer that
// is due before has to be set for each wait, which in a virtual machine costs more than a request.
const shortWait = 10e6

// firstRoom is how many descriptors there is room for from the start.
const firstRoom = 1024

// newServer returns a server without attach points.
func newServer(c *wire.Config) *server {
	s := &server{conn: c.Conn, uids: c.UIDs, gids: c.GIDs, logFD: c.LogFD, debug: c.Debug, busy: make(chan struct{}, maxBusy)}
	s.nodes.byID = make(map[uint64]*node)
	s.nodes.max = host.OpenFiles() - 2*maxBusy - len(c.Attach) - 32
	s.nodes.room = firstRoom
	return s
}

// log writes a line.
func (s *server) log(level, format string, args ...any) {
	if s.logFD < 0 {
		return
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	writeLog(s.logFD, []byte(now+" "+level+": gofer: "+fmt.Sprintf(format, args...)+"\n"))
}

// serve answers requests until the connection ends. A request is answered where it was read
// if the answer can be expected to take little time and no other request waits already; else
// by a goroutine.
func (s *server) serve() {
	recv := func(p []byte, fds []int, wait bool) (int, int, linux.Errno) {
		for {
			if wait {
				host.WaitRead([]int{s.conn}, -1, shortWait)
			}
			n, nfds, _, errno := host.Recvmsg(s.conn, p, fds, unix.MSG_DONTWAIT)
			if errno != linux.EAGAIN || !wait {
				return n, nfds, errno
			}
		}
	}
	in := wire.NewStream(recv, 0)
	own := new(reply)
	go reserveFDs(firstRoom)
	for !s.ended.Load() {
		f, err := in.Next()
		if err == wire.ErrFrame {
			s.fail("%v", err)
		}
		if err != nil {
			break
		}
		if !f.Op.Valid() || f.Errno != 0 {
			s.fail("no such request: %d", f.Op)
			break
		}
		if f.Op == wire.OpForget || !handlers[f.Op].slow && !in.Buffered() {
			s.answer(f, own)
			continue
		}
		f.Body = append([]byte(nil), f.Body...)
		s.busy <- struct{}{}
		s.tasks.Add(1)
		go func() {
			r := replies.Get().(*reply)
			s.answer(f, r)
			replies.Put(r)
			<-s.busy
			s.tasks.Done()
		}()
	}
	host.Shutdown(s.conn, unix.SHUT_RDWR)
	s.tasks.Wait()
	s.nodes.Lock()
	defer s.nodes.Unlock()
	for id, n := range s.nodes.byID {
		delete(s.nodes.byID, id)
		n.put()
	}
}

// fail ends the connection for what the client did.
func (s *server) fail(format string, args ...any) {
	if !s.ended.Swap(true) {
		s.log("warning", "connection closed: "+format, args...)
		host.Shutdown(s.conn, unix.SHUT_RDWR)
	}
}

// reply is an answer in the making.
type reply struct {
	wire.Encoder
	fds []int // closed once sent
}

var replies = sync.Pool{New: func() any { return new(reply) }}

// attachFD sends fd along.
func (r *reply) attachFD(fd int) { r.fds = append(r.fds, fd) }

// drop closes the descriptors.
func (r *reply) drop() {
	for _, fd := range r.fds {
		closeFD(fd)
	}
	r.fds = r.fds[:0]
}

// answer works on one request and sends the reply.
func (s *server) answer(f wire.Frame, r *reply) {
	r.B = r.B[:0]
	start := r.Begin(f.Op, f.Tag)
	errno, ok := handlers[f.Op].do(s, f.Body, r)
	if !ok {
		s.fail("malformed request %d", f.Op)
		return
	}
	if f.Op == wire.OpForget {
		return
	}
	if errno == 0 && len(r.B) > wire.MaxFrame {
		errno = linux.EIO
	}
	if errno != 0 {
		r.drop()
		r.B = r.B[:wire.HeaderSize]
	}
	if s.debug {
		s.log("debug", "request %d: %d bytes, errno %d", f.Op, len(r.B), errno)
	}
	r.Finish(start, errno, len(r.fds))
	s.write(r)
}

// write sends a finished frame.
func (s *server) write(r *reply) {
	s.send.Lock()
	defer s.send.Unlock()
	defer r.drop()
	fds := r.fds
	for b := r.B; len(b) > 0; {
		n, errno := host.Sendmsg(s.conn, b, fds, 0)
		if errno != 0 || n <= 0 {
			s.ended.Store(true)
			host.Shutdown(s.conn, unix.SHUT_RDWR)
			return
		}
		b, fds = b[n:], nil
	}
}

// handler answers an operation; ok false says that the request is malformed. The body of the reply is
// appended to r.
type handler struct {
	do   func(s *server, body []byte, r *reply) (errno linux.Errno, ok bool)
	slow bool // may wait for a disk for long, or has much to do
}

var handlers = map[wire.Op]handler{}

func init() {
	handlers = map[wire.Op]handler{
		wire.OpAttach:    on((*server).attach, false),
		wire.OpWalk:      on((*server).walk, false),
		wire.OpForget:    on((*server).forget, false),
		wire.OpGetattr:   on((*server).getattr, false),
		wire.OpOpen:      on((*server).open, false),
		wire.OpReaddir:   on((*server).readdir, false),
		wire.OpCreate:    on((*server).create, false),
		wire.OpLink:      on((*server).link, false),
		wire.OpUnlink:    on((*server).unlink, false),
		wire.OpRename:    on((*server).rename, false),
		wire.OpSetattr:   on((*server).setattr, false),
		wire.OpStatfs:    on((*server).statfs, true),
		wire.OpFsync:     on((*server).fsync, true),
		wire.OpGetxattr:  on((*server).getxattr, false),
		wire.OpSetxattr:  on((*server).setxattr, false),
		wire.OpListxattr: on((*server).listxattr, false),
		wire.OpRmxattr:   on((*server).rmxattr, false),
		wire.OpGetattrs:  on((*server).getattrs, false),
	}
}

// on makes a handler of a function that takes a parsed request.
func on[M any, P interface {
	*M
	wire.Message
}](do func(*server, P, *reply) linux.Errno, slow bool) handler {
	return handler{slow: slow, do: func(s *server, body []byte, r *reply) (linux.Errno, bool) {
		m := P(new(M))
		if !wire.Parse(body, m) {
			return 0, false
		}
		return do(s, m, r), true
	}}
}

// get returns the node of an id with a reference: ESTALE if there is none.
func (s *server) get(id uint64) (*node, linux.Errno) {
	s.nodes.RLock()
	defer s.nodes.RUnlock()
	n := s.nodes.byID[id]
	if n == nil {
		return nil, linux.ESTALE
	}
	n.refs.Add(1)
	return n, 0
}

// getDir is get of a directory; change says that it is to be changed.
func (s *server) getDir(id uint64, change bool) (*node, linux.Errno) {
	n, errno := s.get(id)
	if errno != 0 {
		return nil, errno
	}
	switch {
	case n.typ != linux.S_IFDIR:
		errno = linux.ENOTDIR
	case change && n.at.readonly:
		errno = linux.EROFS
	default:
		return n, 0
	}
	n.put()
	return nil, errno
}

// getChange is get of a file that is to be changed.
func (s *server) getChange(id uint64) (*node, linux.Errno) {
	n, errno := s.get(id)
	if errno == 0 && n.at.readonly {
		n.put()
		return nil, linux.EROFS
	}
	return n, errno
}

// enter makes a node of the file fd, which was found as name in dir (nil for a root), gives it an id and
// describes it in out. The caller gets a reference. After an error fd is closed.
func (s *server) enter(fd int, at *attach, dir *node, name string, out *wire.Node) (*node, linux.Errno) {
	var st unix.Statx_t
	if errno := statx(fd, &st); errno != 0 {
		closeFD(fd)
		return nil, errno
	}
	return s.enterStat(fd, at, dir, name, &st, out)
}

// enterStat is enter of a file whose attributes are known.
func (s *server) enterStat(fd int, at *attach, dir *node, name string, st *unix.Statx_t, out *wire.Node) (*node, linux.Errno) {
	if st.Mode&linux.S_IFMT == linux.S_IFLNK {
		var errno linux.Errno
		if out.Target, errno = readlink(fd); errno != 0 {
			closeFD(fd)
			return nil, errno
		}
	}
	s.attr(st, &out.Attr)
	n := &node{fd: fd, typ: uint32(st.Mode) & linux.S_IFMT, dev: out.Attr.Dev, ino: out.Attr.Ino, at: at}
	n.refs.Store(2)
	s.nodes.Lock()
	defer s.nodes.Unlock()
	if len(s.nodes.byID) >= s.nodes.max {
		closeFD(fd)
		return nil, linux.ENFILE
	}
	if dir != nil && n.typ == linux.S_IFREG {
		dir.refs.Add(1)
		n.dir, n.name = dir, name
	}
	if 2*len(s.nodes.byID) > s.nodes.room {
		s.nodes.room *= 4
		go reserveFDs(min(s.nodes.room, s.nodes.max))
	}
	s.nodes.last++
	out.ID = s.nodes.last
	s.nodes.byID[out.ID] = n
	return n, 0
}

func (s *server) forget(m *wire.ForgetReq, _ *reply) linux.Errno {
	s.nodes.Lock()
	defer s.nodes.Unlock()
	for _, id := range m.IDs {
		if n := s.nodes.byID[id]; n != nil {
			delete(s.nodes.byID, id)
			n.put()
		}
	}
	return 0
}
