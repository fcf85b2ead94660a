package lifecycle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func ptr[T any](v T) *T { return &v }

// TestCgroup sets limits and reads them back where the sentry is.
func TestCgroup(t *testing.T) {
	each(t, func(e *env) {
		e.spec.Linux.CgroupsPath = "/" + e.id + "-parent/" + e.id
		e.spec.Linux.Resources = &specs.LinuxResources{
			Memory: &specs.LinuxMemory{Limit: ptr(int64(200 << 20)), Reservation: ptr(int64(100 << 20))},
			CPU:    &specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(50000)), Period: ptr(uint64(100000)), Cpus: "0"},
			Pids:   &specs.LinuxPids{Limit: ptr(int64(100))},
		}
		e.command("sleep", "1000")
		e.create()
		paths := cgroupsOf(t, e.readPid(e.pidFile()))
		gofer := cgroupsOf(t, e.processPID("runsc-gofer"))
		for name, path := range paths {
			if !strings.HasSuffix(path, e.spec.Linux.CgroupsPath) && name != "" {
				t.Errorf("%s cgroup of the sentry: %s", name, path)
			}
			if gofer[name] != path {
				t.Errorf("%s cgroup of the gofer: %s", name, gofer[name])
			}
		}
		e.limit("memory", "memory.limit_in_bytes", "memory.max", "209715200", "209715200")
		e.limit("memory", "memory.soft_limit_in_bytes", "memory.low", "104857600", "104857600")
		e.limit("cpu", "cpu.shares", "cpu.weight", "512", "20")
		e.limit("cpu", "cpu.cfs_quota_us", "cpu.max", "50000", "50000 100000")
		e.limit("cpuset", "cpuset.cpus", "cpuset.cpus", "0", "0")
		e.must("update", "--memory", "300000256", "--cpu-share", "1024", e.id)
		e.limit("memory", "memory.limit_in_bytes", "memory.max", "299999232", "299999232")
		e.limit("cpu", "cpu.shares", "cpu.weight", "1024", "39")
		if r := e.must("events", "--stats", e.id); !strings.Contains(r.out, `"limit":`) {
			t.Error(r)
		}
		e.must("delete", e.id)
		filepath.WalkDir("/sys/fs/cgroup", func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), e.id) {
				t.Errorf("left of cgroups: %s", path)
			}
			return nil
		})
	})
}

// cgroupsOf reads /proc/pid/cgroup.
func cgroupsOf(t *testing.T, pid int) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		out[f[1]] = f[2]
	}
	if len(out) > 1 {
		delete(out, "") // the unified hierarchy has no controllers then
	}
	return out
}

// limit checks one value on a host of either version.
func (e *env) limit(controller, file1, file2, want1, want2 string) {
	e.Helper()
	path, want := filepath.Join("/sys/fs/cgroup", controller, e.spec.Linux.CgroupsPath, file1), want1
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		path, want = filepath.Join("/sys/fs/cgroup", e.spec.Linux.CgroupsPath, file2), want2
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		e.Error(err)
	}
	if got := strings.TrimSpace(string(raw)); got != want {
		e.Errorf("%s is %q, want %q", path, got, want)
	}
}

// TestCgroupErrors checks that a limit the host refuses fails the start and leaves nothing.
func TestCgroupErrors(t *testing.T) {
	each(t, func(e *env) {
		e.spec.Linux.Resources = &specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "4095"}}
		e.command("true")
		r := e.run()
		if r.code != 1 {
			t.Error(r)
		}
		e.oneLine(r, "cpuset.cpus", "4095")
	}, "fake")
}

// TestSystemdCgroupPath checks where slice:prefix:name goes when no systemd runs.
func TestSystemdCgroupPath(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Log("systemd runs here: expecting the refusal instead")
	}
	each(t, func(e *env) {
		e.flags = []string{"--systemd-cgroup"}
		e.spec.Linux.CgroupsPath = "lc-" + e.id + ".slice:runsc:" + e.id
		e.command("sleep", "1000")
		if _, err := os.Stat("/run/systemd/system"); err == nil {
			e.save()
			e.oneLine(e.run(), "systemd")
			return
		}
		e.create()
		for name, path := range cgroupsOf(t, e.readPid(e.pidFile())) {
			if !strings.HasSuffix(path, "/lc-"+e.id+".slice/runsc-"+e.id+".scope") || !strings.HasPrefix(path, "/lc.slice/") {
				t.Errorf("%s: %s", name, path)
			}
		}
		e.must("delete", e.id)
	}, "fake")
}
