package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// freezer stops every task at its run loop: pause and resume of a container. As with the freezer of cgroup v2, SIGKILL ends a
// task all the same.
type freezer struct {
	mu     lock.Mutex[lock.Freezer]
	frozen bool
	still  int        // tasks that wait in it, or for other tasks
	queue  wait.Queue // notified, while frozen, of each task that stands still or has ended
}

// wait holds t, the caller, while the sandbox is frozen.
func (f *freezer) wait(t *Task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.still++
	f.hold(t)
}

// aside counts t, the caller, as one that stands still while sleep waits, deaf to kicks, for what other tasks do: they may
// stand still themselves (freezer_do_not_count). It returns when the sandbox is not frozen.
func (f *freezer) aside(t *Task, sleep func()) {
	f.mu.Lock()
	f.still++
	f.notify()
	f.mu.Unlock()
	sleep()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold(t)
}

// hold keeps t, which is counted, while the sandbox is frozen, and counts it no more. mu is held.
func (f *freezer) hold(t *Task) {
	for f.frozen && !t.killed.Load() {
		f.notify()
		f.mu.Unlock()
		t.waiter.Doze()
		f.mu.Lock()
	}
	f.still--
}

// ended tells that there is a task less.
func (f *freezer) ended() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notify()
}

// notify has Freeze count again. mu is held.
func (f *freezer) notify() {
	if f.frozen {
		f.queue.Notify(wait.Internal)
	}
}

// Freeze stops all tasks and returns once they stand still.
func (k *Kernel) Freeze() {
	f := &k.frozen
	f.mu.Lock()
	f.frozen = true
	f.mu.Unlock()
	k.eachTask((*Task).kick)
	wait.Until(&f.queue, wait.Internal, wait.NewWaiter(), wait.Forever, func() (int, linux.Errno) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.frozen && int64(f.still) < k.nrTasks.Load() {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
}

// Thaw lets them go on.
func (k *Kernel) Thaw() {
	f := &k.frozen
	f.mu.Lock()
	f.frozen = false
	f.mu.Unlock()
	f.queue.Notify(wait.Internal) // a Freeze that is not done is over
	k.eachTask(func(t *Task) { t.waiter.Wake() })
}

// Frozen tells whether the sandbox is frozen.
func (k *Kernel) Frozen() bool {
	k.frozen.mu.Lock()
	defer k.frozen.mu.Unlock()
	return k.frozen.frozen
}

// eachTask calls f with every task that is alive.
func (k *Kernel) eachTask(f func(*Task)) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, p := range k.InitNS.PIDChildren.pids {
		if p.task != nil && !p.task.zombie {
			f(p.task)
		}
	}
}
