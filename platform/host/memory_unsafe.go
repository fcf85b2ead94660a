// Package host holds every host system call that the sealed sentry may make, one function
// each. Failures come back as linux.Errno; calls interrupted by the runtime's own signals are
// repeated here.
package host

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Mmap is mmap(2) for the sentry's own memory. length > 0.
func Mmap(addr unsafe.Pointer, length uintptr, prot, flags, fd int, off int64) (unsafe.Pointer, linux.Errno) {
	p, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(addr), length, uintptr(prot), uintptr(flags), uintptr(fd), uintptr(off))
	if e != 0 {
		return nil, linux.Errno(e)
	}
	// The address is no Go pointer: the collector ignores what it points to.
	return *(*unsafe.Pointer)(unsafe.Pointer(&p)), 0
}

// Munmap is munmap(2) of what Mmap returned.
func Munmap(addr unsafe.Pointer, length uintptr) linux.Errno {
	_, _, e := unix.Syscall(unix.SYS_MUNMAP, uintptr(addr), length, 0)
	return linux.Errno(e)
}

// Madvise is madvise(2) on the sentry's own mappings.
func Madvise(addr unsafe.Pointer, length uintptr, advice int) linux.Errno {
	for {
		_, _, e := unix.Syscall(unix.SYS_MADVISE, uintptr(addr), length, uintptr(advice))
		if e != unix.EINTR {
			return linux.Errno(e)
		}
	}
}

// Mincore is mincore(2) on the sentry's own mappings: a byte of vec for each page.
func Mincore(addr unsafe.Pointer, length uintptr, vec []byte) linux.Errno {
	_, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(addr), length, uintptr(unsafe.Pointer(unsafe.SliceData(vec))))
	return linux.Errno(e)
}

// PunchHole frees length bytes of fd from off (fallocate(2)); the file keeps its size.
func PunchHole(fd int, off, length int64) linux.Errno {
	for {
		_, _, e := unix.Syscall6(unix.SYS_FALLOCATE, uintptr(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, uintptr(off), uintptr(length), 0, 0)
		if e != unix.EINTR {
			return linux.Errno(e)
		}
	}
}
