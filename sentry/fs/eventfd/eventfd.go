// Package eventfd is counters that are files (eventfd(2), fs/eventfd.c).
package eventfd

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Counter is an eventfd.
type Counter struct {
	id        int64
	semaphore bool
	queue     wait.Queue

	mu    sync.Mutex
	count uint64
}

var lastID atomic.Int64

// limit is the highest count.
const limit = 1<<64 - 2

// New returns an open eventfd; flags are O_NONBLOCK.
func New(ctx vfs.Ctx, count uint64, semaphore bool, flags uint32) *vfs.File {
	return vfs.AnonFile(ctx, "[eventfd]", &Counter{id: lastID.Add(1) - 1, semaphore: semaphore, count: count}, linux.O_RDWR|flags)
}

// Read is vfs.FileOps's: eight bytes, the count or, for a semaphore, 1.
func (c *Counter) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	if dst.Len() < 8 {
		return 0, linux.EINVAL
	}
	c.mu.Lock()
	n := c.count
	if c.semaphore && n > 0 {
		n = 1
	}
	c.count -= n
	c.mu.Unlock()
	if n == 0 {
		return 0, linux.EAGAIN
	}
	c.queue.Notify(wait.Out)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return dst.CopyOut(b[:])
}

// Write is vfs.FileOps's: it adds eight bytes' worth, no more and no less, waiting while that would overflow.
func (c *Counter) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	if src.Piece() != 8 {
		return 0, linux.EINVAL
	}
	at := *src
	var b [8]byte
	if _, errno := at.CopyIn(b[:]); errno != 0 {
		return 0, errno
	}
	n := binary.LittleEndian.Uint64(b[:])
	if n == 1<<64-1 {
		return 0, linux.EINVAL
	}
	c.mu.Lock()
	if c.count > limit-n {
		c.mu.Unlock()
		return 0, linux.EAGAIN
	}
	c.count += n
	c.mu.Unlock()
	*src = at
	c.queue.Notify(wait.In)
	return 8, 0
}

// Poll is vfs.Poller's.
func (c *Counter) Poll(*vfs.File) wait.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var got wait.Event
	if c.count > 0 {
		got |= wait.In
	}
	if c.count < limit {
		got |= wait.Out
	}
	return got
}

// Queue is vfs.Poller's.
func (c *Counter) Queue(*vfs.File) *wait.Queue { return &c.queue }

// Stream marks it as without a position.
func (*Counter) Stream() {}

// NoopSeek marks it as seeking without effect.
func (*Counter) NoopSeek() {}

// Release is vfs.FileOps's.
func (*Counter) Release(*vfs.File) {}

// Info is what /proc/PID/fdinfo shows.
func (c *Counter) Info() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	semaphore := 0
	if c.semaphore {
		semaphore = 1
	}
	return fmt.Sprintf("eventfd-count: %16x\neventfd-id: %d\neventfd-semaphore: %d\n", c.count, c.id, semaphore)
}
