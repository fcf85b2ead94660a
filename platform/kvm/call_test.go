package kvm

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// TestGoesOnBehindACall: with the registers that it is given, whichever of them have been changed.
func TestGoesOnBehindACall(t *testing.T) {
	p := plat(t)
	// syscall ; mov %rcx,%rbx ; mov %r11,%rbp ; syscall
	g := conformance.NewGuest(t, p, 0x0f, 0x05, 0x48, 0x89, 0xcb, 0x4c, 0x89, 0xdd, 0x0f, 0x05)
	other, _ := p.NewAddressSpace()
	defer other.Release()
	if errno := g.AS.Clone(other); errno != 0 {
		t.Fatal(errno)
	}
	const flags, cf, of = 0x246, 1, 0x800
	for name, change := range map[string]func(r *arch.Registers){
		"nothing": func(r *arch.Registers) {},
		"RAX":     func(r *arch.Registers) { r.Rax = 12 },
		"RCX":     func(r *arch.Registers) { r.Rcx = 12 },
		"R11":     func(r *arch.Registers) { r.R11 = 12 },
		"flags":   func(r *arch.Registers) { r.Eflags |= cf | of },
		"both":    func(r *arch.Registers) { r.Eflags, r.R11 = flags|cf|of, flags|cf|of },
		"resume":  func(r *arch.Registers) { r.Eflags, r.R11 = flags|arch.FlagRF, flags|arch.FlagRF },
		"FS":      func(r *arch.Registers) { r.FsBase = 0x1234000 },
		"GS":      func(r *arch.Registers) { r.GsBase = 0x1234000 },
		"DS":      func(r *arch.Registers) { r.Ds = userDS },
		"RSP":     func(r *arch.Registers) { r.Rsp = 0x1234 },
	} {
		conformance.On(func() {
			c := p.NewContext()
			defer c.Release()
			for i, as := range []platform.AddressSpace{g.AS, g.AS, other, g.AS} {
				r := g.Regs
				r.Eflags = flags
				if trap := c.Switch(g.AS, &r); trap.Kind != platform.Syscall {
					t.Fatalf("%s: %+v", name, trap)
				}
				change(&r)
				want := r
				trap := c.Switch(as, &r)
				if trap.Kind != platform.Syscall || r.Rip != conformance.TextAt+10 || r.OrigRax != want.Rax || r.Rbx != want.Rcx || r.Rbp != want.R11 ||
					r.Eflags&^arch.FlagRF != want.Eflags&^arch.FlagRF || r.FsBase != want.FsBase || r.GsBase != want.GsBase || r.Ds != want.Ds || r.Rsp != want.Rsp {
					t.Errorf("%s, space %d: %+v\n%+v\ninstead of\n%+v", name, i, trap, r, want)
				}
			}
		})
	}
}

// TestStepsBehindACall: a single step from behind a call ends after one instruction.
func TestStepsBehindACall(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, 0x0f, 0x05, 0x90, 0x90) // syscall ; nop ; nop
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Syscall {
			t.Fatalf("%+v", trap)
		}
		g.Regs.Eflags |= arch.FlagTF
		g.Regs.R11 = g.Regs.Eflags
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Exception || g.Regs.Rip != conformance.TextAt+3 {
			t.Errorf("%+v at %#x", trap, g.Regs.Rip)
		}
	})
}

// TestNowhereBehindACall: an address that no application has is not returned to by ring 0.
func TestNowhereBehindACall(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, 0x0f, 0x05)
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		for _, at := range []uint64{arch.TaskSizeMax, 1 << 47, 1 << 63, returnAt(0)} {
			r := g.Regs
			c.Switch(g.AS, &r)
			r.Rip, r.Rcx = at, at
			if trap := c.Switch(g.AS, &r); trap.Kind != platform.Fault && trap.Kind != platform.Exception {
				t.Errorf("%#x: %+v", at, trap)
			}
		}
	})
}

// TestInterruptBehindACall: none is lost on the way back to the application.
func TestInterruptBehindACall(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, 0x0f, 0x05, 0xeb, 0xfe) // syscall ; jmp to itself
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		for i := range 300 {
			r := g.Regs
			if trap := c.Switch(g.AS, &r); trap.Kind != platform.Syscall {
				t.Fatalf("%+v", trap)
			}
			r.Rax = 12
			lost := time.AfterFunc(30*time.Second, func() { t.Error("an interrupt was lost"); c.Interrupt() })
			time.AfterFunc(time.Duration(i)*time.Microsecond/3, c.Interrupt)
			if trap := c.Switch(g.AS, &r); trap.Kind != platform.Interrupted || r.Rip != conformance.TextAt+2 || r.Rax != 12 {
				t.Fatalf("%+v, %+v", trap, r)
			}
			if lost.Stop(); t.Failed() {
				return
			}
		}
	})
}
