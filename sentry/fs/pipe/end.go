package pipe

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// end is an open end of a pipe, or both.
type end struct {
	p *Pipe
	// writers is how often the other end had been opened when a reader came that did not wait
	// for it: it sees no hang-up before there was a writer. Else it is -1.
	writers int
}

var fs = vfs.NewPseudo("pipefs", 0x50495045)

// New is pipe2(2): flags are O_NONBLOCK and O_DIRECT.
func New(ctx vfs.Ctx, flags uint32) (r, w *vfs.File) {
	p := newPipe(ctx)
	p.readers, p.writers = 1, 1
	path := fs.NewPath(ctx, "pipe", linux.S_IFIFO|0o600)
	path.Inode().SetSpecial(p) // so that /proc/PID/fd can open another end
	path.Get()
	r = vfs.NewFile(ctx, path, &end{p, -1}, linux.O_RDONLY|flags)
	w = vfs.NewFile(ctx, path, &end{p, -1}, linux.O_WRONLY|flags)
	return r, w
}

// Register makes fifos of every file system work.
func Register() { vfs.RegisterFifo(open) }

// open is fifo_open: it waits for the other end unless O_NONBLOCK or O_RDWR, or the pipe has no
// name: /proc/PID/fd opens one of pipe(2) at once.
func open(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	p := join(ctx, f)
	e := &end{p, -1}
	read, write := f.Mode&vfs.ModeRead != 0, f.Mode&vfs.ModeWrite != 0
	var other *int // opens of the end to wait for
	switch {
	case read && write, f.Inode.SB == fs.Super():
	case read && p.writers == 0 && f.NonBlocking():
		e.writers = p.writeOpens
	case read && p.writers == 0:
		other = &p.writeOpens
	case write && p.readers == 0 && f.NonBlocking():
		p.mu.Unlock()
		p.leave(f)
		return nil, linux.ENXIO
	case write && p.readers == 0:
		other = &p.readOpens
	}
	seen := 0
	if other != nil {
		seen = *other
	}
	p.mu.Unlock()
	p.queue.Notify(wait.Internal)
	if other == nil {
		return e, 0
	}
	_, errno := wait.Until(&p.queue, wait.Internal, ctx.Waiter(), wait.Forever, func() (int, linux.Errno) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if *other == seen {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
	if errno != 0 {
		p.leave(f)
		return nil, errno
	}
	return e, 0
}

// join counts f as an end of its inode's pipe, which is made for the first, and returns it locked.
func join(ctx vfs.Ctx, f *vfs.File) *Pipe {
	for {
		p := f.Inode.Special(func() any { return newPipe(ctx) }).(*Pipe)
		p.mu.Lock()
		if p.max == 0 { // its last end has just gone
			p.mu.Unlock()
			continue
		}
		if f.Mode&vfs.ModeRead != 0 {
			p.readers++
			p.readOpens++
		}
		if f.Mode&vfs.ModeWrite != 0 {
			p.writers++
			p.writeOpens++
		}
		return p
	}
}

// leave counts an end that is closed. With the last the pipe ends; an inode gets a new one when it
// is opened again.
func (p *Pipe) leave(f *vfs.File) {
	p.mu.Lock()
	if f.Mode&vfs.ModeRead != 0 {
		p.readers--
	}
	if f.Mode&vfs.ModeWrite != 0 {
		p.writers--
	}
	if p.readers == 0 && p.writers == 0 {
		for p.used() > 0 {
			p.pop()
		}
		account(p.owner, -p.max, false)
		p.max = 0
		f.Inode.SetSpecial(nil)
	}
	p.mu.Unlock()
	p.queue.Notify(wait.In | wait.Out | wait.Err | wait.Hup)
}

// Stream marks it as without a position.
func (*end) Stream() {}

// Release is vfs.FileOps's.
func (e *end) Release(f *vfs.File) { e.p.leave(f) }

// Read is vfs.FileOps's.
func (e *end) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return e.p.read(dst)
}

// Write is vfs.FileOps's. EPIPE if nobody reads; the caller raises SIGPIPE.
func (e *end) Write(_ vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return e.p.write(src, f.Flags()&linux.O_DIRECT != 0)
}

// Poll is vfs.Poller's (pipe_poll).
func (e *end) Poll(f *vfs.File) wait.Event {
	p := e.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var got wait.Event
	if f.Mode&vfs.ModeRead != 0 {
		if p.used() > 0 {
			got |= wait.In | wait.RdNorm
		}
		if p.writers == 0 && e.writers != p.writeOpens {
			got |= wait.Hup
		}
	}
	if f.Mode&vfs.ModeWrite != 0 {
		if p.used() < p.max {
			got |= wait.Out | wait.WrNorm
		}
		if p.readers == 0 {
			got |= wait.Err
		}
	}
	return got
}

// Queue is vfs.Poller's.
func (e *end) Queue(*vfs.File) *wait.Queue { return &e.p.queue }

// Ioctl is vfs.Ioctler's.
func (e *end) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd != linux.FIONREAD {
		return 0, linux.ENOTTY
	}
	e.p.mu.Lock()
	n := e.p.length()
	e.p.mu.Unlock()
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(n))
}

// PipeSize is F_GETPIPE_SZ.
func (e *end) PipeSize() int {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	return e.p.max * pageSize
}

// SetPipeSize is F_SETPIPE_SZ: rounded up to a power of two pages. EBUSY if more are in use.
func (e *end) SetPipeSize(ctx vfs.Ctx, n int) (int, linux.Errno) {
	return e.p.resize(ctx, uint32(n))
}
