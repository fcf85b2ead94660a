package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// RegisterBarrier notes that the process will use a membarrier(2) command; Barriers returns
// those registered.
func (g *Group) RegisterBarrier(cmd uint32) { g.barriers.Or(cmd) }

// Barriers is MEMBARRIER_CMD_GET_REGISTRATIONS's.
func (g *Group) Barriers() uint32 { return g.barriers.Load() }

// Barrier returns after every other thread of the process, or of the sandbox if all is true, has
// been out of application code: what it wrote before is seen.
func (t *Task) Barrier(all bool) {
	var others []*Task
	t.k.tasks.RLock()
	if all {
		for _, p := range t.k.InitNS.PIDChildren.pids {
			if p.task != nil && p.task != t && !p.task.zombie {
				others = append(others, p.task)
			}
		}
	} else {
		for _, o := range t.group.tasks {
			if o != t && !o.zombie {
				others = append(others, o)
			}
		}
	}
	t.k.tasks.RUnlock()
	for _, o := range others {
		seen := o.since.Load()
		if seen == 0 {
			continue // it is in the kernel: a barrier by itself
		}
		o.ctx.Interrupt()
		w := wait.NewWaiter()
		for o.since.Load() == seen {
			if w.Sleep(deadlineIn(linux.Second/20000)) != linux.ETIMEDOUT {
				break
			}
		}
	}
}

// Exiting tells whether the process is on its way out.
func (g *Group) Exiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exiting && g.execTask == nil
}
