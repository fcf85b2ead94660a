package kernel

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// freezer stops every task at its run loop: pause and resume of a container.
type freezer struct {
	mu     sync.Mutex
	frozen bool
	still  int           // tasks that wait in it, or for other tasks
	queue  wait.Queue    // notified, while frozen, of each task that stands still or has ended
	thaw   chan struct{} // closed when it ends
}

// wait holds the calling task while the sandbox is frozen. SIGKILL waits, too, as with the cgroup freezer.
func (f *freezer) wait() {
	f.mu.Lock()
	if f.frozen {
		f.still++
		f.hold()
	}
	f.mu.Unlock()
}

// aside counts the calling task as one that stands still while sleep waits, deaf to kicks, for what other tasks do:
// they may stand still themselves (freezer_do_not_count). It returns when the sandbox is not frozen.
func (f *freezer) aside(sleep func()) {
	f.mu.Lock()
	f.still++
	if f.frozen {
		f.queue.Notify(wait.Internal)
	}
	f.mu.Unlock()
	sleep()
	f.mu.Lock()
	f.hold()
	f.mu.Unlock()
}

// hold keeps a task that is counted while the sandbox is frozen, and counts it no more. mu is held.
func (f *freezer) hold() {
	for f.frozen {
		thaw := f.thaw
		f.queue.Notify(wait.Internal)
		f.mu.Unlock()
		<-thaw
		f.mu.Lock()
	}
	f.still--
}

// ended tells that there is a task less.
func (f *freezer) ended() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen {
		f.queue.Notify(wait.Internal)
	}
}

// Freeze stops all tasks and returns once they stand still.
func (k *Kernel) Freeze() {
	f := &k.frozen
	f.mu.Lock()
	if !f.frozen {
		f.frozen, f.thaw = true, make(chan struct{})
	}
	f.mu.Unlock()
	k.kickAll()
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
	defer f.mu.Unlock()
	if f.frozen {
		f.frozen = false
		close(f.thaw)
	}
}

// Frozen tells whether the sandbox is frozen.
func (k *Kernel) Frozen() bool {
	k.frozen.mu.Lock()
	defer k.frozen.mu.Unlock()
	return k.frozen.frozen
}

// kickAll makes every task look at its work.
func (k *Kernel) kickAll() {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, p := range k.InitNS.PIDChildren.pids {
		if p.task != nil && !p.task.zombie {
			p.task.kick()
		}
	}
}
