// Package tcp is TCP (RFC 9293, net/ipv4/tcp*.c).
//
// An endpoint has a queue of bytes to send and one of bytes that came. Two endpoints of the same stack are
// joined directly: what one sends moves to the other's queue, as far as that has room, and
// everything that segments would say (the end, a reset, urgent data) is a call. All else, buffer
// limits, states, TIME_WAIT, is as if segments had gone over the loopback. Endpoints whose peer is
// elsewhere send and receive segments.
//
// Locks: Endpoint.read before Endpoint.mu before listener.mu before Table.mu and that of the ports. The two ends of a direct
// connection share one mu: that of the end that connected. Nothing is sent and no owner is
// notified with a lock held: unlock does what has come up meanwhile.
package tcp

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// State is a connection's, in Linux's numbers (include/net/tcp_states.h).
type State uint8

// The states.
const (
	Established State = iota + 1
	SynSent
	SynRecv
	FinWait1
	FinWait2
	TimeWait
	Close
	CloseWait
	LastAck
	Listen
	Closing
)

// in reports whether s is one of a set.
func (s State) in(set ...State) bool {
	for _, o := range set {
		if s == o {
			return true
		}
	}
	return false
}

// Directions that are shut.
const (
	shutRead  = 1
	shutWrite = 2
	shutBoth  = 3
)

// Endpoint is one end of a connection, or a listener.
type Endpoint struct {
	table *Table
	Options

	read sync.Mutex // held while bytes are copied to the application
	loan atomic.Pointer[platform.Loan]

	mu     *sync.Mutex // own, or that of the other end
	own    sync.Mutex
	owner  stack.Owner
	err    linux.Errno // while there is no owner
	events wait.Event  // to be told

	state   State
	shut    uint8
	dead    bool // nobody has it open
	done    bool // the peer's stream has ended (SOCK_DONE)
	noLocal bool // the address was not chosen by bind
	noPort  bool // likewise the port
	bind    stack.Binding
	local   netip.AddrPort
	remote  netip.AddrPort
	link    int32 // of a link-local peer
	hashed  bool  // stands in Table.conns
	V6      bool  // set when it is made

	peer   *Endpoint // the other end of a direct connection
	listen *listener
	parent *listener // of a connection that is not accepted yet
	wake   *listener // who is to be told of a new connection
	left   *Endpoint // the peer there was, to be told

	snd, rcv     queue
	sndLimit     int // of an endpoint without owner
	rcvLimit     int
	finWanted    bool   // a FIN is to follow what is in snd
	finSent      bool   // and has been sent, as good as acknowledged if direct
	finRcvd      bool   // the peer's
	endRead      bool   // and the application has seen it
	sent, got    uint64 // bytes in all
	readSeq      uint64 // how many have been read
	urg          urgent
	timer        stack.Timer
	orphanUntil  int64 // when it is given up in FIN_WAIT2
	connectUntil int64
	paceNext     int64 // when a direct connection with SO_MAX_PACING_RATE may go on
	paceUntil    int64 // and it is waited for that
	begun        int64 // when it was established
	ecn          bool  // of a direct connection: as if it had been agreed on
	hold         bool  // likewise: less than a segment waits for more, by TCP_CORK or MSG_MORE
	begins       bool  // it has connected
	stamped      bool  // arrivedAt is wanted
	synData      bool  // the SYN's data was taken
	fast         *fastStart
	fastQueue    atomic.Int32 // TCP_FASTOPEN
	saveSyn      atomic.Int32 // TCP_SAVE_SYN
	savedSyn     *[]byte      // TCP_SAVED_SYN
	tally        *tally       // of a direct connection
	keys         atomic.Pointer[FastKeys]
	filter       atomic.Pointer[Filter]
	arrivedAt    int64

	net     *segments // of a connection that is not direct
	far     atomic.Bool
	minHops atomic.Uint32 // see hops.go
	leftNet *segments     // of one that there was, which has something to send yet
}

// urgent is where urgent data stands in what was received (tcp_check_urg).
type urgent struct {
	at    uint64 // position of the byte
	state uint8
	data  byte
}

const (
	urgNone uint8 = iota
	urgNotYet
	urgValid
	urgRead
)

// New returns an endpoint that is not bound.
func (t *Table) New(v6 bool, owner stack.Owner, uid uint32) *Endpoint {
	e := &Endpoint{V6: v6, table: t, owner: owner, state: Close, noLocal: true, noPort: true}
	e.mu = &e.own
	e.Options.init(t.congestion())
	e.bind = stack.Binding{V6: v6, Owner: owner, UID: uid, Who: e}
	e.timer.Init(e.expire)
	return e
}

func (e *Endpoint) lock() { e.mu.Lock() }

// unlock lets go, tells the owners of both ends what has happened, and sends what is to be sent: one
// goroutine at a time, so that segments stay in order; others leave theirs to it.
func (e *Endpoint) unlock() {
	for {
		news := e.takeNews()
		s := e.net
		if s == nil {
			s = e.leftNet
		}
		var out outbox
		if s != nil && !s.sending && len(s.out.packets) > 0 {
			out, s.sending = s.takeOut(), true
		}
		e.mu.Unlock()
		news.tell()
		if out.packets == nil {
			return
		}
		out.send(e.table.Stack)
		e.mu.Lock()
		s.sending = false
		s.out.reuse(&out.parcels)
	}
}

// news is what owners are to be told.
type news struct {
	mine, his    wait.Event
	owner, other stack.Owner
	wake         *listener
}

// takeNews collects it from both ends.
func (e *Endpoint) takeNews() (n news) {
	n.mine, n.owner = e.takeEvents()
	n.wake, e.wake = e.wake, nil
	p := e.peer
	if p == nil {
		p, e.left = e.left, nil
	}
	if p != nil && p != e {
		n.his, n.other = p.takeEvents()
		if p.wake != nil {
			n.wake, p.wake = p.wake, nil
		}
	}
	return n
}

func (n *news) tell() {
	if n.wake != nil {
		n.wake.tell()
	}
	if n.mine != 0 {
		n.owner.Notify(n.mine)
	}
	if n.his != 0 {
		n.other.Notify(n.his)
	}
}

// takeEvents returns what the owner is to be told.
func (e *Endpoint) takeEvents() (wait.Event, stack.Owner) {
	ev := e.events
	e.events = 0
	if e.owner == nil || e.dead {
		return 0, nil
	}
	return ev, e.owner
}

const (
	evIn  = wait.In | wait.RdNorm
	evOut = wait.Out | wait.WrNorm
	evAll = evIn | evOut | wait.Err | wait.Hup | wait.RdHup | wait.Internal
)

// setErr notes an error for the owner.
func (e *Endpoint) setErr(errno linux.Errno) {
	e.forbid()
	if e.owner != nil {
		e.owner.SetError(errno)
	} else {
		e.err = errno
	}
	e.events |= wait.Err
}

// Attach gives an accepted connection its owner.
func (e *Endpoint) Attach(owner stack.Owner) {
	e.table.ports.Update(func() { e.bind.Owner = owner })
	e.lock()
	defer e.unlock()
	e.owner = owner
	if e.err != 0 {
		owner.SetError(e.err)
		e.err = 0
	}
}

// State is the connection's state.
func (e *Endpoint) State() State {
	e.lock()
	defer e.mu.Unlock()
	return e.state
}

// Local is the address and port; the address is invalid for any.
func (e *Endpoint) Local() netip.AddrPort {
	e.lock()
	defer e.mu.Unlock()
	return e.local
}

// Bound reports whether it has a port.
func (e *Endpoint) Bound() bool {
	e.lock()
	defer e.mu.Unlock()
	return e.bind.Port != 0
}

// Remote is the peer's; false if there is no connection.
func (e *Endpoint) Remote() (netip.AddrPort, int32, bool) {
	e.lock()
	defer e.mu.Unlock()
	return e.remote, e.link, e.remote.IsValid() && !e.state.in(Close, SynSent, Listen)
}

// SetOnly is IPV6_V6ONLY.
func (e *Endpoint) SetOnly(on bool) { e.table.ports.Update(func() { e.bind.Only = on }) }

// SetLink is SO_BINDTODEVICE.
func (e *Endpoint) SetLink(link int32) { e.table.ports.Update(func() { e.bind.Link = link }) }

// SetRange is IP_LOCAL_PORT_RANGE.
func (e *Endpoint) SetRange(r uint32) { e.table.ports.Update(func() { e.bind.Range = r }) }

// BoundLink is the interface it is bound to, 0 for none.
func (e *Endpoint) BoundLink() (l int32) {
	e.table.ports.Update(func() { l = e.bind.Link })
	return l
}

// Bind gives the endpoint an address, invalid for any, and a port: EADDRINUSE; EINVAL if it has one.
func (e *Endpoint) Bind(a netip.AddrPort) linux.Errno {
	e.lock()
	defer e.unlock()
	if e.state != Close || e.bind.Port != 0 {
		return linux.EINVAL
	}
	e.bind.Addr, e.bind.Auto = a.Addr(), false
	if errno := e.table.ports.Bind(&e.bind, a.Port()); errno != 0 {
		e.bind.Addr = netip.Addr{}
		return errno
	}
	e.noLocal, e.noPort = !a.Addr().IsValid(), a.Port() == 0
	e.local = netip.AddrPortFrom(a.Addr(), e.bind.Port)
	return 0
}

// BindAddress gives the endpoint an address, and no port before it connects (IP_BIND_ADDRESS_NO_PORT): EINVAL if it has one.
func (e *Endpoint) BindAddress(a netip.Addr) linux.Errno {
	e.lock()
	defer e.unlock()
	if e.state != Close || e.bind.Port != 0 {
		return linux.EINVAL
	}
	e.table.ports.Update(func() { e.bind.Addr = a })
	e.noLocal, e.noPort = !a.IsValid(), true
	e.local = netip.AddrPortFrom(a, 0)
	return 0
}

// unbindLocked gives back what bind did not choose (tcp_set_state, inet_bhash2_reset_saddr).
func (e *Endpoint) unbindLocked() {
	if e.noPort || e.dead {
		e.table.ports.Release(&e.bind)
		e.bind.Port = 0
	}
	if e.noLocal {
		e.table.ports.Update(func() { e.bind.Addr = netip.Addr{} })
	}
}

// finish ends a connection (tcp_done).
func (e *Endpoint) finish() {
	if e.state == Established || e.state == CloseWait {
		e.table.Stack.Counters.TCPEstab.Add(-1)
	}
	e.forbid()
	e.settle()
	if e.hashed {
		e.table.remove(e)
	}
	e.state, e.shut = Close, shutBoth
	e.snd.clear()
	e.events |= evAll
	if e.net != nil {
		e.net.stop()
	}
	e.orphanUntil, e.connectUntil, e.paceUntil = 0, 0, 0
	e.table.Stack.Clock.Set(&e.timer, 0)
	e.unbindLocked()
	if e.dead {
		e.rcv.clear()
	}
}

// timeWait ends a connection whose peer may still send (tcp_time_wait): the addresses stay taken
// for a while.
func (e *Endpoint) timeWait() {
	e.table.wait(e)
	e.finish()
}

// resetBy ends a connection because the peer said so (tcp_reset).
func (e *Endpoint) resetBy() {
	errno := linux.Errno(linux.ECONNRESET)
	switch e.state {
	case SynSent:
		errno = linux.ECONNREFUSED
		e.table.Stack.Counters.TCPAttemptFails.Add(1)
	case CloseWait:
		errno = linux.EPIPE
	case Close:
		return
	}
	if e.state == Established || e.state == CloseWait {
		e.table.Stack.Counters.TCPEstabResets.Add(1)
	}
	e.setErr(errno)
	e.finish()
}

// resetPeer tells the peer that the connection is over.
func (e *Endpoint) resetPeer() {
	switch {
	case e.peer != nil && e.peer != e:
		e.tally.out++
		e.peer.tally.in++
		e.peer.resetBy()
	case e.net != nil:
		e.net.sendReset(e)
	}
	e.table.Stack.Counters.TCPOutRsts.Add(1)
}

// hasPeer reports whether a reset is to be sent when a connection in this state is dropped
// (tcp_need_reset).
func (s State) hasPeer() bool {
	return s.in(Established, CloseWait, FinWait1, FinWait2, SynRecv)
}

// Abort drops the connection (tcp_disconnect): err is what the owner is told, 0 for nothing. The
// endpoint can then connect again.
func (e *Endpoint) Abort(err linux.Errno) {
	if l := e.stopListening(); l != nil {
		return
	}
	e.Reclaim()
	e.lock()
	defer e.unlock()
	e.abortLocked(err)
}

func (e *Endpoint) abortLocked(err linux.Errno) {
	old := e.state
	reset := old.hasPeer() || old.in(LastAck, Closing) && e.snd.n > 0
	if reset {
		e.resetPeer()
	}
	if err != 0 && (reset || old == SynSent) {
		e.setErr(err)
	}
	if old != Close {
		e.finish()
	} else {
		e.unbindLocked()
	}
	e.rcv.clear()
	e.shut, e.done = 0, false
	e.forget()
}

// forget makes the endpoint as it was before it connected.
func (e *Endpoint) forget() {
	e.remote = netip.AddrPort{}
	e.left, e.leftNet = e.peer, e.net
	e.peer, e.net, e.parent = nil, nil, nil
	e.far.Store(false)
	e.finWanted, e.finSent, e.finRcvd, e.endRead = false, false, false, false
	e.urg, e.sent, e.got, e.readSeq, e.synData, e.savedSyn = urgent{}, 0, 0, 0, false, nil
	e.begins = false
	local := e.local.Addr()
	if e.noLocal {
		local = netip.Addr{}
	}
	port := e.bind.Port
	if port == 0 { // getsockname(2) goes on showing the one there was (inet_put_port leaves inet_sport)
		port = e.local.Port()
	}
	e.local = netip.AddrPortFrom(local, port)
}

// Stamp says whether ArrivedAt will be asked.
func (e *Endpoint) Stamp(on bool) {
	e.lock()
	defer e.mu.Unlock()
	e.stamped = on
}

// ArrivedAt is when bytes came last, by stack.Wall; 0 if none have.
func (e *Endpoint) ArrivedAt() int64 {
	e.lock()
	defer e.mu.Unlock()
	return e.arrivedAt
}

// Shutdown is shutdown(2) of a connection: how is a set of shutRead and shutWrite.
func (e *Endpoint) Shutdown(how uint8) linux.Errno {
	e.Reclaim()
	e.lock()
	defer e.unlock()
	e.shut |= how
	e.events |= evAll
	if e.state == Close {
		return linux.ENOTCONN
	}
	if how&shutWrite != 0 && e.state.in(Established, SynRecv, CloseWait) {
		e.sendFin()
	}
	return 0
}

// sendFin ends the stream to the peer (tcp_close_state, tcp_send_fin).
func (e *Endpoint) sendFin() {
	if e.state == Established || e.state == CloseWait {
		e.table.Stack.Counters.TCPEstab.Add(-1)
	}
	if e.state == CloseWait {
		e.state = LastAck
	} else {
		e.state = FinWait1
	}
	e.finWanted = true
	e.transmit()
}

// End ends the stream to the peer unless it is to be reset because there is something to be read: whether it is ending.
func (e *Endpoint) End() bool {
	e.lock()
	defer e.unlock()
	if e.rcv.n > 0 {
		return false
	}
	if e.state.in(Established, SynRecv, CloseWait) {
		e.shut |= shutWrite
		e.sendFin()
	}
	return e.state.in(FinWait1, Closing, LastAck)
}

// Ending reports whether the peer has not acknowledged the end of the stream that was sent to it.
func (e *Endpoint) Ending() bool {
	e.lock()
	defer e.mu.Unlock()
	return e.state.in(FinWait1, Closing, LastAck)
}

// transmit sends what can be sent.
func (e *Endpoint) transmit() {
	switch {
	case e.net != nil:
		e.net.output(e, false)
	case e.peer != nil:
		e.move()
	}
}

// Closed ends the endpoint: nobody has it open any more (tcp_close). abort says that the peer is
// to be reset whatever happens: SO_LINGER with no time.
func (e *Endpoint) Closed(abort bool) {
	if l := e.stopListening(); l != nil {
		e.lock()
		e.dead = true
		e.unbindLocked()
		e.unlock()
		return
	}
	e.Reclaim()
	e.lock()
	defer e.unlock()
	unread := e.rcv.n > 0
	if e.urg.state == urgValid && e.rcv.n == 1 {
		unread = false
	}
	e.shut = shutBoth
	e.rcv.clear()
	e.dead = true
	switch {
	case e.state == Close:
		e.unbindLocked()
		return
	case e.state == SynSent:
		e.finish()
		return
	case unread || abort:
		e.transmit() // what waited for the end with Posted
		if e.state.hasPeer() || e.state == CloseWait {
			e.resetPeer()
		}
		e.finish()
		return
	case e.state.in(Established, SynRecv, CloseWait):
		e.sendFin()
	}
	if e.state.in(FinWait1, FinWait2, Closing, LastAck) {
		e.orphan()
	}
}

// finTime is net.ipv4.tcp_fin_timeout.
const finTime = 60e9

// orphan lets an endpoint that nobody has open go on until the peer has ended, too, for a time.
func (e *Endpoint) orphan() {
	if e.state == FinWait2 && e.Linger2 < 0 {
		e.resetPeer()
		e.finish()
		return
	}
	e.orphanUntil = e.table.Stack.Clock.Now() + finTime
	if e.Linger2 > 0 {
		e.orphanUntil = e.table.Stack.Clock.Now() + int64(e.Linger2)*1e9
	}
	e.setTimer()
}

// setTimer sets the timer to the first of the times that matter.
func (e *Endpoint) setTimer() {
	at := int64(0)
	for _, t := range [...]int64{e.orphanUntil, e.connectUntil, e.paceUntil, e.net.deadline()} {
		if t != 0 && (at == 0 || t < at) {
			at = t
		}
	}
	e.table.Stack.Clock.Set(&e.timer, at)
}

// expire is the timer's.
func (e *Endpoint) expire() {
	e.lock()
	defer e.unlock()
	now := e.table.Stack.Clock.Now()
	if e.state == Close {
		return
	}
	if t := e.connectUntil; t != 0 && t <= now {
		e.setErr(linux.ETIMEDOUT)
		e.finish()
		return
	}
	if t := e.orphanUntil; t != 0 && t <= now && e.dead && (e.state == FinWait2 || e.peer != nil) {
		e.finish()
		return
	}
	if t := e.paceUntil; t != 0 && t <= now {
		e.paceUntil, e.hold = 0, false
		e.move()
	}
	if e.net != nil {
		e.net.expire(e, now)
	}
	if e.state != Close {
		e.setTimer()
	}
}

// Poll is what poll(2) shows (tcp_poll).
func (e *Endpoint) Poll(lowat int) wait.Event {
	if l := e.listener(); l != nil {
		return l.poll()
	}
	e.Reclaim()
	e.lock()
	defer e.mu.Unlock()
	if lowat > 1 {
		lowat = min(lowat, e.comes())
	}
	var got wait.Event
	if e.shut == shutBoth || e.state == Close {
		got |= wait.Hup
	}
	if e.shut&shutRead != 0 {
		got |= evIn | wait.RdHup
	}
	if e.state != SynSent && e.state != SynRecv {
		if e.urg.state != urgNone && e.urg.at == e.readSeq && !e.inline() {
			lowat++
		}
		if e.rcv.n >= lowat {
			got |= evIn
		}
		if e.shut&shutWrite != 0 || e.writable() {
			got |= evOut
		}
		if e.urg.state == urgValid {
			got |= wait.Pri
		}
	}
	if e.owner != nil && e.owner.Error() != 0 {
		got |= wait.Err
	}
	return got
}

// comes is how much may be waited for, so that the peer does not wait for room meanwhile (tcp_set_rcvlowat, tcp_epollin_ready).
func (e *Endpoint) comes() int {
	_, limit := e.buffers()
	if e.net != nil {
		limit = min(limit, e.net.room)
	}
	return max(limit/2, 1)
}

// inline reports whether urgent data stays in the stream.
func (e *Endpoint) inline() bool { return e.owner != nil && e.owner.Flag(linux.SO_OOBINLINE) }

// buffers are the limits of the queues.
func (e *Endpoint) buffers() (snd, rcv int) {
	if e.owner == nil {
		return e.sndLimit, e.rcvLimit
	}
	return e.owner.Buffers()
}

// writable reports whether it is worth to send more (sk_stream_is_writeable).
func (e *Endpoint) writable() bool {
	limit, _ := e.buffers()
	if e.NotsentLowat > 0 && e.notSent() >= int(e.NotsentLowat) {
		return false
	}
	return limit-e.snd.n >= e.snd.n>>1
}

// Far reports whether the connection is one of segments.
func (e *Endpoint) Far() bool { return e.far.Load() }

// notSent is how many bytes in the queue were never sent.
func (e *Endpoint) notSent() int {
	if e.net != nil {
		return e.net.notSent(e)
	}
	return e.snd.n
}
