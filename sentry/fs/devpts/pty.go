package devpts

import (
	"strconv"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// pty is a pair. It implements vfs.TTY: the slave is the terminal.
type pty struct {
	fs   *FS
	n    int
	node *slaveNode

	masterQueue, slaveQueue wait.Queue

	mu     sync.Mutex
	l      line
	size   [4]uint16 // rows, columns, pixels
	locked bool
	slaves int
	opened bool // a slave was open once
	gone   bool // the master is closed
	packet bool

	tty struct {
		sync.Mutex
		session    vfs.Session
		foreground vfs.ProcessGroup
	}
}

func newPty(f *FS, n int) *pty { return &pty{fs: f, n: n, l: line{t: defaults()}, locked: true} }

// Dev is vfs.TTY's.
func (p *pty) Dev() uint64 { return vfs.MakeDev(136, uint32(p.n)) }

// Name is vfs.TTY's.
func (p *pty) Name() string { return "pts/" + strconv.Itoa(p.n) }

// Foreground is vfs.TTY's.
func (p *pty) Foreground() vfs.ProcessGroup {
	p.tty.Lock()
	defer p.tty.Unlock()
	return p.tty.foreground
}

// SetSession is vfs.TTY's.
func (p *pty) SetSession(s vfs.Session, fg vfs.ProcessGroup) {
	p.tty.Lock()
	defer p.tty.Unlock()
	p.tty.session, p.tty.foreground = s, fg
}

// Session is vfs.TTY's.
func (p *pty) Session() vfs.Session {
	p.tty.Lock()
	defer p.tty.Unlock()
	return p.tty.session
}

// SetForeground changes the foreground group.
func (p *pty) SetForeground(pg vfs.ProcessGroup) {
	p.tty.Lock()
	defer p.tty.Unlock()
	p.tty.foreground = pg
}

// OpenTTY opens the terminal by /dev/tty.
func (p *pty) OpenTTY(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) { return p.open() }

func (p *pty) open() (vfs.FileOps, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.locked {
		return nil, linux.EIO
	}
	p.slaves++
	p.opened = true
	return &slave{p}, 0
}

// openSlave opens /dev/pts/N; it becomes the controlling terminal of a session leader without
// one, unless O_NOCTTY.
func (p *pty) openSlave(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	ops, errno := p.open()
	if errno != 0 {
		return nil, errno
	}
	if jc, ok := ctx.(vfs.JobControl); ok && !vfs.NoCTTY(f) && jc.TTY() == nil && p.Session() == nil {
		jc.SetTTY(p, false)
	}
	return ops, 0
}

// signal sends what a character meant to the foreground group.
func (p *pty) signal(signo byte) {
	if fg := p.Foreground(); fg != nil && signo != 0 {
		fg.Signal(int(signo))
	}
}

// master is the end of the terminal's program.
type master struct{ p *pty }

// Stream marks it as without a position.
func (*master) Stream() {}

// Read is vfs.FileOps's.
func (m *master) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	p := m.p
	p.mu.Lock()
	n := min(len(p.l.out), dst.Len())
	if n == 0 || p.l.stopped {
		defer p.mu.Unlock()
		if p.opened && p.slaves == 0 && n == 0 {
			return 0, linux.EIO
		}
		return 0, linux.EAGAIN
	}
	if p.packet {
		n = min(n, dst.Len()-1)
	}
	b := p.l.out[:n:n]
	p.l.out = p.l.out[n:]
	packet := p.packet
	p.mu.Unlock()
	p.slaveQueue.Notify(wait.Out)
	if packet {
		b = append([]byte{0}, b...)
	}
	return dst.CopyOut(b)
}

// Write is vfs.FileOps's: it is typing.
func (m *master) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	p := m.p
	b := make([]byte, min(src.Len(), 4096))
	at := *src
	n, errno := at.CopyIn(b)
	if n == 0 {
		return 0, errno
	}
	var signals []byte
	p.mu.Lock()
	if len(p.l.in) >= maxInput && p.l.t.lflag&lICANON == 0 {
		p.mu.Unlock()
		return 0, linux.EAGAIN
	}
	for _, c := range b[:n] {
		if s := p.l.receive(c); s != 0 {
			signals = append(signals, s)
		}
	}
	p.mu.Unlock()
	*src = at
	p.slaveQueue.Notify(wait.In | wait.Out)
	p.masterQueue.Notify(wait.In)
	for _, s := range signals {
		p.signal(s)
	}
	return n, 0
}

// Poll is vfs.Poller's.
func (m *master) Poll(*vfs.File) wait.Event {
	p := m.p
	p.mu.Lock()
	defer p.mu.Unlock()
	got := wait.Out | wait.WrNorm
	if len(p.l.out) > 0 && !p.l.stopped {
		got |= wait.In | wait.RdNorm
	}
	if p.opened && p.slaves == 0 {
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
	p.slaveQueue.Notify(wait.All)
	if s := p.Session(); s != nil {
		s.Hangup()
	}
}

// slave is the terminal.
type slave struct{ p *pty }

// Stream marks it as without a position.
func (*slave) Stream() {}

// Read is vfs.FileOps's.
func (s *slave) Read(ctx vfs.Ctx, f *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	p := s.p
	if errno := vfs.CheckForeground(ctx, p, linux.SIGTTIN); errno != 0 {
		return 0, errno
	}
	if dst.Len() == 0 {
		return 0, 0
	}
	p.mu.Lock()
	if !p.l.readable() {
		raw := p.l.t.lflag&lICANON == 0
		vmin, vtime, gone := p.l.t.cc[vMIN], p.l.t.cc[vTIME], p.gone
		p.mu.Unlock()
		switch {
		case gone:
			return 0, 0
		case raw && vmin == 0 && vtime == 0:
			return 0, 0
		case raw && vmin == 0 && !f.NonBlocking():
			return s.readTimed(ctx, dst, time.Duration(vtime)*100*time.Millisecond)
		}
		return 0, linux.EAGAIN
	}
	b := p.l.take(dst.Len())
	p.mu.Unlock()
	p.masterQueue.Notify(wait.Out)
	return dst.CopyOut(b)
}

// readTimed waits at most d for the first character (VMIN 0, VTIME more).
func (s *slave) readTimed(ctx vfs.Ctx, dst *usermem.Buf, d time.Duration) (int, linux.Errno) {
	p := s.p
	var b []byte
	_, errno := wait.Until(&p.slaveQueue, wait.In|wait.Hup, ctx.Waiter(), time.Now().Add(d), func() (int, linux.Errno) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.gone {
			return 0, 0
		}
		if !p.l.readable() {
			return 0, linux.EAGAIN
		}
		b = p.l.take(dst.Len())
		return len(b), 0
	})
	if errno == linux.ETIMEDOUT {
		return 0, 0
	}
	if errno != 0 || len(b) == 0 {
		return 0, errno
	}
	return dst.CopyOut(b)
}

// Write is vfs.FileOps's.
func (s *slave) Write(ctx vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
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
	for src.Len() > 0 {
		p.mu.Lock()
		gone, room := p.gone, maxOutput-len(p.l.out)
		p.mu.Unlock()
		if gone {
			return total, linux.EIO
		}
		if room <= 0 {
			if total == 0 {
				return 0, linux.EAGAIN
			}
			break
		}
		b := make([]byte, min(src.Len(), room, 4096))
		n, errno := src.CopyIn(b)
		if n == 0 {
			if total > 0 {
				break
			}
			return 0, errno
		}
		p.mu.Lock()
		p.l.process(b[:n])
		p.mu.Unlock()
		total += n
	}
	p.masterQueue.Notify(wait.In)
	return total, 0
}

// Poll is vfs.Poller's.
func (s *slave) Poll(*vfs.File) wait.Event {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var got wait.Event
	if p.l.readable() {
		got |= wait.In | wait.RdNorm
	}
	if p.gone {
		return got | wait.In | wait.RdNorm | wait.Hup | wait.Err | wait.Out | wait.WrNorm
	}
	if len(p.l.out) < maxOutput {
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
