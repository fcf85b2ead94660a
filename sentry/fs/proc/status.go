package proc

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func hex8(v uint32) string { return fmt.Sprintf("%08x", v) }

func sortNumbered(es []numbered) {
	slices.SortFunc(es, func(a, b numbered) int { return int(a.at - b.at) })
}

// cgroup is the container's own group for everybody.
func cgroup(*call) string { return "0::/\n" }

// ioText is a process's counters, or those of a thread alone.
func ioText(c *call) string {
	var rc, wc, rn, wn int64
	tasks := []*kernel.Task{c.t}
	if c.t.Group().Leader() == c.t {
		tasks = c.t.Group().Tasks()
	}
	for _, o := range tasks {
		c := o.IO()
		rc, wc, rn, wn = rc+c.ReadChars.Load(), wc+c.WriteChars.Load(), rn+c.ReadCalls.Load(), wn+c.WriteCalls.Load()
	}
	return fmt.Sprintf("rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n", rc, wc, rn, wn)
}

var limitNames = [...][2]string{
	{"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"}, {"Max stack size", "bytes"}, {"Max core file size", "bytes"},
	{"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"}, {"Max locked memory", "bytes"}, {"Max address space", "bytes"},
	{"Max file locks", "locks"}, {"Max pending signals", "signals"}, {"Max msgqueue size", "bytes"}, {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
}

func limits(c *call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	show := func(v uint64) string {
		if v == linux.RLIM_INFINITY {
			return "unlimited"
		}
		return strconv.FormatUint(v, 10)
	}
	for i, n := range limitNames {
		l := c.t.Group().Rlimit(i)
		fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", n[0], show(l.Cur), show(l.Max), n[1])
	}
	return b.String()
}

// names of the states by their letters.
var stateNames = map[byte]string{'R': "running", 'S': "sleeping", 'D': "disk sleep", 'T': "stopped", 't': "tracing stop", 'Z': "zombie", 'X': "dead"}

// ppid is the parent as the mount's namespace shows it.
func (f *FS) ppid(t *kernel.Task) int32 {
	if p := t.Group().Parent(); p != nil {
		return p.PIDIn(f.ns)
	}
	return 0
}

// status is /proc/PID/status.
func status(cl *call) string {
	f, t, ns := cl.fs, cl.t, cl.ids()
	var b strings.Builder
	g, c := t.Group(), t.Cred()
	line := func(name, format string, args ...any) { fmt.Fprintf(&b, name+":\t"+format+"\n", args...) }
	line("Name", "%s", escapeComm(t.Comm()))
	if fs := t.FS(); fs != nil {
		line("Umask", "%04o", fs.Umask())
	}
	state := t.State()
	line("State", "%c (%s)", state, stateNames[state])
	line("Tgid", "%d", g.PIDIn(f.ns))
	line("Ngid", "0")
	line("Pid", "%d", t.TIDIn(f.ns))
	line("PPid", "%d", f.ppid(t))
	tracer := int32(0)
	if tr := t.Tracer(); tr != nil {
		tracer = tr.TIDIn(f.ns)
	}
	line("TracerPid", "%d", tracer)
	line("Uid", "%d\t%d\t%d\t%d", ns.FromKernelUID(c.Ruid), ns.FromKernelUID(c.Euid), ns.FromKernelUID(c.Suid), ns.FromKernelUID(c.Fsuid))
	line("Gid", "%d\t%d\t%d\t%d", ns.FromKernelGID(c.Rgid), ns.FromKernelGID(c.Egid), ns.FromKernelGID(c.Sgid), ns.FromKernelGID(c.Fsgid))
	if files := t.Files(); files != nil {
		line("FDSize", "%d", files.Size())
	} else {
		line("FDSize", "0")
	}
	b.WriteString("Groups:\t")
	for i, gid := range c.Groups {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d", ns.FromKernelGID(gid))
	}
	b.WriteString(" \n") // as task_state has it
	pgrp, session, _, _ := g.Ids(f.ns)
	for _, n := range []struct {
		name string
		of   func() []int32
	}{{"NStgid", func() []int32 { return g.Leader().ID().Numbers(f.ns) }}, {"NSpid", func() []int32 { return t.ID().Numbers(f.ns) }}} {
		b.WriteString(n.name + ":")
		for _, v := range n.of() {
			fmt.Fprintf(&b, "\t%d", v)
		}
		b.WriteByte('\n')
	}
	line("NSpgid", "%d", pgrp)
	line("NSsid", "%d", session)
	line("Kthread", "0")
	b.WriteString(withMM(t, memoryStatus))
	line("Threads", "%d", max(g.Threads(), 1))
	line("SigQ", "%d/%d", g.QueuedSignals(), g.Rlimit(linux.RLIMIT_SIGPENDING).Cur)
	own, shared := t.PendingSets()
	ignored, caught := g.SignalSets()
	for _, s := range []struct {
		name string
		set  linux.SignalSet
	}{{"SigPnd", own}, {"ShdPnd", shared}, {"SigBlk", t.Blocked()}, {"SigIgn", ignored}, {"SigCgt", caught}} {
		line(s.name, "%016x", uint64(s.set))
	}
	for _, s := range []struct {
		name string
		set  auth.CapSet
	}{{"CapInh", c.Inheritable}, {"CapPrm", c.Permitted}, {"CapEff", c.Effective}, {"CapBnd", c.Bounding}, {"CapAmb", c.Ambient}} {
		line(s.name, "%016x", uint64(s.set))
	}
	nnp := 0
	if c.NoNewPrivs {
		nnp = 1
	}
	mode, filters := t.SeccompMode()
	line("NoNewPrivs", "%d", nnp)
	line("Seccomp", "%d", mode)
	line("Seccomp_filters", "%d", filters)
	line("Speculation_Store_Bypass", "vulnerable")
	line("SpeculationIndirectBranch", "conditional enabled")
	list, mask := cpus(t.Affinity())
	line("Cpus_allowed", "%s", mask)
	line("Cpus_allowed_list", "%s", list)
	line("Mems_allowed", "00000001")
	line("Mems_allowed_list", "0")
	v, i := t.Switches()
	line("voluntary_ctxt_switches", "%d", v)
	line("nonvoluntary_ctxt_switches", "%d", i)
	return b.String()
}

// escapeComm escapes a name as /proc/PID/status does.
func escapeComm(s string) string { return strings.NewReplacer("\\", "\\\\", "\n", "\\n").Replace(s) }

func memoryStatus(m *mm.MM) string {
	s := m.Stats()
	var b strings.Builder
	for _, l := range []struct {
		name string
		v    uint64
	}{{"VmPeak", s.PeakSize}, {"VmSize", s.Size}, {"VmLck", s.Locked}, {"VmPin", 0}, {"VmHWM", max(s.PeakRss, s.Rss())}, {"VmRSS", s.Rss()},
		{"RssAnon", s.Anon}, {"RssFile", s.File}, {"RssShmem", s.Shmem}, {"VmData", s.Data}, {"VmStk", s.Stack}, {"VmExe", s.Code}, {"VmLib", s.Lib()},
		{"VmPTE", s.PageTables}, {"VmSwap", 0}, {"HugetlbPages", 0}} {
		fmt.Fprintf(&b, "%s:\t%8d kB\n", l.name, l.v>>10)
	}
	b.WriteString("CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n")
	return b.String()
}

// cpus shows a processor mask as a list and in hexadecimal groups.
func cpus(mask []byte) (list, hexMask string) {
	var parts, groups []string
	n := len(mask) * 8
	has := func(i int) bool { return i < n && mask[i/8]&(1<<(i%8)) != 0 }
	for i := 0; i < n; i++ {
		if !has(i) {
			continue
		}
		from := i
		for has(i + 1) {
			i++
		}
		if from == i {
			parts = append(parts, strconv.Itoa(i))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", from, i))
		}
	}
	for i := 0; i+4 <= len(mask); i += 4 {
		if w := binary.LittleEndian.Uint32(mask[i:]); w != 0 || i == 0 {
			groups = append([]string{fmt.Sprintf("%08x", w)}, groups...)
		}
	}
	return strings.Join(parts, ","), strings.TrimLeft(strings.Join(groups, ","), "0")
}

// statm is the sizes in pages.
func statm(c *call) string {
	s := withMM(c.t, func(m *mm.MM) string {
		s := m.Stats()
		p := func(n uint64) uint64 { return n / usermem.PageSize }
		return fmt.Sprintf("%d %d %d %d 0 %d 0\n", p(s.Size), p(s.Rss()), p(s.File+s.Shmem), p(s.Code), p(s.Data+s.Stack))
	})
	if s == "" {
		return "0 0 0 0 0 0 0\n"
	}
	return s
}

// taskStat is /proc/PID/stat. Threads' directories show their own times.
func taskStat(c *call) string {
	f, t := c.fs, c.t
	g := t.Group()
	pgrp, session, tty, fg := g.Ids(f.ns)
	ttyNr := uint64(0)
	if tty != nil {
		ttyNr = uint64(vfs.Major(tty.Dev())<<8 | vfs.Minor(tty.Dev())&0xff | vfs.Minor(tty.Dev())&^0xff<<12)
	}
	var user, sys, cuser, csys int64
	exit := int32(-1)
	if g.Leader() == t {
		user, sys = g.CPU()
		cuser, csys = g.ChildCPU()
		exit = g.ExitSignal()
	} else {
		user, sys = t.CPU()
	}
	minor, major := t.Faults()
	var vsize, rss uint64
	var l mm.Layout
	may := mayLook(c.Ctx, t)
	if m := t.GetMM(); m != nil {
		s := m.Stats()
		vsize, rss = s.Size, s.Rss()/usermem.PageSize
		if may {
			l = m.Layout()
		} else {
			l.StartCode, l.EndCode = 1, 1
		}
		m.Put()
	}
	sched := t.Sched()
	own, _ := t.PendingSets()
	ignored, caught := g.SignalSets()
	tick := func(ns int64) int64 { return ns / linux.ClockTick }
	status := uint32(0)
	if may && g.IsZombie() {
		status = g.ExitStatus()
	}
	return fmt.Sprintf("%d (%s) %c %d %d %d %d %d %d %d 0 %d 0 %d %d %d %d %d %d %d 0 %d %d %d %d %d %d %d 0 0 %d %d %d %d 0 0 0 %d 0 %d %d 0 0 0 %d %d %d %d %d %d %d %d\n",
		t.TIDIn(f.ns), t.Comm(), t.State(), f.ppid(t), pgrp, session, ttyNr, fg, 0x400000, minor, major,
		tick(user), tick(sys), tick(cuser), tick(csys), priority(t), t.Nice(), max(g.Threads(), 1),
		tick(t.StartBoot()), vsize, rss, g.Rlimit(linux.RLIMIT_RSS).Cur, uint64(l.StartCode), uint64(l.EndCode), uint64(l.StartStack),
		uint64(own)&0x7fffffff, uint64(t.Blocked())&0x7fffffff, uint64(ignored)&0x7fffffff, uint64(caught)&0x7fffffff,
		exit, max(sched.Priority, 0), sched.Policy, uint64(l.StartData), uint64(l.EndData), uint64(l.StartBrk), uint64(l.ArgStart), uint64(l.ArgEnd), uint64(l.EnvStart), uint64(l.EnvEnd), status)
}

// priority is the column of /proc/PID/stat: 20 and the nice value, or below zero for a real-time
// thread (task_prio).
func priority(t *kernel.Task) int32 {
	switch s := t.Sched(); s.Policy {
	case linux.SCHED_FIFO, linux.SCHED_RR:
		return -1 - s.Priority
	case linux.SCHED_DEADLINE:
		return -101
	}
	return 20 + t.Nice()
}
