package mm

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// A fault brings in more than the page asked for, since a trap costs more than a page: with
// memory of its own at least minWindow, and twice that for every doubling of what is already
// there beside it, up to maxWindow. So at most about half of what an area has was never
// asked for.
const (
	minWindow = 64 << 10
	maxWindow = usermem.HugeSize
	maxCopied = 512 << 10 // of a file's pages at once
)

// Signal is the signal that a fault ends in; Signo 0: none, the access can be repeated.
type Signal struct {
	Signo uint8
	Code  int32
}

// Signals of a fault (mm/memory.c, arch/x86/mm/fault.c). A process that the sandbox has no
// memory for is killed.
var (
	segvMaperr = Signal{11, 1}
	segvAccerr = Signal{11, 2}
	busAdrerr  = Signal{7, 2}
	outOfMem   = Signal{9, 0}
)

// HandleFault makes addr accessible to the application, or says which signal its access ends
// in. bus tells that the host already answered the access with SIGBUS: the page is mapped, but
// its file has shrunk.
func (m *MM) HandleFault(addr usermem.Addr, write, exec, bus bool) Signal {
	m.lock()
	defer m.unlock()
	if m.dead {
		return outOfMem
	}
	if addr >= m.max {
		return segvMaperr
	}
	addr = addr.PageDown()
	v := m.areas.first(addr)
	if v == nil || addr < v.start && !m.growDown(v, addr) {
		return segvMaperr
	}
	if !v.allows(write, exec) {
		return segvAccerr
	}
	if p := m.table.get(addr); bus && p&(pteMapped|pteHost) == pteMapped|pteHost {
		m.dropPage(addr)
		b, errno := v.m.Backing(v.fileOff(addr), usermem.PageSize, false)
		m.dropBacking(b, errno)
		return busAdrerr // also if the file has not heard of it yet
	}
	return signalOf(m.fault(v, addr, write, exec, usermem.PageSize))
}

// signalOf returns the signal for an access that failed with errno.
func signalOf(errno linux.Errno) Signal {
	switch errno {
	case 0:
		return Signal{}
	case linux.ENOMEM:
		return outOfMem
	}
	return busAdrerr
}

// allows tells whether the protection of v permits an access (access_error,
// arch/x86/mm/fault.c).
func (v *vma) allows(write, exec bool) bool {
	switch {
	case write:
		return v.flags&vmWrite != 0
	case exec:
		return v.flags&vmExec != 0
	}
	return v.flags&vmAccess != 0
}

// wanted returns the pte bits that an access needs.
func wanted(write, exec bool) pte {
	switch {
	case write:
		return ptePresent | pteWrite
	case exec:
		return ptePresent | pteExec
	}
	return ptePresent | pteRead
}

// fault makes the page at addr of v accessible, enters it into the platform with its
// neighbours, and has an eye on the n bytes that will be wanted. v allows the access.
func (m *MM) fault(v *vma, addr usermem.Addr, write, exec bool, n uint64) linux.Errno {
	warm := false
	need := wanted(write, exec)
	if p := m.table.get(addr); p&need != need {
		var errno linux.Errno
		switch {
		case p&(pteAnon|pteCow) == pteAnon|pteCow:
			return m.breakCow(v, addr)
		case v.anonymous():
			warm, errno = m.fillAnon(v, addr, n)
		case !v.shared() && (write || v.flags&(vmEager|vmWrite) == vmEager|vmWrite):
			return m.privatise(v, addr)
		default:
			errno = m.fillFile(v, addr, write)
		}
		if errno != 0 {
			return errno
		}
	}
	if m.table.get(addr)&pteMapped != 0 {
		// Another thread was faster, or the platform has lost the page.
		return m.mapRun(v, addr, addr, addr+usermem.PageSize, false)
	}
	if v.host != nil && v.flags&vmWrite == 0 {
		m.foreseeFile(v, addr&^usermem.HugeMask+usermem.HugeSize)
	}
	return m.mapRun(v, addr, v.start, v.end, warm)
}

// foreseeFile enters more of a file from start on, where it faults: that costs little beside the fault, and a large program would
// fault for each 2 MiB.
func (m *MM) foreseeFile(v *vma, start usermem.Addr) {
	if _, cheap := m.as.(platform.Foreseer); cheap && start < v.end {
		m.ahead = true
		m.anticipateFile(v, start, min(v.end, start+maxForeseen))
		m.ahead = false
	}
}

// window returns the part of v around addr that a fault there should fill with new memory:
// absent pages only, all in 2 MiB.
func (m *MM) window(v *vma, addr usermem.Addr, n uint64) (lo, hi usermem.Addr) {
	size := uint64(minWindow)
	if v.flags&vmHugePage != 0 {
		size = maxWindow
	}
	have := max(m.presentBefore(v, addr&^(minWindow-1)), m.presentAfter(v, addr|(minWindow-1)+1), n)
	for size < maxWindow && size < have {
		size *= 2
	}
	lo = addr &^ usermem.Addr(size-1)
	hi = min(lo+usermem.Addr(size), v.end)
	lo = max(lo, v.start)
	l := m.table.leaf(addr)
	if l == nil {
		return lo, hi
	}
	from, to := addr, addr+usermem.PageSize
	for from > lo && l.ptes[index(from-usermem.PageSize, usermem.PageShift)] == 0 {
		from -= usermem.PageSize
	}
	for to < hi && l.ptes[index(to, usermem.PageShift)] == 0 {
		to += usermem.PageSize
	}
	return from, to
}

// presentBefore counts the bytes of v that are present right below addr, up to maxWindow.
func (m *MM) presentBefore(v *vma, addr usermem.Addr) uint64 {
	lo := max(v.start, addr-min(addr, maxWindow))
	at := addr
	for at > lo {
		l := m.table.leaf(at - 1)
		if l == nil {
			break
		}
		base := (at - 1) &^ usermem.HugeMask
		i, stop := index(at-1, usermem.PageShift), index(max(lo, base), usermem.PageShift)
		for i >= stop && l.ptes[i] != 0 {
			i--
		}
		at = base + usermem.Addr(i+1)<<usermem.PageShift
		if i >= stop {
			break
		}
	}
	return uint64(addr - at)
}

// presentAfter counts the bytes of v that are present from addr on, up to maxWindow.
func (m *MM) presentAfter(v *vma, addr usermem.Addr) uint64 {
	hi := min(v.end, addr+maxWindow)
	at := addr
	for at < hi {
		l := m.table.leaf(at)
		if l == nil {
			break
		}
		i := index(at, usermem.PageShift)
		stop := i + int((min(hi, at&^usermem.HugeMask+usermem.HugeSize)-at)>>usermem.PageShift)
		first := i
		for i < stop && l.ptes[i] != 0 {
			i++
		}
		at += usermem.Addr(i-first) << usermem.PageShift
		if i < stop {
			break
		}
	}
	return uint64(at - min(at, addr))
}

// fillAnon gives zero pages to the private memory around addr. warm tells that the host has
// the pages already, so that entering all of them at once is cheap.
func (m *MM) fillAnon(v *vma, addr usermem.Addr, n uint64) (warm bool, errno linux.Errno) {
	if v.length() <= minWindow || m.small.Contains(addr) {
		m.touches++
	}
	lo, hi := m.window(v, addr, n)
	warm, errno = m.fillZero(v, addr, lo, hi)
	return warm || hi-lo >= rowWindow && m.inRow(v, lo), errno
}

// rowWindow is how large a window must be for its pages to be entered at once if those before it were all touched.
const rowWindow = 4 * minWindow

// inRow tells whether every page right below addr was touched: then those from addr on will be, too, and
// faults of the host for each would cost more than the pages. Who touches one here and there has windows as large, but
// not the pages.
func (m *MM) inRow(v *vma, addr usermem.Addr) bool {
	from := addr - minWindow
	if addr < minWindow || from < v.start {
		return false
	}
	first, last := m.table.get(from), m.table.get(addr-usermem.PageSize)
	if first&last&pteAnon == 0 || last.off()-first.off() != minWindow-usermem.PageSize {
		return false
	}
	var there [minWindow / usermem.PageSize]byte
	m.file.Resident(first.off(), minWindow, there[:])
	return bytes.IndexByte(there[:], 0) < 0
}

// touchesKnown is after how many faults in small areas new ones count as about to be touched.
const touchesKnown = 3

// startAreas is how many small areas ld.so maps for its own use, and touches: one for what it allocates, another if there are many libraries, and
// the thread's storage.
const startAreas = 3

// foreseen tells whether the new area v will be touched soon, of which length bytes are new: if it is small, or part of a library
// that ld.so maps (MAP_DENYWRITE), or the zero memory behind such a part.
func (m *MM) foreseen(v *vma, length uint64) bool {
	_, cheap := m.as.(platform.Foreseer)
	small := length <= minWindow
	switch {
	case v.anonymous():
		if !small || m.touches >= touchesKnown || cheap && m.behindLibrary(v.start) {
			return small
		}
		m.starting = max(m.starting-1, -1)
		return m.starting >= 0
	case !cheap || v.shared() || v.file == nil:
		return false
	case v.flags&vmWrite != 0:
		return small && v.flags&vmEager != 0
	}
	return v.flags&vmAccess != 0 && (small || v.flags&vmEager != 0)
}

// behindLibrary tells whether a segment of a library ends at addr that can be written.
func (m *MM) behindLibrary(addr usermem.Addr) bool {
	v := m.areas.lookup(addr - 1)
	return v != nil && v.file != nil && v.flags&(vmEager|vmWrite|vmShared) == vmEager|vmWrite
}

// anticipate makes the new area [start, end), or its first part, accessible, as its first
// fault soon would: there was a trap already, and that fault would bring as much.
func (m *MM) anticipate(start, end usermem.Addr) {
	v := m.areas.lookup(start)
	if v == nil || v.flags&(vmGrowsDown|vmLockOnFault) != 0 {
		return
	}
	// Before a library's segments are touched others will be mapped, but for the one that can be written: ld.so clears its
	// end. New memory and small files are touched at once.
	m.ahead = v.flags&(vmEager|vmWrite) == vmEager || v.anonymous() && m.behindLibrary(start)
	defer func() { m.ahead = false }()
	switch {
	case v.anonymous():
		if v.flags&(vmWrite|vmShared) == vmWrite {
			m.anticipateAnon(v, start, end)
		}
	case v.flags&vmWrite == 0:
		m.anticipateFile(v, start, min(end, start+maxForeseen))
	default:
		m.dropTail(v)
		for start < end && m.privatise(v, start) == 0 {
			for start < end && m.table.get(start) != 0 {
				start += usermem.PageSize
			}
		}
	}
}

// maxForeseen is how much of a file is entered at once.
const maxForeseen = 4 * usermem.HugeSize

// anticipateFile enters the file's own pages at [start, end), up to what is not absent.
func (m *MM) anticipateFile(v *vma, start, end usermem.Addr) {
	for start < end && m.table.get(start) == 0 && m.fillFile(v, start, false) == 0 {
		next := min(end, start&^usermem.HugeMask+usermem.HugeSize)
		if m.mapRun(v, start, start, next, false) != 0 || m.table.get(start)&pteHost == 0 {
			return
		}
		start = next
	}
}

// dropTail takes what is left of a library behind its segment v out of the platform: ld.so maps the whole file first, and
// zero memory over the rest soon.
func (m *MM) dropTail(v *vma) {
	t := m.areas.lookup(v.end)
	if t != nil && t.m == v.m && t.flags&(vmEager|vmWrite|vmExec) == vmEager {
		m.unmapPlatform(t.start, t.end)
	}
}

func (m *MM) anticipateAnon(v *vma, start, end usermem.Addr) {
	for start < end {
		warm, errno := m.fillZero(v, start, start, min(end, start&^usermem.HugeMask+usermem.HugeSize))
		if errno != 0 || m.mapRun(v, start, start, end, warm) != 0 {
			return
		}
		for start < end && m.table.get(start) != 0 {
			start += usermem.PageSize
		}
	}
}

// fillZero gives zero pages to [lo, hi), which is absent, or to a part of it with addr.
func (m *MM) fillZero(v *vma, addr, lo, hi usermem.Addr) (warm bool, errno linux.Errno) {
	near := uint64(0)
	if p := m.table.get(lo - usermem.PageSize); p&(ptePresent|pteAnon) == ptePresent|pteAnon {
		near = p.off() + usermem.PageSize
	}
	off, got, errno := m.arena.Alloc(uint64(hi-lo), near, true)
	if errno != 0 {
		return false, errno
	}
	if got < uint64(hi-lo) { // not all in a row: keep what contains addr
		if addr >= lo+usermem.Addr(got) {
			lo = addr
			if room := uint64(hi - lo); got > room {
				m.file.Unref(off+room, got-room)
				got = room
			}
		}
		hi = lo + usermem.Addr(got)
	}
	m.install(v, lo, off, got, pteAnon)
	return m.arena.Warm(), 0
}

// install makes [at, at+n) of v present at off in the memory file (or the host file, if kind
// has pteHost). The references to the pages are the page table's now.
func (m *MM) install(v *vma, at usermem.Addr, off, n uint64, kind pte) {
	p := kind | ptePresent
	p |= v.access(p) | pte(off)
	m.table.setRun(at, p, int(n>>usermem.PageShift))
	m.countPages(v, p, int64(n>>usermem.PageShift))
}

// countPages adds n pages like p of v to the resident set.
func (m *MM) countPages(v *vma, p pte, n int64) {
	switch {
	case p&pteAnon != 0:
		m.count.anon += n
	case v != nil && v.file == nil && v.m != nil:
		m.count.shmem += n
	default:
		m.count.file += n
	}
	m.count.peak = max(m.count.peak, m.count.anon+m.count.file+m.count.shmem)
}

// fillFile maps the file's own pages around addr: for a host file all that the 2 MiB around it have of the
// area, else a few.
func (m *MM) fillFile(v *vma, addr usermem.Addr, write bool) linux.Errno {
	write = write && v.shared()
	lo := max(v.start, addr&^usermem.HugeMask)
	hi := min(v.end, addr&^usermem.HugeMask+usermem.HugeSize)
	b, errno := v.m.Backing(v.fileOff(addr), uint64(hi-addr), write)
	if errno != 0 {
		return errno
	}
	m.setHost(v, b)
	kind := pte(0)
	switch {
	case b.Host != nil:
		kind = pteHost
	case write:
		kind = pteNoted
	}
	n := m.absentOr(addr, min(b.Len, uint64(hi-addr)), write)
	if b.Host == nil && n < b.Len {
		m.file.Unref(b.Off+n, b.Len-n)
	}
	m.replace(v, addr, b.Off, n, kind)
	if b.Host != nil {
		m.fillBelow(v, lo, addr, b)
	}
	return 0
}

// fillBelow maps what lies absent below addr, down to lo at most, from the same host file as
// b, which is at addr: that costs nothing more.
func (m *MM) fillBelow(v *vma, lo, addr usermem.Addr, b Backing) {
	n := uint64(0)
	for n < min(uint64(addr-lo), b.Off) && m.table.get(addr-usermem.Addr(n)-usermem.PageSize) == 0 {
		n += usermem.PageSize
	}
	if n == 0 {
		return
	}
	at := addr - usermem.Addr(n)
	c, errno := v.m.Backing(v.fileOff(at), n, false)
	if errno != 0 || c.Host != b.Host || c.Off+n != b.Off || c.Len != n {
		m.dropBacking(c, errno)
		return
	}
	m.install(v, at, c.Off, n, pteHost)
}

// dropBacking gives back the references of a Backing that is not used.
func (m *MM) dropBacking(b Backing, errno linux.Errno) {
	if errno == 0 && b.Host == nil {
		m.file.Unref(b.Off, b.Len)
	}
}

// setHost takes note of where host pages of v are. If that has changed, the old ones go.
func (m *MM) setHost(v *vma, b Backing) {
	if b.Host == nil || v.host == b.Host {
		return
	}
	if v.host != nil {
		m.clearPages(v, v.start, v.end, func(p pte) bool { return p&pteHost != 0 })
	}
	v.host = b.Host
}

// absentOr returns how many of the n bytes from addr on are absent, or, if write is set,
// shared pages that are only to be made writable. The first page counts in any case.
func (m *MM) absentOr(addr usermem.Addr, n uint64, write bool) uint64 {
	k := uint64(usermem.PageSize)
	for k < n {
		p := m.table.get(addr + usermem.Addr(k))
		if p != 0 && !(write && p&(pteAnon|pteWrite) == 0) {
			break
		}
		k += usermem.PageSize
	}
	return k
}

// replace is install over pages that may be present, in the platform too.
func (m *MM) replace(v *vma, at usermem.Addr, off, n uint64, kind pte) {
	end := at + usermem.Addr(n)
	m.clearPages(v, at, end, func(pte) bool { return true })
	m.install(v, at, off, n, kind)
}

// privatise gives v a copy of the file's page at addr, and of those around it that have none
// yet: the first write to a private mapping.
func (m *MM) privatise(v *vma, addr usermem.Addr) linux.Errno {
	size := usermem.Addr(minWindow)
	for size < maxCopied && addr&^(size-1) >= v.start+size && m.table.get(addr&^(size-1)-size)&m.table.get(addr&^(size-1)-usermem.PageSize)&pteAnon != 0 {
		size *= 2 // relocations go from page to page
	}
	lo := max(v.start, addr&^(size-1))
	hi := min(v.end, addr&^(size-1)+size)
	from, to := addr, addr+usermem.PageSize
	for from > lo && m.table.get(from-usermem.PageSize)&pteAnon == 0 {
		from -= usermem.PageSize
	}
	for to < hi && m.table.get(to)&pteAnon == 0 {
		to += usermem.PageSize
	}
	off, got, errno := m.arena.Alloc(uint64(to-from), 0, false)
	if errno != 0 {
		return errno
	}
	if from+usermem.Addr(got) <= addr {
		from = addr
	}
	if n := min(got, uint64(to-from)); n < got {
		m.file.Unref(off+n, got-n)
		got = n
	}
	n, errno := m.copyFile(v, from, off, got)
	if from+usermem.Addr(n) <= addr { // the file ends before addr, or the part before it is at fault
		m.file.Unref(off+usermem.PageSize, got-usermem.PageSize)
		from, got = addr, usermem.PageSize
		if n, errno = m.copyFile(v, from, off, got); n == 0 {
			m.file.Unref(off, got)
			return errno
		}
	}
	if n < got {
		m.file.Unref(off+n, got-n)
	}
	return m.substitute(v, from, off, n)
}

// copyFile copies the n bytes of the file that v has at addr to off in the memory file, and
// returns how many it could copy.
func (m *MM) copyFile(v *vma, addr usermem.Addr, off, n uint64) (done uint64, errno linux.Errno) {
	for done < n {
		b, errno := v.m.Backing(v.fileOff(addr)+done, n-done, false)
		if errno != 0 {
			return done, errno
		}
		dst := m.file.Bytes(off+done, b.Len)
		if b.Host == nil {
			copy(dst, m.file.Bytes(b.Off, b.Len))
			m.file.Unref(b.Off, b.Len)
		} else if errno := readHost(b.Host, dst, b.Off); errno != 0 {
			return done, errno
		}
		done += b.Len
	}
	return done, 0
}

// readHost fills dst from off of a host file, with zero bytes beyond its end.
func readHost(h *pages.HostFile, dst []byte, off uint64) linux.Errno {
	for len(dst) > 0 {
		n, errno := host.Pread(h.FD(), dst, int64(off))
		if errno != 0 {
			return errno
		}
		if n == 0 {
			clear(dst)
			return 0
		}
		dst, off = dst[n:], off+uint64(n)
	}
	return 0
}

// substitute puts the n bytes of private memory at off, whose references it takes, in place
// of what v has at addr.
func (m *MM) substitute(v *vma, addr usermem.Addr, off, n uint64) linux.Errno {
	end := addr + usermem.Addr(n)
	// The platform forgets the old pages when it gets the new ones, before they are put.
	old := make([]pte, 0, minWindow>>usermem.PageShift)
	m.table.each(addr, end, func(_ usermem.Addr, ptes []pte) {
		for i, p := range ptes {
			if p != 0 {
				m.countPages(v, p, -1)
				old = append(old, p)
				ptes[i] &^= pteMapped
			}
		}
	})
	m.install(v, addr, off, n, pteAnon)
	var errno linux.Errno
	for at := addr; at < end; { // at most two leaves
		next := min(end, (at&^usermem.HugeMask)+usermem.HugeSize)
		i := index(at, usermem.PageShift)
		ptes := m.table.leaf(at).ptes[i : i+int((next-at)>>usermem.PageShift)]
		if e := m.mapPtes(v, at, ptes, true); e != 0 {
			errno = e
		}
		at = next
	}
	m.unref(old)
	return errno
}

// breakCow makes the private page at addr writable, which other address spaces may share: by
// a copy, or as it is if nobody else has it any more. Its neighbours likewise.
func (m *MM) breakCow(v *vma, addr usermem.Addr) linux.Errno {
	p := m.table.get(addr)
	if m.file.Sole(p.off(), usermem.PageSize) != 0 {
		return m.reclaimCow(v, addr)
	}
	lo := max(v.start, addr&^(minWindow-1))
	hi := min(v.end, addr&^(minWindow-1)+minWindow)
	const cow = pteAnon | pteCow
	from, to := addr, addr+usermem.PageSize
	for from > lo && m.table.get(from-usermem.PageSize)&cow == cow {
		from -= usermem.PageSize
	}
	for to < hi && m.table.get(to)&cow == cow {
		to += usermem.PageSize
	}
	off, got, errno := m.arena.Alloc(uint64(to-from), 0, false)
	if errno != 0 {
		return errno
	}
	if from+usermem.Addr(got) <= addr {
		from = addr
	}
	if n := min(got, uint64(to-from)); n < got {
		m.file.Unref(off+n, got-n)
		got = n
	}
	for i := uint64(0); i < got; i += usermem.PageSize {
		src := m.table.get(from + usermem.Addr(i))
		copy(m.file.Bytes(off+i, usermem.PageSize), m.file.Bytes(src.off(), usermem.PageSize))
	}
	return m.substitute(v, from, off, got)
}

// reclaimCow makes the private page at addr writable again, which nobody else has any more,
// and those in a row with it in the same 2 MiB of which that is true too.
func (m *MM) reclaimCow(v *vma, addr usermem.Addr) linux.Errno {
	const cow = pteAnon | pteCow
	base := addr &^ usermem.HugeMask
	l := m.table.leaf(addr)
	sole := func(i int) bool {
		return l.ptes[i]&cow == cow && m.file.Sole(l.ptes[i].off(), usermem.PageSize) != 0
	}
	lo, hi := index(max(v.start, base), usermem.PageShift), entries
	if v.end < base+usermem.HugeSize {
		hi = index(v.end, usermem.PageShift)
	}
	first := index(addr, usermem.PageShift)
	last := first
	for first > lo && sole(first-1) {
		first--
	}
	for last+1 < hi && sole(last+1) {
		last++
	}
	mapped := false
	for i := first; i <= last; i++ {
		p := l.ptes[i] &^ (pteCow | pteAccess)
		l.ptes[i] = p | v.access(p)
		mapped = mapped || p&pteMapped != 0
	}
	if mapped {
		at := base + usermem.Addr(first)<<usermem.PageShift
		m.protect(at, at+usermem.Addr(last-first+1)<<usermem.PageShift, l.ptes[first])
	}
	if m.table.get(addr)&pteMapped == 0 {
		return m.mapRun(v, addr, v.start, v.end, false)
	}
	return 0
}
