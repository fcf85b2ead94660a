package link

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Tun is an interface whose other end is a file (drivers/net/tun.c): packets of IP, or with tap frames of Ethernet.
type Tun struct {
	dev *Device
	tap bool

	mu      sync.Mutex
	queues  []*Queue
	many    bool // IFF_MULTI_QUEUE
	persist bool
	info    bool  // IFF_NO_PI is not set
	owner   int64 // -1: anybody
	group   int64
}

// Queue is an open file of a Tun.
type Queue struct {
	Wait wait.Queue

	tun    *Tun
	mu     sync.Mutex
	frames [][]byte
	bytes  int
	gone   bool
}

const (
	maxQueues     = 256
	maxQueued     = 500 // the queue length of a tun
	maxQueueBytes = 4 << 20
)

// MakeTun makes an interface of files: EEXIST, ENOBUFS.
func MakeTun(s *Spec, tap, many bool) (*Tun, linux.Errno) {
	d := &Device{kind: "tun"}
	t := &Tun{dev: d, tap: tap, many: many, owner: -1, group: -1}
	d.tun = t
	s.Kind, s.NoCarrier = "tun", true
	if !tap {
		s.Type, s.Flags, s.Queue = linux.ARPHRD_NONE, linux.IFF_POINTOPOINT|linux.IFF_NOARP|linux.IFF_MULTICAST, 500
	}
	changes.Lock()
	defer changes.Unlock()
	return t, d.enter(s)
}

// TunOf is the Tun of an interface, nil if it is none.
func TunOf(l *device.Link) *Tun {
	if d := Of(l); d != nil {
		return d.tun
	}
	return nil
}

// Tap reports whether it carries frames; Many whether it may have several queues; Persist whether it stays without any.
func (t *Tun) Tap() bool { return t.tap }

// Many is described at Tap.
func (t *Tun) Many() bool { return t.many }

// Persist is described at Tap.
func (t *Tun) Persist() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.persist
}

// Info reports whether each packet is read and written with a struct tun_pi before it.
func (t *Tun) Info() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.info
}

// SetInfo changes that.
func (t *Tun) SetInfo(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.info = on
}

// SetPersist changes it.
func (t *Tun) SetPersist(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.persist = on
}

// Owners are the user and the group that may attach, -1 for none.
func (t *Tun) Owners() (uid, gid int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.owner, t.group
}

// SetOwners changes them.
func (t *Tun) SetOwners(uid, gid int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owner, t.group = uid, gid
}

// Name is the interface's name, Index its number; empty and 0 if it is gone.
func (t *Tun) Name() (string, int32) {
	place, index := t.dev.where()
	if index == 0 {
		return "", 0
	}
	l, _ := place.Table.Find(index, "")
	return l.Name, index
}

// Attach adds a queue: EBUSY if there is one and cannot be several, E2BIG, EBADFD if it is gone.
func (t *Tun) Attach() (*Queue, linux.Errno) {
	t.mu.Lock()
	switch {
	case len(t.queues) > 0 && !t.many:
		t.mu.Unlock()
		return nil, linux.EBUSY
	case len(t.queues) >= maxQueues:
		t.mu.Unlock()
		return nil, linux.E2BIG
	}
	q := &Queue{tun: t}
	t.queues = append(slices.Clip(t.queues), q)
	t.mu.Unlock()
	t.carrier(true)
	return q, 0
}

func (t *Tun) carrier(on bool) {
	if place, index := t.dev.where(); index != 0 {
		place.Table.SetCarrier(index, on)
	}
}

// Detach takes a queue away; with the last goes the interface, unless it persists.
func (q *Queue) Detach() {
	t := q.tun
	t.mu.Lock()
	t.queues = slices.DeleteFunc(slices.Clone(t.queues), func(o *Queue) bool { return o == q })
	left, persist := len(t.queues), t.persist
	t.mu.Unlock()
	q.end()
	switch {
	case left > 0:
	case persist:
		t.carrier(false)
	default:
		t.dev.Destroy()
	}
}

func (q *Queue) end() {
	q.mu.Lock()
	q.gone, q.frames, q.bytes = true, nil, 0
	q.mu.Unlock()
	q.Wait.Notify(wait.In | wait.RdNorm | wait.Err | wait.Hup)
}

// gone is told that the interface is.
func (t *Tun) gone() {
	t.mu.Lock()
	queues := t.queues
	t.queues = nil
	t.mu.Unlock()
	for _, q := range queues {
		q.end()
	}
}

// put is a frame with its virtio-net header that goes out by a tap.
func (t *Tun) put(b []byte) bool { return t.give(b[vnetSize:]) }

// Send is stack.Port's, of a tun.
func (t *Tun) Send(_ netip.Addr, p stack.Out) {
	b := p.Flat()
	if l := t.dev.at.Load(); l != nil {
		l.tellIP(b, stack.FrameOutgoing)
		if !t.give(b) {
			l.stats.TxDropped.Add(1)
		}
	}
}

// tellIP tells those who watch of a packet without a frame.
func (l *Link) tellIP(b []byte, kind uint8) {
	if dev := l.stack.Link(l.index); dev != nil && l.stack.Tapped() && len(b) > 0 {
		typ := uint16(header.TypeIPv4)
		if b[0]>>4 == 6 {
			typ = header.TypeIPv6
		}
		l.stack.Tell(&stack.Frame{Link: dev, Whole: b, Type: typ, Kind: kind})
	}
}

var flowSeed = maphash.MakeSeed()

// give queues something for who reads: false if it is lost.
func (t *Tun) give(b []byte) bool {
	t.mu.Lock()
	queues := t.queues
	t.mu.Unlock()
	if len(queues) == 0 || !t.dev.up.Load() {
		return false
	}
	q := queues[0]
	if len(queues) > 1 { // a flow stays with its queue
		q = queues[maphash.Bytes(flowSeed, flow(b, t.tap))%uint64(len(queues))]
	}
	q.mu.Lock()
	if q.gone || len(q.frames) >= maxQueued || q.bytes+len(b) > maxQueueBytes {
		q.mu.Unlock()
		return false
	}
	q.frames = append(q.frames, b)
	q.bytes += len(b)
	q.mu.Unlock()
	q.Wait.Notify(wait.In | wait.RdNorm)
	return true
}

// flow is what the packets of a flow have in common: addresses and ports.
func flow(b []byte, tap bool) []byte {
	if tap {
		b = b[min(header.EthernetSize, len(b)):]
	}
	switch {
	case len(b) >= 24 && b[0]>>4 == 4:
		return b[12:24]
	case len(b) >= 44 && b[0]>>4 == 6:
		return b[8:44]
	}
	return nil
}

// Next takes what was queued first: EAGAIN, EBADFD if the interface is gone.
func (q *Queue) Next() ([]byte, linux.Errno) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.gone:
		return nil, linux.EBADFD
	case len(q.frames) == 0:
		return nil, linux.EAGAIN
	}
	b := q.frames[0]
	q.frames[0] = nil
	q.bytes -= len(b)
	if q.frames = q.frames[1:]; len(q.frames) == 0 {
		q.frames = nil
	}
	return b, 0
}

// Ready reports whether there is something to read, and whether the interface is up.
func (q *Queue) Ready() (readable, writable, gone bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames) > 0, q.tun.dev.up.Load(), q.gone
}

// Tun is whose queue it is.
func (q *Queue) Tun() *Tun { return q.tun }

// Put lets something come in by the interface: a packet, or a frame of a tap. EINVAL if it is neither, EIO if the interface is down. typed says
// that the program has told that it is IP.
func (q *Queue) Put(b []byte, typed bool) linux.Errno {
	t := q.tun
	l := t.dev.at.Load()
	if l == nil {
		return linux.EBADFD
	}
	if t.tap && len(b) < header.EthernetSize {
		return linux.EINVAL
	}
	if !t.tap && !typed && (len(b) == 0 || b[0]>>4 != 4 && b[0]>>4 != 6) {
		l.stats.RxDropped.Add(1)
		return linux.EINVAL
	}
	if !t.dev.up.Load() {
		return linux.EIO
	}
	if t.tap {
		t.dev.take(hopped{append(make([]byte, vnetSize, vnetSize+len(b)), b...), 0})
		return 0
	}
	l.stats.Rx(len(b))
	l.tellIP(b, stack.FrameHost)
	l.stack.Input(b, l.index, stack.Outside)
	return 0
}
