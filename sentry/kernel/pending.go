package kernel

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// pendingSignals is a queue of signals (struct sigpending): a set, and the information of each in
// the order of arrival. Signals below SIGRTMIN are queued once.
type pendingSignals struct {
	set   linux.SignalSet
	queue []queuedSignal
}

type queuedSignal struct {
	info  linux.Siginfo
	timer *posixTimer // SI_TIMER: its overrun is read when the signal is taken
}

// add queues q, unless a standard signal is pending already.
func (p *pendingSignals) add(q queuedSignal) (added bool) {
	signo := int(q.info.Signo)
	if signo < linux.SIGRTMIN && p.set.Has(signo) {
		return false
	}
	p.set |= linux.SignalBit(signo)
	p.queue = append(p.queue, q)
	return true
}

// next is the signal of set to be taken first: synchronous ones, then by number
// (next_signal, kernel/signal.c). 0: none.
func (p *pendingSignals) next(set linux.SignalSet) int {
	s := p.set & set
	if s == 0 {
		return 0
	}
	if sync := s & linux.SyncSignals; sync != 0 {
		s = sync
	}
	n := 1
	for s&1 == 0 {
		s >>= 1
		n++
	}
	return n
}

// take removes the first instance of signo.
func (p *pendingSignals) take(signo int) queuedSignal {
	out := queuedSignal{info: linux.Siginfo{Signo: int32(signo)}}
	found, more := -1, false
	for i := range p.queue {
		if int(p.queue[i].info.Signo) != signo {
			continue
		}
		if found < 0 {
			found = i
		} else {
			more = true
			break
		}
	}
	if found >= 0 {
		out = p.queue[found]
		p.queue = slices.Delete(p.queue, found, found+1)
	}
	if !more {
		p.set &^= linux.SignalBit(signo)
	}
	return out
}

// flush drops the signals of set.
func (p *pendingSignals) flush(set linux.SignalSet) {
	if p.set&set == 0 {
		return
	}
	p.set &^= set
	kept := p.queue[:0]
	for _, q := range p.queue {
		if !set.Has(int(q.info.Signo)) {
			kept = append(kept, q)
		}
	}
	p.queue = kept
}

// dropTimer removes the signals of a timer that is deleted.
func (p *pendingSignals) dropTimer(tm *posixTimer) {
	for i := range p.queue {
		if p.queue[i].timer != tm {
			continue
		}
		signo := p.queue[i].info.Signo
		p.queue = slices.Delete(p.queue, i, i+1)
		if !slices.ContainsFunc(p.queue, func(q queuedSignal) bool { return q.info.Signo == signo }) {
			p.set &^= linux.SignalBit(int(signo))
		}
		return
	}
}

// hasTimer tells whether a signal of tm is queued.
func (p *pendingSignals) hasTimer(tm *posixTimer) bool {
	for i := range p.queue {
		if p.queue[i].timer == tm {
			return true
		}
	}
	return false
}
