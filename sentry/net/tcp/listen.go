package tcp

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// listener is what an endpoint has while it listens (struct request_sock_queue).
type listener struct {
	e *Endpoint

	mu       sync.Mutex
	backlog  int
	queue    []*Endpoint            // connections to be accepted
	waiting  []*Endpoint            // ends of direct connections that wait for room
	filtered []*Endpoint            // likewise, that a filter does not let in
	late     map[*Endpoint]struct{} // connections without data yet, with TCP_DEFER_ACCEPT
	closed   bool
	fast     int // connections whose data came with the SYN, and that are not there yet
	syns     synQueue
}

// Listen makes the endpoint a listener, or changes the backlog: EADDRINUSE; EINVAL if it is connected.
func (e *Endpoint) Listen(backlog int) linux.Errno {
	e.lock()
	defer e.unlock()
	if l := e.listen; e.state == Listen {
		l.mu.Lock()
		l.backlog = backlog
		l.mu.Unlock()
		return 0
	}
	if e.state != Close {
		return linux.EINVAL
	}
	if e.bind.Port == 0 {
		if errno := e.table.ports.Bind(&e.bind, 0); errno != 0 {
			return errno
		}
		e.local = netip.AddrPortFrom(e.bind.Addr, e.bind.Port)
	}
	l := &listener{e: e, backlog: backlog, late: map[*Endpoint]struct{}{}}
	e.bind.Auto = false
	e.listen = l
	if errno := e.table.ports.Listen(&e.bind); errno != 0 {
		e.listen = nil
		return errno
	}
	e.state, e.shut = Listen, 0
	return 0
}

// listener is what e has if it listens, nil otherwise.
func (e *Endpoint) listener() *listener {
	e.lock()
	defer e.mu.Unlock()
	if e.state != Listen {
		return nil
	}
	return e.listen
}

// stopListening ends a listener: what nobody has accepted is reset, what waits is refused. It returns nil
// if e is none.
func (e *Endpoint) stopListening() *listener {
	e.lock()
	if e.state != Listen {
		e.unlock()
		return nil
	}
	l := e.listen
	e.state = Close
	e.events |= evAll
	e.table.ports.Unlisten(&e.bind)
	e.listen = nil
	e.unbindLocked()
	e.unlock()
	l.mu.Lock()
	l.closed = true
	queue, waiting := l.queue, append(l.waiting, l.filtered...)
	for n := range l.late {
		queue = append(queue, n)
	}
	l.queue, l.waiting, l.filtered, l.late = nil, nil, nil, nil
	l.syns.clear()
	l.mu.Unlock()
	for _, n := range queue {
		n.Closed(true)
	}
	for _, w := range waiting {
		w.lock()
		if w.state == SynSent {
			w.resetBy()
		}
		w.unlock()
	}
	return l
}

// join makes e's connection to l, or lets it wait for room: false if nobody listens any more. e
// is locked.
func (l *listener) join(e *Endpoint) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	if !l.e.passesDirect(header.SYN, e, nil) || !e.takesDirect(l.e, e.local.Addr()) {
		l.filtered = append(l.filtered, e)
		l.mu.Unlock()
		return true
	}
	if len(l.queue)+len(l.late) > l.backlog {
		l.waiting = append(l.waiting, e)
		l.mu.Unlock()
		return true
	}
	l.mu.Unlock()
	n := l.accepted(e)
	if n == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		n.dead = true
		n.finish()
		e.peer = nil
		e.setErr(linux.ECONNRESET)
		e.finish()
		return true
	}
	l.addLocked(n)
	return true
}

// addLocked puts a connection into the queue; with TCP_DEFER_ACCEPT only when it has data. n is
// locked.
func (l *listener) addLocked(n *Endpoint) {
	n.parent = l
	if l.e.DeferAccept > 0 && n.rcv.n == 0 {
		l.late[n] = struct{}{}
		return
	}
	l.queue = append(l.queue, n)
	n.wake = l
}

// ready moves a connection that has got data to where it can be accepted.
func (l *listener) ready(n *Endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.late[n]; !ok {
		return
	}
	delete(l.late, n)
	l.queue = append(l.queue, n)
	n.wake = l
}

// tell tells the owner of a new connection.
func (l *listener) tell() {
	if o := l.e.owner; o != nil {
		o.Notify(evIn)
	}
}

// Accept takes the oldest connection: EAGAIN; EINVAL if nobody listens.
func (e *Endpoint) Accept() (*Endpoint, linux.Errno) {
	l := e.listener()
	if l == nil {
		return nil, linux.EINVAL
	}
	l.mu.Lock()
	if len(l.queue) == 0 {
		l.mu.Unlock()
		return nil, linux.EAGAIN
	}
	n := l.queue[0]
	l.queue[0] = nil
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	l.mu.Unlock()
	n.lock()
	n.parent = nil
	n.unlock()
	l.admit()
	return n, 0
}

// admit lets those in who wait for room, as many as there is.
func (l *listener) admit() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 || len(l.queue)+len(l.late) > l.backlog {
			l.mu.Unlock()
			return
		}
		w := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.mu.Unlock()
		w.lock()
		if w.state == SynSent && w.peer == nil && !l.join(w) {
			w.resetBy()
		}
		w.unlock()
	}
}

// poll is what poll(2) shows of a listener.
func (l *listener) poll() wait.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		return evIn
	}
	return 0
}

// Backlog is how many connections are to be accepted, and how many may be.
func (e *Endpoint) Backlog() (n, most int) {
	l := e.listener()
	if l == nil {
		return 0, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue), l.backlog
}

// child is a new connection to l, from remote, that is not known yet but has the port. Its options are the
// listener's.
func (l *listener) child(local, remote netip.AddrPort, link int32) *Endpoint {
	p := l.e
	n := &Endpoint{V6: p.V6, table: p.table, state: SynRecv, local: local, remote: remote, link: link, noLocal: true, noPort: true}
	n.mu = &n.own
	n.filter.Store(p.filter.Load())
	n.saveSyn.Store(p.saveSyn.Load())
	n.minHops.Store(p.minHops.Load())
	n.Options.inherit(&p.Options, p.table.congestion())
	n.bind = stack.Binding{Addr: local.Addr(), V6: p.V6, Only: p.bind.Only, Link: p.bind.Link, UID: p.bind.UID, Who: n, Auto: p.bind.Auto, Range: p.bind.Range}
	n.timer.Init(n.expire)
	if o := p.owner; o != nil {
		n.sndLimit, n.rcvLimit = o.Buffers()
		n.bind.Reuse, n.bind.ReusePort = o.Flag(linux.SO_REUSEADDR), o.Flag(linux.SO_REUSEPORT)
	}
	p.table.ports.Share(&n.bind, local.Port())
	return n
}

// Serve returns a listener for something of the sandbox's own, at an address that no socket needs to be bound to. It
// goes before all others, and is not shown.
func (t *Table) Serve(at netip.AddrPort, owner stack.Owner) *Endpoint {
	e := t.New(false, owner, 0)
	e.local, e.state = at, Listen
	e.listen = &listener{e: e, backlog: 128, late: map[*Endpoint]struct{}{}}
	t.service.Store(e)
	return e
}
