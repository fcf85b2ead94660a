package tcp

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Table is all endpoints of a stack.
type Table struct {
	Stack *stack.Stack
	ports *stack.Ports

	mu    sync.RWMutex
	conns map[pair]*Endpoint
	waits map[pair]*waiter // connections in TIME_WAIT
	gone  []*waiter        // whose ports are to be given back without the lock
	first *waiter          // the oldest
	last  *waiter
	timer stack.Timer
	held  held
	late  held

	lateTimer stack.Timer

	cookies  cookies
	Counters Counters

	service  atomic.Pointer[Endpoint]
	standard atomic.Pointer[string] // net.ipv4.tcp_congestion_control
}

// Standard makes an algorithm for congestion control that of new connections whose socket has not chosen one.
func (t *Table) Standard(name string) { t.standard.Store(&name) }

func (t *Table) congestion() string {
	if n := t.standard.Load(); n != nil {
		return *n
	}
	return "cubic"
}

// pair is what a connection is known by.
type pair struct{ local, remote netip.AddrPort }

// waiter is a connection in TIME_WAIT (struct tcp_timewait_sock). Nobody has it open.
type waiter struct {
	pair
	v6     bool
	bind   stack.Binding
	until  int64
	begun  int64
	uid    uint32
	net    waitState // of one that was not direct
	next   *waiter
	prev   *waiter
	linked bool
}

const (
	waitTime = 60e9  // TCP_TIMEWAIT_LEN
	maxWaits = 32768 // net.ipv4.tcp_max_tw_buckets
)

// NewTable joins TCP to a stack.
func NewTable(s *stack.Stack) *Table {
	t := &Table{Stack: s, ports: stack.NewPorts(s, true), conns: map[pair]*Endpoint{}, waits: map[pair]*waiter{}}
	t.timer.Init(t.expire)
	t.lateTimer.Init(s.Rest)
	s.Handle(linux.IPPROTO_TCP, t)
	return t
}

// insert makes a connection known: false if there is one already between the same addresses, or if
// one has been just now. The caller calls reap, without the lock of the ports.
func (t *Table) insert(e *Endpoint) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := pair{e.local, e.remote}
	if t.conns[k] != nil {
		return false
	}
	if w := t.waits[k]; w != nil {
		if t.Stack.Clock.Now()-w.begun < 1e9 && e.state == Close { // net.ipv4.tcp_tw_reuse
			return false
		}
		t.dropLocked(w)
	}
	t.conns[k] = e
	e.hashed = true
	return true
}

// unlock lets go, and gives ports back: their lock is taken before this one when a port is chosen.
func (t *Table) unlock() {
	gone := t.gone
	t.gone = nil
	t.mu.Unlock()
	for _, w := range gone {
		t.ports.Release(&w.bind)
	}
}

// reap gives back the ports of connections that insert has replaced.
func (t *Table) reap() {
	t.mu.Lock()
	t.unlock()
}

func (t *Table) remove(e *Endpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := (pair{e.local, e.remote}); t.conns[k] == e {
		delete(t.conns, k)
	}
	e.hashed = false
}

// get returns the connection between two addresses.
func (t *Table) get(local, remote netip.AddrPort) *Endpoint {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.conns[pair{local, remote}]
}

// wait keeps the addresses of e taken for a while.
func (t *Table) wait(e *Endpoint) {
	now := t.Stack.Clock.Now()
	t.Counters.TW.Add(1)
	w := &waiter{pair: pair{e.local, e.remote}, v6: e.V6, begun: now, until: now + waitTime, uid: e.bind.UID}
	w.bind = stack.Binding{Addr: e.local.Addr(), V6: e.V6, Link: e.bind.Link, UID: e.bind.UID, Who: w, Auto: e.bind.Auto, Reuse: e.bind.Reuse, ReusePort: e.bind.ReusePort}
	if o := e.owner; o != nil {
		w.bind.Reuse, w.bind.ReusePort = o.Flag(linux.SO_REUSEADDR), o.Flag(linux.SO_REUSEPORT)
	}
	if e.net != nil {
		w.net = e.net.waitState()
	}
	t.ports.Share(&w.bind, e.local.Port())
	t.mu.Lock()
	defer t.unlock()
	for len(t.waits) >= maxWaits {
		t.dropLocked(t.first)
	}
	if old := t.waits[w.pair]; old != nil {
		t.dropLocked(old)
	}
	t.waits[w.pair] = w
	if w.prev = t.last; t.last != nil {
		t.last.next = w
	} else {
		t.first = w
		t.Stack.Clock.Set(&t.timer, w.until)
	}
	t.last, w.linked = w, true
}

func (t *Table) dropLocked(w *waiter) {
	if !w.linked {
		return
	}
	w.linked = false
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		t.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		t.last = w.prev
	}
	delete(t.waits, w.pair)
	t.gone = append(t.gone, w)
}

// expire ends those whose time is over.
func (t *Table) expire() {
	t.mu.Lock()
	defer t.unlock()
	for now := t.Stack.Clock.Now(); t.first != nil; {
		if t.first.until > now {
			t.Stack.Clock.Set(&t.timer, t.first.until)
			return
		}
		t.dropLocked(t.first)
	}
}

// find returns the listener for a connection to local: one bound to the address goes before one
// bound to any; of several in a group one by the addresses (inet_lookup_listener).
func (t *Table) find(local, remote netip.AddrPort) *listener {
	if s := t.service.Load(); s != nil && local == s.local {
		return s.listen
	}
	var best *listener
	var group []*listener
	most := -1
	t.ports.EachListener(local.Port(), func(b *stack.Binding) {
		e, ok := b.Who.(*Endpoint)
		if !ok || !b.Match(local.Addr()) {
			return
		}
		n := 0
		if b.Addr.IsValid() {
			n += 2
		}
		if e.V6 == local.Addr().Is6() {
			n++
		}
		if n < most {
			return
		}
		if n > most {
			group = group[:0]
		}
		best, most = e.listen, n
		if e.owner.Flag(linux.SO_REUSEPORT) {
			group = append(group, e.listen)
		}
	})
	if len(group) > 1 {
		return group[stack.Hash(local, remote)%uint64(len(group))]
	}
	return best
}

// Info is an entry of /proc/net/tcp.
type Info struct {
	State         State
	Local, Remote netip.AddrPort
	TxQueue       int
	RxQueue       int
	UID           uint32
	Owner         stack.Owner
	Expires       int64
	Timer         int // 1 sent again, 2 keepalive, 3 TIME_WAIT, 4 a closed window is probed
	Retrans       uint8
	Link          int32
	ChosenPort    bool
	Shut          uint8
	Endpoint      *Endpoint // nil in TIME_WAIT, and of a SYN that was answered
}

// Each calls f for every endpoint of IPv6 or IPv4 that has a port.
func (t *Table) Each(v6 bool, f func(i Info)) {
	seen := map[*Endpoint]bool{}
	var all []*Endpoint
	t.ports.All(func(b *stack.Binding) {
		if e, ok := b.Who.(*Endpoint); ok && e.V6 == v6 && !seen[e] {
			seen[e] = true
			all = append(all, e)
		}
	})
	for _, e := range all {
		i := Info{State: e.State(), UID: e.bind.UID}
		if i.State == Close {
			continue
		}
		if i.State == Listen {
			i.RxQueue, i.TxQueue = e.Backlog()
		} else {
			i.RxQueue, i.TxQueue, _, _ = e.Queued()
		}
		e.lock()
		i.Local, i.Remote, i.Owner, i.Endpoint = e.local, e.remote, e.owner, e
		i.Link, i.ChosenPort, i.Shut = e.bind.Link, e.noPort, e.shut
		i.Timer, i.Expires, i.Retrans = e.net.running()
		if e.finRcvd && !e.endRead && i.State != Listen {
			i.RxQueue++ // a FIN has a sequence number
		}
		e.mu.Unlock()
		f(i)
		for _, h := range e.halfOpen() {
			f(h)
		}
	}
	t.mu.RLock()
	var waits []Info
	for _, w := range t.waits {
		if w.v6 == v6 {
			waits = append(waits, Info{State: TimeWait, Local: w.local, Remote: w.remote, UID: 0, Timer: 3, Expires: w.until})
		}
	}
	t.mu.RUnlock()
	for _, i := range waits {
		f(i)
	}
}
