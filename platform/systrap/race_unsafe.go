//go:build race

package systrap

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropRseq takes back what the C library, which the race detector brings, has told the host about
// the calling thread: an area (rseq(2)) that the host writes to, in the master too, where it is
// no longer mapped. It is near the thread's FS base, and the host refuses all other addresses.
// Safe: the host writes to fs.
func dropRseq() {
	const archGetFS, unregister, signature, size, around, align = 0x1003, 1, 0x53053053, 32, 8192, 32
	var fs uintptr
	unix.RawSyscall(unix.SYS_ARCH_PRCTL, archGetFS, uintptr(unsafe.Pointer(&fs)), 0)
	for at := fs&^(align-1) - around; at < fs+around; at += align {
		if _, _, e := unix.RawSyscall6(unix.SYS_RSEQ, at, size, unregister, signature, 0, 0); e == 0 {
			return
		}
	}
}
