package link

import (
	"crypto/rand"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Place is a network namespace: its interfaces and its stack.
type Place struct {
	Table *device.Table
	Stack *stack.Stack
}

// Device is an interface made inside: an end of a veth, a bridge, a dummy, a tun or tap.
//
// Frames that go to a device wait in its backlog. Who puts the first there takes them out again and does
// what follows, so that nothing waits for another goroutine, and what follows does not pile up on one stack: a device whose
// backlog is being emptied only gets longer.
type Device struct {
	kind   string
	peer   *Device // of a veth
	bridge *bridge // of a bridge
	tun    *Tun    // of a tun or tap
	at     atomic.Pointer[Link]
	port   atomic.Pointer[port] // in a bridge
	up     atomic.Bool          // by Changed

	settling sync.Mutex // Changed, one at a time
	mu       sync.Mutex
	place    Place
	index    int32 // 0: it is gone

	backlog backlog
}

// backlog is frames that have come to a device.
type backlog struct {
	mu     sync.Mutex
	frames []hopped
	bytes  int
	busy   bool // somebody takes them out
}

// hopped is a frame that has gone through so many bridges.
type hopped struct {
	b    []byte
	hops uint8
}

const (
	maxBacklogFrames = 1000 // net.core.netdev_max_backlog
	maxBacklogBytes  = 4 << 20
	maxHops          = 16 // a ring of bridges does not go round for ever
	inPerson         = 64 // so many frames somebody takes out who has something else to do
)

// changes makes, moves and removes devices one at a time (rtnl_lock).
var changes sync.Mutex

// made is how many devices there are.
var made atomic.Int32

// maxDevices is how many a sandbox may have.
const maxDevices = 4096

// RandomMAC is a hardware address that nobody else has (eth_random_addr).
func RandomMAC() (m [6]byte) {
	rand.Read(m[:])
	m[0] = m[0]&^1 | 2
	return m
}

// Spec is what a new device is to be.
type Spec struct {
	Place
	device.Link
}

// Make makes a device of a kind that consists of one: ENOBUFS, EEXIST, EOPNOTSUPP.
func Make(s *Spec) (*Device, linux.Errno) {
	d := &Device{kind: s.Kind}
	switch s.Kind {
	case "bridge":
		d.bridge = newBridge(d, s.MAC != [6]byte{})
	case "dummy":
		s.Flags |= linux.IFF_NOARP
	default:
		return nil, linux.EOPNOTSUPP
	}
	changes.Lock()
	defer changes.Unlock()
	return d, d.enter(s)
}

// MakePair makes both ends of a veth. The second is made first, as Linux does.
func MakePair(a, b *Spec) linux.Errno {
	x, y := &Device{kind: a.Kind}, &Device{kind: a.Kind}
	x.peer, y.peer = y, x
	changes.Lock()
	defer changes.Unlock()
	a.NoCarrier, b.NoCarrier = true, true
	if errno := y.enter(b); errno != 0 {
		return errno
	}
	_, a.Peer = y.where()
	a.PeerTable = b.Table
	if errno := x.enter(a); errno != 0 {
		y.leave()
		return errno
	}
	x.tellPeer()
	return 0
}

// tellPeer lets the other end show where this one is.
func (d *Device) tellPeer() {
	place, index := d.where()
	o, i := d.peer.where()
	if i != 0 {
		o.Table.Update(i, func(l *device.Link) linux.Errno {
			l.Peer, l.PeerTable = index, place.Table
			return 0
		})
	}
}

// enter makes d an interface of a namespace.
func (d *Device) enter(s *Spec) linux.Errno {
	if made.Load() >= maxDevices {
		return linux.ENOBUFS
	}
	l := s.Link
	if l.Type == 0 {
		l.Type = linux.ARPHRD_ETHER
	}
	if l.Type == linux.ARPHRD_ETHER {
		l.Flags |= linux.IFF_BROADCAST | linux.IFF_MULTICAST
		if l.MAC == [6]byte{} {
			l.MAC = RandomMAC()
		}
	}
	if l.MTU == 0 {
		l.MTU = 1500
	}
	l.Behind = d
	index, errno := s.Table.Insert(l)
	if errno != 0 {
		return errno
	}
	made.Add(1)
	d.mu.Lock()
	d.place, d.index = s.Place, index
	d.mu.Unlock()
	j := join(s.Stack, index, l.MAC, d)
	d.at.Store(j)
	if l.Type == linux.ARPHRD_ETHER {
		s.Stack.Attach(index, j)
	} else {
		s.Stack.Attach(index, d.tun)
	}
	return 0
}

// leave takes d out of its namespace.
func (d *Device) leave() (was device.Link) {
	d.release()
	d.mu.Lock()
	place, index := d.place, d.index
	d.index = 0
	d.mu.Unlock()
	if index == 0 {
		return was
	}
	d.up.Store(false)
	place.Stack.Detach(index)
	if l := d.at.Swap(nil); l != nil {
		l.close()
	}
	was, _ = place.Table.Remove(index)
	made.Add(-1)
	return was
}

// Where is the namespace that d is in, and its index, 0 if it is gone.
func (d *Device) Where() (Place, int32) { return d.where() }

// where is where d is: index 0 if it is gone.
func (d *Device) where() (Place, int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.place, d.index
}

// Destroy removes d, and the other end of a veth; the ports of a bridge become interfaces again.
func (d *Device) Destroy() {
	changes.Lock()
	defer changes.Unlock()
	if d.bridge != nil {
		d.bridge.close()
	}
	d.leave()
	if d.peer != nil {
		d.peer.leave()
	}
	if d.tun != nil {
		d.tun.gone()
	}
}

// Move moves d into another namespace, where it gets a name if that is not empty and its index if that is free. It is down there and has no addresses:
// EEXIST if the name is taken, EINVAL if it cannot be moved.
func (d *Device) Move(to Place, name string) linux.Errno {
	changes.Lock()
	defer changes.Unlock()
	from, index := d.where()
	if index == 0 {
		return linux.ENODEV
	}
	if from.Table == to.Table {
		return 0
	}
	if d.bridge != nil {
		return linux.EINVAL // it is of its namespace (NETIF_F_NETNS_LOCAL)
	}
	l, errno := from.Table.Find(index, "")
	if errno != 0 {
		return errno
	}
	if name == "" {
		name = l.Name
	}
	if _, errno := to.Table.Find(0, name); errno == 0 {
		return linux.EEXIST
	}
	was := d.leave()
	was.Name, was.Addrs, was.Master = name, nil, 0
	was.Flags &^= linux.IFF_UP | linux.IFF_RUNNING | linux.IFF_LOWER_UP
	was.NoCarrier = d.peer != nil
	if errno := d.enter(&Spec{to, was}); errno != 0 {
		if d.peer != nil {
			d.peer.leave()
		}
		return errno
	}
	if d.peer != nil {
		d.tellPeer()
		d.carrier()
	}
	return 0
}

// Changed is device.Behind's.
func (d *Device) Changed(l *device.Link, was uint32) {
	d.settling.Lock()
	if place, index := d.where(); index == l.Index { // what came later may have been told of earlier
		if now, errno := place.Table.Find(index, ""); errno == 0 {
			l = &now
		}
	}
	if at := d.at.Load(); at != nil && at.own() != l.MAC {
		at.SetMAC(l.MAC)
	}
	same := d.up.Swap(l.Up()) == l.Up()
	d.settling.Unlock()
	if same {
		return
	}
	switch {
	case d.peer != nil:
		d.carrier()
	case d.port.Load() != nil:
		d.port.Load().bridge.carrier()
	case d.bridge != nil:
		d.bridge.carrier()
	}
}

// carrier is there at both ends of a veth if both are up. Who finds that this is no longer so, once it has been said, says it anew.
func (d *Device) carrier() {
	for again := true; again; {
		on := d.up.Load() && d.peer.up.Load()
		for _, e := range []*Device{d, d.peer} {
			if place, index := e.where(); index != 0 {
				place.Table.SetCarrier(index, on)
				if p := e.port.Load(); p != nil {
					p.bridge.carrier()
				}
			}
		}
		again = on != (d.up.Load() && d.peer.up.Load())
	}
}

// running reports whether frames go through d.
func (d *Device) running() bool { return d.up.Load() && (d.peer == nil || d.peer.up.Load()) }

// offload is wire's: nobody beyond cuts segments.
func (d *Device) offload() bool { return false }

// transmit is wire's: what the stack sends.
func (d *Device) transmit(f frame) bool {
	if !d.up.Load() {
		return false
	}
	if b := f.keep().head; d.bridge == nil {
		return d.out(hopped{b, 0})
	} else {
		d.bridge.send(b)
	}
	return true
}

// out sends a frame away by d.
func (d *Device) out(f hopped) bool {
	switch {
	case d.peer != nil:
		return d.running() && d.peer.take(f)
	case d.tun != nil:
		return d.tun.put(f.b)
	}
	return true // a dummy
}

// take takes a frame in: false if it is lost.
func (d *Device) take(f hopped) bool {
	q := &d.backlog
	q.mu.Lock()
	if len(q.frames) >= maxBacklogFrames || q.bytes+len(f.b) > maxBacklogBytes || f.hops > maxHops {
		q.mu.Unlock()
		if l := d.at.Load(); l != nil {
			l.stats.RxDropped.Add(1)
		}
		return false
	}
	q.frames = append(q.frames, f)
	q.bytes += len(f.b)
	busy := q.busy
	q.busy = true
	q.mu.Unlock()
	if !busy {
		d.empty(inPerson)
	}
	return true
}

// empty takes frames out of the backlog; after so many somebody else does.
func (d *Device) empty(most int) {
	q := &d.backlog
	for {
		q.mu.Lock()
		frames := q.frames
		q.frames, q.bytes = nil, 0
		if len(frames) == 0 {
			q.busy = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for _, f := range frames {
			d.input(f)
		}
		if l := d.at.Load(); l != nil {
			l.stack.Flush()
		}
		if most -= len(frames); most <= 0 {
			go d.empty(1 << 30)
			return
		}
	}
}

// input is a frame that has come to d.
func (d *Device) input(f hopped) {
	l := d.at.Load()
	if l == nil || !d.up.Load() {
		return
	}
	if p := d.port.Load(); p != nil {
		l.stats.Rx(len(f.b) - vnetSize)
		p.bridge.input(p, f)
		return
	}
	l.input(f.b, nil)
}

// forward sends a frame by d that its stack has nothing to do with.
func (d *Device) forward(f hopped) {
	l := d.at.Load()
	if l == nil || !d.running() || len(f.b) > int(maxFrame) {
		return
	}
	if l.stack.Tapped() {
		if e, _, ok := header.ParseEthernet(f.b[vnetSize:]); ok {
			l.tell(f.b[vnetSize:], e, stack.FrameOutgoing, false, nil)
		}
	}
	if !d.out(f) {
		l.stats.TxDropped.Add(1)
		return
	}
	l.stats.Tx(len(f.b) - vnetSize)
}

// Of is what is behind an interface that was made inside, nil for others.
func Of(l *device.Link) *Device {
	d, _ := l.Behind.(*Device)
	return d
}

// Link is d's place on its Ethernet, nil if it is gone.
func (d *Device) Link() *Link { return d.at.Load() }

// End removes all devices of a namespace that has ended.
func End(t *device.Table) {
	for _, l := range t.Close() {
		if d := Of(&l); d != nil {
			d.Destroy()
		}
	}
}

// close forgets the neighbours: the interface is gone.
func (l *Link) close() {
	l.mu.Lock()
	l.closed = true
	l.neighs = map[netip.Addr]*neighbour{}
	l.mu.Unlock()
	l.stack.Clock.Set(&l.timer, 0)
}
