package tcp

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// tally is what TCP_INFO and TCP_MAXSEG show of a direct connection: as if what one end gave the other had gone over the
// loopback in segments. What is acknowledged when follows tcp_ack_snd_check and tcp_event_data_sent without their times: at
// once until data goes the other way, too, and then with that. The endpoint's lock guards it.
type tally struct {
	mss, rcvMSS     uint16
	options         uint8
	talks           bool   // something has been sent in answer: acknowledgements go with data
	fresh, owes     bool   // something has come since data was sent; and is not acknowledged
	out, in         uint32 // all segments
	dataOut, dataIn uint32
	outTold, inTold uint32 // what of it /proc/net/snmp has
	bytesTold       uint64 // and of the data
}

// halfWindow is how much is sent at once at most to a peer whose window is 64 KiB (tcp_bound_to_half_wnd).
const halfWindow = 32768

// loopMSS is what fits into a packet of the loopback.
func loopMSS(v6 bool) int {
	if v6 {
		return loopMTU - header.IPv6Size - header.TCPSize
	}
	return loopMTU - 1 - header.IPv4Size - header.TCPSize // no packet of IPv4 is longer than 65535
}

// directMSS is what e tells the other end of a direct connection.
func (e *Endpoint) directMSS() int {
	m := loopMSS(e.local.Addr().Is6())
	if e.MaxSeg != 0 {
		m = min(m, int(e.MaxSeg))
	}
	return m
}

// tallyBegin counts the three segments that a connection from e to n begins with: that in the middle is no socket's yet.
func (e *Endpoint) tallyBegin(n *Endpoint) {
	h := header.TCP{HasTS: true, SackOK: true, HasWScale: true}
	e.table.strip(&h)
	mss := min(e.directMSS(), n.directMSS())
	if h.HasTS {
		mss -= tsSize
	}
	t := tally{mss: uint16(min(mss, halfWindow)), rcvMSS: uint16(min(mss, 536))}
	t.options = uint8(truth(h.HasTS) | truth(h.SackOK)<<1 | truth(h.HasWScale)<<2)
	n.tally = &t
	n.tally.in = 2
	if e != n {
		first := t
		first.out, first.in = 2, 1
		e.tally = &first
		e.countDirect(1, 0, 0)
	}
}

// gave counts n bytes that have gone to p.
func (e *Endpoint) gave(p *Endpoint, n int) {
	t, o, segs := e.tally, p.tally, uint32(1)
	if n > int(t.mss) {
		segs = uint32((n + int(t.mss) - 1) / int(t.mss))
	}
	t.dataOut += segs
	o.dataIn += segs
	o.rcvMSS = max(o.rcvMSS, uint16(min(n, int(t.mss))))
	t.segment(o, segs)
}

// segment counts segments to o that are acknowledged.
func (t *tally) segment(o *tally, n uint32) {
	t.out += n
	o.in += n
	t.talks = t.talks || t.fresh
	t.fresh, t.owes = false, false
	o.fresh = true
	if o.owes = o.talks && !o.owes; !o.owes {
		o.out++
		t.in++
	}
}

// settle adds to the counters of the stack what they do not have yet.
func (e *Endpoint) settle() {
	t := e.tally
	if t == nil {
		return
	}
	bytes := e.sent - uint64(e.snd.n)
	e.countDirect(t.out-t.outTold, t.in-t.inTold, bytes-min(t.bytesTold, bytes))
	t.outTold, t.inTold, t.bytesTold = t.out, t.in, bytes
}

// countDirect counts segments for /proc/net/snmp, and those that go over the loopback with their bytes.
func (e *Endpoint) countDirect(sent, got uint32, data uint64) {
	c, out, in := &e.table.Stack.Counters, uint64(sent), uint64(got)
	ip := c.IPOf(e.local.Addr().Is6())
	c.TCPOutSegs.Add(out)
	c.TCPInSegs.Add(in)
	ip.OutRequests.Add(out)
	ip.OutTransmits.Add(out)
	ip.InReceives.Add(in)
	ip.InDelivers.Add(in)
	bytes := data + out*uint64(headers(e.local.Addr())+tsSize)
	ip.OutOctets.Add(bytes)
	ip.InOctets.Add(bytes)
	if lo := e.table.Stack.Loopback(); lo != nil {
		lo.Stats.TxPackets.Add(out)
		lo.Stats.RxPackets.Add(out)
		lo.Stats.TxBytes.Add(bytes)
		lo.Stats.RxBytes.Add(bytes)
	}
}

// Settle brings TCPInSegs and TCPOutSegs of the stack up to date, which direct connections count for themselves.
func (t *Table) Settle() {
	t.mu.RLock()
	var all []*Endpoint
	for _, e := range t.conns {
		all = append(all, e)
	}
	t.mu.RUnlock()
	for _, e := range all {
		e.lock()
		e.settle()
		e.mu.Unlock()
	}
}

// tallied fills in what TCP_INFO tells of a direct connection.
func (e *Endpoint) tallied(i *linux.TCPInfo) {
	t, adv := e.tally, e.directMSS()
	i.Options, i.Pmtu = t.options, loopMTU
	if e.local.Addr().Is4() {
		i.Pmtu--
	}
	if t.options&4 != 0 {
		i.Wscale = loopScale<<4 | loopScale
	}
	if t.options&1 != 0 {
		adv -= tsSize
	}
	if e.ecn {
		i.Options |= 8
		if e.got > 0 {
			i.Options |= 16
		}
	}
	fin := uint32(truth(e.finSent))
	i.SndMss, i.RcvMss, i.Advmss = uint32(e.mssLocked()), uint32(t.rcvMSS), uint32(adv)
	i.Rto, i.Rtt, i.Rttvar, i.MinRtt = 204_000, 30, 15, 10
	if e.got > 0 {
		i.Ato = 40_000
	}
	i.BytesSent = e.sent - uint64(e.snd.n)
	i.BytesAcked = i.BytesSent + uint64(fin)
	if e.begins {
		i.BytesAcked++ // the SYN
	}
	i.BytesReceived += uint64(truth(e.finRcvd))
	i.SndWnd, i.RcvWnd, i.RcvSpace, i.RcvSsthresh = 65536, 65536, 65495, 65495
	ms := uint32((e.table.Stack.Clock.Now() - e.begun) / 1e6)
	i.LastDataSent, i.LastDataRecv, i.LastAckRecv = ms, ms, ms
	i.SegsOut, i.SegsIn, i.DataSegsOut, i.DataSegsIn = t.out, t.in, t.dataOut, t.dataIn
	i.Delivered = 1 + t.dataOut + fin
}

// mssLocked is the size of the segments that a direct connection would send: before the first acknowledgement the window is
// what the SYN could say.
func (e *Endpoint) mssLocked() int {
	m := int(e.tally.mss)
	if e.begins && e.tally.in == 1 {
		m = min(m, (loopMSS(e.local.Addr().Is6())-tsSize)/2)
	}
	return m
}
