package cgroup

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func ptr[T any](v T) *T { return &v }

func TestSystemdPath(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "/system.slice/runsc-id.scope",
		"user-1000.slice:docker:abc":   "/user.slice/user-1000.slice/docker-abc.scope",
		"a-b-c.slice::x":               "/a.slice/a-b.slice/a-b-c.slice/x.scope",
		"-.slice:p:x":                  "/p-x.scope",
		"machine.slice:libpod:x.slice": "/machine.slice/x.slice",
	} {
		got, err := systemdPath(in, "id")
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"/docker/abc", "a:b:c", "a--b.slice:x:y"} {
		if got, err := systemdPath(bad, "id"); err == nil {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

func TestHierarchies(t *testing.T) {
	const v1 = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n" +
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n" +
		"35 31 0:32 /docker/x /sys/fs/cgroup/mem\\040ory rw shared:5 - cgroup cgroup rw,memory\n" +
		"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n" +
		"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	got, err := parseHierarchies([]byte(v1), []byte("4:memory:/docker/x/y\n3:name=systemd:/s\n2:cpu,cpuacct:/\n0::/u\n"))
	want := map[string]mount{
		"cpu": {"/sys/fs/cgroup/cpu,cpuacct", "/"}, "cpuacct": {"/sys/fs/cgroup/cpu,cpuacct", "/"},
		"memory": {"/sys/fs/cgroup/mem ory", "/y"}, "name=systemd": {"/sys/fs/cgroup/systemd", "/s"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = parseHierarchies([]byte("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), []byte("0::/a.slice\n"))
	if want := map[string]mount{"": {"/sys/fs/cgroup", "/a.slice"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseHierarchies(nil, nil); err == nil {
		t.Error("no hierarchy is no error")
	}
}

// TestSettings translates one set of limits to both versions.
func TestSettings(t *testing.T) {
	res := &specs.LinuxResources{
		Memory:  &specs.LinuxMemory{Limit: ptr(int64(1000)), Swap: ptr(int64(3000)), Reservation: ptr(int64(-1))},
		CPU:     &specs.LinuxCPU{Shares: ptr(uint64(1024)), Quota: ptr(int64(-1)), Period: ptr(uint64(50000)), Cpus: "0-1"},
		Pids:    &specs.LinuxPids{Limit: ptr(int64(0))},
		BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(500)), ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: specs.LinuxBlockIODevice{Major: 8}, Rate: 99}}},
	}
	v1 := []setting{
		{"memory", "memory.limit_in_bytes", "1000"}, {"memory", "memory.memsw.limit_in_bytes", "3000"}, {"memory", "memory.soft_limit_in_bytes", "-1"},
		{"cpu", "cpu.shares", "1024"}, {"cpu", "cpu.cfs_period_us", "50000"}, {"cpu", "cpu.cfs_quota_us", "-1"}, {"cpuset", "cpuset.cpus", "0-1"},
		{"pids", "pids.max", "max"}, {"blkio", "blkio.weight", "500"}, {"blkio", "blkio.throttle.read_bps_device", "8:0 99"},
	}
	if got := settingsV1(res); !reflect.DeepEqual(got, v1) {
		t.Errorf("version 1: %v", got)
	}
	v2 := []setting{
		{"", "memory.max", "1000"}, {"", "memory.swap.max", "2000"}, {"", "memory.low", "max"}, {"", "cpu.weight", "39"},
		{"", "cpu.max", "max 50000"}, {"", "cpuset.cpus", "0-1"}, {"", "pids.max", "max"}, {"", "io.weight", "4950"}, {"", "io.max", "8:0 rbps=99"},
	}
	if got := settingsV2(res); !reflect.DeepEqual(got, v2) {
		t.Errorf("version 2: %v", got)
	}
	if limits(nil) || limits(&specs.LinuxResources{}) || !limits(res) {
		t.Error("limits")
	}
}

// TestMakeDirs makes what is missing, also if others make and remove parents meanwhile.
func TestMakeDirs(t *testing.T) {
	top := t.TempDir()
	p, a, b := filepath.Join(top, "p"), filepath.Join(top, "p/a"), filepath.Join(top, "p/b")
	for name, c := range map[string]struct {
		before, after func()
		plan, made    []string
	}{
		"all":                  {func() {}, func() {}, []string{p, a, b}, []string{p, a, b}},
		"parent made by other": {func() {}, func() { os.Mkdir(p, 0o755) }, []string{p, a, b}, []string{a, b}},
		"one there":            {func() { os.MkdirAll(a, 0o755) }, func() {}, []string{b}, []string{b}},
		"parent removed":       {func() { os.Mkdir(p, 0o755) }, func() { os.Remove(p) }, []string{a, b}, []string{p, a, b}},
		"one removed":          {func() { os.MkdirAll(b, 0o755) }, func() { os.Remove(b) }, []string{a}, []string{a, b}},
	} {
		c.before()
		g := &Group{Dirs: map[string]string{"x": a, "y": b}}
		g.Made = g.missing()
		if !slices.Equal(g.Made, c.plan) {
			t.Errorf("%s: planned %q", name, g.Made)
		}
		c.after()
		if err := g.makeDirs(); err != nil || !slices.Equal(g.Made, c.made) {
			t.Errorf("%s: made %q, %v", name, g.Made, err)
		}
		if err := g.Remove(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		os.RemoveAll(p)
	}
}
