package systrap

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// bytesOf makes bytes of a pattern.
func bytesOf(p []int, nr uint32) (b []byte) {
	number := 0
	for _, v := range p {
		switch v {
		case anyByte:
			v = 0x18
		case numberByte:
			v = int(byte(nr >> (8 * number)))
			number++
		}
		b = append(b, byte(v))
	}
	return b
}

// TestForms checks that whoever comes to any instruction of a jump finds no instruction.
func TestForms(t *testing.T) {
	for _, f := range forms {
		for slot := range maxSlots {
			if classOf(slot) != f.class {
				continue
			}
			b := make([]byte, 16)
			f.jump(b, slot)
			if jumpSlot(b) != slot {
				t.Fatalf("% x: the jump % x is for slot %d, not %d", f.moved, b, jumpSlot(b), slot)
			}
			bad := map[byte]bool{0x06: true, 0x07: true, 0x0e: true, 0x60: true}
			call, behind := len(f.moved), len(f.moved)+2
			if f.class == slotsZero {
				if b[2] != 0x25 || b[7] != 0 || f.after[3] != 0xf0 || f.after[4] != 0xff {
					t.Errorf("zero form: % x", b)
				}
			} else if !bad[b[call]] {
				t.Errorf("% x: % x lets calls be restarted", f.moved, b)
			}
			if behind < f.jumpSize() && !bad[b[behind]] {
				t.Errorf("% x: % x lets calls return", f.moved, b)
			}
		}
		if f.jumpSize() > len(f.moved)+2+len(f.after) {
			t.Errorf("% x: the jump takes more than is moved", f.moved)
		}
	}
}

const formData = guestAt + 8192

// formGuest is a loop around a call of form f.
func formGuest(t *testing.T, f *form) (g *guest, start, ret uint64) {
	code := []byte{0x31, 0xc9, 0x45, 0x31, 0xdb, 0x48, 0x89, 0xe5, 0xff, 0xc3, 0x31, 0xc0, 0x83, 0xe8, 0x01, 0xb8, 39, 0, 0, 0} // what the flags, EAX, ECX and R11 are is known
	code = append(code, bytesOf(f.before, 39)...)
	start = guestAt + uint64(len(code))
	nr := uint32(39)
	if f.class == slotsZero {
		nr = 0
	}
	code = append(append(code, bytesOf(f.moved, nr)...), 0x0f, 0x05)
	ret = guestAt + uint64(len(code))
	code = append(append(code, bytesOf(f.after, 39)...), bytesOf(f.then, 39)...)
	for range 3 - min(len(f.then), 3) {
		code = append(code, 0x90)
	}
	switch {
	case len(f.then) == 0:
	case f.then[0] == 0xe8:
		code = append(code[:len(code)-2], 0, 0, 0, 0)
	case f.then[0] == 0x48:
		code = append(code[:len(code)-1], 0, 0xf0, 0xff, 0xff)
	}
	code = append(code, 0x9c, 0x41, 0x5d) // pushf; pop %r13
	code = append(code, 0xe9)
	back := -(len(code) + 4)
	code = append(code, byte(back), byte(back>>8), 0xff, 0xff)
	g = newGuest(t, code...)
	if errno := g.as.Map(formData, 4096, g.fd, 8192, platform.Read|platform.Write, false); errno != 0 {
		t.Fatal(errno)
	}
	return g, start, ret
}

// TestFormsAsUnpatched runs each form patched and unpatched, in all ways in which one can come to
// it and go on, and compares the registers.
func TestFormsAsUnpatched(t *testing.T) {
	for i, f := range forms {
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			var seen [2][]string
			for patched := range 2 {
				patchable(t, patched == 1)
				on(func() { seen[patched] = runForm(t, f, patched == 1) })
			}
			for i := range min(len(seen[0]), len(seen[1])) {
				if seen[0][i] != seen[1][i] {
					t.Fatalf("form %x, step %d:\n    text %s\n patched %s", f.moved, i, seen[0][i], seen[1][i])
				}
			}
			if len(seen[0]) != len(seen[1]) {
				t.Errorf("%d and %d steps", len(seen[0]), len(seen[1]))
			}
		})
	}
}

func runForm(t *testing.T, f *form, patched bool) (seen []string) {
	g, _, ret := formGuest(t, f)
	c := plat(t).NewContext().(debuggable).context
	defer func() { c.Release() }()
	reset := func() {
		r := &g.regs
		r.Rsp, r.Rdx, r.Rsi, r.R9, r.R12, r.Rdi, r.R8, r.Rbx = formData+512, formData+1024, 7, 39, 39, 5, 39, 1
	}
	run := func() platform.Trap {
		trap := c.Switch(g.as, &g.regs)
		for trap.Kind == platform.Interrupted {
			trap = c.Switch(g.as, &g.regs)
		}
		return trap
	}
	note := func(trap platform.Trap) {
		r := g.regs
		r.Rcx, r.R11 = 0, 0
		if r.Rip == ret { // flags behind a call are not what the trampoline keeps for
			r.Eflags &^= arch.Arithmetic
		}
		seen = append(seen, fmt.Sprintf("%d %d %x %+v", trap.Kind, trap.Signo, trap.Addr, r))
	}
	// Where the return address of the form that ends with RET is.
	stack := func() {
		words := make([]byte, 2048)
		for i := range words {
			words[i] = byte((ret + 1) >> (8 * (i % 8)))
		}
		unix.Pwrite(g.fd, words, 8192+512)
	}
	reset()
	stack()
	for range patchAfter + 2 {
		run()
		g.regs.Rax = 5
		stack()
		reset()
	}
	if c.live != patched {
		t.Fatalf("form %x: patched %v", f.moved, c.live)
	}
	values := []int64{0, 1, -1, -4095, -4096, -4097, 1 << 62}
	for i := range 6 * len(values) {
		g.regs.Rax = uint64(values[i%len(values)])
		switch i / len(values) {
		case 1:
			g.regs.R15 = uint64(i)
		case 2:
			reset()
		case 3: // the call is restarted
			g.regs.Rip, g.regs.Rax = ret-2, uint64(f.restart())
		case 4:
			g.regs.GsBase = uint64(i) << 12
		case 5: // another thread goes on there
			reset()
			g.regs.GsBase = 0
			c.Release()
			c = plat(t).NewContext().(debuggable).context
		}
		note(run())
		stack()
	}
	if f.numbered {
		return seen
	}
	reset()
	for range 40 { // single steps
		g.regs.Eflags |= arch.FlagTF
		trap := run()
		note(trap)
		if trap.Kind == platform.Syscall {
			g.regs.Rax = 3
			stack()
			reset()
		}
	}
	return seen
}

// restart is the number of a call that is restarted.
func (f *form) restart() int {
	if f.class == slotsZero {
		return 0
	}
	return 39
}
