package mm

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// eagerPages is how many private pages a fork copies at once instead of sharing them until a
// write: a copy costs a fraction of the trap that would come, and a small process writes to
// most of what it has.
const eagerPages = 128

// Fork returns a copy of the address space (dup_mmap, kernel/fork.c): shared areas are
// shared, private pages too until one side writes.
func (m *MM) Fork() (*MM, linux.Errno) {
	c, errno := New(m.sys, m.arena.Pool(), m.plat)
	if errno != 0 {
		return nil, errno
	}
	c.limits.Store(m.limits.Load())
	m.lock()
	c.lock() // files already know it
	c.layout, c.touches = m.layout, m.touches
	errno = m.forkAreas(c)
	c.unlock()
	m.unlock()
	if errno != 0 {
		c.Put()
		return nil, errno
	}
	return c, 0
}

// forkAreas copies the areas and pages to c, which nobody else knows yet.
func (m *MM) forkAreas(c *MM) linux.Errno {
	f := forker{from: m, to: c}
	// Copies of pages that other threads write to meanwhile would not fit each other.
	f.eager = m.count.anon <= eagerPages && m.Users() == 1
	var errno linux.Errno
	m.areas.each(func(v *vma) bool {
		if v.flags&vmDontCopy != 0 {
			return true
		}
		n := v.pages()
		if v.flags&vmAccount != 0 {
			if errno = m.sys.commit(n); errno != 0 {
				return false
			}
			c.count.committed += n
		}
		w := *v
		w.flags &^= vmLocked | vmLockOnFault
		c.insert(&w)
		c.account(w.flags, int64(n))
		if v.flags&vmWipeOnFork == 0 {
			f.area(v, &w)
		}
		return errno == 0
	})
	if errno != 0 {
		return errno
	}
	f.platform()
	return 0
}

// forker is a fork under way.
type forker struct {
	from, to *MM
	eager    bool
	copies   []copied
}

// copied is a run of pages that the child has copies of, all in one area and one leaf.
type copied struct {
	at usermem.Addr
	n  int
}

// area copies the pages of v to w.
func (f *forker) area(v, w *vma) {
	m := f.from
	eager := f.eager && v.flags&(vmWrite|vmShared) == vmWrite
	// First the pages that are shared from now on must not be written any more.
	if !v.shared() && !eager {
		m.table.each(v.start, v.end, func(_ usermem.Addr, ptes []pte) {
			for i, p := range ptes {
				if p&pteAnon != 0 {
					ptes[i] |= pteCow
				}
			}
		})
		m.refresh(v, v.start, v.end)
	}
	m.table.each(v.start, v.end, func(addr usermem.Addr, ptes []pte) {
		for i := 0; i < len(ptes); {
			p := ptes[i]
			if p == 0 {
				i++
				continue
			}
			n := 1
			for i+n < len(ptes) && following(ptes[i+n-1], ptes[i+n]) {
				n++
			}
			at := addr + usermem.Addr(i)<<usermem.PageShift
			if !eager || p&pteAnon == 0 || !f.copyRun(w, at, p, n) {
				f.shareRun(w, at, p, ptes[i:i+n])
			}
			i += n
		}
	})
}

// shareRun lets the child have the same pages.
func (f *forker) shareRun(w *vma, at usermem.Addr, p pte, ptes []pte) {
	if p&pteAnon != 0 && p&pteCow == 0 { // an eager copy failed
		for i := range ptes {
			ptes[i] |= pteCow
		}
		f.from.refresh(f.from.areas.lookup(at), at, at+usermem.Addr(len(ptes))<<usermem.PageShift)
		p = ptes[0]
	}
	if p.memory() {
		f.from.file.Ref(p.off(), uint64(len(ptes))<<usermem.PageShift)
	}
	for i, q := range ptes {
		f.to.table.set(at+usermem.Addr(i)<<usermem.PageShift, q)
	}
	f.to.countPages(w, p, int64(len(ptes)))
}

// copyRun gives the child copies of n private pages from at on; false if there is no memory
// for them. Pages that the host never had are zero and need no copy.
func (f *forker) copyRun(w *vma, at usermem.Addr, p pte, n int) bool {
	m, c := f.from, f.to
	var there [usermem.HugeSize / usermem.PageSize]byte
	m.file.Resident(p.off(), uint64(n)<<usermem.PageShift, there[:n])
	zero := bytes.IndexByte(there[:n], 0) >= 0
	for i := 0; i < n; {
		off, got, errno := c.arena.Alloc(uint64(n-i)<<usermem.PageShift, f.near(at, i), zero)
		if errno != 0 {
			c.clearPages(w, at, at+usermem.Addr(n)<<usermem.PageShift, func(pte) bool { return true })
			return false
		}
		for k := range int(got >> usermem.PageShift) {
			if there[i+k] != 0 {
				page := uint64(k) << usermem.PageShift
				src := p.off() + uint64(i)<<usermem.PageShift + page
				copy(m.file.Bytes(off+page, usermem.PageSize), m.file.Bytes(src, usermem.PageSize))
			}
		}
		c.install(w, at+usermem.Addr(i)<<usermem.PageShift, off, got, pteAnon)
		i += int(got >> usermem.PageShift)
	}
	f.copies = append(f.copies, copied{at, n})
	return true
}

// near returns where the copy of the page i after at should be, to lie in a row with the one before.
func (f *forker) near(at usermem.Addr, i int) uint64 {
	q := f.to.table.get(at + usermem.Addr(i)<<usermem.PageShift - usermem.PageSize)
	if q&pteAnon == 0 {
		return 0
	}
	return q.off() + usermem.PageSize
}

// fillRuns is how many runs of pages are entered one by one into the child's platform rather than
// cloned, if it makes all calls at once.
const fillRuns = 48

// platform gives the child's platform what the parent's has, and the copies in their place.
func (f *forker) platform() {
	m, c := f.from, f.to
	if b, ok := c.as.(platform.Batcher); ok && f.fill(b) {
		return
	}
	if m.as.Clone(c.as) != 0 {
		c.table.each(c.min, c.max, func(_ usermem.Addr, ptes []pte) {
			for i := range ptes {
				ptes[i] &^= pteMapped
			}
		})
		return
	}
	// What the child does not have at all.
	m.areas.each(func(v *vma) bool {
		if v.flags&(vmDontCopy|vmWipeOnFork) != 0 {
			c.as.Unmap(uint64(v.start), v.length())
		}
		return true
	})
	for _, run := range f.copies {
		f.mapCopies(run)
	}
}

// fill enters what the parent's platform has, and the copies, into the child's, which is empty;
// false if that is too much.
func (f *forker) fill(b platform.Batcher) bool {
	type run struct {
		v    *vma
		at   usermem.Addr
		ptes []pte
	}
	var buf [fillRuns]run
	runs, fits := buf[:0], true
	f.to.areas.each(func(v *vma) bool {
		f.to.table.each(v.start, v.end, func(at usermem.Addr, ptes []pte) {
			for i := 0; i < len(ptes) && fits; {
				p := ptes[i]
				n := 1
				for i+n < len(ptes) && following(ptes[i+n-1], ptes[i+n]) {
					n++
				}
				if p&pteMapped != 0 || p&(pteAnon|pteCow) == pteAnon && !v.shared() {
					if fits = len(runs) < fillRuns; fits {
						runs = append(runs, run{v, at + usermem.Addr(i)<<usermem.PageShift, ptes[i : i+n]})
					}
				}
				i += n
			}
		})
		return fits
	})
	if !fits {
		return false
	}
	b.Filling()
	for _, r := range runs {
		f.to.mapPtes(r.v, r.at, r.ptes, false)
	}
	return true
}

// mapCopies enters the child's copies of a run where Clone left the parent's pages.
func (f *forker) mapCopies(run copied) {
	c := f.to
	v := c.areas.lookup(run.at)
	first := index(run.at, usermem.PageShift)
	ptes := c.table.leaf(run.at).ptes[first : first+run.n]
	for i := 0; i < run.n; {
		k := 1
		for i+k < run.n && following(ptes[i+k-1], ptes[i+k]) {
			k++
		}
		c.mapPtes(v, run.at+usermem.Addr(i)<<usermem.PageShift, ptes[i:i+k], false)
		i += k
	}
}
