package linux

// Clocks (include/uapi/linux/time.h).
const (
	CLOCK_REALTIME           = 0
	CLOCK_MONOTONIC          = 1
	CLOCK_PROCESS_CPUTIME_ID = 2
	CLOCK_THREAD_CPUTIME_ID  = 3
	CLOCK_MONOTONIC_RAW      = 4
	CLOCK_REALTIME_COARSE    = 5
	CLOCK_MONOTONIC_COARSE   = 6
	CLOCK_BOOTTIME           = 7
	CLOCK_REALTIME_ALARM     = 8
	CLOCK_BOOTTIME_ALARM     = 9
	CLOCK_TAI                = 11

	TIMER_ABSTIME = 1

	TFD_TIMER_ABSTIME       = 1
	TFD_TIMER_CANCEL_ON_SET = 2
	TFD_IOC_SET_TICKS       = 0x40085400

	ITIMER_REAL    = 0
	ITIMER_VIRTUAL = 1
	ITIMER_PROF    = 2
)

// Nanoseconds in larger units.
const (
	Second      = 1_000_000_000
	Microsecond = 1000
	// ClockTick is a unit of times(2) and /proc/PID/stat: USER_HZ is 100.
	ClockTick = Second / 100
)

// Timespec is struct timespec.
type Timespec struct{ Sec, Nsec int64 }

// Timeval is struct timeval.
type Timeval struct{ Sec, Usec int64 }

// Itimerspec is struct itimerspec.
type Itimerspec struct{ Interval, Value Timespec }

// Itimerval is struct itimerval.
type Itimerval struct{ Interval, Value Timeval }

// Tms is struct tms of times(2).
type Tms struct{ Utime, Stime, Cutime, Cstime int64 }

// Timezone is struct timezone.
type Timezone struct{ Minuteswest, Dsttime int32 }

// Timex is struct timex of adjtimex(2).
type Timex struct {
	Modes                                  uint32
	_                                      uint32
	Offset, Freq, Maxerror, Esterror       int64
	Status                                 int32
	_                                      uint32
	Constant, Precision, Tolerance         int64
	Time                                   Timeval
	Tick, Ppsfreq, Jitter                  int64
	Shift                                  int32
	_                                      uint32
	Stabil, Jitcnt, Calcnt, Errcnt, Stbcnt int64
	Tai                                    int32
	_                                      [11]uint32
}

func (Timespec) fixed()   {}
func (Timeval) fixed()    {}
func (Itimerspec) fixed() {}
func (Itimerval) fixed()  {}
func (Tms) fixed()        {}
func (Timezone) fixed()   {}
func (Timex) fixed()      {}

// maxSec bounds seconds so that nanoseconds fit (KTIME_SEC_MAX).
const maxSec = (1<<63 - 1) / Second

// Valid is timespec64_valid.
func (t Timespec) Valid() bool { return t.Sec >= 0 && t.Nsec >= 0 && t.Nsec < Second }

// Nanos returns t in nanoseconds, the greatest number if it does not fit.
func (t Timespec) Nanos() int64 {
	if t.Sec >= maxSec {
		return 1<<63 - 1
	}
	return t.Sec*Second + t.Nsec
}

// TimespecOf splits nanoseconds, which may be negative.
func TimespecOf(ns int64) Timespec {
	s, n := ns/Second, ns%Second
	if n < 0 {
		s, n = s-1, n+Second
	}
	return Timespec{s, n}
}

// Valid tells whether the microseconds are such.
func (t Timeval) Valid() bool { return t.Sec >= 0 && t.Usec >= 0 && t.Usec < 1_000_000 }

// Nanos returns t in nanoseconds, the greatest number if it does not fit.
func (t Timeval) Nanos() int64 { return Timespec{t.Sec, t.Usec * Microsecond}.Nanos() }

// TimevalOf splits nanoseconds.
func TimevalOf(ns int64) Timeval {
	t := TimespecOf(ns)
	return Timeval{t.Sec, t.Nsec / Microsecond}
}
