package systrap

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// What a hostile application can try (doc.go). The application of these tests chooses its
// registers freely and runs any code, that of the stub too.

// maps is /proc/PID/maps of the stub, without the lines that may differ.
func (g *guest) maps(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", g.as.(*space).proc.pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// soon runs f, which must not take long.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		panic(what + " hangs")
	}
}

// TestJumpToTheStubsCalls has the application make each call that the stub's code can make, with
// the registers it likes.
func TestJumpToTheStubsCalls(t *testing.T) {
	texts := map[int][]byte{textAt: stubText(), serviceAt: serviceText()}
	hostile := []arch.Registers{
		{Rax: unix.SYS_MMAP, Rdi: 0x5000000, Rsi: 4096, Rdx: 3, R10: unix.MAP_SHARED | unix.MAP_FIXED, R8: uint64(plat(t).areas.fd)},
		{Rax: unix.SYS_MUNMAP, Rdi: textAt, Rsi: pageSize},
		{Rax: unix.SYS_MPROTECT, Rdi: textAt, Rsi: pageSize, Rdx: 7},
		{Rax: unix.SYS_PWRITE64, Rdi: uint64(plat(t).ctls.fd), Rsi: guestAt, Rdx: 8, R10: ctlDone},
		{Rax: unix.SYS_CLONE, Rdi: threadFlags},
		{Rax: unix.SYS_EXIT_GROUP},
		{Rax: unix.SYS_EXIT},
		{Rax: unix.SYS_OPENAT, Rdi: 0xffffff9c, Rsi: guestAt},
		{Rax: unix.SYS_RT_SIGPROCMASK, Rdi: 2, Rsi: guestAt, R10: 8},
		{Rax: unix.SYS_RT_SIGRETURN},
		{Rax: unix.SYS_SIGALTSTACK, Rdi: guestAt},
		{Rax: unix.SYS_SECCOMP, Rdi: 1, Rdx: dataAt + dataMaster},
		{Rax: unix.SYS_PRCTL, Rdi: setUserDispatch},
		{Rax: unix.SYS_PRCTL, Rdi: setUserDispatch, Rsi: 1, Rdx: textAt, R10: textSize},
		{Rax: unix.SYS_PRCTL, Rdi: setUserDispatch, Rsi: 1, Rdx: serviceAt, R10: textSize},
		{Rax: unix.SYS_CLONE, Rdi: uint64(processFlags)},
		{Rax: unix.SYS_FUTEX, Rdi: dataAt, Rsi: 1, Rdx: 1},
		{Rax: unix.SYS_FUTEX, Rdi: ctlAt + pageSize, Rsi: 1, Rdx: 1},
		{Rax: unix.SYS_FUTEX, Rdi: 1<<32 + ctlAt, Rsi: 1, Rdx: 1},
		{Rax: unix.SYS_FUTEX, Rdi: ctlAt, Rsi: 3, Rdx: 1, R8: guestAt},  // requeue who waits for an order
		{Rax: unix.SYS_FUTEX, Rdi: areaAt, Rsi: 4, Rdx: 1, R8: guestAt}, // requeue
		{Rax: unix.SYS_FUTEX, Rdi: guestAt, Rsi: 1, Rdx: 1},
		{Rax: unix.SYS_KILL, Rdi: uint64(os.Getpid())},
	}
	var calls []int
	for page, text := range texts {
		for at := range text {
			if bytes.HasPrefix(text[at:], []byte{0x0f, 0x05}) {
				calls = append(calls, page+at)
			}
		}
	}
	if len(calls) < 12 {
		t.Fatalf("%d calls in the stub's code", len(calls))
	}
	for _, at := range calls {
		for _, r := range hostile {
			g := newGuest(t, getpidLoop...)
			on(func() {
				c := plat(t).NewContext()
				defer c.Release()
				c.Switch(g.as, &g.regs) // the thread exists
				was := g.maps(t)
				g.regs = r
				g.regs.Rip, g.regs.Rsp = uint64(at), guestAt+0x2000
				nr := r.Rax
				soon(t, fmt.Sprintf("a jump to the stub %#x %+v", at, r), func() {
					if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != nr {
						t.Errorf("call %d at %#x: %+v", nr, at, trap)
					}
				})
				if now := g.maps(t); now != was {
					t.Errorf("call %d at %#x changed the mappings:\n%s%s", nr, at, was, now)
				}
			})
		}
	}
}

// TestJumpAnywhereInTheStub has the application begin at every byte of the stub's code.
func TestJumpAnywhereInTheStub(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	rng := rand.New(rand.NewPCG(1, 2))
	for at := textAt; at < serviceAt+len(serviceText()); at += 1 + rng.IntN(12) {
		if at == textAt+len(stubText()) {
			at = serviceAt
		}
		on(func() {
			c := plat(t).NewContext()
			defer c.Release()
			regs := arch.Registers{Rip: uint64(at), Rsp: guestAt + 0x2000}
			if rng.IntN(2) == 0 {
				regs.Rbx, regs.R11, regs.Rdx = areaAt, areaAt, areaAt+areaAlt
				regs.Rsp = areaAt + areaSize - 512
			}
			soon(t, fmt.Sprintf("from %#x on", at), func() {
				for range 3 {
					timer := time.AfterFunc(2*time.Millisecond, c.Interrupt)
					trap := c.Switch(g.as, &regs)
					timer.Stop()
					if trap.Kind == platform.Gone {
						break
					}
				}
			})
		})
		if g.as.(*space).proc.dead.Load() {
			g = newGuest(t, getpidLoop...)
		}
	}
}

// TestScribbledArea has another thread of the application write anything over the area, while
// its owner makes calls.
func TestScribbledArea(t *testing.T) {
	patchable(t, true)
	defer func(d time.Duration) { storeTime = d }(storeTime)
	storeTime = 50 * time.Millisecond
	rng := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		g := newGuest(t, getpidLoop...)
		on(func() {
			c := plat(t).NewContext().(debuggable).context
			defer c.Release()
			g.calls(t, c, patchAfter+2)
			a := c.thread.Load().area
			stop := make(chan struct{})
			scribbled := make(chan struct{})
			go func() {
				defer close(scribbled)
				for {
					select {
					case <-stop:
						return
					default:
					}
					scribble(a, rng.IntN(areaSize-8), rng.Uint64()>>rng.IntN(64))
					if rng.IntN(40) == 0 {
						a.state.Store(uint32(rng.IntN(6)))
						futexWake(&a.state)
					}
				}
			}()
			image := make([]byte, arch.FPUSize)
			soon(t, "a thread with a scribbled area", func() {
				for i := range 50 {
					timer := time.AfterFunc(20*time.Millisecond, c.Interrupt)
					trap := c.Switch(g.as, &g.regs)
					timer.Stop()
					if trap.Kind == platform.Gone {
						break
					}
					if g.regs.Rip > arch.TaskSizeMax || g.regs.Eflags&0x3000 != 0 || g.regs.FsBase >= arch.TaskSizeMax {
						t.Errorf("registers that cannot be: %+v", g.regs)
					}
					if i%8 == 0 {
						if c.FPU(image); arch.CheckFPU(image) != 0 {
							t.Error("an FPU state that cannot be")
						}
					}
					g.regs = arch.Registers{Rip: guestAt, Rsp: guestAt + 0x2000}
				}
			})
			close(stop)
			<-scribbled
		})
	}
}

// TestFalseTrap has an application thread run while the sentry believes that it waits.
func TestFalseTrap(t *testing.T) {
	g := newGuest(t, 0xeb, 0xfe) // jmp .
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		time.AfterFunc(time.Millisecond, c.Interrupt)
		c.Switch(g.as, &g.regs)
		a := c.thread.Load().area
		time.AfterFunc(5*time.Millisecond, func() { a.state.Store(stateTrap); futexWake(&a.state) })
		soon(t, "a false trap", func() { c.Switch(g.as, &g.regs) })
		// It runs still. Nothing of the memory is left to it once the space is released.
		pid := g.as.(*space).proc.pid
		g.as.Release()
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid)); err == nil && strings.Contains(string(b), "/memfd:guest") {
			t.Errorf("after Release:\n%s", b)
		}
		soon(t, "a context of a released space", func() {
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Gone {
				t.Errorf("%+v", trap)
			}
		})
	})
}

// TestStubRangesAreRefused: no mapping call reaches the stub's own pages.
func TestStubRangesAreRefused(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	was := g.maps(t)
	for _, r := range [][2]uint64{{textAt, 4096}, {serviceAt, 4096}, {ctlAt, 4096}, {areaAt, 4096}, {maxAddr - 4096, 8192}, {minAddr, ^uint64(0) - 4095}, {0, 4096},
		{minAddr - 4096, 8192}, {1 << 63, 4096}, {slotsAt, 4096}} {
		if g.as.Map(r[0], r[1], g.fd, 0, 7, false) == 0 {
			t.Errorf("%#x is mapped", r)
		}
		if g.as.Protect(r[0], r[1], 7) == 0 {
			t.Errorf("%#x is protected", r)
		}
		g.as.Unmap(r[0], r[1])
	}
	if now := g.maps(t); now != was {
		t.Errorf("%s%s", was, now)
	}
}

// TestOddCalls are ways to call that are not SYSCALL.
func TestOddCalls(t *testing.T) {
	g := newGuest(t, 0xcd, 0x80) // int $0x80
	on(func() {
		c := plat(t).NewContext()
		defer c.Release()
		g.regs.Rax = 20
		trap := c.Switch(g.as, &g.regs)
		if trap.Kind != platform.Exception || trap.Signo != uint8(unix.SIGSEGV) || g.regs.Rip != guestAt {
			t.Errorf("int 0x80: %+v, rip %#x", trap, g.regs.Rip)
		}
		// The vsyscall page: the call returns to what the stack says.
		unix.Pwrite(g.fd, []byte{0x42, 0, 0x10, 0, 0, 0, 0, 0}, 4096)
		if errno := g.as.Map(guestAt+4096, 4096, g.fd, 4096, platform.Read|platform.Write, false); errno != 0 {
			t.Fatal(errno)
		}
		g.regs = arch.Registers{Rip: 0xffffffffff600400, Rsp: guestAt + 4096}
		trap = c.Switch(g.as, &g.regs)
		if trap.Kind != platform.Syscall || g.regs.OrigRax != unix.SYS_TIME || g.regs.Rip != 0x100042 || g.regs.Rsp != guestAt+4104 {
			t.Errorf("vsyscall: %+v, %+v", trap, g.regs)
		}
	})
}

// TestThreadsAreConfined: the host agrees about who has which filter and descriptors.
func TestThreadsAreConfined(t *testing.T) {
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		c.Switch(g.as, &g.regs)
		th := c.thread.Load()
		for tid, want := range map[int]string{th.tid: "1", th.proc.pid: "1"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", th.proc.pid, tid))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"Seccomp:\t2", "Seccomp_filters:\t" + want, "NoNewPrivs:\t1"} {
				if !strings.Contains(string(b), line+"\n") {
					t.Errorf("no %q in\n%s", line, b)
				}
			}
		}
		for _, line := range strings.Split(strings.TrimSpace(g.maps(t)), "\n") {
			if strings.Contains(line, "guest") || strings.Contains(line, "vsyscall") {
				continue
			}
			f := strings.Fields(line)
			if f[1] != "r-xs" && f[1] != "r--s" && !strings.Contains(line, "stub-areas") {
				t.Errorf("the stub has %s", line)
			}
		}
	})
}

// TestNestedTask: IRETQ faults with the flag NT, which any application may set.
func TestNestedTask(t *testing.T) {
	g := newGuest(t,
		0x9c, 0x80, 0x4c, 0x24, 1, 0x40, 0x9d, // pushfq; orb $0x40,1(%rsp); popfq
		0xb8, 39, 0, 0, 0, 0x0f, 0x05, // mov $39,%eax; syscall
		0xeb, 0xf7) // jmp to mov
	if errno := g.as.Map(conformance.DataAt, pageSize, g.fd, pageSize, platform.Read|platform.Write, true); errno != 0 {
		t.Fatal(errno)
	}
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.regs.Rsp = conformance.DataAt + 64
		for i := range 4 * patchAfter {
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
				t.Fatalf("call %d: %+v, %+v", i, trap, g.regs)
			}
			if g.regs.Rax = 1; i%3 == 0 {
				g.regs.Rbx++ // all registers are loaded
			}
		}
		other := newGuest(t, getpidLoop...)
		c.leave(false)
		if trap := c.Switch(other.as, &other.regs); trap.Kind != platform.Syscall {
			t.Errorf("the next: %+v, %+v", trap, other.regs)
		}
	})
}
