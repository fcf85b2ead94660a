package tcp

import "sync/atomic"

// Counters is what TcpExt of /proc/net/netstat shows (include/uapi/linux/snmp.h).
type Counters struct {
	SyncookiesSent, SyncookiesRecv, SyncookiesFailed                                           atomic.Uint64
	TW, PAWSEstab, DelayedACKs, ListenOverflows, ListenDrops                                   atomic.Uint64
	RenoRecovery, SackRecovery, SackReorder, FullUndo, PartialUndo, DSACKUndo, LossUndo        atomic.Uint64
	LostRetransmit, FastRetrans, SlowStartRetrans, Timeouts, LossProbes, LossProbeRecovery     atomic.Uint64
	DSACKOldSent, DSACKRecv, AbortOnTimeout, ChallengeACK, KeepAlive                           atomic.Uint64
	FastOpenActive, FastOpenActiveFail, FastOpenPassive, FastOpenPassiveFail, FastOpenOverflow atomic.Uint64
	FastOpenCookieReqd, SpuriousRTOs, MinTTLDrop                                               atomic.Uint64
}

// Each calls f with each name and count, in Linux's order.
func (c *Counters) Each(f func(name string, n uint64)) {
	for _, k := range []struct {
		name string
		n    *atomic.Uint64
	}{
		{"SyncookiesSent", &c.SyncookiesSent}, {"SyncookiesRecv", &c.SyncookiesRecv}, {"SyncookiesFailed", &c.SyncookiesFailed},
		{"TW", &c.TW}, {"PAWSEstab", &c.PAWSEstab}, {"DelayedACKs", &c.DelayedACKs}, {"ListenOverflows", &c.ListenOverflows}, {"ListenDrops", &c.ListenDrops},
		{"TCPRenoRecovery", &c.RenoRecovery}, {"TCPSackRecovery", &c.SackRecovery}, {"TCPSACKReorder", &c.SackReorder},
		{"TCPFullUndo", &c.FullUndo}, {"TCPPartialUndo", &c.PartialUndo}, {"TCPDSACKUndo", &c.DSACKUndo}, {"TCPLossUndo", &c.LossUndo},
		{"TCPLostRetransmit", &c.LostRetransmit}, {"TCPFastRetrans", &c.FastRetrans}, {"TCPSlowStartRetrans", &c.SlowStartRetrans},
		{"TCPTimeouts", &c.Timeouts}, {"TCPLossProbes", &c.LossProbes}, {"TCPLossProbeRecovery", &c.LossProbeRecovery},
		{"TCPDSACKOldSent", &c.DSACKOldSent}, {"TCPDSACKRecv", &c.DSACKRecv}, {"TCPAbortOnTimeout", &c.AbortOnTimeout}, {"TCPSpuriousRTOs", &c.SpuriousRTOs}, {"TCPChallengeACK", &c.ChallengeACK},
		{"TCPMinTTLDrop", &c.MinTTLDrop}, {"TCPFastOpenActive", &c.FastOpenActive}, {"TCPFastOpenActiveFail", &c.FastOpenActiveFail}, {"TCPFastOpenPassive", &c.FastOpenPassive},
		{"TCPFastOpenPassiveFail", &c.FastOpenPassiveFail}, {"TCPFastOpenListenOverflow", &c.FastOpenOverflow}, {"TCPFastOpenCookieReqd", &c.FastOpenCookieReqd},
		{"TCPKeepAlive", &c.KeepAlive},
	} {
		f(k.name, k.n.Load())
	}
}
