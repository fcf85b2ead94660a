package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// setting is one value to write. Controller is the version 1 controller that must be there.
type setting struct {
	controller, file, value string
}

// limits says whether res limits anything that a cgroup is needed for.
func limits(res *specs.LinuxResources) bool {
	return len(settingsV1(res)) > 0 || res != nil && len(res.Unified) > 0
}

// Set writes the limits of res; what res does not mention stays as it is.
func (g *Group) Set(res *specs.LinuxResources) error {
	if res == nil || len(g.Dirs) == 0 {
		return nil
	}
	if g.V2() {
		for _, s := range settingsV2(res) {
			if err := write(g.Dirs[""], s.file, s.value); err != nil {
				return fmt.Errorf("cgroup: %w", err)
			}
		}
		return nil
	}
	if len(res.Unified) > 0 {
		return errors.New("linux.resources.unified needs cgroup v2, which this host does not have")
	}
	for _, s := range settingsV1(res) {
		dir := g.Dirs[s.controller]
		if dir == "" {
			return fmt.Errorf("cgroup: %s cannot be set: the host has no %s controller", s.file, s.controller)
		}
		if err := g.writeV1(dir, s); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

// writeV1 writes one value. Memory and memory+swap limits may only ever be written in the
// order that keeps the first below the second, and which that is depends on the values before.
func (g *Group) writeV1(dir string, s setting) error {
	err := write(dir, s.file, s.value)
	switch {
	case err == nil:
		return nil
	case s.file == "memory.limit_in_bytes":
		// The old memory+swap limit may be in the way of a higher one.
		if write(dir, "memory.memsw.limit_in_bytes", "-1") == nil {
			return write(dir, s.file, s.value)
		}
	case s.file == "memory.memsw.limit_in_bytes" && errors.Is(err, os.ErrNotExist):
		return nil // a kernel without swap accounting has nothing to limit
	case s.file == "blkio.weight" && errors.Is(err, os.ErrNotExist):
		if write(dir, "blkio.bfq.weight", s.value) == nil {
			return nil
		}
		return nil // no disk scheduler on this host weighs anything
	}
	return err
}

// settingsV1 translates to version 1 (Documentation/admin-guide/cgroup-v1).
func settingsV1(res *specs.LinuxResources) []setting {
	if res == nil {
		return nil
	}
	var out []setting
	add := func(controller, file, value string) { out = append(out, setting{controller, file, value}) }
	if m := res.Memory; m != nil {
		addInt(add, "memory", "memory.limit_in_bytes", m.Limit)
		addInt(add, "memory", "memory.memsw.limit_in_bytes", m.Swap)
		addInt(add, "memory", "memory.soft_limit_in_bytes", m.Reservation)
		if m.Swappiness != nil && *m.Swappiness <= 100 {
			add("memory", "memory.swappiness", strconv.FormatUint(*m.Swappiness, 10))
		}
		if m.DisableOOMKiller != nil && *m.DisableOOMKiller {
			add("memory", "memory.oom_control", "1")
		}
	}
	if c := res.CPU; c != nil {
		addUint(add, "cpu", "cpu.shares", c.Shares)
		addUint(add, "cpu", "cpu.cfs_period_us", c.Period)
		addInt(add, "cpu", "cpu.cfs_quota_us", c.Quota)
		addUint(add, "cpu", "cpu.cfs_burst_us", c.Burst)
		addUint(add, "cpu", "cpu.rt_period_us", c.RealtimePeriod)
		addInt(add, "cpu", "cpu.rt_runtime_us", c.RealtimeRuntime)
		if c.Cpus != "" {
			add("cpuset", "cpuset.cpus", c.Cpus)
		}
		if c.Mems != "" {
			add("cpuset", "cpuset.mems", c.Mems)
		}
	}
	if p := res.Pids; p != nil && p.Limit != nil {
		add("pids", "pids.max", pidsLimit(*p.Limit))
	}
	addBlockIO(add, res.BlockIO)
	for _, h := range res.HugepageLimits {
		add("hugetlb", "hugetlb."+h.Pagesize+".limit_in_bytes", strconv.FormatUint(h.Limit, 10))
	}
	return out
}

func addInt(add func(c, f, v string), controller, file string, v *int64) {
	if v != nil && *v != 0 {
		add(controller, file, strconv.FormatInt(*v, 10))
	}
}

func addUint(add func(c, f, v string), controller, file string, v *uint64) {
	if v != nil && *v != 0 {
		add(controller, file, strconv.FormatUint(*v, 10))
	}
}

func addBlockIO(add func(c, f, v string), b *specs.LinuxBlockIO) {
	if b == nil {
		return
	}
	if b.Weight != nil && *b.Weight != 0 {
		add("blkio", "blkio.weight", strconv.Itoa(int(*b.Weight)))
	}
	for _, d := range b.WeightDevice {
		if d.Weight != nil {
			add("blkio", "blkio.weight_device", fmt.Sprintf("%d:%d %d", d.Major, d.Minor, *d.Weight))
		}
	}
	for _, t := range throttles(b) {
		for _, d := range t.list {
			add("blkio", t.v1, fmt.Sprintf("%d:%d %d", d.Major, d.Minor, d.Rate))
		}
	}
}

// throttle is one of the four limits on disks under its two names.
type throttle struct {
	list   []specs.LinuxThrottleDevice
	v1, v2 string
}

func throttles(b *specs.LinuxBlockIO) []throttle {
	return []throttle{
		{b.ThrottleReadBpsDevice, "blkio.throttle.read_bps_device", "rbps"},
		{b.ThrottleWriteBpsDevice, "blkio.throttle.write_bps_device", "wbps"},
		{b.ThrottleReadIOPSDevice, "blkio.throttle.read_iops_device", "riops"},
		{b.ThrottleWriteIOPSDevice, "blkio.throttle.write_iops_device", "wiops"},
	}
}

// pidsLimit is the host's bound for a sandbox that may have n tasks: each has a stub thread
// and perhaps a thread of the sentry that waits for it, and the sentry and the gofer have
// threads of their own.
func pidsLimit(n int64) string {
	if n <= 0 {
		return "max"
	}
	return strconv.FormatInt(2*n+128, 10)
}

// settingsV2 translates to version 2 (Documentation/admin-guide/cgroup-v2.rst).
func settingsV2(res *specs.LinuxResources) []setting {
	var out []setting
	add := func(file, value string) { out = append(out, setting{"", file, value}) }
	if m := res.Memory; m != nil {
		if m.Limit != nil && *m.Limit != 0 {
			add("memory.max", orMax(*m.Limit))
		}
		if m.Swap != nil && *m.Swap != 0 {
			swap := *m.Swap
			if swap > 0 && m.Limit != nil && *m.Limit > 0 {
				swap = max(swap-*m.Limit, 0) // version 2 counts swap alone
			}
			if swap == 0 {
				add("memory.swap.max", "0")
			} else {
				add("memory.swap.max", orMax(swap))
			}
		}
		if m.Reservation != nil && *m.Reservation != 0 {
			add("memory.low", orMax(*m.Reservation))
		}
	}
	if c := res.CPU; c != nil {
		if c.Shares != nil && *c.Shares != 0 {
			add("cpu.weight", strconv.FormatUint(weight(*c.Shares), 10))
		}
		if c.Quota != nil && *c.Quota != 0 || c.Period != nil && *c.Period != 0 {
			add("cpu.max", cpuMax(c))
		}
		if c.Cpus != "" {
			add("cpuset.cpus", c.Cpus)
		}
		if c.Mems != "" {
			add("cpuset.mems", c.Mems)
		}
	}
	if p := res.Pids; p != nil && p.Limit != nil {
		add("pids.max", pidsLimit(*p.Limit))
	}
	if b := res.BlockIO; b != nil {
		if b.Weight != nil && *b.Weight != 0 {
			add("io.weight", strconv.Itoa(1+(int(*b.Weight)-10)*9999/990))
		}
		for _, t := range throttles(b) {
			for _, d := range t.list {
				add("io.max", fmt.Sprintf("%d:%d %s=%d", d.Major, d.Minor, t.v2, d.Rate))
			}
		}
	}
	for _, h := range res.HugepageLimits {
		add("hugetlb."+h.Pagesize+".max", strconv.FormatUint(h.Limit, 10))
	}
	for file, value := range res.Unified {
		add(filepath.Base(file), value)
	}
	return out
}

func orMax(v int64) string {
	if v < 0 {
		return "max"
	}
	return strconv.FormatInt(v, 10)
}

// weight maps shares 2…262144 to weights 1…10000, as every runtime does.
func weight(shares uint64) uint64 {
	shares = min(max(shares, 2), 262144)
	return 1 + (shares-2)*9999/262142
}

func cpuMax(c *specs.LinuxCPU) string {
	quota, period := "max", uint64(100000)
	if c.Quota != nil && *c.Quota > 0 {
		quota = strconv.FormatInt(*c.Quota, 10)
	}
	if c.Period != nil && *c.Period != 0 {
		period = *c.Period
	}
	return quota + " " + strconv.FormatUint(period, 10)
}

// Usage is what a group uses.
type Usage struct {
	CPU, Memory, MemoryLimit uint64 // nanoseconds, bytes; limit 0 is none
	Pids                     uint64
}

// Usage reads the counters.
func (g *Group) Usage() Usage {
	if g.V2() {
		d := g.Dirs[""]
		return Usage{number(d, "cpu.stat", "usage_usec") * 1000, value(d, "memory.current"), value(d, "memory.max"), value(d, "pids.current")}
	}
	u := Usage{value(g.Dirs["cpuacct"], "cpuacct.usage"), value(g.Dirs["memory"], "memory.usage_in_bytes"),
		value(g.Dirs["memory"], "memory.limit_in_bytes"), value(g.Dirs["pids"], "pids.current")}
	if u.MemoryLimit >= 1<<62 {
		u.MemoryLimit = 0
	}
	return u
}

// value reads a file that holds one number; 0 if it is missing or "max".
func value(dir, file string) uint64 {
	if dir == "" {
		return 0
	}
	b, _ := os.ReadFile(filepath.Join(dir, file))
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n
}
