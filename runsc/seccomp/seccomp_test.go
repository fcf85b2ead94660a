package seccomp

import (
	"encoding/binary"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestCompile runs what was compiled with a small interpreter of the instructions that
// libseccomp makes.
func TestCompile(t *testing.T) {
	seven := uint(7)
	prog, err := Compile(&specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno, DefaultErrnoRet: &seven, Architectures: []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchARM},
		Syscalls: []specs.LinuxSyscall{
			{Names: []string{"read", "no_such_call_yet"}, Action: specs.ActAllow},
			{Names: []string{"personality"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Index: 0, Value: 0, Op: specs.OpEqualTo}, {Index: 0, Value: 8, Op: specs.OpEqualTo}}},
			{Names: []string{"clone"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Index: 0, Value: 0x7e020000, ValueTwo: 0, Op: specs.OpMaskedEqual}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const allow, errno7, x86_64, i386 = 0x7fff0000, 0x00050007, 0xc000003e, 0x40000003
	for _, c := range []struct {
		arch, nr uint32
		arg      uint64
		want     uint32
	}{
		{x86_64, 0, 0, allow}, {x86_64, 1, 0, errno7}, {x86_64, 135, 0, allow}, {x86_64, 135, 8, allow}, {x86_64, 135, 9, errno7},
		{x86_64, 56, 0x11, allow}, {x86_64, 56, 0x10000000, errno7}, {i386, 3, 0, allow}, {i386, 4, 0, errno7}, {0x28, 0, 0, 0},
	} {
		if got := interpret(t, prog, c.arch, c.nr, c.arg); got != c.want {
			t.Errorf("arch %#x, call %d(%#x): %#x, want %#x", c.arch, c.nr, c.arg, got, c.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	if b, err := Compile(nil); b != nil || err != nil {
		t.Error(b, err)
	}
	for want, s := range map[string]*specs.LinuxSeccomp{
		"SCMP_ACT_NOTIFY": {DefaultAction: specs.ActNotify},
		"unknown action":  {DefaultAction: "x"},
		"syscalls[0]":     {DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Op: "x"}}}}},
	} {
		if _, err := Compile(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// interpret runs prog on a struct seccomp_data with one argument (linux/filter.h).
func interpret(t *testing.T, prog []byte, arch, nr uint32, arg uint64) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.LittleEndian.PutUint32(data, nr)
	binary.LittleEndian.PutUint32(data[4:], arch)
	binary.LittleEndian.PutUint64(data[16:], arg)
	var a uint32
	for pc := 0; pc*8 < len(prog); pc++ {
		ins := prog[pc*8:]
		code, jt, jf, k := binary.LittleEndian.Uint16(ins), int(ins[2]), int(ins[3]), binary.LittleEndian.Uint32(ins[4:])
		jump := func(cond bool) {
			if cond {
				pc += jt
			} else {
				pc += jf
			}
		}
		switch code {
		case 0x20:
			a = binary.LittleEndian.Uint32(data[k:])
		case 0x54:
			a &= k
		case 0x05:
			pc += int(k)
		case 0x15:
			jump(a == k)
		case 0x25:
			jump(a > k)
		case 0x35:
			jump(a >= k)
		case 0x06:
			return k
		default:
			t.Fatalf("instruction %d: code %#x", pc, code)
		}
	}
	t.Fatal("ran off the end")
	return 0
}
