package link

import (
	"bytes"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// bridge joins its ports to one Ethernet (net/bridge): it learns who is behind which, and floods what is for somebody it
// does not know, or for many. There is no spanning tree, no VLAN and no snooping: ports forward from the
// start, and in a ring frames go round until they have been through maxHops bridges.
type bridge struct {
	dev *Device

	mu    sync.RWMutex
	ports []*port
	fdb   map[header.MAC]*station
	fixed bool // the hardware address was given
}

// port is an interface of a bridge.
type port struct {
	bridge *bridge
	dev    *Device
	number int
}

// station is somebody known (struct net_bridge_fdb_entry).
type station struct {
	port      *port // nil: the bridge itself
	seen      int64
	permanent bool
	local     bool // not forwarded
}

const (
	maxPorts    = 1023
	maxStations = 4096
	ageing      = 300e9
)

func newBridge(d *Device, fixed bool) *bridge {
	return &bridge{dev: d, fdb: map[header.MAC]*station{}, fixed: fixed}
}

// Enslave makes d a port of the bridge m, or of none if m is nil: EINVAL, EBUSY, ELOOP, ENOBUFS, EOPNOTSUPP.
func (d *Device) Enslave(m *Device) linux.Errno {
	changes.Lock()
	defer changes.Unlock()
	if p := d.port.Load(); p != nil && m != nil && p.bridge == m.bridge {
		return 0
	}
	if m == nil {
		d.release()
		return 0
	}
	from, index := d.where()
	to, master := m.where()
	switch {
	case m.bridge == nil:
		return linux.EOPNOTSUPP
	case d.bridge != nil:
		return linux.ELOOP
	case d.tun != nil && !d.tun.tap:
		return linux.EINVAL
	case index == 0 || master == 0 || from.Table != to.Table:
		return linux.EINVAL
	}
	d.release()
	b := m.bridge
	p := &port{bridge: b, dev: d}
	l, errno := from.Table.Find(index, "")
	if errno != 0 {
		return errno
	}
	b.mu.Lock()
	if len(b.ports) >= maxPorts {
		b.mu.Unlock()
		return linux.EXFULL
	}
	for p.number = 1; slices.ContainsFunc(b.ports, func(o *port) bool { return o.number == p.number }); p.number++ {
	}
	b.ports = append(b.ports, p)
	b.fdb[l.MAC] = &station{port: p, permanent: true, local: true}
	b.mu.Unlock()
	d.port.Store(p)
	from.Table.Update(index, func(l *device.Link) linux.Errno {
		l.Master = master
		return 0
	})
	b.recalculate()
	b.carrier()
	return 0
}

// release makes d a port no more.
func (d *Device) release() {
	p := d.port.Swap(nil)
	if p == nil {
		return
	}
	b := p.bridge
	b.mu.Lock()
	b.ports = slices.DeleteFunc(slices.Clone(b.ports), func(o *port) bool { return o == p })
	for m, s := range b.fdb {
		if s.port == p {
			delete(b.fdb, m)
		}
	}
	b.mu.Unlock()
	if place, index := d.where(); index != 0 {
		place.Table.Update(index, func(l *device.Link) linux.Errno {
			l.Master = 0
			return 0
		})
	}
	b.recalculate()
	b.carrier()
}

// close lets all ports go.
func (b *bridge) close() {
	for _, p := range b.list() {
		p.dev.release()
	}
}

func (b *bridge) list() []*port {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.ports
}

// recalculate gives the bridge the lowest of its ports' addresses, unless it was given one
// (br_stp_recalculate_bridge_id).
func (b *bridge) recalculate() {
	place, index := b.dev.where()
	b.mu.RLock()
	fixed := b.fixed
	b.mu.RUnlock()
	if index == 0 || fixed {
		return
	}
	var low [6]byte
	for _, p := range b.list() {
		if l := p.dev.at.Load(); l != nil {
			if m := l.own(); low == [6]byte{} || bytes.Compare(m[:], low[:]) < 0 {
				low = m
			}
		}
	}
	if low == [6]byte{} {
		return
	}
	place.Table.Update(index, func(l *device.Link) linux.Errno {
		l.MAC = low
		return 0
	})
}

// FixMAC says that the address of a bridge was given.
func (d *Device) FixMAC() {
	if d.bridge != nil {
		d.bridge.mu.Lock()
		d.bridge.fixed = true
		d.bridge.mu.Unlock()
	}
}

// carrier is there while a port has one.
func (b *bridge) carrier() {
	has := func() bool { return slices.ContainsFunc(b.list(), func(p *port) bool { return p.dev.running() }) }
	for again := true; again; {
		on := has()
		if place, index := b.dev.where(); index != 0 {
			place.Table.SetCarrier(index, on)
		}
		again = on != has()
	}
}

// special are the addresses that no bridge forwards (IEEE 802.1D 7.12.6).
func special(m header.MAC) bool {
	return [5]byte(m[:5]) == [5]byte{1, 0x80, 0xc2} && m[5] < 16
}

// input is a frame that came in by a port.
func (b *bridge) input(p *port, f hopped) {
	e, _, ok := header.ParseEthernet(f.b[vnetSize:])
	l := p.dev.at.Load()
	if !ok || l == nil || e.Src[0]&1 != 0 || !b.dev.up.Load() || f.hops >= maxHops {
		return
	}
	if l.stack.Tapped() {
		if dev := l.stack.Link(l.index); dev != nil {
			l.stack.Tell(&stack.Frame{Link: dev, Whole: f.b[vnetSize:], Head: header.EthernetSize, Type: e.Type, Kind: l.kind(e), Early: true})
		}
	}
	if !b.learn(e.Src, p) {
		return
	}
	if special(e.Dst) {
		return
	}
	f.hops++
	to, local := b.find(e.Dst)
	switch {
	case local:
		b.deliver(f.b)
	case to != nil:
		if to != p {
			to.dev.forward(f)
		}
	default:
		b.flood(p, f)
		if e.Dst[0]&1 != 0 {
			b.deliver(f.b)
		}
	}
}

// learn notes who is behind a port: false if that is ourselves.
func (b *bridge) learn(m header.MAC, p *port) bool {
	now := stack.Wall.Now()
	b.mu.RLock()
	s := b.fdb[m]
	fresh := s != nil && s.port == p && now-s.seen < 1e9
	b.mu.RUnlock()
	if fresh {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch s = b.fdb[m]; {
	case s != nil && s.local:
		return false
	case s != nil && s.permanent:
	case s != nil:
		b.fdb[m] = &station{port: p, seen: now}
	default:
		if len(b.fdb) >= maxStations {
			b.expireLocked(now)
		}
		if len(b.fdb) < maxStations {
			b.fdb[m] = &station{port: p, seen: now}
		}
	}
	return true
}

// expireLocked forgets who was not seen for long, or if there is nobody like that somebody.
func (b *bridge) expireLocked(now int64) {
	full := true
	for m, s := range b.fdb {
		if !s.permanent && now-s.seen > ageing {
			delete(b.fdb, m)
			full = false
		}
	}
	for m, s := range b.fdb {
		if full && !s.permanent {
			delete(b.fdb, m)
			return
		}
	}
}

// find is where somebody is: local if at the bridge itself, nil if it is not known.
func (b *bridge) find(m header.MAC) (to *port, local bool) {
	if m[0]&1 != 0 {
		return nil, false
	}
	if l := b.dev.at.Load(); l != nil && l.own() == m {
		return nil, true
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.fdb[m]
	switch {
	case s == nil || !s.permanent && stack.Wall.Now()-s.seen > ageing:
		return nil, false
	case s.local || s.port == nil:
		return nil, true
	}
	return s.port, false
}

// flood sends a frame out of all ports but one.
func (b *bridge) flood(not *port, f hopped) {
	for _, p := range b.list() {
		if p != not {
			p.dev.forward(f)
		}
	}
}

// deliver gives a frame to the bridge's own interface.
func (b *bridge) deliver(f []byte) {
	if l := b.dev.at.Load(); l != nil {
		l.input(f, nil)
	}
}

// send is a frame of the bridge's own interface.
func (b *bridge) send(f []byte) {
	e, _, ok := header.ParseEthernet(f[vnetSize:])
	if !ok {
		return
	}
	to, local := b.find(e.Dst)
	switch {
	case local:
	case to != nil:
		to.dev.forward(hopped{f, 0})
	default:
		b.flood(nil, hopped{f, 0})
	}
}

// Station is an entry of a bridge's table, to be shown.
type Station struct {
	MAC       [6]byte
	Link      int32 // of the port
	Master    int32
	Permanent bool
	Local     bool
	Seen      int64 // ago, ns
}

// Stations are those that a bridge knows, by address.
func (d *Device) Stations() (out []Station) {
	if d.bridge == nil {
		return nil
	}
	_, master := d.where()
	now := stack.Wall.Now()
	b := d.bridge
	b.mu.RLock()
	defer b.mu.RUnlock()
	for m, s := range b.fdb {
		if !s.permanent && now-s.seen > ageing {
			continue
		}
		x := Station{MAC: m, Master: master, Link: master, Permanent: s.permanent, Local: s.local, Seen: now - s.seen}
		if s.port != nil {
			_, x.Link = s.port.dev.where()
		}
		out = append(out, x)
	}
	if l := d.at.Load(); l != nil {
		if m := l.own(); b.fdb[m] == nil {
			out = append(out, Station{MAC: m, Master: master, Link: master, Permanent: true, Local: true})
		}
	}
	slices.SortFunc(out, func(a, b Station) int { return bytes.Compare(a.MAC[:], b.MAC[:]) })
	return out
}

// SetStation adds an entry for a port, or with remove takes it away: EEXIST, ENOENT, EINVAL if d is no port, ENOBUFS.
func (d *Device) SetStation(m [6]byte, s Station, remove, replace bool) linux.Errno {
	p := d.port.Load()
	if p == nil {
		return linux.EINVAL
	}
	b := p.bridge
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.fdb[m]
	switch {
	case remove && (old == nil || old.port != p):
		return linux.ENOENT
	case remove:
		delete(b.fdb, m)
		return 0
	case old != nil && !replace:
		return linux.EEXIST
	case old == nil && len(b.fdb) >= maxStations:
		return linux.ENOBUFS
	}
	b.fdb[m] = &station{port: p, seen: stack.Wall.Now(), permanent: s.Permanent, local: s.Local}
	return 0
}

// PortNumber is d's number at its bridge, 0 if it is at none.
func (d *Device) PortNumber() int {
	if p := d.port.Load(); p != nil {
		return p.number
	}
	return 0
}
