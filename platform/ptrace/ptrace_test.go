package ptrace

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// One platform serves all tests, as it serves a sandbox.
var (
	once   sync.Once
	shared *Platform
)

func plat(t testing.TB) *Platform {
	once.Do(func() {
		p, err := New()
		if err != nil {
			t.Fatal(err)
		}
		shared = p
	})
	return shared
}

var subject = conformance.Subject{
	New:  func(t testing.TB) platform.Platform { return plat(t) },
	Kill: func(c platform.Context) { unix.Kill(int(c.(*context).target.Load()>>32), unix.SIGKILL) },
}

func TestConformance(t *testing.T) { conformance.Run(t, subject) }

func BenchmarkPlatform(b *testing.B) { conformance.Benchmark(b, subject) }
