// Package usermem copies between the kernel and application memory.
//
// A Space is the memory of one process as the kernel reaches it: addresses in, bytes and an
// Errno out. A Buf is the memory of one read or write, as files see it: a list of pieces of a
// Space, or plain bytes of the kernel, consumed from the front. Both are concrete types over
// the small interface Pager, which sentry/mm implements, so that what is copied never escapes
// to the heap.
//
// Touching application memory takes the address space's lock (and may run a file's fault
// handler): never do it with a lock held that a fault can need.
//
// It mirrors include/linux/uaccess.h and lib/iov_iter.c.
package usermem

// Sizes of a page and of what a processor maps at once as a huge page.
const (
	PageShift = 12
	PageSize  = 1 << PageShift
	PageMask  = PageSize - 1
	HugeShift = 21
	HugeSize  = 1 << HugeShift
	HugeMask  = HugeSize - 1
)

// Addr is a virtual address of the application, as yet unchecked.
type Addr uint64

// Add returns a+n; ok is false if the sum overflows.
func (a Addr) Add(n uint64) (sum Addr, ok bool) {
	sum = a + Addr(n)
	return sum, sum >= a
}

// PageDown rounds down to a page boundary.
func (a Addr) PageDown() Addr { return a &^ PageMask }

// PageUp rounds up to a page boundary; ok is false if that overflows.
func (a Addr) PageUp() (up Addr, ok bool) {
	up = (a + PageMask) &^ PageMask
	return up, up >= a
}

// PageOffset is the offset within the page.
func (a Addr) PageOffset() uint64 { return uint64(a) & PageMask }

// Aligned tells whether a is a page boundary.
func (a Addr) Aligned() bool { return a&PageMask == 0 }

// PageUp rounds a length up to pages; ok is false if that overflows.
func PageUp(n uint64) (up uint64, ok bool) {
	up = (n + PageMask) &^ PageMask
	return up, up >= n
}

// Range is the addresses from Start up to and without End; Start <= End.
type Range struct{ Start, End Addr }

// NewRange returns the n addresses from start; ok is false if they overflow.
func NewRange(start Addr, n uint64) (r Range, ok bool) {
	end, ok := start.Add(n)
	return Range{start, end}, ok
}

// Len is the number of addresses in r.
func (r Range) Len() uint64 { return uint64(r.End - r.Start) }

// Empty tells whether r has no address.
func (r Range) Empty() bool { return r.Start >= r.End }

// Contains tells whether a is in r.
func (r Range) Contains(a Addr) bool { return r.Start <= a && a < r.End }

// Covers tells whether all of s is in r.
func (r Range) Covers(s Range) bool { return r.Start <= s.Start && s.End <= r.End }

// Overlaps tells whether r and s share an address.
func (r Range) Overlaps(s Range) bool { return r.Start < s.End && s.Start < r.End }

// Intersect returns what r and s share, an empty range if nothing.
func (r Range) Intersect(s Range) Range {
	i := Range{max(r.Start, s.Start), min(r.End, s.End)}
	if i.Start > i.End {
		i.End = i.Start
	}
	return i
}
