package kernel

import (
	"testing"
	"time"
)

// TestFreeze: Freeze returns once each task stands still, waits for others, or has ended, and none of them goes on before Thaw.
func TestFreeze(t *testing.T) {
	k := &Kernel{InitNS: Namespaces{PIDChildren: &PIDNS{}}}
	k.nrTasks.Store(3)
	over, done := make(chan bool), make(chan string, 2)
	go func() {
		k.frozen.aside(func() { <-over }) // as a parent in vfork(2)
		done <- "aside"
	}()
	frozen := make(chan bool)
	go func() {
		k.Freeze()
		close(frozen)
	}()
	for !k.Frozen() {
		time.Sleep(time.Millisecond)
	}
	go func() {
		k.frozen.wait()
		done <- "wait"
	}()
	select {
	case <-frozen:
		t.Fatal("frozen while a task runs")
	case <-time.After(20 * time.Millisecond):
	}
	k.nrTasks.Add(-1)
	k.frozen.ended()
	select {
	case <-frozen:
	case <-time.After(10 * time.Second):
		t.Fatal("Freeze does not return")
	}
	close(over) // what it waited for happens all the same
	select {
	case who := <-done:
		t.Fatalf("%s went on while frozen", who)
	case <-time.After(20 * time.Millisecond):
	}
	k.Thaw()
	for range 2 {
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("a task does not go on after Thaw")
		}
	}
	if k.frozen.still != 0 {
		t.Errorf("%d tasks are counted as still", k.frozen.still)
	}
}
