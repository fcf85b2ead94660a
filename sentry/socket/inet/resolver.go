package inet

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// ResolverAddr is where Docker's resolver is on user-defined networks: rules of the container's namespace on the host lead
// from there to a socket of Docker's.
var ResolverAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 11}), 53)

// resolver answers questions that are sent to ResolverAddr inside. It passes them on by a socket of the host, which runsc
// has made in the container's namespace and connected there, and what Docker cannot answer, because it would ask
// by the addresses that the sandbox has taken over, to the servers that Docker would have asked.
//
// A question over TCP goes on as a datagram, too, with a size that makes Docker answer it whole.
type resolver struct {
	n       *Net
	fd      int
	servers []netip.AddrPort
	out     *dgram.Endpoint
	owner   *resolverOwner
	streams atomic.Int32

	mu      sync.Mutex
	pending map[uint16]*question
}

// question is one that has no answer yet.
type question struct {
	id    uint16 // the application's
	data  []byte
	asked int // of servers
	reply func(b []byte)
}

const (
	maxQuestions   = 1024
	maxStreams     = 64
	questionTime   = 5 * time.Second
	patience       = time.Second // until the next is asked
	streamTime     = 10 * time.Second
	dnsHeader      = 12
	maxAnswer      = 65535
	serverFailure  = 2
	refused        = 5
	optRecord      = 41
	sizeofOptEmpty = 11
)

// resolverOwner is the owner of the resolver's endpoints.
type resolverOwner struct {
	queue wait.Queue
	err   atomic.Int32
}

// Flag is stack.Owner's, and so are the others.
func (*resolverOwner) Flag(int) bool            { return false }
func (o *resolverOwner) SetError(e linux.Errno) { o.err.Store(int32(e)) }
func (o *resolverOwner) Error() linux.Errno     { return linux.Errno(o.err.Load()) }
func (o *resolverOwner) TakeError() linux.Errno { return linux.Errno(o.err.Swap(0)) }
func (o *resolverOwner) Notify(e wait.Event)    { o.queue.Notify(e) }
func (*resolverOwner) Buffers() (snd, rcv int)  { return 128 << 10, 128 << 10 }

var _ stack.Owner = (*resolverOwner)(nil)

// Resolve lets the socket fd answer questions to ResolverAddr, or else the servers.
func (n *Net) Resolve(fd int, servers []netip.Addr) {
	r := &resolver{n: n, fd: fd, pending: map[uint16]*question{}, owner: &resolverOwner{}}
	for _, s := range servers {
		r.servers = append(r.servers, netip.AddrPortFrom(s, 53))
	}
	r.out = n.UDP.New(dgram.UDP, linux.IPPROTO_UDP, false, r.owner, 0)
	n.UDP.Serve(ResolverAddr, func(d *dgram.Datagram) {
		r.ask(d.Data, func(b []byte) {
			n.UDP.Answer(&dgram.Datagram{Data: b, Src: d.Dst, Dst: d.Src, TTL: 64, Link: d.Link, Time: stack.Wall.Now()})
		})
	})
	listener := &resolverOwner{}
	l := n.TCP.Serve(ResolverAddr, listener)
	go r.accept(l, listener)
	go r.answers()
	if len(r.servers) > 0 {
		go r.serverAnswers()
	}
}

// ask passes a question on.
func (r *resolver) ask(b []byte, reply func(b []byte)) {
	if len(b) < dnsHeader || len(b) > maxAnswer || b[2]&0x80 != 0 {
		return
	}
	q := &question{id: binary.BigEndian.Uint16(b), data: append([]byte(nil), b...), reply: reply}
	r.mu.Lock()
	if len(r.pending) >= maxQuestions {
		r.mu.Unlock()
		return
	}
	id := uint16(rand.Uint32())
	for r.pending[id] != nil {
		id++
	}
	r.pending[id] = q
	binary.BigEndian.PutUint16(q.data, id)
	r.mu.Unlock()
	if _, errno := host.Write(r.fd, q.data); errno != 0 {
		r.tryServer(id, q)
	}
	time.AfterFunc(patience, func() { r.late(id, q) })
}

// late asks somebody else after a time without an answer, and forgets the question when all have been asked.
func (r *resolver) late(id uint16, q *question) {
	r.mu.Lock()
	open := r.pending[id] == q
	r.mu.Unlock()
	switch {
	case !open:
	case r.tryServer(id, q):
		time.AfterFunc(patience, func() { r.late(id, q) })
	default:
		time.AfterFunc(questionTime, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.pending[id] == q {
				delete(r.pending, id)
			}
		})
	}
}

// tryServer asks the next server: false if there is none.
func (r *resolver) tryServer(id uint16, q *question) bool {
	for {
		r.mu.Lock()
		i := q.asked
		q.asked++
		r.mu.Unlock()
		if i >= len(r.servers) {
			return false
		}
		if r.out.Send(&dgram.SendOptions{To: r.servers[i], TTL: 64}, q.data) == 0 {
			return true
		}
	}
}

// answers takes what Docker answers.
func (r *resolver) answers() {
	b := make([]byte, maxAnswer)
	for {
		n, errno := host.Read(r.fd, b)
		switch {
		case errno == linux.EAGAIN:
			if errno := host.PollIn(r.fd); errno != 0 && errno != linux.EINTR {
				return
			}
		case errno != 0 && errno != linux.ECONNREFUSED && errno != linux.EINTR:
			return
		case errno == 0:
			r.answer(b[:n], true)
		}
	}
}

// serverAnswers takes what the servers answer.
func (r *resolver) serverAnswers() {
	w := wait.NewWaiter()
	for {
		var d *dgram.Datagram
		wait.Until(&r.owner.queue, wait.In, w, wait.Forever, func() (int, linux.Errno) {
			r.owner.TakeError()
			if d = r.out.Next(false); d == nil {
				return 0, linux.EAGAIN
			}
			return 0, 0
		})
		for _, s := range r.servers {
			if d != nil && d.Src == s {
				r.answer(d.Data, false)
				break
			}
		}
	}
}

// answer gives an answer to who has asked. What Docker could not find out the servers are asked.
func (r *resolver) answer(b []byte, docker bool) {
	if len(b) < dnsHeader {
		return
	}
	id := binary.BigEndian.Uint16(b)
	r.mu.Lock()
	q := r.pending[id]
	r.mu.Unlock()
	if q == nil {
		return
	}
	if code := b[3] & 15; (code == serverFailure || code == refused) && r.tryServer(id, q) {
		return
	}
	r.mu.Lock()
	delete(r.pending, id)
	r.mu.Unlock()
	b = append([]byte(nil), b...)
	binary.BigEndian.PutUint16(b, q.id)
	q.reply(b)
}

// accept takes connections.
func (r *resolver) accept(l *tcp.Endpoint, o *resolverOwner) {
	w := wait.NewWaiter()
	for {
		var e *tcp.Endpoint
		wait.Until(&o.queue, wait.In, w, wait.Forever, func() (_ int, errno linux.Errno) {
			e, errno = l.Accept()
			return 0, errno
		})
		if e == nil {
			return
		}
		owner := &resolverOwner{}
		e.Attach(owner)
		if r.streams.Add(1) > maxStreams {
			r.streams.Add(-1)
			e.Closed(true)
			continue
		}
		go func() {
			r.stream(e, owner)
			e.Closed(false)
			r.streams.Add(-1)
		}()
	}
}

// stream answers the questions of a connection, one after the other; each stands behind its length (RFC 1035 4.2.2).
func (r *resolver) stream(e *tcp.Endpoint, o *resolverOwner) {
	w := wait.NewWaiter()
	read := func(b []byte) bool {
		dst := usermem.Bytes(b)
		p := tcp.Recv{Target: len(b)}
		_, errno := wait.Until(&o.queue, wait.In|wait.RdHup|wait.Internal, w, time.Now().Add(streamTime), func() (int, linux.Errno) { return 0, e.Read(&dst, &p) })
		return errno == 0 && p.Copied == len(b)
	}
	for {
		var size [2]byte
		if !read(size[:]) {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if !read(b) {
			return
		}
		answers := make(chan []byte, 1)
		r.ask(enlarge(b), func(b []byte) {
			select {
			case answers <- b:
			default:
			}
		})
		select {
		case b = <-answers:
		case <-time.After(questionTime):
			return
		}
		src := usermem.Bytes(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
		_, errno := wait.Until(&o.queue, wait.Out|wait.Internal, w, time.Now().Add(streamTime), func() (int, linux.Errno) {
			for src.Len() > 0 {
				if _, errno := e.Write(&src, false, false); errno != 0 {
					return 0, errno
				}
			}
			return 0, 0
		})
		if errno != 0 {
			return
		}
	}
}

// enlarge lets a question say that the answer may be as long as a datagram can be (RFC 6891). One with several additional
// records is left alone.
func enlarge(b []byte) []byte {
	if len(b) < dnsHeader {
		return b
	}
	switch n := len(b) - sizeofOptEmpty; binary.BigEndian.Uint16(b[10:]) {
	case 0:
		b = append(b, 0, 0, optRecord, 0xff, 0xff, 0, 0, 0, 0, 0, 0)
		b[11] = 1
	case 1:
		if n >= dnsHeader && b[n] == 0 && b[n+1] == 0 && b[n+2] == optRecord {
			b[n+3], b[n+4] = 0xff, 0xff
		}
	}
	return b
}
