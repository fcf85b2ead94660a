package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_NANOSLEEP:        {"nanosleep", "ts hex", nanosleep, ""},
		linux.SYS_CLOCK_NANOSLEEP:  {"clock_nanosleep", "int hex ts hex", clockNanosleep, ""},
		linux.SYS_CLOCK_GETTIME:    {"clock_gettime", "int hex", clockGettime, ""},
		linux.SYS_CLOCK_GETRES:     {"clock_getres", "int hex", clockGetres, ""},
		linux.SYS_CLOCK_SETTIME:    {"clock_settime", "int ts", clockSettime, "nobody may set the time: EPERM"},
		linux.SYS_CLOCK_ADJTIME:    {"clock_adjtime", "int hex", clockAdjtime, "reading only; nobody may adjust the time: EPERM"},
		linux.SYS_ADJTIMEX:         {"adjtimex", "hex", adjtimex, "reading only; nobody may adjust the time: EPERM"},
		linux.SYS_GETTIMEOFDAY:     {"gettimeofday", "hex hex", gettimeofday, ""},
		linux.SYS_SETTIMEOFDAY:     {"settimeofday", "hex hex", settimeofday, "nobody may set the time: EPERM"},
		linux.SYS_TIME:             {"time", "hex", timeCall, ""},
		linux.SYS_TIMES:            {"times", "hex", times, ""},
		linux.SYS_ALARM:            {"alarm", "uint", alarm, ""},
		linux.SYS_GETITIMER:        {"getitimer", "int hex", getitimer, ""},
		linux.SYS_SETITIMER:        {"setitimer", "int hex hex", setitimer, ""},
		linux.SYS_TIMER_CREATE:     {"timer_create", "int hex hex", timerCreate, ""},
		linux.SYS_TIMER_SETTIME:    {"timer_settime", "int hex hex hex", timerSettime, ""},
		linux.SYS_TIMER_GETTIME:    {"timer_gettime", "int hex", timerGettime, ""},
		linux.SYS_TIMER_GETOVERRUN: {"timer_getoverrun", "int", timerGetoverrun, ""},
		linux.SYS_TIMER_DELETE:     {"timer_delete", "int", timerDelete, ""},
		linux.SYS_TIMERFD_CREATE:   {"timerfd_create", "int hex", timerfdCreate, ""},
		linux.SYS_TIMERFD_SETTIME:  {"timerfd_settime", "fd hex hex hex", timerfdSettime, "the clock is never set, so TFD_TIMER_CANCEL_ON_SET never cancels"},
		linux.SYS_TIMERFD_GETTIME:  {"timerfd_gettime", "fd hex", timerfdGettime, ""},
	})
}

// sleepUntil sleeps until deadline on clock. A relative sleep that a handler interrupts leaves
// what is left at rem, and goes on by restart_syscall(2) if there was none.
func sleepUntil(t *kernel.Task, clock int32, deadline int64, abs bool, rem usermem.Addr) (uintptr, linux.Errno) {
	errno := t.SleepClock(clock, deadline)
	if errno != linux.ERESTARTSYS {
		return 0, errno
	}
	if abs {
		return 0, linux.ERESTARTNOHAND
	}
	if rem != 0 {
		now, _ := t.ClockNow(clock)
		left := linux.TimespecOf(max(deadline-now, 0))
		if errno := usermem.CopyOut(t.Space(), rem, &left); errno != 0 {
			return 0, errno
		}
	}
	t.SetRestart(func(t *kernel.Task) (uintptr, linux.Errno) { return sleepUntil(t, clock, deadline, false, rem) })
	return 0, linux.ERESTART_RESTARTBLOCK
}

// after is now+ns on a clock, at most the end of time.
func after(now, ns int64) int64 {
	if sum := now + ns; sum >= now {
		return sum
	}
	return 1<<63 - 1
}

// nanosleep is nanosleep(2).
func nanosleep(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	ts, errno := timespec(t, a.Addr(0))
	if errno != 0 {
		return 0, errno
	}
	now, _ := t.ClockNow(linux.CLOCK_MONOTONIC)
	return sleepUntil(t, linux.CLOCK_MONOTONIC, after(now, ts.Nanos()), false, a.Addr(1))
}

// clockNanosleep is clock_nanosleep(2).
func clockNanosleep(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	clock := a.Int(0)
	switch clock {
	case linux.CLOCK_THREAD_CPUTIME_ID, linux.CLOCK_MONOTONIC_RAW, linux.CLOCK_REALTIME_COARSE, linux.CLOCK_MONOTONIC_COARSE:
		return 0, linux.EOPNOTSUPP
	}
	now, errno := t.ClockNow(clock)
	if errno != 0 {
		return 0, errno
	}
	ts, errno := timespec(t, a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	if a.Uint(1)&linux.TIMER_ABSTIME != 0 {
		return sleepUntil(t, clock, ts.Nanos(), true, 0)
	}
	if clock == linux.CLOCK_REALTIME { // a relative sleep does not follow the wall clock
		clock = linux.CLOCK_MONOTONIC
		now, _ = t.ClockNow(clock)
	}
	return sleepUntil(t, clock, after(now, ts.Nanos()), false, a.Addr(3))
}

// clockGettime is clock_gettime(2).
func clockGettime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	now, errno := t.ClockNow(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	ts := linux.TimespecOf(now)
	return ret(usermem.CopyOut(t.Space(), a.Addr(1), &ts))
}

// clockGetres is clock_getres(2).
func clockGetres(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if _, errno := t.ClockNow(a.Int(0)); errno != 0 {
		return 0, errno
	}
	ts := linux.Timespec{Nsec: 1}
	if c := a.Int(0); c == linux.CLOCK_REALTIME_COARSE || c == linux.CLOCK_MONOTONIC_COARSE {
		ts.Nsec = 4_000_000
	}
	if a.Addr(1) == 0 {
		return 0, 0
	}
	return ret(usermem.CopyOut(t.Space(), a.Addr(1), &ts))
}

// clockSettime is clock_settime(2).
func clockSettime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if c := a.Int(0); c < 0 {
		if _, errno := t.ClockNow(c); errno != 0 {
			return 0, errno
		}
		return 0, linux.EPERM
	}
	if a.Int(0) != linux.CLOCK_REALTIME {
		return 0, linux.EINVAL
	}
	if _, errno := timespec(t, a.Addr(1)); errno != 0 {
		return 0, errno
	}
	return 0, linux.EPERM
}

// timex answers adjtimex(2): a clock that nothing disciplines.
func timex(t *kernel.Task, addr usermem.Addr) (uintptr, linux.Errno) {
	x, errno := usermem.CopyIn[linux.Timex](t.Space(), addr)
	if errno != 0 {
		return 0, errno
	}
	const singleshotRead = 0xa001
	if x.Modes != 0 && x.Modes != singleshotRead {
		return 0, linux.EPERM
	}
	const unsynchronised, timeError = 0x40, 5
	x = linux.Timex{Maxerror: 16_000_000, Esterror: 16_000_000, Status: unsynchronised, Constant: 2, Precision: 1, Tolerance: 32_768_000, Tick: 10000}
	x.Time = linux.TimevalOf(t.Now())
	return timeError, usermem.CopyOut(t.Space(), addr, &x)
}

// adjtimex is adjtimex(2).
func adjtimex(t *kernel.Task, a Args) (uintptr, linux.Errno) { return timex(t, a.Addr(0)) }

// clockAdjtime is clock_adjtime(2).
func clockAdjtime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) != linux.CLOCK_REALTIME {
		return 0, linux.EINVAL
	}
	return timex(t, a.Addr(1))
}

// gettimeofday is gettimeofday(2).
func gettimeofday(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if p := a.Addr(0); p != 0 {
		tv := linux.TimevalOf(t.Now())
		if errno := usermem.CopyOut(t.Space(), p, &tv); errno != 0 {
			return 0, errno
		}
	}
	if p := a.Addr(1); p != 0 {
		return ret(usermem.CopyOut(t.Space(), p, &linux.Timezone{}))
	}
	return 0, 0
}

// settimeofday is settimeofday(2).
func settimeofday(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if p := a.Addr(0); p != 0 {
		tv, errno := usermem.CopyIn[linux.Timeval](t.Space(), p)
		if errno != 0 {
			return 0, errno
		}
		if !tv.Valid() {
			return 0, linux.EINVAL
		}
	}
	return 0, linux.EPERM
}

// timeCall is time(2).
func timeCall(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	now := t.Now() / linux.Second
	if p := a.Addr(0); p != 0 {
		if errno := usermem.CopyOutInt(t.Space(), p, now); errno != 0 {
			return 0, errno
		}
	}
	return uintptr(now), 0
}

// times is times(2).
func times(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if p := a.Addr(0); p != 0 {
		u, s := t.Group().CPU()
		cu, cs := t.Group().ChildCPU()
		v := linux.Tms{Utime: u / linux.ClockTick, Stime: s / linux.ClockTick, Cutime: cu / linux.ClockTick, Cstime: cs / linux.ClockTick}
		if errno := usermem.CopyOut(t.Space(), p, &v); errno != 0 {
			return 0, errno
		}
	}
	return uintptr(t.Kernel().Clock.Boottime() / linux.ClockTick), 0
}

// alarm is alarm(2).
func alarm(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	old, _, _ := t.Setitimer(linux.ITIMER_REAL, int64(a.Uint(0))*linux.Second, 0, true)
	s := old / linux.Second
	if r := old % linux.Second; s == 0 && r > 0 || r >= linux.Second/2 {
		s++
	}
	return uintptr(s), 0
}

func putItimer(t *kernel.Task, addr usermem.Addr, value, interval int64) linux.Errno {
	v := linux.Itimerval{Interval: linux.TimevalOf(interval), Value: linux.TimevalOf(value)}
	if value > 0 && v.Value == (linux.Timeval{}) {
		v.Value.Usec = 1
	}
	return usermem.CopyOut(t.Space(), addr, &v)
}

// getitimer is getitimer(2).
func getitimer(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	v, i, errno := t.Setitimer(int(a.Int(0)), 0, 0, false)
	if errno != 0 {
		return 0, errno
	}
	return ret(putItimer(t, a.Addr(1), v, i))
}

// setitimer is setitimer(2).
func setitimer(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	var n linux.Itimerval
	if p := a.Addr(1); p != 0 {
		var errno linux.Errno
		if n, errno = usermem.CopyIn[linux.Itimerval](t.Space(), p); errno != 0 {
			return 0, errno
		}
	}
	if !n.Value.Valid() || !n.Interval.Valid() {
		return 0, linux.EINVAL
	}
	v, i, errno := t.Setitimer(int(a.Int(0)), n.Value.Nanos(), n.Interval.Nanos(), true)
	if errno == 0 && a.Addr(2) != 0 {
		errno = putItimer(t, a.Addr(2), v, i)
	}
	return 0, errno
}

// timerCreate is timer_create(2).
func timerCreate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	var (
		id    int32
		errno linux.Errno
	)
	if p := a.Addr(1); p == 0 {
		id, errno = t.DefaultTimer(a.Int(0))
	} else {
		var ev linux.Sigevent
		if ev, errno = usermem.CopyIn[linux.Sigevent](t.Space(), p); errno == 0 {
			id, errno = t.TimerCreate(a.Int(0), ev)
		}
	}
	if errno != 0 {
		return 0, errno
	}
	if errno = usermem.CopyOutInt(t.Space(), a.Addr(2), id); errno != 0 {
		t.TimerDelete(id)
	}
	return 0, errno
}

// itimerspec copies in a struct itimerspec and checks it.
func itimerspec(t *kernel.Task, addr usermem.Addr) (linux.Itimerspec, linux.Errno) {
	v, errno := usermem.CopyIn[linux.Itimerspec](t.Space(), addr)
	if errno == 0 && (!v.Value.Valid() || !v.Interval.Valid()) {
		errno = linux.EINVAL
	}
	return v, errno
}

func putItimerspec(t *kernel.Task, addr usermem.Addr, value, interval int64) linux.Errno {
	v := linux.Itimerspec{Interval: linux.TimespecOf(interval), Value: linux.TimespecOf(value)}
	return usermem.CopyOut(t.Space(), addr, &v)
}

// timerSettime is timer_settime(2).
func timerSettime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Addr(2) == 0 {
		return 0, linux.EINVAL
	}
	n, errno := itimerspec(t, a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	v, i, errno := t.TimerSet(a.Int(0), n.Value.Nanos(), n.Interval.Nanos(), a.Uint(1)&linux.TIMER_ABSTIME != 0, true)
	if errno == 0 && a.Addr(3) != 0 {
		errno = putItimerspec(t, a.Addr(3), v, i)
	}
	return 0, errno
}

// timerGettime is timer_gettime(2).
func timerGettime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	v, i, errno := t.TimerSet(a.Int(0), 0, 0, false, false)
	if errno != 0 {
		return 0, errno
	}
	return ret(putItimerspec(t, a.Addr(1), v, i))
}

// timerGetoverrun is timer_getoverrun(2).
func timerGetoverrun(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	n, errno := t.TimerOverrun(a.Int(0))
	return uintptr(n), errno
}

// timerDelete is timer_delete(2).
func timerDelete(t *kernel.Task, a Args) (uintptr, linux.Errno) { return ret(t.TimerDelete(a.Int(0))) }

// timerfdCreate is timerfd_create(2).
func timerfdCreate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(1)
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	switch a.Int(0) {
	case linux.CLOCK_REALTIME, linux.CLOCK_MONOTONIC, linux.CLOCK_BOOTTIME:
	case linux.CLOCK_REALTIME_ALARM, linux.CLOCK_BOOTTIME_ALARM:
		if !t.Cred().Has(linux.CAP_WAKE_ALARM) {
			return 0, linux.EPERM
		}
	default:
		return 0, linux.EINVAL
	}
	f := vfs.AnonFile(t, "[timerfd]", t.Kernel().NewTimerfd(a.Int(0)), linux.O_RDWR|flags&linux.O_NONBLOCK)
	fd, errno := t.Install(f, flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

// timerfd finds the timer fd: EINVAL if it is another file.
func timerfd(t *kernel.Task, fd int32) (*kernel.Timerfd, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, errno
	}
	defer f.Put()
	tm, ok := f.Ops.(*kernel.Timerfd)
	if !ok {
		return nil, linux.EINVAL
	}
	return tm, 0
}

// timerfdSettime is timerfd_settime(2).
func timerfdSettime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	n, errno := itimerspec(t, a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	if a.Uint(1)&^(linux.TFD_TIMER_ABSTIME|linux.TFD_TIMER_CANCEL_ON_SET) != 0 {
		return 0, linux.EINVAL
	}
	tm, errno := timerfd(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	v, i := tm.Set(n.Value.Nanos(), n.Interval.Nanos(), a.Uint(1)&linux.TFD_TIMER_ABSTIME != 0, true)
	if a.Addr(3) != 0 {
		return ret(putItimerspec(t, a.Addr(3), v, i))
	}
	return 0, 0
}

// timerfdGettime is timerfd_gettime(2).
func timerfdGettime(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	tm, errno := timerfd(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	v, i := tm.Set(0, 0, false, false)
	return ret(putItimerspec(t, a.Addr(1), v, i))
}
