package stack

import (
	"container/heap"
	"sync"
	"time"
)

// Clock is where timers get the time from, and how they are woken. There is one for all stacks;
// tests have their own, whose time goes on as they say.
type Clock struct {
	mu    sync.Mutex
	now   func() int64
	arm   func(at int64) // wakes Run not later than at
	queue timerQueue
	armed int64 // what arm was last called with, 0: never
}

// A Timer calls its function, without a lock, at the time it was last set to. Setting it to a
// later time costs nothing but a store: the queue finds out when the earlier time comes.
type Timer struct {
	fire  func()
	want  int64 // 0: not set
	at    int64 // where it stands in the queue
	index int   // in the queue, from 1; 0: not there
}

// Wall is the clock of all stacks that are not tested.
var Wall = newWall()

func newWall() *Clock {
	begin := time.Now()
	c := &Clock{}
	// The clock must not begin at 0, which stands for never.
	c.now = func() int64 { return int64(time.Since(begin)) + int64(time.Hour) }
	t := time.AfterFunc(time.Hour, c.Run)
	c.arm = func(at int64) { t.Reset(time.Duration(at - c.now())) }
	return c
}

// NewClock returns a clock for a test: now says the time, and Run is called by the test.
func NewClock(now func() int64) *Clock { return &Clock{now: now, arm: func(int64) {}} }

// Now is the time in nanoseconds since some time before the first call.
func (c *Clock) Now() int64 { return c.now() }

// Init gives t its function.
func (t *Timer) Init(fire func()) { t.fire = fire }

// Set lets t fire at a time; 0 stops it. A timer that is just firing may fire although it was
// stopped.
func (c *Clock) Set(t *Timer, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.want = at
	switch {
	case at == 0:
		if t.index != 0 {
			heap.Remove(&c.queue, t.index-1)
		}
		return
	case t.index == 0:
		t.at = at
		heap.Push(&c.queue, t)
	case at < t.at:
		t.at = at
		heap.Fix(&c.queue, t.index-1)
	}
	c.armLocked()
}

func (c *Clock) armLocked() {
	if len(c.queue) == 0 {
		return
	}
	if at := c.queue[0].at; c.armed == 0 || at < c.armed {
		for t := c.queue[0]; t.want > t.at; t = c.queue[0] { // it was set to a later time
			t.at = t.want
			heap.Fix(&c.queue, 0)
		}
	}
	if at := c.queue[0].at; c.armed == 0 || at < c.armed {
		c.armed = at
		c.arm(at)
	}
}

// Run fires what is due.
func (c *Clock) Run() {
	c.mu.Lock()
	c.armed = 0
	now := c.now()
	for len(c.queue) > 0 && c.queue[0].at <= now {
		t := c.queue[0]
		if t.want > now {
			t.at = t.want
			heap.Fix(&c.queue, 0)
			continue
		}
		heap.Pop(&c.queue)
		t.want = 0
		c.mu.Unlock()
		t.fire()
		c.mu.Lock()
		now = c.now()
	}
	c.armLocked()
	c.mu.Unlock()
}

// Next is when the first timer may fire, 0 if there is none.
func (c *Clock) Next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return 0
	}
	return c.queue[0].at
}

// Timers is how many are set.
func (c *Clock) Timers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

type timerQueue []*Timer

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i+1, j+1
}
func (q *timerQueue) Push(x any) {
	t := x.(*Timer)
	*q = append(*q, t)
	t.index = len(*q)
}
func (q *timerQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.index = 0
	return t
}
