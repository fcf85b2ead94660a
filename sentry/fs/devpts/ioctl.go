package devpts

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Requests (include/uapi/asm-generic/ioctls.h).
const (
	tcgets      = 0x5401
	tcsets      = 0x5402
	tcsetsw     = 0x5403
	tcsetsf     = 0x5404
	tcsbrk      = 0x5409
	tcxonc      = 0x540a
	tcflsh      = 0x540b
	tiocoutq    = 0x5411
	tiocsti     = 0x5412
	tiocgwinsz  = 0x5413
	tiocswinsz  = 0x5414
	fionread    = 0x541b
	tiocpkt     = 0x5420
	tiocgetd    = 0x5424
	tcsbrkp     = 0x5425
	tcgets2     = 0x802c542a
	tcsets2     = 0x402c542b
	tcsetsw2    = 0x402c542c
	tcsetsf2    = 0x402c542d
	tiocgptn    = 0x80045430
	tiocsptlck  = 0x40045431
	tiocgptlck  = 0x80045439
	tiocgptpeer = 0x5441
	tiocsig     = 0x40045436
)

const termiosSize = 36

func (t *termios) encode(speeds bool) []byte {
	b := make([]byte, termiosSize, termiosSize+8)
	le := binary.LittleEndian
	for i, v := range [...]uint32{t.iflag, t.oflag, t.cflag, t.lflag} {
		le.PutUint32(b[4*i:], v)
	}
	b[16] = t.line
	copy(b[17:], t.cc[:])
	if speeds {
		b = le.AppendUint32(le.AppendUint32(b, t.ispeed), t.ospeed)
	}
	return b
}

func (t *termios) decode(b []byte) {
	le := binary.LittleEndian
	for i, v := range [...]*uint32{&t.iflag, &t.oflag, &t.cflag, &t.lflag} {
		*v = le.Uint32(b[4*i:])
	}
	t.line = b[16]
	copy(t.cc[:], b[17:termiosSize])
	if len(b) > termiosSize {
		t.ispeed, t.ospeed = le.Uint32(b[termiosSize:]), le.Uint32(b[termiosSize+4:])
	}
}

// Ioctl is vfs.Ioctler's.
func (m *master) Ioctl(ctx vfs.Ctx, f *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	p, s, addr := m.p, ctx.Space(), usermem.Addr(arg)
	switch cmd {
	case tiocgptn:
		return 0, usermem.CopyOutInt(s, addr, uint32(p.n))
	case tiocsptlck:
		v, errno := usermem.CopyInInt[int32](s, addr)
		if errno == 0 {
			p.mu.Lock()
			p.locked = v != 0
			p.mu.Unlock()
		}
		return 0, errno
	case tiocgptlck:
		p.mu.Lock()
		defer p.mu.Unlock()
		v := int32(0)
		if p.locked {
			v = 1
		}
		return 0, usermem.CopyOutInt(s, addr, v)
	case tiocpkt:
		v, errno := usermem.CopyInInt[int32](s, addr)
		if errno == 0 {
			p.mu.Lock()
			p.packet = v != 0
			p.mu.Unlock()
		}
		return 0, errno
	case tiocgptpeer:
		return p.openPeer(ctx, f, uint32(arg))
	case tiocsig:
		if arg < 1 || arg > 64 {
			return 0, linux.EINVAL
		}
		p.signal(byte(arg))
		return 0, 0
	case fionread:
		p.mu.Lock()
		n := len(p.l.out)
		p.mu.Unlock()
		return 0, usermem.CopyOutInt(s, addr, int32(n))
	}
	return p.ioctl(ctx, cmd, addr, false)
}

// openPeer is TIOCGPTPEER: a descriptor of the slave.
func (p *pty) openPeer(ctx vfs.Ctx, f *vfs.File, flags uint32) (uintptr, linux.Errno) {
	in, ok := ctx.(interface {
		Install(f *vfs.File, cloexec bool) (int32, linux.Errno)
	})
	if !ok {
		return 0, linux.ENOTTY
	}
	ops, errno := p.open()
	if errno != 0 {
		return 0, errno
	}
	p.node.Get()
	nf := vfs.NewFile(ctx, peers.Path(&p.node.Inode, "/dev/pts/"+p.Name()[4:]), ops, flags&(linux.O_ACCMODE|linux.O_NONBLOCK))
	fd, errno := in.Install(nf, flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

var peers = vfs.NewPseudo("devpts", magic)

// Ioctl is vfs.Ioctler's.
func (s *slave) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	p, addr := s.p, usermem.Addr(arg)
	p.mu.Lock()
	gone := p.gone
	p.mu.Unlock()
	if gone {
		return 0, linux.EIO
	}
	if cmd == fionread {
		p.mu.Lock()
		n := len(p.l.in)
		if len(p.l.ends) > 0 {
			n = 0
			for _, e := range p.l.ends {
				n += e.n
			}
		} else if p.l.t.lflag&lICANON != 0 {
			n = 0
		}
		p.mu.Unlock()
		return 0, usermem.CopyOutInt(ctx.Space(), addr, int32(n))
	}
	return p.ioctl(ctx, cmd, addr, true)
}

// ioctl are the requests that both ends have.
func (p *pty) ioctl(ctx vfs.Ctx, cmd uint32, addr usermem.Addr, isSlave bool) (uintptr, linux.Errno) {
	s := ctx.Space()
	switch cmd {
	case tcgets, tcgets2:
		p.mu.Lock()
		b := p.l.t.encode(cmd == tcgets2)
		p.mu.Unlock()
		_, errno := s.CopyOut(addr, b)
		return 0, errno
	case tcsets, tcsetsw, tcsetsf, tcsets2, tcsetsw2, tcsetsf2:
		if isSlave {
			if errno := vfs.CheckForeground(ctx, p, linux.SIGTTOU); errno != 0 {
				return 0, errno
			}
		}
		n := termiosSize
		if cmd > tcsetsf {
			n += 8
		}
		b := make([]byte, n)
		if _, errno := s.CopyIn(addr, b); errno != 0 {
			return 0, errno
		}
		p.setTermios(b, cmd == tcsetsf || cmd == tcsetsf2)
		return 0, 0
	case tiocgwinsz:
		p.mu.Lock()
		v := p.size
		p.mu.Unlock()
		return 0, usermem.CopyOutInts(s, addr, v[:])
	case tiocswinsz:
		v, errno := usermem.CopyInInts[uint16](s, addr, 4)
		if errno == 0 {
			p.resize([4]uint16(v))
		}
		return 0, errno
	case tcflsh:
		if addr > 2 {
			return 0, linux.EINVAL
		}
		p.flush(uint64(addr))
		return 0, 0
	case tcsbrk, tcsbrkp, tcxonc:
		return 0, 0 // nothing is ever in flight
	case tiocoutq:
		p.mu.Lock()
		n := 0
		if isSlave {
			n = len(p.l.out)
		}
		p.mu.Unlock()
		return 0, usermem.CopyOutInt(s, addr, int32(n))
	case tiocsti:
		return 0, linux.EIO
	case tiocgetd:
		return 0, usermem.CopyOutInt(s, addr, int32(0)) // N_TTY
	}
	return vfs.TTYIoctl(ctx, p, cmd, addr)
}

func (p *pty) setTermios(b []byte, flush bool) {
	p.mu.Lock()
	was := p.l.t.lflag & lICANON
	p.l.t.decode(b)
	const csize, cs8, cread, parenb = 0x30, 0x30, 0x80, 0x100
	p.l.t.cflag = p.l.t.cflag&^(csize|parenb) | cs8 | cread // pty_set_termios
	if flush {
		p.l.in, p.l.ends, p.l.edit = nil, nil, nil
	}
	if was != p.l.t.lflag&lICANON {
		p.l.recook()
	}
	p.mu.Unlock()
	p.slaveQueue.Notify(wait.In)
	p.masterQueue.Notify(wait.In)
}

func (p *pty) resize(v [4]uint16) {
	p.mu.Lock()
	same := p.size == v
	p.size = v
	p.mu.Unlock()
	if !same {
		p.signal(linux.SIGWINCH)
	}
}

// SetWinsize is TIOCSWINSZ from outside the sandbox.
func (p *pty) SetWinsize(rows, cols uint16) linux.Errno {
	p.resize([4]uint16{rows, cols})
	return 0
}

// flush is TCFLSH: 0 input, 1 output, 2 both.
func (p *pty) flush(which uint64) {
	p.mu.Lock()
	if which != 1 {
		p.l.in, p.l.ends, p.l.edit = nil, nil, nil
	}
	if which != 0 {
		p.l.out = nil
	}
	p.mu.Unlock()
	p.slaveQueue.Notify(wait.Out)
	p.masterQueue.Notify(wait.Out)
}
