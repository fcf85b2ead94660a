package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
)

// posixTimer is a timer of timer_create(2) (kernel/time/posix-timers.c). Guarded by Group.mu.
type posixTimer struct {
	g       *Group
	id      int32
	clock   int32
	notify  int32
	signo   int32
	value   uint64
	target  *Task  // SIGEV_THREAD_ID
	thread  *Task  // of a thread's processor clock
	process *Group // of a process's

	next     int64 // on its clock, ns; 0: off
	interval int64
	timer    *alarm
	seq      uint64
	overrun  int64 // since the signal was queued
	last     int32 // what timer_getoverrun(2) says
}

// posixTimers are a process's timers.
type posixTimers struct {
	list map[int32]*posixTimer
	next int32
}

// TimerCreate is timer_create(2).
func (t *Task) TimerCreate(clock int32, ev linux.Sigevent) (int32, linux.Errno) {
	if clock == linux.CLOCK_MONOTONIC_RAW || clock == linux.CLOCK_REALTIME_COARSE || clock == linux.CLOCK_MONOTONIC_COARSE {
		return 0, linux.EOPNOTSUPP
	}
	if _, errno := t.ClockNow(clock); errno != 0 {
		return 0, errno
	}
	if (clock == linux.CLOCK_REALTIME_ALARM || clock == linux.CLOCK_BOOTTIME_ALARM) && !t.Cred().Has(linux.CAP_WAKE_ALARM) {
		return 0, linux.EPERM
	}
	g := t.group
	tm := &posixTimer{g: g, clock: clock, notify: ev.Notify, signo: ev.Signo, value: ev.Value}
	switch ev.Notify {
	case linux.SIGEV_NONE:
	case linux.SIGEV_SIGNAL | linux.SIGEV_THREAD_ID:
		o := t.k.TaskIn(t.PIDNS(), ev.TID)
		if o == nil || o.group != g {
			return 0, linux.EINVAL
		}
		tm.target = o
		fallthrough
	case linux.SIGEV_SIGNAL, linux.SIGEV_THREAD:
		if ev.Signo < 1 || ev.Signo > linux.SIGRTMAX {
			return 0, linux.EINVAL
		}
	default:
		return 0, linux.EINVAL
	}
	if cpu, thread := isCPUClock(clock); cpu {
		of := t
		if pid := ^(clock >> 3); clock < 0 && pid != 0 {
			of = t.k.TaskIn(t.PIDNS(), pid)
		}
		switch {
		case of == nil: // it has gone since
			return 0, linux.EINVAL
		case thread:
			tm.thread = of
		default:
			tm.process = of.group
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.timers.list) >= int(min(g.limits.get(linux.RLIMIT_SIGPENDING).Cur, 1<<16)) {
		return 0, linux.EAGAIN
	}
	if g.timers.list == nil {
		g.timers.list = map[int32]*posixTimer{}
	}
	for g.timers.list[g.timers.next] != nil {
		g.timers.next = (g.timers.next + 1) & (1<<31 - 1)
	}
	tm.id = g.timers.next
	g.timers.next = (g.timers.next + 1) & (1<<31 - 1)
	g.timers.list[tm.id] = tm
	return tm.id, 0
}

// DefaultTimer is what timer_create(2) does without an event: SIGALRM whose value is the id.
func (t *Task) DefaultTimer(clock int32) (int32, linux.Errno) {
	id, errno := t.TimerCreate(clock, linux.Sigevent{Notify: linux.SIGEV_SIGNAL, Signo: linux.SIGALRM})
	if errno == 0 {
		t.group.mu.Lock()
		t.group.timers.list[id].value = uint64(id)
		t.group.mu.Unlock()
	}
	return id, errno
}

// TimerSet is timer_settime(2) in nanoseconds, timer_gettime(2) with set false. now is the time
// on the timer's clock; a relative value is added to it.
func (t *Task) TimerSet(id int32, value, interval int64, abs, set bool) (oldValue, oldInterval int64, errno linux.Errno) {
	g := t.group
	g.mu.Lock()
	tm := g.timers.list[id]
	g.mu.Unlock()
	if tm == nil {
		return 0, 0, linux.EINVAL
	}
	now, errno := t.ClockNow(tm.clock)
	if errno != 0 {
		return 0, 0, linux.ESRCH // the process whose time it counts is gone
	}
	g.mu.Lock()
	oldInterval = tm.interval
	if tm.next != 0 {
		oldValue = tm.next - now
		if oldValue <= 0 { // fired, the signal not yet taken; or about to
			oldValue = 1
			if tm.interval > 0 {
				oldValue = tm.interval - (now-tm.next)%tm.interval
			} else if tm.notify == linux.SIGEV_NONE {
				oldValue = 0
			}
		}
	}
	if set {
		tm.disarm()
		tm.interval, tm.overrun, tm.last = interval, 0, 0
		if value != 0 {
			tm.next = value
			if !abs {
				tm.next = addTime(now, value)
			}
			tm.arm(now)
		}
	}
	g.mu.Unlock()
	if cpu, _ := isCPUClock(tm.clock); cpu && set {
		g.watchCPU()
	}
	return oldValue, oldInterval, 0
}

// disarm stops the timer and takes back a signal that is queued.
func (tm *posixTimer) disarm() {
	tm.seq++
	tm.next = 0
	if tm.timer != nil {
		tm.timer.stop()
		tm.timer = nil
	}
	tm.g.pending.dropTimer(tm)
	if tm.target != nil {
		tm.target.sig.pending.dropTimer(tm)
	}
}

// arm starts the runtime's timer for clocks of real time.
func (tm *posixTimer) arm(now int64) {
	if cpu, _ := isCPUClock(tm.clock); cpu || tm.next == 0 {
		return
	}
	seq := tm.seq
	tm.timer = tm.g.k.alarms.after(max(tm.next-now, 0), func() { tm.fire(seq) })
}

// fire is the runtime timer's function.
func (tm *posixTimer) fire(seq uint64) {
	g := tm.g
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if tm.seq != seq || g.live == 0 {
		return
	}
	now, _ := g.leader.ClockNow(tm.clock)
	if now < tm.next { // the clock is a little behind the runtime's
		tm.arm(now)
		return
	}
	tm.expireLocked(now)
	if tm.next != 0 {
		tm.arm(now)
	}
}

// expireLocked queues the signal if the timer is due, or counts an overrun, and moves on to the
// next expiry.
func (tm *posixTimer) expireLocked(now int64) {
	if tm.next == 0 || now < tm.next {
		return
	}
	times := int64(1)
	if tm.interval > 0 {
		tm.next, times = forward(tm.next, tm.interval, now)
	} else {
		tm.next = 0
	}
	if tm.notify == linux.SIGEV_NONE {
		return
	}
	p := &tm.g.pending
	if tm.target != nil {
		p = &tm.target.sig.pending
	}
	if p.hasTimer(tm) {
		tm.overrun += times
		return
	}
	tm.overrun = times - 1
	info := linux.Siginfo{Signo: tm.signo, Code: linux.SI_TIMER}
	info.SetTimer(tm.id, 0)
	info.SetValue(tm.value)
	tm.g.sendLocked(queuedSignal{info: info, timer: tm}, tm.target)
}

// taken notes that the signal is being delivered: its overrun count is final, and counts every interval that is over by
// now, however late the runtime's timer is (posixtimer_rearm).
func (tm *posixTimer) taken(info *linux.Siginfo) {
	if cpu, _ := isCPUClock(tm.clock); !cpu && tm.next != 0 && tm.interval > 0 {
		if now, errno := tm.g.leader.ClockNow(tm.clock); errno == 0 && now >= tm.next {
			next, times := forward(tm.next, tm.interval, now)
			tm.next = next
			tm.overrun += times
		}
	}
	tm.last = int32(min(tm.overrun, 1<<31-1))
	tm.overrun = 0
	info.SetTimer(tm.id, tm.last)
}

// TimerOverrun is timer_getoverrun(2).
func (t *Task) TimerOverrun(id int32) (int32, linux.Errno) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	tm := g.timers.list[id]
	if tm == nil {
		return 0, linux.EINVAL
	}
	return tm.last, 0
}

// TimerDelete is timer_delete(2).
func (t *Task) TimerDelete(id int32) linux.Errno {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	tm := g.timers.list[id]
	if tm == nil {
		return linux.EINVAL
	}
	tm.disarm()
	delete(g.timers.list, id)
	return 0
}

func (p *posixTimers) deleteAll(g *Group) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tm := range p.list {
		tm.disarm()
	}
	p.list, p.next = nil, 0
}
