package devpts

import (
	"strconv"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// pty is a pair. It implements vfs.TTY: the slave is the terminal.
type pty struct {
	fs   *FS
	n    int
	node *slaveNode

	masterQueue, slaveQueue wait.Queue

	mu        sync.Mutex
	l         line
	typed     []byte    // written by the master, not yet received
	size      [4]uint16 // rows, columns, pixels
	locked    bool      // unlockpt(3) is still to come
	exclusive bool      // TIOCEXCL
	lock      termios   // of the settings: TIOCSLCKTRMIOS
	halted    bool      // the master's own TCOOFF
	slaves    int       // open files of the slave
	opened    bool      // it was open once
	gone      bool      // the master is closed
	hangups   int       // how often the slave was hung up

	tty struct {
		sync.Mutex
		session    vfs.Session
		foreground vfs.ProcessGroup
	}
}

// maxTyped is how much the master can write ahead of what the line discipline takes.
const maxTyped = 8192

func newPty(f *FS, n int) *pty {
	p := &pty{fs: f, n: n, locked: true}
	p.l.t = defaults()
	p.l.output.t = &p.l.t
	return p
}

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

// SetWinsize is TIOCSWINSZ from outside the sandbox.
func (p *pty) SetWinsize(rows, cols uint16) linux.Errno {
	p.resize([4]uint16{rows, cols})
	return 0
}

// OpenTTY opens the terminal by /dev/tty.
func (p *pty) OpenTTY(ctx vfs.Ctx, _ *vfs.File) (vfs.FileOps, linux.Errno) { return p.open(ctx) }

// open returns another open file of the slave.
func (p *pty) open(ctx vfs.Ctx) (vfs.FileOps, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.gone || p.locked:
		return nil, linux.EIO
	case p.exclusive && !ctx.Cred().Has(linux.CAP_SYS_ADMIN):
		return nil, linux.EBUSY
	}
	p.slaves++
	p.opened = true
	return &slave{p: p, hangups: p.hangups}, 0
}

// openSlave opens /dev/pts/N; it becomes the controlling terminal of a session leader without one,
// unless O_NOCTTY or only for writing.
func (p *pty) openSlave(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno) {
	ops, errno := p.open(ctx)
	if errno != 0 {
		return nil, errno
	}
	if jc, ok := ctx.(vfs.JobControl); ok && !vfs.NoCTTY(f) && f.Mode&vfs.ModeRead != 0 && jc.TTY() == nil && p.Session() == nil {
		jc.SetTTY(p, false)
	}
	return ops, 0
}

// signal sends signo to the foreground group.
func (p *pty) signal(signo int) {
	if fg := p.Foreground(); fg != nil {
		fg.Signal(signo)
	}
}

// change does f, lets the line discipline receive what it can, wakes who may be waiting for either,
// and sends the signals that were typed.
func (p *pty) change(f func()) {
	p.mu.Lock()
	f()
	n, signals := p.l.receive(p.typed)
	p.typed = p.typed[n:]
	p.mu.Unlock()
	p.slaveQueue.Notify(wait.In | wait.Out | wait.RdNorm | wait.WrNorm)
	p.masterQueue.Notify(wait.In | wait.Out | wait.Pri | wait.RdNorm | wait.WrNorm)
	for _, s := range signals {
		p.signal(s)
	}
}

// hangup ends all open files of the slave, and takes the terminal from its session (__tty_hangup).
func (p *pty) hangup() {
	p.mu.Lock()
	p.hangups++
	p.mu.Unlock()
	p.slaveQueue.Notify(wait.All)
	if s := p.Session(); s != nil {
		s.Hangup()
	}
}

// used stamps the times that show for how long a terminal has been idle; every eight seconds will
// do (tty_update_time).
func (p *pty) used(ctx vfs.Ctx, wrote bool) {
	now, a := ctx.Now(), p.node.Attr()
	was := a.Atime
	if wrote {
		was = a.Mtime
	}
	if (now/linux.Second^was/linux.Second)&^7 == 0 {
		return
	}
	p.node.Update(func(a *vfs.Attr) {
		if wrote {
			a.Mtime = now
		} else {
			a.Atime = now
		}
	})
}
