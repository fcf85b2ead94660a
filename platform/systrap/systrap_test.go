package systrap

import (
	"log"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// One platform serves all tests, as it serves a sandbox.
var (
	once        sync.Once
	thePlatform *Platform
)

func plat(t testing.TB) *Platform {
	once.Do(func() {
		p, err := New(log.Printf)
		if err != nil {
			t.Fatal(err)
		}
		thePlatform = p
	})
	return thePlatform
}

// guest is a program in an address space: text at 0x100000, a page of memory behind it that is
// not mapped.
type guest struct {
	t    testing.TB
	as   platform.AddressSpace
	fd   int
	regs arch.Registers
}

const guestAt = 0x100000

func newGuest(t testing.TB, text ...byte) *guest {
	fd, err := unix.MemfdCreate("guest", 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Ftruncate(fd, 1<<20)
	unix.Pwrite(fd, text, 0)
	as, errno := plat(t).NewAddressSpace()
	if errno != 0 {
		t.Fatal(errno)
	}
	if errno := as.Map(guestAt, 4096, fd, 0, platform.Read|platform.Exec, false); errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { as.Release(); unix.Close(fd) })
	return &guest{t: t, as: as, fd: fd, regs: arch.Registers{Rip: guestAt, Rsp: guestAt + 0x2000}}
}

// on runs f on a goroutine of its own, which a context may lock to its thread.
func on(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}

// loop: mov $39,%eax; syscall; jmp loop
var getpidLoop = []byte{0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7}

func TestSyscall(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext()
		defer c.Release()
		for i := range 3 {
			g.regs.Rdi = uint64(i)
			trap := c.Switch(g.as, &g.regs)
			if trap.Kind != platform.Syscall || g.regs.OrigRax != 39 || g.regs.Rip != guestAt+7 || g.regs.Rdi != uint64(i) || int64(g.regs.Rax) != -38 {
				t.Errorf("trap %+v, registers %+v", trap, g.regs)
			}
			g.regs.Rax = 7
		}
	})
}

func TestFaults(t *testing.T) {
	// mov 0x101000,%eax ; mov %eax,0x101000 ; ud2
	g := newGuest(t, 0x8b, 0x04, 0x25, 0, 0x10, 0x10, 0, 0x89, 0x04, 0x25, 0, 0x10, 0x10, 0, 0x0f, 0x0b)
	unix.Pwrite(g.fd, []byte{1, 2, 3, 4}, 4096)
	on(func() {
		c := plat(t).NewContext()
		defer c.Release()
		trap := c.Switch(g.as, &g.regs)
		if trap.Kind != platform.Fault || trap.Addr != 0x101000 || trap.Write || trap.Exec {
			t.Fatalf("%+v", trap)
		}
		if errno := g.as.Map(0x101000, 4096, g.fd, 4096, platform.Read, false); errno != 0 {
			t.Fatal(errno)
		}
		trap = c.Switch(g.as, &g.regs)
		if trap.Kind != platform.Fault || !trap.Write || g.regs.Rax != 0x04030201 {
			t.Fatalf("%+v %x", trap, g.regs.Rax)
		}
		if errno := g.as.Protect(0x101000, 4096, platform.Read|platform.Write); errno != 0 {
			t.Fatal(errno)
		}
		trap = c.Switch(g.as, &g.regs)
		if trap.Kind != platform.Exception || trap.Signo != uint8(unix.SIGILL) || g.regs.Rip != guestAt+14 {
			t.Fatalf("%+v %+v", trap, g.regs)
		}
		g.as.Unmap(guestAt, 4096)
		trap = c.Switch(g.as, &g.regs)
		if trap.Kind != platform.Fault || !trap.Exec {
			t.Fatalf("%+v", trap)
		}
	})
}

func TestInterrupt(t *testing.T) {
	g := newGuest(t, 0xeb, 0xfe) // jmp .
	on(func() {
		c := plat(t).NewContext()
		defer c.Release()
		c.Interrupt()
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Interrupted {
			t.Fatalf("before: %+v", trap)
		}
		for range 20 {
			time.AfterFunc(time.Millisecond, c.Interrupt)
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Interrupted || g.regs.Rip != guestAt {
				t.Fatalf("%+v", trap)
			}
		}
	})
}

func TestKilledStubIsGone(t *testing.T) {
	g := newGuest(t, 0xeb, 0xfe)
	on(func() {
		c := plat(t).NewContext().(*context)
		defer c.Release()
		time.AfterFunc(time.Millisecond, c.Interrupt)
		c.Switch(g.as, &g.regs)
		time.AfterFunc(5*time.Millisecond, func() { unix.Kill(c.thread.Load().proc.pid, unix.SIGKILL) })
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Gone {
			t.Fatalf("%+v", trap)
		}
	})
}

func TestCloneAndMoveBetweenSpaces(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext()
		defer c.Release()
		image := make([]byte, arch.FPUSize)
		arch.InitialFPU(image)
		for i := range 16 {
			image[160+i] = byte(i + 1) // XMM0
		}
		c.SetFPU(image)
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
			t.Fatalf("%+v", trap)
		}
		for range 5 {
			child, _ := plat(t).NewAddressSpace()
			if errno := g.as.Clone(child); errno != 0 {
				t.Fatal(errno)
			}
			if trap := c.Switch(child, &g.regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			child.Release()
		}
		got := make([]byte, arch.FPUSize)
		c.FPU(got)
		if got[160] != 1 || got[175] != 16 {
			t.Errorf("FPU state lost: %v", got[160:176])
		}
	})
}

func TestManyThreads(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c := plat(t).NewContext()
			defer c.Release()
			regs := g.regs
			for range 200 {
				if trap := c.Switch(g.as, &regs); trap.Kind != platform.Syscall {
					t.Errorf("%+v", trap)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkSyscall(b *testing.B) {
	g := newGuest(b, getpidLoop...)
	on(func() {
		c := plat(b).NewContext()
		defer c.Release()
		for b.Loop() {
			c.Switch(g.as, &g.regs)
		}
	})
}

func BenchmarkClone(b *testing.B) {
	g := newGuest(b, getpidLoop...)
	on(func() {
		c := plat(b).NewContext()
		defer c.Release()
		for b.Loop() {
			child, _ := plat(b).NewAddressSpace()
			if errno := g.as.Clone(child); errno != 0 {
				b.Fatal(errno)
			}
			child.Release()
		}
	})
}

// BenchmarkFork is a process that is forked, makes a call, and ends.
func BenchmarkFork(b *testing.B) {
	g := newGuest(b, getpidLoop...)
	on(func() {
		c := plat(b).NewContext()
		defer c.Release()
		c.Switch(g.as, &g.regs)
		for b.Loop() {
			child, _ := plat(b).NewAddressSpace()
			if errno := g.as.Clone(child); errno != 0 {
				b.Fatal(errno)
			}
			n := plat(b).NewContext()
			regs := g.regs
			if trap := n.Switch(child, &regs); trap.Kind != platform.Syscall {
				b.Fatalf("%+v", trap)
			}
			child.Release()
			n.Release()
		}
	})
}
