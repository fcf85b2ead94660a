package inet

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// What is counted: /proc/net/snmp, snmp6 and netstat. Names that nothing counts here are there with 0, since programs look
// for columns.

// counted is a name and its count.
type counted struct {
	name string
	n    uint64
}

// rows are a row of names and one of counts.
func rows(title string, all []counted) string {
	names, counts := title+":", title+":"
	for _, c := range all {
		names += " " + c.name
		counts += " " + strconv.FormatInt(int64(c.n), 10) // MaxConn is -1
	}
	return names + "\n" + counts + "\n"
}

// ip is what both versions count, with what went to its receiver without a packet.
func (n *Net) ip(v6 bool) (c *stack.IPCounters, direct uint64) {
	s := &n.Stack.Counters
	for _, d := range []*stack.DatagramCounters{s.DatagramsOf(false, v6), s.DatagramsOf(true, v6)} {
		direct += d.Out.Load() - min(d.Packets.Load(), d.Out.Load())
	}
	return s.IPOf(v6), direct
}

// Types of ICMP that have a name (icmpmibmap).
var icmpNames = []struct {
	name string
	typ  uint8
}{
	{"DestUnreachs", 3}, {"TimeExcds", 11}, {"ParmProbs", 12}, {"SrcQuenchs", 4}, {"Redirects", 5}, {"Echos", 8}, {"EchoReps", 0},
	{"Timestamps", 13}, {"TimestampReps", 14}, {"AddrMasks", 17}, {"AddrMaskReps", 18},
}

// Likewise of ICMPv6 (icmp6type2name).
var icmp6Names = []struct {
	name string
	typ  uint8
}{
	{"DestUnreachs", 1}, {"PktTooBigs", 2}, {"TimeExcds", 3}, {"ParmProblems", 4}, {"Echos", 128}, {"EchoReplies", 129}, {"GroupMembQueries", 130},
	{"GroupMembResponses", 131}, {"GroupMembReductions", 132}, {"RouterSolicits", 133}, {"RouterAdvertisements", 134}, {"NeighborSolicits", 135},
	{"NeighborAdvertisements", 136}, {"Redirects", 137}, {"MLDv2Reports", 143},
}

// snmpText is /proc/net/snmp.
func snmpText(n *Net) string {
	n.TCP.Settle()
	c := &n.Stack.Counters
	ip, direct := n.ip(false)
	forward := uint64(2)
	if n.Stack.Settings.Forward.Load() {
		forward = 1
	}
	text := rows("Ip", []counted{
		{"Forwarding", forward}, {"DefaultTTL", uint64(n.Stack.Settings.TTL.Load())}, {"InReceives", ip.InReceives.Load() + direct}, {"InHdrErrors", ip.InHdrErrors.Load()},
		{"InAddrErrors", ip.InAddrErrors.Load()}, {"ForwDatagrams", ip.Forwarded.Load()}, {"InUnknownProtos", ip.InUnknownProtos.Load()}, {"InDiscards", ip.InDiscards.Load()},
		{"InDelivers", ip.InDelivers.Load() + direct}, {"OutRequests", ip.OutRequests.Load() + direct}, {"OutDiscards", ip.OutDiscards.Load()}, {"OutNoRoutes", ip.OutNoRoutes.Load()},
		{"ReasmTimeout", 0}, {"ReasmReqds", ip.ReasmReqds.Load()}, {"ReasmOKs", ip.ReasmOKs.Load()}, {"ReasmFails", ip.ReasmFails.Load()}, {"FragOKs", ip.FragOKs.Load()},
		{"FragFails", ip.FragFails.Load()}, {"FragCreates", ip.FragCreates.Load()}, {"OutTransmits", ip.OutTransmits.Load() + direct},
	})
	return text + icmpText(&c.ICMP) + rows("Tcp", []counted{
		{"RtoAlgorithm", 1}, {"RtoMin", 200}, {"RtoMax", 120000}, {"MaxConn", 1<<64 - 1}, {"ActiveOpens", c.TCPActiveOpens.Load()}, {"PassiveOpens", c.TCPPassiveOpens.Load()},
		{"AttemptFails", c.TCPAttemptFails.Load()}, {"EstabResets", c.TCPEstabResets.Load()}, {"CurrEstab", uint64(max(c.TCPEstab.Load(), 0))}, {"InSegs", c.TCPInSegs.Load()},
		{"OutSegs", c.TCPOutSegs.Load()}, {"RetransSegs", c.TCPRetransSegs.Load()}, {"InErrs", c.TCPInErrs.Load()}, {"OutRsts", c.TCPOutRsts.Load()}, {"InCsumErrors", 0},
	}) + rows("Udp", datagrams(&c.UDP, true)) + rows("UdpLite", datagrams(&c.UDPLite, true))
}

// icmpText is the rows Icmp and, of types that there were, IcmpMsg (icmp_put, icmpmsg_put).
func icmpText(c *stack.ICMPCounters) string {
	all := []counted{{"InMsgs", stack.Sum(&c.In) + c.InErrors.Load()}, {"InErrors", c.InErrors.Load()}, {"InCsumErrors", c.InCsumErrors.Load()}}
	for _, t := range icmpNames {
		all = append(all, counted{"In" + t.name, c.In[t.typ].Load()})
	}
	all = append(all, counted{"OutMsgs", stack.Sum(&c.Out)}, counted{"OutErrors", 0}, counted{"OutRateLimitGlobal", 0}, counted{"OutRateLimitHost", 0})
	for _, t := range icmpNames {
		all = append(all, counted{"Out" + t.name, c.Out[t.typ].Load()})
	}
	text := rows("Icmp", all)
	if all = append(types("InType", &c.In), types("OutType", &c.Out)...); len(all) > 0 {
		text += rows("IcmpMsg", all)
	}
	return text
}

// types are the types of which there were some.
func types(name string, of *[256]atomic.Uint64) (all []counted) {
	for i := range of {
		if n := of[i].Load(); n > 0 {
			all = append(all, counted{name + strconv.Itoa(i), n})
		}
	}
	return all
}

func datagrams(c *stack.DatagramCounters, ignored bool) []counted {
	all := []counted{
		{"InDatagrams", c.In.Load()}, {"NoPorts", c.NoPorts.Load()}, {"InErrors", c.InErrors.Load() + c.RcvbufErrors.Load()}, {"OutDatagrams", c.Out.Load()},
		{"RcvbufErrors", c.RcvbufErrors.Load()}, {"SndbufErrors", 0}, {"InCsumErrors", 0},
	}
	if ignored {
		all = append(all, counted{"IgnoredMulti", 0})
	}
	return append(all, counted{"MemErrors", 0})
}

// snmp6Text is /proc/net/snmp6.
func snmp6Text(n *Net) string {
	n.TCP.Settle()
	var b strings.Builder
	add := func(prefix string, all ...counted) {
		for _, c := range all {
			fmt.Fprintf(&b, "%-32s\t%d\n", prefix+c.name, c.n)
		}
	}
	ip, direct := n.ip(true)
	add("Ip6", []counted{
		{"InReceives", ip.InReceives.Load() + direct}, {"InHdrErrors", ip.InHdrErrors.Load()}, {"InTooBigErrors", 0}, {"InNoRoutes", 0}, {"InAddrErrors", ip.InAddrErrors.Load()},
		{"InUnknownProtos", ip.InUnknownProtos.Load()}, {"InTruncatedPkts", 0}, {"InDiscards", ip.InDiscards.Load()}, {"InDelivers", ip.InDelivers.Load() + direct},
		{"OutForwDatagrams", ip.Forwarded.Load()}, {"OutRequests", ip.OutRequests.Load() + direct}, {"OutDiscards", ip.OutDiscards.Load()}, {"OutNoRoutes", ip.OutNoRoutes.Load()},
		{"ReasmTimeout", 0}, {"ReasmReqds", ip.ReasmReqds.Load()}, {"ReasmOKs", ip.ReasmOKs.Load()}, {"ReasmFails", ip.ReasmFails.Load()}, {"FragOKs", ip.FragOKs.Load()},
		{"FragFails", ip.FragFails.Load()}, {"FragCreates", ip.FragCreates.Load()}, {"InMcastPkts", ip.InMcastPkts.Load()}, {"OutMcastPkts", ip.OutMcastPkts.Load()},
		{"InOctets", ip.InOctets.Load()}, {"OutOctets", ip.OutOctets.Load()}, {"InMcastOctets", ip.InMcastOctets.Load()}, {"OutMcastOctets", ip.OutMcastOctets.Load()},
		{"InBcastOctets", 0}, {"OutBcastOctets", 0}, {"InNoECTPkts", ip.InReceives.Load() + direct}, {"InECT1Pkts", 0}, {"InECT0Pkts", 0}, {"InCEPkts", 0}, {"OutTransmits", ip.OutTransmits.Load() + direct},
	}...)
	c := &n.Stack.Counters.ICMP6
	add("Icmp6", counted{"InMsgs", stack.Sum(&c.In) + c.InErrors.Load()}, counted{"InErrors", c.InErrors.Load()}, counted{"OutMsgs", stack.Sum(&c.Out)}, counted{"OutErrors", 0},
		counted{"InCsumErrors", c.InCsumErrors.Load()}, counted{"OutRateLimitHost", 0})
	for _, t := range icmp6Names {
		add("Icmp6In", counted{t.name, c.In[t.typ].Load()})
	}
	for _, t := range icmp6Names {
		add("Icmp6Out", counted{t.name, c.Out[t.typ].Load()})
	}
	add("Icmp6", append(types("InType", &c.In), types("OutType", &c.Out)...)...)
	add("Udp6", datagrams(&n.Stack.Counters.UDP6, true)...)
	add("UdpLite6", datagrams(&n.Stack.Counters.UDPLite6, false)...)
	return b.String()
}

// tcpNames are all names of TcpExt (snmp4_net_list).
const tcpNames = "SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled " +
	"TWKilled PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked DelayedACKLost ListenOverflows " +
	"ListenDrops TCPHPHits TCPPureAcks TCPHPAcks TCPRenoRecovery TCPSackRecovery TCPSACKReneging TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo " +
	"TCPPartialUndo TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures TCPFastRetrans TCPSlowStartRetrans " +
	"TCPTimeouts TCPLossProbes TCPLossProbeRecovery TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed TCPBacklogCoalesce TCPDSACKOldSent " +
	"TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger TCPAbortFailed " +
	"TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard TCPDSACKIgnoredOld TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected " +
	"TCPMD5Failure TCPSackShifted TCPSackMerged TCPSackShiftFallback TCPBacklogDrop PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter " +
	"TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce TCPOFOQueue TCPOFODrop TCPOFOMerge TCPChallengeACK " +
	"TCPSYNChallenge TCPFastOpenActive TCPFastOpenActiveFail TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow TCPFastOpenCookieReqd " +
	"TCPFastOpenBlackhole TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv " +
	"TCPSynRetrans TCPOrigDataSent TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd TCPACKSkippedSynRecv " +
	"TCPACKSkippedPAWS TCPACKSkippedSeq TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail " +
	"TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash " +
	"TcpDuplicateDataRehash TCPDSACKRecvSegs TCPDSACKIgnoredDubious TCPMigrateReqSuccess TCPMigrateReqFailure TCPPLBRehash TCPAORequired TCPAOBad " +
	"TCPAOKeyNotFound TCPAOGood TCPAODroppedIcmps"

// netstatText is /proc/net/netstat.
func netstatText(n *Net) string {
	counts := map[string]uint64{}
	n.TCP.Counters.Each(func(name string, v uint64) { counts[name] = v })
	var all []counted
	for _, name := range strings.Fields(tcpNames) {
		all = append(all, counted{name, counts[name]})
	}
	ip, direct := n.ip(false)
	return rows("TcpExt", all) + rows("IpExt", []counted{
		{"InNoRoutes", 0}, {"InTruncatedPkts", 0}, {"InMcastPkts", ip.InMcastPkts.Load()}, {"OutMcastPkts", ip.OutMcastPkts.Load()}, {"InBcastPkts", 0}, {"OutBcastPkts", 0},
		{"InOctets", ip.InOctets.Load()}, {"OutOctets", ip.OutOctets.Load()}, {"InMcastOctets", ip.InMcastOctets.Load()}, {"OutMcastOctets", ip.OutMcastOctets.Load()},
		{"InBcastOctets", 0}, {"OutBcastOctets", 0}, {"InCsumErrors", 0}, {"InNoECTPkts", ip.InReceives.Load() + direct}, {"InECT1Pkts", 0}, {"InECT0Pkts", 0}, {"InCEPkts", 0}, {"ReasmOverlaps", 0},
	})
}
