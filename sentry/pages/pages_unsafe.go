package pages

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
)

// mapping is a part of the sentry's own address space. Its memory is the host's, outside
// Go's heap; the zero value is none.
type mapping struct {
	base unsafe.Pointer
	size uintptr
}

// mapMemoryFile maps size bytes of fd so that huge pages can be used: base is a multiple of
// 2 MiB, as are offsets of chunks.
func mapMemoryFile(fd int, size uint64) (mapping, linux.Errno) {
	const slack = ChunkSize
	p, errno := host.Mmap(nil, uintptr(size)+slack, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, -1, 0)
	if errno != 0 {
		return mapping{}, errno
	}
	base := unsafe.Add(p, -uintptr(p)&(slack-1))
	_, errno = host.Mmap(base, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE|unix.MAP_FIXED, fd, 0)
	if errno != 0 {
		host.Munmap(p, uintptr(size)+slack)
		return mapping{}, errno
	}
	return mapping{base, uintptr(size)}, 0
}

// mapHostFile maps size bytes of a host file from off.
func mapHostFile(fd int, off, size uint64, write bool) (mapping, linux.Errno) {
	prot := unix.PROT_READ
	if write {
		prot |= unix.PROT_WRITE
	}
	p, errno := host.Mmap(nil, uintptr(size), prot, unix.MAP_SHARED|unix.MAP_NORESERVE, fd, int64(off))
	if errno != 0 {
		return mapping{}, errno
	}
	return mapping{p, uintptr(size)}, 0
}

// unmap takes the mapping away. Nothing uses its bytes any more.
func (m mapping) unmap() {
	if m.base != nil {
		host.Munmap(m.base, m.size)
	}
}

// bytes returns n bytes at off. It is safe as long as the mapping exists: the range is
// checked, and Go's collector does not own the memory.
func (m mapping) bytes(off, n uint64) []byte {
	if off > uint64(m.size) || n > uint64(m.size)-off {
		panic("pages: bytes outside the mapping")
	}
	return unsafe.Slice((*byte)(unsafe.Add(m.base, off)), n)
}

// populate enters the pages of a range into the sentry's page table at once, which is
// cheaper than a fault for each. Advisory: a failure means faults later.
func (m mapping) populate(off, n uint64) {
	host.Madvise(unsafe.Pointer(&m.bytes(off, n)[0]), uintptr(n), unix.MADV_POPULATE_WRITE)
}

// collapse makes n chunks from off on, of which nothing is in use, huge pages. If it fails some may
// be.
func (m mapping) collapse(off uint64, n int) linux.Errno {
	b := m.bytes(off, uint64(n)*ChunkSize)
	for i := range n {
		b[i*ChunkSize] = 0 // the host collapses only where there is a page at all
	}
	return host.Madvise(unsafe.Pointer(&b[0]), uintptr(len(b)), unix.MADV_COLLAPSE)
}

// resident sets a byte of dst for each page from off on to not 0 if the host has it.
func (m mapping) resident(off uint64, dst []byte) linux.Errno {
	n := uint64(len(dst)) * PageSize
	return host.Mincore(unsafe.Pointer(&m.bytes(off, n)[0]), uintptr(n), dst)
}
