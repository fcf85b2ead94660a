package tcp

import "github.com/seed-7423c386/runsc/sentry/net/stack"

// How much may be on its way at once.

// control is one connection's part of an algorithm (struct tcp_congestion_ops).
type control interface {
	// begin takes over a connection.
	begin(s *segments)
	// threshold is the slow start threshold that follows from a loss.
	threshold(s *segments) int
	// acked lets the window grow for an acknowledgement when nothing is wrong; of an algorithm that decides the window
	// itself it is called for each, and sets it.
	acked(s *segments)
	// undo is the window when there was no loss after all.
	undo(s *segments) int
	// event tells of what else happens.
	event(s *segments, ev controlEvent)
	// info is what TCP_CC_INFO shows.
	info() []byte
}

type controlEvent uint8

const (
	evStart   controlEvent = iota // something is sent after nothing was on its way
	evLoss                        // a time-out
	evReduced                     // the window has become smaller
)

// algorithm is a kind of congestion control.
type algorithm struct {
	name  string
	make  func() control
	whole bool // it decides the window in recovery, too
	paced bool // and how fast it is sent
}

// algorithms are all there are, in the order in which they are shown.
var algorithms = []*algorithm{
	{name: "reno", make: func() control { return reno{} }},
	{name: "cubic", make: func() control { return &cubic{} }},
	{name: "bbr", make: func() control { return &bbr{} }, whole: true, paced: true},
}

// Algorithms are the names of the algorithms for congestion control.
func Algorithms() (names []string) {
	for _, a := range algorithms {
		names = append(names, a.name)
	}
	return names
}

func algorithmOf(name string) *algorithm {
	for _, a := range algorithms {
		if a.name == name {
			return a
		}
	}
	return algorithms[1]
}

// congestion is the window of a connection, in bytes.
type congestion struct {
	control
	kind     *algorithm
	cwnd     int
	ssthresh int
	carry    int  // acknowledged bytes that have not made it grow
	full     bool // it is what limits
	fullTo   uint32
}

const (
	noThreshold = 1 << 30
	firstWindow = 10 // segments, RFC 6928
)

// choose makes an algorithm the connection's.
func (s *segments) choose(name string) {
	a := algorithmOf(name)
	if s.cc.kind == a {
		return
	}
	s.cc.kind, s.cc.control = a, a.make()
	s.pace.rate = 0
	if s.cc.cwnd > 0 {
		s.cc.begin(s)
	}
}

// whole reports whether the algorithm decides the window always.
func (c *congestion) whole() bool { return c.kind.whole }

// start is when the size of segments is known.
func (s *segments) startWindow() {
	s.cc.cwnd, s.cc.ssthresh = firstWindow*s.mss, noThreshold
	s.cc.begin(s)
}

// slow reports whether it is in slow start.
func (c *congestion) slow() bool { return c.cwnd < c.ssthresh }

// limited reports whether it is the window that keeps the flight small, so that it may grow (tcp_is_cwnd_limited).
func (s *segments) limited() bool {
	if s.cc.slow() {
		return s.cc.cwnd < 2*(s.ack.inFlight)
	}
	return s.cc.full
}

// slowStart grows the window by n acknowledged bytes: how many are left over (tcp_slow_start).
func (c *congestion) slowStart(n int) int {
	grown := min(c.cwnd+n, c.ssthresh)
	n -= grown - c.cwnd
	c.cwnd = grown
	return n
}

// additive grows it by a segment for each w bytes that are acknowledged (tcp_cong_avoid_ai).
func (c *congestion) additive(w, n, mss int) {
	if c.carry >= w {
		c.carry = 0
		c.cwnd += mss
	}
	if c.carry += n; c.carry >= w {
		d := c.carry / w
		c.carry -= d * w
		c.cwnd += d * mss
	}
}

// restart makes the window smaller after nothing was sent for a while, since it says nothing of the way any more
// (RFC 5681 4.1, tcp_slow_start_after_idle_check).
func (s *segments) restart(e *Endpoint, now int64) {
	idle := now - s.lastSent
	if s.lastSent == 0 || idle <= s.rtt.rto || s.cc.whole() || e.table.Stack.Settings.TCPOff.Load()&stack.OffIdle != 0 {
		return
	}
	c := &s.cc
	least := min(firstWindow*s.mss, c.cwnd)
	c.ssthresh = max(c.ssthresh, c.cwnd/4*3)
	for idle -= s.rtt.rto; idle > 0 && c.cwnd > least; idle -= s.rtt.rto {
		c.cwnd /= 2
	}
	c.cwnd = max(c.cwnd, least)
}

// controlled lets the algorithm see an acknowledgement (tcp_cong_control).
func (s *segments) controlled() {
	switch {
	case s.cc.kind.whole:
		s.cc.acked(s)
	case s.rec.state >= caCWR && s.rec.state != caLoss:
	case s.ack.acked > 0 && (s.rec.state != caDisorder || s.rack.reordering > firstReordering) || s.ack.fresh(&s.rate) > 0 && s.rack.reordering > firstReordering:
		s.cc.acked(s)
	}
}
