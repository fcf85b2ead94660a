package systrap

import (
	"golang.org/x/sys/unix"
)

// What seccomp lets a stub do (include/uapi/linux/seccomp.h, struct seccomp_data). Two filters:
// everybody has the first, application threads have the second as well, and the stricter
// answer counts. What is not allowed becomes SIGSYS.

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

// masterRules are what service threads do.
func masterRules(ctlFD int) []rule {
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
		{unix.SYS_EXIT_GROUP, nil},
	}
}

// threadRules are what an application thread does: it waits on, and wakes, words of the thread
// areas.
func threadRules() []rule {
	const waitOrWake = 1 // FUTEX_WAIT is 0, FUTEX_WAKE 1
	return []rule{{unix.SYS_FUTEX, []argument{{1, ^uint32(waitOrWake), 0}}}}
}

// compile makes a filter of rules. With inAreas the first argument of each must be an address
// in the thread areas.
func compile(rules []rule, inAreas bool) []unix.SockFilter {
	trap := unix.SockFilter{Code: bpfRet, K: unix.SECCOMP_RET_TRAP}
	load := func(off uint32) unix.SockFilter { return unix.SockFilter{Code: bpfLoad, K: off} }
	// need traps unless the comparison of the accumulator has the wanted outcome.
	need := func(code uint16, k uint32, outcome bool) []unix.SockFilter {
		j := unix.SockFilter{Code: code, K: k, Jt: 1}
		if !outcome {
			j.Jt, j.Jf = 0, 1
		}
		return []unix.SockFilter{j, trap}
	}
	var f []unix.SockFilter
	add := func(parts ...[]unix.SockFilter) {
		for _, p := range parts {
			f = append(f, p...)
		}
	}
	one := func(s unix.SockFilter) []unix.SockFilter { return []unix.SockFilter{s} }
	add(one(load(dataArch)), need(bpfEqual, unix.AUDIT_ARCH_X86_64, true))
	add(one(load(dataIP+4)), need(bpfEqual, 0, true))
	add(one(load(dataIP)), need(bpfAbove, textAt, true), need(bpfAbove, textAt+textSize, false))
	if inAreas {
		add(one(load(dataArgs+4)), need(bpfEqual, areaAt>>32, true))
		add(one(load(dataArgs)), need(bpfAbove, areaAt&0xffffffff, true))
	}
	for _, r := range rules {
		var body []unix.SockFilter
		for i := len(r.checks) - 1; i >= 0; i-- {
			c := r.checks[i]
			check := []unix.SockFilter{load(dataArgs + 8*uint32(c.n)), {Code: bpfAnd, K: c.mask},
				{Code: bpfEqual, K: c.value, Jf: uint8(len(body) + 1)}}
			body = append(check, body...)
		}
		body = append(body, unix.SockFilter{Code: bpfRet, K: unix.SECCOMP_RET_ALLOW})
		add(one(load(dataNo)), one(unix.SockFilter{Code: bpfEqual, K: r.no, Jf: uint8(len(body))}), body)
	}
	return append(f, trap)
}
