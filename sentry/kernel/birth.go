package kernel

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// birth is a process on its way into the world, which kill(2) does not find yet. What is sent meanwhile to
// its parent's process group, or to everybody, is meant for it, too (struct multiprocess_signals,
// kernel/fork.c). It is guarded by the parent's Group.mu.
type birth struct {
	signals linux.SignalSet
}

// beginBirth: a signal that t is to take comes before the new process, which is then made by a restarted call.
func (t *Task) beginBirth(b *birth) linux.Errno {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.hasPendingLocked() {
		return linux.ERESTARTNOINTR
	}
	g.births = append(g.births, b)
	return 0
}

func (t *Task) endBirth(b *birth) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.births, b); i >= 0 {
		g.births = slices.Delete(g.births, i, i+1)
	}
}

// sendToMany sends a signal that goes to other groups, too: a process group, or all. tasks is held.
func (g *Group) sendToMany(info *linux.Siginfo) linux.Errno {
	g.mu.Lock()
	defer g.mu.Unlock()
	signo := int(info.Signo)
	if len(g.births) > 0 && !g.ignored(info, nil) {
		for _, b := range g.births {
			switch bit := linux.SignalBit(signo); {
			case signo == linux.SIGCONT:
				b.signals &^= linux.StopSignals
			case bit&linux.StopSignals != 0:
				b.signals &^= linux.SignalBit(linux.SIGCONT)
			}
			b.signals |= linux.SignalBit(signo)
		}
	}
	return g.sendLocked(queuedSignal{info: *info}, nil)
}
