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
	still  int           // tasks that wait in it
	queue  wait.Queue    // notified when still changes
	thaw   chan struct{} // closed when it ends
}

// wait holds t while the sandbox is frozen. SIGKILL waits, too, as with the cgroup freezer.
func (f *freezer) wait(t *Task) {
	f.mu.Lock()
	for f.frozen {
		f.still++
		thaw := f.thaw
		f.mu.Unlock()
		f.queue.Notify(wait.Internal)
		<-thaw
		f.mu.Lock()
		f.still--
	}
	f.mu.Unlock()
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
