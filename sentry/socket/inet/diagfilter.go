package inet

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// diagFilter is the program that ss(8) makes of its filter: conditions that jump forward (inet_diag_bc_op). What has been
// checked ends.
type diagFilter []byte

// diagEntry is what a filter looks at.
type diagEntry struct {
	family       uint8
	src, dst     [16]byte // of IPv4 the first four
	sport, dport uint16
	link         int32
	mark         uint32
	chosenPort   bool // the port was not asked for
}

const bcOp = 4 // struct inet_diag_bc_op: code, yes, no

func (f diagFilter) op() (code uint8, yes, no int) {
	return f[0], int(f[1]), int(binary.LittleEndian.Uint16(f[2:]))
}

// check is inet_diag_bc_audit.
func (f diagFilter) check(admin bool) linux.Errno {
	for b := f; len(b) > 0; {
		if len(b) < bcOp {
			return linux.EINVAL
		}
		code, yes, no := b.op()
		least := bcOp
		switch code {
		case linux.INET_DIAG_BC_S_COND, linux.INET_DIAG_BC_D_COND:
			n, ok := b.hostCond()
			if !ok {
				return linux.EINVAL
			}
			least += n
		case linux.INET_DIAG_BC_DEV_COND, linux.INET_DIAG_BC_S_EQ, linux.INET_DIAG_BC_D_EQ, linux.INET_DIAG_BC_S_GE, linux.INET_DIAG_BC_S_LE,
			linux.INET_DIAG_BC_D_GE, linux.INET_DIAG_BC_D_LE:
			least += 4
		case linux.INET_DIAG_BC_MARK_COND:
			if !admin {
				return linux.EPERM
			}
			least += 8
		case linux.INET_DIAG_BC_CGROUP_COND:
			least += 8
		case linux.INET_DIAG_BC_AUTO, linux.INET_DIAG_BC_JMP, linux.INET_DIAG_BC_NOP:
		default:
			return linux.EINVAL
		}
		if code != linux.INET_DIAG_BC_NOP && (no < least || no > len(b)+4 || no&3 != 0 || no < len(b) && !f.starts(len(b)-no)) {
			return linux.EINVAL
		}
		if len(b) < least || yes < least || yes > len(b)+4 || yes&3 != 0 || yes > len(b) {
			return linux.EINVAL
		}
		b = b[yes:]
	}
	return 0
}

// starts reports whether an operation starts where left bytes are left (valid_cc).
func (f diagFilter) starts(left int) bool {
	for len(f) > left {
		if len(f) < bcOp {
			return false
		}
		_, yes, _ := f.op()
		if yes < bcOp || yes&3 != 0 || yes > len(f) {
			return false
		}
		f = f[yes:]
	}
	return len(f) == left
}

// hostCond checks the condition on an address behind an operation, and returns its length.
func (f diagFilter) hostCond() (int, bool) {
	if len(f) < bcOp+8 {
		return 0, false
	}
	size := 0
	switch f[4] {
	case linux.AF_UNSPEC:
	case linux.AF_INET:
		size = 4
	case linux.AF_INET6:
		size = 16
	default:
		return 0, false
	}
	return 8 + size, len(f) >= bcOp+8+size && int(f[5]) <= 8*size
}

// match runs the program (inet_diag_bc_run).
func (f diagFilter) match(e *diagEntry) bool {
	left := len(f)
	for b := f; len(b) > 0; {
		_, yes, no := b.op()
		step := no
		if b.holds(e) {
			step = yes
		}
		if left -= step; left <= 0 || step <= 0 {
			break
		}
		b = b[step:]
	}
	return left == 0
}

// holds evaluates one condition.
func (f diagFilter) holds(e *diagEntry) bool {
	port := func() uint16 { return binary.LittleEndian.Uint16(f[6:]) } // the next operation's no
	switch f[0] {
	case linux.INET_DIAG_BC_NOP:
		return true
	case linux.INET_DIAG_BC_S_EQ:
		return e.sport == port()
	case linux.INET_DIAG_BC_S_GE:
		return e.sport >= port()
	case linux.INET_DIAG_BC_S_LE:
		return e.sport <= port()
	case linux.INET_DIAG_BC_D_EQ:
		return e.dport == port()
	case linux.INET_DIAG_BC_D_GE:
		return e.dport >= port()
	case linux.INET_DIAG_BC_D_LE:
		return e.dport <= port()
	case linux.INET_DIAG_BC_AUTO:
		return e.chosenPort
	case linux.INET_DIAG_BC_S_COND:
		return f.hostHolds(e.family, &e.src, e.sport)
	case linux.INET_DIAG_BC_D_COND:
		return f.hostHolds(e.family, &e.dst, e.dport)
	case linux.INET_DIAG_BC_DEV_COND:
		return int32(binary.LittleEndian.Uint32(f[4:])) == e.link
	case linux.INET_DIAG_BC_MARK_COND:
		return e.mark&binary.LittleEndian.Uint32(f[8:]) == binary.LittleEndian.Uint32(f[4:])
	}
	return false
}

// hostHolds compares with struct inet_diag_hostcond.
func (f diagFilter) hostHolds(family uint8, a *[16]byte, port uint16) bool {
	of, bits, want := f[4], int(f[5]), int32(binary.LittleEndian.Uint32(f[8:]))
	if want != -1 && want != int32(port) {
		return false
	}
	addr := a[:]
	if of != linux.AF_UNSPEC && of != family {
		mapped := family == linux.AF_INET6 && of == linux.AF_INET && [12]byte(a[:12]) == [12]byte{10: 0xff, 11: 0xff}
		if !mapped {
			return false
		}
		addr = a[12:]
	}
	for i := 0; i < bits; i++ {
		if mask := byte(0x80) >> (i % 8); (addr[i/8]^f[12+i/8])&mask != 0 {
			return false
		}
	}
	return true
}
