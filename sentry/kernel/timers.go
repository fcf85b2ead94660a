package kernel

import (
	"math"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Interval timers (setitimer(2)), POSIX timers (timer_create(2)) and limits of processor time.
// Real-time ones are timers of the Go runtime; those of processor time are looked at by a
// watch that exists only while one is armed.

// ClockNow returns a clock in nanoseconds: EINVAL for one that does not exist.
func (t *Task) ClockNow(clock int32) (int64, linux.Errno) {
	c := t.k.Clock
	switch clock {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_COARSE, linux.CLOCK_TAI, linux.CLOCK_REALTIME_ALARM:
		return c.Realtime(), 0
	case linux.CLOCK_MONOTONIC, linux.CLOCK_MONOTONIC_COARSE, linux.CLOCK_MONOTONIC_RAW:
		return c.Monotonic(), 0
	case linux.CLOCK_BOOTTIME, linux.CLOCK_BOOTTIME_ALARM:
		return c.Boottime(), 0
	case linux.CLOCK_PROCESS_CPUTIME_ID:
		u, s := t.group.CPU()
		return u + s, 0
	case linux.CLOCK_THREAD_CPUTIME_ID:
		u, s := t.cpuNow()
		return u + s, 0
	}
	if clock >= 0 {
		return 0, linux.EINVAL
	}
	return t.cpuClockOf(clock)
}

// cpuNow is CPU for the task itself, in the middle of a call.
func (t *Task) cpuNow() (user, sys int64) {
	return t.cpu(max(t.k.Clock.Monotonic()-t.run.lastSeen-(t.waiter.Slept()-t.run.slept), 0))
}

// cpuClockOf reads the clock of another process or thread, made from its id
// (clock_getcpuclockid(3), pthread_getcpuclockid(3); include/linux/posix-timers.h).
func (t *Task) cpuClockOf(clock int32) (int64, linux.Errno) {
	const perThread, kindMask, sched = 4, 3, 2
	if clock&kindMask > sched {
		return 0, linux.EINVAL
	}
	pid := ^(clock >> 3)
	o := t
	if pid != 0 {
		if o = t.k.TaskIn(t.PIDNS(), pid); o == nil {
			return 0, linux.EINVAL
		}
	}
	if clock&perThread != 0 {
		if o.group != t.group {
			return 0, linux.EINVAL
		}
		u, s := o.CPU()
		return pick(clock&kindMask, u, s), 0
	}
	u, s := o.group.CPU()
	return pick(clock&kindMask, u, s), 0
}

// pick is CPUCLOCK_PROF, CPUCLOCK_VIRT or CPUCLOCK_SCHED.
func pick(kind int32, user, sys int64) int64 {
	if kind == 1 {
		return user
	}
	return user + sys
}

// isCPUClock tells whether clock counts processor time, and of the thread alone.
func isCPUClock(clock int32) (cpu, thread bool) {
	switch {
	case clock == linux.CLOCK_PROCESS_CPUTIME_ID:
		return true, false
	case clock == linux.CLOCK_THREAD_CPUTIME_ID:
		return true, true
	case clock < 0:
		return true, clock&4 != 0
	}
	return false, false
}

// SleepClock is clock_nanosleep(2) until deadline, a time of clock in ns: 0 when it has come, or
// ERESTARTSYS.
func (t *Task) SleepClock(clock int32, deadline int64) linux.Errno {
	for {
		now, errno := t.ClockNow(clock)
		if errno != 0 {
			return errno
		}
		left := deadline - now
		if left <= 0 {
			return 0
		}
		if cpu, _ := isCPUClock(clock); cpu {
			left = max(left, linux.Second/1000) // others have to use it up
		}
		switch errno := t.waiter.Sleep(time.Now().Add(time.Duration(left))); errno {
		case 0, linux.ETIMEDOUT:
		default:
			return errno
		}
	}
}

// itimer is ITIMER_REAL. Guarded by Group.mu.
type itimer struct {
	timer    *alarm
	next     int64 // CLOCK_MONOTONIC, ns; 0: off
	interval int64
	seq      uint64 // of the setting: an old firing is ignored
}

// cpuItimer is ITIMER_VIRTUAL or ITIMER_PROF. Guarded by Group.mu.
type cpuItimer struct {
	next     int64 // processor time, ns; 0: off
	interval int64
}

// Setitimer is setitimer(2) in nanoseconds; getitimer(2) with set false.
func (t *Task) Setitimer(which int, value, interval int64, set bool) (oldValue, oldInterval int64, errno linux.Errno) {
	g := t.group
	switch which {
	case linux.ITIMER_REAL:
		oldValue, oldInterval = g.setRealTimer(value, interval, set)
		return oldValue, oldInterval, 0
	case linux.ITIMER_VIRTUAL, linux.ITIMER_PROF:
	default:
		return 0, 0, linux.EINVAL
	}
	user, sys := g.CPU()
	it, now := &g.virtual, user
	if which == linux.ITIMER_PROF {
		it, now = &g.prof, user+sys
	}
	g.mu.Lock()
	if it.next != 0 {
		oldValue, oldInterval = max(it.next-now, 1), it.interval
	}
	if set {
		it.next, it.interval = 0, interval
		if value != 0 {
			it.next = addTime(now, value)
		}
	}
	g.mu.Unlock()
	if set {
		g.watchCPU()
	}
	return oldValue, oldInterval, 0
}

func (g *Group) setRealTimer(value, interval int64, set bool) (oldValue, oldInterval int64) {
	now := g.k.Clock.Monotonic()
	g.mu.Lock()
	defer g.mu.Unlock()
	it := &g.real
	if it.next != 0 {
		oldValue, oldInterval = max(it.next-now, 1), it.interval
	}
	if !set {
		return oldValue, oldInterval
	}
	it.seq++
	if it.timer != nil {
		it.timer.stop()
		it.timer = nil
	}
	it.next, it.interval = 0, interval
	if value != 0 {
		it.next = addTime(now, value)
		g.armReal(value)
	}
	return oldValue, oldInterval
}

// armReal starts the runtime's timer. g.mu is held.
func (g *Group) armReal(after int64) {
	seq := g.real.seq
	g.real.timer = g.k.alarms.after(after, func() { g.fireReal(seq) })
}

// fireReal sends SIGALRM and arms the next.
func (g *Group) fireReal(seq uint64) {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	it := &g.real
	if it.seq != seq || it.next == 0 || g.reaped {
		return
	}
	g.sendLocked(queuedSignal{info: linux.Siginfo{Signo: linux.SIGALRM, Code: linux.SI_KERNEL}}, nil)
	if it.interval == 0 {
		it.next = 0
		return
	}
	now := g.k.Clock.Monotonic()
	it.next, _ = forward(it.next, it.interval, max(now, it.next))
	g.armReal(it.next - now)
}

// addTime is a + b, which is not negative, or the end of time if that comes first (ktime_add_safe).
func addTime(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxInt64
}

// forward moves an expiry that is due beyond now, in steps of interval, and says how many (hrtimer_forward).
func forward(next, interval, now int64) (moved, steps int64) {
	steps = (now-next)/interval + 1
	return addTime(next+(steps-1)*interval, interval), steps
}

// cpuWatch looks at the process's use of the processor when something might be due.
type cpuWatch struct {
	mu    sync.Mutex
	timer *time.Timer
}

// watchCPU arranges for the next look at timers of processor time, if there is one armed.
func (g *Group) watchCPU() {
	user, sys := g.CPU()
	others := g.othersCPU()
	g.mu.Lock()
	left := int64(-1)
	soon := func(at, now int64) {
		if at != 0 && (left < 0 || at-now < left) {
			left = max(at-now, 0)
		}
	}
	soon(g.virtual.next, user)
	soon(g.prof.next, user+sys)
	if l := g.limits.get(linux.RLIMIT_CPU); l.Cur != linux.RLIM_INFINITY {
		soon(int64(min(l.Cur, 1<<33))*linux.Second, user+sys)
	}
	for _, tm := range g.timers.list {
		if cpu, _ := isCPUClock(tm.clock); cpu && tm.next != 0 {
			if now, ok := g.cpuOf(tm, user+sys, others); ok {
				soon(tm.next, now)
			}
		}
	}
	threads := max(g.live, 1)
	dead := g.live == 0
	g.mu.Unlock()
	w := &g.cpuTimer
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if left < 0 || dead {
		return
	}
	const least = linux.Second / 250
	w.timer = time.AfterFunc(time.Duration(max(left/int64(threads), least)), g.checkCPU)
}

// othersCPU is the time of other processes, those that live, that timers of g count.
func (g *Group) othersCPU() map[*Group]int64 {
	var used map[*Group]int64
	g.mu.Lock()
	for _, tm := range g.timers.list {
		if tm.process != nil && tm.process != g && tm.next != 0 {
			if used == nil {
				used = map[*Group]int64{}
			}
			used[tm.process] = 0
		}
	}
	g.mu.Unlock()
	for o := range used {
		user, sys := o.CPU()
		used[o] = user + sys
		o.mu.Lock()
		if o.live == 0 {
			delete(used, o)
		}
		o.mu.Unlock()
	}
	return used
}

// cpuOf is the processor time that tm counts, of which process is g's own and others what othersCPU said; false if it
// will not grow.
func (g *Group) cpuOf(tm *posixTimer, process int64, others map[*Group]int64) (used int64, ok bool) {
	if tm.thread != nil {
		u, s := tm.thread.CPU()
		return u + s, true
	}
	if tm.process == nil || tm.process == g {
		return process, true
	}
	used, ok = others[tm.process]
	return used, ok
}

// checkCPU fires what is due and goes on watching.
func (g *Group) checkCPU() {
	user, sys := g.CPU()
	others := g.othersCPU()
	g.k.tasks.RLock()
	g.mu.Lock()
	if g.live > 0 {
		g.virtual.fire(g, user, linux.SIGVTALRM)
		g.prof.fire(g, user+sys, linux.SIGPROF)
		g.checkCPULimit(user + sys)
		for _, tm := range g.timers.list {
			if cpu, _ := isCPUClock(tm.clock); cpu {
				if now, ok := g.cpuOf(tm, user+sys, others); ok {
					tm.expireLocked(now)
				}
			}
		}
	}
	g.mu.Unlock()
	g.k.tasks.RUnlock()
	g.watchCPU()
}

func (it *cpuItimer) fire(g *Group, now int64, signo int32) {
	if it.next == 0 || now < it.next {
		return
	}
	g.sendLocked(queuedSignal{info: linux.Siginfo{Signo: signo, Code: linux.SI_KERNEL}}, nil)
	if it.interval == 0 {
		it.next = 0
		return
	}
	it.next, _ = forward(it.next, it.interval, now)
}

// checkCPULimit is RLIMIT_CPU: SIGXCPU each second from the soft limit on, SIGKILL at the hard
// one.
func (g *Group) checkCPULimit(used int64) {
	g.limits.mu.Lock()
	l := g.limits.get(linux.RLIMIT_CPU)
	kill := l.Max != linux.RLIM_INFINITY && used >= int64(min(l.Max, 1<<33))*linux.Second
	warn := !kill && l.Cur != linux.RLIM_INFINITY && used >= int64(min(l.Cur, 1<<33))*linux.Second
	if warn && l.Cur < l.Max {
		l.Cur++
		g.limits.setLocked(linux.RLIMIT_CPU, l)
	}
	g.limits.mu.Unlock()
	switch {
	case kill:
		g.sendLocked(queuedSignal{info: linux.Siginfo{Signo: linux.SIGKILL, Code: linux.SI_KERNEL}}, nil)
	case warn:
		g.sendLocked(queuedSignal{info: linux.Siginfo{Signo: linux.SIGXCPU, Code: linux.SI_KERNEL}}, nil)
	}
}

// stopTimers ends all timers of a process that ends.
func (g *Group) stopTimers() {
	g.setRealTimer(0, 0, true)
	g.timers.deleteAll(g)
	g.cpuTimer.mu.Lock()
	defer g.cpuTimer.mu.Unlock()
	if g.cpuTimer.timer != nil {
		g.cpuTimer.timer.Stop()
		g.cpuTimer.timer = nil
	}
}

// execTimers is what exec does to timers: POSIX ones go, interval timers stay.
func (g *Group) execTimers() { g.timers.deleteAll(g) }
