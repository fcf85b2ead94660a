package vfs

import (
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Flags of epoll events beside those of poll(2).
const (
	EpollExclusive = 1 << 28
	EpollWakeup    = 1 << 29
	EpollOneshot   = 1 << 30
	EpollET        = 1 << 31
)

// EpollEvent is struct epoll_event: events and what the application wants back.
type EpollEvent struct {
	Events uint32
	Data   uint64
}

// Epoll is an epoll instance (epoll(7)). Its ready list holds entries that may be ready; Wait
// asks their files and drops those that are not.
type Epoll struct {
	queue wait.Queue

	mu    lock.Mutex[lock.Epoll] // taken before ready.Mutex and files' watchers
	items map[epollKey]*epollItem

	ready struct { // leaf: taken by wake-ups, under the queues' locks
		lock.Mutex[lock.EpollReady]
		head, tail *epollItem
	}
}

type epollKey struct {
	file *File
	fd   int32
}

// epollItem is one entry.
type epollItem struct {
	ep    *Epoll
	key   epollKey
	entry wait.Entry
	event EpollEvent // guarded by Epoll.mu
	armed bool       // guarded by Epoll.mu; false after a one-shot event

	next   *epollItem // guarded by ready
	listed bool       // likewise
}

// Borrower is a Ctx that may be lent what a file has, so that the application reads it without a call (platform.Lender).
type Borrower interface {
	// Borrows reports whether it is worth trying.
	Borrows() bool
	// Holds reports whether fd stands for f.
	Holds(fd int32, f *File) bool
	Borrow(fd int32, data []byte, room int, from platform.Lent) *platform.Loan
	// BorrowPackets is for datagrams (platform.PacketLender).
	BorrowPackets(fd int32, next func() (data, name []byte, ok bool), from platform.Lent) *platform.Loan
	// Full reports whether there is no place for more.
	Full() bool
}

// Lender is FileOps that can lend.
type Lender interface {
	// Lend lends what can be read and room to write; empty says that the latter is wanted even if there is nothing to be read.
	Lend(to Borrower, f *File, fd int32, empty bool)
}

// NewEpoll returns an empty instance.
func NewEpoll() *Epoll { return &Epoll{items: map[epollKey]*epollItem{}} }

// epollTree serialises additions of one instance to another, so that no cycle comes up.
var epollTree lock.Mutex[lock.EpollTree]

const maxEpollDepth = 5

// epollItems counts the entries of all instances: maxEpollItems is
// /proc/sys/fs/epoll/max_user_watches.
var epollItems atomic.Int64

const maxEpollItems = 1 << 20

// Add is EPOLL_CTL_ADD: EEXIST, EPERM for files that are always ready, ELOOP for cycles and
// too deep nesting.
func (e *Epoll) Add(f *File, fd int32, ev EpollEvent) linux.Errno {
	q := f.PollQueue()
	if q == nil {
		return linux.EPERM
	}
	const exclusiveOK = uint32(wait.In|wait.Out|wait.Err|wait.Hup) | EpollWakeup | EpollET | EpollExclusive
	if ev.Events&EpollExclusive != 0 && ev.Events&^exclusiveOK != 0 {
		return linux.EINVAL
	}
	if inner, ok := f.Ops.(*Epoll); ok {
		if ev.Events&EpollExclusive != 0 {
			return linux.EINVAL
		}
		epollTree.Lock()
		defer epollTree.Unlock()
		if inner == e || inner.reaches(e, 0) || inner.depth(0) >= maxEpollDepth-1 {
			return linux.ELOOP
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := epollKey{f, fd}
	if e.items[key] != nil {
		return linux.EEXIST
	}
	if epollItems.Add(1) > maxEpollItems {
		epollItems.Add(-1)
		return linux.ENOSPC
	}
	it := &epollItem{ep: e, key: key, event: ev, armed: true}
	it.entry.Wake = func(_ *wait.Entry, _ wait.Event) { it.wake() }
	e.items[key] = it
	f.watchers.Lock()
	if f.epolls == nil {
		f.epolls = map[*epollItem]struct{}{}
		f.watched.Store(true)
	}
	f.epolls[it] = struct{}{}
	f.watchers.Unlock()
	it.register(q)
	if uint32(f.Poll())&it.mask() != 0 {
		it.wake()
	}
	return 0
}

// mask is what the item waits for; errors and hang-ups always count.
func (it *epollItem) mask() uint32 {
	return it.event.Events&0xffff | uint32(wait.Err|wait.Hup)
}

func (it *epollItem) register(q *wait.Queue) {
	mask := wait.Event(it.mask())
	if mask&(wait.RdNorm|wait.RdBand) != 0 { // queues know only the general events
		mask |= wait.In
	}
	if mask&(wait.WrNorm|wait.WrBand) != 0 {
		mask |= wait.Out
	}
	if it.event.Events&EpollExclusive != 0 {
		q.RegisterExclusive(&it.entry, mask)
	} else {
		q.Register(&it.entry, mask)
	}
}

// reaches reports whether e watches target, directly or through others.
func (e *Epoll) reaches(target *Epoll, depth int) bool {
	if depth > maxEpollDepth {
		return true
	}
	for _, inner := range e.inner() {
		if inner == target || inner.reaches(target, depth+1) {
			return true
		}
	}
	return false
}

func (e *Epoll) depth(at int) int {
	if at > maxEpollDepth {
		return at
	}
	deepest := 0
	for _, inner := range e.inner() {
		deepest = max(deepest, 1+inner.depth(at+1))
	}
	return deepest
}

func (e *Epoll) inner() []*Epoll {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*Epoll
	for k := range e.items {
		if i, ok := k.file.Ops.(*Epoll); ok {
			list = append(list, i)
		}
	}
	return list
}

// Modify is EPOLL_CTL_MOD.
func (e *Epoll) Modify(f *File, fd int32, ev EpollEvent) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	it := e.items[epollKey{f, fd}]
	if it == nil {
		return linux.ENOENT
	}
	if (it.event.Events|ev.Events)&EpollExclusive != 0 {
		return linux.EINVAL
	}
	q := f.PollQueue()
	q.Unregister(&it.entry)
	it.event, it.armed = ev, true
	it.register(q)
	if uint32(f.Poll())&it.mask() != 0 {
		it.wake()
	}
	return 0
}

// Delete is EPOLL_CTL_DEL.
func (e *Epoll) Delete(f *File, fd int32) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	it := e.items[epollKey{f, fd}]
	if it == nil {
		return linux.ENOENT
	}
	e.drop(it)
	return 0
}

// drop forgets an item. e.mu is held.
func (e *Epoll) drop(it *epollItem) {
	delete(e.items, it.key)
	epollItems.Add(-1)
	f := it.key.file
	if q := f.PollQueue(); q != nil {
		q.Unregister(&it.entry)
	}
	f.watchers.Lock()
	delete(f.epolls, it)
	f.watchers.Unlock()
	it.armed = false // a listed item is skipped by Wait
}

// dropEpolls takes a closed file out of every instance.
func (f *File) dropEpolls() {
	if !f.watched.Load() {
		return
	}
	f.watchers.Lock()
	list := make([]*epollItem, 0, len(f.epolls))
	for it := range f.epolls {
		list = append(list, it)
	}
	f.watchers.Unlock()
	for _, it := range list {
		it.ep.mu.Lock()
		if it.ep.items[it.key] == it {
			it.ep.drop(it)
		}
		it.ep.mu.Unlock()
	}
}

// wake puts the item on the ready list.
func (it *epollItem) wake() {
	r := &it.ep.ready
	r.Lock()
	if !it.listed {
		it.listed, it.next = true, nil
		if r.tail == nil {
			r.head = it
		} else {
			r.tail.next = it
		}
		r.tail = it
	}
	r.Unlock()
	it.ep.queue.Notify(wait.In)
}

// unpop undoes pop.
func (e *Epoll) unpop(it *epollItem) {
	r := &e.ready
	r.Lock()
	defer r.Unlock()
	if it.listed {
		return
	}
	if it.listed, it.next = true, r.head; r.head == nil {
		r.tail = it
	}
	r.head = it
}

// pop takes the first item off the ready list.
func (e *Epoll) pop() *epollItem {
	r := &e.ready
	r.Lock()
	defer r.Unlock()
	it := r.head
	if it == nil {
		return nil
	}
	r.head = it.next
	if r.head == nil {
		r.tail = nil
	}
	it.listed, it.next = false, nil
	return it
}

// Len is how many files are watched.
func (e *Epoll) Len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.items)
}

// Wait is epoll_wait(2): it fills out with events, waiting until deadline for the first
// (wait.Forever; nonblock for a time-out of zero).
func (e *Epoll) Wait(ctx Ctx, out []EpollEvent, deadline time.Time, nonblock bool) (int, linux.Errno) {
	to, _ := ctx.(Borrower)
	if to != nil && !to.Borrows() {
		to = nil
	}
	collect := func() (int, linux.Errno) {
		if n := e.collect(out, to); n > 0 {
			return n, 0
		}
		return 0, linux.EAGAIN
	}
	var n int
	var errno linux.Errno
	if nonblock {
		n, errno = collect()
	} else {
		n, errno = wait.Until(&e.queue, wait.In, ctx.Waiter(), deadline, collect)
	}
	switch errno {
	case linux.EAGAIN, linux.ETIMEDOUT:
		return 0, 0
	case linux.ERESTARTSYS:
		return 0, linux.EINTR // never restarted (signal(7))
	}
	return n, errno
}

// collect moves ready items to out; level-triggered ones stay on the list. What is woken meanwhile is for the
// next time: an item is reported once. What is ready to be read is lent to to.
func (e *Epoll) collect(out []EpollEvent, to Borrower) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready.Lock()
	last := e.ready.tail
	e.ready.Unlock()
	n := 0
	var again []*epollItem
	for at := (*epollItem)(nil); n < len(out) && at != last; {
		it := e.pop()
		at = it
		if !it.armed || e.items[it.key] != it {
			continue
		}
		got := uint32(it.key.file.Poll()) & it.mask()
		if got == 0 {
			continue
		}
		out[n] = EpollEvent{got, it.event.Data}
		n++
		if l, ok := it.key.file.Ops.(Lender); ok && to != nil && got&uint32(wait.In) != 0 && to.Holds(it.key.fd, it.key.file) {
			if l.Lend(to, it.key.file, it.key.fd, false); n > 1 && to.Full() { // it is for the next time: reading it now costs more than asking again
				n--
				e.unpop(it)
				break
			}
		}
		switch {
		case it.event.Events&EpollOneshot != 0:
			it.armed = false
		case it.event.Events&EpollET == 0:
			again = append(again, it)
		}
	}
	r := &e.ready
	r.Lock()
	for _, it := range again {
		if it.listed {
			continue
		}
		it.listed, it.next = true, nil
		if r.tail == nil {
			r.head = it
		} else {
			r.tail.next = it
		}
		r.tail = it
	}
	r.Unlock()
	return n
}

// Poll tells whether an event waits.
func (e *Epoll) Poll(*File) wait.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &e.ready
	r.Lock()
	var list []*epollItem
	for it := r.head; it != nil; it = it.next {
		list = append(list, it)
	}
	r.Unlock()
	for _, it := range list {
		if it.armed && uint32(it.key.file.Poll())&it.mask() != 0 {
			return wait.In
		}
	}
	return 0
}

// Queue is notified when something may have become ready.
func (e *Epoll) Queue(*File) *wait.Queue { return &e.queue }

// Read and Write are not possible.
func (e *Epoll) Read(Ctx, *File, *usermem.Buf, int64) (int, linux.Errno) { return 0, linux.EINVAL }

// Write is not possible.
func (e *Epoll) Write(Ctx, *File, *usermem.Buf, int64) (int, linux.Errno) { return 0, linux.EINVAL }

// Release drops all entries.
func (e *Epoll) Release(*File) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range e.items {
		e.drop(it)
	}
}
