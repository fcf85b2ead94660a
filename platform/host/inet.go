package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// SocketOptions are the options, by level, that may be set and read of the host's sockets. None
// of them names a file, a program or memory.
var SocketOptions = map[int][]int{
	unix.SOL_SOCKET: {
		unix.SO_REUSEADDR, unix.SO_REUSEPORT, unix.SO_KEEPALIVE, unix.SO_BROADCAST, unix.SO_LINGER, unix.SO_OOBINLINE,
		unix.SO_SNDBUF, unix.SO_RCVBUF, unix.SO_RCVLOWAT, unix.SO_DONTROUTE, unix.SO_TIMESTAMP, unix.SO_TIMESTAMPNS,
		unix.SO_RXQ_OVFL, unix.SO_ERROR, unix.SO_PRIORITY, unix.SO_INCOMING_CPU, unix.SO_MEMINFO, unix.SO_COOKIE,
		unix.SO_ACCEPTCONN, unix.SO_BUF_LOCK, unix.SO_MAX_PACING_RATE, unix.SO_TXREHASH, unix.SO_BINDTODEVICE, unix.SO_BINDTOIFINDEX, unix.SO_NO_CHECK, unix.SO_PEEK_OFF,
		unix.SO_TIMESTAMPING,
	},
	unix.SOL_TCP: {
		unix.TCP_NODELAY, unix.TCP_MAXSEG, unix.TCP_CORK, unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT,
		unix.TCP_SYNCNT, unix.TCP_LINGER2, unix.TCP_DEFER_ACCEPT, unix.TCP_WINDOW_CLAMP, unix.TCP_INFO, unix.TCP_QUICKACK,
		unix.TCP_CONGESTION, unix.TCP_USER_TIMEOUT, unix.TCP_FASTOPEN, unix.TCP_FASTOPEN_CONNECT, unix.TCP_NOTSENT_LOWAT,
		unix.TCP_INQ, unix.TCP_TIMESTAMP, unix.TCP_THIN_LINEAR_TIMEOUTS, unix.TCP_SAVE_SYN, unix.TCP_SAVED_SYN,
	},
	unix.SOL_UDP: {unix.UDP_CORK, unix.UDP_SEGMENT, unix.UDP_GRO, unix.UDP_NO_CHECK6_TX, unix.UDP_NO_CHECK6_RX},
	unix.SOL_IP: {
		unix.IP_TOS, unix.IP_TTL, unix.IP_RECVTOS, unix.IP_RECVTTL, unix.IP_PKTINFO, unix.IP_RECVERR, unix.IP_MTU_DISCOVER,
		unix.IP_MTU, unix.IP_MULTICAST_TTL, unix.IP_MULTICAST_LOOP, unix.IP_MULTICAST_IF, unix.IP_MULTICAST_ALL,
		unix.IP_ADD_MEMBERSHIP, unix.IP_DROP_MEMBERSHIP, unix.IP_ADD_SOURCE_MEMBERSHIP, unix.IP_DROP_SOURCE_MEMBERSHIP,
		unix.MCAST_JOIN_SOURCE_GROUP, unix.MCAST_LEAVE_SOURCE_GROUP, unix.MCAST_JOIN_GROUP, unix.MCAST_LEAVE_GROUP,
		unix.IP_RECVORIGDSTADDR, unix.IP_FREEBIND, unix.IP_BIND_ADDRESS_NO_PORT, unix.IP_UNICAST_IF, unix.IP_LOCAL_PORT_RANGE,
		unix.IP_OPTIONS, unix.IP_MINTTL, unix.IP_BLOCK_SOURCE, unix.IP_UNBLOCK_SOURCE, unix.MCAST_BLOCK_SOURCE, unix.MCAST_UNBLOCK_SOURCE,
	},
	unix.SOL_IPV6: {
		unix.IPV6_V6ONLY, unix.IPV6_UNICAST_HOPS, unix.IPV6_MULTICAST_IF, unix.IPV6_MULTICAST_HOPS, unix.IPV6_MULTICAST_LOOP,
		unix.IPV6_ADD_MEMBERSHIP, unix.IPV6_DROP_MEMBERSHIP, unix.MCAST_JOIN_SOURCE_GROUP, unix.MCAST_LEAVE_SOURCE_GROUP, unix.MCAST_JOIN_GROUP, unix.MCAST_LEAVE_GROUP,
		unix.IPV6_RECVPKTINFO, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVTCLASS, unix.IPV6_TCLASS, unix.IPV6_RECVERR,
		unix.IPV6_MTU_DISCOVER, unix.IPV6_MTU, unix.IPV6_DONTFRAG, unix.IPV6_RECVORIGDSTADDR, unix.IPV6_FREEBIND,
		unix.IPV6_UNICAST_IF, unix.IPV6_MULTICAST_ALL, unix.IPV6_PKTINFO, linux.IPV6_MINHOPCOUNT, unix.MCAST_BLOCK_SOURCE, unix.MCAST_UNBLOCK_SOURCE,
	},
}

func listed(level, name int) bool {
	for _, n := range SocketOptions[level] {
		if n == name {
			return true
		}
	}
	return false
}

// InetPolicy is what the sentry may ask of the host beyond Policy when the host's network is
// its network: to make sockets of the Internet, streams and datagrams, never raw ones.
func InetPolicy() []Call {
	var sockets, options []Checks
	for _, family := range []uint32{unix.AF_INET, unix.AF_INET6} {
		for _, typ := range []uint32{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
			sockets = append(sockets, Checks{Int(0, family), Int(1, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)})
		}
	}
	for level, names := range SocketOptions {
		for _, name := range names {
			options = append(options, Checks{Int(1, uint32(level)), Int(2, uint32(name))})
		}
	}
	return []Call{
		{"socket", linux.SYS_SOCKET, sockets},
		{"bind", linux.SYS_BIND, nil},
		{"connect", linux.SYS_CONNECT, nil},
		{"listen", linux.SYS_LISTEN, nil},
		{"getsockname", linux.SYS_GETSOCKNAME, nil},
		{"getpeername", linux.SYS_GETPEERNAME, nil},
		{"getsockopt", linux.SYS_GETSOCKOPT, options},
		{"setsockopt", linux.SYS_SETSOCKOPT, options},
		{"ioctl", linux.SYS_IOCTL, OneOf(1, unix.SIOCINQ, unix.SIOCOUTQ, linux.SIOCOUTQNSD, linux.SIOCATMARK)},
	}
}
