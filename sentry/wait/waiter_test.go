package wait

import (
	"runtime"
	"testing"
)

// TestWokenIsNotAsleep checks that who was woken is not said to sleep (state R of proc(5)), though it has not run yet.
func TestWokenIsNotAsleep(t *testing.T) {
	for name, newWaiter := range map[string]func() *Waiter{"goroutine": NewWaiter, "thread": NewThreadWaiter} {
		t.Run(name, func(t *testing.T) {
			for range 1000 {
				w := newWaiter()
				done := asleep(w)
				w.Wake()
				if w.Sleeping() {
					t.Fatal("asleep after Wake")
				}
				<-done
			}
		})
	}
}

// asleep returns once somebody sleeps on w; the channel is closed when the sleep is over.
func asleep(w *Waiter) chan bool {
	done := make(chan bool)
	go func() {
		defer close(done)
		w.Sleep(Forever)
	}()
	for !w.Sleeping() {
		runtime.Gosched()
	}
	return done
}
