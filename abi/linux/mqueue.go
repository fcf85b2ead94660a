package linux

// POSIX message queues (include/uapi/linux/mqueue.h, include/linux/ipc_namespace.h).
const (
	MQ_PRIO_MAX = 32768

	DFLT_QUEUESMAX  = 256
	DFLT_MSGMAX     = 10
	DFLT_MSG        = 10
	DFLT_MSGSIZEMAX = 8192
	DFLT_MSGSIZE    = 8192
	HARD_MSGMAX     = 65536
	HARD_MSGSIZEMAX = 16 << 20

	NOTIFY_COOKIE_LEN = 32
	NOTIFY_NONE       = 0
	NOTIFY_WOKENUP    = 1
	NOTIFY_REMOVED    = 2
)

// MqAttr is struct mq_attr.
type MqAttr struct {
	Flags   int64
	Maxmsg  int64
	Msgsize int64
	Curmsgs int64
	_       [32]byte
}

func (MqAttr) fixed() {}
