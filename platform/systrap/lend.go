package systrap

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/platform"
)

// An application that waits for many files, reads what has come and writes answers would cross over to the sentry
// twice for each. So the sentry lends the bytes that are there, and room for some to be written, when it tells which
// files are ready; the stub answers read(2), write(2), recvfrom(2) and sendto(2) of these descriptors by copying from and to
// the area, and the sentry makes it good after the next trap (Settle). A loan lasts until the sentry has a new one to give, or
// somebody looks at the file. The stub copies first and takes, or
// publishes, afterwards: until it does, the sentry may take a loan back (Revoke).

// lending is what was lent to a context.
type lending struct {
	on    atomic.Bool // something is
	rooms atomic.Bool // room to write is
	mu    sync.Mutex
	area  *area
	loans [maxLoans]lentTo
	slots []int         // those in use
	bytes uint32        // where there is room in the area for bytes to be lent
	done  uint32        // posts that are made good
	takes uint32        // area.takes when that was looked at
	full  bool          // there was no place for bytes
	late  int32         // the descriptor that the next call writes to, -1: none or not known
	held  platform.Lent // what was written to it waits for that
	until int64         // nothing may be written before: ns since begun
	rest  int64         // how long that is after the next time it was late

	answered atomic.Int32 // calls that the stub has answered by posts since the thread was last resumed

	files  []int   // slots of files
	filed  int     // that of the last whose bytes were lent, and 1
	sent   uint32  // area.sent at that time
	wasted bool    // they were not sent
	place  uint32  // where they are in the area, with the name of the file, 0: there is no place yet
	closed []int32 // what was closed of them, to be told
}

// lentTo is one loan.
type lentTo struct {
	platform.Loan
	from platform.Lent
	fd   int32
	n    int  // bytes that may be taken
	room int  // bytes that may be written
	over bool // taken back

	packets bool // n is how many datagrams may be taken
	entry   atomic.Pointer[loan]
}

// postsRoom is how much of the area is for bytes to be written, at least.
const postsRoom = 2048

// leastRoom is how much room to write a file must have if any is lent.
const leastRoom = areaSize - areaBytes

// Lend implements platform.Lender.
func (c *context) Lend(fd int32, data []byte, room int, from platform.Lent) *platform.Loan {
	t := c.thread.Load()
	if t == nil || c.muted {
		return nil
	}
	l := &c.lent
	l.mu.Lock()
	defer l.mu.Unlock()
	i := int(fd) & (maxLoans - 1)
	o := &l.loans[i]
	if o.from != nil {
		return nil
	}
	a := t.area
	l.begin(a)
	if l.bytes+uint32(len(data)) > areaSize-postsRoom {
		l.full = true
		return nil
	}
	if room < leastRoom || l.until != 0 && time.Since(begun) < time.Duration(l.until) {
		room = 0
	}
	if len(data) == 0 && room == 0 {
		return nil
	}
	b, _ := a.bytes(uint64(l.bytes), uint64(len(data)))
	copy(b, data)
	e := &a.loans[i]
	room = min(room, leastRoom)
	e.len, e.off, e.room = uint32(len(data)), l.bytes, uint32(room)
	e.state.Store(loanOpen)
	e.fd.Store(uint32(fd) + 1)
	l.bytes += uint32(len(data))
	a.used = l.bytes
	l.revocable(o, i)
	o.from, o.fd, o.n, o.room, o.over, o.packets = from, fd, len(data), room, false, false
	l.slots = append(l.slots, i)
	l.on.Store(true)
	if room > 0 {
		l.rooms.Store(true)
	}
	return &o.Loan
}

// begin makes everything ready for the first loan.
func (l *lending) begin(a *area) {
	if !l.on.Load() {
		l.area, l.bytes, l.full, l.done, l.late, l.place = a, areaBytes, false, 0, -1, 0
		a.posts.Store(0)
		l.takes = a.takes.Load()
	}
}

// revocable makes what ends loan i.
func (l *lending) revocable(o *lentTo, i int) {
	if o.Revoke == nil {
		o.Revoke = func(from platform.Lent) { l.revoke(o, i, from) }
		o.RevokeData = func(from platform.Lent) { l.revokeData(o, i, from) }
		o.Forbid = func() { o.entry.Load().fd.Store(0) }
	}
	o.entry.Store(&l.area.loans[i])
}

// Full implements platform.Lender.
func (c *context) Full() bool { return c.lent.full }

// begun is when the program began.
var begun = time.Now()

// Settle implements platform.Lender.
func (c *context) Settle(fd int32) (posted bool) {
	l := &c.lent
	if !l.on.Load() || l.area.posts.Load() == 0 && l.area.takes.Load() == l.takes {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = fd
	if l.makeGood() {
		l.rest /= 2
	}
	l.late = -1
	posted = l.done > 0
	l.area.used, l.done = l.bytes, 0
	l.area.posts.Store(0)
	return posted
}

// Flush implements platform.Lender.
func (c *context) Flush() {
	if from := c.lent.held; from != nil {
		c.lent.held = nil
		from.Posted(nil, false)
	}
}

// Return implements platform.Lender.
func (c *context) Return() {
	c.Settle(-1)
	c.Flush()
	c.open.may = 0
	l := &c.lent
	l.full = false
	if !l.on.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endFiles(true)
	for _, i := range l.slots {
		o := &l.loans[i]
		l.area.loans[i].fd.Store(0)
		if !o.over {
			o.from.Returned(&o.Loan)
		}
		o.from = nil
	}
	l.slots = l.slots[:0]
	l.on.Store(false)
	l.rooms.Store(false)
}

// makeGood tells the files what the application has read and written. It says whether it has.
func (l *lending) makeGood() bool {
	did := false
	if n := l.area.takes.Load(); n != l.takes {
		l.takes = n
		for _, i := range l.slots {
			did = l.taken(i) || did
		}
	}
	for n := min(l.area.posts.Load(), maxPosts); l.done < n; l.done++ {
		p := l.area.posted[l.done]
		o := &l.loans[p.loan%maxLoans]
		b, ok := l.area.bytes(uint64(p.off), uint64(min(p.len, leastRoom)))
		if !ok || o.from == nil || p.off < areaBytes || len(b) > o.room {
			continue
		}
		o.room -= len(b)
		more := o.fd == l.late || l.done+1 < n && l.area.posted[l.done+1].loan == p.loan
		if more {
			l.held = o.from
		} else if l.held == o.from {
			l.held = nil
		}
		o.from.Posted(b, more)
		l.answered.Add(1)
		did = true
	}
	return did
}

// taken tells the file of loan i that its bytes were read, if they were.
func (l *lending) taken(i int) bool {
	o, e := &l.loans[i], &l.area.loans[i]
	if o.packets {
		return o.takenPackets(e.state.Load())
	}
	if o.n == 0 || e.state.Load() != loanTaken {
		return false
	}
	n := o.n
	o.n = 0
	o.from.Taken(n)
	return true
}

// revoke ends loan i, if it is still from. What the stub is about to write may come yet, but belongs to a call that has not
// returned.
func (l *lending) revoke(o *lentTo, i int, from platform.Lent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.from != from || o.over {
		return
	}
	e := &l.area.loans[i]
	e.fd.Store(0)
	l.endData(i)
	l.makeGood()
	o.over = true
	from.Returned(&o.Loan)
}

// revokeData ends loan i as far as bytes to be read are concerned.
func (l *lending) revokeData(o *lentTo, i int, from platform.Lent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.from != from || o.over {
		return
	}
	l.endData(i)
	l.makeGood()
}

// endData ends loan i as far as bytes to be read are concerned, and tells the file what was read of them.
func (l *lending) endData(i int) {
	o, e := &l.loans[i], &l.area.loans[i]
	if o.packets {
		o.takenPackets(e.state.Swap(0))
	} else if !e.state.CompareAndSwap(loanOpen, 0) {
		l.taken(i)
	}
	o.n = 0
}

// Times of an application that was lent room to write: how long it may run before the sentry looks for what it has
// written, how often, and how long it is not lent any after something was found so, at first and at last. The time goes
// down again when there was nothing to be found.
var lookAfter = int64(200 * time.Microsecond) // changed by tests, which take longer on a busy machine

const (
	looks    = 4
	firstBan = int64(200 * time.Microsecond)
	lastBan  = int64(500 * time.Millisecond)
)

// look makes good what was written while the application goes on, which shows that it computes between its calls and had
// better not be lent room: true if there is nothing more to look for. One that has only read may be about to write.
func (l *lending) look(last bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.done
	l.makeGood()
	if l.endFiles(last); l.done != before || len(l.closed) > 0 {
		l.ban(l.rest)
		last = true
	}
	if !last {
		return false
	}
	l.endFiles(true)
	l.rooms.Store(false)
	for _, i := range l.slots {
		if e, o := &l.area.loans[i], &l.loans[i]; !o.over {
			e.fd.Store(0)
			l.endData(i)
			o.over = true
			o.from.Returned(&o.Loan)
		}
	}
	return true
}

// ban has nothing lent for a while: twice as long as rest.
func (l *lending) ban(rest int64) {
	l.rest = min(max(2*rest, firstBan), lastBan)
	l.until = int64(time.Since(begun)) + l.rest
}
