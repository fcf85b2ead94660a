package devpts

import (
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Requests (include/uapi/asm-generic/ioctls.h).
const (
	tcgets      = 0x5401
	tcsets      = 0x5402
	tcsetsw     = 0x5403
	tcsetsf     = 0x5404
	tcgeta      = 0x5405
	tcseta      = 0x5406
	tcsetaw     = 0x5407
	tcsetaf     = 0x5408
	tcsbrk      = 0x5409
	tcxonc      = 0x540a
	tcflsh      = 0x540b
	tiocexcl    = 0x540c
	tiocnxcl    = 0x540d
	tiocoutq    = 0x5411
	tiocsti     = 0x5412
	tiocgwinsz  = 0x5413
	tiocswinsz  = 0x5414
	tiocpkt     = 0x5420
	tiocsetd    = 0x5423
	tiocgetd    = 0x5424
	tcsbrkp     = 0x5425
	tiocsbrk    = 0x5427
	tioccbrk    = 0x5428
	tcgets2     = 0x802c542a
	tcsets2     = 0x402c542b
	tcsetsw2    = 0x402c542c
	tcsetsf2    = 0x402c542d
	tiocgptn    = 0x80045430
	tiocsptlck  = 0x40045431
	tiocgdev    = 0x80045432
	tiocsig     = 0x40045436
	tiocvhangup = 0x5437
	tiocgpkt    = 0x80045438
	tiocgptlck  = 0x80045439
	tiocgexcl   = 0x80045440
	tiocgptpeer = 0x5441

	tiocglcktrmios = 0x5456
	tiocslcktrmios = 0x5457
)

// Ioctl is vfs.Ioctler's.
func (m *master) Ioctl(ctx vfs.Ctx, f *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	p, s, addr := m.p, ctx.Space(), usermem.Addr(arg)
	switch cmd {
	case tiocgptn:
		return 0, usermem.CopyOutInt(s, addr, uint32(p.n))
	case tiocsptlck:
		return 0, p.setBool(s, addr, func(v bool) { p.locked = v })
	case tiocgptlck:
		return 0, p.getBool(s, addr, &p.locked)
	case tiocpkt:
		return 0, p.setBool(s, addr, func(v bool) {
			if v && !p.l.packet {
				p.l.status = 0
			}
			p.l.packet = v
		})
	case tiocgpkt:
		return 0, p.getBool(s, addr, &p.l.packet)
	case tiocgptpeer:
		return m.openPeer(ctx, f, uint32(arg))
	case tiocsig:
		switch arg {
		case linux.SIGINT, linux.SIGQUIT, linux.SIGTSTP:
			p.signal(int(arg))
			return 0, 0
		}
		return 0, linux.EINVAL
	case linux.FIONREAD:
		p.mu.Lock()
		n := min(len(p.l.out), readAhead)
		p.mu.Unlock()
		return 0, usermem.CopyOutInt(s, addr, int32(n))
	}
	return p.ioctl(ctx, f, cmd, addr, false)
}

// setBool copies an int in and gives it to set as a truth value.
func (p *pty) setBool(s *usermem.Space, addr usermem.Addr, set func(v bool)) linux.Errno {
	v, errno := usermem.CopyInInt[int32](s, addr)
	if errno == 0 {
		p.mu.Lock()
		set(v != 0)
		p.mu.Unlock()
	}
	return errno
}

func (p *pty) getBool(s *usermem.Space, addr usermem.Addr, v *bool) linux.Errno {
	p.mu.Lock()
	n := int32(0)
	if *v {
		n = 1
	}
	p.mu.Unlock()
	return usermem.CopyOutInt(s, addr, n)
}

// openPeer is TIOCGPTPEER: a descriptor of the slave, whatever the caller's paths show.
func (m *master) openPeer(ctx vfs.Ctx, f *vfs.File, flags uint32) (uintptr, linux.Errno) {
	in, ok := ctx.(interface {
		Install(f *vfs.File, cloexec bool) (int32, linux.Errno)
	})
	if !ok {
		return 0, linux.ENOTTY
	}
	at, d, errno := dirOf(f)
	if errno != 0 {
		return 0, errno
	}
	defer at.Put()
	if d.fs != m.p.fs {
		return 0, linux.ENODEV
	}
	path, errno := vfs.Walk(vfs.KernelCtx{}, vfs.At{Root: at, Start: at}, strconv.Itoa(m.p.n), 0)
	if errno != 0 {
		return 0, linux.EIO
	}
	ops, errno := m.p.open(ctx)
	if errno != 0 {
		path.Put()
		return 0, errno
	}
	fd, errno := in.Install(vfs.NewFile(ctx, path, ops, flags&(linux.O_ACCMODE|linux.O_NONBLOCK)), flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

// Ioctl is vfs.Ioctler's.
func (s *slave) Ioctl(ctx vfs.Ctx, f *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	p, addr := s.p, usermem.Addr(arg)
	p.mu.Lock()
	dead, n := s.deadLocked(), p.l.count()
	p.mu.Unlock()
	switch {
	case dead && cmd == vfs.TIOCSPGRP:
		return 0, linux.ENOTTY
	case dead:
		return 0, linux.EIO
	case cmd == linux.FIONREAD:
		return 0, usermem.CopyOutInt(ctx.Space(), addr, int32(n))
	}
	return p.ioctl(ctx, f, cmd, addr, true)
}

// ioctl are the requests that both ends have; slave tells which it is.
func (p *pty) ioctl(ctx vfs.Ctx, f *vfs.File, cmd uint32, addr usermem.Addr, slave bool) (uintptr, linux.Errno) {
	s := ctx.Space()
	switch cmd {
	case tcgeta, tcgets, tcgets2:
		return 0, p.getTermios(s, addr, &p.l.t, sizeOf(cmd))
	case tcseta, tcsetaw, tcsetaf, tcsets, tcsetsw, tcsetsf, tcsets2, tcsetsw2, tcsetsf2:
		return 0, p.setTermios(ctx, cmd, addr)
	case tiocglcktrmios:
		return 0, p.getTermios(s, addr, &p.lock, termiosSize)
	case tiocslcktrmios:
		return 0, p.lockTermios(ctx, addr)
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
		return 0, p.flush(ctx, uint64(addr), slave)
	case tcxonc:
		return 0, p.flow(ctx, uint64(addr), slave)
	case tcsbrk, tcsbrkp, tiocsbrk: // a pty sends no breaks, and what is written has arrived
		return 0, vfs.CheckForeground(ctx, p, linux.SIGTTOU)
	case tioccbrk:
		return 0, 0
	case tiocoutq:
		return 0, usermem.CopyOutInt(s, addr, int32(0))
	case tiocsti:
		return 0, linux.EIO // dev.tty.legacy_tiocsti is 0
	case tiocexcl, tiocnxcl:
		p.mu.Lock()
		p.exclusive = cmd == tiocexcl
		p.mu.Unlock()
		return 0, 0
	case tiocgexcl:
		return 0, p.getBool(s, addr, &p.exclusive)
	case tiocgetd:
		return 0, usermem.CopyOutInt(s, addr, int32(0))
	case tiocsetd:
		v, errno := usermem.CopyInInt[int32](s, addr)
		if errno == 0 && v != 0 {
			errno = linux.EINVAL // N_TTY is the only discipline
		}
		return 0, errno
	case tiocgdev:
		return 0, usermem.CopyOutInt(s, addr, uint32(p.Dev()))
	case tiocvhangup:
		if !ctx.Cred().Has(linux.CAP_SYS_ADMIN) {
			return 0, linux.EPERM
		}
		p.hangup()
		return 0, 0
	}
	return vfs.TTYIoctl(ctx, p, f, cmd, addr, slave)
}

// sizeOf is the size of the struct that a request about settings means.
func sizeOf(cmd uint32) int {
	switch {
	case cmd >= tcgeta && cmd <= tcsetaf:
		return termioSize
	case cmd <= tcsetsf:
		return termiosSize
	}
	return termios2Size
}

// getTermios copies t out as the struct of size bytes.
func (p *pty) getTermios(s *usermem.Space, addr usermem.Addr, t *termios, size int) linux.Errno {
	p.mu.Lock()
	b := t.encode(size)
	p.mu.Unlock()
	_, errno := s.CopyOut(addr, b)
	return errno
}

// setTermios changes the settings; the F requests drop unread input first.
func (p *pty) setTermios(ctx vfs.Ctx, cmd uint32, addr usermem.Addr) linux.Errno {
	if errno := vfs.CheckForeground(ctx, p, linux.SIGTTOU); errno != 0 {
		return errno
	}
	b := make([]byte, sizeOf(cmd))
	if _, errno := ctx.Space().CopyIn(addr, b); errno != 0 {
		return errno
	}
	p.change(func() {
		if cmd == tcsetaf || cmd == tcsetsf || cmd == tcsetsf2 {
			p.l.flushInput()
		}
		t := p.l.t
		t.decode(b)
		t.cflag = t.cflag&^(cCSIZE|cPARENB) | cCS8 | cCREAD // always, of a pty (pty_set_termios)
		t.keep(&p.l.t, &p.lock)
		p.l.set(t)
	})
	return 0
}

// lockTermios is TIOCSLCKTRMIOS: what is set in the struct cannot be changed any more (TIOCGLCKTRMIOS(2const)).
func (p *pty) lockTermios(ctx vfs.Ctx, addr usermem.Addr) linux.Errno {
	if c := ctx.Cred(); !c.Has(linux.CAP_SYS_ADMIN) && !c.Has(linux.CAP_CHECKPOINT_RESTORE) {
		return linux.EPERM
	}
	b := make([]byte, termiosSize)
	if _, errno := ctx.Space().CopyIn(addr, b); errno != 0 {
		return errno
	}
	p.mu.Lock()
	p.lock.decode(b)
	p.mu.Unlock()
	return 0
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

// Arguments of TCFLSH and TCXONC.
const (
	tciflush = 0
	tcoflush = 1

	tcooff = 0
	tcoon  = 1
	tcioff = 2
	tcion  = 3
)

// flush is TCFLSH: input, output or both of the end that asks.
func (p *pty) flush(ctx vfs.Ctx, which uint64, slave bool) linux.Errno {
	if which > tcoflush+1 {
		return linux.EINVAL
	}
	if slave {
		if errno := vfs.CheckForeground(ctx, p, linux.SIGTTOU); errno != 0 {
			return errno
		}
	}
	p.change(func() {
		switch {
		case slave:
			if which != tcoflush {
				p.typed = nil
				p.l.flushInput()
			}
			if which != tciflush {
				p.l.flush()
			}
		default:
			if which != tcoflush {
				p.l.out = nil
			}
			if which != tciflush {
				p.typed = nil
			}
		}
	})
	return 0
}

// flow is TCXONC: stopping one's own output, or asking the other end to stop.
func (p *pty) flow(ctx vfs.Ctx, how uint64, slave bool) linux.Errno {
	if how > tcion {
		return linux.EINVAL
	}
	if slave {
		if errno := vfs.CheckForeground(ctx, p, linux.SIGTTOU); errno != 0 {
			return errno
		}
	}
	p.change(func() {
		l := &p.l
		switch {
		case how <= tcoon && !slave:
			p.halted = how == tcooff
		case how == tcooff:
			l.held = true
			l.stop()
		case how == tcoon && l.held:
			l.held = false
			l.start()
		case how >= tcioff:
			c := l.t.cc[vSTOP]
			if how == tcion {
				c = l.t.cc[vSTART]
			}
			if c != 0 && slave {
				l.out = append(l.out, c)
			} else if c != 0 && len(p.typed) < maxTyped {
				p.typed = append(p.typed, c)
			}
		}
	})
	return 0
}
