package systrap

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// again maps the guest's text into an address space that is made of a process released before, and fails if it is not that one.
func again(t *testing.T, g *guest, pid int) platform.AddressSpace {
	t.Helper()
	for {
		as, _ := plat(t).NewAddressSpace()
		if errno := as.Map(guestAt, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
			t.Fatal(errno)
		}
		if as.(*space).proc.pid == pid {
			return as
		}
		plat(t).mu.Lock()
		left := slices.ContainsFunc(plat(t).used, func(s *process) bool { return s.pid == pid })
		plat(t).mu.Unlock()
		if !left {
			t.Fatal("the process is not used again")
		}
		defer as.Release()
	}
}

// TestUsedAgain looks for what an application left behind in the process that the next one gets.
func TestUsedAgain(t *testing.T) {
	const secret = 0x5ec7e75ec7e75ec7
	mark := bytes.Repeat([]byte{0xc7, 0x5e, 0xe7}, 3)[:4]
	g := newGuest(t, getpidLoop...)
	var pid int
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		r := &g.regs
		for _, p := range []*uint64{&r.Rbx, &r.Rbp, &r.R8, &r.R9, &r.R10, &r.R12, &r.R13, &r.R14, &r.R15, &r.Rsi, &r.Rdx, &r.FsBase} {
			*p = secret & (1<<46 - 1)
		}
		image := make([]byte, arch.FPUSize)
		arch.InitialFPU(image)
		for i := 160; i < 416; i++ { // the XMM registers
			image[i] = mark[i%4]
		}
		image[512] |= 2
		c.SetFPU(image)
		for range patchAfter + 4 {
			c.Switch(g.as, r)
		}
		a := c.thread.Load().area
		for off := areaFPU; off < areaSize-8; off += 8 {
			scribble(a, off, secret)
		}
		pid = g.as.(*space).proc.pid
		g.as.Release()
		c.Release()
	})
	as := again(t, g, pid)
	defer as.Release()
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		proc := as.(*space).proc
		a := proc.all[0].area
		rest, _ := a.bytes(areaFPU, areaSize-areaFPU)
		if i := slices.IndexFunc(rest, func(b byte) bool { return b != 0 }); i >= 0 {
			t.Errorf("the area has %#x at %#x", rest[i], areaFPU+i)
		}
		if a.in != [24]uint64{} || a.regs != [15]uint64{} || a.iret != [5]uint64{} || a.facts[0].Load() != 0 {
			t.Errorf("the area has %x %x %x", a.in, a.regs, a.iret)
		}
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"/memfd:guest", "stub-trampolines", "stub-patched"} {
			if strings.Contains(string(b), what) {
				t.Errorf("%s is mapped:\n%s", what, b)
			}
		}
		regs := arch.Registers{Rip: guestAt}
		if trap := c.Switch(as, &regs); trap.Kind != platform.Syscall || regs.Rbx|regs.Rbp|regs.R8|regs.R15|regs.FsBase != 0 {
			t.Errorf("%+v: %+v", trap, regs)
		}
		image, initial := make([]byte, arch.FPUSize), make([]byte, arch.FPUSize)
		arch.InitialFPU(initial)
		if c.FPU(image); !bytes.Equal(image[160:416], initial[160:416]) {
			t.Errorf("vector registers % x", image[160:416])
		}
	})
}

// TestEscapedThreadIsCalledBack has a thread run on while the sentry believes that it waits, in its own code and in the
// stub's, when its process is given to another.
func TestEscapedThreadIsCalledBack(t *testing.T) {
	loop := arch.Registers{Rip: guestAt}
	stub := arch.Registers{Rip: textAt + entryHandler, Rdi: uint64(callBackSignal), Rsp: areaAt + areaSize - 512}
	for name, regs := range map[string]arch.Registers{"own": loop, "stub": stub} {
		g := newGuest(t, 0xeb, 0xfe) // jmp .
		on(func() {
			c := plat(t).NewContext().(debuggable).context
			g.regs = loop
			c.Interrupt()
			c.Switch(g.as, &g.regs) // does not begin
			time.AfterFunc(time.Millisecond, c.Interrupt)
			c.Switch(g.as, &g.regs)
			th := c.thread.Load()
			pid := th.proc.pid
			th.proc.ctl.fresh.Store(0) // as in a new process: the handler is a loop to be in
			// The thread says what it likes: that it has trapped.
			th.area.kind, th.area.sig = kindSignal, uint32(interruptSignal)
			g.regs = regs
			time.AfterFunc(5*time.Millisecond, func() { th.area.state.Store(stateTrap); futexWake(&th.area.state) })
			soon(t, name, func() { c.Switch(g.as, &g.regs) })
			g.as.Release()
			c.Release()
			soon(t, name, func() {
				as := again(t, g, pid)
				defer as.Release()
				if s, at := status(t, th.tid); s != "S" {
					t.Errorf("%s: the thread is %s at %s", name, s, at)
				}
			})
		})
	}
}

// status is the state of a thread of the host and what it is in.
func status(t *testing.T, tid int) (state, call string) {
	t.Helper()
	for range 100 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
		if err != nil {
			t.Fatal(err)
		}
		state = strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))[0]
		b, _ = os.ReadFile(fmt.Sprintf("/proc/%d/syscall", tid))
		if call = string(b); state == "S" && strings.HasPrefix(call, fmt.Sprint(unix.SYS_FUTEX)) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return state, call
}

// TestReleaseLate ends address spaces beside the contexts that were in them, and the next begins meanwhile.
func TestReleaseLate(t *testing.T) {
	patchable(t, false)
	g := newGuest(t, getpidLoop...)
	const spaces = 40
	done := make(chan bool, spaces)
	on(func() {
		next := plat(t).NewContext()
		defer func() { next.Release() }()
		for i := range spaces {
			as, errno := plat(t).NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			if errno := as.Map(guestAt, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
				t.Fatal(errno)
			}
			regs := g.regs
			if trap := next.Switch(as, &regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			as.(platform.LateReleaser).ReleaseLate(func() { done <- true })
			if i%2 == 0 { // the others go on in the next address space
				next.Release()
				next = plat(t).NewContext()
			}
		}
		for range spaces {
			<-done
		}
	})
	for began := time.Now(); plat(t).late.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d are still being released", plat(t).late.Load())
		}
	}
}
