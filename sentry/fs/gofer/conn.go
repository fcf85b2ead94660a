package gofer

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// conn is the connection to the gofer. Requests of many goroutines are on their way at the
// same time. There is no goroutine that receives: of those that wait for replies one reads
// from the socket, hands the others theirs, and gives the stream to the next when its own
// has come. So a request alone costs no switch between goroutines.
//
// Locks, all leaves: send, calls, forgets.
type conn struct {
	fd     int
	stream chan *wire.Stream // holds the stream while nobody reads

	send sync.Mutex // whole frames

	calls struct {
		sync.Mutex
		byTag map[uint32]*call
		last  uint32
		dead  bool // every call fails with EIO
	}

	forgets struct {
		sync.Mutex
		ids []uint64
	}
	given atomic.Int64 // ids given back, ever
	share int64        // of all that the gofer can hold: how many it gets back when it is full

	early atomic.Int32 // descriptors that came with names nobody has asked for yet
}

// call is one request and its reply.
type call struct {
	out   wire.Encoder
	done  chan struct{} // capacity 1
	op    wire.Op
	errno linux.Errno
	body  []byte
	fds   []int
}

var calls = sync.Pool{New: func() any { return &call{done: make(chan struct{}, 1)} }}

func newConn(fd int) *conn {
	c := &conn{fd: fd, stream: make(chan *wire.Stream, 1), share: int64(host.OpenFiles() / 4)}
	c.calls.byTag = make(map[uint32]*call)
	c.stream <- wire.NewStream(func(p []byte, fds []int, wait bool) (int, int, linux.Errno) {
		flags := 0
		if !wait {
			flags = unix.MSG_DONTWAIT
		}
		n, nfds, _, errno := host.Recvmsg(fd, p, fds, flags)
		return n, nfds, errno
	}, wire.MaxFDs)
	return c
}

// request sends req, waits for the reply and fills it in. It returns the descriptors that came
// with it, which are the caller's. When the gofer has no descriptors left, it gets back some of those of
// files that are only cached.
func (c *conn) request(op wire.Op, req, reply wire.Message) ([]int, linux.Errno) {
	fds, errno := c.ask(op, req, reply)
	if errno == linux.ENFILE {
		was := c.given.Load()
		vfs.Shrink(c.share, func() bool { return c.given.Load()-was >= c.share })
		c.giveBack()
		fds, errno = c.ask(op, req, reply)
	}
	return fds, errno
}

// ask is request, once.
func (c *conn) ask(op wire.Op, req, reply wire.Message) ([]int, linux.Errno) {
	k := calls.Get().(*call)
	defer calls.Put(k)
	k.op, k.errno, k.body, k.fds = op, 0, k.body[:0], k.fds[:0]
	tag, ok := c.enter(k)
	if !ok {
		return nil, linux.EIO
	}
	k.out.B = k.out.B[:0]
	start := k.out.Begin(op, tag)
	req.Put(&k.out)
	k.out.Finish(start, 0, 0)
	if len(k.out.B) > wire.MaxFrame {
		c.leave(tag)
		return nil, linux.E2BIG
	}
	if !c.write(k.out.B) {
		c.fail()
	}
	c.wait(k)
	return c.result(k, reply)
}

// mostFDs says how many descriptors may come with a reply.
func mostFDs(op wire.Op) int {
	switch op {
	case wire.OpWalk:
		return wire.MaxFDs
	case wire.OpOpen, wire.OpCreate:
		return 1
	}
	return 0
}

// result takes the answered call apart.
func (c *conn) result(k *call, reply wire.Message) ([]int, linux.Errno) {
	errno := k.errno
	switch {
	case errno >= 512: // codes that restart a call: no host gives them away
		errno = linux.EIO
	case len(k.fds) > mostFDs(k.op), errno != 0 && len(k.fds) > 0:
		errno = linux.EIO
	case errno != 0:
		return nil, errno
	case !wire.Parse(k.body, reply):
		errno = linux.EIO
	case len(k.fds) == 0:
		return nil, 0
	default:
		return append([]int(nil), k.fds...), 0
	}
	closeAll(k.fds)
	c.fail()
	return nil, errno
}

func closeAll(fds []int) {
	for _, fd := range fds {
		host.Close(fd)
	}
}

// enter gives k a tag; false if the connection is dead.
func (c *conn) enter(k *call) (uint32, bool) {
	c.calls.Lock()
	defer c.calls.Unlock()
	if c.calls.dead {
		return 0, false
	}
	for {
		c.calls.last++
		if _, used := c.calls.byTag[c.calls.last]; !used {
			c.calls.byTag[c.calls.last] = k
			return c.calls.last, true
		}
	}
}

// leave takes a tag back and returns its call, nil if there is none.
func (c *conn) leave(tag uint32) *call {
	c.calls.Lock()
	defer c.calls.Unlock()
	k := c.calls.byTag[tag]
	delete(c.calls.byTag, tag)
	return k
}

// write sends whole frames.
func (c *conn) write(b []byte) bool {
	c.send.Lock()
	defer c.send.Unlock()
	for len(b) > 0 {
		n, errno := host.Sendmsg(c.fd, b, nil, 0)
		if errno != 0 || n <= 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// wait returns when k is answered, reading for everybody if nobody else does.
func (c *conn) wait(k *call) {
	select {
	case <-k.done:
		return
	case s := <-c.stream:
		c.read(s, k)
		c.stream <- s
	}
}

// read hands replies to their callers until k has its own.
func (c *conn) read(s *wire.Stream, k *call) {
	for {
		select {
		case <-k.done:
			return
		default:
		}
		f, err := s.Next()
		if err != nil {
			s.Close(func(fd int) { host.Close(fd) })
			c.fail()
			<-k.done
			return
		}
		got := c.leave(f.Tag)
		if got == nil || got.op != f.Op {
			closeAll(f.FDs)
			if got != nil {
				got.errno = linux.EIO
				got.done <- struct{}{}
			}
			c.fail()
			<-k.done
			return
		}
		got.errno = f.Errno
		got.body = append(got.body[:0], f.Body...)
		got.fds = append(got.fds[:0], f.FDs...)
		if got == k {
			return
		}
		got.done <- struct{}{}
	}
}

// fail ends the connection: all calls on their way, and all to come, get EIO.
func (c *conn) fail() {
	c.calls.Lock()
	defer c.calls.Unlock()
	c.calls.dead = true
	for tag, k := range c.calls.byTag {
		delete(c.calls.byTag, tag)
		k.errno = linux.EIO
		k.done <- struct{}{}
	}
	host.Shutdown(c.fd, unix.SHUT_RDWR)
}

// maxForgets is how many ids are given back together.
const maxForgets = 64

// forget gives an id back, now or with others later.
func (c *conn) forget(id uint64, now bool) {
	c.given.Add(1)
	c.forgets.Lock()
	c.forgets.ids = append(c.forgets.ids, id)
	if !now && len(c.forgets.ids) < maxForgets {
		c.forgets.Unlock()
		return
	}
	c.forgets.Unlock()
	c.giveBack()
}

// giveBack gives back the ids that are collected.
func (c *conn) giveBack() {
	var e wire.Encoder
	c.forgets.Lock()
	if len(c.forgets.ids) == 0 {
		c.forgets.Unlock()
		return
	}
	start := e.Begin(wire.OpForget, 0)
	(&wire.ForgetReq{IDs: c.forgets.ids}).Put(&e)
	e.Finish(start, 0, 0)
	c.forgets.ids = c.forgets.ids[:0]
	c.forgets.Unlock()
	if !c.write(e.B) {
		c.fail()
	}
}
