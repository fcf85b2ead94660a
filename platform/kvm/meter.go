package kvm

import (
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
)

// meter counts the processor time of the threads that run a context's vCPU, while they do: its own thread, which is in the
// sentry else, and the runner of a slot. To ask the host at each entry and exit would cost a tenth of a call. So what lasts less than
// metered is taken for processor time, and the thread's clock is asked about the rest, from a look at it that is no older
// than that.
type meter struct {
	mu     sync.Mutex
	used   int64 // ns, until it began to run last
	told   int64 // ns, what time has said
	thread int32 // that runs it, or ran it last
	runs   bool
	began  uint64 // if it runs: the counter then
	looked uint64 // the counter when the thread's clock was read
	clock  int64  // ns, what that said

	home     int32 // the context's own thread; 0: none yet, or not any more
	homeBase int64 // ns, what its clock said when it became so
	near     int64 // ns, what of used it has run
	outside  int64 // ns, what outsideTime has said
}

// bind notes the context's own thread, which it runs on.
func (m *meter) bind(tid int32) {
	m.mu.Lock()
	m.home = tid
	m.homeBase, _ = host.ClockGettime(threadClock(tid))
	m.mu.Unlock()
}

// unbind notes that it has none any more.
func (m *meter) unbind() {
	m.outsideTime()
	m.mu.Lock()
	m.home = 0
	m.mu.Unlock()
}

// metered is how long the processor may have done something else without being noticed.
const metered = 100 * time.Microsecond

// threadClock is the clock of the time of one of the sentry's threads (pthread_getcpuclockid(3)).
func threadClock(tid int32) int32 {
	const sched, perThread = 2, 4
	return ^tid<<3 | perThread | sched
}

// begin notes that the thread is about to run application code.
func (m *meter) begin(tid int32) {
	m.mu.Lock()
	m.began = handoff.Counter()
	if tid != m.thread || m.began-m.looked > handoff.Ticks(metered) {
		m.thread, m.looked = tid, m.began
		m.clock, _ = host.ClockGettime(threadClock(tid))
	}
	m.runs = true
	m.mu.Unlock()
}

// end notes that it does not any more.
func (m *meter) end() {
	m.mu.Lock()
	if m.runs {
		ran := m.runLocked()
		m.used += ran
		if m.thread == m.home {
			m.near += ran
		}
		m.runs = false
	}
	m.mu.Unlock()
}

// runLocked is how long the processor has worked since it began to run. From the look at the clock to then it worked, too.
func (m *meter) runLocked() int64 {
	now := handoff.Counter()
	ran := handoff.Nanoseconds(now - m.began)
	if now-m.began < handoff.Ticks(metered) {
		return ran
	}
	clock, errno := host.ClockGettime(threadClock(m.thread))
	if errno != 0 {
		return ran
	}
	return min(max(clock-m.clock-handoff.Nanoseconds(m.began-m.looked), 0), ran)
}

// time is how long it has in all.
func (m *meter) time() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	if m.runs {
		used += m.runLocked()
	}
	m.told = max(m.told, used)
	return m.told
}

// outsideTime is how long the context's own thread has worked outside the virtual machine.
func (m *meter) outsideTime() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	clock, errno := host.ClockGettime(threadClock(m.home))
	if m.home == 0 || errno != 0 {
		return m.outside
	}
	outside := clock - m.homeBase - m.near
	if m.runs && m.thread == m.home {
		outside -= m.runLocked()
	}
	m.outside = max(m.outside, outside)
	return m.outside
}

// BoundTime implements platform.Bound.
func (c *context) BoundTime() int64 { return c.meter.outsideTime() }

// CPUTime implements platform.Metered.
func (c *context) CPUTime() int64 { return c.meter.time() }

var _ platform.Metered = (*context)(nil)
var _ platform.Bound = (*context)(nil)
