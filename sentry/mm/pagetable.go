package mm

import (
	"sync"

	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// pte describes a page of the application: where it is and what may be done with it now. The
// bits from 12 up are the offset of the page in the memory file, or in the area's host file
// if pteHost is set. An absent page is 0.
type pte uint64

const (
	pteRead    pte = 1 << 0 // the application may read it now
	pteWrite   pte = 1 << 1 // write
	pteExec    pte = 1 << 2 // execute
	ptePresent pte = 1 << 3 // set in every pte that is not 0
	pteAnon    pte = 1 << 4 // a private page, of the memory file
	pteHost    pte = 1 << 5 // a page of the area's host file, without a reference
	pteCow     pte = 1 << 6 // a private page that other address spaces may have too
	pteNoted   pte = 1 << 7 // a shared page of a file that knows of the write
	pteMapped  pte = 1 << 8 // the platform has it, with exactly the access above

	pteAccess = pteRead | pteWrite | pteExec
	pteOffset = ^pte(usermem.PageMask)
)

// off is the page's offset in the memory file or host file.
func (p pte) off() uint64 { return uint64(p & pteOffset) }

// memory tells whether the page is in the memory file and has a reference.
func (p pte) memory() bool { return p&(ptePresent|pteHost) == ptePresent }

const (
	leafShift = 21
	midShift  = 30
	topShift  = 39
	entries   = 512
)

// leaf is the pages of 2 MiB.
type leaf struct {
	ptes [entries]pte
	n    int // ptes that are not 0
}

// mid is the leaves of 1 GiB, top those of 512 GiB.
type mid struct {
	leaves [entries]*leaf
	n      int
}
type top struct {
	mids [entries]*mid
	n    int
}

// Empty parts of page tables, which short-lived processes use one after the other.
var (
	leaves = sync.Pool{New: func() any { return new(leaf) }}
	mids   = sync.Pool{New: func() any { return new(mid) }}
	tops   = sync.Pool{New: func() any { return new(top) }}
)

// pageTable is the pages of the 47 bits of an address space.
type pageTable struct{ tops [256]*top }

// index returns which of 512 entries addr belongs to at a level.
func index(addr usermem.Addr, shift uint) int { return int(addr >> shift & (entries - 1)) }

// leaf returns the leaf of addr, nil if there is none.
func (t *pageTable) leaf(addr usermem.Addr) *leaf {
	i := addr >> topShift
	if i >= usermem.Addr(len(t.tops)) || t.tops[i] == nil {
		return nil
	}
	m := t.tops[i].mids[index(addr, midShift)]
	if m == nil {
		return nil
	}
	return m.leaves[index(addr, leafShift)]
}

// get returns the pte of addr, 0 if the page is absent.
func (t *pageTable) get(addr usermem.Addr) pte {
	l := t.leaf(addr)
	if l == nil {
		return 0
	}
	return l.ptes[index(addr, usermem.PageShift)]
}

// makeLeaf returns the leaf of addr, a new one if there is none.
func (t *pageTable) makeLeaf(addr usermem.Addr) *leaf {
	tp := t.tops[addr>>topShift]
	if tp == nil {
		tp = tops.Get().(*top)
		t.tops[addr>>topShift] = tp
	}
	m := tp.mids[index(addr, midShift)]
	if m == nil {
		m = mids.Get().(*mid)
		tp.mids[index(addr, midShift)] = m
		tp.n++
	}
	l := m.leaves[index(addr, leafShift)]
	if l == nil {
		l = leaves.Get().(*leaf)
		m.leaves[index(addr, leafShift)] = l
		m.n++
	}
	return l
}

// set stores a pte that is not 0.
func (t *pageTable) set(addr usermem.Addr, p pte) {
	l := t.makeLeaf(addr)
	i := index(addr, usermem.PageShift)
	if l.ptes[i] == 0 {
		l.n++
	}
	l.ptes[i] = p
}

// setRun stores n ptes from addr on, the first p, of pages that lie in a row.
func (t *pageTable) setRun(addr usermem.Addr, p pte, n int) {
	for n > 0 {
		l := t.makeLeaf(addr)
		i := index(addr, usermem.PageShift)
		k := min(n, entries-i)
		ptes := l.ptes[i : i+k]
		for j := range ptes {
			if ptes[j] == 0 {
				l.n++
			}
			ptes[j] = p
			p += usermem.PageSize
		}
		addr, n = addr+usermem.Addr(k)<<usermem.PageShift, n-k
	}
}

// drop takes the leaf of addr out, which has become empty.
func (t *pageTable) drop(addr usermem.Addr) {
	tp := t.tops[addr>>topShift]
	m := tp.mids[index(addr, midShift)]
	l := &m.leaves[index(addr, leafShift)]
	if **l == (leaf{}) { // the next user's pages depend on it
		leaves.Put(*l)
	}
	*l = nil
	if m.n--; m.n > 0 {
		return
	}
	mids.Put(m)
	tp.mids[index(addr, midShift)] = nil
	if tp.n--; tp.n > 0 {
		return
	}
	tops.Put(tp)
	t.tops[addr>>topShift] = nil
}

// nextLeaf returns the first leaf at or after addr and below end, and the address of its
// part of [addr, end); nil if there is none.
func (t *pageTable) nextLeaf(addr, end usermem.Addr) (l *leaf, at usermem.Addr) {
	for i := addr >> topShift; i < usermem.Addr(len(t.tops)) && i<<topShift < end; i++ {
		tp := t.tops[i]
		if tp == nil {
			continue
		}
		from := max(addr, i<<topShift)
		for j := index(from, midShift); j < entries; j++ {
			m := tp.mids[j]
			if m == nil {
				continue
			}
			base := i<<topShift + usermem.Addr(j)<<midShift
			from := max(addr, base)
			for k := index(from, leafShift); k < entries; k++ {
				if l := m.leaves[k]; l != nil {
					if at := max(addr, base+usermem.Addr(k)<<leafShift); at < end {
						return l, at
					}
					return nil, 0
				}
			}
		}
	}
	return nil, 0
}

// each calls fn with the ptes of [start, end), leaf by leaf; leaves that do not exist are
// left out. fn may change ptes, but neither make one 0 nor one that is 0 anything else.
func (t *pageTable) each(start, end usermem.Addr, fn func(addr usermem.Addr, ptes []pte)) {
	for addr := start; ; {
		l, at := t.nextLeaf(addr, end)
		if l == nil {
			return
		}
		i := index(at, usermem.PageShift)
		n := min(entries-i, int((end-at)>>usermem.PageShift))
		fn(at, l.ptes[i:i+n])
		addr = at + usermem.Addr(n)<<usermem.PageShift
	}
}

// clear makes the ptes of [start, end) absent after calling fn with them.
func (t *pageTable) clear(start, end usermem.Addr, fn func(addr usermem.Addr, ptes []pte)) {
	for addr := start; ; {
		l, at := t.nextLeaf(addr, end)
		if l == nil {
			return
		}
		i := index(at, usermem.PageShift)
		n := min(entries-i, int((end-at)>>usermem.PageShift))
		ptes := l.ptes[i : i+n]
		fn(at, ptes)
		for k := range ptes {
			if ptes[k] != 0 {
				ptes[k] = 0
				l.n--
			}
		}
		if l.n == 0 {
			t.drop(at)
		}
		addr = at + usermem.Addr(n)<<usermem.PageShift
	}
}

// following tells whether q is the page right after p in the same kind of backing and with
// the same state, so that both can be mapped at once.
func following(p, q pte) bool { return q == p+usermem.PageSize }
