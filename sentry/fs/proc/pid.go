package proc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// A process's directory shows its leader; a thread's under task shows the thread.

// processes are the entries of the top directory that are numbers.
type processes struct{ f *FS }

func (p processes) lookup(ctx vfs.Ctx, _ *dir, name string) (*vfs.Inode, linux.Errno) {
	nr, ok := number(name)
	if !ok {
		return nil, linux.ENOENT
	}
	// Threads have directories, too, that are not listed.
	t := p.f.k.TaskIn(p.f.ns, nr)
	if t == nil || p.f.options.Load().hide == hidePtraceable && !p.f.shows(ctx, t, hideNoAccess) {
		return nil, linux.ENOENT
	}
	d := &dir{entries: processEntries}
	d.start(p.f, "/"+name, 0o555, t)
	return &d.Inode, 0
}

// listed is how many entries a lister gives at once.
const listed = 1024

func (p processes) list(ctx vfs.Ctx, from int64) (es []numbered) {
	for from <= 1<<22 {
		groups := p.f.k.PIDsFrom(p.f.ns, int32(from), listed)
		if len(groups) == 0 {
			return nil
		}
		for _, g := range groups {
			nr := g.PIDIn(p.f.ns)
			from = max(from, int64(nr)+1)
			if nr != 0 && p.f.shows(ctx, g.Leader(), hideInvisible) {
				es = append(es, numbered{int64(nr), strconv.Itoa(int(nr)), linux.DT_DIR})
			}
		}
		if len(es) > 0 {
			return es
		}
	}
	return nil
}

// number is name as a process number or descriptor: without leading zeroes (name_to_int).
func number(name string) (int32, bool) {
	nr, err := strconv.ParseUint(name, 10, 31)
	return int32(nr), err == nil && (name[0] != '0' || name == "0")
}

// threads are the entries of /proc/PID/task.
type threads struct{}

func (threads) lookup(_ vfs.Ctx, d *dir, name string) (*vfs.Inode, linux.Errno) {
	nr, ok := number(name)
	if !ok {
		return nil, linux.ENOENT
	}
	o := d.fs.k.TaskIn(d.fs.ns, nr)
	if o == nil || o.Group() != d.task.Group() {
		return nil, linux.ENOENT
	}
	n := &dir{entries: threadEntries}
	n.start(d.fs, d.join(name), 0o555, o)
	return &n.Inode, 0
}

func (threads) list(vfs.Ctx, int64) []numbered { return nil }

// threadsOf are the threads of a process.
type threadsOf struct {
	threads
	f *FS
	t *kernel.Task
}

func (p threadsOf) list(_ vfs.Ctx, from int64) (es []numbered) {
	for _, o := range p.t.Group().Tasks() {
		if id := o.TIDIn(p.f.ns); id != 0 && int64(id) >= from {
			es = append(es, numbered{int64(id), strconv.Itoa(int(id)), linux.DT_DIR})
		}
	}
	sortNumbered(es)
	return es[:min(len(es), listed)]
}

// isOwn tells whether the caller is of t's process.
func isOwn(ctx vfs.Ctx, t *kernel.Task) bool {
	c, ok := ctx.(*kernel.Task)
	return ok && c.Group() == t.Group()
}

// taskSub is a directory whose lister is made of the task.
func taskSub(name string, perm uint32, more func(f *FS, t *kernel.Task) lister) entry {
	return entry{name, linux.DT_DIR, func(p *dir, path string) *vfs.Inode {
		d := &dir{more: more(p.fs, p.task)}
		d.start(p.fs, path, perm, p.task)
		return &d.Inode
	}}
}

// processEntries are what a process has, in Linux's order (tgid_base_stuff, fs/proc/base.c).
var processEntries, threadEntries []entry

func init() {
	processEntries = append([]entry{
		taskSub("task", 0o555, func(f *FS, t *kernel.Task) lister { return threadsOf{f: f, t: t} }),
		taskSub("map_files", 0o500, func(f *FS, t *kernel.Task) lister { return mapFiles{f, t} }),
	}, commonEntries()...)
	processEntries = append(processEntries,
		reg("mountstats", 0o400, &spec{hold: holdMounts, seq: mountstatLines}),
		reg("coredump_filter", 0o644, &spec{
			text: func(c *call) (string, linux.Errno) {
				if c.t.MM() == nil {
					return "", 0
				}
				return hex8(c.t.Group().CoreFilter()) + "\n", 0
			},
			write: writeCoreFilter,
		}),
		show("timers", 0o444, timers),
		reg("timerslack_ns", 0o666, &spec{text: timerSlack, write: writeTimerSlack}),
	)
	threadEntries = append(commonEntries(), show("children", 0o444, func(c *call) string {
		var b strings.Builder
		for _, nr := range c.fs.k.ChildrenOf(c.t, c.fs.ns) {
			b.WriteString(strconv.Itoa(int(nr)) + " ")
		}
		return b.String()
	}))
}

// commonEntries are what processes and threads have in common.
func commonEntries() []entry {
	es := []entry{
		taskSub("fd", 0o500, func(f *FS, t *kernel.Task) lister { return fds{f, t, false} }),
		taskSub("fdinfo", 0o555, func(f *FS, t *kernel.Task) lister { return fds{f, t, true} }),
		nsDir(),
		netDir(),
		reg("environ", 0o400, &spec{memory: memEmpty, raw: environ, seek: seekFile}),
		reg("auxv", 0o400, &spec{memory: memAuxv, text: auxv, seek: seekFile}),
		show("status", 0o444, status),
		reg("personality", 0o400, &spec{text: debugger(func(c *call) string { return hex8(c.t.Personality()) + "\n" })}),
		show("limits", 0o444, limits),
		show("sched", 0o644, sched),
		reg("comm", 0o644, &spec{
			text:  func(c *call) (string, linux.Errno) { return c.t.Comm() + "\n", 0 },
			write: writeComm,
		}),
		reg("syscall", 0o400, &spec{text: debugger(syscall)}),
		reg("cmdline", 0o444, &spec{raw: cmdline, seek: seekFile}),
		show("stat", 0o444, taskStat),
		show("statm", 0o444, statm),
		reg("maps", 0o444, &spec{memory: memMaps, seq: maps(false)}),
		reg("mem", 0o600, &spec{memory: memEmpty, raw: readMem, rawWrite: writeMem, seek: seekAny}),
		magicTo("cwd", func(t *kernel.Task) (vfs.Path, linux.Errno) {
			return pathOf(t, (*vfs.FS).Cwd)
		}),
		magicTo("root", func(t *kernel.Task) (vfs.Path, linux.Errno) {
			return pathOf(t, (*vfs.FS).Root)
		}),
		magicTo("exe", func(t *kernel.Task) (vfs.Path, linux.Errno) {
			e := t.Exe()
			if e == nil || !e.TryGet() {
				return vfs.Path{}, linux.ENOENT
			}
			defer e.Put()
			e.Path.Get()
			return e.Path, 0
		}),
		reg("mounts", 0o444, &spec{hold: holdMounts, seq: mounts}),
		reg("mountinfo", 0o444, &spec{hold: holdMounts, seq: mountinfo}),
		reg("clear_refs", 0o200, &spec{write: clearRefs}),
		reg("smaps", 0o444, &spec{memory: memMaps, seq: maps(true)}),
		reg("smaps_rollup", 0o444, &spec{memory: memRollup, text: rollup}),
		reg("pagemap", 0o400, &spec{memory: memEmpty, raw: pagemap}),
		show("wchan", 0o444, func(*call) string { return "0" }),
		reg("stack", 0o400, &spec{text: func(c *call) (string, linux.Errno) {
			if !c.file.Cred.HasIn(c.fs.k.UserNS, linux.CAP_SYS_ADMIN) {
				return "", linux.EACCES
			}
			return "", 0 // there is no kernel stack to show
		}}),
		show("schedstat", 0o444, func(c *call) string {
			u, s := c.t.CPU()
			v, i := c.t.Switches()
			return fmt.Sprintf("%d 0 %d\n", u+s, v+i)
		}),
		show("cpuset", 0o444, func(*call) string { return "/\n" }),
		show("cgroup", 0o444, cgroup),
	}
	return append(es, controlEntries()...)
}

// controlEntries are the files of a task that are there to be written, and what goes with them.
func controlEntries() []entry {
	return []entry{
		show("oom_score", 0o444, oomScore),
		reg("oom_adj", 0o644, &spec{seek: seekFile, text: func(c *call) (string, linux.Errno) {
			adj := c.t.Group().OOMScore() * 17 / 1000
			if c.t.Group().OOMScore() == 1000 {
				adj = 15
			}
			return strconv.Itoa(int(adj)) + "\n", 0
		}, write: func(c *call, s string, _ int64) linux.Errno {
			v, err := strconv.ParseInt(word(s), 0, 32)
			if err != nil || v < -17 || v > 15 {
				return linux.EINVAL
			}
			if v == 15 {
				return setOOM(c, 1000)
			}
			return setOOM(c, int32(v*1000/17))
		}}),
		reg("oom_score_adj", 0o644, &spec{seek: seekFile, text: func(c *call) (string, linux.Errno) {
			return strconv.Itoa(int(c.t.Group().OOMScore())) + "\n", 0
		}, write: func(c *call, s string, _ int64) linux.Errno {
			v, err := strconv.ParseInt(word(s), 0, 32)
			if err != nil || v < -1000 || v > 1000 {
				return linux.EINVAL
			}
			return setOOM(c, int32(v))
		}}),
		reg("loginuid", 0o644, &spec{text: loginUID, write: writeLoginUID}),
		show("sessionid", 0o444, func(c *call) string {
			if _, id, ok := c.t.LoginUID(); ok {
				return strconv.FormatUint(uint64(id), 10)
			}
			return "4294967295"
		}),
		reg("io", 0o400, &spec{text: func(c *call) (string, linux.Errno) {
			if !mayLook(c.Ctx, c.t) {
				return "", linux.EACCES
			}
			return ioText(c), 0
		}}),
		idMap("uid_map", true),
		idMap("gid_map", false),
		reg("setgroups", 0o644, &spec{hold: holdUserNS, text: setgroups, write: writeSetgroups}),
	}
}

// pathOf is the root or the working directory of a task that may be about to exit: ENOENT.
func pathOf(t *kernel.Task, which func(*vfs.FS) vfs.Path) (vfs.Path, linux.Errno) {
	if fs := t.FS(); fs != nil {
		if p := which(fs); !p.IsZero() {
			return p, 0
		}
	}
	return vfs.Path{}, linux.ENOENT
}

// debugger is the text of a file whose reading takes the rights of a debugger (lock_trace).
func debugger(text func(c *call) string) func(c *call) (string, linux.Errno) {
	return func(c *call) (string, linux.Errno) {
		if !mayLook(c.Ctx, c.t) {
			return "", linux.EPERM
		}
		return text(c), 0
	}
}

// writeComm names a thread, which only its own process may.
func writeComm(c *call, s string, _ int64) linux.Errno {
	if !isOwn(c.Ctx, c.t) {
		return linux.EINVAL
	}
	s = s[:min(len(s), 15)]
	s, _, _ = strings.Cut(s, "\x00")
	c.t.SetComm(strings.TrimSuffix(s, "\n"))
	return 0
}

// setOOM is __set_oom_adj.
func setOOM(c *call, v int32) linux.Errno {
	g := c.t.Group()
	if c.Cred().HasIn(c.fs.k.UserNS, linux.CAP_SYS_RESOURCE) {
		g.SetOOMFloor(v)
	} else if v < g.OOMFloor() {
		return linux.EACCES
	}
	g.SetOOMScore(v)
	return 0
}

// oomScore is how much of the memory the process has, in thousandths, and its adjustment
// (oom_badness).
func oomScore(c *call) string {
	m := c.t.GetMM()
	if m == nil {
		return "0\n"
	}
	defer m.Put()
	s, total := m.Stats(), max(c.fs.k.TotalRAM, 1)
	points := int64((s.Rss()+s.PageTables)*1000/total) + int64(c.t.Group().OOMScore())
	return strconv.FormatInt(max(0, 1000+points)*2/3, 10) + "\n"
}

func writeCoreFilter(c *call, s string, _ int64) linux.Errno {
	v, err := strconv.ParseUint(word(s), 0, 32)
	if err != nil {
		return linux.EINVAL
	}
	c.t.Group().SetCoreFilter(uint32(v))
	return 0
}

// mayPace tells whether the caller may see and change t's timer slack.
func mayPace(c *call) bool {
	return c.reader() == c.t || c.Cred().HasIn(c.t.Cred().NS, linux.CAP_SYS_NICE)
}

func timerSlack(c *call) (string, linux.Errno) {
	if !mayPace(c) {
		return "", linux.EPERM
	}
	return strconv.FormatInt(c.t.TimerSlack(), 10) + "\n", 0
}

func writeTimerSlack(c *call, s string, _ int64) linux.Errno {
	v, err := strconv.ParseUint(word(s), 10, 63)
	if err != nil {
		return linux.EINVAL
	}
	if !mayPace(c) {
		return linux.EPERM
	}
	if v == 0 {
		v = uint64(50 * linux.Microsecond)
	}
	c.t.SetTimerSlack(int64(v))
	return 0
}

func loginUID(c *call) (string, linux.Errno) {
	if uid, _, ok := c.t.LoginUID(); ok {
		return strconv.FormatUint(uint64(c.uid(uid)), 10), 0
	}
	return "4294967295", 0
}

func writeLoginUID(c *call, s string, off int64) linux.Errno {
	if c.reader() != c.t {
		return linux.EPERM
	}
	v, err := strconv.ParseUint(word(s), 10, 32)
	if off != 0 || err != nil {
		return linux.EINVAL
	}
	if uint32(v) == ^uint32(0) {
		return c.t.SetLoginUID(0, false)
	}
	uid, ok := c.ids().ToKernelUID(uint32(v))
	if !ok {
		return linux.EINVAL
	}
	return c.t.SetLoginUID(uid, true)
}

// clearRefs lets the peak of the resident set begin anew; the reference bits are not kept.
func clearRefs(c *call, s string, _ int64) linux.Errno {
	v, err := strconv.ParseInt(word(s), 10, 32)
	if err != nil || v < 1 || v > 5 {
		return linux.EINVAL
	}
	if v == 5 {
		if m := c.t.GetMM(); m != nil {
			m.ResetPeak()
			m.Put()
		}
	}
	return 0
}

// timers lists the timers of timer_create(2) (show_timer).
func timers(c *call) string {
	var b strings.Builder
	notify := map[int32]string{linux.SIGEV_SIGNAL: "signal", linux.SIGEV_NONE: "none", linux.SIGEV_THREAD: "thread"}
	for _, tm := range c.t.Group().PosixTimers() {
		kind, nr := "pid", c.t.Group().PIDIn(c.fs.ns)
		if tm.Thread != nil {
			kind, nr = "tid", tm.Thread.TIDIn(c.fs.ns)
		}
		fmt.Fprintf(&b, "ID: %d\nsignal: %d/%016x\nnotify: %s/%s.%d\nClockID: %d\n", tm.ID, tm.Signo, tm.Value, notify[tm.Notify&^linux.SIGEV_THREAD_ID], kind, nr, tm.Clock)
	}
	return b.String()
}

// syscall says in which call a thread sleeps (proc_pid_syscall).
func syscall(c *call) string {
	nr, a, sp, pc, ok := c.t.InCall()
	switch {
	case !ok:
		return "running\n"
	case nr < 0:
		return fmt.Sprintf("%d 0x%x 0x%x\n", nr, sp, pc)
	}
	return fmt.Sprintf("%d 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x\n", nr, a[0], a[1], a[2], a[3], a[4], a[5], sp, pc)
}

// sched shows what there is of the scheduler's account (proc_sched_show_task).
func sched(c *call) string {
	t := c.t
	u, s := t.CPU()
	v, i := t.Switches()
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%d, #threads: %d)\n", t.Comm(), t.TIDIn(c.fs.ns), max(t.Group().Threads(), 1))
	b.WriteString("-------------------------------------------------------------------\n")
	ms := func(name string, ns int64) { fmt.Fprintf(&b, "%-45s:%14d.%06d\n", name, ns/1e6, ns%1e6) }
	nr := func(name string, n int64) { fmt.Fprintf(&b, "%-45s:%21d\n", name, n) }
	ms("se.exec_start", t.StartBoot())
	ms("se.vruntime", u+s)
	ms("se.sum_exec_runtime", u+s)
	nr("nr_switches", v+i)
	nr("nr_voluntary_switches", v)
	nr("nr_involuntary_switches", i)
	nr("policy", int64(t.Sched().Policy))
	nr("prio", int64(priority(t))+100)
	return b.String()
}
