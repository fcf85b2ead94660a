package systrap

import (
	"golang.org/x/sys/unix"
)

// To make a process and a thread costs more than all else that fork(2) and execve(2) do, so those whose
// application has ended are used for others. What the application was is taken from them by the host, whatever
// its threads do: the service thread unmaps all of its memory and the trampolines; sends every thread a
// signal, which no thread can block, for the handler at callBack, which forgets the registers; and has
// membarrier(2) interrupt those processors that run one of them. A processor that comes back from
// an interrupt takes the signal first. When the order is done no thread executes anything but the handler, nor
// will. This waits for the sentry to say on the control page, which is the sentry's to write, that
// it may go on, and then is as a new thread; only then is its area cleared, the last memory that the application had.

const (
	// callBackSignal is sent to threads by their service thread only.
	callBackSignal = unix.SIGUSR2

	mostUsed    = 8 // processes put by
	mostThreads = 4 // of a process that is worth it

	membarrierExpedited = 1 << 3 // MEMBARRIER_CMD_PRIVATE_EXPEDITED
	membarrierRegister  = 1 << 4
)

// retire takes the application's memory from a process, and its threads back. When it returns nothing of
// the memory is mapped any more, even if one of the threads has escaped the sentry's count and runs. false: the
// process is to be ended.
func (s *process) retire() bool {
	s.patches.mu.Lock()
	defer s.patches.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := []call{{unix.SYS_MUNMAP, trampAt, maxAddr - trampAt}}
	again := s.p.again && !s.swept && len(s.all) > 0 && len(s.all) <= mostThreads
	if again {
		s.ctl.fresh.Store(0)
		for _, t := range s.all {
			calls = append(calls, call{unix.SYS_TGKILL, uint64(s.pid), uint64(t.tid), uint64(callBackSignal)})
		}
		calls = append(calls, call{unix.SYS_MEMBARRIER, membarrierExpedited})
	}
	s.later = s.later[:0]
	if _, errno := s.orderLocked(false, calls...); errno != 0 {
		return false
	}
	if !again {
		s.kill()
		return true
	}
	s.unpatchLocked()
	for _, t := range s.all {
		t.area.state.Store(stateRun)
	}
	s.ctl.fresh.Store(1)
	s.retired.Store(true)
	s.putBy()
	return true
}

// putBy keeps a retired process for another address space once no context has a thread of it. mu is held.
func (s *process) putBy() {
	if !s.retired.Load() || len(s.free) != len(s.all) {
		return
	}
	p := s.p
	p.mu.Lock()
	room := len(p.used) < mostUsed
	if room {
		p.used = append(p.used, s)
	}
	p.mu.Unlock()
	if !room {
		s.kill()
	}
}

// reuse returns a process that was put by, empty and with a thread, nil if there is none. ready: one that need
// not be waited for.
func (p *Platform) reuse(ready bool) *process {
	for {
		s := p.takeUsed(ready)
		if s == nil || s.renew() {
			return s
		}
		s.kill()
	}
}

// takeUsed returns the last process put by whose threads have come back, or else, if it need not be ready, the last.
func (p *Platform) takeUsed(ready bool) *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	take := len(p.used) - 1
	for take >= 0 && !p.used[take].back() {
		take--
	}
	if take < 0 && !ready {
		take = len(p.used) - 1
	}
	if take < 0 {
		return nil
	}
	s := p.used[take]
	p.used = append(p.used[:take], p.used[take+1:]...)
	return s
}

// back tells whether all threads wait to begin anew.
func (s *process) back() bool {
	for _, t := range s.all {
		if t.area.state.Load() != stateTrap {
			return false
		}
	}
	return true
}

// renew makes a process that was put by as a new one.
func (s *process) renew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swept {
		return false
	}
	for _, t := range s.all {
		if !t.born() {
			return false
		}
	}
	for _, t := range s.all {
		t.area.wipe()
	}
	s.ran = false
	s.begun.Store(false)
	s.retired.Store(false)
	return !s.dead.Load()
}
