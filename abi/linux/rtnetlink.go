package linux

// More of rtnetlink(7): what interfaces, neighbours and rules are made by (include/uapi/linux/rtnetlink.h,
// if_link.h, if_bridge.h, neighbour.h, fib_rules.h, net_namespace.h, veth.h, if_tun.h).
const (
	NLM_F_ACK_TLVS      = 0x200
	NLM_F_DUMP_FILTERED = 0x20
	NLM_F_APPEND        = 0x800

	NLMSGERR_ATTR_MSG = 1

	RTM_NEWNEIGH = 28
	RTM_DELNEIGH = 29
	RTM_NEWRULE  = 32
	RTM_DELRULE  = 33
	RTM_GETRULE  = 34
	RTM_NEWNSID  = 88
	RTM_GETNSID  = 90

	RTNLGRP_NEIGH      = 3
	RTNLGRP_IPV4_ROUTE = 7
	RTNLGRP_IPV4_RULE  = 8
	RTNLGRP_IPV6_ROUTE = 11
	RTNLGRP_IPV6_RULE  = 19

	IFLA_LINK           = 5
	IFLA_MASTER         = 10
	IFLA_PROTINFO       = 12
	IFLA_LINKINFO       = 18
	IFLA_EXT_MASK       = 29
	IFLA_NET_NS_PID     = 19
	IFLA_IFALIAS        = 20
	IFLA_AF_SPEC        = 26
	IFLA_NET_NS_FD      = 28
	IFLA_LINK_NETNSID   = 37
	IFLA_TARGET_NETNSID = 46
	IFLA_ALT_IFNAME     = 53
	IFLA_MIN_MTU        = 50
	IFLA_MAX_MTU        = 51

	IFLA_INFO_KIND           = 1
	IFLA_INFO_DATA           = 2
	IFLA_INFO_SLAVE_KIND     = 4
	IFLA_INFO_SLAVE_DATA     = 5
	VETH_INFO_PEER           = 1
	IFLA_INET6_ADDR_GEN_MODE = 8
	NLA_F_NESTED             = 1 << 15

	IFLA_TUN_OWNER       = 1
	IFLA_TUN_GROUP       = 2
	IFLA_TUN_TYPE        = 3
	IFLA_TUN_PI          = 4
	IFLA_TUN_VNET_HDR    = 5
	IFLA_TUN_PERSIST     = 6
	IFLA_TUN_MULTI_QUEUE = 7

	IFLA_BRPORT_STATE         = 1
	IFLA_BRPORT_PRIORITY      = 2
	IFLA_BRPORT_COST          = 3
	IFLA_BRPORT_MODE          = 4
	IFLA_BRPORT_GUARD         = 5
	IFLA_BRPORT_PROTECT       = 6
	IFLA_BRPORT_LEARNING      = 8
	IFLA_BRPORT_UNICAST_FLOOD = 9
	BR_STATE_DISABLED         = 0
	BR_STATE_FORWARDING       = 3
	IFLA_BR_AGEING_TIME       = 4
	IFLA_BR_STP_STATE         = 5
	AF_BRIDGE                 = 7

	IFA_BROADCAST       = 4
	IFA_F_SECONDARY     = 1
	IFA_F_NODAD         = 2
	IFA_F_DADFAILED     = 8
	IFA_F_TENTATIVE     = 0x40
	IFA_F_NOPREFIXROUTE = 0x200

	NDA_DST       = 1
	NDA_LLADDR    = 2
	NDA_CACHEINFO = 3
	NDA_PROBES    = 4
	NDA_MASTER    = 9
	NTF_SELF      = 2
	NTF_MASTER    = 4

	RTA_UID         = 25
	RTA_METRICS     = 8
	RTAX_MTU        = 2
	RTA_PREF        = 20
	RTM_F_CLONED    = 0x200
	RTNH_F_ONLINK   = 4
	RTNH_F_LINKDOWN = 16
	RTA_CACHEINFO   = 12

	FRA_DST                = 1
	FRA_SRC                = 2
	FRA_IIFNAME            = 3
	FRA_PRIORITY           = 6
	FRA_TABLE              = 15
	FRA_SUPPRESS_PREFIXLEN = 14
	FRA_OIFNAME            = 17
	FRA_PROTOCOL           = 21
	FRA_FWMARK             = 10
	FRA_UID_RANGE          = 20
	FRA_IP_PROTO           = 22
	FRA_SPORT_RANGE        = 23
	FRA_DPORT_RANGE        = 24
	FIB_RULE_INVERT        = 2
	NDA_IFINDEX            = 8
	NTF_PROXY              = 8
	FR_ACT_TO_TBL          = 1
	RT_TABLE_DEFAULT       = 253

	RT_SCOPE_NOWHERE = 255
	NETNSA_NSID      = 1
	NETNSA_PID       = 2
	NETNSA_FD        = 3
)

// Ndmsg is struct ndmsg.
type Ndmsg struct {
	Family  uint8
	_       uint8
	_       uint16
	Ifindex int32
	State   uint16
	Flags   uint8
	Type    uint8
}

func (Ndmsg) fixed() {}
