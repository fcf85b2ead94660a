package pages

import "maps"

// Truncate frees what lies at or beyond size and clears the rest of its page. The owner then
// invalidates the mappings beyond size.
func (o *Object) Truncate(size uint64) {
	o.Punch(size, maxObject-min(size, maxObject))
}

// Punch makes [off, off+n) a hole; of pages partly inside it clears that part.
func (o *Object) Punch(off, n uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n == 0 {
		return
	}
	end := off + min(n, maxObject-min(off, maxObject))
	first, last := (off+PageSize-1)/PageSize, end/PageSize
	if first > last { // inside one page
		o.clearLocked(off, end)
		return
	}
	o.clearLocked(off, first*PageSize)
	o.clearLocked(last*PageSize, end)
	o.freeLocked(first, last)
}

// clearLocked clears [off, end), which lies in one page, if the page is present.
func (o *Object) clearLocked(off, end uint64) {
	if off >= end {
		return
	}
	if s := o.slot(off/PageSize, false); s != nil && *s != 0 {
		clear(o.file.Bytes(uint64(*s)*PageSize+off%PageSize, end-off))
	}
}

// freeLocked frees the pages from first up to and without last.
func (o *Object) freeLocked(first, last uint64) {
	if first >= last {
		return
	}
	if first < leafPages && o.first != nil {
		o.freeLeaf(o.first, int(first), int(min(last, leafPages)))
		if *o.first == (leaf{}) {
			o.first = nil
		}
	}
	lo, hi := max(1, first/leafPages), (last-1)/leafPages
	if hi < lo || len(o.leaves) == 0 {
		return
	}
	free := func(i uint64, l *leaf) {
		from, to := uint64(0), uint64(leafPages)
		if i == first/leafPages {
			from = first % leafPages
		}
		if i == hi {
			to = last - hi*leafPages
		}
		o.freeLeaf(l, int(from), int(to))
		if *l == (leaf{}) {
			delete(o.leaves, i)
		}
	}
	if hi-lo >= uint64(len(o.leaves)) { // fewer leaves than places: go through the leaves
		for i, l := range maps.Clone(o.leaves) {
			if lo <= i && i <= hi {
				free(i, l)
			}
		}
		return
	}
	for i := lo; i <= hi; i++ {
		if l := o.leaves[i]; l != nil {
			free(i, l)
		}
	}
}

// freeLeaf frees the pages of l from index from up to and without to, in runs.
func (o *Object) freeLeaf(l *leaf, from, to int) {
	for i := from; i < to; {
		start := l[i]
		if start == 0 {
			i++
			continue
		}
		n := 0
		for i+n < to && l[i+n] == start+uint32(n) {
			l[i+n] = 0
			n++
		}
		o.file.Unref(uint64(start)*PageSize, uint64(n)*PageSize)
		o.quota.uncharge(int64(n))
		o.count.Add(-int64(n))
		i += n
	}
}

// NextData returns the start of the first page at or after off that is present and below
// size; ok is false if there is none. The result is off itself if off lies in such a page.
func (o *Object) NextData(off, size uint64) (at uint64, ok bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	end := (size + PageSize - 1) / PageSize
	for page := off / PageSize; page < end; {
		s := o.slot(page, false)
		if s == nil {
			i, ok := o.nextLeaf(page / leafPages)
			if !ok {
				return 0, false
			}
			page = i * leafPages
			continue
		}
		if *s != 0 {
			at = max(off, page*PageSize)
			return at, at < size
		}
		page++
	}
	return 0, false
}

// nextLeaf returns the index of the first leaf after the i-th. mu is held.
func (o *Object) nextLeaf(i uint64) (next uint64, ok bool) {
	for j := range o.leaves {
		if j > i && (!ok || j < next) {
			next, ok = j, true
		}
	}
	return next, ok
}

// NextHole returns the first offset at or after off that is in a hole; size counts as one.
func (o *Object) NextHole(off, size uint64) uint64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for page := off / PageSize; page*PageSize < size; page++ {
		if s := o.slot(page, false); s == nil || *s == 0 {
			return max(off, page*PageSize)
		}
	}
	return size
}

// Release frees everything. The Object is not used any more.
func (o *Object) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.freeLocked(0, maxObject/PageSize)
}
