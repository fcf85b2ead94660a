package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestImageIsBuiltFromSource(t *testing.T) {
	out := filepath.Join(t.TempDir(), "vdso.so")
	if msg, err := exec.Command("./build.sh", out).CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, msg)
	}
	built, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(built, Image) {
		t.Error("vdso.so is not what vdso.S builds: run go generate ./sentry/vdso")
	}
}

func TestImageExportsWhatLibcLooksFor(t *testing.T) {
	f, err := elf.NewFile(bytes.NewReader(Image))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, s := range syms {
		have[s.Name] = s.Version
	}
	for _, name := range []string{"clock_gettime", "gettimeofday", "time", "getcpu", "clock_getres"} {
		if have["__vdso_"+name] != "LINUX_2.6" {
			t.Errorf("__vdso_%s: version %q, want LINUX_2.6", name, have["__vdso_"+name])
		}
	}
}

// fakeHost is a host whose clocks the test moves.
type fakeHost struct{ mono, real int64 }

func (h *fakeHost) read(clock int32) int64 {
	if clock == realtime {
		return h.real + h.mono
	}
	return h.mono
}

func TestClockFollowsTheHost(t *testing.T) {
	if !invariantTSC() {
		t.Log("this machine's counter is not invariant: the clock asks the host")
	}
	start := time.Now()
	host := func(clock int32) int64 {
		d := int64(time.Since(start)) + int64(time.Hour)
		if clock == realtime {
			d += 1e18
		}
		return d
	}
	page := make([]byte, 4096)
	c := NewClock(page, host)
	last := c.Monotonic()
	for range 20 {
		time.Sleep(3 * time.Millisecond)
		c.Update()
		now := c.Monotonic()
		if now < last {
			t.Fatalf("monotonic clock went back by %d ns", last-now)
		}
		last = now
		if diff := now - host(monotonic); diff > 1e6 || diff < -1e6 {
			t.Errorf("monotonic clock is off by %d ns", diff)
		}
		if diff := c.Realtime() - host(realtime); diff > 1e6 || diff < -1e6 {
			t.Errorf("realtime clock is off by %d ns", diff)
		}
	}
	if seq := binary.LittleEndian.Uint32(page); seq%2 != 0 {
		t.Errorf("sequence word is odd: %d", seq)
	}
}

func TestClockWithoutCounterAsksTheHost(t *testing.T) {
	h := &fakeHost{mono: 5, real: 100}
	c := &Clock{host: h.read}
	if c.Update() != 0 {
		t.Error("Update wants to be called again")
	}
	if c.Monotonic() != 5 || c.Realtime() != 105 {
		t.Errorf("got %d %d, want 5 105", c.Monotonic(), c.Realtime())
	}
}

func BenchmarkMonotonic(b *testing.B) {
	start := time.Now()
	c := NewClock(nil, func(int32) int64 { return int64(time.Since(start)) })
	time.Sleep(2 * time.Millisecond)
	c.Update()
	for b.Loop() {
		c.Monotonic()
	}
}
