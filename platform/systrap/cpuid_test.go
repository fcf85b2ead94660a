package systrap

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
	"github.com/seed-7423c386/runsc/platform/cpuid"
)

var endOfAsk = []byte{0x0f, 0xa2, 0x89, 0xc0, 0x0f, 0x05} // cpuid; mov %eax,%eax; syscall

// askers are ways to ask, and whether they are patched.
var askers = []struct {
	name  string
	text  []byte
	known bool
}{
	{"leaf", []byte{0xb8, 6, 0, 0, 0x80}, true},
	{"first leaf", []byte{0xb8, 0, 0, 0, 0}, true},
	{"zero subleaf", []byte{0xb8, 7, 0, 0, 0, 0x31, 0xc9}, true},
	{"subleaf", []byte{0xb8, 0xd, 0, 0, 0, 0xb9, 1, 0, 0, 0}, true},
	{"subleaf of one that has none", []byte{0xb8, 5, 0, 0, 0x80, 0xb9, 1, 0, 0, 0}, true},
	{"large subleaf", []byte{0xb8, 0xd, 0, 0, 0, 0xb9, 64, 0, 0, 0}, false},
	{"subleaf from elsewhere", []byte{0xb8, 4, 0, 0, 0}, false},
	{"leaf by a register", []byte{0xbe, 7, 0, 0, 0, 0x31, 0xc9, 0x89, 0xf0}, true},
	{"differs, leaf by another", []byte{0xbe, 7, 0, 0, 0, 0x31, 0xc9, 0x89, 0xf8}, false},
	{"registers", []byte{0x44, 0x89, 0xc0, 0x89, 0xf9}, true},                                   // mov %r8d,%eax; mov %edi,%ecx
	{"other registers", []byte{0x44, 0x89, 0xf8, 0x89, 0xd1}, true},                             // mov %r15d,%eax; mov %edx,%ecx
	{"plus one", []byte{0x83, 0xc6, 1, 0x89, 0xf8, 0x89, 0xf1}, true},                           // add $1,%esi; mov %edi,%eax; mov %esi,%ecx
	{"minus, other registers", []byte{0x83, 0xc5, 0xf0, 0x89, 0xd0, 0x89, 0xe9}, true},          // add $-16,%ebp; mov %edx,%eax; mov %ebp,%ecx
	{"to the stack", []byte{0xc6, 0x44, 0x24, 15, 7}, true},                                     // movb $7,15(%rsp)
	{"four bytes to the stack", []byte{0xc7, 0x44, 0x24, 0x60, 1, 2, 3, 4}, true},               // movl $0x4030201,96(%rsp)
	{"four bytes to the stack, far", []byte{0xc7, 0x84, 0x24, 0x80, 0, 0, 0, 1, 2, 3, 4}, true}, // movl $0x4030201,128(%rsp)
	{"counted", []byte{0x44, 0x89, 0xc1, 0x44, 0x8d, 0x41, 1, 0x44, 0x89, 0xf8}, true},          // mov %r8d,%ecx; lea 1(%rcx),%r8d; mov %r15d,%eax
	{"counted down", []byte{0x44, 0x89, 0xe9, 0x44, 0x8d, 0x6d, 0xff, 0x44, 0x89, 0xf8}, true},  // mov %r13d,%ecx; lea -1(%rbp),%r13d; mov %r15d,%eax
	{"differs, counted by the stack", []byte{0x44, 0x89, 0xe9, 0x44, 0x8d, 0x6c, 0xff, 0x44, 0x89, 0xf8}, false},
	{"subleaf in a register", []byte{0xb8, 0x14, 0, 0, 0, 0x89, 0xf1}, true}, // mov $20,%eax; mov %esi,%ecx
	{"subleaf in a register, not known", []byte{0xb8, 5, 0, 0, 0, 0x89, 0xf1}, false},
	{"differs by processor", []byte{0xb8, 1, 0, 0, 0}, true},
	{"differs by processor, subleaf", []byte{0xb8, 0xb, 0, 0, 0, 0x31, 0xc9}, true},
	{"leaf from elsewhere", []byte{0x90, 0x90, 0x31, 0xc9}, false},
	{"part", []byte{6, 0, 0, 0x80}, false},
}

func TestFindInfos(t *testing.T) {
	for _, a := range askers {
		for _, at := range []int{0, 7, pageSize - len(a.text) - 2} {
			b := make([]byte, pageSize)
			copy(b[at:], append(bytes.Clone(a.text), 0x0f, 0xa2))
			sites := cpuid.Find(b, arch.CPUID)
			if len(sites) == 1 != a.known {
				t.Errorf("%s at %d: %d sites", a.name, at, len(sites))
			} else if a.known && (sites[0].At != uint64(at) || sites[0].Size != uint64(len(a.text)+2)) {
				t.Errorf("%s at %d: %+v", a.name, at, sites[0])
			}
		}
	}
	if sites := cpuid.Find([]byte{0x0f, 0xa2, 0x0f, 0xa2, 0xb8, 0, 0, 0, 0, 0x0f}, arch.CPUID); sites != nil {
		t.Errorf("%d sites in nothing", len(sites))
	}
}

// space returns an address space with the text of g, which the caller releases.
func (g *guest) space(t *testing.T) platform.AddressSpace {
	t.Helper()
	as, errno := plat(t).NewAddressSpace()
	if errno != 0 {
		t.Fatal(errno)
	}
	if errno := as.Map(guestAt, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
		as.Release()
		t.Fatal(errno)
	}
	return as
}

// twin returns a guest with the text of g, and how many of its pages are copies.
func (g *guest) twin(t *testing.T) (*guest, int) {
	t.Helper()
	as := g.space(t)
	t.Cleanup(as.Release)
	n := *g
	n.as = as
	return &n, len(as.(*space).proc.patches.pages)
}

// TestCPUID runs each way to ask as the processor does it and patched, whole, one instruction at a time, and from
// each instruction on.
func TestCPUID(t *testing.T) {
	if cpuid.Hybrid() {
		t.Skip("processors differ")
	}
	patchable(t, true)
	for _, a := range askers[:len(askers)-1] {
		t.Run(a.name, func(t *testing.T) {
			g := newGuest(t, append(bytes.Clone(a.text), endOfAsk...)...)
			first, n := g.twin(t)
			if n == 0 != !a.known {
				t.Fatalf("%d copies", n)
			}
			second, m := g.twin(t)
			if m != n {
				t.Fatalf("%d copies, then %d", n, m)
			}
			if strings.HasPrefix(a.name, "differs") {
				return
			}
			child, errno := plat(t).NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			on(func() {
				want := g.ask(t, a.text)
				same := func(g *guest) {
					got := g.ask(t, a.text)
					for i := range max(len(got), len(want)) {
						if i >= len(got) || i >= len(want) || got[i] != want[i] {
							t.Fatalf("step %d of %d, %d:\n got %s\nwant %s", i, len(got), len(want), got[i], want[i])
						}
					}
				}
				same(first)
				same(second)
				if errno := first.as.Clone(child); errno != 0 {
					t.Fatal(errno)
				}
				defer child.Release()
				first.as = child
				same(first)
			})
		})
	}
}

// ask returns what is seen when the guest asks.
func (g *guest) ask(t *testing.T, text []byte) (seen []string) {
	c := plat(t).NewContext().(debuggable).context
	defer c.Release()
	if errno := g.as.Map(conformance.DataAt, pageSize, g.fd, pageSize, platform.Read|platform.Write, true); errno != 0 {
		t.Fatal(errno)
	}
	starts := []uint64{0, 5, uint64(len(text))}
	switch text[0] {
	case 0x44, 0x83:
		starts[2] = 3
		if len(text) == 10 {
			starts[1] = 7
		}
	case 0xc7:
		starts[1] = uint64(len(text))
	}
	for i := range 120 {
		r := &g.regs
		*r = arch.Registers{Rip: guestAt + starts[i%3], Rsp: 1 << 20, Eflags: 0x8d5 | 2, R8: 1, R11: 11, Rdi: 7, Rbp: 5}
		r.Rax, r.Rbx, r.Rcx, r.Rdx = 1<<32|0x80000006, 1<<40, 1<<33|1, 4
		leaf := []uint64{1<<32 | 13, 7, 4, 2, 0, 0x80000006}[i/3%6]
		r.R8, r.Rdi, r.R15, r.Rdx = leaf, uint64(i/2), leaf, uint64(i/3)
		switch text[0] {
		case 0x44:
			if len(text) == 10 {
				r.R8, r.R13 = uint64(i/2)|7<<32, uint64(i/3)|1<<40
			}
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
		if i >= 60 {
			r.Eflags |= arch.FlagTF
		}
		if i%2 == 1 {
			r.GsBase = 0x1234000
		}
		for {
			trap := c.Switch(g.as, r)
			if trap.Kind == platform.Interrupted {
				continue
			}
			see := *r
			if trap.Kind == platform.Syscall {
				see.Rcx, see.R11 = 0, 0
			}
			see.Eflags &^= 1 << 4 // AF, which XOR may leave as it likes
			seen = append(seen, fmt.Sprintf("%d: %d %d %x %+v", i, trap.Kind, trap.Signo, trap.Addr, see))
			if trap.Kind != platform.Exception || trap.Signo != uint8(unix.SIGTRAP) {
				break
			}
		}
	}
	return seen
}

// TestCPUIDByProcessor asks on each processor for what differs: patched, one instruction at a time, and from CPUID on.
func TestCPUIDByProcessor(t *testing.T) {
	if cpuid.Hybrid() || !cpuid.Numbered() {
		t.Skip("processors differ, or do not know their numbers")
	}
	patchable(t, true)
	p := &plat(t).cpus
	for _, a := range askers {
		if !a.known || !strings.HasPrefix(a.name, "differs") {
			continue
		}
		g := newGuest(t, append(bytes.Clone(a.text), endOfAsk...)...)
		g.twin(t)
		g, n := g.twin(t)
		if n != 1 {
			t.Fatalf("%d copies", n)
		}
		on(func() {
			runtime.LockOSThread() // for good: it is bound
			c := plat(t).NewContext().(debuggable).context
			defer c.Release()
			leaf := uint32(a.text[1])
			for i := range 12 {
				cpu := i / 3 % len(p.numbers)
				c.SetCPUs(p.numbers[cpu:][:1])
				p.bindSelf(cpu)
				wa, wb, wc, wd := arch.CPUID(leaf, 0)
				p.bindSelf((cpu + 1) % len(p.numbers))
				r := &g.regs
				*r = arch.Registers{Rip: guestAt, Rsp: 1 << 20, Eflags: 2}
				switch i % 3 {
				case 1:
					r.Eflags |= arch.FlagTF
				case 2:
					r.Rip, r.Rax = guestAt+uint64(len(a.text)), uint64(leaf)
				}
				for c.Switch(g.as, r).Kind != platform.Syscall {
				}
				got := [...]uint64{r.OrigRax, r.Rbx, r.Rdx}
				if want := [...]uint64{uint64(wa), uint64(wb), uint64(wd)}; got != want {
					t.Errorf("%s on %d, way %d: %x, want %x (%x)", a.name, p.numbers[cpu], i%3, got, want, wc)
				}
			}
		})
	}
	if q := &plat(t).infos; q.tables != min(len(p.numbers), mostAnswer) && p.numbers[len(p.numbers)-1]-p.numbers[0] < len(p.numbers) {
		t.Errorf("%d tables", q.tables)
	}
}

// TestCPUIDOfOtherText has a file change, and mapped at two addresses of one process.
func TestCPUIDOfOtherText(t *testing.T) {
	if cpuid.Hybrid() {
		t.Skip("processors differ")
	}
	patchable(t, true)
	text := append([]byte{0xb8, 6, 0, 0, 0x80}, endOfAsk...)
	g := newGuest(t, text...)
	first, n := g.twin(t)
	if n != 1 {
		t.Fatalf("%d copies", n)
	}
	proc := first.as.(*space).proc
	const elsewhere = guestAt + 16*pageSize
	if errno := first.as.Map(elsewhere, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
		t.Fatal(errno)
	}
	if n := len(proc.patches.pages); n != 1 {
		t.Errorf("%d copies after the second", n)
	}
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		a, b, _, _ := arch.CPUID(0x80000006, 0)
		for _, at := range []uint64{guestAt, elsewhere} {
			first.regs = arch.Registers{Rip: at}
			if trap := c.Switch(first.as, &first.regs); trap.Kind != platform.Syscall || first.regs.OrigRax != uint64(a) || first.regs.Rbx != uint64(b) ||
				first.regs.Rip != at+uint64(len(text)) {
				t.Errorf("at %#x: %+v %+v", at, trap, first.regs)
			}
		}
		// What is mapped to be written is the file's.
		if errno := first.as.Protect(guestAt, pageSize, platform.Read|platform.Write); errno == 0 {
			t.Error("a copy can be written")
		}
	})
	set := proc.patches.set.Load()
	unit := plat(t).tramps.patchUnit(set.unit)
	if bytes.Count(unit, []byte{0}) == len(unit) {
		t.Error("no trampolines")
	}
	first.as.Release()
	if bytes.Count(unit, []byte{0}) != len(unit) {
		t.Error("a set was not cleared")
	}
	// The file changes, but looks as it did.
	p := plat(t)
	var st unix.Stat_t
	unix.Fstat(g.fd, &st)
	known := p.infos.files[infoFile{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}]
	unix.Pwrite(g.fd, []byte{5}, 1)
	unix.Fstat(g.fd, &st)
	p.infos.files[infoFile{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}] = known
	if _, n := g.twin(t); len(known.pages) != 1 || n != 0 {
		t.Errorf("%d known, %d copies of what was", len(known.pages), n)
	}
}

// TestCPUIDLoop has the application do nothing but ask the processor what it is: it is interrupted all the same, soon.
func TestCPUIDLoop(t *testing.T) {
	if cpuid.Hybrid() {
		t.Skip("processors differ")
	}
	patchable(t, true)
	for _, text := range [][]byte{{0xb8, 6, 0, 0, 0x80}, {0x44, 0x89, 0xc0, 0x89, 0xf9}, {0xc6, 0x44, 0x24, 15, 7}} {
		g := newGuest(t, append(text, 0x0f, 0xa2, 0xeb, byte(-4-len(text)))...) // jmp to the start
		g, n := g.twin(t)
		if n != 1 {
			t.Fatalf("%d copies", n)
		}
		const leaf = 13
		a, b, c, d := arch.CPUID(leaf, 1)
		if errno := g.as.Map(conformance.DataAt, pageSize, g.fd, pageSize, platform.Read|platform.Write, true); errno != 0 {
			t.Fatal(errno)
		}
		on(func() {
			ctx := plat(t).NewContext().(debuggable).context
			defer ctx.Release()
			g.regs.R8, g.regs.Rdi, g.regs.Rsp = leaf, 1, conformance.DataAt
			for i := range 30 {
				began := time.Now()
				time.AfterFunc(time.Millisecond, ctx.Interrupt)
				for {
					trap := ctx.Switch(g.as, &g.regs)
					if trap.Kind != platform.Interrupted || g.regs.Rip < guestAt || g.regs.Rip > guestAt+uint64(len(text))+2 {
						t.Fatalf("%+v at %#x", trap, g.regs.Rip)
					}
					if ctx.state.Load() == idle && time.Since(began) > time.Millisecond {
						break
					}
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("%d: interrupted after %v", i, took)
				}
				if r := &g.regs; text[0] == 0x44 && r.Rip == guestAt+7 && (r.Rax != uint64(a) || r.Rbx != uint64(b) || r.Rcx != uint64(c) || r.Rdx != uint64(d)) {
					t.Errorf("%d: %+v", i, r)
				}
			}
			if set := ctx.thread.Load().proc.patches.set.Load(); set.asked != 0 {
				t.Errorf("asked %d", set.asked)
			}
		})
	}
}
