package proc

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/ipc"
)

// sysvipc shows the System V objects of the reader's IPC namespace.
func sysvipc() entry {
	list := func(name string, text func(*ipc.Namespace, *auth.UserNS) string) entry {
		return reg(name, 0o444, &spec{text: func(c *call) (string, linux.Errno) {
			ns := &c.fs.k.InitNS
			if t := c.reader(); t != nil && t.Namespaces() != nil {
				ns = t.Namespaces()
			}
			return text(ns.IPC.Namespace, c.ids()), 0
		}})
	}
	return sub("sysvipc", list("msg", (*ipc.Namespace).ListMsgs), list("sem", (*ipc.Namespace).ListSems), list("shm", (*ipc.Namespace).ListShms))
}
