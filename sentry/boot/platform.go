package boot

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/platform/kvm"
	"github.com/seed-7423c386/runsc/platform/measure"
	"github.com/seed-7423c386/runsc/platform/ptrace"
	"github.com/seed-7423c386/runsc/platform/systrap"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// madePlatform is a platform, which may be used once ready has returned, and the host calls that it needs once the sentry is sealed.
type madePlatform struct {
	platform.Platform
	policy func() []host.Call
	ready  func() error // nil: it is
}

// wait waits until the platform may be used.
func (p madePlatform) wait(name string) error {
	if p.ready == nil {
		return nil
	}
	if err := p.ready(); err != nil {
		return fmt.Errorf("platform %s: %w", name, err)
	}
	return nil
}

// makers make the platforms of control.Platforms, in an isolated process. dev is what openDevice
// returned; log is told of what goes wrong later.
var makers = map[string]func(dev *kvm.Device, log func(string, ...any)) (madePlatform, error){
	"ptrace":  newPtrace,
	"systrap": newSystrap,
	"kvm":     newKVM,
}

// openDevice opens the file of the host that a platform needs, before the process is isolated; nil
// if it needs none.
func openDevice(name string) (*kvm.Device, error) {
	if name != "kvm" {
		return nil, nil
	}
	dev, err := kvm.Open()
	if err != nil {
		return nil, fmt.Errorf("platform kvm: %w", err)
	}
	return dev, nil
}

// newPlatform makes the platform of that name.
func newPlatform(name string, dev *kvm.Device, log func(string, ...any)) (madePlatform, error) {
	make := makers[name]
	if make == nil {
		return madePlatform{}, fmt.Errorf("platform %q is not known: the platforms are %v", name, control.Platforms)
	}
	p, err := make(dev, log)
	if err != nil {
		return madePlatform{}, fmt.Errorf("platform %s: %w", name, err)
	}
	return p, nil
}

func newSystrap(_ *kvm.Device, log func(string, ...any)) (madePlatform, error) {
	p, err := systrap.New(log)
	return madePlatform{Platform: p, policy: systrap.Policy}, err
}

func newKVM(dev *kvm.Device, log func(string, ...any)) (madePlatform, error) {
	p := kvm.Start(dev, log)
	return madePlatform{p, p.Policy, p.Wait}, nil
}

// newPtrace makes stubs dumpable, which their tracer, a user like them, needs; the sentry itself
// is not.
func newPtrace(_ *kvm.Device, _ func(string, ...any)) (madePlatform, error) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return madePlatform{}, fmt.Errorf("prctl: %w", err)
	}
	p, err := ptrace.New()
	if err != nil {
		return madePlatform{}, err
	}
	return madePlatform{Platform: p, policy: ptrace.Policy}, unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
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
	dev, err := openDevice(name)
	if err != nil {
		return 0, err
	}
	if err := host.Isolate(id, id); err != nil {
		return 0, fmt.Errorf("isolating the process: %w", err)
	}
	p, err := newPlatform(name, dev, func(string, ...any) {})
	if err != nil {
		return 0, err
	}
	if err := p.wait(name); err != nil {
		return 0, err
	}
	cost, err := measure.TrapCost(p.Platform)
	if err != nil {
		return 0, fmt.Errorf("platform %s: %w", name, err)
	}
	return cost, nil
}
