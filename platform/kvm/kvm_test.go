package kvm

import (
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// One platform serves all tests, as it serves a sandbox.
var once struct {
	sync.Once
	p   *Platform
	err error
}

func plat(t testing.TB) *Platform {
	once.Do(func() {
		dev, err := Open()
		if err != nil {
			once.err = err
			return
		}
		defer dev.Close()
		once.p, once.err = New(dev, func(format string, args ...any) { t.Logf(format, args...) })
	})
	if once.err != nil {
		if os.IsNotExist(once.err) {
			t.Skip("NOT TESTED: ", once.err)
		}
		t.Skip("NOT TESTED: ", once.err)
	}
	return once.p
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

// on runs f on a goroutine of its own, which a context locks to its thread.
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
