package tcp

import "github.com/seed-7423c386/runsc/sentry/net/header"

// The network tells of congestion without a loss (RFC 3168).

// ecn is what is known of it (struct tcp_sock, ecn_flags).
type ecn struct {
	ok     bool // both ends can
	wanted bool // the SYN has asked for it
	seen   bool // the peer sends packets that may be marked
	demand bool // one was marked: the peer is told until it says that it has heard
	cwr    bool // the peer is to be told that it was heard
}

// What the last two bits of IP's type of service say.
const (
	ecnMask  = 3
	ecnECT0  = 2
	ecnCE    = 3
	ecnEcho  = header.ECE
	ecnSetup = header.ECE | header.CWR
)

// queueCWR lets the next new data tell that the window is smaller.
func (c *ecn) queueCWR() { c.cwr = c.ok }

func (c *ecn) withdrawCWR() { c.cwr = false }

// asksECN reports whether a SYN asks for it and it may be agreed on (tcp_ecn_create_request).
func (t *Table) asksECN(g *segment) bool {
	return g.Flags&ecnSetup == ecnSetup && g.tos&ecnMask == 0 && t.Stack.Settings.ECN.Load() != 0
}

// mark sets what a segment of an established connection says (tcp_ecn_send): the type of service to be added.
func (s *segments) mark(h *header.TCP, n int, again bool) (tos uint8) {
	c := &s.ecn
	if !c.ok || h.Flags&header.SYN != 0 {
		return 0
	}
	if n > 0 && !again {
		tos = ecnECT0
		if c.cwr {
			c.cwr = false
			h.Flags |= header.CWR
		}
	}
	if c.demand {
		h.Flags |= ecnEcho
	}
	return tos
}

// marked looks at a segment with data (tcp_data_ecn_check, tcp_ecn_accept_cwr).
func (s *segments) marked(g *segment) {
	c := &s.ecn
	if !c.ok {
		return
	}
	if g.Flags&header.CWR != 0 {
		c.demand = false
		s.ackNow = true // its window may be one segment
	}
	switch g.tos & ecnMask {
	case 0:
		if c.seen {
			s.quick = max(s.quick, 2)
		}
		return
	case ecnCE:
		if !c.demand {
			s.quick, c.demand = max(s.quick, 2), true
		}
	}
	c.seen = true
}
