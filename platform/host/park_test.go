package host

import (
	"runtime"
	"testing"
	"time"
)

// TestNap: a collection does not wait for who naps, and ends the nap; Unpark ends it, too, or the next one; else its time does.
func TestNap(t *testing.T) {
	var p Parker
	woken := make(chan bool)
	go func() { woken <- p.Nap(int64(time.Hour)) }()
	time.Sleep(10 * time.Millisecond)
	for over := false; !over; { // the first may come before the nap
		runtime.GC()
		select {
		case w := <-woken:
			if over = true; w {
				t.Error("nobody woke it")
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
	p.Unpark()
	if !p.Nap(int64(time.Hour)) {
		t.Error("a wake-up before the nap is lost")
	}
	if p.Nap(1e6) {
		t.Error("one wake-up ended two naps")
	}
	go func() {
		for !p.Nap(int64(time.Hour)) {
		}
		woken <- true
	}()
	time.Sleep(10 * time.Millisecond)
	p.Unpark()
	<-woken
}
