package conformance

import (
	"runtime"
	"testing"

	"github.com/seed-7423c386/runsc/platform"
)

// Benchmark measures what a call, a copy of an address space and a whole fork cost on a platform.
func Benchmark(b *testing.B, s Subject) {
	b.Run("Syscall", func(b *testing.B) { benchmarkSyscall(b, s.New(b)) })
	b.Run("Clone", func(b *testing.B) { benchmarkClone(b, s.New(b)) })
	b.Run("Fork", func(b *testing.B) { benchmarkFork(b, s.New(b)) })
}

func benchmarkSyscall(b *testing.B, p platform.Platform) {
	g := NewGuest(b, p, CallLoop...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		for b.Loop() {
			c.Switch(g.AS, &g.Regs)
		}
	})
}

func benchmarkClone(b *testing.B, p platform.Platform) {
	g := NewGuest(b, p, CallLoop...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		c.Switch(g.AS, &g.Regs)
		for b.Loop() {
			child, _ := p.NewAddressSpace()
			if errno := g.AS.Clone(child); errno != 0 {
				b.Skip(errno)
			}
			child.Release()
		}
	})
}

// benchmarkFork is what a fork, an exit and a wait ask of the platform: the child makes one call on
// a thread of its own.
func benchmarkFork(b *testing.B, p platform.Platform) {
	g := NewGuest(b, p, CallLoop...)
	On(func() {
		c := p.NewContext()
		defer c.Release()
		c.Switch(g.AS, &g.Regs)
		for b.Loop() {
			child, _ := p.NewAddressSpace()
			if errno := g.AS.Clone(child); errno != 0 {
				b.Skip(errno)
			}
			n, regs := p.NewContext(), g.Regs
			done := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				if trap := n.Switch(child, &regs); trap.Kind != platform.Syscall {
					b.Errorf("%+v", trap)
				}
				child.Release()
				n.Release()
				close(done)
			}()
			<-done
			c.Switch(g.AS, &g.Regs)
		}
	})
}
