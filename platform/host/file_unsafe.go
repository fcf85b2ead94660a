package host

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// transfer is one of read, write, pread64 and pwrite64, repeated when a signal came first.
// Safe: p stays alive and in place for the call (the conversion stands in the argument list),
// and the host writes no more than its length.
func transfer(nr uintptr, fd int, p []byte, off int64) (int, linux.Errno) {
	for {
		n, _, e := unix.Syscall6(nr, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(off), 0, 0)
		if e == 0 {
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, linux.Errno(e)
		}
	}
}

// iovMax bounds the pieces of one vectored call here; more are transferred by the next call.
const iovMax = 32

// transferv is preadv or pwritev of the first iovMax pieces.
func transferv(nr uintptr, fd int, pieces [][]byte, off int64) (int, linux.Errno) {
	var iov [iovMax]unix.Iovec
	n := 0
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if n == iovMax {
			break
		}
		iov[n].Base = &p[0]
		iov[n].Len = uint64(len(p))
		n++
	}
	for {
		// Safe: iov holds the pieces, and both live until the call is over.
		got, _, e := unix.Syscall6(nr, uintptr(fd), uintptr(unsafe.Pointer(&iov)), uintptr(n), uintptr(off), 0, 0)
		if e == 0 {
			return int(got), 0
		}
		if e != unix.EINTR {
			return 0, linux.Errno(e)
		}
	}
}
