package ipc

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Limits are what /proc/sys/kernel and /proc/sys/fs/mqueue say of a namespace. They may be changed at
// any time, and what exists stays as it is.
type Limits struct {
	ShmMax, ShmAll             atomic.Uint64 // bytes of a segment, pages of all
	ShmMni                     atomic.Uint64
	MsgMax, MsgMnb, MsgMni     atomic.Uint64
	SemMsl, SemMns             atomic.Uint64
	SemOpm, SemMni             atomic.Uint64
	MqQueues, MqMsg, MqMsgSize atomic.Uint64 // the most
	MqDefault, MqSizeDefault   atomic.Uint64 // of queues that are made without attributes
}

// init sets what Linux begins with.
func (l *Limits) init() {
	for _, v := range []struct {
		limit *atomic.Uint64
		value uint64
	}{
		{&l.ShmMax, linux.SHMMAX}, {&l.ShmAll, linux.SHMALL}, {&l.ShmMni, linux.SHMMNI},
		{&l.MsgMax, linux.MSGMAX}, {&l.MsgMnb, linux.MSGMNB}, {&l.MsgMni, linux.MSGMNI},
		{&l.SemMsl, linux.SEMMSL}, {&l.SemMns, linux.SEMMNS}, {&l.SemOpm, linux.SEMOPM}, {&l.SemMni, linux.SEMMNI},
		{&l.MqQueues, linux.DFLT_QUEUESMAX}, {&l.MqMsg, linux.DFLT_MSGMAX}, {&l.MqMsgSize, linux.DFLT_MSGSIZEMAX},
		{&l.MqDefault, linux.DFLT_MSG}, {&l.MqSizeDefault, linux.DFLT_MSGSIZE},
	} {
		v.limit.Store(v.value)
	}
}
