// Package mm is the address spaces of applications: their areas (vma), the pages behind them,
// faults, copy-on-write. It mirrors mm/mmap.c, mm/memory.c, mm/mremap.c and their neighbours.
// It knows nothing of tasks; a file is a Mappable.
package mm

// MM is one address space (struct mm_struct).
type MM struct{}

func (m *MM) invalidate(s *Mappings, off, end uint64, cows bool) {}
