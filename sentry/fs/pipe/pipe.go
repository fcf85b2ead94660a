// Package pipe is pipes and fifos (pipe(7), fs/pipe.c).
package pipe

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

const (
	pageSize    = 4096
	pipeBuf     = 4096 // PIPE_BUF: writes up to this are whole
	defaultSize = 16 * pageSize
	maxSize     = 1 << 20 // /proc/sys/fs/pipe-max-size
	maxHard     = 1 << 31
)

// Pipe is the buffer between the two ends.
type Pipe struct {
	queue wait.Queue
	read  sync.Mutex // one reader at a time; held while application memory is touched

	mu      sync.Mutex
	buf     []byte // a ring that grows up to size
	head    int    // of the first byte
	n       int    // bytes in it
	skip    int    // bytes read of the first page, which is free only when all are
	packets []int  // lengths, oldest first, if written with O_DIRECT; then all of n is in packets
	size    int
	readers int
	writers int
	// opens counts opens of each end so far, for those who wait for the other.
	readOpens, writeOpens int
}

// newPipe returns an empty pipe without ends.
func newPipe() *Pipe { return &Pipe{size: defaultSize} }

var fs = vfs.NewPseudo("pipefs", 0x50495045)

// New is pipe2(2): flags are O_NONBLOCK and O_DIRECT.
func New(ctx vfs.Ctx, flags uint32) (r, w *vfs.File) {
	p := newPipe()
	p.readers, p.writers = 1, 1
	path := fs.NewPath(ctx, "pipe", linux.S_IFIFO|0o600)
	path.Get()
	r = vfs.NewFile(ctx, path, end{p}, linux.O_RDONLY|flags)
	w = vfs.NewFile(ctx, path, end{p}, linux.O_WRONLY|flags)
	return r, w
}

// Register makes fifos of every file system work.
func Register() { vfs.RegisterFifo(open) }

// open is fifo_open: it waits for the other end unless O_NONBLOCK or O_RDWR.
func open(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	p := f.Inode.Special(func() any { return newPipe() }).(*Pipe)
	p.mu.Lock()
	read, write := f.Mode&vfs.ModeRead != 0, f.Mode&vfs.ModeWrite != 0
	if write && !read && f.NonBlocking() && p.readers == 0 {
		p.mu.Unlock()
		return nil, linux.ENXIO
	}
	var seen *int
	target := 0
	if read {
		p.readers++
		p.readOpens++
		if !write && p.writers == 0 && !f.NonBlocking() {
			seen, target = &p.writeOpens, p.writeOpens
		}
	}
	if write {
		p.writers++
		p.writeOpens++
		if !read && p.readers == 0 {
			seen, target = &p.readOpens, p.readOpens
		}
	}
	p.mu.Unlock()
	p.queue.Notify(wait.Internal | wait.In | wait.Out)
	if seen == nil {
		return end{p}, 0
	}
	_, errno := wait.Until(&p.queue, wait.Internal, ctx.Waiter(), wait.Forever, func() (int, linux.Errno) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if *seen == target {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
	if errno != 0 {
		p.leave(f)
		return nil, errno
	}
	return end{p}, 0
}

// leave counts an end that is closed.
func (p *Pipe) leave(f *vfs.File) {
	p.mu.Lock()
	if f.Mode&vfs.ModeRead != 0 {
		p.readers--
	}
	if f.Mode&vfs.ModeWrite != 0 {
		p.writers--
	}
	if p.readers == 0 && p.writers == 0 {
		p.buf, p.head, p.n, p.packets = nil, 0, 0, nil
	}
	p.mu.Unlock()
	p.queue.Notify(wait.In | wait.Out | wait.Err | wait.Hup)
}

// end is an open end of a pipe, or both.
type end struct{ p *Pipe }

// Stream marks it as without a position.
func (end) Stream() {}

// Release is vfs.FileOps's.
func (e end) Release(f *vfs.File) { e.p.leave(f) }

// drop removes n bytes, or the packet they are of, from the front. The lock is held.
func (p *Pipe) drop(n int) {
	if len(p.packets) > 0 {
		n = p.packets[0]
		p.packets = p.packets[1:]
	}
	p.head = (p.head + n) % max(len(p.buf), 1)
	p.skip = (p.skip + n) % pageSize
	if p.n -= n; p.n == 0 {
		p.head, p.skip = 0, 0
	}
}

// copyOut copies from the front without removing.
func (p *Pipe) copyOut(out []byte) {
	k := copy(out, p.buf[p.head:])
	copy(out[k:], p.buf)
}

// put appends b, for which there is room. The lock is held.
func (p *Pipe) put(b []byte) {
	if need := p.n + len(b); need > len(p.buf) {
		size := max(len(p.buf), pageSize)
		for size < need {
			size *= 2
		}
		grown := make([]byte, size)
		p.copyOut(grown[:p.n])
		p.buf, p.head = grown, 0
	}
	at := (p.head + p.n) % len(p.buf)
	k := copy(p.buf[at:], b)
	copy(p.buf, b[k:])
	p.n += len(b)
}

// Read is vfs.FileOps's.
func (e end) Read(ctx vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	p := e.p
	if dst.Len() == 0 {
		return 0, 0
	}
	p.read.Lock()
	defer p.read.Unlock()
	p.mu.Lock()
	if p.n == 0 {
		defer p.mu.Unlock()
		if p.writers == 0 {
			return 0, 0
		}
		return 0, linux.EAGAIN
	}
	n := min(dst.Len(), p.n)
	if len(p.packets) > 0 {
		n = min(n, p.packets[0])
	}
	b := make([]byte, n)
	p.copyOut(b)
	p.mu.Unlock()
	if _, errno := dst.CopyOut(b); errno != 0 {
		return 0, errno // what was not taken whole stays
	}
	p.mu.Lock()
	p.drop(n)
	p.mu.Unlock()
	p.queue.Notify(wait.Out)
	return n, 0
}

// room is how many bytes can be written now.
func (p *Pipe) room() int { return p.size - p.n - p.skip }

// Write is vfs.FileOps's. EPIPE if nobody reads; the caller raises SIGPIPE. A write of at most
// pipeBuf bytes goes in whole or waits.
func (e end) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	p := e.p
	total := 0
	for src.Len() > 0 {
		p.mu.Lock()
		if p.readers == 0 {
			p.mu.Unlock()
			return total, linux.EPIPE
		}
		room := p.room()
		p.mu.Unlock()
		n := src.Len()
		if n > room && (n <= pipeBuf && total == 0 || room == 0) {
			if total > 0 {
				break
			}
			return 0, linux.EAGAIN
		}
		if f.Flags()&linux.O_DIRECT != 0 {
			n = min(n, pipeBuf)
		}
		b := make([]byte, min(n, room))
		got, errno := src.CopyIn(b)
		if errno != 0 {
			if total > 0 {
				break
			}
			return 0, errno
		}
		put, errno2 := p.store(b[:got], f.Flags()&linux.O_DIRECT != 0)
		total += put
		if errno2 != 0 {
			return total, errno2
		}
	}
	return total, 0
}

// store appends b, waiting for nobody: another writer may have taken the room meanwhile, then the
// pipe grows beyond its size for a moment, by what two writes overlap.
func (p *Pipe) store(b []byte, packet bool) (int, linux.Errno) {
	p.mu.Lock()
	if p.readers == 0 {
		p.mu.Unlock()
		return 0, linux.EPIPE
	}
	p.put(b)
	if packet || len(p.packets) > 0 {
		p.packets = append(p.packets, len(b))
	}
	p.mu.Unlock()
	p.queue.Notify(wait.In)
	return len(b), 0
}

// Poll is vfs.Poller's.
func (e end) Poll(f *vfs.File) wait.Event {
	p := e.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var got wait.Event
	if f.Mode&vfs.ModeRead != 0 {
		if p.n > 0 {
			got |= wait.In | wait.RdNorm
		}
		if p.writers == 0 && (p.writeOpens > 0 || p.readOpens == 0) {
			got |= wait.Hup
		}
	}
	if f.Mode&vfs.ModeWrite != 0 {
		if p.room() >= pipeBuf || p.n == 0 {
			got |= wait.Out | wait.WrNorm
		}
		if p.readers == 0 {
			got |= wait.Err
		}
	}
	return got
}

// Queue is vfs.Poller's.
func (e end) Queue(*vfs.File) *wait.Queue { return &e.p.queue }

const fionread = 0x541b

// Ioctl is vfs.Ioctler's.
func (e end) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd != fionread {
		return 0, linux.ENOTTY
	}
	e.p.mu.Lock()
	n := e.p.n
	e.p.mu.Unlock()
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(n))
}

// PipeSize is F_GETPIPE_SZ.
func (e end) PipeSize() int {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	return e.p.size
}

// SetPipeSize is F_SETPIPE_SZ: a power of two pages. EBUSY if it holds more than that.
func (e end) SetPipeSize(ctx vfs.Ctx, n int) (int, linux.Errno) {
	if n > maxHard {
		return 0, linux.EINVAL
	}
	size := pageSize
	for size < n {
		size *= 2
	}
	p := e.p
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case size > maxSize && size > p.size && !ctx.Cred().Has(linux.CAP_SYS_RESOURCE):
		return 0, linux.EPERM
	case p.n > size:
		return 0, linux.EBUSY
	}
	p.size = size
	return size, 0
}

// Of returns the pipe that f is an end of, nil if it is none: splice(2) and tee(2).
func Of(f *vfs.File) *Pipe {
	if e, ok := f.Ops.(end); ok {
		return e.p
	}
	return nil
}

// Peek copies at most n bytes from the front without removing them (tee(2)): EAGAIN if there
// are none but may be some day.
func (p *Pipe) Peek(n int) ([]byte, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		if p.writers == 0 {
			return nil, 0
		}
		return nil, linux.EAGAIN
	}
	out := make([]byte, min(n, p.n))
	p.copyOut(out)
	return out, 0
}

// Room is how many bytes fit now, and whether anybody reads.
func (p *Pipe) Room() (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.room(), 0), p.readers > 0
}

// WaitQueue is notified of changes.
func (p *Pipe) WaitQueue() *wait.Queue { return &p.queue }
