package tcp

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// info fills in what TCP_INFO tells of segments.
func (s *segments) info(e *Endpoint, i *linux.TCPInfo) {
	now := s.clock.Now()
	s.infoOptions(i)
	mss := max(s.mss, 1)
	segs := func(n int) uint32 { return uint32((n + mss - 1) / mss) }
	i.Wscale = s.sndScale | s.rcvScale<<4
	i.CaState = uint8(s.rec.state)
	i.Retransmits, i.TotalRetrans = uint8(min(s.tries, 255)), s.retrans
	i.Rto, i.Rtt, i.Rttvar, i.MinRtt = uint32(s.rtt.rto/1000), uint32(s.rtt.srtt/1000), uint32(s.rtt.rttvar/1000), uint32(s.rtt.min/1000)
	if s.rtt.min == 0 {
		i.MinRtt = ^uint32(0)
	}
	i.SndMss, i.RcvMss, i.Advmss, i.Pmtu = uint32(s.mss), uint32(s.mss), uint32(s.ourMSS(e)), uint32(s.path.MTU)
	i.SndCwnd, i.SndSsthresh = uint32(s.cc.cwnd/mss), uint32(s.cc.ssthresh/mss)
	if s.cc.ssthresh == noThreshold {
		i.SndSsthresh = 0x7fffffff
	}
	if s.synAcked {
		i.Unacked = segs(int(s.nxt - s.una))
		i.BytesAcked = e.sent - uint64(e.snd.n) + 1
	}
	i.Sacked, i.Lost, i.Retrans = segs(s.fl.sacked), segs(s.fl.lost), segs(s.fl.again)
	i.Reordering, i.ReordSeen, i.DsackDups, i.RcvOoopack = uint32(s.rack.reordering), s.rack.seen, s.rack.dsacks, s.shown.ooo
	i.SegsOut, i.SegsIn, i.DataSegsOut, i.DataSegsIn = s.shown.out, s.shown.in, s.shown.dataOut, s.shown.dataIn
	i.BytesSent, i.BytesRetrans = s.sentBytes, s.shown.bytesAgain
	i.Delivered, i.DeliveredCe = s.shown.delivered, s.shown.deliveredCE
	i.SndWnd, i.RcvWnd = s.wnd, s.adv-s.rcvNxt
	i.RcvSpace, i.RcvSsthresh, i.RcvRtt = uint32(s.room), uint32(s.room), uint32(s.echo*1000)
	i.PacingRate, i.DeliveryRate, i.BusyTime = s.shownRate(e), perSecond(s.rate.best.delivered, s.rate.best.interval), uint64(s.busy.total(now)/1000)
	i.RwndLimited = uint64(s.rwnd.total(now) / 1000)
	i.TotalRto, i.TotalRtoRecoveries, i.TotalRtoTime = s.rec.timeouts, s.rec.recovered, uint32(s.rec.lostFor/1e6)
	i.LastDataRecv, i.LastAckRecv = uint32((now-s.lastRecv)/1e6), uint32((now-s.lastRecv)/1e6)
	if i.LastDataSent = i.LastAckRecv; s.lastSent != 0 {
		i.LastDataSent = uint32((now - s.lastSent) / 1e6)
	}
}

// infoOptions says what the ends have agreed on (TCPI_OPT).
func (s *segments) infoOptions(i *linux.TCPInfo) {
	for k, on := range []bool{s.ts, s.sackOK, s.rcvScale != 0, s.ecn.ok, s.ecn.seen} {
		if on {
			i.Options |= 1 << k
		}
	}
	if s.rate.best.limited {
		i.Flags |= 1 // tcpi_delivery_rate_app_limited
	}
}

// ControlInfo is TCP_CC_INFO.
func (e *Endpoint) ControlInfo() []byte {
	e.lock()
	defer e.mu.Unlock()
	if e.net != nil {
		return e.net.cc.info()
	}
	if a := algorithmOf(e.Congestion); a.paced {
		return make([]byte, 20)
	}
	return nil
}

// words is numbers as the application sees them.
func words(v ...uint32) (b []byte) {
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}
