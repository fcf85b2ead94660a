package host

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Classic BPF (include/uapi/linux/bpf_common.h) over struct seccomp_data.
const (
	bpfLoad  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	bpfAnd   = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	bpfJump  = unix.BPF_JMP | unix.BPF_JA
	bpfEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	bpfAbove = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	bpfRet   = unix.BPF_RET | unix.BPF_K

	dataNo   = 0
	dataArch = 4
	dataIP   = 8
	dataArgs = 16

	x32Bit = 0x40000000
)

// What becomes of a call (include/uapi/linux/seccomp.h).
const (
	retKill  = unix.SECCOMP_RET_KILL_PROCESS
	retAllow = unix.SECCOMP_RET_ALLOW
)

func stmt(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func jump(code uint16, k uint32, jt, jf int) unix.SockFilter {
	if jt > 255 || jf > 255 {
		panic("host: seccomp jump too far")
	}
	return unix.SockFilter{Code: code, Jt: uint8(jt), Jf: uint8(jf), K: k}
}

// Compile makes the seccomp filter of a table: calls of the x86-64 ABI that a row allows pass, everything
// else kills the process. Rows of the same call add up. self is the process id for Check.Self.
func Compile(calls []Call, self int) ([]unix.SockFilter, error) {
	rows := merge(calls)
	prog := []unix.SockFilter{
		stmt(bpfLoad, dataArch),
		jump(bpfEqual, unix.AUDIT_ARCH_X86_64, 1, 0),
		stmt(bpfRet, retKill),
		stmt(bpfLoad, dataNo),
		jump(bpfAbove, x32Bit, 0, 1),
		stmt(bpfRet, retKill),
	}
	prog = append(prog, search(rows, self)...)
	if len(prog) > unix.BPF_MAXINSNS {
		return nil, fmt.Errorf("seccomp filter of %d instructions", len(prog))
	}
	return prog, nil
}

// merge sorts the rows by number and joins those of one call.
func merge(calls []Call) []Call {
	rows := slices.Clone(calls)
	slices.SortStableFunc(rows, func(a, b Call) int { return int(a.No) - int(b.No) })
	out := rows[:0]
	for _, c := range rows {
		if n := len(out); n > 0 && out[n-1].No == c.No {
			if len(c.Any) == 0 || len(out[n-1].Any) == 0 {
				out[n-1].Any = nil
			} else {
				out[n-1].Any = slices.Concat(out[n-1].Any, c.Any)
			}
			continue
		}
		out = append(out, c)
	}
	return out
}

// search is a binary search for the number in the accumulator among the rows.
func search(rows []Call, self int) []unix.SockFilter {
	if len(rows) <= 3 {
		var code []unix.SockFilter
		for _, c := range rows {
			block := verdict(c.Any, self)
			if len(block) <= 255 {
				code = append(code, jump(bpfEqual, c.No, 0, len(block)))
			} else {
				code = append(code, jump(bpfEqual, c.No, 1, 0), stmt(bpfJump, uint32(len(block))))
			}
			code = append(code, block...)
		}
		return append(code, stmt(bpfRet, retKill))
	}
	mid := len(rows) / 2
	low, high := search(rows[:mid], self), search(rows[mid:], self)
	code := []unix.SockFilter{
		jump(bpfAbove, rows[mid].No, 0, 1),
		stmt(bpfJump, uint32(len(low))),
	}
	return append(append(code, low...), high...)
}

// verdict decides about a call by its arguments.
func verdict(alternatives []Checks, self int) []unix.SockFilter {
	if len(alternatives) == 0 {
		return []unix.SockFilter{stmt(bpfRet, retAllow)}
	}
	var code []unix.SockFilter
	for _, checks := range alternatives {
		var words []wordCheck
		for _, c := range checks {
			words = append(words, c.words(self)...)
		}
		body := []unix.SockFilter{stmt(bpfRet, retAllow)}
		for _, w := range slices.Backward(words) {
			body = append(w.code(len(body)), body...)
		}
		code = append(code, body...)
	}
	return append(code, stmt(bpfRet, retKill))
}

// wordCheck is a check of one 32-bit half of an argument.
type wordCheck struct{ offset, mask, value uint32 }

func (c Check) words(self int) []wordCheck {
	value := c.Value
	if c.Self {
		value = uint64(self)
	}
	var out []wordCheck
	for half := range 2 {
		mask := uint32(c.Mask >> (32 * half))
		if mask != 0 {
			out = append(out, wordCheck{uint32(dataArgs + 8*c.Arg + 4*half), mask, uint32(value>>(32*half)) & mask})
		}
	}
	return out
}

// code skips the next rest instructions if the check fails.
func (w wordCheck) code(rest int) []unix.SockFilter {
	code := []unix.SockFilter{stmt(bpfLoad, w.offset)}
	if w.mask != ^uint32(0) {
		code = append(code, stmt(bpfAnd, w.mask))
	}
	return append(code, jump(bpfEqual, w.value, 0, rest))
}
