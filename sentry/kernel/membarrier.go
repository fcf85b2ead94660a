package kernel

import "sync/atomic"

// RegisterBarrier notes that the process will use a membarrier(2) command; Barriers returns
// those registered. A fork inherits them with the memory, an exec loses them.
func (g *Group) RegisterBarrier(cmd uint32) { g.barriers.Or(cmd) }

// Barriers is MEMBARRIER_CMD_GET_REGISTRATIONS's.
func (g *Group) Barriers() uint32 { return g.barriers.Load() }

// barrier is a membarrier(2) under way: done is closed when left threads have been out of
// application code.
type barrier struct {
	left atomic.Int32
	done chan struct{}
}

// barrierNode asks a thread to tell b when it is out of application code.
type barrierNode struct {
	b    *barrier
	next *barrierNode
}

// Barrier returns after every other thread of the process, or of the processes that registered
// cmd if that is not 0, has been out of application code: what it wrote before is seen. all
// means every thread of the sandbox.
func (t *Task) Barrier(all bool, cmd uint32) {
	var others []*Task
	t.k.tasks.RLock()
	if all || cmd != 0 {
		for _, p := range t.k.InitNS.PIDChildren.pids {
			if o := p.task; o != nil && o != t && !o.zombie && (all || o.group.Barriers()&cmd != 0) {
				others = append(others, o)
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
	if len(others) == 0 {
		return
	}
	b := &barrier{done: make(chan struct{})}
	b.left.Store(int32(len(others)))
	for _, o := range others {
		n := &barrierNode{b: b}
		for n.next = o.barriers.Load(); !o.barriers.CompareAndSwap(n.next, n); n.next = o.barriers.Load() {
		}
		// Either it is seen outside here, or it sees the node when it comes out.
		if o.inside.Load() == 0 {
			o.passBarriers()
		} else {
			o.ctx.Interrupt()
		}
	}
	<-b.done
}

// passBarriers tells those who wait for t that it is out of application code. Called after inside
// was seen to be 0, by t or by who waits.
func (t *Task) passBarriers() {
	for n := t.barriers.Swap(nil); n != nil; n = n.next {
		if n.b.left.Add(-1) == 0 {
			close(n.b.done)
		}
	}
}

// Exiting tells whether the process is on its way out.
func (g *Group) Exiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exiting && g.execTask == nil
}
