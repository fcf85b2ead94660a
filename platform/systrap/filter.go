package systrap

import (
	"golang.org/x/sys/unix"
)

// What the host lets a stub do (include/uapi/linux/seccomp.h, struct seccomp_data): the service
// thread's calls from its page, the application threads' from theirs. What is not allowed becomes
// SIGSYS. Everybody has this one filter. Application threads have syscall user dispatch as well,
// which allows calls from their page only; where the host does not know it, a second filter. That costs
// every new thread the compilation of a filter, 30 µs and more.

// Flags of clone(2) with which the service thread makes threads and processes.
const (
	threadFlags  = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM
	processFlags = unix.CLONE_PARENT | unix.CLONE_FILES | int(unix.SIGCHLD)
)

const (
	dataNo   = 0
	dataArch = 4
	dataIP   = 8
	dataArgs = 16

	bpfLoad  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	bpfAnd   = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	bpfEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	bpfAbove = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	bpfJump  = unix.BPF_JMP | unix.BPF_JA
	bpfRet   = unix.BPF_RET | unix.BPF_K
)

// argument is a check of the lower half of an argument.
type argument struct {
	n           int
	mask, value uint32
}

// rule allows a call if all its checks hold.
type rule struct {
	no     uint32
	checks []argument
}

// serviceRules are what service threads do.
func serviceRules(ctlFD int) []rule {
	all := ^uint32(0)
	return []rule{
		{unix.SYS_FUTEX, nil},
		{unix.SYS_MMAP, []argument{{3, unix.MAP_FIXED, unix.MAP_FIXED}}},
		{unix.SYS_MUNMAP, nil},
		{unix.SYS_MPROTECT, nil},
		{unix.SYS_PWRITE64, []argument{{0, all, uint32(ctlFD)}}},
		{unix.SYS_MADVISE, []argument{{2, all, unix.MADV_DONTFORK}}},
		{unix.SYS_CLONE, []argument{{0, all, threadFlags}}},
		{unix.SYS_CLONE, []argument{{0, all, uint32(processFlags)}}},
		{unix.SYS_SIGALTSTACK, nil},
		{unix.SYS_RT_SIGPROCMASK, nil},
		{unix.SYS_SECCOMP, nil},
		{unix.SYS_PRCTL, []argument{{0, all, unix.PR_SET_PDEATHSIG}}},
		{unix.SYS_PRCTL, []argument{{0, all, unix.PR_SET_DUMPABLE}, {1, ^uint32(1), 0}}},
		{unix.SYS_PRCTL, []argument{{0, all, setUserDispatch}, {1, all, 1}, {2, all, textAt}, {3, all, textSize}, {4, all, 0}}},
		{unix.SYS_EXIT_GROUP, nil},
		{unix.SYS_TGKILL, []argument{{2, all, uint32(callBackSignal)}}},
		{unix.SYS_MEMBARRIER, []argument{{0, all, membarrierExpedited}}},
	}
}

// wordRules are what an application thread does with words of the thread areas and of the control page: it waits on
// them, and wakes. threadRules is what it may do besides.
func wordRules() []rule {
	const waitOrWake = 1 // FUTEX_WAIT is 0, FUTEX_WAKE 1
	return []rule{{unix.SYS_FUTEX, []argument{{1, ^uint32(waitOrWake), 0}}}}
}

func threadRules() []rule { return []rule{{unix.SYS_SCHED_YIELD, nil}} }

// setUserDispatch is PR_SET_SYSCALL_USER_DISPATCH (Linux 5.11).
const setUserDispatch = 59

// userDispatch tells whether the host knows it.
func userDispatch() bool { return unix.Prctl(setUserDispatch, 0, 0, 0, 0) == nil }

func load(off uint32) unix.SockFilter { return unix.SockFilter{Code: bpfLoad, K: off} }

var trap = unix.SockFilter{Code: bpfRet, K: unix.SECCOMP_RET_TRAP}

// need traps unless the accumulator is k.
func need(code uint16, k uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: code, K: k, Jt: 1}, trap}
}

// compile makes a filter of what may be called from pages: rules by the page's address.
func compile(pages ...page) []unix.SockFilter {
	f := append([]unix.SockFilter{load(dataArch)}, need(bpfEqual, unix.AUDIT_ARCH_X86_64)...)
	f = append(append(f, load(dataIP+4)), need(bpfEqual, 0)...)
	for _, p := range pages {
		body := p.body()
		f = append(f, load(dataIP), unix.SockFilter{Code: bpfAnd, K: ^uint32(pageSize - 1)},
			unix.SockFilter{Code: bpfEqual, K: p.at, Jf: uint8(len(body))})
		f = append(f, body...)
	}
	return append(f, trap)
}

// page is what may be called from one.
type page struct {
	at    uint32
	rules []rule
	words []rule // those whose first argument must be an address in the thread areas or the control page
}

// body is the filter of a page. It never runs to its end.
func (p page) body() (f []unix.SockFilter) {
	f = rulesFilter(p.rules)
	if p.words != nil {
		areas := append(need(bpfEqual, areaAt>>32), load(dataArgs))
		areas = append(areas, need(bpfAbove, areaAt&0xffffffff)...)
		control := append([]unix.SockFilter{load(dataArgs), {Code: bpfAnd, K: ^uint32(pageSize - 1)}}, need(bpfEqual, ctlAt)...)
		control = append(control, unix.SockFilter{Code: bpfJump, K: uint32(len(areas))})
		f = append(f, load(dataArgs+4), unix.SockFilter{Code: bpfEqual, K: 0, Jf: uint8(len(control))})
		f = append(append(f, control...), areas...)
		f = append(f, rulesFilter(p.words)...)
	}
	return append(f, trap)
}

// rulesFilter allows what a rule allows, and else runs to its end.
func rulesFilter(rules []rule) (f []unix.SockFilter) {
	for _, r := range rules {
		var body []unix.SockFilter
		for i := len(r.checks) - 1; i >= 0; i-- {
			c := r.checks[i]
			check := []unix.SockFilter{load(dataArgs + 8*uint32(c.n)), {Code: bpfAnd, K: c.mask},
				{Code: bpfEqual, K: c.value, Jf: uint8(len(body) + 1)}}
			body = append(check, body...)
		}
		body = append(body, unix.SockFilter{Code: bpfRet, K: unix.SECCOMP_RET_ALLOW})
		f = append(f, load(dataNo), unix.SockFilter{Code: bpfEqual, K: r.no, Jf: uint8(len(body))})
		f = append(f, body...)
	}
	return f
}
