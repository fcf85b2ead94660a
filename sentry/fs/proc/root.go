package proc

import (
	"fmt"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Version is what /proc/version says.
const Version = "Linux version 6.12.0 (runsc@sandbox) (go) #1 SMP PREEMPT_DYNAMIC runsc\n"

// rootEntries are the names of the top directory but for the processes.
func (f *FS) rootEntries() []entry {
	top := func(name string, text func() string) entry {
		return show(name, 0o444, func(*call) string { return text() })
	}
	return append([]entry{
		top("buddyinfo", f.buddyinfo),
		fixed("cgroups", cgroups()),
		fixed("cmdline", "\n"),
		fixed("consoles", ""),
		top("cpuinfo", f.cpuinfo),
		fixed("crypto", ""),
		fixed("devices", "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n"),
		fixed("diskstats", ""),
		fixed("execdomains", "0-0\tLinux           \t[kernel]\n"),
		top("filesystems", f.filesystems),
		top("interrupts", f.interrupts),
		reg("kmsg", 0o400, &spec{open: func(c *call) linux.Errno {
			if !c.Cred().HasIn(c.fs.k.UserNS, linux.CAP_SYSLOG) {
				return linux.EPERM
			}
			return 0
		}, text: func(*call) (string, linux.Errno) { return "", 0 }}),
		top("loadavg", f.loadavg),
		top("locks", f.locks),
		top("meminfo", f.meminfo),
		fixed("misc", ""),
		fixed("modules", ""),
		fixed("partitions", ""),
		top("softirqs", f.softirqs),
		top("stat", f.stat),
		fixed("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
		top("uptime", f.uptime),
		fixed("version", Version),
		top("vmstat", f.vmstat),
		top("zoneinfo", f.zoneinfo),
		linkTo("mounts", "self/mounts"),
		linkTo("net", "self/net"),
		sub("fs"),
		sub("bus"),
		sub("driver"),
		sub("irq"),
		sub("tty", fixed("drivers", "/dev/tty             /dev/tty        5       0 system:/dev/tty\n/dev/console         /dev/console    5       1 system:console\n/dev/ptmx            /dev/ptmx       5       2 system\npty_slave            /dev/pts      136 0-1048575 pty:slave\n"),
			sub("ldisc"), fixed("ldiscs", "n_tty       0\n")),
		sysvipc(),
		sysctl(),
	}, selfLinks()...)
}

// cgroups are the controllers of the unified hierarchy.
func cgroups() string {
	var b strings.Builder
	b.WriteString("#subsys_name\thierarchy\tnum_cgroups\tenabled\n")
	for _, name := range []string{"cpuset", "cpu", "cpuacct", "blkio", "memory", "devices", "freezer", "net_cls", "perf_event", "net_prio", "hugetlb", "pids"} {
		fmt.Fprintf(&b, "%s\t0\t1\t1\n", name)
	}
	return b.String()
}
