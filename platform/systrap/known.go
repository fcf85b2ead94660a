package systrap

import (
	"bytes"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/cpuid"
)

// A process that has just executed a program makes all its calls by signals, and has gone before patching pays. So the
// sentry counts for every file from which places in its text calls come, and when a page has many of them, and many come,
// it keeps a patched copy of the page, as it does of those that ask for CPUID (cpuid.go): whoever maps the page then, and
// finds it as it was, is given the copy, with trampolines of its own. A copy that others may run is never changed: with
// more places it is made anew, and who has the old one keeps it.
// A process that patches a place by itself has paid for more than its traps.
//
// From where a process says that it calls may be a lie, and others get the copy. But a place is patched only if the file
// has a known form of a call there (sites.go), of a number that there is: so many given bytes are no coincidence of data or
// of parts of other instructions.
const (
	maxNumber    = 512   // of a call
	maxNoted     = 16384 // places of all files
	maxFileCalls = 256   // of one
	mostKnown    = 12    // copies of a file that are made for calls
	lookAtCalls  = 64    // calls noted before a file is looked at
	worthTraps   = 3     // of a page in the processes that map the file, on average
	againTraps   = 16    // of a page that has a copy already
	mostMaps     = 32    // maps of a file until what was counted counts half
	patchTraps   = 48    // what it costs a process to patch a place, in traps: two or three orders, which it waits for
)

// infoFile identifies a file. What is known of it is compared again all the same.
type infoFile struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

// textFile is what is known of a file whose text is mapped. infos.mu guards it, but for life and slow.
type textFile struct {
	maps     int         // how often its text was mapped
	searched bool        // for CPUID
	pages    []*infoPage // with copies
	copies   int         // of them that were made for calls
	calls    map[uint64]*fileCall
	noted    int          // calls since the last look
	life     atomic.Int64 // how many traps the first thread of a program makes; 0: not known
	slow     atomic.Int64 // and how many of those come late, in 1/slowUnit
}

// fileCall is a place in a file, named by the offset behind its SYSCALL.
type fileCall struct {
	nr    uint32
	traps int
	over  bool // it is patched in a copy, or cannot be
}

// knownCall is a place in a page that a copy has patched.
type knownCall struct {
	at           int // behind SYSCALL
	nr           uint32
	form         *form
	slot         int
	moved, after []byte
}

// textFile returns what is known of fd, nil if that is no file.
func (p *Platform) textFile(fd int) *textFile {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	key := infoFile{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
	q := &p.infos
	q.mu.Lock()
	defer q.mu.Unlock()
	f := q.files[key]
	if f == nil && len(q.files) < maxInfoFiles {
		f = &textFile{searched: cpuid.Hybrid() || st.Size > maxInfoText, calls: map[uint64]*fileCall{}}
		q.files[key] = f
	}
	return f
}

// note counts a call that came by a signal.
func (s *process) note(ret uint64, nr uint32) {
	s.patches.mu.Lock()
	f, off := s.patches.textAt(ret)
	s.patches.mu.Unlock()
	s.p.infos.note(f, off, nr, 1)
}

// note counts traps of a call from a place in a file, if that is known.
func (q *infos) note(f *textFile, off uint64, nr uint32, traps int) {
	if f == nil || nr >= maxNumber {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	c := f.calls[off]
	if c == nil {
		if len(f.calls) == maxFileCalls || q.noted == maxNoted {
			return
		}
		q.noted++
		c = &fileCall{nr: nr}
		f.calls[off] = c
	}
	if c.traps += traps; !c.over {
		f.noted += traps
	}
}

// age has what was counted count half after a while: what is run now may be other programs than those before, which
// made no such calls.
func (f *textFile) age() {
	if f.maps < mostMaps {
		return
	}
	f.maps /= 2
	for _, c := range f.calls {
		c.traps /= 2
	}
}

// textAt returns the file that the text before ret is of, and where ret is in it. patches.mu is held.
func (q *patches) textAt(ret uint64) (*textFile, uint64) {
	for _, r := range q.text {
		if r.start < ret && ret <= r.end {
			return r.file, ret + r.shift
		}
	}
	return nil, 0
}

// learn makes copies of the pages of f, which is open as fd, that calls have come from often. infos.mu is held.
func (p *Platform) learn(f *textFile, fd int) {
	if f.noted < lookAtCalls {
		return
	}
	f.noted = 0
	traps := map[uint64]int{}
	for off, c := range f.calls {
		if !c.over {
			traps[(off-1)&^(pageSize-1)] += c.traps
		}
	}
	for off, n := range traps {
		i := f.page(off)
		switch {
		case i >= 0 && n >= againTraps,
			i < 0 && n >= worthTraps*max(f.maps, againTraps) && f.copies < mostKnown && p.infos.pages < maxInfoPages:
			p.learnPage(f, fd, off, i)
		}
	}
}

// page returns which of f's pages is the one at off, -1 if none is.
func (f *textFile) page(off uint64) int {
	for i, g := range f.pages {
		if g.off == off {
			return i
		}
	}
	return -1
}

// learnPage makes a copy of the page at off in which the calls are patched that have come from it, and puts it in
// the place of the file's page i, if that is not -1.
func (p *Platform) learnPage(f *textFile, fd int, off uint64, i int) {
	text := make([]byte, pageSize)
	if n, err := unix.Pread(fd, text, int64(off)); err != nil || n != pageSize {
		return
	}
	g := &infoPage{off: off, text: text}
	if i >= 0 {
		old := f.pages[i]
		if !bytes.Equal(old.text, text) {
			return
		}
		g.sites, g.calls = old.sites, old.calls[:len(old.calls):len(old.calls)]
	}
	unit, ok := p.takeCopy()
	if !ok {
		return
	}
	g.unit = unit
	b := p.copies.page(unit)
	g.patch(b)
	known := len(g.calls)
	for at, c := range f.calls {
		if (at-1)&^(pageSize-1) == off && !c.over {
			c.over = true
			p.learnCall(g, b, int(at-off), c.nr)
		}
	}
	switch {
	case len(g.calls) == known:
		p.dropCopy(unit)
	case i >= 0:
		p.dropCopy(f.pages[i].unit)
		f.pages[i] = g
	default:
		p.infos.pages++
		f.copies++
		f.pages = append(f.pages, g)
	}
}

// learnCall patches the call nr before b[at], if it is of a known form and there is a slot.
func (p *Platform) learnCall(g *infoPage, b []byte, at int, nr uint32) {
	fm := findForm(b, at, nr)
	if fm == nil {
		return
	}
	slot, ok := p.infos.callSlot(fm.class)
	if !ok {
		return
	}
	start := at - 2 - len(fm.moved)
	g.calls = append(g.calls, &knownCall{at, nr, fm, slot, bytes.Clone(b[start : at-2]), bytes.Clone(b[at : at+len(fm.after)])})
	fm.jump(b[start:], slot)
}

// callSlot gives a slot to a call that all processes have patched in the same way. They come from the end, so that there is
// room at the start for what a process patches by itself.
func (q *infos) callSlot(class slotClass) (slot int, ok bool) {
	first := maxSlots - 1 - q.callSlots[class]
	for i := first; i >= maxSlots/4; i-- {
		if classOf(i) == class {
			q.callSlots[class] = maxSlots - i
			return i, true
		}
	}
	return 0, false
}

// patch writes the jumps of a known call to a copy of its page.
func (c *knownCall) patch(b []byte) { c.form.jump(b[c.at-2-len(c.form.moved):], c.slot) }

// free tells whether the slots of the calls of g, whose page is at an address, serve these or nobody. set.mu is held.
func (set *patchSet) free(page uint64, g *infoPage) bool {
	for _, c := range g.calls {
		if st := set.sites[c.slot].Load(); st != nil && (st.ret != page+uint64(c.at) || st.form != c.form || st.nr != c.nr) {
			return false
		}
	}
	return true
}

// useCalls makes the trampolines of the calls of g at an address. set.mu is held.
func (p *Platform) useCalls(set *patchSet, page uint64, g *infoPage) {
	for _, c := range g.calls {
		if set.sites[c.slot].Load() == nil {
			st := &site{ret: page + uint64(c.at), nr: c.nr, moved: uint64(len(c.form.moved)), form: c.form}
			p.give(set, c.slot, st, c.moved, c.after)
		}
	}
}

// infoPages returns the pages of what is mapped of f, which is open as fd, that have copies and are as they were.
func (p *Platform) infoPages(f *textFile, fd int, off, length uint64) (pages []*infoPage) {
	q := &p.infos
	q.mu.Lock()
	defer q.mu.Unlock()
	if f.maps++; f.maps == 1 {
		return nil
	}
	if !f.searched {
		f.searched = true
		f.pages = append(f.pages, p.search(fd)...)
	}
	p.learn(f, fd)
	f.age()
	var b [pageSize]byte
	for _, g := range f.pages {
		if g.off < off || g.off-off >= length {
			continue
		}
		if n, err := unix.Pread(fd, b[:], int64(g.off)); err == nil && n == pageSize && bytes.Equal(b[:], g.text) {
			pages = append(pages, g)
		}
	}
	return pages
}

// infoCalls returns the calls that put copies over the pages of f's text, which is about to be mapped at addr.
// patches.mu is held.
func (s *process) infoCalls(f *textFile, addr, length uint64, fd int, off uint64) (calls []call) {
	for _, g := range s.p.infoPages(f, fd, off, length) {
		set := s.patches.set.Load()
		if set == nil {
			if set = s.p.takeSet(); set == nil {
				return nil
			}
			s.patches.set.Store(set)
			calls = append(calls, s.setCalls()...)
		}
		page := addr + g.off - off
		if !s.p.use(set, page, g) {
			continue
		}
		s.p.mu.Lock()
		s.p.copyRefs[g.unit]++
		s.p.mu.Unlock()
		s.patches.pages[page] = g.unit
		at := uint64(g.unit) * pageSize
		if n := len(calls); n > 0 && calls[n-1][1]+calls[n-1][2] == page && calls[n-1][5] == uint64(s.p.copies.fd) && calls[n-1][6]+calls[n-1][2] == at {
			calls[n-1][2] += pageSize
			continue
		}
		calls = append(calls, mapCall(page, pageSize, s.p.copies.fd, at, platform.Read|platform.Exec, true))
	}
	return calls
}
