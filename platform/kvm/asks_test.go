package kvm

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

var endOfAsk = []byte{0x0f, 0xa2, 0x89, 0xc0, 0x0f, 0x05} // cpuid; mov %eax,%eax; syscall

// askers are ways to ask, and whether they are patched.
var askers = []struct {
	name  string
	text  []byte
	known bool
}{
	{"leaf", []byte{0xb8, 6, 0, 0, 0x80}, true},
	{"zero subleaf", []byte{0xb8, 7, 0, 0, 0, 0x31, 0xc9}, true},
	{"subleaf", []byte{0xb8, 0xd, 0, 0, 0, 0xb9, 1, 0, 0, 0}, true},
	{"subleaf from elsewhere", []byte{0xb8, 4, 0, 0, 0}, false},
	{"registers", []byte{0x44, 0x89, 0xc0, 0x89, 0xf9}, true},                          // mov %r8d,%eax; mov %edi,%ecx
	{"plus one", []byte{0x83, 0xc6, 1, 0x89, 0xf8, 0x89, 0xf1}, true},                  // add $1,%esi; mov %edi,%eax; mov %esi,%ecx
	{"minus, other registers", []byte{0x83, 0xc5, 0xf0, 0x89, 0xd0, 0x89, 0xe9}, true}, // add $-16,%ebp; mov %edx,%eax; mov %ebp,%ecx
	{"to the stack", []byte{0xc6, 0x44, 0x24, 15, 7}, true},                            // movb $7,15(%rsp)
	{"four bytes to the stack", []byte{0xc7, 0x44, 0x24, 0x60, 1, 2, 3, 4}, true},      // movl $0x4030201,96(%rsp)
	{"subleaf in a register", []byte{0xb8, 0x14, 0, 0, 0, 0x89, 0xf1}, true},           // mov $20,%eax; mov %esi,%ecx
}

// patching has text patched for the test.
func patching(t *testing.T) *Platform {
	p := plat(t)
	p.Unpatched(1 << 20)
	t.Cleanup(func() { p.Unpatched(-1) })
	return p
}

// twin returns a guest with the text of g, patched, and how many of its pages are copies.
func twin(t *testing.T, p *Platform, g *conformance.Guest) (*conformance.Guest, int) {
	t.Helper()
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", g.FD), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	as, errno := p.NewAddressSpace()
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { as.Release(); unix.Close(fd) })
	if errno := as.Map(conformance.TextAt, pageSize, fd, 0, platform.Read|platform.Exec, false); errno != 0 {
		t.Fatal(errno)
	}
	return &conformance.Guest{AS: as, FD: g.FD}, len(as.(*space).asks.pages)
}

// TestCPUID runs each way to ask as KVM does it and patched, whole, one instruction at a time, and from
// each instruction on.
func TestCPUID(t *testing.T) {
	p := patching(t)
	for _, a := range askers {
		t.Run(a.name, func(t *testing.T) {
			plain := conformance.NewGuest(t, p, append(bytes.Clone(a.text), endOfAsk...)...)
			first, n := twin(t, p, plain)
			second, m := twin(t, p, plain)
			if n == 1 != a.known || m != n {
				t.Fatalf("%d copies, then %d", n, m)
			}
			child, errno := p.NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			defer child.Release()
			conformance.On(func() {
				want := ask(t, p, plain, a.text)
				same := func(g *conformance.Guest) {
					got := ask(t, p, g, a.text)
					for i := range max(len(got), len(want)) {
						if i >= len(got) || i >= len(want) || got[i] != want[i] {
							t.Errorf("step %d of %d, %d:\n got %s\nwant %s", i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
							return
						}
					}
				}
				same(first)
				same(second)
				if errno := first.AS.Clone(child); errno != 0 {
					t.Error(errno)
				}
				same(&conformance.Guest{AS: child, FD: plain.FD})
			})
		})
	}
}

// ask returns what is seen when the guest asks.
func ask(t *testing.T, p *Platform, g *conformance.Guest, text []byte) (seen []string) {
	c := newContext(p)
	defer c.Release()
	if errno := g.AS.Map(conformance.DataAt, pageSize, g.FD, pageSize, platform.Read|platform.Write, true); errno != 0 {
		t.Fatal(errno)
	}
	starts := []uint64{0, 5, uint64(len(text))}
	switch text[0] {
	case 0x44, 0x83:
		starts[2] = 3
	case 0xc7:
		starts[1] = 8
	}
	for i := range 72 {
		r := &arch.Registers{Rip: conformance.TextAt + starts[i%3], Rsp: 1 << 20, Eflags: 0x8d5 | 2, R8: 1, R11: 11, Rdi: 7, Rbp: 5}
		r.Rax, r.Rbx, r.Rcx, r.Rdx = 1<<32|0x80000006, 1<<40, 1<<33|1, 4
		leaf := []uint64{1<<32 | 13, 7, 4, 2, 0, 0x80000006}[i/3%6]
		r.R8, r.Rdi, r.R15, r.Rdx = leaf, uint64(i/2), leaf, uint64(i/3)
		switch text[0] {
		case 0x83:
			r.Rdi, r.Rsi, r.Rdx, r.Rbp = leaf, 1<<32-1+uint64(i/4), leaf, 7<<32|uint64(i)
		case 0xb8:
			r.Rsi = uint64(i / 10)
		case 0xc6, 0xc7:
			if r.Rax = leaf; i/2%2 == 0 {
				r.Rsp = conformance.DataAt + 64
			}
		}
		if i/6%2 == 1 {
			r.Eflags &^= 0x8d5
		}
		if i >= 36 {
			r.Eflags |= arch.FlagTF
		}
		for {
			trap := c.Switch(g.AS, r)
			if trap.Kind == platform.Interrupted {
				continue
			}
			see := *r
			if trap.Kind == platform.Syscall {
				see.Rcx, see.R11 = 0, 0
			}
			see.Eflags &^= 1<<4 | arch.FlagRF // AF, which XOR may leave as it likes
			seen = append(seen, fmt.Sprintf("%d: %d %d %x %+v", i, trap.Kind, trap.Signo, trap.Addr, see))
			if trap.Kind != platform.Exception || trap.Signo != uint8(unix.SIGTRAP) {
				break
			}
		}
	}
	return seen
}

// TestCPUIDLoop has the application do nothing but ask: it is interrupted all the same, never inside a trampoline, and finds
// the answer.
func TestCPUIDLoop(t *testing.T) {
	p := patching(t)
	for _, text := range [][]byte{{0xb8, 6, 0, 0, 0x80}, {0x44, 0x89, 0xc0, 0x89, 0xf9}, {0xc6, 0x44, 0x24, 15, 7}} {
		g := conformance.NewGuest(t, p, append(text, 0x0f, 0xa2, 0xeb, byte(-4-len(text)))...) // jmp to the start
		g, n := twin(t, p, g)
		if n != 1 {
			t.Fatalf("%d copies", n)
		}
		if errno := g.AS.Map(conformance.DataAt, pageSize, g.FD, pageSize, platform.Read|platform.Write, true); errno != 0 {
			t.Fatal(errno)
		}
		const leaf = 13
		a, b, c, d := p.asks.ask(leaf, 1)
		conformance.On(func() {
			ctx := newContext(p)
			defer ctx.Release()
			r := &arch.Registers{Rip: conformance.TextAt, R8: leaf, Rdi: 1, Rsp: conformance.DataAt, Eflags: 0x8d5}
			for i := range 200 {
				time.AfterFunc(time.Millisecond, ctx.Interrupt)
				trap := ctx.Switch(g.AS, r)
				if trap.Kind != platform.Interrupted || r.Rip < conformance.TextAt || r.Rip > conformance.TextAt+uint64(len(text))+2 || r.Eflags&0x8d5 != 0x8d5 {
					t.Errorf("%d: %+v at %#x, flags %#x", i, trap, r.Rip, r.Eflags)
					return
				}
				if text[0] == 0x44 && r.Rip == conformance.TextAt+7 && (r.Rax != uint64(a) || r.Rbx != uint64(b) || r.Rcx != uint64(c) || r.Rdx != uint64(d)) {
					t.Errorf("%d: %+v", i, r)
				}
			}
		})
	}
}

// TestCPUIDOfOtherText has a file be mapped at two addresses, to be written, and change.
func TestCPUIDOfOtherText(t *testing.T) {
	p := patching(t)
	text := append([]byte{0xb8, 6, 0, 0, 0x80}, endOfAsk...)
	plain := conformance.NewGuest(t, p, text...)
	first, n := twin(t, p, plain)
	s := first.AS.(*space)
	const elsewhere = conformance.TextAt + 16*pageSize
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", plain.FD), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil || n != 1 {
		t.Fatal(err, n)
	}
	defer unix.Close(fd)
	if errno := s.Map(elsewhere, pageSize, fd, 0, platform.Read|platform.Exec, false); errno != 0 || len(s.asks.pages) != 1 {
		t.Errorf("errno %d, %d copies after the second", errno, len(s.asks.pages))
	}
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		a, b, _, _ := p.asks.ask(0x80000006, 0)
		for _, at := range []uint64{conformance.TextAt, elsewhere} {
			r := &arch.Registers{Rip: at}
			if trap := c.Switch(s, r); trap.Kind != platform.Syscall || r.OrigRax != uint64(a) || r.Rbx != uint64(b) || r.Rip != at+uint64(len(text)) {
				t.Errorf("at %#x: %+v %+v", at, trap, r)
			}
		}
		// mov %eax,text: a copy cannot be written, whatever the protection is to be.
		s.Protect(conformance.TextAt, pageSize, platform.Read|platform.Write|platform.Exec)
		store := conformance.NewGuest(t, p, 0x89, 0x04, 0x25, 0, 0, 0x10, 0)
		if errno := s.Map(elsewhere, pageSize, store.FD, 0, platform.Read|platform.Exec, false); errno != 0 {
			t.Fatal(errno)
		}
		r := &arch.Registers{Rip: elsewhere}
		if trap := c.Switch(s, r); trap.Kind != platform.Fault || !trap.Write || trap.Addr != conformance.TextAt {
			t.Errorf("writing to a copy: %+v", trap)
		}
	})
	unix.Pwrite(plain.FD, []byte{5}, 1)
	if _, n := twin(t, p, plain); n != 1 {
		t.Errorf("%d copies of what has changed", n)
	}
	second, _ := twin(t, p, plain)
	conformance.On(func() {
		c := newContext(p)
		defer c.Release()
		r := &arch.Registers{Rip: conformance.TextAt}
		a, _, _, _ := p.asks.ask(0x80000005, 0)
		if trap := c.Switch(second.AS, r); trap.Kind != platform.Syscall || r.OrigRax != uint64(a) {
			t.Errorf("the changed text: %+v %#x", trap, r.OrigRax)
		}
	})
}

// TestCopiesStay: the place of copies in guest-physical memory, by which they are known, is nobody else's though none is mapped.
func TestCopiesStay(t *testing.T) {
	p := ownPlatform(t)
	p.memory.mu.Lock()
	p.memory.trim(0)
	p.memory.mu.Unlock()
	if w := p.memory.units[p.asks.at/unit].Load(); w == nil || w.gpa != p.asks.at {
		t.Errorf("a window at %#x: %+v", p.asks.at, w)
	}
}
