package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Process describes a process that the runtime starts: a container's first, or one of exec.
type Process struct {
	NS      *Namespaces // its references are the process's
	FS      *vfs.FS     // likewise
	Files   *FDTable    // likewise
	Cred    *auth.Cred
	Limits  map[int]linux.Rlimit // over Linux's defaults
	Path    string               // absolute, or to be looked up
	Argv    []string
	Envv    []string
	Seccomp bpf.Program // nil: none
	TTY     vfs.TTY     // controlling terminal, or nil
	// OOMScore is oom_score_adj.
	OOMScore int32
	Exit     func(status uint32) // called once when it ends; it must not block
}

// Spawned is a process that is made and not yet running.
type Spawned struct{ t *Task }

// Group is the process.
func (s Spawned) Group() *Group { return s.t.group }

// Run lets it run.
func (s Spawned) Run() { go s.t.loop() }

// Abandon drops a process that never ran.
func (s Spawned) Abandon() {
	s.t.run.status = linux.SIGKILL
	s.t.run.dying.Store(true)
	go s.t.loop()
}

// newWaiter returns a waiter for a task.
func (k *Kernel) newWaiter() *wait.Waiter {
	if _, ok := k.Platform.(platform.ThreadBound); ok {
		return wait.NewThreadWaiter()
	}
	return wait.NewWaiter()
}

// blankTask returns a task that is nobody's yet.
func (k *Kernel) blankTask() *Task {
	t := &Task{k: k, waiter: k.newWaiter(), ctx: k.Platform.NewContext(), startBoot: k.Clock.Boottime()}
	if c, ok := t.ctx.(platform.Completer); ok {
		c.AllowPartial() // Regs completes them
	}
	if c, ok := t.ctx.(platform.Rester); ok {
		t.waiter.BeforeSleep(c.Rest)
	}
	if c, ok := t.ctx.(platform.Announcer); ok {
		c.OnEnter(t.entered)
		t.run.announced = true
	}
	return t
}

// Spawn makes a process in a new session. It is the init of its PID namespace if that has none.
// On an error of loading the program nothing is left.
func (k *Kernel) Spawn(p *Process) (Spawned, linux.Errno) {
	t := k.blankTask()
	t.cred.Store(p.Cred)
	t.fs.Store(p.FS)
	t.files.Store(p.Files)
	t.ns.Store(p.NS)
	t.timerSlack.Store(50 * linux.Microsecond)
	t.SetComm("init")
	m, errno := mm.New(k.MM, k.Pool, k.Platform)
	if errno != 0 {
		t.discardSpawn()
		return Spawned{}, errno
	}
	t.setMM(m)
	k.tasks.Lock()
	if t.pid, errno = k.allocPID(p.NS.PIDChildren, nil); errno != 0 {
		k.tasks.Unlock()
		t.discardSpawn()
		return Spawned{}, errno
	}
	g := k.makeGroup(t)
	limits := defaultLimits(k.TotalRAM)
	for r, l := range p.Limits {
		limits[r] = l
	}
	g.limits.now.Store(&limits)
	g.oomScore = p.OOMScore
	g.sighand = newSighand()
	g.onExit = p.Exit
	ns := t.pid.ns()
	if ns.init == nil {
		ns.init = g
	}
	t.pid.task = t
	k.newSession(g)
	k.nrTasks.Add(1)
	k.forks.Add(1)
	k.live.Add(1)
	k.tasks.Unlock()
	fpu := t.fpuBuffer()[:arch.FPUSize]
	arch.InitialFPU(fpu)
	t.ctx.SetFPU(fpu)
	if errno := t.execFirst(p); errno != 0 {
		g.onExit = nil
		if ns.init == g {
			k.tasks.Lock()
			ns.init = nil
			k.tasks.Unlock()
		}
		Spawned{t}.Abandon()
		return Spawned{}, errno
	}
	if p.TTY != nil {
		t.SetTTY(p.TTY, true)
	}
	if p.Seccomp != nil {
		f := &seccompFilter{prog: p.Seccomp, depth: 1, insns: len(p.Seccomp) + 4}
		f.precompute()
		t.setFilter(f)
	}
	return Spawned{t}, 0
}

// execFirst loads the program.
func (t *Task) execFirst(p *Process) linux.Errno {
	at := t.FS().At()
	defer at.Put()
	f, errno := vfs.OpenExec(t, at, p.Path, vfs.Follow)
	if errno != 0 {
		return errno
	}
	// The bundle names the capabilities; exec's own rules only apply to setuid programs.
	errno = t.Exec(ExecArgs{File: f, Name: p.Path, Argv: p.Argv, Envv: p.Envv})
	if errno != NoReturn {
		return errno
	}
	t.group.execed = false
	return 0
}

func (t *Task) discardSpawn() {
	if m := t.mem.Load(); m != nil {
		m.Put()
	}
	t.files.Load().put(t)
	t.fs.Load().Put()
	t.ns.Load().drop()
	t.ctx.Release()
}

// Wait returns when every task is gone.
func (k *Kernel) Wait() { k.live.Wait() }

// NewContainer returns namespaces for another container: its own PID, IPC and UTS namespaces as
// asked, the sandbox's network.
func (k *Kernel) NewContainer(hostname string) *Namespaces {
	n := k.newNamespaces()
	n.Net = k.InitNS.Net
	n.PIDChildren, _ = k.newPIDNS(k.InitNS.PIDChildren, k.UserNS)
	n.UTS.SetHostname(hostname)
	return &n
}
