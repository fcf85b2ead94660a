package mm

import "github.com/seed-7423c386/runsc/sentry/usermem"

// unref gives back the references that ptes hold, in runs. The platform has none of the
// pages any more. The resident set is the caller's.
func (m *MM) unref(ptes []pte) {
	for i := 0; i < len(ptes); {
		p := ptes[i]
		if !p.memory() {
			i++
			continue
		}
		n := 1
		for i+n < len(ptes) && ptes[i+n].memory() && ptes[i+n].off() == p.off()+uint64(n)<<usermem.PageShift {
			n++
		}
		m.file.Unref(p.off(), uint64(n)<<usermem.PageShift)
		i += n
	}
}

// zap makes [start, end) of v absent: out of the platform, out of the page table, given back.
func (m *MM) zap(v *vma, start, end usermem.Addr) {
	m.unmapPlatform(start, end)
	m.table.clear(start, end, func(_ usermem.Addr, ptes []pte) {
		for _, p := range ptes {
			if p != 0 {
				m.countPages(v, p, -1)
			}
		}
		m.unref(ptes)
	})
}

// clearPages is zap for the pages of [start, end) that which picks.
func (m *MM) clearPages(v *vma, start, end usermem.Addr, which func(p pte) bool) {
	type run struct{ start, end usermem.Addr }
	var runs []run
	m.table.each(start, end, func(addr usermem.Addr, ptes []pte) {
		for i, p := range ptes {
			if p == 0 || !which(p) {
				continue
			}
			at := addr + usermem.Addr(i)<<usermem.PageShift
			if n := len(runs); n > 0 && runs[n-1].end == at {
				runs[n-1].end += usermem.PageSize
			} else {
				runs = append(runs, run{at, at + usermem.PageSize})
			}
		}
	})
	for _, r := range runs {
		m.zap(v, r.start, r.end)
	}
}

// dropPage makes one page absent.
func (m *MM) dropPage(addr usermem.Addr) {
	m.zap(m.areas.lookup(addr), addr, addr+usermem.PageSize)
}

// invalidate is Mappings.Invalidate for one address space.
func (m *MM) invalidate(s *Mappings, off, end uint64, cows bool) {
	m.lock()
	defer m.unlock()
	m.areas.each(func(v *vma) bool {
		if v.m == nil || v.m.Mappings() != s {
			return true
		}
		// Whole pages only: of a page partly gone the file has cleared that part.
		lo, ok := usermem.PageUp(max(off, v.off))
		hi := min(end, v.off+v.length()) &^ usermem.PageMask
		if !ok || lo >= hi {
			return true
		}
		from, to := v.start+usermem.Addr(lo-v.off), v.start+usermem.Addr(hi-v.off)
		m.clearPages(v, from, to, func(p pte) bool { return cows || p&pteAnon == 0 })
		return true
	})
}
