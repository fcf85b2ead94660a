package systrap

import (
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// A program that opens a file or directory mostly asks for its attributes and flags next, and closes it soon. The stub answers
// these calls: fstat(2), and fcntl(2) with F_GETFL, F_GETFD and an F_SETFD that changes nothing, right behind the call that has opened
// the file, getdents64(2) right behind the one that has read all of a directory, and close(2) of a few descriptors. They are told in the cache line of the state with the answer of a
// call, and what was closed comes back with the next trap in the same place: it comes about before the call is made, or 200 µs
// later if there is none. So whoever could tell that it was not closed at once would have to be told of it without a call, by
// memory, and then look at what the kernel has chosen because there is nothing to be seen: a file that nobody has
// locked, leased, watched or written to, in a table of descriptors that is nobody else's (kernel.LendsOpen). To such a one the application
// seems to have been interrupted before its call.
//
// Only a far context is told anything (cpu.go): a near one's goroutine sleeps, and to sleep for no more than 200 µs takes a timer for each call,
// which costs more than the calls that are spared.
//
// What is known of the file, or that there is nothing more in the directory, ends with the next trap, with a change of any file, and after 200 µs.

// openFiles is what a context's application may know of the files that it has opened. It belongs to the goroutine, but for known.
type openFiles struct {
	may  uint32 // the descriptors that it may close, and 1, a byte each
	told uint32 // those that the stub was told of
	next int    // which is given up if there is no room for another
	lent bool   // the stub was told of something

	file, flags   uint32 // areaFile and so on, for the next answer
	cloexec, stat uint32
	end           uint32      // the directory, and 1, of which there is nothing more to be read
	known         atomic.Bool // areaKnows is set
}

// mostMay is how many descriptors may be closed, lastMay the last one that may.
const (
	mostMay = 4
	lastMay = 253
)

// LendOpen implements platform.FileLender.
func (c *context) LendOpen(fd int32, stat []byte, flags uint32, cloexec bool) {
	o, t := &c.open, c.thread.Load()
	if t == nil || !o.has(uint32(fd)+1) {
		return
	}
	a := t.area
	o.file, o.flags, o.cloexec, o.stat = uint32(fd)+1, flags, 0, 0
	if cloexec {
		o.cloexec = 1
	}
	if stat != nil {
		copy(a.stat[:], stat)
		o.stat = 1
	}
	o.knows(a)
}

// LendEnd implements platform.FileLender.
func (c *context) LendEnd(fd int32) {
	o, t := &c.open, c.thread.Load()
	if t != nil && !c.muted && o.has(uint32(fd)+1) {
		o.end = uint32(fd) + 1
		o.knows(t.area)
	}
}

// has reports whether a descriptor may be closed.
func (o *openFiles) has(b uint32) bool {
	for shift := 0; shift < 8*mostMay; shift += 8 {
		if o.may>>shift&0xff == b {
			return true
		}
	}
	return false
}

// knows lets the stub rely on what it is told.
func (o *openFiles) knows(a *area) {
	if !o.known.Load() {
		a.knows.Store(1)
		o.known.Store(true)
	}
}

// LendClose implements platform.FileLender.
func (c *context) LendClose(fd int32) bool {
	l, o := &c.lent, &c.open
	if !c.tells() || c.thread.Load() == nil || c.muted || uint32(fd) > lastMay || l.until != 0 && time.Since(begun) < time.Duration(l.until) {
		return false
	}
	at, b := -1, uint32(fd)+1
	for shift := 0; shift < 8*mostMay; shift += 8 {
		switch had := o.may >> shift & 0xff; {
		case had == b:
			return true
		case had == 0 && at < 0:
			at = shift
		}
	}
	if at < 0 {
		at, o.next = 8*o.next, (o.next+1)%mostMay
	}
	o.may = o.may&^(0xff<<at) | b<<at
	return true
}

// nearToo has near contexts told as well. It is for tests.
var nearToo bool

// tells reports whether the stub may be told of files.
func (c *context) tells() bool { return c.placing.far != nil || nearToo }

// tell tells the stub, with the answer of a call. What was opened is for this one only.
func (o *openFiles) tell(a *area) {
	o.told = o.may
	arch.StoreInt32(&a.may, int32(o.may))
	a.args[2], a.args[3] = uint64(o.file)|uint64(o.flags)<<32, uint64(o.cloexec)|uint64(o.stat)<<32
	a.args[4] = uint64(o.end)
	o.lent = o.may != 0
	o.file, o.end = 0, 0
}

// withhold tells it nothing.
func (o *openFiles) withhold(a *area) {
	a.args[2], a.args[4] = 0, 0
	arch.StoreInt32(&a.may, 0)
	o.untold()
}

// untold notes that the stub was told of nothing.
func (o *openFiles) untold() { o.told, o.file, o.end, o.lent = 0, 0, 0, false }

// forget is for a context that has no thread.
func (o *openFiles) forget() {
	o.untold()
	o.may = 0
	o.known.Store(false)
}

// collect notes what was closed, after a trap. If all is set, nothing more may be.
func (o *openFiles) collect(l *lending, t *thread, all bool) {
	if o.told != 0 && t != nil && !t.proc.retired.Load() {
		o.closed(l, uint32(t.area.may.Load()))
		o.told = 0
	}
	if all {
		o.may = 0
	}
}

// closed notes what was closed, if that is what is left of told.
func (o *openFiles) closed(l *lending, left uint32) {
	for shift := 0; shift < 8*mostMay; shift += 8 {
		if fd := o.told >> shift & 0xff; fd != 0 && left>>shift&0xff == 0 {
			o.may &^= 0xff << shift
			l.closed = append(l.closed, int32(fd)-1)
			l.rest /= 2
		}
	}
}

// takeBack ends all that the stub was told while the application goes on: true if that was something. One that has closed files and
// computes now is not told of others for a while.
func (c *context) takeBack(t *thread) bool {
	o, l := &c.open, &c.lent
	if !o.lent {
		return false
	}
	rest := l.rest
	o.closed(l, uint32(t.area.may.Swap(0)))
	o.may = 0
	c.FilesChanged()
	o.untold()
	if len(l.closed) > 0 {
		l.ban(rest)
	}
	return true
}
