package kvm

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// One platform serves all tests, as it serves a sandbox.
var made struct {
	sync.Once
	p   *Platform
	err error
}

// plat is that one. What it is tested on is a matter of the host's KVM, too, so that only make test-kvm does.
func plat(t testing.TB) *Platform {
	if os.Getenv("RUNSC_KVM") == "" {
		t.Skip("NOT TESTED HERE: make test-kvm does, or RUNSC_KVM=1 on this machine's /dev/kvm")
	}
	made.Do(func() { made.p, made.err = makePlatform() })
	if made.err != nil {
		t.Fatal(made.err)
	}
	return made.p
}

func makePlatform() (*Platform, error) {
	dev, err := Open()
	if err != nil {
		return nil, err
	}
	p := Start(dev, log.Printf)
	return p, p.Wait()
}

func subject() conformance.Subject {
	return conformance.Subject{New: func(t testing.TB) platform.Platform { return plat(t) }}
}

func TestConformance(t *testing.T) {
	p := plat(t)
	t.Logf("ring 0 is emulated: %v, with a door: %v; break points: %v", p.outside, p.door, p.breakPoints)
	conformance.Run(t, subject())
}

func BenchmarkPlatform(b *testing.B) { conformance.Benchmark(b, subject()) }

// TestFewVCPUs: more threads than vCPUs share them, with their extended state, while pages come and go.
func TestFewVCPUs(t *testing.T) {
	plat(t)
	for _, test := range []struct{ vcpus, threads, calls int }{{1, 8, 30}, {2, 8, 30}, {16, 64, 10}} {
		t.Run(fmt.Sprint(test.vcpus), func(t *testing.T) {
			p := ownPlatform(t)
			p.pool.most = test.vcpus
			fewVCPUs(t, p, test.threads, test.calls)
			if n := len(p.pool.all); n > test.vcpus {
				t.Errorf("%d vCPUs", n)
			}
		})
	}
}

func fewVCPUs(t *testing.T, p *Platform, threads, calls int) {
	// movq %xmm0,%rbx ; mov $39,%eax ; syscall ; inc loop: mov $200000,%ecx ; dec %ecx ; jnz -2 ; jmp 0
	g := conformance.NewGuest(t, p, 0x66, 0x48, 0x0f, 0x7e, 0xc3, 0xb8, 39, 0, 0, 0, 0x0f, 0x05,
		0xb9, 0x40, 0x0d, 0x03, 0, 0xff, 0xc9, 0x75, 0xfc, 0xeb, 0xe9)
	var wg sync.WaitGroup
	for id := range threads {
		wg.Go(func() {
			c := p.NewContext()
			defer c.Release()
			image := make([]byte, arch.FPUSize)
			arch.InitialFPU(image)
			image[160] = byte(id + 1)
			c.SetFPU(image)
			r := g.Regs
			own := conformance.DataAt + uint64(id+1)*pageSize
			for i := range calls {
				mapPage(t, g.AS, own, g.FD, pageSize, platform.Read|platform.Write)
				if trap := c.Switch(g.AS, &r); trap.Kind != platform.Syscall || r.Rbx != uint64(id+1) {
					t.Errorf("thread %d: %+v, %d", id, trap, r.Rbx)
					return
				}
				if i%2 == 0 {
					g.AS.Unmap(own, pageSize)
				}
			}
			c.FPU(image)
			if image[160] != byte(id+1) {
				t.Errorf("thread %d has %d", id, image[160])
			}
		})
	}
	wg.Wait()
}

// TestAnswers: ring 0 answers what it was told, and nothing else, and changes no other register.
func TestAnswers(t *testing.T) {
	p := plat(t)
	// mov $186,%eax ; syscall ; mov %rax,%rbx ; mov $104,%eax ; syscall ; mov %eax,%ebp ; mov $1000,%eax ; syscall
	g := conformance.NewGuest(t, p, 0xb8, 186, 0, 0, 0, 0x0f, 0x05, 0x48, 0x89, 0xc3, 0xb8, 104, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc5, 0xb8, 0xe8, 3, 0, 0, 0x0f, 0x05)
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		for _, f := range []*platform.Facts{nil, {PID: 1, TID: 2}, {PID: 1, TID: 2, IDs: true, GID: 1<<32 - 2}, nil} {
			c.(platform.Answerer).Answer(f)
			r := g.Regs
			r.Rdi, r.R8, r.Eflags = 7, 8, 0x246|0x801
			calls := []uint64{}
			for len(calls) == 0 || calls[len(calls)-1] != 1000 {
				if trap := c.Switch(g.AS, &r); trap.Kind != platform.Syscall || len(calls) > 3 {
					t.Fatalf("%+v after %v", trap, calls)
				}
				calls = append(calls, r.OrigRax)
				r.Rax = 55
			}
			want, rbx, rbp := 3, uint64(55), uint64(55)
			if f != nil && !p.outside {
				want, rbx = 2, 2
				if f.IDs {
					want, rbp = 1, 1<<32-2
				}
			}
			if len(calls) != want || r.Rbx != rbx || r.Rbp != rbp || r.Rdi != 7 || r.R8 != 8 || r.Eflags != 0x246|0x801 {
				t.Errorf("%+v: calls %v, %+v", f, calls, r)
			}
		}
	})
}

// TestDoor: where SYSCALL goes there is nothing to be read or written, and whoever jumps there makes a call.
func TestDoor(t *testing.T) {
	p := plat(t)
	at := p.callAt(0)
	load := binary.LittleEndian.AppendUint64([]byte{0x48, 0xb8}, at) // mov at,%rax
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		for _, access := range [][]byte{{0x48, 0x8b, 0x18}, {0x48, 0x89, 0x18}} { // mov (%rax),%rbx ; mov %rbx,(%rax)
			g := conformance.NewGuest(t, p, append(load, access...)...)
			trap := c.Switch(g.AS, &g.Regs)
			if trap.Signo != uint8(unix.SIGSEGV) || g.Regs.Rip != conformance.TextAt+10 {
				t.Errorf("%+v at %#x", trap, g.Regs.Rip)
			}
		}
		if p.outside {
			g := conformance.NewGuest(t, p, append(load, 0xff, 0xe0)...) // jmp *%rax
			g.Regs.Rcx = conformance.TextAt
			if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Syscall || g.Regs.Rip != conformance.TextAt {
				t.Errorf("%+v at %#x", trap, g.Regs.Rip)
			}
		}
	})
}

// TestShrunkFile: a page whose file was cut short ends in SIGBUS, and the others stay.
func TestShrunkFile(t *testing.T) {
	// mov DataAt,%ebx ; mov DataAt+0x1000,%ebx ; mov DataAt+0x1000,%ebx
	g := conformance.NewGuest(t, plat(t), 0x8b, 0x1c, 0x25, 0, 0x10, 0x10, 0, 0x8b, 0x1c, 0x25, 0, 0x20, 0x10, 0, 0xeb, 0xf7)
	fd, err := unix.MemfdCreate("short", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	unix.Ftruncate(fd, 2*pageSize)
	g.AS.Map(conformance.DataAt, 2*pageSize, fd, 0, platform.Read|platform.Write, false)
	conformance.On(func() {
		c := plat(t).NewContext()
		defer c.Release()
		time.AfterFunc(2*time.Millisecond, func() { unix.Ftruncate(fd, pageSize) })
		trap := c.Switch(g.AS, &g.Regs)
		if trap.Kind != platform.Fault || trap.Signo != uint8(unix.SIGBUS) || trap.Addr != conformance.DataAt+pageSize {
			t.Fatalf("%+v at %#x", trap, g.Regs.Rip)
		}
		unix.Ftruncate(fd, 2*pageSize)
		time.AfterFunc(2*time.Millisecond, c.Interrupt)
		if trap := c.Switch(g.AS, &g.Regs); trap.Kind != platform.Interrupted {
			t.Fatalf("%+v at %#x", trap, g.Regs.Rip)
		}
	})
}

// TestFramesComeBack: page tables of address spaces that are gone are used again, and nothing of them is
// seen in the next.
func TestFramesComeBack(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, conformance.CallLoop...)
	other, _ := unix.MemfdCreate("other", 0)
	defer unix.Close(other)
	unix.Ftruncate(other, pageSize)
	unix.Pwrite(other, []byte{0x0f, 0x0b}, 0) // ud2
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		for i := range 3 * retiredMax / 4 { // four frames each
			as, errno := p.NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			fd, want := g.FD, platform.Syscall
			if i%3 == 0 {
				fd, want = other, platform.Exception
			}
			if errno := as.Map(conformance.TextAt, pageSize, fd, 0, platform.Read|platform.Exec, false); errno != 0 {
				t.Fatal(errno)
			}
			r := g.Regs
			if trap := c.Switch(as, &r); trap.Kind != want {
				t.Fatalf("space %d: %+v", i, trap)
			}
			as.Release()
		}
	})
	if n := len(p.memory.frames.retired); n > 2*retiredMax {
		t.Errorf("%d frames wait", n)
	}
}

// TestWindowsGo: files that are not mapped any more are let go, and their places used again.
func TestWindowsGo(t *testing.T) {
	p := plat(t)
	as, _ := p.NewAddressSpace()
	defer as.Release()
	for i := range trimFirst + 100 {
		fd, err := unix.MemfdCreate("file", 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Ftruncate(fd, pageSize)
		if errno := as.Map(conformance.DataAt, pageSize, fd, 0, platform.Read, false); errno != 0 {
			t.Fatalf("file %d: %v", i, errno)
		}
		unix.Close(fd)
	}
	if n := len(p.memory.windows); n > trimFirst {
		t.Errorf("%d windows", n)
	}
}
