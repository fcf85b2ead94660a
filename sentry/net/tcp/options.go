package tcp

import (
	"github.com/seed-7423c386/runsc/abi/linux"
)

// Options are what a socket sets at IPPROTO_TCP. Fields are changed under the endpoint's lock
// (Configure); times are in Linux's units.
type Options struct {
	NoDelay            bool
	Cork               bool
	QuickAck           bool
	MaxSeg             uint16 // as it was set
	KeepIdle           int32  // seconds
	KeepIntvl          int32
	KeepCnt            int32
	SynCnt             int32
	Linger2            int32
	DeferAccept        int32 // seconds
	WindowClamp        int32
	UserTimeout        uint32 // ms
	NotsentLowat       uint32
	Congestion         string
	Chosen             bool // the application has chosen it
	KeepAlive          bool
	NoCookie           bool // TCP_FASTOPEN_NO_COOKIE
	TTL, TOS           uint8
	RecvErr4, RecvErr6 bool   // IP_RECVERR, IPV6_RECVERR
	MaxPacing          uint64 // SO_MAX_PACING_RATE, bytes a second; 0: any
}

func (o *Options) init(congestion string) {
	*o = Options{KeepIdle: 7200, KeepIntvl: 75, KeepCnt: 9, SynCnt: 6, Congestion: congestion, QuickAck: true}
}

// inherit takes the listener's.
func (o *Options) inherit(from *Options, congestion string) {
	*o = *from
	o.DeferAccept = 0
	if !o.Chosen {
		o.Congestion = congestion
	}
}

// Configure changes options by f, and sends what they held back.
func (e *Endpoint) Configure(f func(o *Options)) {
	e.lock()
	defer e.unlock()
	cork, noDelay := e.Cork, e.NoDelay
	f(&e.Options)
	if cork && !e.Cork || !noDelay && e.NoDelay { // what waits goes
		e.hold = false
	}
	if e.net != nil {
		e.net.choose(e.Congestion)
	}
	if e.state.in(Established, CloseWait, FinWait1, LastAck, Closing) {
		e.transmit()
		if e.net != nil {
			e.net.keep(e)
			e.setTimer()
		}
	}
}

// View calls f with the options.
func (e *Endpoint) View(f func(o *Options)) {
	e.lock()
	defer e.mu.Unlock()
	f(&e.Options)
}

// MSS is the size of the segments that are sent, as TCP_MAXSEG shows it.
func (e *Endpoint) MSS() int {
	e.lock()
	defer e.mu.Unlock()
	switch {
	case e.net != nil:
		return e.net.mss
	case e.state.in(Close, Listen) && e.MaxSeg != 0:
		return int(e.MaxSeg)
	case e.peer == nil:
		return 536
	}
	return e.mssLocked()
}

// Info fills in TCP_INFO (tcp_get_info).
func (e *Endpoint) Info() linux.TCPInfo {
	listening := e.listener() != nil
	n, most := 0, 0
	if listening {
		n, most = e.Backlog()
	}
	e.lock()
	defer e.mu.Unlock()
	i := linux.TCPInfo{State: uint8(e.state), PacingRate: 1<<64 - 1, MaxPacingRate: 1<<64 - 1}
	i.SndCwnd, i.Reordering = 10, 3
	if listening {
		i.Unacked, i.Sacked = uint32(n), uint32(most)
		return i
	}
	i.Rto, i.SndMss, i.SndSsthresh = 1_000_000, 536, 0x7fffffff
	i.Rttvar = 250_000
	i.NotsentBytes, i.BytesReceived = uint32(e.notSent()), e.got
	if e.peer != nil {
		e.tallied(&i)
	}
	if e.net != nil {
		e.net.info(e, &i)
	}
	if e.synData {
		i.Options |= 32
	}
	if e.net != nil && e.net.opening != nil && e.state == Established {
		i.State = uint8(SynRecv)
	}
	if e.MaxPacing != 0 {
		i.MaxPacingRate = e.MaxPacing
	}
	return i
}
