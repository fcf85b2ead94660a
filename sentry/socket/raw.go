package socket

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

var noRaw atomic.Bool

// RefuseRaw refuses raw and packet sockets to everybody from now on.
func RefuseRaw() { noRaw.Store(true) }

// MayRaw reports whether the caller may make sockets that see or send packets as they are (raw(7), packet(7)).
func MayRaw(c Caller) bool { return !noRaw.Load() && c.Cred().Has(linux.CAP_NET_RAW) }
