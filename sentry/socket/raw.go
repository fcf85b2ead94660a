package socket

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

var noRaw atomic.Bool

// RefuseRaw refuses raw and packet sockets to everybody from now on.
func RefuseRaw() { noRaw.Store(true) }

// MayRaw reports whether the caller may make sockets that see or send packets as they are (raw(7), packet(7)).
func MayRaw(c vfs.Ctx, ns Namespace) bool {
	return !noRaw.Load() && Capable(c, ns, linux.CAP_NET_RAW)
}

// Capable reports whether the caller has a capability over a network namespace: in the user namespace that
// owns it (ns_capable).
func Capable(c vfs.Ctx, ns Namespace, capability int) bool {
	if o, ok := ns.(interface{ UserNS() *auth.UserNS }); ok {
		return c.Cred().HasIn(o.UserNS(), capability)
	}
	return c.Cred().Has(capability)
}

// Namespaces is a Caller who can name network namespaces.
type Namespaces interface {
	// NetOfFD is the one that an open file is: EBADF, EINVAL.
	NetOfFD(fd int32) (Namespace, linux.Errno)
	// NetOfPID is that of a process: ESRCH.
	NetOfPID(pid int32) (Namespace, linux.Errno)
}
