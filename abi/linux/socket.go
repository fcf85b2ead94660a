package linux

// Sockets (include/linux/socket.h, include/uapi/asm-generic/socket.h, include/uapi/linux/un.h).
const (
	AF_UNSPEC  = 0
	AF_UNIX    = 1
	AF_INET    = 2
	AF_INET6   = 10
	AF_NETLINK = 16
	AF_PACKET  = 17
	AF_MAX     = 46

	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_RAW       = 3
	SOCK_RDM       = 4
	SOCK_SEQPACKET = 5
	SOCK_DCCP      = 6
	SOCK_PACKET    = 10
	SOCK_MAX       = 11
	SOCK_TYPE_MASK = 0xf
	SOCK_CLOEXEC   = O_CLOEXEC
	SOCK_NONBLOCK  = O_NONBLOCK

	SHUT_RD   = 0
	SHUT_WR   = 1
	SHUT_RDWR = 2

	SOMAXCONN = 4096

	// UNIX_PATH_MAX is the size of sun_path.
	UNIX_PATH_MAX = 108
	// SizeofSockaddrStorage is the longest address.
	SizeofSockaddrStorage = 128
)

// Flags of send(2) and recv(2).
const (
	MSG_OOB          = 1
	MSG_PEEK         = 2
	MSG_DONTROUTE    = 4
	MSG_CTRUNC       = 8
	MSG_TRUNC        = 0x20
	MSG_DONTWAIT     = 0x40
	MSG_EOR          = 0x80
	MSG_WAITALL      = 0x100
	MSG_ERRQUEUE     = 0x2000
	MSG_NOSIGNAL     = 0x4000
	MSG_MORE         = 0x8000
	MSG_WAITFORONE   = 0x10000
	MSG_CMSG_CLOEXEC = 0x40000000
	// MSG_INTERNAL are the flags that no application may give (MSG_INTERNAL_SENDMSG_FLAGS and
	// MSG_CMSG_COMPAT).
	MSG_CMSG_COMPAT = 0x80000000
)

// Options at SOL_SOCKET.
const (
	SOL_SOCKET = 1

	SO_DEBUG                 = 1
	SO_REUSEADDR             = 2
	SO_TYPE                  = 3
	SO_ERROR                 = 4
	SO_DONTROUTE             = 5
	SO_BROADCAST             = 6
	SO_SNDBUF                = 7
	SO_RCVBUF                = 8
	SO_KEEPALIVE             = 9
	SO_OOBINLINE             = 10
	SO_NO_CHECK              = 11
	SO_PRIORITY              = 12
	SO_LINGER                = 13
	SO_BSDCOMPAT             = 14
	SO_REUSEPORT             = 15
	SO_PASSCRED              = 16
	SO_PEERCRED              = 17
	SO_RCVLOWAT              = 18
	SO_SNDLOWAT              = 19
	SO_RCVTIMEO_OLD          = 20
	SO_SNDTIMEO_OLD          = 21
	SO_BINDTODEVICE          = 25
	SO_ATTACH_FILTER         = 26
	SO_DETACH_FILTER         = 27
	SO_PEERNAME              = 28
	SO_TIMESTAMP_OLD         = 29
	SO_ACCEPTCONN            = 30
	SO_PEERSEC               = 31
	SO_SNDBUFFORCE           = 32
	SO_RCVBUFFORCE           = 33
	SO_PASSSEC               = 34
	SO_TIMESTAMPNS_OLD       = 35
	SO_MARK                  = 36
	SO_GET_FILTER            = SO_ATTACH_FILTER
	SO_TIMESTAMPING_OLD      = 37
	SO_PROTOCOL              = 38
	SO_DOMAIN                = 39
	SO_RXQ_OVFL              = 40
	SO_WIFI_STATUS           = 41
	SO_PEEK_OFF              = 42
	SO_NOFCS                 = 43
	SO_LOCK_FILTER           = 44
	SO_SELECT_ERR_QUEUE      = 45
	SO_BUSY_POLL             = 46
	SO_MAX_PACING_RATE       = 47
	SO_BPF_EXTENSIONS        = 48
	SO_INCOMING_CPU          = 49
	SO_ATTACH_BPF            = 50
	SO_ATTACH_REUSEPORT_CBPF = 51
	SO_ATTACH_REUSEPORT_EBPF = 52
	SO_CNX_ADVICE            = 53
	SO_MEMINFO               = 55
	SO_INCOMING_NAPI_ID      = 56
	SO_COOKIE                = 57
	SO_PEERGROUPS            = 59
	SO_ZEROCOPY              = 60
	SO_TXTIME                = 61
	SO_BINDTOIFINDEX         = 62
	SO_TIMESTAMP_NEW         = 63
	SO_TIMESTAMPNS_NEW       = 64
	SO_TIMESTAMPING_NEW      = 65
	SO_RCVTIMEO_NEW          = 66
	SO_SNDTIMEO_NEW          = 67
	SO_DETACH_REUSEPORT_BPF  = 68
	SO_PREFER_BUSY_POLL      = 69
	SO_BUSY_POLL_BUDGET      = 70
	SO_NETNS_COOKIE          = 71
	SO_BUF_LOCK              = 72
	SO_RESERVE_MEM           = 73
	SO_TXREHASH              = 74
	SO_RCVMARK               = 75
	SO_PASSPIDFD             = 76
	SO_PEERPIDFD             = 77
	SOCK_BUF_LOCK_MASK       = 3
	SOCK_SNDBUF_LOCK         = 1
	SOCK_RCVBUF_LOCK         = 2
	SCM_RIGHTS               = 1
	SCM_CREDENTIALS          = 2
	SCM_PIDFD                = 4
	SCM_MAX_FD               = 253
	SizeofCmsghdr            = 16
	OPTMEM_MAX               = 131072 // net.core.optmem_max
	SK_MEM_MAX               = 212992 // net.core.{r,w}mem_{default,max}
	SOCK_MIN_RCVBUF          = 2304
	SOCK_MIN_SNDBUF          = 2 * SOCK_MIN_RCVBUF
	UNIX_MAX_DGRAM_QLEN      = 10 // net.unix.max_dgram_qlen
	SIOCINQ                  = FIONREAD
	SIOCOUTQ                 = 0x5411
	SIOCATMARK               = 0x8905
	FIOSETOWN                = 0x8901
	SIOCSPGRP                = 0x8902
	FIOGETOWN                = 0x8903
	SIOCGPGRP                = 0x8904
	SIOCUNIXFILE             = 0x89e0
	TC_PRIO_INTERACTIVE      = 6
	TICK_NANOS               = 4_000_000 // one tick at CONFIG_HZ=250
)

// Msghdr is struct user_msghdr.
type Msghdr struct {
	Name       uint64
	Namelen    int32
	_          uint32
	Iov        uint64
	Iovlen     uint64
	Control    uint64
	Controllen uint64
	Flags      uint32
	_          uint32
}

// Mmsghdr is struct mmsghdr.
type Mmsghdr struct {
	Hdr Msghdr
	Len uint32
	_   uint32
}

// Cmsghdr is struct cmsghdr.
type Cmsghdr struct {
	Len   uint64
	Level int32
	Type  int32
}

// Ucred is struct ucred.
type Ucred struct {
	PID int32
	UID uint32
	GID uint32
}

// Linger is struct linger.
type Linger struct {
	Onoff  int32
	Linger int32
}

func (Msghdr) fixed()  {}
func (Mmsghdr) fixed() {}
func (Cmsghdr) fixed() {}
func (Ucred) fixed()   {}
func (Linger) fixed()  {}

// Flags of SO_TIMESTAMPING (include/uapi/linux/net_tstamp.h).
const (
	SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3
	SOF_TIMESTAMPING_SOFTWARE    = 1 << 4
	SOF_TIMESTAMPING_OPT_ID      = 1 << 7
	SOF_TIMESTAMPING_OPT_TSONLY  = 1 << 11
	SOF_TIMESTAMPING_OPT_STATS   = 1 << 12
	SOF_TIMESTAMPING_OPT_ID_TCP  = 1 << 16
	SOF_TIMESTAMPING_MASK        = 1<<18 - 1
)

// Kinds of source filters (include/uapi/linux/in.h).
const (
	MCAST_EXCLUDE = 0
	MCAST_INCLUDE = 1
)
