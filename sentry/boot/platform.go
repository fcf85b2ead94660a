package boot

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/platform/measure"
	"github.com/seed-7423c386/runsc/platform/ptrace"
	"github.com/seed-7423c386/runsc/platform/systrap"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// madePlatform is a platform and the host calls that it needs once the sentry is sealed.
type madePlatform struct {
	platform.Platform
	policy []host.Call
}

// makers make the platforms of control.Platforms, in an isolated process. log is told of what
// goes wrong later.
var makers = map[string]func(log func(string, ...any)) (madePlatform, error){
	"ptrace":  newPtrace,
	"systrap": newSystrap,
}

// newPlatform makes the platform of that name.
func newPlatform(name string, log func(string, ...any)) (madePlatform, error) {
	make := makers[name]
	if make == nil {
		return madePlatform{}, fmt.Errorf("platform %q is not known: the platforms are %v", name, control.Platforms)
	}
	p, err := make(log)
	if err != nil {
		return madePlatform{}, fmt.Errorf("platform %s: %w", name, err)
	}
	return p, nil
}

func newSystrap(log func(string, ...any)) (madePlatform, error) {
	p, err := systrap.New(log)
	return madePlatform{p, systrap.Policy()}, err
}

// newPtrace makes stubs dumpable, which their tracer, a user like them, needs; the sentry itself
// is not.
func newPtrace(func(string, ...any)) (madePlatform, error) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return madePlatform{}, fmt.Errorf("prctl: %w", err)
	}
	p, err := ptrace.New()
	if err != nil {
		return madePlatform{}, err
	}
	return madePlatform{p, ptrace.Policy()}, unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// measurePlatform finds out whether the platform works here and what a system call costs on it, writes a
// control.Measurement to standard output, and ends the process.
func measurePlatform(name string, rootless bool) {
	m := control.Measurement{Platform: name}
	cost, err := trapCost(name, rootless)
	if err != nil {
		m.Error = err.Error()
	}
	m.Nanoseconds = cost.Nanoseconds()
	json.NewEncoder(os.Stdout).Encode(&m)
	os.Exit(0)
}

// trapCost makes the platform as a sandbox would.
func trapCost(name string, rootless bool) (time.Duration, error) {
	id := nobody
	if rootless {
		id = 0
	}
	if err := host.Isolate(id, id); err != nil {
		return 0, fmt.Errorf("isolating the process: %w", err)
	}
	p, err := newPlatform(name, func(string, ...any) {})
	if err != nil {
		return 0, err
	}
	cost, err := measure.TrapCost(p.Platform)
	if err != nil {
		return 0, fmt.Errorf("platform %s: %w", name, err)
	}
	return cost, nil
}
