package host

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// run interprets a filter as the host does, for the instructions that Compile makes.
func run(t *testing.T, prog []unix.SockFilter, arch uint32, no uint32, args ...uint64) uint32 {
	t.Helper()
	data := make([]uint32, 16)
	data[0], data[1] = no, arch
	for i, a := range args {
		data[4+2*i], data[5+2*i] = uint32(a), uint32(a>>32)
	}
	var a uint32
	for pc := 0; ; pc++ {
		switch in := prog[pc]; in.Code {
		case bpfLoad:
			a = data[in.K/4]
		case bpfAnd:
			a &= in.K
		case bpfJump:
			pc += int(in.K)
		case bpfEqual:
			if a == in.K {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		case bpfAbove:
			if a >= in.K {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		case bpfRet:
			return in.K
		default:
			t.Fatalf("instruction %#x", in.Code)
		}
	}
}

func TestPolicy(t *testing.T) {
	const self = 4711
	prog, err := Compile(append(Policy(), Call{"tgkill", linux.SYS_TGKILL, []Checks{{Int(2, 9)}}}), self)
	if err != nil {
		t.Fatal(err)
	}
	const x86 = unix.AUDIT_ARCH_X86_64
	for _, c := range []struct {
		what  string
		arch  uint32
		no    uint32
		args  []uint64
		allow bool
	}{
		{"read", x86, linux.SYS_READ, nil, true},
		{"read by the 32-bit ABI", unix.AUDIT_ARCH_I386, linux.SYS_READ, nil, false},
		{"read by x32", x86, linux.SYS_READ | x32Bit, nil, false},
		{"last row", x86, linux.SYS_EXIT_GROUP, nil, true},
		{"openat", x86, linux.SYS_OPENAT, nil, false},
		{"socket", x86, linux.SYS_SOCKET, nil, false},
		{"connect", x86, linux.SYS_CONNECT, nil, false},
		{"execve", x86, linux.SYS_EXECVE, nil, false},
		{"no such call", x86, 100000, nil, false},
		{"mmap data", x86, linux.SYS_MMAP, []uint64{0, 4096, 3}, true},
		{"mmap code", x86, linux.SYS_MMAP, []uint64{0, 4096, 4}, false},
		{"a thread", x86, linux.SYS_CLONE, []uint64{goThread}, true},
		{"a process", x86, linux.SYS_CLONE, []uint64{17}, false},
		{"a thread and more", x86, linux.SYS_CLONE, []uint64{goThread | 1<<40}, false},
		{"signal to itself", x86, linux.SYS_TGKILL, []uint64{self, 1, 23}, true},
		{"signal to another", x86, linux.SYS_TGKILL, []uint64{self + 1, 1, 23}, false},
		{"signal to another by the extra row", x86, linux.SYS_TGKILL, []uint64{self + 1, 1, 9}, true},
		{"ioctl by int", x86, linux.SYS_IOCTL, []uint64{0, unix.TCGETS | 1<<32}, true},
		{"TIOCSTI", x86, linux.SYS_IOCTL, []uint64{0, unix.TIOCSTI}, false},
	} {
		want := uint32(retKill)
		if c.allow {
			want = retAllow
		}
		if got := run(t, prog, c.arch, c.no, c.args...); got != want {
			t.Errorf("%s: %#x, want %#x", c.what, got, want)
		}
	}
	for _, row := range Policy() {
		if len(row.Any) == 0 && run(t, prog, x86, row.No) != retAllow {
			t.Errorf("%s is in the table and refused", row.Name)
		}
	}
	t.Logf("%d calls, %d instructions", len(Policy()), len(prog))
}
