package systrap

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/handoff"
)

// TestMapSoon has mappings made with the next change that cannot wait, or forgotten.
func TestMapSoon(t *testing.T) {
	g := newGuest(t, 0x8b, 0x07, 0x0f, 0x05) // mov (%rdi),%eax; syscall
	as := g.as.(*space)
	fd, err := unix.MemfdCreate("data", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.Pwrite(fd, []byte{42}, 3*pageSize); err != nil {
		t.Fatal(err)
	}
	unix.Ftruncate(fd, 64*pageSize)
	const at = 0x5000000
	on(func() {
		c := plat(t).NewContext()
		defer c.Release()
		read := func(addr uint64) platform.TrapKind {
			t.Helper()
			g.regs.Rip, g.regs.Rdi = guestAt, addr
			trap := c.Switch(as, &g.regs)
			if trap.Kind == platform.Syscall && g.regs.OrigRax != 42 {
				t.Errorf("%#x has %d", addr, g.regs.OrigRax)
			}
			return trap.Kind
		}
		soon := func(addr uint64) {
			t.Helper()
			if errno := as.MapSoon(addr, 16*pageSize, fd, 0, platform.Read, false); errno != 0 {
				t.Fatal(errno)
			}
		}
		page := uint64(at + 3*pageSize)
		if k := read(page); k != platform.Fault {
			t.Fatalf("nothing is mapped: %d", k)
		}
		soon(at)
		orders := as.proc.ctl.seq.Load()
		if k := read(page); k != platform.Fault {
			t.Errorf("made before anybody needs it: %d", k)
		}
		if errno := as.Map(page, pageSize, fd, 3*pageSize, platform.Read, false); errno != 0 {
			t.Error(errno)
		}
		if k := read(page); k != platform.Syscall || as.proc.ctl.seq.Load() != orders+1 || len(as.proc.later) != 0 {
			t.Errorf("after a fault: %d, %d orders", k, as.proc.ctl.seq.Load()-orders)
		}

		soon(at + 1<<24)
		orders++
		as.Unmap(at+1<<24+4*pageSize, 4*pageSize)
		as.Unmap(at+1<<24, pageSize)
		if n := as.proc.ctl.seq.Load(); n != orders || len(as.proc.later) != 2 {
			t.Errorf("%d orders, %v is noted", n-orders, as.proc.later)
		}
		as.Unmap(at+1<<24+2*pageSize, 64*pageSize)
		if n := as.proc.ctl.seq.Load(); n != orders+1 || len(as.proc.later) != 0 {
			t.Errorf("%d orders, %v is noted", n-orders, as.proc.later)
		}
		if k := read(page + 1<<24); k != platform.Fault {
			t.Errorf("what was forgotten: %d", k)
		}

		// One that fails takes everything with it, and what follows is made.
		if errno := as.MapSoon(at+1<<25, pageSize, 1<<20, 0, platform.Read, false); errno != 0 {
			t.Fatal(errno)
		}
		if errno := as.Map(at+1<<26, 16*pageSize, fd, 0, platform.Read, false); errno != 0 {
			t.Error(errno)
		}
		if errno := as.Map(guestAt, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
			t.Error(errno)
		}
		if k := read(page + 1<<26); k != platform.Syscall {
			t.Errorf("after a failure: %d", k)
		}
		if k := read(page); k != platform.Fault {
			t.Errorf("what was there before a failure: %d", k)
		}
	})
}

// TestSurelyFar: a context that is to rest goes far all the same when it traps and traps.
func TestSurelyFar(t *testing.T) {
	if len(plat(t).cpus.numbers) < 2 {
		t.Skip("one processor: nothing is far")
	}
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		rests := false
		for deadline := time.Now().Add(20 * time.Second); c.placing.far == nil || !rests; g.regs.Rax = 1 {
			if c.placing.far != nil {
				c.comeBack(c.thread.Load())
				c.placing.until, rests = handoff.Counter()+handoff.Ticks(time.Hour), true
			}
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			if time.Now().After(deadline) {
				t.Fatalf("it does not go far: it rests %v", rests)
			}
		}
	})
}

// TestApart: who traps fast and for once does not sleeps where it is, and is far again. The second time soon it is near, and rests.
func TestApart(t *testing.T) {
	if len(plat(t).cpus.numbers) < 2 {
		t.Skip("one processor: nothing is far")
	}
	// begin: mov %rdi,%rcx; again: dec %rcx; jns again; syscall; jmp begin
	g := newGuest(t, 0x48, 0x89, 0xf9, 0x48, 0xff, 0xc9, 0x79, 0xfb, 0x0f, 0x05, 0xeb, 0xf4)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		l := &c.placing
		deadline := time.Now().Add(20 * time.Second)
		call := func(loops uint64) (slow bool) {
			was := c.life.slow
			g.regs.Rax, g.regs.Rdi = 1, loops
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			if l.apart {
				t.Fatal("it is apart though it has trapped")
			}
			if time.Now().After(deadline) {
				t.Fatalf("it does not come that far: %+v", l)
			}
			return c.life.slow > was
		}
		took := time.Hour
		for range 10 {
			began := time.Now()
			call(5_000_000)
			took = min(took, time.Since(began))
		}
		late := uint64(5_000_000 * 3 * spinTime / took)
		for {
			for c.life.brisk, l.until = true, 0; l.far == nil || l.traps-l.missed < forgive; {
				call(1)
			}
			traps := l.traps
			if !call(late) || l.far == nil { // others had the processor
				continue
			}
			if th := c.thread.Load(); l.missed != traps || th.cpu != l.cpu || c.p.cpus.here() == l.cpu || th.proc.far.Load() != th {
				t.Errorf("it is far again, and not where it was: %+v", l)
			}
			l.until = 0
			if call(late); l.far != nil || l.until == 0 {
				t.Errorf("it is far after a second time: %+v", l)
			}
			c.life.brisk, l.until = false, 0
			for l.far == nil || l.traps-l.missed < forgive {
				call(1)
			}
			if call(late); l.far != nil || l.until == 0 {
				t.Errorf("another is forgiven: %+v", l)
			}
			return
		}
	})
}

// TestHelped: while a context is far, its stub wakes the service thread on its own processor.
func TestHelped(t *testing.T) {
	if len(plat(t).cpus.numbers) < 2 {
		t.Skip("one processor: nothing is far")
	}
	g := newGuest(t, getpidLoop...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		s := func() *process { return g.as.(*space).proc }
		for deadline := time.Now().Add(20 * time.Second); ; {
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			g.regs.Rax = 1
			if _, helps := s().where(); c.placing.far == nil || !helps {
				if time.Now().After(deadline) {
					t.Fatal("it does not go far")
				}
				continue
			}
			there := int(s().farCPU.Load())
			g.as.Unmap(0x5000000, pageSize)
			if s().cpu == there && s().ctl.help.Load() == 0 {
				return
			}
		}
	})
}
