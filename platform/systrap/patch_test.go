package systrap

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// patchable lets the platform patch all text, or none.
func patchable(t testing.TB, on bool) {
	old := plat(t).memory.Load()
	t.Cleanup(func() { plat(t).memory.Store(old) })
	if on {
		plat(t).memory.Store(1 << 30)
	} else {
		plat(t).memory.Store(0)
	}
}

// calls runs n calls of g on c, and returns the registers of the last.
func (g *guest) calls(t *testing.T, c platform.Context, n int) *arch.Registers {
	t.Helper()
	for i := range n {
		g.regs.Rdi, g.regs.R15, g.regs.Rbx = uint64(i), uint64(2*i), uint64(3*i)
		want := g.regs
		want.Rax, want.OrigRax, want.Rip = enosys, 39, guestAt+7
		trap := c.Switch(g.as, &g.regs)
		got := g.regs
		want.Rcx, want.R11, want.Eflags, want.Cs, want.Ss = got.Rcx, got.R11, got.Eflags, got.Cs, got.Ss
		if trap.Kind != platform.Syscall || got != want {
			t.Fatalf("call %d: %+v\n got %+v\nwant %+v", i, trap, got, want)
		}
		if got.Rcx != got.Rip {
			t.Fatalf("call %d: rcx %#x", i, got.Rcx)
		}
		g.regs.Rax = uint64(i)
	}
	return &g.regs
}

func TestPatchedSite(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.calls(t, c, patchAfter+1)
		if !c.live {
			t.Error("not patched")
		}
		g.regs.Eflags = 0x8d5 | 1<<9 | 2 // every arch.Arithmetic flag
		for range 4 {
			g.calls(t, c, 3)
			if g.regs.Eflags&0x8d5 != 0x8d5 {
				t.Errorf("flags %#x", g.regs.Eflags)
			}
		}
		// The old instruction: the number is in RAX.
		g.regs.Rip, g.regs.Rax = guestAt+5, 200
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != 200 || g.regs.Rip != guestAt+7 {
			t.Errorf("restarted: %+v %+v", trap, g.regs)
		}
		// One step goes through the call.
		g.regs.Rip, g.regs.Eflags = guestAt, 0x302
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != 39 || g.regs.Rip != guestAt+7 {
			t.Errorf("stepped: %+v %+v", trap, g.regs)
		}
		g.regs.Eflags = 0x202
		// GS that is the application's own.
		g.regs.GsBase = 0x123000
		for range 3 {
			g.calls(t, c, 1)
			if c.live || g.regs.GsBase != 0x123000 {
				t.Errorf("live %v, gs %#x", c.live, g.regs.GsBase)
			}
		}
		g.regs.GsBase = 0
		g.calls(t, c, 3)
		if !c.live {
			t.Error("no longer patched")
		}
	})
}

func TestPatchedFPU(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		image := make([]byte, arch.FPUSize)
		arch.InitialFPU(image)
		image[160], image[175] = 1, 16
		c.SetFPU(image)
		g.calls(t, c, patchAfter+2)
		got := make([]byte, arch.FPUSize)
		for i := range 3 {
			if c.FPU(got); got[160] != byte(i+1) || got[175] != 16 || !c.live {
				t.Errorf("%d: XMM0 is %v", i, got[160:176])
			}
			got[160]++
			c.SetFPU(got)
			g.calls(t, c, 3)
		}
	})
}

func TestPatchesFollowTheMapping(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.calls(t, c, patchAfter+1)
		// The child's text is patched, and can be patched on its own.
		child, _ := plat(t).NewAddressSpace()
		if errno := g.as.Clone(child); errno != 0 {
			t.Fatal(errno)
		}
		parent := g.as
		g.as = child
		g.calls(t, c, 3)
		if !c.live {
			t.Error("the child's is not patched")
		}
		g.as = parent
		g.calls(t, c, 3)
		child.Release()
		// Protect must not lose the original, so it declines.
		if errno := g.as.Protect(guestAt, 4096, platform.Read|platform.Write|platform.Exec); errno == 0 {
			t.Error("a patched page can be written")
		}
		if errno := g.as.Map(guestAt, 4096, g.fd, 0, platform.Read|platform.Write|platform.Exec, false); errno != 0 {
			t.Fatal(errno)
		}
		g.calls(t, c, 2*patchAfter)
		if c.live {
			t.Error("what can be written is patched")
		}
		var b [7]byte
		if unix.Pread(g.fd, b[:], 0); b[5] != 0x0f {
			t.Errorf("the file has changed: % x", b)
		}
	})
}

func TestOnlyFilesArePatched(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	plat(t).memory.Store(int64(g.fd))
	t.Cleanup(func() { plat(t).memory.Store(0) })
	g.as.Map(guestAt, 4096, g.fd, 0, platform.Read|platform.Exec, false)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.calls(t, c, 3*patchAfter)
		if c.live {
			t.Error("patched")
		}
	})
}

// TestPatchesBesideThreads has threads call from one page, which is patched when all are
// stopped.
func TestPatchesBesideThreads(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	done := make(chan int)
	for range 6 {
		go func() {
			c := plat(t).NewContext().(debuggable).context
			defer c.Release()
			own, lives := *g, 0
			for range 3000 {
				own.calls(t, c, 1)
				if c.live {
					lives++
				}
			}
			done <- lives
		}()
	}
	sum := 0
	for range 6 {
		sum += <-done
	}
	t.Logf("%d of 18000 calls by patched sites", sum)
}

func BenchmarkPatched(b *testing.B) {
	patchable(b, true)
	g := newGuest(b, getpidLoop...)
	on(func() {
		c := plat(b).NewContext()
		defer c.Release()
		for b.Loop() {
			c.Switch(g.as, &g.regs)
		}
	})
}

func TestAnswers(t *testing.T) {
	patchable(t, true)
	// getpid; mov %eax,%ebx; gettid; mov %eax,%ebp; getuid; jmp back
	g := newGuest(t, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc3, 0xb8, 186, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc5,
		0xb8, 102, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xe5)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		next := func(nr uint64) {
			t.Helper()
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != nr {
				t.Fatalf("%+v %+v", trap, g.regs)
			}
		}
		g.regs.Eflags = 0x8d5
		for range 3 * patchAfter {
			next(39)
			g.regs.Rax = 1
			next(186)
			g.regs.Rax = 2
			next(102)
		}
		c.Answer(&platform.Facts{PID: 77, TID: 78})
		for range 3 {
			g.regs.Rbx, g.regs.Rbp = 0, 0
			next(102)
			if g.regs.Rbx != 77 || g.regs.Rbp != 78 || g.regs.Eflags&0x8d5 != 0x8d5 {
				t.Errorf("%+v", g.regs)
			}
		}
		g.regs.GsBase = 0x5000 // the application's own: no answer
		next(39)
		g.regs.GsBase = 0
	})
}

// TestAnsweredLoop has the application do nothing but make calls that the stub answers: it is
// interrupted all the same, soon.
func TestAnsweredLoop(t *testing.T) {
	patchable(t, true)
	for _, nr := range []byte{unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_SCHED_YIELD} {
		g := newGuest(t, 0xb8, nr, 0, 0, 0, 0x0f, 0x05, 0xff, 0xc3, 0xeb, 0xf5) // inc %ebx
		on(func() {
			c := plat(t).NewContext().(debuggable).context
			defer c.Release()
			for range patchAfter + 2 {
				c.Switch(g.as, &g.regs)
			}
			c.Answer(&platform.Facts{PID: 7, TID: 7})
			g.regs.Rbx = 0
			for i := 0; i < 20 || i < 2000 && g.regs.Rbx < 1000; i++ { // on a loaded machine it may not run at all in a while
				began := time.Now()
				time.AfterFunc(3*time.Millisecond, c.Interrupt)
				trap := c.Switch(g.as, &g.regs)
				if asked := trap.Kind == platform.Syscall && g.regs.OrigRax == uint64(nr); !asked && trap.Kind != platform.Interrupted {
					t.Fatalf("%+v", trap)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("call %d: interrupted after %v", nr, took)
				}
			}
			if g.regs.Rbx < 1000 {
				t.Errorf("call %d: %d calls answered", nr, g.regs.Rbx)
			}
			c.Answer(nil)
			for range 3 {
				if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != uint64(nr) {
					t.Errorf("%+v", trap)
				}
			}
		})
	}
}

// TestShortForm is about read(2) as glibc calls it.
func TestShortForm(t *testing.T) {
	patchable(t, true)
	// xor %eax,%eax; syscall; cmp $-4096,%rax; seta %bl; setz %bh; pushf; pop %rbp; jmp back
	g := newGuest(t, 0x31, 0xc0, 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0x0f, 0x97, 0xc3, 0x0f, 0x94, 0xc7, 0x9c, 0x5d, 0xeb, 0xec)
	if errno := g.as.Map(guestAt+4096, 4096, g.fd, 8192, platform.Read|platform.Write, false); errno != 0 {
		t.Fatal(errno)
	}
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		call := func() {
			t.Helper()
			trap := c.Switch(g.as, &g.regs)
			for trap.Kind == platform.Interrupted {
				trap = c.Switch(g.as, &g.regs)
			}
			if trap.Kind != platform.Syscall || g.regs.OrigRax != 0 || g.regs.Rip != guestAt+4 || g.regs.Rax != enosys {
				t.Fatalf("%+v %+v", trap, g.regs)
			}
		}
		returns := func(v int64) {
			t.Helper()
			g.regs.Rax = uint64(v)
			call()
			if above, same := g.regs.Rbx&0xff != 0, g.regs.Rbx>>8&0xff != 0; above != (v < 0 && v > -4096) || same != (v == -4096) {
				t.Errorf("%d: above %v, same %v", v, above, same)
			}
			if got, want := g.regs.Rbp&arch.Arithmetic, arch.Compare(uint64(v), ^uint64(4095)); got != want {
				t.Errorf("%d: flags %#x, want %#x", v, got, want)
			}
		}
		values := []int64{0, 1, -1, -4095, -4096, -4097, 4096, 1 << 62, -1 << 63, -4112}
		call()
		for range 2 * patchAfter {
			for _, v := range values {
				returns(v)
			}
		}
		if !c.live {
			t.Fatal("not patched")
		}
		for i, v := range values {
			// The whole of the registers is new: it goes on where the comparison was.
			g.regs.Rax, g.regs.R12 = uint64(v), uint64(i+5)
			call()
			if got, want := g.regs.Rbp&arch.Arithmetic, arch.Compare(uint64(v), ^uint64(4095)); got != want || g.regs.R12 != uint64(i+5) {
				t.Errorf("%d: flags %#x, want %#x", v, got, want)
			}
			// The call is restarted.
			g.regs.Rax, g.regs.Rip = 0, guestAt+2
			call()
			returns(v)
		}
	})
}

// TestPartial: what a context leaves out of the registers is as it was for the application, and there when it is asked for.
func TestPartial(t *testing.T) {
	patchable(t, true)
	countingLoop := []byte{
		0x48, 0xff, 0xc3, // inc %rbx
		0xb8, 39, 0, 0, 0, // mov $39,%eax
		0x0f, 0x05, // syscall
		0xeb, 0xf4, // jmp
	}
	g := newGuest(t, countingLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		c.AllowPartial()
		count := uint64(0)
		call := func() {
			t.Helper()
			count++
			g.regs.Rax = count
			trap := c.Switch(g.as, &g.regs)
			if trap.Kind != platform.Syscall || g.regs.OrigRax != 39 || g.regs.Rax != enosys || g.regs.Rip != guestAt+10 || g.regs.Rdi != 5 {
				t.Fatalf("call %d: %+v %+v", count, trap, g.regs)
			}
			if trap.Partial != c.live || trap.Partial && g.regs.Rbx == count {
				t.Fatalf("call %d: partial %v, live %v, rbx %d", count, trap.Partial, c.live, g.regs.Rbx)
			}
		}
		whole := func(want arch.Registers) {
			t.Helper()
			sp := c.StackPointer()
			c.Complete(&g.regs)
			want.Rbx, want.Rax, want.OrigRax, want.Rip, want.Rcx, want.R11, want.Eflags = count, g.regs.Rax, 39, guestAt+10, guestAt+10, g.regs.Eflags, g.regs.Eflags
			if g.regs != want || sp != want.Rsp {
				t.Fatalf("call %d: stack pointer %#x\n got %+v\nwant %+v", count, sp, g.regs, want)
			}
		}
		g.regs.Rbx, g.regs.Rdi, g.regs.R12, g.regs.Rsp = 0, 5, 12, guestAt-64
		for range patchAfter + 8 {
			call()
		}
		if !c.live {
			t.Fatal("not patched")
		}
		want := g.regs
		whole(want)
		call()
		whole(want)
		g.regs.R12, want.R12 = 13, 13 // the slow way back
		call()
		call()
		whole(want)
		call()
		c.Interrupt() // before it goes on
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Interrupted || !trap.Partial {
			t.Fatalf("interrupted: %+v", trap)
		}
		whole(want)
		call()
		image := make([]byte, arch.FPUSize)
		c.FPU(image)
		c.SetFPU(image)
		call()
		whole(want)
	})
}

// BenchmarkPatchedCall is what a call costs that comes from a patched site and does nothing.
func BenchmarkPatchedCall(b *testing.B) {
	patchable(b, true)
	g := newGuest(b, getpidLoop...)
	on(func() {
		c := plat(b).NewContext().(debuggable).context
		defer c.Release()
		c.AllowPartial()
		for b.Loop() {
			c.Switch(g.as, &g.regs)
		}
	})
}
