package host

import "sync"

// Meter adds up the processor time of the processes that one thread of the application is run by, one
// after the other. Linux tells the time of a process only, not of a thread of another: what its other
// threads use is in it. The zero value has none.
type Meter struct {
	mu   sync.Mutex
	used int64 // by former processes, and up to the last look at this one
	pid  int   // 0: none
	base int64 // its time at the last look
}

// processClock is the clock of a process's time (clock_getcpuclockid(3)).
func processClock(pid int) int32 {
	const sched = 2
	return ^int32(pid)<<3 | sched
}

// Begin starts to count the time of a process.
func (m *Meter) Begin(pid int) {
	now, errno := ClockGettime(processClock(pid))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pid = 0; errno == 0 {
		m.pid, m.base = pid, now
	}
}

// End ceases to.
func (m *Meter) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lookLocked()
	m.pid = 0
}

// Used returns the time so far in nanoseconds. It never becomes less.
func (m *Meter) Used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lookLocked()
	return m.used
}

func (m *Meter) lookLocked() {
	if m.pid == 0 {
		return
	}
	if now, errno := ClockGettime(processClock(m.pid)); errno == 0 && now > m.base {
		m.used += now - m.base
		m.base = now
	}
}
