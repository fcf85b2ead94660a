package linux

// Netlink (netlink(7), rtnetlink(7); include/uapi/linux/netlink.h, rtnetlink.h, if_link.h,
// if_addr.h).
const (
	NETLINK_ROUTE          = 0
	NETLINK_KOBJECT_UEVENT = 15
	NETLINK_MAX            = 32

	NLM_F_REQUEST = 1
	NLM_F_MULTI   = 2
	NLM_F_ACK     = 4
	NLM_F_DUMP    = 0x300
	NLM_F_CAPPED  = 0x100
	NLM_F_EXCL    = 0x200
	NLM_F_CREATE  = 0x400
	NLM_F_REPLACE = 0x100

	NLMSG_ERROR    = 2
	NLMSG_DONE     = 3
	NLMSG_MIN_TYPE = 0x10

	NETLINK_ADD_MEMBERSHIP   = 1
	NETLINK_DROP_MEMBERSHIP  = 2
	NETLINK_PKTINFO          = 3
	NETLINK_BROADCAST_ERROR  = 4
	NETLINK_NO_ENOBUFS       = 5
	NETLINK_LISTEN_ALL_NSID  = 8
	NETLINK_LIST_MEMBERSHIPS = 9
	NETLINK_CAP_ACK          = 10
	NETLINK_EXT_ACK          = 11
	NETLINK_GET_STRICT_CHK   = 12
	SOL_NETLINK              = 270

	RTM_NEWLINK  = 16
	RTM_DELLINK  = 17
	RTM_GETLINK  = 18
	RTM_SETLINK  = 19
	RTM_NEWADDR  = 20
	RTM_DELADDR  = 21
	RTM_GETADDR  = 22
	RTM_NEWROUTE = 24
	RTM_DELROUTE = 25
	RTM_GETROUTE = 26
	RTM_GETNEIGH = 30
	RTM_MAX      = 123

	RTNLGRP_LINK        = 1
	RTNLGRP_IPV4_IFADDR = 5
	RTNLGRP_IPV6_IFADDR = 9

	IFLA_ADDRESS       = 1
	IFLA_BROADCAST     = 2
	IFLA_IFNAME        = 3
	IFLA_MTU           = 4
	IFLA_QDISC         = 6
	IFLA_STATS         = 7
	IFLA_TXQLEN        = 13
	IFLA_OPERSTATE     = 16
	IFLA_LINKMODE      = 17
	IFLA_STATS64       = 23
	IFLA_GROUP         = 27
	IFLA_PROMISCUITY   = 30
	IFLA_NUM_TX_QUEUES = 31
	IFLA_NUM_RX_QUEUES = 32
	IFLA_CARRIER       = 33

	IFA_ADDRESS        = 1
	IFA_LOCAL          = 2
	IFA_LABEL          = 3
	IFA_CACHEINFO      = 6
	IFA_FLAGS          = 8
	IFA_TARGET_NETNSID = 10

	IFA_F_PERMANENT = 0x80

	RTA_DST      = 1
	RTA_SRC      = 2
	RTA_GATEWAY  = 5
	RTA_OIF      = 4
	RTA_PRIORITY = 6
	RTA_PREFSRC  = 7
	RTA_TABLE    = 15

	RT_SCOPE_UNIVERSE = 0
	RT_SCOPE_LINK     = 253
	RT_SCOPE_HOST     = 254
	RT_TABLE_MAIN     = 254
	RT_TABLE_LOCAL    = 255
	RTPROT_KERNEL     = 2
	RTN_UNICAST       = 1
	RTN_LOCAL         = 2
	RTN_BROADCAST     = 3
)

// States of neighbours (include/uapi/linux/neighbour.h).
const (
	NUD_INCOMPLETE = 1
	NUD_REACHABLE  = 2
	NUD_STALE      = 4
	NUD_FAILED     = 0x20
	NUD_NOARP      = 0x40
	NUD_PERMANENT  = 0x80
)

// Nlmsghdr is struct nlmsghdr.
type Nlmsghdr struct {
	Len   uint32
	Type  uint16
	Flags uint16
	Seq   uint32
	PID   uint32
}

// SockaddrNl is struct sockaddr_nl.
type SockaddrNl struct {
	Family uint16
	_      uint16
	PID    uint32
	Groups uint32
}

// Ifinfomsg is struct ifinfomsg.
type Ifinfomsg struct {
	Family uint8
	_      uint8
	Type   uint16
	Index  int32
	Flags  uint32
	Change uint32
}

// Ifaddrmsg is struct ifaddrmsg.
type Ifaddrmsg struct {
	Family    uint8
	Prefixlen uint8
	Flags     uint8
	Scope     uint8
	Index     uint32
}

// Rtmsg is struct rtmsg.
type Rtmsg struct {
	Family   uint8
	DstLen   uint8
	SrcLen   uint8
	Tos      uint8
	Table    uint8
	Protocol uint8
	Scope    uint8
	Type     uint8
	Flags    uint32
}

func (Nlmsghdr) fixed()   {}
func (SockaddrNl) fixed() {}
func (Ifinfomsg) fixed()  {}
func (Ifaddrmsg) fixed()  {}
func (Rtmsg) fixed()      {}

// Types of routes that lead nowhere.
const (
	RTN_UNSPEC      = 0
	RTN_ANYCAST     = 4
	RTN_MULTICAST   = 5
	RTN_BLACKHOLE   = 6
	RTN_UNREACHABLE = 7
	RTN_PROHIBIT    = 8
	RTN_THROW       = 9
)
