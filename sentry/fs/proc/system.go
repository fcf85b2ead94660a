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

// uptime is the time since start and, of all processors together, the time they had nothing to do.
func (f *FS) uptime() string {
	up := f.k.Uptime()
	user, sys := f.k.CPU()
	idle := max(up*int64(f.k.NumCPU)-user-sys, 0)
	return fmt.Sprintf("%d.%02d %d.%02d\n", up/linux.Second, up%linux.Second/1e7, idle/linux.Second, idle%linux.Second/1e7)
}

func (f *FS) stat() string {
	k := f.k
	user, sys := f.k.CPU()
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
		k.Traps(), (k.Clock.Realtime()-k.Uptime())/linux.Second, k.Forks(), max(k.Running(), 1))
	return b.String()
}

// free is how much memory is free.
func (f *FS) free() uint64 { return f.k.TotalRAM - min(f.k.Pool.Total(), f.k.TotalRAM) }

// vmstat has the counters that programs look for; what the host does below is not counted.
func (f *FS) vmstat() string {
	var b strings.Builder
	line := func(name string, v uint64) { b.WriteString(name + " " + strconv.FormatUint(v, 10) + "\n") }
	anon, shmem, cache := f.k.Pool.Used(pages.Anon)/pages.PageSize, f.k.Pool.Used(pages.Shmem)/pages.PageSize, f.k.Pool.Used(pages.Cache)/pages.PageSize
	line("nr_free_pages", f.free()/pages.PageSize)
	line("nr_inactive_anon", 0)
	line("nr_active_anon", anon)
	line("nr_inactive_file", cache)
	line("nr_active_file", 0)
	line("nr_anon_pages", anon)
	line("nr_mapped", 0)
	line("nr_file_pages", cache+shmem)
	line("nr_dirty", 0)
	line("nr_writeback", 0)
	line("nr_shmem", shmem)
	minor, major := f.faults()
	for _, name := range []string{"pgpgin", "pgpgout", "pswpin", "pswpout", "pgalloc_normal", "pgfree", "pgactivate", "pgdeactivate"} {
		line(name, 0)
	}
	line("pgfault", minor)
	line("pgmajfault", major)
	for _, name := range []string{"pgsteal_kswapd", "pgsteal_direct", "pgscan_kswapd", "pgscan_direct", "oom_kill"} {
		line(name, 0)
	}
	return b.String()
}

// faults counts those of the threads there are.
func (f *FS) faults() (minor, major uint64) {
	for _, g := range f.k.Groups(f.k.InitNS.PIDChildren) {
		for _, t := range g.Tasks() {
			a, b := t.Faults()
			minor, major = minor+uint64(a), major+uint64(b)
		}
	}
	return minor, major
}

// locks shows those of processes that the mount's namespace shows (locks_show).
func (f *FS) locks() string {
	var b strings.Builder
	for n, tree := range vfs.AllLocks() {
		if tree[0].Holder != nil && f.lockPID(&tree[0]) == 0 {
			continue
		}
		for _, l := range tree {
			fmt.Fprintf(&b, "%d: %s\n", n+1, l.Text(f.lockPID(&l)))
		}
	}
	return b.String()
}

// lockPID is the number of the process that has a lock; 0 if it is gone or not to be seen.
func (f *FS) lockPID(l *vfs.LockInfo) int32 {
	g, ok := l.Holder.(*kernel.Group)
	if !ok {
		return 0
	}
	nr := g.PIDIn(f.ns)
	if nr == 0 || f.k.GroupIn(f.ns, nr) != g {
		return 0
	}
	return nr
}

// buddyinfo shows what is free as blocks of the largest order.
func (f *FS) buddyinfo() string {
	s := "Node 0, zone   Normal "
	for range 10 {
		s += "     0 "
	}
	return s + fmt.Sprintf("%6d \n", f.free()>>22)
}

// zoneinfo is one zone.
func (f *FS) zoneinfo() string {
	total := f.k.TotalRAM / pages.PageSize
	return fmt.Sprintf("Node 0, zone   Normal\n  pages free     %d\n        boost    0\n        min      0\n        low      0\n        high     0\n        spanned  %d\n        present  %d\n        managed  %d\n        cma      0\n        protection: (0)\n",
		f.free()/pages.PageSize, total, total, total)
}

// heads is the line that names the processors.
func (f *FS) heads(indent int) string {
	s := strings.Repeat(" ", indent)
	for i := range f.k.NumCPU {
		s += fmt.Sprintf("CPU%-8d", i)
	}
	return s + "\n"
}

// interrupts: none reach the sandbox.
func (f *FS) interrupts() string {
	zero := strings.Repeat("         0 ", f.k.NumCPU)
	return f.heads(11) + "LOC: " + zero + "  Local timer interrupts\nRES: " + zero + "  Rescheduling interrupts\nERR:          0\nMIS:          0\n"
}

func (f *FS) softirqs() string {
	s := f.heads(20)
	for _, name := range []string{"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"} {
		s += fmt.Sprintf("%12s:%s\n", name, strings.Repeat("          0", f.k.NumCPU))
	}
	return s
}
