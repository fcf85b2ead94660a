package pipe

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Of returns the pipe that f is an end of, nil if it is none: splice(2) and tee(2).
func Of(f *vfs.File) *Pipe {
	if e, ok := f.Ops.(*end); ok {
		return e.p
	}
	return nil
}

// Peek copies at most n bytes from the front without removing them: EAGAIN if there are none
// but may be some day.
func (p *Pipe) Peek(n int) ([]byte, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used() == 0 {
		if p.writers == 0 {
			return nil, 0
		}
		return nil, linux.EAGAIN
	}
	out := make([]byte, 0, min(n, p.length()))
	for i := p.first; i < len(p.slots) && len(out) < cap(out); i++ {
		b := p.slots[i].bytes()
		out = append(out, b[:min(len(b), cap(out)-len(out))]...)
	}
	return out, 0
}

// Room is how many bytes fit into the pages that are free, and whether anybody reads.
func (p *Pipe) Room() (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.max-p.used(), 0) * pageSize, p.readers > 0
}

// WaitQueue is notified of changes.
func (p *Pipe) WaitQueue() *wait.Queue { return &p.queue }
