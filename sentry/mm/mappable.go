package mm

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/pages"
)

// Mappable is a file's contents as an address space maps them (struct address_space). Two
// areas map the same thing if and only if their Mappables are equal; so it is the inode, or
// part of it, and of pointer type.
type Mappable interface {
	// Backing says where the bytes from off are, for at most max bytes (both multiples of the
	// page size, max > 0), at least one page. With write true the application is about to
	// write to them through a shared mapping: a file allocates holes and takes note of the
	// change. EFAULT if off is at or beyond the end of the file, rounded up to pages; any
	// errno reaches the application as SIGBUS, ENOMEM as the end of memory.
	//
	// It is called with the address space locked, so it must not touch application memory,
	// and no lock it takes may be held while application memory is touched or Invalidate
	// is called.
	Backing(off, max uint64, write bool) (Backing, linux.Errno)

	// Sync makes the n bytes from off durable as fsync(2) would (msync(2) with MS_SYNC).
	Sync(off, n uint64) linux.Errno

	// Mappings returns the record of the address spaces that map the file. The file embeds
	// one Mappings and returns its address.
	Mappings() *Mappings
}

// Backing is where some bytes of a file are: in a host file, or in the memory file.
type Backing struct {
	// Host is the host file, nil for the memory file.
	Host *pages.HostFile
	// Off is the offset in the host file or the memory file, a multiple of the page size.
	Off uint64
	// Len is how many bytes lie together there, a multiple of the page size, more than 0. In
	// the memory file each of these pages carries a reference for the caller, who gives it
	// back with pages.File.Unref.
	Len uint64
}

// HolePuncher is a Mappable that can free a part of itself for madvise(2) MADV_REMOVE, like
// fallocate(2) with FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE. It calls Invalidate itself.
type HolePuncher interface {
	PunchHole(off, n uint64) linux.Errno
}

// File is the open file that an area keeps (vm_file).
type File interface {
	// Mappable is the file's contents.
	Mappable() Mappable
	// Get and Put count the references that areas hold. mm calls Put without its lock.
	Get()
	Put()
	// MapInfo is what /proc/pid/maps shows of the file now.
	MapInfo() MapInfo
}

// MapInfo names a mapped file.
type MapInfo struct {
	Name  string // the path as the sandbox sees it, with " (deleted)" if it is
	Major uint32 // of the file system's device
	Minor uint32
	Ino   uint64
}

// Mappings records which address spaces map a file. The zero value is ready.
type Mappings struct {
	total atomic.Int32 // areas in all; read without mu by Mapped
	mu    sync.Mutex   // leaf: taken with address spaces locked
	by    map[*MM]int  // areas by address space
	// writers are the shared areas that may become writable (i_mmap_writable).
	writers atomic.Int32
	last    func() // called without mu when the last area goes; nil: nothing to do
}

// Mapped tells whether any area maps the file.
func (s *Mappings) Mapped() bool { return s.total.Load() > 0 }

// MappedShared tells whether a shared area of the file is writable or may become so.
func (s *Mappings) MappedShared() bool { return s.writers.Load() > 0 }

// countWriters counts v if it may write to the file.
func (s *Mappings) countWriters(v *vma, n int32) {
	if v.flags&(vmShared|vmMayWrite) == vmShared|vmMayWrite {
		s.writers.Add(n)
	}
}

// Invalidate takes the pages of the n bytes from off out of every address space: the next
// access asks Backing again. A file calls it after it has become shorter (with cows true:
// private copies of the pages go too, as truncate(2) does) or lost a part in the middle
// (cows false), when Backing already gives the new answer, and before it gives the pages
// back. It must hold no lock that Backing takes. n may be ^uint64(0).
func (s *Mappings) Invalidate(off, n uint64, cows bool) {
	if !s.Mapped() {
		return
	}
	end := off + n
	if end < off {
		end = ^uint64(0)
	}
	// An address space that forks meanwhile adds another one, which is then done as well.
	done := make(map[*MM]bool)
	for {
		s.mu.Lock()
		var todo []*MM
		for m := range s.by {
			if !done[m] {
				done[m] = true
				todo = append(todo, m)
			}
		}
		s.mu.Unlock()
		if len(todo) == 0 {
			return
		}
		for _, m := range todo {
			m.invalidate(s, off, end, cows)
		}
	}
}

// add counts an area more of m.
func (s *Mappings) add(m *MM) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = make(map[*MM]int)
	}
	s.by[m]++
	s.total.Add(1)
}

// remove counts an area less of m.
func (s *Mappings) remove(m *MM) {
	s.mu.Lock()
	left := s.total.Add(-1)
	if s.by[m]--; s.by[m] <= 0 {
		delete(s.by, m)
	}
	s.mu.Unlock()
	if left == 0 && s.last != nil {
		s.last()
	}
}
