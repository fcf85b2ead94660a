package devpts

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// slave is an open file of the terminal. It is dead once the terminal has been hung up.
type slave struct {
	p       *pty
	hangups int // of the terminal when this was opened
}

// Stream marks it as without a position.
func (*slave) Stream() {}

// Waits marks it as waiting by itself: reads have time-outs.
func (*slave) Waits() {}

// deadLocked is called with pty.mu held.
func (s *slave) deadLocked() bool { return s.p.gone || s.hangups != s.p.hangups }

// vtimeUnit is that of VTIME.
const vtimeUnit = 100 * time.Millisecond

// Read is vfs.FileOps's (n_tty_read). In raw mode it waits for VMIN characters, and no longer than VTIME for
// the next one; without VMIN for the first.
func (s *slave) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	p := s.p
	p.mu.Lock()
	dead, raw, least, between := s.deadLocked(), !p.l.canonical(), int(p.l.t.cc[vMIN]), time.Duration(p.l.t.cc[vTIME])*vtimeUnit
	p.mu.Unlock()
	if dead || dst.Len() == 0 {
		return 0, 0
	}
	if errno := vfs.CheckForeground(ctx, p, linux.SIGTTIN); errno != 0 {
		return 0, errno
	}
	deadline, atOnce := wait.Forever, f.NonBlocking()
	if raw && least == 0 {
		deadline = time.Now().Add(between)
		atOnce = atOnce || between == 0
	}
	b := make([]byte, min(dst.Len(), bufSize))
	got := 0
	for {
		n, errno := s.readSome(ctx, b[got:], deadline, atOnce)
		got += n
		switch {
		case got > 0 && (n == 0 || !raw || got >= min(least, len(b))):
			p.used(ctx, false)
			return dst.CopyOut(b[:got])
		case errno == linux.ETIMEDOUT, errno == linux.EAGAIN && raw && least == 0 && between == 0:
			return 0, 0
		case errno != 0 || n == 0:
			return 0, errno
		case between > 0:
			deadline = time.Now().Add(between)
		}
	}
}

// readSome waits for input and takes what there is; (0, 0) is the end of the file.
func (s *slave) readSome(ctx vfs.Ctx, b []byte, deadline time.Time, atOnce bool) (int, linux.Errno) {
	p := s.p
	try := func() (int, linux.Errno) {
		p.mu.Lock()
		if s.deadLocked() || !p.l.readable(false) {
			dead := s.deadLocked()
			p.mu.Unlock()
			if dead {
				return 0, 0
			}
			return 0, linux.EAGAIN
		}
		n := p.l.take(b)
		more := len(p.typed) > 0
		p.mu.Unlock()
		if more {
			p.change(func() {})
		}
		return n, 0
	}
	if atOnce {
		return try()
	}
	return wait.Until(&p.slaveQueue, wait.In|wait.Hup, ctx.Waiter(), deadline, try)
}

// Write is vfs.FileOps's (n_tty_write): all of src, or what there is room for.
func (s *slave) Write(ctx vfs.Ctx, f *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	p := s.p
	p.mu.Lock()
	tostop := p.l.t.lflag&lTOSTOP != 0
	p.mu.Unlock()
	if tostop {
		if errno := vfs.CheckForeground(ctx, p, linux.SIGTTOU); errno != 0 {
			return 0, errno
		}
	}
	total := 0
	for {
		b := make([]byte, min(src.Len(), bufSize))
		n, errno := src.CopyIn(b)
		for done := 0; done < n && errno == 0; {
			var k int
			k, errno = s.writeSome(ctx, b[done:n], f.NonBlocking())
			done += k
			total += k
		}
		if errno != 0 || src.Len() == 0 {
			if total > 0 {
				p.used(ctx, true)
				errno = 0
			}
			return total, errno
		}
	}
}

// writeSome waits for room and writes what there is room for.
func (s *slave) writeSome(ctx vfs.Ctx, b []byte, atOnce bool) (int, linux.Errno) {
	p := s.p
	try := func() (int, linux.Errno) {
		p.mu.Lock()
		if s.deadLocked() {
			p.mu.Unlock()
			return 0, linux.EIO
		}
		n := p.l.writeAll(b)
		p.mu.Unlock()
		if n == 0 {
			return 0, linux.EAGAIN
		}
		p.masterQueue.Notify(wait.In | wait.RdNorm)
		return n, 0
	}
	if atOnce {
		return try()
	}
	return wait.Until(&p.slaveQueue, wait.Out|wait.Hup, ctx.Waiter(), wait.Forever, try)
}

// Poll is vfs.Poller's.
func (s *slave) Poll(*vfs.File) wait.Event {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.deadLocked() {
		return wait.In | wait.RdNorm | wait.Hup | wait.Err | wait.Out | wait.WrNorm
	}
	var got wait.Event
	if p.l.readable(true) {
		got |= wait.In | wait.RdNorm
	}
	if p.l.space() >= widest {
		got |= wait.Out | wait.WrNorm
	}
	return got
}

// Queue is vfs.Poller's.
func (s *slave) Queue(*vfs.File) *wait.Queue { return &s.p.slaveQueue }

// Release is vfs.FileOps's.
func (s *slave) Release(*vfs.File) {
	p := s.p
	p.mu.Lock()
	p.slaves--
	p.mu.Unlock()
	p.masterQueue.Notify(wait.All)
}
