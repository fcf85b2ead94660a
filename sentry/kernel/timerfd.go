package kernel

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vdso"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Timerfd is a timer that is read (timerfd_create(2), fs/timerfd.c).
type Timerfd struct {
	clock  int32
	source *vdso.Clock
	alarms *alarms
	queue  wait.Queue

	mu       lock.Mutex[lock.Timerfd]
	next     int64 // on its clock, ns; 0: off
	interval int64
	ticks    uint64
	timer    *alarm
	seq      uint64
}

// NewTimerfd returns a disarmed timer of clock, which the caller has checked.
func (k *Kernel) NewTimerfd(clock int32) *Timerfd {
	return &Timerfd{clock: clock, source: k.Clock, alarms: &k.alarms}
}

func (f *Timerfd) now() int64 {
	switch f.clock {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_ALARM:
		return f.source.Realtime()
	case linux.CLOCK_BOOTTIME, linux.CLOCK_BOOTTIME_ALARM:
		return f.source.Boottime()
	}
	return f.source.Monotonic()
}

// Set is timerfd_settime(2) in ns, with set false timerfd_gettime(2): it returns the time left
// and the interval of before.
func (f *Timerfd) Set(value, interval int64, abs, set bool) (oldValue, oldInterval int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	f.advance(now)
	oldInterval = f.interval
	if f.next != 0 {
		oldValue = max(f.next-now, 1)
	}
	if !set {
		return oldValue, oldInterval
	}
	f.seq++
	if f.timer != nil {
		f.timer.stop()
	}
	f.next, f.interval, f.ticks = 0, interval, 0
	if value != 0 {
		f.next = value
		if !abs {
			f.next = addTime(now, value)
		}
		f.arm(now)
	}
	return oldValue, oldInterval
}

func (f *Timerfd) arm(now int64) {
	seq := f.seq
	f.timer = f.alarms.after(max(f.next-now, 0), func() { f.fire(seq) })
}

func (f *Timerfd) fire(seq uint64) {
	f.mu.Lock()
	if f.seq != seq {
		f.mu.Unlock()
		return
	}
	now := f.now()
	f.advance(now)
	if f.next != 0 {
		f.arm(now)
	}
	ready := f.ticks != 0
	f.mu.Unlock()
	if ready {
		f.queue.Notify(wait.In)
	}
}

// advance counts the expiries up to now.
func (f *Timerfd) advance(now int64) {
	if f.next == 0 || now < f.next {
		return
	}
	if f.interval == 0 {
		f.ticks++
		f.next = 0
		return
	}
	var n int64
	f.next, n = forward(f.next, f.interval, now)
	f.ticks += uint64(n)
}

// SetTicks is TFD_IOC_SET_TICKS.
func (f *Timerfd) SetTicks(n uint64) {
	f.mu.Lock()
	f.ticks = n
	f.mu.Unlock()
	f.queue.Notify(wait.In)
}

// Read returns the number of expiries since the last read, 8 bytes.
func (f *Timerfd) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	if dst.Len() < 8 {
		return 0, linux.EINVAL
	}
	f.mu.Lock()
	f.advance(f.now())
	n := f.ticks
	f.ticks = 0
	f.mu.Unlock()
	if n == 0 {
		return 0, linux.EAGAIN
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return dst.CopyOut(b[:])
}

// Write is not possible.
func (f *Timerfd) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Poll tells whether it has expired.
func (f *Timerfd) Poll(*vfs.File) wait.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.advance(f.now()); f.ticks != 0 {
		return wait.In
	}
	return 0
}

// Queue is notified when it expires.
func (f *Timerfd) Queue(*vfs.File) *wait.Queue { return &f.queue }

// Stream marks it as without a position.
func (f *Timerfd) Stream() {}

// NoopSeek marks it as seeking without effect.
func (f *Timerfd) NoopSeek() {}

// Release stops the timer.
func (f *Timerfd) Release(*vfs.File) { f.Set(0, 0, false, true) }

// Info is what /proc/PID/fdinfo says of it.
func (f *Timerfd) Info() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	f.advance(now)
	left := int64(0)
	if f.next != 0 {
		left = max(f.next-now, 0)
	}
	return fmt.Sprintf("clockid: %d\nticks: %d\nsettime flags: 00\nit_value: (%d, %d)\nit_interval: (%d, %d)\n",
		f.clock, f.ticks, left/linux.Second, left%linux.Second, f.interval/linux.Second, f.interval%linux.Second)
}
