package mm

import (
	"slices"
	"sort"

	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// areaSet is the areas of an address space in order of their addresses. They lie in blocks of at most
// blockMax, so that every operation costs about the same for ten areas and for the 65,530 that
// Linux allows. A block knows the largest gap before one of its areas, for the search for a
// free range.
type areaSet struct {
	blocks []*areaBlock
	n      int
}

const blockMax = 128

// areaBlock is some areas that follow one another; never empty.
type areaBlock struct {
	areas []*vma
	gap   uint64 // the largest gap right below one of areas
	known bool   // gap is up to date
}

// pos is a place in an areaSet. Any change of the set makes it void.
type pos struct{ b, i int }

// find returns the place of the first area that ends after addr.
func (s *areaSet) find(addr usermem.Addr) pos {
	b := sort.Search(len(s.blocks), func(i int) bool {
		areas := s.blocks[i].areas
		return areas[len(areas)-1].end > addr
	})
	if b == len(s.blocks) {
		return pos{b, 0}
	}
	areas := s.blocks[b].areas
	return pos{b, sort.Search(len(areas), func(i int) bool { return areas[i].end > addr })}
}

// at returns the area at p, nil at the end.
func (s *areaSet) at(p pos) *vma {
	if p.b >= len(s.blocks) {
		return nil
	}
	return s.blocks[p.b].areas[p.i]
}

// next returns the place after p.
func (s *areaSet) next(p pos) pos {
	if p.i+1 < len(s.blocks[p.b].areas) {
		return pos{p.b, p.i + 1}
	}
	return pos{p.b + 1, 0}
}

// before returns the area before p, nil if there is none.
func (s *areaSet) before(p pos) *vma {
	if p.i > 0 {
		return s.blocks[p.b].areas[p.i-1]
	}
	if p.b == 0 {
		return nil
	}
	areas := s.blocks[p.b-1].areas
	return areas[len(areas)-1]
}

// lookup returns the area that contains addr, nil if none does.
func (s *areaSet) lookup(addr usermem.Addr) *vma {
	if v := s.at(s.find(addr)); v != nil && v.start <= addr {
		return v
	}
	return nil
}

// first returns the first area that ends after addr, nil if there is none.
func (s *areaSet) first(addr usermem.Addr) *vma { return s.at(s.find(addr)) }

// overlapping returns the areas that share an address with [start, end), in order. The result is a
// copy: the caller may change the set.
func (s *areaSet) overlapping(start, end usermem.Addr) []*vma {
	var list []*vma
	for p := s.find(start); ; p = s.next(p) {
		v := s.at(p)
		if v == nil || v.start >= end {
			return list
		}
		list = append(list, v)
	}
}

// each calls fn for every area until it returns false.
func (s *areaSet) each(fn func(v *vma) bool) {
	for _, b := range s.blocks {
		for _, v := range b.areas {
			if !fn(v) {
				return
			}
		}
	}
}

// insert adds v, which overlaps no other area.
func (s *areaSet) insert(v *vma) {
	s.n++
	if len(s.blocks) == 0 {
		s.blocks = []*areaBlock{{areas: append(make([]*vma, 0, 16), v)}}
		return
	}
	p := s.find(v.start)
	if p.b == len(s.blocks) { // behind all: into the last block
		p = pos{p.b - 1, len(s.blocks[p.b-1].areas)}
	}
	b := s.blocks[p.b]
	if len(b.areas) == blockMax {
		half := &areaBlock{areas: slices.Clone(b.areas[blockMax/2:])}
		clear(b.areas[blockMax/2:])
		b.areas = b.areas[:blockMax/2]
		s.blocks = slices.Insert(s.blocks, p.b+1, half)
		b.known = false
		if p.i > blockMax/2 {
			p = pos{p.b + 1, p.i - blockMax/2}
			b = half
		}
	}
	b.areas = slices.Insert(b.areas, p.i, v)
	s.stale(p)
}

// remove takes v out.
func (s *areaSet) remove(v *vma) {
	s.n--
	p := s.find(v.start)
	b := s.blocks[p.b]
	if b.areas[p.i] != v {
		panic("mm: area not where it belongs")
	}
	s.stale(p)
	b.areas = slices.Delete(b.areas, p.i, p.i+1)
	if len(b.areas) == 0 {
		s.blocks = slices.Delete(s.blocks, p.b, p.b+1)
		return
	}
	if p.b+1 < len(s.blocks) && len(b.areas)+len(s.blocks[p.b+1].areas) <= blockMax/2 {
		b.areas = append(b.areas, s.blocks[p.b+1].areas...)
		b.known = false
		s.blocks = slices.Delete(s.blocks, p.b+1, p.b+2)
	}
}

// resize gives v other bounds, which keep its place in the order.
func (s *areaSet) resize(v *vma, start, end usermem.Addr) {
	s.stale(s.find(v.start))
	v.start, v.end = start, end
}

// stale takes note that the bounds at p change, which matters to the gaps of p's block and,
// if p is the last there, of the next.
func (s *areaSet) stale(p pos) {
	b := s.blocks[p.b]
	b.known = false
	if p.i >= len(b.areas)-1 && p.b+1 < len(s.blocks) {
		s.blocks[p.b+1].known = false
	}
}

// largestGap returns the largest gap right below an area of block i.
func (s *areaSet) largestGap(i int) uint64 {
	b := s.blocks[i]
	if !b.known {
		prev := usermem.Addr(0)
		if i > 0 {
			areas := s.blocks[i-1].areas
			prev = areas[len(areas)-1].end
		}
		b.gap = 0
		for _, v := range b.areas {
			if start := v.startGap(); start > prev {
				b.gap = max(b.gap, uint64(start-prev))
			}
			prev = v.end
		}
		b.known = true
	}
	return b.gap
}

// highest returns the highest start of n free bytes in [low, high), a multiple of align plus
// off, ok false if there is none (vm_unmapped_area, VM_UNMAPPED_AREA_TOPDOWN).
func (s *areaSet) highest(n uint64, low, high usermem.Addr, align, off uint64) (at usermem.Addr, ok bool) {
	fit := func(from, to usermem.Addr) bool {
		from, to = max(from, low), min(to, high)
		if to < from || uint64(to-from) < n {
			return false
		}
		at = to - usermem.Addr(n)
		at -= usermem.Addr((uint64(at) - off) & (align - 1))
		return at >= from && at < to
	}
	top := high
	for i := len(s.blocks) - 1; i >= 0; i-- {
		areas := s.blocks[i].areas
		if last := areas[len(areas)-1]; last.end < top && fit(last.end, top) {
			return at, true
		}
		if areas[0].start < high && s.largestGap(i) >= n {
			for k := len(areas) - 1; k > 0; k-- {
				if fit(areas[k-1].end, areas[k].startGap()) {
					return at, true
				}
			}
		}
		top = areas[0].startGap()
		if top <= low {
			return 0, false
		}
	}
	if fit(0, top) {
		return at, true
	}
	return 0, false
}

// lowest is highest from the other end.
func (s *areaSet) lowest(n uint64, low, high usermem.Addr, align, off uint64) (at usermem.Addr, ok bool) {
	fit := func(from, to usermem.Addr) bool {
		from, to = max(from, low), min(to, high)
		at = from + usermem.Addr((off-uint64(from))&(align-1))
		return at >= from && to >= at && uint64(to-at) >= n
	}
	bottom := usermem.Addr(0)
	for i, b := range s.blocks {
		if last := b.areas[len(b.areas)-1]; last.end > low {
			if s.largestGap(i) >= n {
				for _, v := range b.areas {
					if fit(bottom, v.startGap()) {
						return at, true
					}
					bottom = v.end
				}
			}
		}
		bottom = b.areas[len(b.areas)-1].end
		if bottom >= high {
			return 0, false
		}
	}
	if fit(bottom, high) {
		return at, true
	}
	return 0, false
}
