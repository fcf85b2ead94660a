package arch

import (
	"encoding/binary"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
)

func TestInitialFPUIsValid(t *testing.T) {
	b := make([]byte, FPUSize)
	for i := range b {
		b[i] = 0xff
	}
	InitialFPU(b)
	if e := CheckFPU(b); e != 0 {
		t.Fatal(e)
	}
	if FPUSize < 576 || FPUSize > HostFPUSize {
		t.Fatalf("size %d, the host's %d", FPUSize, HostFPUSize)
	}
	t.Logf("size %d, features %#x, mxcsr mask %#x", FPUSize, XFeatures, mxcsrMask)
}

func TestCheckFPURefuses(t *testing.T) {
	for name, spoil := range map[string]func(b []byte){
		"reserved mxcsr bit":  func(b []byte) { binary.LittleEndian.PutUint32(b[offMXCSR:], 1<<31) },
		"unknown feature":     func(b []byte) { b[offXstateBV+7] |= 0x80 },
		"compacted format":    func(b []byte) { b[offXcompBV+7] = 0x80 },
		"reserved header":     func(b []byte) { b[offXstateBV+63] = 1 },
		"AMX without leave":   func(b []byte) { b[offXstateBV+2] |= 6 },
		"supervisor features": func(b []byte) { b[offXstateBV+1] |= 1 },
	} {
		b := make([]byte, FPUSize)
		InitialFPU(b)
		spoil(b)
		if e := CheckFPU(b); e != linux.EINVAL {
			t.Errorf("%s: %v", name, e)
		}
	}
	if e := CheckFPU(make([]byte, FPUSize-1)); e != linux.EINVAL {
		t.Errorf("short image: %v", e)
	}
}

func TestSanitize(t *testing.T) {
	r := Registers{Rip: 1 << 63, FsBase: 0xffff800000000000, GsBase: 5, Eflags: ^uint64(0), Cs: 0x23, Ss: 0, Ds: 0x2b, Es: 0x28, Fs: 0x2f, Gs: 0xffff}
	r.Sanitize()
	want := Registers{Rip: TaskSizeMax, GsBase: 5, Eflags: userFlags | FlagIF | 2, Cs: UserCs, Ss: UserDs, Ds: 0x2b}
	if r != want {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
	ok := Registers{Rip: VsyscallStart + 0x400, FsBase: TaskSizeMax - 1, Eflags: 0x246, Cs: UserCs, Ss: UserDs}
	was := ok
	if ok.Sanitize(); ok != was {
		t.Errorf("changed valid registers: %+v", ok)
	}
}
