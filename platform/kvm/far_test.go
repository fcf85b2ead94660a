package kvm

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// farNow has calls made until the context is far, which takes a while on a busy machine.
func farNow(t *testing.T, c *context, as platform.AddressSpace, r *arch.Registers) {
	t.Helper()
	if len(c.p.slots) == 0 {
		t.Skip("one processor, or no place for a stub")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c.hot, c.back = true, false
		if trap := c.Switch(as, r); trap.Kind != platform.Syscall {
			t.Fatalf("%+v", trap)
		}
		if c.live {
			return
		}
	}
	t.Skip("this machine is too busy")
}

// TestFar: registers, flags and extended state are those of the application, near or far, and those that the sentry sets.
func TestFar(t *testing.T) {
	p := plat(t)
	// add $1,%rbx ; mov $1000,%eax ; stc ; syscall ; jnc 1f ; mov %rax,%rdi ; movq %xmm0,%rsi ; jmp 0 ; 1: ud2
	g := conformance.NewGuest(t, p, 0x48, 0x83, 0xc3, 1, 0xb8, 0xe8, 3, 0, 0, 0xf9, 0x0f, 0x05, 0x73, 10, 0x48, 0x89, 0xc7,
		0x66, 0x48, 0x0f, 0x7e, 0xc6, 0xeb, 0xe8, 0x0f, 0x0b)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		r := g.Regs
		image := make([]byte, arch.FPUSize)
		arch.InitialFPU(image)
		image[160] = 77
		c.SetFPU(image)
		r.R8, r.R12, r.R15, r.Rbp, r.FsBase, r.GsBase = 8, 12, 15, 5, 0x7000, 0x123456789000
		farNow(t, c, g.AS, &r)
		far := 0
		for i := range 3000 {
			result := uint64(i) << 20
			want := r
			r.Rax = result
			switch i % 100 {
			case 50: // as for a signal
				r.R12, r.FsBase = uint64(i), uint64(i)<<12
				want.R12, want.FsBase = r.R12, r.FsBase
			case 70:
				c.Interrupt()
				trap := c.Switch(g.AS, &r)
				if trap.Kind != platform.Interrupted {
					t.Fatalf("%+v", trap)
				}
			case 80:
				c.FPU(image)
				if image[160] != 77 {
					t.Fatalf("xmm0 is %d", image[160])
				}
			}
			if trap := c.Switch(g.AS, &r); trap.Kind != platform.Syscall {
				t.Fatalf("call %d: %+v at %#x", i, trap, r.Rip)
			}
			if c.live {
				far++
			}
			if r.OrigRax != 1000 || r.Rdi != result || r.Rbx != want.Rbx+1 || r.Rsi != 77 || r.R8 != 8 || r.R12 != want.R12 || r.R15 != 15 || r.Rbp != 5 ||
				r.Rsp != g.Regs.Rsp || r.FsBase != want.FsBase || r.GsBase != want.GsBase || r.Rip != conformance.TextAt+12 || r.Eflags&1 == 0 {
				t.Fatalf("call %d: %+v, result %#x", i, r, result)
			}
		}
		t.Logf("%d calls of 3000 came far", far)
	})
}

// TestInterruptFar: none is lost, wherever it finds the vCPU, and no call is made twice or left out.
func TestInterruptFar(t *testing.T) {
	p := plat(t)
	// add $1,%rbx ; mov $1000,%eax ; syscall ; jmp 0
	g := conformance.NewGuest(t, p, 0x48, 0x83, 0xc3, 1, 0xb8, 0xe8, 3, 0, 0, 0x0f, 0x05, 0xeb, 0xf3)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		r := g.Regs
		farNow(t, c, g.AS, &r)
		calls, interrupts := r.Rbx, 0
		for i := range 400 {
			time.AfterFunc(time.Duration(i)*time.Microsecond/4, c.Interrupt)
			began := time.Now()
			for done := false; !done; {
				r.Rax = 7
				trap := c.Switch(g.AS, &r)
				switch trap.Kind {
				case platform.Syscall:
					if calls++; r.OrigRax != 1000 || r.Rbx != calls {
						t.Fatalf("call %d: %+v", calls, r)
					}
				case platform.Interrupted:
					interrupts++
					done = true
				default:
					t.Fatalf("%+v", trap)
				}
				done = done || time.Since(began) > 20*time.Millisecond
			}
		}
		if interrupts < 20 { // one that comes with a call need not be told
			t.Errorf("%d interrupts of 400", interrupts)
		}
	})
}

// TestBlockIsOnesOwn: no address space sees the block of another, nor its copy that of the original; on hosts where the stub is ring 0's
// nobody sees any.
func TestBlockIsOnesOwn(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, conformance.CallLoop...)
	at := uint64(blockAt(0) + blockOffset)
	if !p.outside {
		at = stackAt(0) + blockOffset
	}
	load := append(binary.LittleEndian.AppendUint64([]byte{0x48, 0xb8}, at), 0x48, 0x8b, 0x18, 0x0f, 0x0b) // mov at,%rax ; mov (%rax),%rbx ; ud2
	unix.Pwrite(g.FD, load, pageSize)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		r := g.Regs
		farNow(t, c, g.AS, &r)
		g.AS.Map(conformance.DataAt, pageSize, g.FD, pageSize, platform.Read|platform.Exec, false)
		child, _ := p.NewAddressSpace()
		defer child.Release()
		if errno := g.AS.Clone(child); errno != 0 {
			t.Fatal(errno)
		}
		for i, as := range []platform.AddressSpace{child, g.AS} {
			r := g.Regs
			r.Rip = conformance.DataAt
			trap := c.Switch(as, &r)
			own := i == 1 && p.outside
			if own != (r.Rip == conformance.DataAt+13) || !own && (trap.Signo != uint8(unix.SIGSEGV) || r.Rip != conformance.DataAt+10) {
				t.Errorf("space %d: %+v at %#x, read %#x", i, trap, r.Rip, r.Rbx)
			}
		}
	})
}

// TestStubFromAnywhere: whoever jumps into the stub makes a call, loses his registers, or gets a signal, and can be interrupted.
func TestStubFromAnywhere(t *testing.T) {
	p := plat(t)
	if !p.outside || len(p.slots) == 0 {
		t.Skip("the stub is ring 0's")
	}
	g := conformance.NewGuest(t, p, conformance.CallLoop...)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		for off := range uint64(p.slots[0].stub.end + 2) {
			r := g.Regs
			farNow(t, c, g.AS, &r)
			r = g.Regs
			r.Rip, r.Rcx, r.R11 = slotAt(0)+off, conformance.TextAt, 0x202
			for i := range 3 {
				stop := time.AfterFunc(50*time.Millisecond, c.Interrupt)
				trap := c.Switch(g.AS, &r)
				stop.Stop()
				if trap.Kind == platform.Gone {
					t.Fatalf("offset %d, try %d: %+v at %#x", off, i, trap, r.Rip)
				}
			}
			c.state.CompareAndSwap(interrupted, idle)
		}
	})
}

// TestHostileBlock: a thread that writes to another's block at all times has nothing to gain: traps come, interrupts too, and other address spaces
// run on.
func TestHostileBlock(t *testing.T) {
	p := plat(t)
	if !p.outside || len(p.slots) == 0 {
		t.Skip("the stub is ring 0's")
	}
	g := conformance.NewGuest(t, p, conformance.CallLoop...)
	// 0: mov $state,%rax ; inc %ecx ; mov %ecx,%edx ; and $3,%edx ; mov %edx,(%rax) ; mov %rcx,0x20(%rax) ; jmp to inc
	b := binary.LittleEndian.AppendUint64([]byte{0x48, 0xb8}, blockAt(0)+blockOffset)
	b = append(b, 0xff, 0xc1, 0x89, 0xca, 0x83, 0xe2, 3, 0x89, 0x10, 0x48, 0x89, 0x48, 0x20, 0xeb, 0xf1)
	unix.Pwrite(g.FD, b, pageSize)
	g.AS.Map(conformance.DataAt, pageSize, g.FD, pageSize, platform.Read|platform.Exec, false)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		r := g.Regs
		farNow(t, c, g.AS, &r)
		end := time.Now().Add(2 * time.Second)
		attack := make(chan struct{})
		go func() {
			defer close(attack)
			a := newContext(p)
			defer a.Release()
			r := g.Regs
			r.Rip = conformance.DataAt
			for time.Now().Before(end) {
				time.AfterFunc(5*time.Millisecond, a.Interrupt)
				if trap := a.Switch(g.AS, &r); trap.Kind == platform.Gone {
					t.Errorf("the attacker: %+v", trap)
					return
				}
			}
		}()
		for n := 0; time.Now().Before(end); n++ {
			c.hot = true
			stop := time.AfterFunc(50*time.Millisecond, c.Interrupt)
			r.Rax = 1
			trap := c.Switch(g.AS, &r)
			stop.Stop()
			if trap.Kind == platform.Gone {
				t.Fatalf("call %d: %+v at %#x", n, trap, r.Rip)
			}
			if r.Rip != conformance.TextAt+7 {
				r = g.Regs
			}
		}
		<-attack
	})
}

// TestReleasedWhileFar: an address space can be released while a vCPU is in the stub, and what it was made of used again.
func TestReleasedWhileFar(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, conformance.CallLoop...)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		for range 300 {
			as, errno := p.NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			if errno := g.AS.Clone(as); errno != 0 {
				t.Fatal(errno)
			}
			r := g.Regs
			for range 4 {
				c.hot = true
				if trap := c.Switch(as, &r); trap.Kind != platform.Syscall || r.Rip != conformance.TextAt+7 {
					t.Fatalf("%+v", trap)
				}
			}
			as.Release()
			if v := c.v.Load(); v.slot != nil && v.owner.Load() == c {
				t.Fatal("it is still far")
			}
		}
	})
}

// TestInterruptedInStub: wherever a signal finds the stub before a call is told, the number of the call is the application's.
func TestInterruptedInStub(t *testing.T) {
	for _, outside := range []bool{false, true} {
		l := &slot{p: &Platform{outside: outside}, block: &block{}, stub: newStub(0, blockOffset, 0)}
		if outside {
			l.stub = newStub(slotAt(0), blockAt(0)+blockOffset, doorAt)
		}
		v := &vcpu{p: l.p, slot: l, run: new(runArea)}
		c := &context{p: l.p}
		for off := range l.stub.spin {
			const number = 262
			v.run.regs.rip, v.run.regs.rax, l.block.regs.rax = l.at(v)+uint64(off), number, 0
			if outside {
				v.run.sregs.cs.dpl = 3
			}
			if off >= l.stub.kept {
				v.run.regs.rax, l.block.regs.rax = 0, number
			}
			var r arch.Registers
			if what := c.interrupted(v, nil, &r, l); what != aCall || r.Rax != number {
				t.Errorf("outside %v, %d bytes behind the beginning: %v, call %d", outside, off, what, r.Rax)
			}
		}
	}
}
