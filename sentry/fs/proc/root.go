package proc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Version is what /proc/version says before the build's own part.
const Version = "Linux version 6.12.0 (runsc@sandbox) (go) #1 SMP PREEMPT_DYNAMIC runsc\n"

// rootEntries are the names of the top directory but for the processes.
func (f *FS) rootEntries() []entry {
	k := f.k
	es := []entry{
		f.reg("cmdline", func() string { return "\n" }),
		f.reg("cpuinfo", f.cpuinfo),
		f.reg("crypto", func() string { return "" }),
		f.reg("devices", func() string {
			return "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n"
		}),
		f.reg("diskstats", func() string { return "" }),
		f.reg("filesystems", f.filesystems),
		f.reg("interrupts", func() string { return "            CPU0       \n" }),
		f.reg("kmsg", func() string { return "" }),
		f.reg("loadavg", f.loadavg),
		f.reg("locks", func() string { return "" }),
		f.reg("meminfo", f.meminfo),
		f.reg("modules", func() string { return "" }),
		f.reg("partitions", func() string { return "major minor  #blocks  name\n\n" }),
		f.reg("stat", f.stat),
		f.reg("swaps", func() string { return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" }),
		f.reg("uptime", func() string {
			up := k.Uptime()
			idle := max(up*int64(k.NumCPU)-f.cpuTime(), 0)
			return fmt.Sprintf("%d.%02d %d.%02d\n", up/linux.Second, up%linux.Second/1e7, idle/linux.Second, idle%linux.Second/1e7)
		}),
		f.reg("version", func() string { return Version }),
		f.reg("vmstat", f.vmstat),
		f.reg("zoneinfo", func() string { return "" }),
		f.link("mounts", func(vfs.Ctx) (string, linux.Errno) { return "self/mounts", 0 }),
		f.link("net", func(vfs.Ctx) (string, linux.Errno) { return "self/net", 0 }),
		f.link("self", func(ctx vfs.Ctx) (string, linux.Errno) {
			if t, ok := ctx.(*kernel.Task); ok {
				if id := t.Group().PIDIn(f.ns); id != 0 {
					return strconv.Itoa(int(id)), 0
				}
			}
			return "", linux.ENOENT
		}),
		f.link("thread-self", func(ctx vfs.Ctx) (string, linux.Errno) {
			if t, ok := ctx.(*kernel.Task); ok {
				if id := t.TIDIn(f.ns); id != 0 {
					return fmt.Sprintf("%d/task/%d", t.Group().PIDIn(f.ns), id), 0
				}
			}
			return "", linux.ENOENT
		}),
		f.sub("fs"),
		f.sub("bus"),
		f.sub("driver"),
		f.sub("irq"),
		f.sub("tty", f.reg("drivers", func() string { return "" })),
		f.sysvipc(),
		f.sysctl(),
	}
	return es
}

// Lookup of a number in the top directory, and its list, are the processes'.
type processes struct{ f *FS }

func (p processes) lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	nr, err := strconv.ParseUint(name, 10, 31)
	if err != nil || name[0] == '0' {
		return nil, linux.ENOENT
	}
	// Threads have directories, too, that are not listed.
	t := p.f.k.TaskIn(p.f.ns, int32(nr))
	if t == nil {
		return nil, linux.ENOENT
	}
	return &p.f.processDir("/"+name, t).Inode, 0
}

func (p processes) list(vfs.Ctx) (es []entry) {
	for _, g := range p.f.k.Groups(p.f.ns) {
		es = append(es, entry{name: strconv.Itoa(int(g.PIDIn(p.f.ns))), typ: linux.DT_DIR})
	}
	return es
}

func (f *FS) cpuinfo() string {
	var b strings.Builder
	for i := range f.k.NumCPU {
		for _, line := range strings.Split(strings.TrimSpace(f.host.CPUInfo), "\n") {
			name, value, ok := strings.Cut(line, ":")
			switch key := strings.TrimSpace(name); {
			case !ok:
			case key == "processor", key == "core id", key == "apicid", key == "initial apicid":
				value = " " + strconv.Itoa(i)
			case key == "siblings", key == "cpu cores":
				value = " " + strconv.Itoa(f.k.NumCPU)
			case key == "physical id":
				value = " 0"
			}
			if ok {
				line = name + ":" + value
			}
			b.WriteString(line + "\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (f *FS) filesystems() string {
	var b strings.Builder
	for _, t := range f.k.FSTypes() {
		if t.Nodev {
			b.WriteString("nodev")
		}
		b.WriteString("\t" + t.Name + "\n")
	}
	return b.String()
}

func (f *FS) loadavg() string {
	var b strings.Builder
	for _, v := range f.k.Load() {
		v += 10 // rounds to hundredths
		fmt.Fprintf(&b, "%d.%02d ", v>>11, (v&2047)*100>>11)
	}
	fmt.Fprintf(&b, "%d/%d %d\n", f.k.Running(), f.k.Tasks(), f.ns.LastPID())
	return b.String()
}

func (f *FS) meminfo() string {
	k := f.k
	kb := func(n uint64) uint64 { return n >> 10 }
	total, used := k.TotalRAM, min(k.Pool.Total(), k.TotalRAM)
	shmem, cache := k.Pool.Used(pages.Shmem), k.Pool.Used(pages.Cache)
	anon := k.Pool.Used(pages.Anon)
	var b strings.Builder
	line := func(name string, v uint64) { fmt.Fprintf(&b, "%-16s%8d kB\n", name+":", kb(v)) }
	line("MemTotal", total)
	line("MemFree", total-used)
	line("MemAvailable", total-used+cache)
	line("Buffers", 0)
	line("Cached", shmem+cache)
	line("SwapCached", 0)
	line("Active", anon)
	line("Inactive", cache)
	line("Active(anon)", anon)
	line("Inactive(anon)", 0)
	line("Active(file)", 0)
	line("Inactive(file)", cache)
	line("Unevictable", 0)
	line("Mlocked", 0)
	line("SwapTotal", 0)
	line("SwapFree", 0)
	line("Dirty", 0)
	line("Writeback", 0)
	line("AnonPages", anon)
	line("Mapped", 0)
	line("Shmem", shmem)
	line("KReclaimable", 0)
	line("Slab", 0)
	line("SReclaimable", 0)
	line("SUnreclaim", 0)
	line("PageTables", 0)
	line("CommitLimit", k.MM.CommitLimit())
	line("Committed_AS", k.MM.Committed())
	line("VmallocTotal", 34359738367<<10)
	line("VmallocUsed", 0)
	line("VmallocChunk", 0)
	b.WriteString("HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n")
	line("Hugepagesize", 2<<20)
	return b.String()
}

// cpuTime is the processor time of all processes there are, ns.
func (f *FS) cpuTime() (total int64) {
	for _, g := range f.k.Groups(f.k.InitNS.PIDChildren) {
		u, s := g.CPU()
		cu, cs := g.ChildCPU()
		total += u + s + cu + cs
	}
	return total
}

func (f *FS) stat() string {
	k := f.k
	var user, sys int64
	for _, g := range k.Groups(k.InitNS.PIDChildren) {
		u, s := g.CPU()
		user, sys = user+u, sys+s
	}
	n := int64(k.NumCPU)
	idle := max(k.Uptime()*n-user-sys, 0)
	var b strings.Builder
	line := func(name string, div int64) {
		fmt.Fprintf(&b, "%s %d 0 %d %d 0 0 0 0 0 0\n", name, user/div/linux.ClockTick, sys/div/linux.ClockTick, idle/div/linux.ClockTick)
	}
	line("cpu ", 1)
	for i := range n {
		line("cpu"+strconv.FormatInt(i, 10), n)
	}
	fmt.Fprintf(&b, "intr 0\nctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		k.Traps(), (k.Clock.Realtime()-k.Clock.Boottime())/linux.Second, k.Forks(), max(k.Running(), 1))
	return b.String()
}

func (f *FS) vmstat() string {
	free := (f.k.TotalRAM - min(f.k.Pool.Total(), f.k.TotalRAM)) / pages.PageSize
	return fmt.Sprintf("nr_free_pages %d\nnr_anon_pages %d\nnr_shmem %d\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n",
		free, f.k.Pool.Used(pages.Anon)/pages.PageSize, f.k.Pool.Used(pages.Shmem)/pages.PageSize)
}
