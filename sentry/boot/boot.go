// Package boot brings a sandbox up: it reads the configuration, isolates the process, makes the
// platform, the kernel and the container's file systems, seals the process and serves the
// control socket. It is the only place that names concrete file systems and platforms.
//
// The order, and why:
//
//  1. read the configuration: from here on nothing outside is needed but descriptors
//  2. open the device that the platform needs; isolate: empty root, unprivileged user, no capabilities
//  3. the platform's master stub, forked while fork is still possible; a virtual machine, which is made while the
//     steps up to 6 are done
//  4. memory file, clock, kernel
//  5. wait until runsc knows this process and the bundle's hooks are done (the gate), then mount
//     the container's file systems
//  6. load the first program, so that what is wrong with it is reported by create
//  7. seal: the filter of package platform/host, before application code runs
//  8. report, serve the control socket; Start lets the first process run
package boot

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/control"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/loader"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/syscalls"
	"github.com/seed-7423c386/runsc/sentry/vdso"
)

// nobody is the user and group that a sentry started by root becomes.
const nobody = 65534

// Main runs the sandbox and does not return.
func Main() {
	if name, ok := strings.CutPrefix(os.Args[1], control.MeasureFlag); ok {
		measurePlatform(name, slices.Contains(os.Args, control.RootlessFlag))
	}
	cfg, err := readConfig()
	if err != nil {
		fmt.Fprintln(os.Stderr, "runsc-sentry:", err)
		os.Exit(1)
	}
	tuneCollector()
	s := &sandbox{cfg: cfg, log: NewLog(cfg.Log, cfg.ID, writeAll), server: control.NewServer()}
	if err := s.start(); err != nil {
		s.report(err)
		host.Exit(1)
	}
	s.report(nil)
	s.serve()
}

// sandbox is everything there is.
type sandbox struct {
	cfg    *control.Config
	log    *Log
	kernel *kernel.Kernel
	pool   *pages.Pool
	plat   madePlatform

	containers containers
	server     *control.Server
}

func readConfig() (*control.Config, error) {
	f := os.NewFile(control.ConfigFD, "configuration")
	raw, err := io.ReadAll(io.LimitReader(io.NewSectionReader(f, 0, 1<<30), 64<<20))
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration on descriptor %d: %w", control.ConfigFD, err)
	}
	return control.ParseConfig(raw)
}

// writeAll writes a message. A reader that is gone is no reason to end.
func writeAll(fd int, b []byte) {
	for len(b) > 0 {
		n, errno := host.Write(fd, b)
		if errno != 0 || n == 0 {
			return
		}
		b = b[n:]
	}
}

// start does steps 2 to 7.
func (s *sandbox) start() error {
	id := nobody
	if s.cfg.Rootless {
		id = 0
	}
	machine := machineOf()
	dev, err := openDevice(s.cfg.Platform)
	if err != nil {
		return err
	}
	var keep []int
	if s.cfg.Network == "host" && !s.cfg.Rootless {
		keep = []int{linux.CAP_NET_BIND_SERVICE}
	}
	if err := host.Isolate(id, id, keep...); err != nil {
		return fmt.Errorf("isolating the sentry: %w", err)
	}
	if s.plat, err = newPlatform(s.cfg.Platform, dev, s.log.Limited); err != nil {
		return err
	}
	if err := s.newKernel(s.plat.Platform, machine); err != nil {
		return err
	}
	if err := s.gate(); err != nil {
		return err
	}
	if err := s.firstContainer(); err != nil {
		return err
	}
	policy := s.plat.policy()
	if s.cfg.Network == "host" {
		policy = append(policy, host.InetPolicy()...)
		s.log.Debug("the network is the host's: the filter lets sockets of the Internet be made")
	}
	if err := host.Seal(policy...); err != nil {
		return fmt.Errorf("sealing the sentry: %w", err)
	}
	return nil
}

// Types of the auxiliary vector that applications inherit from the host.
const (
	atHwcap  = 16
	atHwcap2 = 26
)

// machineOf tells what the processor can do, from the sentry's own auxiliary vector.
func machineOf() loader.Machine {
	m := loader.Machine{MinSigStack: kernel.MinSigStack()}
	aux, _ := unix.Auxv()
	for _, a := range aux {
		switch a[0] {
		case atHwcap:
			m.Hwcap = uint64(a[1])
		case atHwcap2:
			m.Hwcap2 = uint64(a[1])
		}
	}
	return m
}

// newKernel makes memory, clock and kernel.
func (s *sandbox) newKernel(plat platform.Platform, machine loader.Machine) error {
	if errno := host.Ftruncate(s.cfg.FD.Memory, pages.DefaultSize); errno != 0 {
		return fmt.Errorf("sizing the memory file: %w", errno)
	}
	file, errno := pages.NewFile(s.cfg.FD.Memory, pages.DefaultSize)
	if errno != 0 {
		return fmt.Errorf("mapping the memory file: %w", errno)
	}
	s.pool = file.NewPool()
	if p, ok := plat.(interface{ Unpatched(fd int) }); ok && !s.cfg.NoPatch {
		p.Unpatched(file.FD())
	}
	if p, ok := plat.(interface{ LimitVCPUs(n int) }); ok && s.cfg.VCPUs > 0 {
		p.LimitVCPUs(s.cfg.VCPUs)
	}
	image, errno := loader.NewVDSO(s.pool, vdso.Image)
	if errno != 0 {
		return fmt.Errorf("making the vDSO: %w", errno)
	}
	clock := vdso.NewClock(image.Params(), func(c int32) int64 {
		now, _ := host.ClockGettime(c)
		return now
	})
	ram := s.cfg.Host.MemTotal
	if m := s.cfg.Cgroup.Memory; m != 0 && m < ram {
		ram = m
	}
	file.SetRAM(ram)
	cpus := max(s.cfg.Host.NumCPU, 1)
	if n := s.cfg.Cgroup.CPUs; n > 0 && n < cpus {
		cpus = n
	}
	vdso.SetCPUs(image.Params(), s.cfg.Host.CPUs, cpus)
	c := kernel.Config{
		Platform: plat, Pool: s.pool, Clock: clock, VDSO: image, Machine: machine,
		Random: func(b []byte) { host.Getrandom(b) },
		Log:    s.log, Syscalls: syscalls.Functions(), Names: syscalls.Name,
		TotalRAM: ram, NumCPU: cpus, HostCPUs: s.cfg.Host.CPUs, Hostname: hostname(s.cfg), MaxTasks: s.cfg.Cgroup.Pids,
	}
	if s.cfg.Log.Strace {
		only := map[string]bool{}
		for _, name := range s.cfg.Log.Calls {
			only[name] = true
		}
		c.Trace = &syscalls.Strace{Line: s.log.Strace, Only: only}
	}
	s.kernel = kernel.New(c)
	s.registerFileSystems()
	go keepTime(clock)
	go s.reclaim(file)
	return nil
}

func hostname(c *control.Config) string {
	if c.Spec.Hostname != "" {
		return c.Spec.Hostname
	}
	if c.Host.Hostname != "" {
		return c.Host.Hostname
	}
	return "localhost"
}

// keepTime keeps the sandbox's clock with the host's.
func keepTime(c *vdso.Clock) {
	for {
		d := c.Update()
		if d == 0 {
			return
		}
		time.Sleep(d)
	}
}

// reclaim gives free memory back to the host some time after it became free.
func (s *sandbox) reclaim(f *pages.File) {
	for {
		time.Sleep(2 * time.Second)
		f.Reclaim(false)
	}
}

// gate waits until runsc has written down which processes the container has, and run the
// bundle's hooks. A runsc that was killed before leaves a sandbox that nobody knows of: it ends.
func (s *sandbox) gate() error {
	var b [1]byte
	n, _ := host.Read(s.cfg.FD.Gate, b[:])
	host.Close(s.cfg.FD.Gate)
	if n != 1 {
		host.Exit(1) // runsc is gone, or knows why
	}
	return nil
}

// failure is an error with the exit code that fits.
type failure struct {
	err  error
	code int
}

func (f *failure) Error() string { return f.err.Error() }

// report tells runsc how creating the container went.
func (s *sandbox) report(err error) {
	var r control.Report
	if err != nil {
		r.Error, r.Code = err.Error(), 1
		if f, ok := err.(*failure); ok {
			r.Code = f.code
		}
	}
	b, _ := json.Marshal(&r)
	writeAll(s.cfg.FD.Report, append(b, '\n'))
	host.Close(s.cfg.FD.Report)
}
