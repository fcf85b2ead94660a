package bpf

import (
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
)

const amd64 = 0xc000003e

// allowlist kills what is not amd64, allows call 1, gives EPERM for call 2 if its first
// argument is 7, and else returns 0.
var allowlist = Program{
	{ldAbs, 0, 0, 4}, {jeqK, 1, 0, amd64}, {retK, 0, 0, 0x80000000},
	{ldAbs, 0, 0, 0}, {jeqK, 0, 1, 1}, {retK, 0, 0, 0x7fff0000},
	{jeqK, 0, 3, 2}, {ldAbs, 0, 0, 16}, {jeqK, 0, 1, 7}, {retK, 0, 0, 0x00050001}, {retK, 0, 0, 0},
}

func TestRun(t *testing.T) {
	if errno := allowlist.Check(); errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range []struct {
		d    Data
		want uint32
	}{
		{Data{Nr: 1, Arch: 3}, 0x80000000},
		{Data{Nr: 1, Arch: amd64}, 0x7fff0000},
		{Data{Nr: 2, Arch: amd64, Args: [6]uint64{7}}, 0x00050001},
		{Data{Nr: 2, Arch: amd64, Args: [6]uint64{8}}, 0},
		{Data{Nr: 3, Arch: amd64}, 0},
	} {
		if got := allowlist.Run(&c.d); got != c.want {
			t.Errorf("%+v: %#x, want %#x", c.d, got, c.want)
		}
	}
}

func TestConstant(t *testing.T) {
	if ret, ok := allowlist.Constant(1, amd64); !ok || ret != 0x7fff0000 {
		t.Errorf("call 1: %#x %v", ret, ok)
	}
	if _, ok := allowlist.Constant(2, amd64); ok {
		t.Error("call 2 depends on its arguments")
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, p := range map[string]Program{
		"empty":             {},
		"no return":         {{ldImm, 0, 0, 1}},
		"unknown":           {{0xffff, 0, 0, 0}, {retA, 0, 0, 0}},
		"half-word load":    {{0x28, 0, 0, 0}, {retA, 0, 0, 0}},
		"load past the end": {{ldAbs, 0, 0, 64}, {retA, 0, 0, 0}},
		"unaligned load":    {{ldAbs, 0, 0, 2}, {retA, 0, 0, 0}},
		"jump past the end": {{jeqK, 1, 0, 0}, {retA, 0, 0, 0}},
		"ja past the end":   {{ja, 0, 0, 0xffffffff}, {retA, 0, 0, 0}},
		"division by 0":     {{divK, 0, 0, 0}, {retA, 0, 0, 0}},
		"shift by 32":       {{lshK, 0, 0, 32}, {retA, 0, 0, 0}},
		"memory 16":         {{st, 0, 0, 16}, {retA, 0, 0, 0}},
		"memory unwritten":  {{ldMem, 0, 0, 3}, {retA, 0, 0, 0}},
		"on one path only":  {{jeqK, 0, 1, 0}, {st, 0, 0, 2}, {ldMem, 0, 0, 2}, {retA, 0, 0, 0}},
		"too long":          append(make(Program, MaxInsns), Insn{retA, 0, 0, 0}),
	} {
		if errno := p.Check(); errno != linux.EINVAL {
			t.Errorf("%s: %v, want EINVAL", name, errno)
		}
	}
}

// FuzzRun: whatever passes Check runs without a panic.
func FuzzRun(f *testing.F) {
	f.Add([]byte{0x20, 0, 0, 0, 4, 0, 0, 0, 0x16, 0, 0, 0, 0, 0, 0, 0}, uint64(9))
	f.Fuzz(func(t *testing.T, b []byte, arg uint64) {
		p, errno := Parse(b)
		if errno != 0 {
			return
		}
		d := Data{Nr: int32(arg), Arch: amd64, IP: arg, Args: [6]uint64{arg, arg, arg, arg, arg, arg}}
		want := p.Run(&d)
		if ret, ok := p.Constant(d.Nr, d.Arch); ok && ret != want {
			t.Errorf("constant answer %#x, but Run gives %#x", ret, want)
		}
	})
}
