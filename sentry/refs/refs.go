// Package refs counts references to objects whose end has an effect outside the Go heap:
// open files, inodes backed by descriptors, mounts, pages, sockets. Everything else is left
// to the collector.
package refs

import "sync/atomic"

// Count is a reference count. The zero value holds one reference.
type Count struct {
	n atomic.Int64 // references - 1
}

// Inc takes a further reference; the caller holds one already.
func (c *Count) Inc() {
	if c.n.Add(1) <= 0 {
		panic("refs: reference to a destroyed object")
	}
}

// TryInc takes a reference unless the last one is gone; for look-ups in tables that hold none.
func (c *Count) TryInc() bool {
	for {
		n := c.n.Load()
		if n < 0 {
			return false
		}
		if c.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Dec drops a reference and reports whether it was the last: the caller then destroys the
// object, in the open.
func (c *Count) Dec() bool {
	n := c.n.Add(-1)
	if n < -1 {
		panic("refs: more references dropped than taken")
	}
	return n == -1
}

// Refs returns how many references there are; for tests and /proc.
func (c *Count) Refs() int64 { return c.n.Load() + 1 }
