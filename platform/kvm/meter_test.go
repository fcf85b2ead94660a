package kvm

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
	"github.com/seed-7423c386/runsc/platform/host"
)

// ownTime is the processor time of a thread of ours.
func ownTime(tid int32) int64 {
	ns, _ := host.ClockGettime(threadClock(tid))
	return ns
}

// busy has the processor do something else for half of the time.
func busy(cpu int) (stop func()) {
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine
		setAffinity([]int{cpu})
		for !over.Load() {
		}
	}()
	return func() { over.Store(true); <-done }
}

// TestMeterNear: neither what others do on the processor counts, nor what the thread does in the sentry.
func TestMeterNear(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, conformance.Spin...)
	defer busy(p.cpus[0])()
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		c.SetCPUs(p.cpus[:1])
		var want int64
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		start := ownTime(int32(unix.Gettid()))
		for range 30 {
			time.AfterFunc(7*time.Millisecond, c.Interrupt)
			began := ownTime(int32(unix.Gettid()))
			if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Interrupted {
				t.Fatalf("%+v", trap)
			}
			want += ownTime(c.tid) - began
			for end := ownTime(c.tid) + int64(2*time.Millisecond); ownTime(c.tid) < end; {
			}
		}
		if got := c.BoundTime(); got < int64(60*time.Millisecond) || got > ownTime(c.tid)-start-want*9/10 {
			t.Errorf("%v outside, %v in all", time.Duration(got), time.Duration(ownTime(c.tid)-start))
		}
		if got := c.CPUTime(); got < want*9/10 || got > want*11/10 {
			t.Errorf("%v, the thread's clock says %v", time.Duration(got), time.Duration(want))
		}
	})
}

// TestMeterFar: what the runner uses counts, and what the context's own thread uses does not.
func TestMeterFar(t *testing.T) {
	p := plat(t)
	// mov $1000,%eax ; syscall ; jmp 0
	g := conformance.NewGuest(t, p, 0xb8, 0xe8, 3, 0, 0, 0x0f, 0x05, 0xeb, 0xf7)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		r := g.Regs
		var got, least, most int64
		for end := time.Now().Add(2 * time.Second); least < int64(20*time.Millisecond) && time.Now().Before(end); {
			farNow(t, c, g.AS, &r)
			l := c.v.Load().slot
			look := func() (before, used, behind int64) { return ownTime(l.tid), c.CPUTime(), ownTime(l.tid) }
			before, first, behind := look()
			a, used, b := before, first, behind
			for c.live && used-first < int64(5*time.Millisecond) {
				last := used
				if a, used, b = look(); used < last {
					t.Fatalf("%d ns after %d", used, last)
				}
				if trap := c.Switch(g.AS, &r); trap.Kind != platform.Syscall {
					t.Fatalf("%+v", trap)
				}
			}
			got += used - first
			least += a - behind - int64(metered)
			most += b - before + int64(metered)
		}
		if got < least || got > most {
			t.Errorf("%v, the runner's clock says %v to %v", time.Duration(got), time.Duration(least), time.Duration(most))
		}
	})
}
