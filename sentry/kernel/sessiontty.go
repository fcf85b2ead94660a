package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// The kernel's side of terminals: vfs.Session, vfs.ProcessGroup and vfs.JobControl
// (drivers/tty/tty_jobctrl.c).

var _ vfs.JobControl = (*Task)(nil)

// Signal sends signo to every member, as the kernel.
func (pg *ProcessGroup) Signal(signo int) {
	k := pg.session.k
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	pg.signalLocked(signo)
}

// Orphaned tells whether nobody could continue the group if it stopped.
func (pg *ProcessGroup) Orphaned() bool {
	k := pg.session.k
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	return pg.orphaned(nil)
}

// Session is the session the group is in.
func (pg *ProcessGroup) Session() vfs.Session { return pg.session }

// Hangup sends SIGHUP and SIGCONT to the leader and takes the terminal away (__tty_hangup). The
// foreground group hears of it when the leader ends.
func (s *Session) Hangup() {
	s.k.tasks.Lock()
	defer s.k.tasks.Unlock()
	if s.tty == nil {
		return
	}
	s.oldForeground, _ = s.tty.Foreground().(*ProcessGroup)
	if s.leader != nil {
		for _, signo := range []int{linux.SIGHUP, linux.SIGCONT} {
			info := linux.Siginfo{Signo: int32(signo), Code: linux.SI_KERNEL}
			s.leader.send(&info, nil)
		}
	}
	s.clearTTY()
}

// clearTTY takes the terminal from every process of the session (session_clear_tty). tasks is held.
func (s *Session) clearTTY() {
	s.tty.SetSession(nil, nil)
	s.tty = nil
	for pg := range s.groups {
		for _, g := range pg.members {
			g.tty = nil
		}
	}
}

// TTY is the controlling terminal. A process has its session's, unless it has given it up or was
// there before it.
func (t *Task) TTY() vfs.TTY {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	return t.group.tty
}

// ProcessGroup is the task's process group.
func (t *Task) ProcessGroup() vfs.ProcessGroup {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	return t.group.pgrp
}

// SetTTY is TIOCSCTTY (tiocsctty).
func (t *Task) SetTTY(tty vfs.TTY, steal bool) linux.Errno {
	t.k.tasks.Lock()
	defer t.k.tasks.Unlock()
	s := t.group.pgrp.session
	if s.leader == t.group && s.tty == tty {
		return 0
	}
	if s.leader != t.group || t.group.tty != nil {
		return linux.EPERM
	}
	if other, _ := tty.Session().(*Session); other != nil {
		if !steal || !t.Cred().Has(linux.CAP_SYS_ADMIN) {
			return linux.EPERM
		}
		other.clearTTY()
	}
	s.tty, t.group.tty, s.oldForeground = tty, tty, nil
	tty.SetSession(s, t.group.pgrp)
	return 0
}

// DropTTY is TIOCNOTTY; of a session leader it takes the terminal from the whole session and
// hangs up the foreground group (disassociate_ctty).
func (t *Task) DropTTY() linux.Errno {
	t.k.tasks.Lock()
	defer t.k.tasks.Unlock()
	s := t.group.pgrp.session
	if t.group.tty == nil {
		return linux.ENOTTY
	}
	if s.leader == t.group {
		s.dropTTY(false)
	}
	t.group.tty = nil
	return 0
}

// dropTTY ends the session's hold on its terminal, when its leader gives it up or ends (exit). Called
// with tasks held.
func (s *Session) dropTTY(exit bool) {
	fg, had := s.oldForeground, s.tty != nil
	if had {
		fg, _ = s.tty.Foreground().(*ProcessGroup)
		s.clearTTY()
	}
	s.oldForeground = nil
	if fg == nil {
		return
	}
	fg.signalLocked(linux.SIGHUP)
	if !exit || !had {
		fg.signalLocked(linux.SIGCONT)
	}
}

// FindProcessGroup finds a process group of the caller's session.
func (t *Task) FindProcessGroup(nr int32) (vfs.ProcessGroup, linux.Errno) {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	p := t.pid.ns().pids[nr]
	if p == nil || p.pgrp == nil {
		return nil, linux.ESRCH
	}
	if p.pgrp.session != t.group.pgrp.session {
		return nil, linux.EPERM
	}
	return p.pgrp, 0
}

// ProcessGroupID is g's number as the caller sees it.
func (t *Task) ProcessGroupID(g vfs.ProcessGroup) int32 {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	if pg, ok := g.(*ProcessGroup); ok && pg != nil {
		return pg.pid.NrIn(t.pid.ns())
	}
	return 0
}

// SessionID is s's number as the caller sees it.
func (t *Task) SessionID(s vfs.Session) int32 {
	t.k.tasks.RLock()
	defer t.k.tasks.RUnlock()
	if it, ok := s.(*Session); ok && it != nil {
		return it.pid.NrIn(t.pid.ns())
	}
	return 0
}

// Ignores tells whether the task ignores or blocks signo.
func (t *Task) Ignores(signo int) bool {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return t.sig.blocked.Has(signo) || t.group.sighand.action(signo).Handler == linux.SIG_IGN
}

// SignalForeground sends signo to the foreground process group of the terminal of g's session:
// false if there is none.
func (g *Group) SignalForeground(signo int) bool {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	if g.pgrp == nil || g.pgrp.session.tty == nil {
		return false
	}
	fg, _ := g.pgrp.session.tty.Foreground().(*ProcessGroup)
	if fg == nil {
		return false
	}
	fg.signalLocked(signo)
	return true
}
