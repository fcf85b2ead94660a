package proc

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// sysvipc shows the System V objects of the reader's IPC namespace.
func (f *FS) sysvipc() entry {
	list := func(name string, text func(*ipc.Namespace, *auth.UserNS) string) entry {
		return f.ctl(name, 0o444, func(ctx vfs.Ctx) (string, linux.Errno) {
			ns := &f.k.InitNS
			if t, ok := ctx.(*kernel.Task); ok {
				ns = t.Namespaces()
			}
			return text(ns.IPC.Namespace, ctx.Cred().NS), 0
		}, nil)
	}
	return f.sub("sysvipc", list("msg", (*ipc.Namespace).ListMsgs), list("sem", (*ipc.Namespace).ListSems), list("shm", (*ipc.Namespace).ListShms))
}
