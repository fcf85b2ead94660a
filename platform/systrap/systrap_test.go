package systrap

import (
	"log"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// One platform serves all tests, as it serves a sandbox.
var (
	once        sync.Once
	thePlatform *Platform
)

func plat(t testing.TB) *Platform {
	once.Do(func() {
		p, err := New(log.Printf)
		if err != nil {
			t.Fatal(err)
		}
		thePlatform = p
	})
	return thePlatform
}

var subject = conformance.Subject{
	New:  func(t testing.TB) platform.Platform { return plat(t) },
	Kill: func(c platform.Context) { unix.Kill(c.(debuggable).thread.Load().proc.pid, unix.SIGKILL) },
}

func TestConformance(t *testing.T) { conformance.Run(t, subject) }

func BenchmarkPlatform(b *testing.B) { conformance.Benchmark(b, subject) }

// guest is a conformance.Guest.
type guest struct {
	as   platform.AddressSpace
	fd   int
	regs arch.Registers
}

const guestAt = conformance.TextAt

func newGuest(t testing.TB, text ...byte) *guest {
	g := conformance.NewGuest(t, plat(t), text...)
	return &guest{as: g.AS, fd: g.FD, regs: g.Regs}
}

func on(f func()) { conformance.On(f) }

var getpidLoop = conformance.CallLoop
