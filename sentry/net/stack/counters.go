package stack

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Counters are those of /proc/net/snmp and snmp6, of both versions.
type Counters struct {
	IP, IP6     IPCounters
	ICMP, ICMP6 ICMPCounters

	TCPActiveOpens, TCPPassiveOpens, TCPAttemptFails, TCPEstabResets, TCPInSegs, TCPOutSegs, TCPRetransSegs, TCPInErrs, TCPOutRsts atomic.Uint64
	TCPEstab                                                                                                                       atomic.Int64

	UDP, UDPLite, UDP6, UDPLite6 DatagramCounters
}

// IPCounters are those of a version of IP.
type IPCounters struct {
	InReceives, InDelivers, InHdrErrors, InAddrErrors, InUnknownProtos, InDiscards atomic.Uint64
	Forwarded, OutRequests, OutTransmits, OutNoRoutes, OutDiscards                 atomic.Uint64
	ReasmReqds, ReasmOKs, ReasmFails, FragOKs, FragFails, FragCreates              atomic.Uint64
	InOctets, OutOctets, InMcastPkts, OutMcastPkts, InMcastOctets, OutMcastOctets  atomic.Uint64
}

// ICMPCounters are those of ICMP or ICMPv6, by type.
type ICMPCounters struct {
	InErrors, InCsumErrors atomic.Uint64
	In, Out                [256]atomic.Uint64
}

// DatagramCounters are those of UDP, or of UDP-Lite.
type DatagramCounters struct {
	In, NoPorts, InErrors, Out, RcvbufErrors atomic.Uint64
	Packets                                  atomic.Uint64 // of Out, those that were made: the others went to their receiver by a call
}

// IPOf are those of IPv6 or of IPv4.
func (c *Counters) IPOf(v6 bool) *IPCounters {
	if v6 {
		return &c.IP6
	}
	return &c.IP
}

// Sum is how many messages of all types there were.
func Sum(of *[256]atomic.Uint64) (n uint64) {
	for i := range of {
		n += of[i].Load()
	}
	return n
}

// ICMPOut counts a message that is sent, if it is one.
func (c *Counters) ICMPOut(proto uint8, message []byte) {
	switch {
	case len(message) == 0:
	case proto == linux.IPPROTO_ICMP:
		c.ICMP.Out[message[0]].Add(1)
	case proto == linux.IPPROTO_ICMPV6:
		c.ICMP6.Out[message[0]].Add(1)
	}
}

// DatagramsOf are the counters of UDP, or of UDP-Lite, of IPv6 or IPv4.
func (c *Counters) DatagramsOf(lite, v6 bool) *DatagramCounters {
	switch {
	case lite && v6:
		return &c.UDPLite6
	case lite:
		return &c.UDPLite
	case v6:
		return &c.UDP6
	}
	return &c.UDP
}

// Refused counts an ICMP error that we have told ourselves of without a packet.
func (c *Counters) Refused(typ uint8, v6 bool) {
	ip, icmp := &c.IP, &c.ICMP
	if v6 {
		ip, icmp = &c.IP6, &c.ICMP6
	}
	icmp.Out[typ].Add(1)
	icmp.In[typ].Add(1)
	for _, n := range []*atomic.Uint64{&ip.OutRequests, &ip.OutTransmits, &ip.InReceives, &ip.InDelivers} {
		n.Add(1)
	}
}
