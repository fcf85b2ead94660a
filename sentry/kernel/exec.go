package kernel

import (
	"path"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/loader"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// execFile is an open program as the loader reads it.
type execFile struct {
	t      *Task
	f      *vfs.File
	mapErr *linux.Errno // where MapArgs leaves its error
}

// ReadAt is loader.Reader's.
func (e execFile) ReadAt(b []byte, off int64) (int, linux.Errno) {
	total := 0
	for total < len(b) {
		buf := usermem.Bytes(b[total:])
		n, errno := e.f.ReadAt(e.t, &buf, off+int64(total), false)
		if errno != 0 {
			return total, errno
		}
		if n == 0 {
			break
		}
		total += n
	}
	return total, 0
}

// MapArgs is loader.File's.
func (e execFile) MapArgs(a *mm.MapArgs) {
	a.File, a.Readable = e.f, true
	if errno := e.f.Mmap(e.t, a); errno != 0 {
		*e.mapErr = errno
	}
}

// ExecArgs is a program to run.
type ExecArgs struct {
	File *vfs.File // from vfs.OpenExec; Exec takes the reference over
	Name string    // as the program sees it: the path given, or /dev/fd/N/…
	Argv []string
	Envv []string
	// ByFD: it was named by a close-on-exec descriptor, so that no interpreter could open it.
	ByFD bool
}

// Exec is execve(2): the caller becomes the program (fs/exec.c). On success the registers are
// the new program's and errno is NoReturn.
func (t *Task) Exec(a ExecArgs) linux.Errno {
	x := exec{t: t, args: a}
	defer x.close()
	if errno := x.load(); errno != 0 {
		return errno
	}
	former := t.TIDIn(t.tracerNS())
	// From here on there is no way back: a failure kills.
	if !t.becomeSole() {
		x.mm.Put()
		return linux.EINTR // it is dying
	}
	x.commit()
	t.ptraceExec(former)
	return NoReturn
}

// exec is an Exec under way.
type exec struct {
	t      *Task
	args   ExecArgs
	files  []*vfs.File // opened on the way, closed at the end
	exe    loader.Executable[execFile]
	cred   *auth.Cred
	secure bool
	mm     *mm.MM
	start  loader.Start
	mapErr linux.Errno
	unread bool // the program's file cannot be read by the caller
}

func (x *exec) close() {
	for _, f := range x.files {
		f.Put()
	}
}

func (x *exec) keep(f *vfs.File) execFile {
	x.files = append(x.files, f)
	return execFile{x.t, f, &x.mapErr}
}

// open opens an interpreter.
func (x *exec) open(name string) (execFile, linux.Errno) {
	at := x.t.FS().At()
	defer at.Put()
	f, errno := vfs.OpenExec(x.t, at, name, vfs.Follow)
	if errno != 0 {
		return execFile{}, errno
	}
	return x.keep(f), 0
}

// load resolves scripts, computes credentials and builds the new address space.
func (x *exec) load() linux.Errno {
	t := x.t
	first := x.keep(x.args.File)
	script := func(name string) (execFile, linux.Errno) {
		if x.args.ByFD {
			return execFile{}, linux.ENOENT
		}
		return x.open(name)
	}
	var errno linux.Errno
	if x.exe, errno = loader.Resolve(first, x.args.Name, x.args.Argv, script, func(execFile) {}); errno != 0 {
		return errno
	}
	x.unread = x.exe.File.f.Inode.Permission(t, vfs.MayRead) != 0
	if x.cred, x.secure, errno = t.execCred(x.exe.File.f); errno != 0 {
		return errno
	}
	m, errno := mm.New(t.k.MM, t.k.Pool, t.k.Platform)
	if errno != 0 {
		return errno
	}
	m.SetLimits(t.group.mmLimits(x.cred))
	c := x.cred
	ns := c.NS
	x.start, errno = loader.Load(m, loader.Program[execFile]{
		Exe: x.exe, Envv: x.args.Envv, Open: x.open, Put: func(execFile) {},
		UID: ns.FromKernelUID(c.Ruid), EUID: ns.FromKernelUID(c.Euid), GID: ns.FromKernelGID(c.Rgid), EGID: ns.FromKernelGID(c.Egid),
		Secure:          x.secure,
		NoRandomize:     t.Personality()&personalityNoRandomize != 0 || t.k.sysctl.RandomizeVA.Load() == 0,
		ReadImpliesExec: t.Personality()&personalityReadImpliesExec != 0,
		Random:          t.k.Random, Machine: t.k.Machine, VDSO: t.k.VDSO,
	})
	if errno == 0 && x.mapErr != 0 {
		errno, x.start.Fatal = x.mapErr, true
	}
	if errno != 0 {
		m.Put()
		if x.start.Fatal {
			t.forceFatal(linux.SIGSEGV)
		}
		return errno
	}
	x.mm = m
	return 0
}

// Bits of personality(2) that matter here.
const (
	personalityNoRandomize     = 0x0040000
	personalityReadImpliesExec = 0x0400000
	personalityClearOnSetid    = personalityNoRandomize | personalityReadImpliesExec | 0x0100000 | 0x0200000
)

// becomeSole ends all other threads of the process and makes the caller its leader
// (de_thread). False: the process is dying.
func (t *Task) becomeSole() bool {
	g := t.group
	g.mu.Lock()
	if g.exiting || t.killed.Load() {
		g.mu.Unlock()
		return false
	}
	if g.live > 1 {
		g.exiting, g.execTask = true, t
		for _, o := range g.threads() {
			if o != t {
				o.killed.Store(true)
				o.kick()
			}
		}
	}
	g.mu.Unlock()
	sole := func() (int, linux.Errno) {
		t.k.tasks.RLock()
		defer t.k.tasks.RUnlock()
		for _, o := range g.tasks {
			if o != t && !o.zombie {
				return 0, linux.EAGAIN
			}
		}
		return 0, 0
	}
	t.k.frozen.aside(t, func() { wait.Until(&g.childQueue, wait.Internal, wait.NewWaiter(), wait.Forever, sole) })
	g.mu.Lock()
	lost := g.exiting && g.execTask != t
	if !lost {
		g.exiting, g.execTask = false, nil
	}
	g.mu.Unlock()
	if lost {
		return false
	}
	t.takeLeadership()
	t.run.answers = false // it has another id
	return true
}

// takeLeadership gives the caller the process's id once it is the only thread left.
func (t *Task) takeLeadership() {
	k, g := t.k, t.group
	k.tasks.Lock()
	defer k.tasks.Unlock()
	old := g.leader
	if old == t {
		return
	}
	// The old leader is a zombie that only waited for us.
	own := t.pid
	if tr := old.tracer; tr != nil {
		tr.traced = remove(tr.traced, old)
		old.tracer = nil
	}
	t.pid = old.pid
	t.pid.task = t
	own.task = nil
	own.put()
	for _, c := range g.children {
		if c.forker == old {
			c.forker = t
		}
	}
	g.mu.Lock()
	g.leader = t
	g.tasks = remove(slices.Clone(g.tasks), old)
	g.mu.Unlock()
}

// commit makes the caller the new program (begin_new_exec, setup_new_exec).
func (x *exec) commit() {
	t, g := x.t, x.t.group
	t.exitFutexes()
	t.pi.gone.Store(false)
	t.clearTID = 0
	t.robustList.Store(0)
	g.shm.clear()
	old := t.MM()
	peak := old.Stats().PeakRss
	t.setMM(x.mm)
	t.finishVfork()
	old.Put()
	f := x.exe.File.f
	f.Get()
	if e := t.exe.Swap(f); e != nil {
		e.Put()
	}
	t.SetComm(path.Base(x.args.Name))
	if t.Files().Shared() {
		t.unshareFiles()
	}
	t.Files().closeOnExec(t)
	g.mu.Lock()
	g.maxRSS = max(g.maxRSS, peak)
	if g.sighand.users.Load() > 1 {
		n := g.sighand.clone()
		g.sighand.users.Add(-1)
		g.sighand = n
	}
	g.sighand.resetHandlers(false)
	g.dumpable = 1
	if x.unread || undumpable(t.Cred(), x.cred) {
		g.dumpable = 0
	}
	g.mu.Unlock()
	t.run.altstack = linux.Sigaltstack{}
	if x.secure {
		t.pdeathSignal.Store(0)
		t.SetPersonality(t.Personality() &^ personalityClearOnSetid)
		g.limits.capStack()
	}
	t.SetCred(x.cred)
	t.keepCaps.Store(false)
	g.execTimers()
	t.k.tasks.Lock()
	g.execed = true
	if g.exitSignal != 0 {
		g.exitSignal = linux.SIGCHLD
	}
	t.k.tasks.Unlock()
	*t.Regs() = arch.Registers{Rip: uint64(x.start.Entry), Rsp: uint64(x.start.SP), OrigRax: ^uint64(0)}
	t.Regs().Sanitize()
	fpu := t.fpuBuffer()[:arch.FPUSize]
	arch.InitialFPU(fpu)
	t.ctx.SetFPU(fpu)
	t.flushDebug()
	t.run.restart, t.run.dispatch = nil, userDispatch{}
	g.barriers.Store(0)
}
