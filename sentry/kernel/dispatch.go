package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// userDispatch is prctl(2) PR_SET_SYSCALL_USER_DISPATCH: system calls made outside a range raise
// SIGSYS if the selector says so (kernel/entry/syscall_user_dispatch.c). Of the task's goroutine.
type userDispatch struct {
	on         bool
	start, len uint64
	selector   usermem.Addr // 0: none, all calls are blocked
}

// SetUserDispatch begins it, or ends it with on false.
func (t *Task) SetUserDispatch(on bool, start, n uint64, selector usermem.Addr) linux.Errno {
	if !on {
		if start|n|uint64(selector) != 0 {
			return linux.EINVAL
		}
		t.run.dispatch = userDispatch{}
		return 0
	}
	if start != 0 && start+n <= start {
		return linux.EINVAL
	}
	if selector >= arch.TaskSizeMax {
		return linux.EFAULT
	}
	t.run.dispatch = userDispatch{true, start, n, selector}
	return 0
}

// dispatched looks at a call: true if it is not made, but a signal raised.
func (t *Task) dispatched() bool {
	const allow, block = 0, 1
	d, r := &t.run.dispatch, &t.run.regs
	if r.Rip-d.start < d.len {
		return false
	}
	if d.selector != 0 {
		var state [1]byte
		if _, errno := t.Space().CopyIn(d.selector, state[:]); errno != 0 {
			t.killGroup(linux.SIGSEGV)
			return true
		}
		switch state[0] {
		case allow:
			return false
		case block:
		default:
			t.killGroup(linux.SIGSYS)
			return true
		}
	}
	const userDispatchCode = 2 // SYS_USER_DISPATCH
	nr := r.OrigRax
	info := linux.Siginfo{Signo: linux.SIGSYS, Code: userDispatchCode}
	info.SetSyscall(r.Rip, int32(nr), auditArchX8664)
	r.Rax, r.OrigRax = nr, ^uint64(0)
	t.forceSignal(&info)
	return true
}
