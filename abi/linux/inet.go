package linux

// The Internet's families (include/uapi/linux/in.h, in6.h, ip.h, tcp.h, udp.h, icmp.h,
// errqueue.h).
const (
	IPPROTO_IP       = 0
	IPPROTO_ICMP     = 1
	IPPROTO_HOPOPTS  = 0
	IPPROTO_IGMP     = 2
	IPPROTO_TCP      = 6
	IPPROTO_UDP      = 17
	IPPROTO_IPV6     = 41
	IPPROTO_ROUTING  = 43
	IPPROTO_FRAGMENT = 44
	IPPROTO_ICMPV6   = 58
	IPPROTO_NONE     = 59
	IPPROTO_DSTOPTS  = 60
	IPPROTO_UDPLITE  = 136
	IPPROTO_RAW      = 255
	IPPROTO_MPTCP    = 262
	IPPROTO_MAX      = 263

	SizeofSockaddrIn  = 16
	SizeofSockaddrIn6 = 28
)

// Options at IPPROTO_IP.
const (
	IP_TOS                    = 1
	IP_TTL                    = 2
	IP_HDRINCL                = 3
	IP_OPTIONS                = 4
	IP_ROUTER_ALERT           = 5
	IP_RECVOPTS               = 6
	IP_RETOPTS                = 7
	IP_PKTINFO                = 8
	IP_PKTOPTIONS             = 9
	IP_MTU_DISCOVER           = 10
	IP_RECVERR                = 11
	IP_RECVTTL                = 12
	IP_RECVTOS                = 13
	IP_MTU                    = 14
	IP_FREEBIND               = 15
	IP_IPSEC_POLICY           = 16
	IP_PASSSEC                = 18
	IP_TRANSPARENT            = 19
	IP_RECVORIGDSTADDR        = 20
	IP_MINTTL                 = 21
	IP_NODEFRAG               = 22
	IP_CHECKSUM               = 23
	IP_BIND_ADDRESS_NO_PORT   = 24
	IP_RECVFRAGSIZE           = 25
	IP_RECVERR_RFC4884        = 26
	IP_MULTICAST_IF           = 32
	IP_MULTICAST_TTL          = 33
	IP_MULTICAST_LOOP         = 34
	IP_ADD_MEMBERSHIP         = 35
	IP_DROP_MEMBERSHIP        = 36
	IP_UNBLOCK_SOURCE         = 37
	IP_BLOCK_SOURCE           = 38
	IP_ADD_SOURCE_MEMBERSHIP  = 39
	IP_DROP_SOURCE_MEMBERSHIP = 40
	IP_MSFILTER               = 41
	MCAST_JOIN_GROUP          = 42
	MCAST_BLOCK_SOURCE        = 43
	MCAST_UNBLOCK_SOURCE      = 44
	MCAST_LEAVE_GROUP         = 45
	MCAST_JOIN_SOURCE_GROUP   = 46
	MCAST_LEAVE_SOURCE_GROUP  = 47
	MCAST_MSFILTER            = 48
	IP_MULTICAST_ALL          = 49
	IP_UNICAST_IF             = 50
	IP_LOCAL_PORT_RANGE       = 51
	IP_PROTOCOL               = 52

	IP_PMTUDISC_DONT      = 0
	IP_PMTUDISC_WANT      = 1
	IP_PMTUDISC_DO        = 2
	IP_PMTUDISC_PROBE     = 3
	IP_PMTUDISC_INTERFACE = 4
	IP_PMTUDISC_OMIT      = 5
)

// Options at IPPROTO_IPV6.
const (
	IPV6_ADDRFORM          = 1
	IPV6_2292PKTINFO       = 2
	IPV6_2292HOPOPTS       = 3
	IPV6_2292DSTOPTS       = 4
	IPV6_2292RTHDR         = 5
	IPV6_2292PKTOPTIONS    = 6
	IPV6_CHECKSUM          = 7
	IPV6_2292HOPLIMIT      = 8
	IPV6_NEXTHOP           = 9
	IPV6_AUTHHDR           = 10
	IPV6_FLOWINFO          = 11
	IPV6_UNICAST_HOPS      = 16
	IPV6_MULTICAST_IF      = 17
	IPV6_MULTICAST_HOPS    = 18
	IPV6_MULTICAST_LOOP    = 19
	IPV6_JOIN_GROUP        = 20
	IPV6_LEAVE_GROUP       = 21
	IPV6_ROUTER_ALERT      = 22
	IPV6_MTU_DISCOVER      = 23
	IPV6_MTU               = 24
	IPV6_RECVERR           = 25
	IPV6_V6ONLY            = 26
	IPV6_JOIN_ANYCAST      = 27
	IPV6_LEAVE_ANYCAST     = 28
	IPV6_MULTICAST_ALL     = 29
	IPV6_ROUTER_ALERT_ISO  = 30
	IPV6_RECVERR_RFC4884   = 31
	IPV6_FLOWLABEL_MGR     = 32
	IPV6_FLOWINFO_SEND     = 33
	IPV6_RECVPKTINFO       = 49
	IPV6_PKTINFO           = 50
	IPV6_RECVHOPLIMIT      = 51
	IPV6_HOPLIMIT          = 52
	IPV6_RECVHOPOPTS       = 53
	IPV6_HOPOPTS           = 54
	IPV6_RTHDRDSTOPTS      = 55
	IPV6_RECVRTHDR         = 56
	IPV6_RTHDR             = 57
	IPV6_RECVDSTOPTS       = 58
	IPV6_DSTOPTS           = 59
	IPV6_HDRINCL           = 36
	IPV6_RECVPATHMTU       = 60
	IPV6_PATHMTU           = 61
	IPV6_DONTFRAG          = 62
	IPV6_RECVTCLASS        = 66
	IPV6_TCLASS            = 67
	IPV6_AUTOFLOWLABEL     = 70
	IPV6_ADDR_PREFERENCES  = 72
	IPV6_MINHOPCOUNT       = 73
	IPV6_RECVORIGDSTADDR   = 74
	IPV6_TRANSPARENT       = 75
	IPV6_UNICAST_IF        = 76
	IPV6_RECVFRAGSIZE      = 77
	IPV6_FREEBIND          = 78
	SOL_RAW                = 255
	SOL_ICMPV6             = 58
	ICMP_FILTER            = 1
	ICMPV6_FILTER          = 1
	IPV6_PREFER_SRC_PUBLIC = 2
)

// Options at IPPROTO_TCP.
const (
	TCP_NODELAY              = 1
	TCP_MAXSEG               = 2
	TCP_CORK                 = 3
	TCP_KEEPIDLE             = 4
	TCP_KEEPINTVL            = 5
	TCP_KEEPCNT              = 6
	TCP_SYNCNT               = 7
	TCP_LINGER2              = 8
	TCP_DEFER_ACCEPT         = 9
	TCP_WINDOW_CLAMP         = 10
	TCP_INFO                 = 11
	TCP_QUICKACK             = 12
	TCP_CONGESTION           = 13
	TCP_MD5SIG               = 14
	TCP_THIN_LINEAR_TIMEOUTS = 16
	TCP_THIN_DUPACK          = 17
	TCP_USER_TIMEOUT         = 18
	TCP_REPAIR               = 19
	TCP_REPAIR_QUEUE         = 20
	TCP_QUEUE_SEQ            = 21
	TCP_REPAIR_OPTIONS       = 22
	TCP_FASTOPEN             = 23
	TCP_TIMESTAMP            = 24
	TCP_NOTSENT_LOWAT        = 25
	TCP_CC_INFO              = 26
	TCP_SAVE_SYN             = 27
	TCP_SAVED_SYN            = 28
	TCP_REPAIR_WINDOW        = 29
	TCP_FASTOPEN_CONNECT     = 30
	TCP_ULP                  = 31
	TCP_MD5SIG_EXT           = 32
	TCP_FASTOPEN_KEY         = 33
	TCP_FASTOPEN_NO_COOKIE   = 34
	TCP_ZEROCOPY_RECEIVE     = 35
	TCP_INQ                  = 36
	TCP_CM_INQ               = TCP_INQ
	TCP_TX_DELAY             = 37

	UDP_CORK            = 1
	UDP_ENCAP           = 100
	UDP_NO_CHECK6_TX    = 101
	UDP_NO_CHECK6_RX    = 102
	UDP_SEGMENT         = 103
	UDP_GRO             = 104
	SOL_UDP             = 17
	SOL_UDPLITE         = 136
	UDPLITE_SEND_CSCOV  = 10
	UDPLITE_RECV_CSCOV  = 11
	SOL_TCP             = 6
	SCM_TIMESTAMP_OLD   = SO_TIMESTAMP_OLD
	SCM_TIMESTAMPNS_OLD = SO_TIMESTAMPNS_OLD
)

// ICMP and ICMPv6.
const (
	ICMP_ECHOREPLY      = 0
	ICMP_DEST_UNREACH   = 3
	ICMP_REDIRECT       = 5
	ICMP_ECHO           = 8
	ICMP_TIME_EXCEEDED  = 11
	ICMP_PARAMETERPROB  = 12
	ICMP_NET_UNREACH    = 0
	ICMP_HOST_UNREACH   = 1
	ICMP_PROT_UNREACH   = 2
	ICMP_PORT_UNREACH   = 3
	ICMP_FRAG_NEEDED    = 4
	ICMP_SR_FAILED      = 5
	ICMP_NET_UNKNOWN    = 6
	ICMP_HOST_UNKNOWN   = 7
	ICMP_HOST_ISOLATED  = 8
	ICMP_NET_ANO        = 9
	ICMP_HOST_ANO       = 10
	ICMP_NET_UNR_TOS    = 11
	ICMP_HOST_UNR_TOS   = 12
	ICMP_PKT_FILTERED   = 13
	ICMP_PREC_VIOLATION = 14
	ICMP_PREC_CUTOFF    = 15

	ICMPV6_DEST_UNREACH = 1
	ICMPV6_PKT_TOOBIG   = 2
	ICMPV6_TIME_EXCEED  = 3
	ICMPV6_PARAMPROB    = 4
	ICMPV6_ECHO_REQUEST = 128
	ICMPV6_ECHO_REPLY   = 129
	ICMPV6_MLD_QUERY    = 130
	ICMPV6_MLD2_REPORT  = 143
	NDISC_ROUTER_SOL    = 133
	NDISC_ROUTER_ADV    = 134
	NDISC_NEIGH_SOL     = 135
	NDISC_NEIGH_ADV     = 136

	SO_EE_ORIGIN_NONE  = 0
	SO_EE_ORIGIN_LOCAL = 1
	SO_EE_ORIGIN_ICMP  = 2
	SO_EE_ORIGIN_ICMP6 = 3

	SO_EE_ORIGIN_ZEROCOPY      = 5
	SO_EE_CODE_ZEROCOPY_COPIED = 1
)

// Requests and flags of sockets of the Internet (include/uapi/linux/sockios.h, socket.h).
const (
	SIOCOUTQNSD    = 0x894b
	SIOCGSTAMP     = 0x8906
	SIOCGSTAMPNS   = 0x8907
	SIOCADDRT      = 0x890b
	SIOCDELRT      = 0x890c
	SIOCSIFADDR    = 0x8916
	SIOCSIFBRDADDR = 0x891a
	SIOCSIFNETMASK = 0x891c
	MSG_FASTOPEN   = 0x20000000
	MSG_PROBE      = 0x10
	MSG_CONFIRM    = 0x800
	MSG_ZEROCOPY   = 0x4000000
)

// SockExtendedErr is struct sock_extended_err.
type SockExtendedErr struct {
	Errno  uint32
	Origin uint8
	Type   uint8
	Code   uint8
	_      uint8
	Info   uint32
	Data   uint32
}

// TCPInfo is struct tcp_info up to what Linux 6.12 fills in; it has no holes.
type TCPInfo struct {
	State, CaState, Retransmits, Probes, Backoff, Options, Wscale, Flags uint8

	Rto, Ato, SndMss, RcvMss                             uint32
	Unacked, Sacked, Lost, Retrans, Fackets              uint32
	LastDataSent, LastAckSent, LastDataRecv, LastAckRecv uint32
	Pmtu, RcvSsthresh, Rtt, Rttvar, SndSsthresh, SndCwnd uint32
	Advmss, Reordering, RcvRtt, RcvSpace, TotalRetrans   uint32
	PacingRate, MaxPacingRate, BytesAcked, BytesReceived uint64
	SegsOut, SegsIn, NotsentBytes, MinRtt                uint32
	DataSegsIn, DataSegsOut                              uint32
	DeliveryRate, BusyTime, RwndLimited, SndbufLimited   uint64
	Delivered, DeliveredCe                               uint32
	BytesSent, BytesRetrans                              uint64
	DsackDups, ReordSeen, RcvOoopack, SndWnd             uint32
	RcvWnd, Rehash                                       uint32
	TotalRto, TotalRtoRecoveries                         uint16
	TotalRtoTime                                         uint32
}

func (SockExtendedErr) fixed() {}
