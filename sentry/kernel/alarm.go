package kernel

import (
	"container/heap"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/sentry/lock"
)

// alarms call functions at their times, one after the other in the order of these times, as
// the timer interrupt does (kernel/time/hrtimer.c): several that are late do not overtake each
// other.
type alarms struct {
	turn lock.Mutex[lock.Alarms] // held while functions run
	mu   sync.Mutex
	heap alarmHeap
}

// alarm is a function that is to be called.
type alarm struct {
	all   *alarms
	at    time.Time
	f     func()
	timer *time.Timer
	index int // in the heap, -1: not in it
}

// after lets f be called in d nanoseconds, on a goroutine of its own. The caller may hold locks
// that f takes.
func (a *alarms) after(d int64, f func()) *alarm {
	return a.when(time.Now().Add(time.Duration(d)), f)
}

func (a *alarms) when(at time.Time, f func()) *alarm {
	x := &alarm{all: a, at: at, f: f}
	a.mu.Lock()
	defer a.mu.Unlock()
	heap.Push(&a.heap, x)
	x.timer = time.AfterFunc(time.Until(at), a.run)
	return x
}

// stop takes the alarm back. Its function may be running already.
func (x *alarm) stop() {
	x.all.mu.Lock()
	defer x.all.mu.Unlock()
	if x.index >= 0 {
		heap.Remove(&x.all.heap, x.index)
		x.timer.Stop()
	}
}

// run calls what is due.
func (a *alarms) run() {
	a.turn.Lock()
	defer a.turn.Unlock()
	for x := a.next(); x != nil; x = a.next() {
		x.f()
	}
}

// next takes the earliest alarm that is due out of the heap.
func (a *alarms) next() *alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.heap) == 0 || a.heap[0].at.After(time.Now()) {
		return nil
	}
	x := heap.Pop(&a.heap).(*alarm)
	x.timer.Stop()
	return x
}

// alarmHeap implements heap.Interface.
type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *alarmHeap) Push(x any) {
	x.(*alarm).index = len(*h)
	*h = append(*h, x.(*alarm))
}
func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	x.index = -1
	return x
}
