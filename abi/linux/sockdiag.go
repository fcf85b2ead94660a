package linux

// Socket monitoring by netlink (sock_diag(7); include/uapi/linux/sock_diag.h, inet_diag.h, unix_diag.h,
// netlink_diag.h, packet_diag.h).
const (
	NETLINK_USERSOCK    = 2
	NETLINK_SOCK_DIAG   = 4
	SOCK_DIAG_BY_FAMILY = 20
	SOCK_DESTROY        = 21

	INET_DIAG_REQ_BYTECODE = 1
	INET_DIAG_REQ_PROTOCOL = 3

	INET_DIAG_MEMINFO   = 1
	INET_DIAG_INFO      = 2
	INET_DIAG_VEGASINFO = 3
	INET_DIAG_CONG      = 4
	INET_DIAG_TOS       = 5
	INET_DIAG_TCLASS    = 6
	INET_DIAG_SKMEMINFO = 7
	INET_DIAG_SHUTDOWN  = 8
	INET_DIAG_SKV6ONLY  = 11
	INET_DIAG_MARK      = 15
	INET_DIAG_BBRINFO   = 16
	INET_DIAG_CLASS_ID  = 17
	INET_DIAG_SOCKOPT   = 22

	INET_DIAG_BC_NOP         = 0
	INET_DIAG_BC_JMP         = 1
	INET_DIAG_BC_S_GE        = 2
	INET_DIAG_BC_S_LE        = 3
	INET_DIAG_BC_D_GE        = 4
	INET_DIAG_BC_D_LE        = 5
	INET_DIAG_BC_AUTO        = 6
	INET_DIAG_BC_S_COND      = 7
	INET_DIAG_BC_D_COND      = 8
	INET_DIAG_BC_DEV_COND    = 9
	INET_DIAG_BC_MARK_COND   = 10
	INET_DIAG_BC_S_EQ        = 11
	INET_DIAG_BC_D_EQ        = 12
	INET_DIAG_BC_CGROUP_COND = 13

	UNIX_DIAG_NAME     = 0
	UNIX_DIAG_VFS      = 1
	UNIX_DIAG_PEER     = 2
	UNIX_DIAG_ICONS    = 3
	UNIX_DIAG_RQLEN    = 4
	UNIX_DIAG_MEMINFO  = 5
	UNIX_DIAG_SHUTDOWN = 6
	UNIX_DIAG_UID      = 7

	UDIAG_SHOW_NAME    = 1
	UDIAG_SHOW_VFS     = 2
	UDIAG_SHOW_PEER    = 4
	UDIAG_SHOW_ICONS   = 8
	UDIAG_SHOW_RQLEN   = 16
	UDIAG_SHOW_MEMINFO = 32
	UDIAG_SHOW_UID     = 64

	NETLINK_DIAG_MEMINFO = 0
	NETLINK_DIAG_GROUPS  = 1
	NETLINK_DIAG_FLAGS   = 4
	NDIAG_SHOW_MEMINFO   = 1
	NDIAG_SHOW_GROUPS    = 2
	NDIAG_SHOW_FLAGS     = 8
	NDIAG_PROTO_ALL      = 0xff

	PACKET_DIAG_INFO    = 0
	PACKET_DIAG_MCLIST  = 1
	PACKET_DIAG_UID     = 4
	PACKET_DIAG_MEMINFO = 5
	PACKET_SHOW_INFO    = 1
	PACKET_SHOW_MCLIST  = 2
	PACKET_SHOW_MEMINFO = 16

	// Sizes of the requests, and the fixed parts of the answers: struct inet_diag_req_v2, inet_diag_msg, unix_diag_req,
	// unix_diag_msg, netlink_diag_req (and packet_diag_req), netlink_diag_msg, packet_diag_msg.
	SizeofInetDiagReq    = 56
	SizeofInetDiagMsg    = 72
	SizeofUnixDiagReq    = 24
	SizeofUnixDiagMsg    = 16
	SizeofNetlinkDiagReq = 20
	SizeofNetlinkDiagMsg = 28
	SizeofPacketDiagMsg  = 16
)
