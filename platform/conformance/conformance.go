package conformance

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Subject is a platform under test.
type Subject struct {
	// New returns the platform; the same one for all tests will do, as one serves a sandbox.
	New func(t testing.TB) platform.Platform
	// Kill ends what runs the application thread, as the host's out-of-memory killer would; nil if
	// there is no such thing.
	Kill func(c platform.Context)
}

// Run tests everything that the contract says.
func Run(t *testing.T, s Subject) {
	for _, test := range []struct {
		name string
		f    func(*testing.T, platform.Platform)
	}{
		{"Syscall", testSyscall},
		{"Faults", testFaults},
		{"Exceptions", testExceptions},
		{"Sanitised", testSanitised},
		{"Interrupt", testInterrupt},
		{"Metered", testMetered},
		{"InterruptAmongChanges", testInterruptAmongChanges},
		{"ChangesAreSeen", testChangesAreSeen},
		{"CloneIsACopy", testCloneIsACopy},
		{"MoveBetweenSpaces", testMoveBetweenSpaces},
		{"ManyThreads", testManyThreads},
		{"ManySpaces", testManySpaces},
	} {
		t.Run(test.name, func(t *testing.T) { test.f(t, s.New(t)) })
	}
	if s.Kill != nil {
		t.Run("KilledIsGone", func(t *testing.T) { testKilled(t, s) })
	}
}

// testSyscall: the number, the arguments and the next instruction; the result is the caller's.
func testSyscall(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, CallLoop...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		for i := range 3 {
			g.Regs.Rdi = uint64(i)
			trap := c.Switch(g.AS, &g.Regs)
			if trap.Kind != platform.Syscall || g.Regs.OrigRax != 39 || g.Regs.Rip != TextAt+7 || g.Regs.Rdi != uint64(i) || int64(g.Regs.Rax) != -38 {
				t.Errorf("trap %+v, registers %+v", trap, g.Regs)
			}
			g.Regs.Rax = 7
		}
	})
}

// testFaults: a page that is not there, one that is read-only, text that is gone.
func testFaults(t *testing.T, p platform.Platform) {
	// mov DataAt,%eax ; mov %eax,DataAt ; nop
	g := NewGuest(t, p, 0x8b, 0x04, 0x25, 0, 0x10, 0x10, 0, 0x89, 0x04, 0x25, 0, 0x10, 0x10, 0, 0xeb, 0xfe)
	unix.Pwrite(g.FD, []byte{1, 2, 3, 4}, pageSize)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		trap := c.Switch(g.AS, &g.Regs)
		if trap.Kind != platform.Fault || trap.Addr != DataAt || trap.Write || trap.Exec || g.Regs.Rip != TextAt {
			t.Fatalf("absent: %+v", trap)
		}
		g.mapData(t, 1, platform.Read)
		trap = c.Switch(g.AS, &g.Regs)
		if trap.Kind != platform.Fault || trap.Addr != DataAt || !trap.Write || g.Regs.Rax != 0x04030201 {
			t.Fatalf("read-only: %+v %x", trap, g.Regs.Rax)
		}
		g.AS.Unmap(TextAt, pageSize)
		trap = c.Switch(g.AS, &g.Regs)
		if trap.Kind != platform.Fault || trap.Addr != g.Regs.Rip || !trap.Exec {
			t.Fatalf("text: %+v", trap)
		}
	})
}

// testExceptions: instructions that the processor refuses.
func testExceptions(t *testing.T, p platform.Platform) {
	for _, e := range []struct {
		name string
		text []byte
		sig  unix.Signal
		len  uint64 // how far Rip is behind the instruction
	}{
		{"ud2", []byte{0x0f, 0x0b}, unix.SIGILL, 0},
		{"int3", []byte{0xcc}, unix.SIGTRAP, 1},
		{"div by zero", []byte{0x31, 0xc9, 0xf7, 0xf1}, unix.SIGFPE, 2},
		{"hlt", []byte{0xf4}, unix.SIGSEGV, 0},
	} {
		g := NewGuest(t, p, e.text...)
		On(func() {
			c := p.NewContext()
			defer c.Release()
			trap := c.Switch(g.AS, &g.Regs)
			if trap.Kind != platform.Exception || trap.Signo != uint8(e.sig) || g.Regs.Rip != TextAt+e.len {
				t.Errorf("%s: %+v at %#x", e.name, trap, g.Regs.Rip)
			}
		})
	}
}

// testSanitised: registers that user mode cannot have do no harm.
func testSanitised(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, CallLoop...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		g.Regs.Eflags = 3<<12 | 1<<14 | 1<<17 // IOPL, NT, VM
		g.Regs.Cs, g.Regs.Ss = 0x10, 0x18
		g.Regs.FsBase = 1 << 63
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Syscall || g.Regs.Eflags&(3<<12|1<<17) != 0 {
			t.Errorf("%+v %+v", trap, g.Regs)
		}
	})
}

// testInterrupt: before Switch and during it, from another goroutine.
func testInterrupt(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, Spin...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		c.Interrupt()
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Interrupted {
			t.Fatalf("before: %+v", trap)
		}
		for range 20 {
			time.AfterFunc(time.Millisecond, c.Interrupt)
			if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Interrupted || g.Regs.Rip != TextAt {
				t.Fatalf("%+v", trap)
			}
		}
	})
}

// testMetered: processor time is what the application used, and stands while it does nothing.
func testMetered(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, Spin...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		m, ok := c.(platform.Metered)
		if !ok {
			t.Skip("the platform does not know")
		}
		start := time.Now()
		for m.CPUTime() < int64(20*time.Millisecond) && time.Since(start) < 10*time.Second {
			time.AfterFunc(time.Millisecond, c.Interrupt)
			c.Switch(g.AS, &g.Regs)
		}
		used, wall := m.CPUTime(), time.Since(start)
		if used < int64(20*time.Millisecond) || used > int64(wall) {
			t.Errorf("%v of %v", time.Duration(used), wall)
		}
		time.Sleep(20 * time.Millisecond)
		if more := m.CPUTime() - used; more > int64(10*time.Millisecond) {
			t.Errorf("%v more while it did nothing", time.Duration(more))
		}
	})
}

// testInterruptAmongChanges: none is lost, whatever Switch has to do before application code runs.
func testInterruptAmongChanges(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, Spin...)
	g.mapData(t, 1, platform.Read)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		for i := range 300 {
			lost := time.AfterFunc(30*time.Second, func() { t.Error("an interrupt was lost"); c.Interrupt() })
			g.AS.Protect(DataAt, pageSize, platform.Read|platform.Write*platform.Prot(i%2))
			time.AfterFunc(time.Duration(i)*time.Microsecond/3, c.Interrupt)
			if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Interrupted || g.Regs.Rip != TextAt {
				t.Fatalf("%+v", trap)
			}
			if lost.Stop(); t.Failed() {
				return
			}
		}
	})
}

// testChangesAreSeen: a thread that runs meets what another goroutine maps, protects and unmaps.
func testChangesAreSeen(t *testing.T, p platform.Platform) {
	// 0: mov DataAt,%al ; mov %al,DataAt+1 ; jmp 0
	g := NewGuest(t, p, 0x8a, 0x04, 0x25, 0, 0x10, 0x10, 0, 0x88, 0x04, 0x25, 1, 0x10, 0x10, 0, 0xeb, 0xf0)
	g.mapData(t, 1, platform.Read|platform.Write)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		time.AfterFunc(2*time.Millisecond, func() { g.AS.Protect(DataAt, pageSize, platform.Read) })
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Fault || !trap.Write || trap.Addr != DataAt+1 {
			t.Fatalf("protected: %+v", trap)
		}
		if errno := g.AS.Protect(DataAt, pageSize, platform.Read|platform.Write); errno != 0 {
			t.Fatal(errno)
		}
		time.AfterFunc(2*time.Millisecond, func() { g.AS.Unmap(DataAt, pageSize) })
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Fault || trap.Addr&^1 != DataAt {
			t.Fatalf("unmapped: %+v", trap)
		}
		unix.Pwrite(g.FD, []byte{9, 0}, 2*pageSize)
		g.mapData(t, 2, platform.Read|platform.Write)
		var b [2]byte
		for range 50 { // on a busy machine the interrupt may come before the first instruction
			time.AfterFunc(2*time.Millisecond, c.Interrupt)
			if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Interrupted {
				t.Fatalf("mapped: %+v", trap)
			}
			if unix.Pread(g.FD, b[:], 2*pageSize); b == [2]byte{9, 9} {
				return
			}
		}
		t.Errorf("the page has %v", b)
	})
}

// testCloneIsACopy: what one changes afterwards the other does not see.
func testCloneIsACopy(t *testing.T, p platform.Platform) {
	// mov DataAt,%eax ; mov $39,%eax... the value first in %ebx: mov DataAt,%ebx ; mov $39,%eax ; syscall ; jmp 0
	g := NewGuest(t, p, 0x8b, 0x1c, 0x25, 0, 0x10, 0x10, 0, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf0)
	unix.Pwrite(g.FD, []byte{1}, pageSize)
	unix.Pwrite(g.FD, []byte{2}, 2*pageSize)
	g.mapData(t, 1, platform.Read)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		start := g.Regs
		c.Switch(g.AS, &g.Regs)
		child, errno := p.NewAddressSpace()
		if errno != 0 {
			t.Fatal(errno)
		}
		defer child.Release()
		if errno := g.AS.Clone(child); errno != 0 {
			t.Skip("no Clone: faults fill a child")
		}
		g.mapData(t, 2, platform.Read)
		child.Unmap(StackAt, pageSize)
		for _, want := range []struct {
			as    platform.AddressSpace
			value uint64
		}{{child, 1}, {g.AS, 2}, {child, 1}} {
			regs := start
			if trap := c.Switch(want.as, &regs); trap.Kind != platform.Syscall || regs.Rbx != want.value {
				t.Errorf("%+v, value %d instead of %d", trap, regs.Rbx, want.value)
			}
		}
	})
}

// testMoveBetweenSpaces: registers and extended state go with the context.
func testMoveBetweenSpaces(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, CallLoop...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		image := make([]byte, arch.FPUSize)
		arch.InitialFPU(image)
		const xmm0 = 160
		for i := range 16 {
			image[xmm0+i] = byte(i + 1)
		}
		c.SetFPU(image)
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Syscall {
			t.Fatalf("%+v", trap)
		}
		for range 5 {
			child, _ := p.NewAddressSpace()
			if errno := g.AS.Clone(child); errno != 0 {
				child.Map(TextAt, pageSize, g.FD, 0, platform.Read|platform.Exec, false)
			}
			if trap := c.Switch(child, &g.Regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			child.Release()
		}
		got := make([]byte, arch.FPUSize)
		c.FPU(got)
		if got[xmm0] != 1 || got[xmm0+15] != 16 {
			t.Errorf("FPU state lost: %v", got[xmm0:xmm0+16])
		}
	})
}

// testManyThreads: more threads in one address space than processors.
func testManyThreads(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, CallLoop...)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c := p.NewContext()
			defer c.Release()
			regs := g.Regs
			for range 200 {
				if trap := c.Switch(g.AS, &regs); trap.Kind != platform.Syscall {
					t.Errorf("%+v", trap)
					return
				}
			}
		})
	}
	wg.Wait()
}

// testManySpaces: address spaces come and go side by side, as with forks and execs.
func testManySpaces(t *testing.T, p platform.Platform) {
	g := NewGuest(t, p, CallLoop...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 20 {
				as, errno := p.NewAddressSpace()
				if errno != 0 {
					t.Error(errno)
					return
				}
				if i%2 == 0 || g.AS.Clone(as) != 0 {
					as.Map(TextAt, pageSize, g.FD, 0, platform.Read|platform.Exec, true)
				}
				On(func() {
					c, regs := p.NewContext(), g.Regs
					for range 3 {
						if trap := c.Switch(as, &regs); trap.Kind != platform.Syscall {
							t.Errorf("%+v", trap)
						}
					}
					as.Release() // the last thread's exit: before its context
					c.Release()
				})
			}
		})
	}
	wg.Wait()
}

// testKilled: the kernel hears of it.
func testKilled(t *testing.T, s Subject) {
	p := s.New(t)
	g := NewGuest(t, p, Spin...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		time.AfterFunc(time.Millisecond, c.Interrupt)
		c.Switch(g.AS, &g.Regs)
		time.AfterFunc(5*time.Millisecond, func() { s.Kill(c) })
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Gone {
			t.Fatalf("%+v", trap)
		}
	})
}
