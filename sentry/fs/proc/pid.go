package proc

import (
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// A process's directory shows its leader; a thread's under task shows the thread.

// of is an entry of a task's file that everybody may read.
func (f *FS) of(t *kernel.Task, name string, text func(t *kernel.Task) string) entry {
	return f.ofCtl(t, name, 0o444, false, func(vfs.Ctx) (string, linux.Errno) { return text(t), 0 }, nil)
}

// private is an entry of a task's file that takes the rights of a debugger.
func (f *FS) private(t *kernel.Task, name string, perm uint32, text func(t *kernel.Task) string) entry {
	return f.ofCtl(t, name, perm, true, func(vfs.Ctx) (string, linux.Errno) { return text(t), 0 }, nil)
}

func (f *FS) ofCtl(t *kernel.Task, name string, perm uint32, secret bool, text func(vfs.Ctx) (string, linux.Errno), write func(vfs.Ctx, string) linux.Errno) entry {
	return entry{name, linux.DT_REG, func(path string) *vfs.Inode {
		i := &file{text: text, write: write, secret: secret}
		i.init(i, f, path, linux.S_IFREG|perm, t)
		return &i.Inode
	}}
}

func (f *FS) subOf(t *kernel.Task, name string, perm uint32, more lister, entries ...entry) entry {
	return entry{name, linux.DT_DIR, func(path string) *vfs.Inode {
		d := f.taskDir(path, perm, t, entries)
		d.more = more
		return &d.Inode
	}}
}

// processDir is /proc/PID.
func (f *FS) processDir(path string, t *kernel.Task) *dir {
	es := f.taskEntries(t)
	es = append(es,
		f.subOf(t, "task", 0o555, threads{f, t}),
		f.of(t, "coredump_filter", func(*kernel.Task) string { return "00000033\n" }),
		f.ofCtl(t, "timerslack_ns", 0o666, false, func(vfs.Ctx) (string, linux.Errno) {
			return strconv.FormatInt(t.TimerSlack(), 10) + "\n", 0
		}, nil),
	)
	return f.taskDir(path, 0o555, t, es)
}

// threads are the entries of /proc/PID/task.
type threads struct {
	f *FS
	t *kernel.Task
}

func (p threads) lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	nr, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return nil, linux.ENOENT
	}
	o := p.f.k.TaskIn(p.f.ns, int32(nr))
	if o == nil || o.Group() != p.t.Group() {
		return nil, linux.ENOENT
	}
	path := "/" + strconv.Itoa(int(p.t.TIDIn(p.f.ns))) + "/task/" + name
	es := p.f.taskEntries(o)
	es = append(es, p.f.of(o, "children", p.f.children))
	return &p.f.taskDir(path, 0o555, o, es).Inode, 0
}

func (p threads) list(vfs.Ctx) (es []entry) {
	for _, o := range p.t.Group().Tasks() {
		if id := o.TIDIn(p.f.ns); id != 0 {
			es = append(es, entry{name: strconv.Itoa(int(id)), typ: linux.DT_DIR})
		}
	}
	return es
}

// taskEntries are what processes and threads have in common.
func (f *FS) taskEntries(t *kernel.Task) []entry {
	return []entry{
		f.private(t, "auxv", 0o400, auxv),
		f.of(t, "cgroup", func(*kernel.Task) string { return "0::/\n" }),
		f.of(t, "cmdline", cmdline),
		f.ofCtl(t, "comm", 0o644, false, func(vfs.Ctx) (string, linux.Errno) { return t.Comm() + "\n", 0 }, func(ctx vfs.Ctx, s string) linux.Errno {
			if c, ok := ctx.(*kernel.Task); !ok || c.Group() != t.Group() {
				return linux.EINVAL
			}
			t.SetComm(trimLine(s))
			return 0
		}),
		f.magic(t, "cwd", func() (vfs.Path, linux.Errno) {
			if fs := t.FS(); fs != nil {
				return fs.Cwd(), 0
			}
			return vfs.Path{}, linux.ENOENT
		}),
		f.private(t, "environ", 0o400, environ),
		f.magic(t, "exe", func() (vfs.Path, linux.Errno) {
			e := t.Exe()
			if e == nil || !e.TryGet() {
				return vfs.Path{}, linux.ENOENT
			}
			defer e.Put()
			e.Path.Get()
			return e.Path, 0
		}),
		f.subOf(t, "fd", 0o500, fds{f, t, false}),
		f.subOf(t, "fdinfo", 0o555, fds{f, t, true}),
		f.private(t, "io", 0o400, ioText),
		f.of(t, "limits", limits),
		f.ofCtl(t, "loginuid", 0o644, false, func(vfs.Ctx) (string, linux.Errno) { return "4294967295", 0 }, nil),
		f.idMap(t, "uid_map", true),
		f.idMap(t, "gid_map", false),
		f.setgroups(t),
		f.private(t, "maps", 0o444, func(t *kernel.Task) string { return f.maps(t, false) }),
		f.private(t, "smaps", 0o444, func(t *kernel.Task) string { return f.maps(t, true) }),
		f.private(t, "smaps_rollup", 0o444, f.rollup),
		f.mem(t),
		f.of(t, "mountinfo", f.mountinfo),
		f.of(t, "mounts", f.mounts),
		f.of(t, "mountstats", func(*kernel.Task) string { return "" }),
		f.netDir(t),
		f.nsDir(t),
		f.of(t, "numa_maps", func(*kernel.Task) string { return "" }),
		f.of(t, "oom_score", func(*kernel.Task) string { return "0\n" }),
		f.ofCtl(t, "oom_score_adj", 0o644, false, func(vfs.Ctx) (string, linux.Errno) {
			return strconv.Itoa(int(t.Group().OOMScore())) + "\n", 0
		}, func(ctx vfs.Ctx, s string) linux.Errno { return setOOM(ctx, t, s) }),
		f.ofCtl(t, "oom_adj", 0o644, false, func(vfs.Ctx) (string, linux.Errno) {
			return strconv.Itoa(int(t.Group().OOMScore()*17/1000)) + "\n", 0
		}, nil),
		f.private(t, "personality", 0o400, func(t *kernel.Task) string { return hex8(t.Personality()) + "\n" }),
		f.magic(t, "root", func() (vfs.Path, linux.Errno) {
			if fs := t.FS(); fs != nil {
				return fs.Root(), 0
			}
			return vfs.Path{}, linux.ENOENT
		}),
		f.of(t, "sched", func(t *kernel.Task) string {
			return t.Comm() + " (" + strconv.Itoa(int(t.TIDIn(f.ns))) + ", #threads: 1)\n"
		}),
		f.of(t, "schedstat", func(t *kernel.Task) string {
			u, s := t.CPU()
			return strconv.FormatInt(u+s, 10) + " 0 0\n"
		}),
		f.private(t, "stack", 0o400, func(*kernel.Task) string { return "" }),
		f.of(t, "stat", f.taskStat),
		f.of(t, "statm", statm),
		f.of(t, "status", f.status),
		f.private(t, "syscall", 0o400, func(*kernel.Task) string { return "running\n" }),
		f.of(t, "wchan", func(*kernel.Task) string { return "0" }),
		f.of(t, "sessionid", func(*kernel.Task) string { return "4294967295" }),
		f.ofCtl(t, "clear_refs", 0o200, false, nil, func(_ vfs.Ctx, s string) linux.Errno {
			if trimLine(s) == "5" {
				if m := t.GetMM(); m != nil {
					m.ResetPeak()
					m.Put()
				}
			}
			return 0
		}),
	}
}

// magic is a link that leads straight to what path returns.
func (f *FS) magic(t *kernel.Task, name string, path func() (vfs.Path, linux.Errno)) entry {
	return entry{name, linux.DT_LNK, func(at string) *vfs.Inode {
		l := &magicLink{path: path}
		l.init(l, f, at, linux.S_IFLNK|0o777, t)
		return &l.Inode
	}}
}

// magicLink is such a link.
type magicLink struct {
	node
	path func() (vfs.Path, linux.Errno)
}

// Open is not possible: vfs follows links.
func (*magicLink) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ELOOP }

// Follow is vfs.MagicLinker's.
func (l *magicLink) Follow(ctx vfs.Ctx) (vfs.Path, linux.Errno) {
	if !mayLook(ctx, l.task) {
		return vfs.Path{}, linux.EACCES
	}
	return l.path()
}

// Readlink is vfs.Symlinker's: the path as the caller's root sees it.
func (l *magicLink) Readlink(ctx vfs.Ctx) (string, linux.Errno) {
	p, errno := l.Follow(ctx)
	if errno != 0 {
		return "", errno
	}
	defer p.Put()
	return pathName(ctx, p), 0
}

// pathName is d_path for the caller.
func pathName(ctx vfs.Ctx, p vfs.Path) string {
	root := vfs.Path{}
	if c, ok := ctx.(*kernel.Task); ok {
		root = c.FS().Root()
		defer root.Put()
	}
	name, _, deleted := p.Name(root)
	if deleted {
		name += " (deleted)"
	}
	return name
}

// mem is /proc/PID/mem: memory as a debugger reaches it.
func (f *FS) mem(t *kernel.Task) entry {
	return entry{"mem", linux.DT_REG, func(path string) *vfs.Inode {
		i := new(memFile)
		i.init(i, f, path, linux.S_IFREG|0o600, t)
		return &i.Inode
	}}
}

type memFile struct{ node }

// Open is vfs.InodeOps's.
func (i *memFile) Open(ctx vfs.Ctx, _ *vfs.File) (vfs.FileOps, linux.Errno) {
	c, ok := ctx.(*kernel.Task)
	if !ok || !c.MayAccess(i.task, false) {
		return nil, linux.EACCES
	}
	m := i.task.GetMM()
	if m == nil {
		return nil, linux.ESRCH
	}
	return &memOpen{m}, 0
}

type memOpen struct{ m *mm.MM }

// move copies between the file's memory and a buffer, page by page.
func (o *memOpen) move(b *usermem.Buf, off int64, in bool) (int, linux.Errno) {
	s := o.m.ForceSpace()
	total := 0
	var page [usermem.PageSize]byte
	for b.Len() > 0 {
		p := page[:min(b.Len(), len(page)-int((off+int64(total))&usermem.PageMask))]
		var n int
		var errno linux.Errno
		if in {
			if n, errno = b.CopyIn(p); n > 0 {
				n, errno = s.CopyOut(usermem.Addr(off)+usermem.Addr(total), p[:n])
			}
		} else if n, errno = s.CopyIn(usermem.Addr(off)+usermem.Addr(total), p); n > 0 {
			n, errno = b.CopyOut(p[:n])
		}
		total += n
		if errno != 0 {
			if total == 0 {
				return 0, linux.EIO
			}
			break
		}
	}
	return total, 0
}

// Read is vfs.FileOps's.
func (o *memOpen) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	if o.m.Users() == 1 {
		return 0, 0 // the process is gone
	}
	return o.move(dst, off, false)
}

// Write is vfs.FileOps's.
func (o *memOpen) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, off int64) (int, linux.Errno) {
	if o.m.Users() == 1 {
		return 0, 0
	}
	return o.move(src, off, true)
}

// Seek is vfs.Seeker's: any position is one.
func (o *memOpen) Seek(_ vfs.Ctx, f *vfs.File, off int64, whence int) (int64, linux.Errno) {
	switch whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		off += f.PosLocked()
	default:
		return 0, linux.EINVAL
	}
	return off, 0
}

// Release is vfs.FileOps's.
func (o *memOpen) Release(*vfs.File) { o.m.Put() }
