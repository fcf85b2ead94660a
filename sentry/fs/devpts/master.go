package devpts

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// master is the end of the terminal's program.
type master struct{ p *pty }

// Stream marks it as without a position.
func (*master) Stream() {}

// closedLocked tells whether the slave was open and is no more: nobody will write.
func (p *pty) closedLocked() bool { return p.opened && p.slaves == 0 }

// Read is vfs.FileOps's.
func (m *master) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	p := m.p
	if dst.Len() == 0 {
		return 0, 0
	}
	var b []byte
	p.mu.Lock()
	l := &p.l
	n := min(len(l.out), readAhead)
	switch {
	case l.packet && l.status != 0:
		b = []byte{l.status}
		l.status = 0
		p.mu.Unlock()
		return dst.CopyOut(b)
	case n == 0:
		closed := p.closedLocked()
		p.mu.Unlock()
		if closed {
			return 0, linux.EIO
		}
		return 0, linux.EAGAIN
	case l.packet:
		n = min(n, dst.Len()-1)
		b = append(make([]byte, 1, n+1), l.out[:n]...)
	default:
		n = min(n, dst.Len())
		b = l.out[:n:n]
	}
	l.out = l.out[n:]
	l.drain()
	p.mu.Unlock()
	p.slaveQueue.Notify(wait.Out | wait.WrNorm)
	return dst.CopyOut(b)
}

// Write is vfs.FileOps's: it is typing.
func (m *master) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	p := m.p
	p.mu.Lock()
	room := maxTyped - len(p.typed)
	if p.halted {
		room = 0
	}
	p.mu.Unlock()
	if room <= 0 {
		return 0, linux.EAGAIN
	}
	b := make([]byte, min(src.Len(), room))
	n, errno := src.CopyIn(b)
	if n == 0 {
		return 0, errno
	}
	p.change(func() { p.typed = append(p.typed, b[:n]...) })
	return n, 0
}

// Poll is vfs.Poller's.
func (m *master) Poll(*vfs.File) wait.Event {
	p := m.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var got wait.Event
	if len(p.typed) < maxTyped && !p.halted {
		got |= wait.Out | wait.WrNorm
	}
	if len(p.l.out) > 0 {
		got |= wait.In | wait.RdNorm
	}
	if p.l.packet && p.l.status != 0 {
		got |= wait.Pri | wait.In | wait.RdNorm
	}
	if p.closedLocked() {
		got |= wait.Hup
	}
	return got
}

// Queue is vfs.Poller's.
func (m *master) Queue(*vfs.File) *wait.Queue { return &m.p.masterQueue }

// Release is vfs.FileOps's: the terminal is hung up.
func (m *master) Release(*vfs.File) {
	p := m.p
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	p.fs.drop(p.n)
	p.hangup()
}
