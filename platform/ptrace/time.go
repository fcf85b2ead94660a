package ptrace

import (
	"sync"

	"github.com/seed-7423c386/runsc/platform/host"
)

// meter is the processor time of the stubs that a context has had. The host tells that of a process
// only, not of a thread of another.
type meter struct {
	mu   sync.Mutex
	used int64 // in former stubs, and up to the last look at this one
	pid  int   // 0: none
	base int64 // its time at the last look
}

// processClock is the clock of a process's time (clock_getcpuclockid(3)).
func processClock(pid int) int32 {
	const sched = 2
	return ^int32(pid)<<3 | sched
}

// begin starts to count the time of a process.
func (m *meter) begin(pid int) {
	now, errno := host.ClockGettime(processClock(pid))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pid = 0; errno == 0 {
		m.pid, m.base = pid, now
	}
}

// end ceases to.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lookLocked()
	m.pid = 0
}

func (m *meter) lookLocked() {
	if m.pid == 0 {
		return
	}
	if now, errno := host.ClockGettime(processClock(m.pid)); errno == 0 && now > m.base {
		m.used += now - m.base
		m.base = now
	}
}

// CPUTime implements platform.Metered.
func (c *context) CPUTime() int64 {
	c.meter.mu.Lock()
	defer c.meter.mu.Unlock()
	c.meter.lookLocked()
	return c.meter.used
}
