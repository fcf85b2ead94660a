package kernel

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// idle is the context of a task that runs no application.
type idle struct{ platform.Context }

func (idle) Interrupt() {}

// TestFreeze: Freeze returns once each task stands still, waits for others, or has ended; of those that stand still, none
// goes on before Thaw but one that is killed.
func TestFreeze(t *testing.T) {
	pids := map[int32]*PID{}
	k := &Kernel{InitNS: Namespaces{PIDChildren: &PIDNS{pids: pids}}}
	var tasks [3]*Task
	for i := range tasks {
		tasks[i] = &Task{k: k, waiter: wait.NewWaiter(), ctx: idle{}}
		pids[int32(i)] = &PID{task: tasks[i]}
	}
	k.nrTasks.Store(4) // one more ends meanwhile
	frozen, over, done := make(chan bool), make(chan bool), make(chan int, len(tasks))
	expect := func(what string, c <-chan bool) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Fatal(what)
		}
	}
	gone := func(want int) {
		t.Helper()
		select {
		case got := <-done:
			if got != want && want >= 0 {
				t.Errorf("task %d went on, not %d", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no task goes on")
		}
	}
	go func() {
		k.frozen.aside(tasks[0], func() { <-over }) // as a parent in vfork(2)
		done <- 0
	}()
	go func() {
		k.Freeze()
		close(frozen)
	}()
	for !k.Frozen() {
		time.Sleep(time.Millisecond)
	}
	for i := 1; i < len(tasks); i++ {
		go func() {
			k.frozen.wait(tasks[i])
			done <- i
		}()
	}
	select {
	case <-frozen:
		t.Error("frozen while a task runs")
	case <-time.After(20 * time.Millisecond):
	}
	k.nrTasks.Add(-1)
	k.frozen.ended()
	expect("Freeze does not return", frozen)
	close(over)                 // what it waited for happens all the same
	tasks[1].waiter.Interrupt() // a signal
	select {
	case i := <-done:
		t.Errorf("task %d goes on while frozen", i)
	case <-time.After(20 * time.Millisecond):
	}
	tasks[1].killed.Store(true)
	tasks[1].kick()
	gone(1)
	k.Thaw()
	gone(-1)
	gone(-1)
	if k.frozen.still != 0 {
		t.Errorf("%d tasks are counted as still", k.frozen.still)
	}
}
