// Package cgroup is cgroup2 as a container sees it (cgroups(7), Documentation/admin-guide/cgroup-v2.rst): the
// container's own group is the top directory. Its limits are those that the host enforces on
// the sandbox; what is used is the sandbox's account. There are no groups below it: what would
// be made there could not be held to anything.
package cgroup

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/kernfs"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

const magic = 0x63677270

// Limits are what the container's cgroup allows; zero is no limit.
type Limits struct {
	Memory uint64 // bytes
	Swap   uint64 // bytes, memory included
	Pids   int64
	CPUs   int    // whole processors
	Shares uint64 // cpu.shares of version 1
}

// New returns a cgroup2 file system.
func New(k *kernel.Kernel, l Limits) *vfs.Super {
	g := &group{k: k, l: l}
	nodes := map[string]kernfs.Node{}
	g.core(nodes)
	g.memory(nodes)
	g.cpu(nodes)
	g.pids(nodes)
	t := kernfs.New("cgroup2", magic, 0, kernfs.NewDir(nodes))
	t.Super.Options = func() string { return "nsdelegate" }
	return t.Super
}

// group is the container's group.
type group struct {
	k *kernel.Kernel
	l Limits
}

// limit shows a number, or max if there is none.
func limit(n int64) string {
	if n <= 0 {
		return "max\n"
	}
	return strconv.FormatInt(n, 10) + "\n"
}

// readers is a file whose text depends on who reads it.
func readers(text func(t *kernel.Task) string) *kernfs.File {
	return &kernfs.File{Perm: 0o644, Show: func(ctx vfs.Ctx) (string, linux.Errno) {
		t, _ := ctx.(*kernel.Task)
		return text(t), 0
	}}
}

// core are the files of every group.
func (g *group) core(put map[string]kernfs.Node) {
	procs := readers(func(t *kernel.Task) string { return g.members(t, false) })
	procs.Store = g.move
	threads := readers(func(t *kernel.Task) string { return g.members(t, true) })
	threads.Store = g.move
	put["cgroup.procs"], put["cgroup.threads"] = procs, threads
	for _, f := range [][2]string{
		{"cgroup.controllers", "cpuset cpu io memory pids\n"}, {"cgroup.subtree_control", "\n"}, {"cgroup.type", "domain\n"}, {"cgroup.events", "populated 1\nfrozen 0\n"},
		{"cgroup.freeze", "0\n"}, {"cgroup.max.depth", "max\n"}, {"cgroup.max.descendants", "max\n"}, {"cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n"},
	} {
		put[f[0]] = kernfs.Fixed(f[1])
	}
}

// members are the numbers of the processes, or of the threads, that the reader can see.
func (g *group) members(t *kernel.Task, threads bool) string {
	ns := g.k.InitNS.PIDChildren
	if t != nil {
		ns = t.PIDNS()
	}
	var b strings.Builder
	for _, p := range g.k.Groups(ns) {
		if p.IsZombie() {
			continue
		}
		if !threads {
			b.WriteString(strconv.Itoa(int(p.PIDIn(ns))) + "\n")
			continue
		}
		for _, o := range p.Tasks() {
			if o.State() != 'Z' {
				b.WriteString(strconv.Itoa(int(o.TIDIn(ns))) + "\n")
			}
		}
	}
	return b.String()
}

// move puts a process where it is already: ESRCH if there is none, EINVAL for what is no number.
func (g *group) move(ctx vfs.Ctx, s string) linux.Errno {
	nr, err := strconv.ParseInt(strings.TrimSpace(s), 0, 32)
	if err != nil || nr < 0 {
		return linux.EINVAL
	}
	t, ok := ctx.(*kernel.Task)
	if ok && nr != 0 && g.k.GroupIn(t.PIDNS(), int32(nr)) == nil {
		return linux.ESRCH
	}
	return 0
}

// memory are the files of the memory controller.
func (g *group) memory(put map[string]kernfs.Node) {
	p := g.k.Pool
	swap := "max\n"
	if g.l.Swap > 0 && g.l.Swap >= g.l.Memory {
		swap = strconv.FormatUint(g.l.Swap-g.l.Memory, 10) + "\n"
	}
	for name, text := range map[string]string{
		"max": limit(int64(min(g.l.Memory, 1<<62))), "high": "max\n", "low": "0\n", "min": "0\n", "oom.group": "0\n",
		"swap.max": swap, "swap.high": "max\n", "swap.current": "0\n", "swap.events": "high 0\nmax 0\nfail 0\n",
		"events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n", "events.local": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
	} {
		put["memory."+name] = kernfs.Fixed(text)
	}
	put["memory.current"] = kernfs.Text(func() string { return strconv.FormatUint(p.Total(), 10) + "\n" })
	put["memory.stat"] = kernfs.Text(func() string {
		var b strings.Builder
		line := func(name string, n uint64) { fmt.Fprintf(&b, "%s %d\n", name, n) }
		anon, shmem, cache := p.Used(pages.Anon), p.Used(pages.Shmem), p.Used(pages.Cache)
		line("anon", anon)
		line("file", cache+shmem)
		line("kernel", 0)
		line("kernel_stack", 0)
		line("pagetables", 0)
		line("sock", 0)
		line("shmem", shmem)
		line("file_mapped", 0)
		line("file_dirty", 0)
		line("file_writeback", 0)
		line("swapcached", 0)
		line("anon_thp", 0)
		line("inactive_anon", shmem)
		line("active_anon", anon)
		line("inactive_file", cache)
		line("active_file", 0)
		line("unevictable", 0)
		line("slab_reclaimable", 0)
		line("slab_unreclaimable", 0)
		line("slab", 0)
		line("pgfault", 0)
		line("pgmajfault", 0)
		return b.String()
	})
}

// cpu are the files of the cpu and cpuset controllers.
func (g *group) cpu(put map[string]kernfs.Node) {
	quota := "max 100000\n"
	if g.l.CPUs > 0 {
		quota = fmt.Sprintf("%d 100000\n", g.l.CPUs*100000)
	}
	weight := uint64(100)
	if s := g.l.Shares; s > 0 { // as runc turns shares into a weight
		weight = 1 + (max(2, min(s, 262144))-2)*9999/262142
	}
	all := "0\n"
	if g.k.NumCPU > 1 {
		all = fmt.Sprintf("0-%d\n", g.k.NumCPU-1)
	}
	for name, text := range map[string]string{
		"cpu.max": quota, "cpu.max.burst": "0\n", "cpu.weight": strconv.FormatUint(weight, 10) + "\n", "cpu.weight.nice": "0\n", "cpu.idle": "0\n",
		"cpuset.cpus": "\n", "cpuset.cpus.effective": all, "cpuset.mems": "\n", "cpuset.mems.effective": "0\n", "cpuset.cpus.partition": "member\n", "io.stat": "",
	} {
		put[name] = kernfs.Fixed(text)
	}
	put["cpu.stat"] = kernfs.Text(func() string {
		user, sys := g.k.CPU()
		user, sys = user/1000, sys/1000
		return fmt.Sprintf("usage_usec %d\nuser_usec %d\nsystem_usec %d\nnice_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n", user+sys, user, sys)
	})
}

// pids are the files of the pids controller.
func (g *group) pids(put map[string]kernfs.Node) {
	put["pids.max"] = kernfs.Fixed(limit(g.l.Pids))
	put["pids.current"] = kernfs.Text(func() string { return strconv.FormatInt(g.k.Tasks(), 10) + "\n" })
	put["pids.events"] = kernfs.Fixed("max 0\n")
}
