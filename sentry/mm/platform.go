package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// hostProt returns the platform's protection for a pte.
func (p pte) hostProt() platform.Prot {
	prot := platform.Prot(0)
	if p&pteRead != 0 {
		prot |= platform.Read
	}
	if p&pteWrite != 0 {
		prot |= platform.Write
	}
	if p&pteExec != 0 {
		prot |= platform.Exec
	}
	return prot
}

// mapRun enters into the platform the page at addr and those around it in [lo, hi) that follow
// on and are not entered yet, in one call. The page is present and accessible.
func (m *MM) mapRun(v *vma, addr, lo, hi usermem.Addr, populate bool) linux.Errno {
	l := m.table.leaf(addr)
	base := addr &^ usermem.HugeMask
	lo, hi = max(lo, base), min(hi, base+usermem.HugeSize)
	i := index(addr, usermem.PageShift)
	first, last := i, i
	for first > index(lo, usermem.PageShift) && following(l.ptes[first-1], l.ptes[first]) {
		first--
	}
	for end := i + int((hi-addr)>>usermem.PageShift); last+1 < end && following(l.ptes[last], l.ptes[last+1]); {
		last++
	}
	at := base + usermem.Addr(first)<<usermem.PageShift
	return m.mapPtes(v, at, l.ptes[first:last+1], populate)
}

// mapPtes enters the ptes of addresses from at on, which follow one another, into the platform.
func (m *MM) mapPtes(v *vma, at usermem.Addr, ptes []pte, populate bool) linux.Errno {
	p := ptes[0]
	if p.hostProt() == 0 {
		return 0 // nothing that application code may do
	}
	fd := m.file.FD()
	if p&pteHost != 0 {
		fd = v.host.FD()
	}
	n := uint64(len(ptes)) << usermem.PageShift
	var errno linux.Errno
	if s, ok := m.as.(platform.Foreseer); ok && m.ahead {
		errno = s.MapSoon(uint64(at), n, fd, p.off(), p.hostProt(), populate)
	} else {
		errno = m.as.Map(uint64(at), n, fd, p.off(), p.hostProt(), populate)
	}
	if errno == linux.ENOMEM {
		// The host has a bound on areas too. What it has is a cache: begin afresh.
		m.forgetPlatform()
		errno = m.as.Map(uint64(at), n, fd, p.off(), p.hostProt(), populate)
	}
	if errno != 0 {
		m.as.Unmap(uint64(at), n)
		for i := range ptes {
			ptes[i] &^= pteMapped
		}
		return errno
	}
	for i := range ptes {
		ptes[i] |= pteMapped
	}
	return 0
}

// forgetPlatform takes everything out of the platform.
func (m *MM) forgetPlatform() {
	m.as.Unmap(uint64(m.min), uint64(m.max-m.min))
	m.table.each(m.min, m.max, func(_ usermem.Addr, ptes []pte) {
		for i := range ptes {
			ptes[i] &^= pteMapped
		}
	})
}

// unmapPlatform takes [start, end) out of the platform, in one call if there is anything.
func (m *MM) unmapPlatform(start, end usermem.Addr) {
	if m.as == nil {
		return
	}
	first, last := end, start
	m.table.each(start, end, func(addr usermem.Addr, ptes []pte) {
		for i := range ptes {
			if ptes[i]&pteMapped != 0 {
				at := addr + usermem.Addr(i)<<usermem.PageShift
				first, last = min(first, at), at+usermem.PageSize
				ptes[i] &^= pteMapped
			}
		}
	})
	if first < last {
		m.as.Unmap(uint64(first), uint64(last-first))
	}
}

// refresh brings the access of the pages of v in [start, end) up to date after the area's
// protection has changed, and tells the platform in as few calls as there are runs of pages
// with the same new access.
func (m *MM) refresh(v *vma, start, end usermem.Addr) {
	var from, to usermem.Addr
	var run pte
	flush := func() {
		switch {
		case from == to:
		case run == 0:
			m.as.Unmap(uint64(from), uint64(to-from))
		default:
			m.protect(from, to, run)
		}
		from, to = 0, 0
	}
	m.table.each(start, end, func(addr usermem.Addr, ptes []pte) {
		for i, p := range ptes {
			if p == 0 {
				continue
			}
			access := v.access(p)
			mapped, same := p&pteMapped != 0, access == p&pteAccess
			ptes[i] = p&^pteAccess | access
			if access == 0 {
				ptes[i] &^= pteMapped
			}
			if !mapped {
				continue
			}
			at := addr + usermem.Addr(i)<<usermem.PageShift
			if from != to && (access != run || at != to) {
				flush()
			}
			if same && from == to {
				continue
			}
			if from == to {
				from, run = at, access
			}
			to = at + usermem.PageSize
		}
	})
	flush()
}

// protect gives the mapped pages of [from, to) the access of p, or forgets them if the host
// cannot.
func (m *MM) protect(from, to usermem.Addr, p pte) {
	if m.as.Protect(uint64(from), uint64(to-from), p.hostProt()) == 0 {
		return
	}
	m.as.Unmap(uint64(from), uint64(to-from))
	m.table.each(from, to, func(_ usermem.Addr, ptes []pte) {
		for i := range ptes {
			ptes[i] &^= pteMapped
		}
	})
}
