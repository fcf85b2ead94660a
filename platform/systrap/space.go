package systrap

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// space is an address space: a stub process, made when it is first needed. It implements
// platform.AddressSpace.
type space struct {
	p *Platform

	mu       sync.Mutex
	proc     *process // nil: there is none yet
	released bool
}

// process returns the stub process, made if there is none.
func (s *space) process() (*process, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc, 0
	}
	if s.released {
		return nil, linux.ESRCH
	}
	var errno linux.Errno
	s.proc, errno = s.p.empty()
	return s.proc, errno
}

// existing returns the stub process, nil if there is none.
func (s *space) existing() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// outside tells whether any of the range is not the application's.
func outside(addr, length uint64) bool {
	return addr < minAddr || addr > maxAddr || length > maxAddr-addr
}

// Map implements platform.AddressSpace.
func (s *space) Map(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	proc, errno := s.process()
	if errno != 0 {
		return errno
	}
	flags := uint64(unix.MAP_SHARED | unix.MAP_FIXED)
	if populate {
		flags |= unix.MAP_POPULATE
	}
	proc.patches.mu.Lock()
	defer proc.patches.mu.Unlock()
	proc.mapped(addr, addr+length, s.p.isText(fd, prot))
	return proc.mapping(call{unix.SYS_MMAP, addr, length, uint64(prot), flags, uint64(fd), off})
}

// Protect implements platform.AddressSpace.
func (s *space) Protect(addr, length uint64, prot platform.Prot) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	proc, errno := s.process()
	if errno != 0 {
		return errno
	}
	proc.patches.mu.Lock()
	defer proc.patches.mu.Unlock()
	if proc.patched(addr, addr+length) {
		return cannotProtect
	}
	proc.mapped(addr, addr+length, false)
	return proc.mapping(call{unix.SYS_MPROTECT, addr, length, uint64(prot)})
}

// Unmap implements platform.AddressSpace.
func (s *space) Unmap(addr, length uint64) {
	proc := s.existing()
	if proc == nil || outside(addr, length) {
		return
	}
	proc.patches.mu.Lock()
	proc.mapped(addr, addr+length, false)
	errno := proc.mapping(call{unix.SYS_MUNMAP, addr, length})
	proc.patches.mu.Unlock()
	if errno != 0 {
		proc.end("munmap failed")
	}
}

// Batches implements platform.Batcher.
func (s *space) Batches() {}

// Clone implements platform.AddressSpace: the process of dst is forked from this one.
func (s *space) Clone(dst platform.AddressSpace) linux.Errno {
	d := dst.(*space)
	proc := s.existing()
	if proc == nil {
		return linux.ENOSYS
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proc != nil || d.released {
		return linux.ENOSYS
	}
	var errno linux.Errno
	d.proc, errno = proc.fork()
	return errno
}

// Release implements platform.AddressSpace. When it returns nothing of the application's memory
// is mapped any more, even if one of its threads has escaped the sentry's count and runs.
func (s *space) Release() {
	s.mu.Lock()
	proc, again := s.proc, s.released
	s.released = true
	s.mu.Unlock()
	if proc == nil || again {
		return
	}
	if proc.unused() {
		proc.kill()
		return
	}
	if !proc.retire() {
		proc.end("its memory cannot be unmapped")
	}
}
