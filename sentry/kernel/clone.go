package kernel

import (
	"sync/atomic"

	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Clone is clone(2), clone3(2), fork(2) and vfork(2): a new thread or process that is a copy of t
// (copy_process, kernel/fork.c). setTID are the numbers asked for by clone3. It returns the new
// number as t sees it.
func (t *Task) Clone(a linux.CloneArgs, setTID []int32) (int32, linux.Errno) {
	if errno := t.checkClone(&a, setTID); errno != 0 {
		return 0, errno
	}
	var b birth
	if errno := t.beginBirth(&b); errno != 0 {
		return 0, errno
	}
	n, errno := t.newTask(&a)
	var pidfd int32
	if errno == 0 {
		if errno = t.publish(n, &a, setTID, &pidfd, &b); errno != 0 {
			n.discard(t)
		}
	}
	t.endBirth(&b)
	if errno != 0 {
		return 0, errno
	}
	s := t.Space()
	tid := n.TIDIn(t.PIDNS())
	if a.Flags&linux.CLONE_PARENT_SETTID != 0 {
		usermem.CopyOutInt(s, usermem.Addr(a.ParentTID), tid)
	}
	if a.Flags&linux.CLONE_CHILD_SETTID != 0 {
		usermem.CopyOutInt(n.Space(), usermem.Addr(a.ChildTID), n.TID())
	}
	var v *vfork
	if a.Flags&linux.CLONE_VFORK != 0 {
		v = &vfork{parent: t}
		n.vfork.Store(v)
	}
	event := cloneEvent(&a)
	t.ptraceClone(n, &a, event)
	seen := uint64(n.TIDIn(t.tracerNS()))
	if s, ok := t.ctx.(platform.Spawner); ok && a.Flags&linux.CLONE_VM != 0 {
		s.Spawn()
	}
	go n.loop()
	t.ptraceEvent(event, seen)
	if v != nil {
		t.k.frozen.aside(t, v.wait)
		t.ptraceEvent(ptraceEventVforkDone, seen)
	}
	return tid, 0
}

// checkClone refuses what cannot be, and changes nothing.
func (t *Task) checkClone(a *linux.CloneArgs, setTID []int32) linux.Errno {
	f := a.Flags
	has := func(bits uint64) bool { return f&bits == bits }
	g := t.group
	ns := t.PIDNS()
	children := t.Namespaces().PIDChildren
	switch {
	case has(linux.CLONE_NEWNS | linux.CLONE_FS), has(linux.CLONE_NEWUSER | linux.CLONE_FS),
		f&linux.CLONE_THREAD != 0 && f&linux.CLONE_SIGHAND == 0,
		f&linux.CLONE_SIGHAND != 0 && f&linux.CLONE_VM == 0,
		has(linux.CLONE_SIGHAND | linux.CLONE_CLEAR_SIGHAND),
		has(linux.CLONE_PIDFD | linux.CLONE_DETACHED),
		f&linux.CLONE_PARENT != 0 && g.isInit(),
		f&linux.CLONE_THREAD != 0 && (f&(linux.CLONE_NEWUSER|linux.CLONE_NEWPID) != 0 || children != ns),
		has(linux.CLONE_NEWIPC | linux.CLONE_SYSVSEM),
		f&linux.CLONE_INTO_CGROUP != 0:
		return linux.EINVAL
	case len(setTID) > children.level+1:
		return linux.EINVAL
	}
	if len(setTID) > 0 && !t.Cred().Has(linux.CAP_SYS_ADMIN) && !t.Cred().Has(linux.CAP_CHECKPOINT_RESTORE) {
		return linux.EPERM
	}
	return t.k.checkTaskLimits(t)
}

// isInit tells whether g is the init of its PID namespace.
func (g *Group) isInit() bool {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return g.leader.pid.ns().init == g
}

// checkTaskLimits is RLIMIT_NPROC and the container's own bound: EAGAIN.
func (k *Kernel) checkTaskLimits(t *Task) linux.Errno {
	if k.MaxTasks > 0 && k.nrTasks.Load() >= k.MaxTasks || k.nrTasks.Load() >= int64(k.sysctl.ThreadsMax.Load()) {
		return linux.EAGAIN
	}
	limit := t.Limit(linux.RLIMIT_NPROC)
	c := t.Cred()
	if limit == linux.RLIM_INFINITY || c.Ruid == 0 || c.Has(linux.CAP_SYS_RESOURCE) || c.Has(linux.CAP_SYS_ADMIN) {
		return 0
	}
	if k.tasksOf(c.Ruid) >= limit {
		return linux.EAGAIN
	}
	return 0
}

// tasksOf counts the threads of a user.
func (k *Kernel) tasksOf(uid auth.UID) (n uint64) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, p := range k.InitNS.PIDChildren.pids {
		if p.task != nil && !p.task.zombie && p.task.Cred().Ruid == uid {
			n++
		}
	}
	return n
}

// newTask builds the copy, seen by nobody.
func (t *Task) newTask(a *linux.CloneArgs) (*Task, linux.Errno) {
	c := t.Cred()
	if a.Flags&linux.CLONE_NEWUSER != 0 {
		var errno linux.Errno
		if c, errno = t.newUserNS(c); errno != 0 {
			return nil, errno
		}
	}
	n := t.k.blankTask()
	n.cred.Store(c)
	n.comm.Store(t.comm.Load())
	n.personality.Store(t.personality.Load())
	n.timerSlack.Store(t.timerSlack.Load())
	n.ioFlusher.Store(t.ioFlusher.Load())
	n.login.inherit(&t.login)
	n.nice.Store(t.nice.Load())
	n.ioprio.Store(t.ioprio.Load())
	if t.sched.fork(&n.sched); n.sched.affinity != nil {
		n.ctx.SetCPUs(t.k.hostCPUs(n.sched.affinity))
	}
	n.sig.blocked = t.Blocked()
	if errno := t.copyMM(n, a); errno != 0 {
		n.ctx.Release()
		return nil, errno
	}
	if a.Flags&linux.CLONE_FILES != 0 {
		t.Files().Get()
		n.files.Store(t.Files())
	} else {
		n.files.Store(t.Files().clone(t))
	}
	if a.Flags&linux.CLONE_FS != 0 {
		t.FS().Get()
		n.fs.Store(t.FS())
	} else {
		n.fs.Store(t.FS().Clone())
	}
	ns, errno := t.copyNamespaces(a.Flags, c, n.fs.Load())
	if errno != 0 {
		n.discard(t)
		return nil, errno
	}
	n.ns.Store(ns)
	if e := t.Exe(); e != nil {
		e.Get()
		n.exe.Store(e)
	}
	t.copyRegs(n, a)
	return n, 0
}

// copyMM shares or copies the address space.
func (t *Task) copyMM(n *Task, a *linux.CloneArgs) linux.Errno {
	m := t.MM()
	if a.Flags&linux.CLONE_VM != 0 {
		m.Get()
	} else {
		var errno linux.Errno
		if m, errno = m.Fork(); errno != 0 {
			return errno
		}
	}
	n.setMM(m)
	return 0
}

// setMM gives the task an address space whose user it becomes.
func (t *Task) setMM(m *mm.MM) {
	t.mem.Store(m)
	t.run.as = m.AddressSpace()
}

// copyRegs copies the machine state: the child returns 0, perhaps on another stack.
func (t *Task) copyRegs(n *Task, a *linux.CloneArgs) {
	n.run.regs, n.run.trap = *t.Regs(), t.run.trap
	n.run.regs.Rax = 0
	n.run.regs.OrigRax = ^uint64(0)
	if a.Stack != 0 {
		n.run.regs.Rsp = a.Stack + a.StackSize
	}
	if a.Flags&linux.CLONE_SETTLS != 0 {
		n.run.regs.FsBase = a.TLS
	}
	fpu := t.fpuBuffer()
	t.ctx.FPU(fpu[:len(fpu)-fpMagic2Size])
	n.ctx.SetFPU(fpu[:len(fpu)-fpMagic2Size])
	if a.Flags&linux.CLONE_VM == 0 || a.Flags&linux.CLONE_VFORK != 0 {
		n.run.altstack = t.run.altstack
	}
	if a.Flags&linux.CLONE_CHILD_CLEARTID != 0 {
		n.clearTID = usermem.Addr(a.ChildTID)
	}
}

// discard drops a task that was never published.
func (n *Task) discard(t *Task) {
	if f := n.files.Swap(nil); f != nil {
		f.put(t)
	}
	if f := n.fs.Swap(nil); f != nil {
		f.Put()
	}
	if ns := n.ns.Swap(nil); ns != nil {
		ns.drop()
	}
	if f := n.exe.Swap(nil); f != nil {
		f.Put()
	}
	if m := n.mem.Swap(nil); m != nil {
		m.Put()
	}
	n.ctx.Release()
}

// publish gives the task its number and place in the tree. What can fail comes first.
func (t *Task) publish(n *Task, a *linux.CloneArgs, setTID []int32, pidfd *int32, b *birth) linux.Errno {
	k := t.k
	k.tasks.Lock()
	pid, errno := k.allocPID(n.Namespaces().PIDChildren, setTID)
	if errno != 0 {
		k.tasks.Unlock()
		return errno
	}
	n.pid = pid
	if a.Flags&linux.CLONE_PIDFD != 0 {
		k.tasks.Unlock()
		if *pidfd, errno = t.newPidfdOf(pid, a.Flags&linux.CLONE_THREAD != 0); errno == 0 {
			errno = usermem.CopyOutInt(t.Space(), usermem.Addr(a.Pidfd), *pidfd)
		}
		k.tasks.Lock()
		if errno == 0 && pid.ns().dead {
			errno = linux.ENOMEM // it would not be killed with the others
		}
		if errno != 0 {
			pid.unhash()
			k.tasks.Unlock()
			return errno
		}
	}
	defer k.tasks.Unlock()
	if t.killed.Load() {
		pid.unhash()
		return linux.EINTR // whoever killed all that there were did not see it
	}
	pid.task = n
	if a.Flags&linux.CLONE_THREAD != 0 {
		if a.Flags&linux.CLONE_SYSVSEM != 0 {
			t.SemUndo() // kcmp(2) sees it
		}
		if errno := t.group.join(n); errno != 0 {
			pid.task = nil
			pid.unhash()
			return errno
		}
	} else {
		k.newGroup(t, n, a, b)
	}
	n.seccomp.inherit(t, n)
	k.nrTasks.Add(1)
	k.forks.Add(1)
	k.live.Add(1)
	return 0
}

// join makes n a thread of g. tasks is held. A group that is about to exit takes no more.
func (g *Group) join(n *Task) linux.Errno {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting || g.execTask != nil {
		return linux.ERESTARTNOINTR
	}
	n.group = g
	g.tasks = append(slices.Clone(g.tasks), n)
	g.live++
	if g.stop.active {
		n.work.Store(true)
	}
	return 0
}

// newGroup makes n a process, a child of t or of its parent. tasks is held.
func (k *Kernel) newGroup(t, n *Task, a *linux.CloneArgs, b *birth) {
	g := k.makeGroup(n)
	p, forker := t.group, t
	g.exitSignal = int(a.ExitSignal)
	if a.Flags&linux.CLONE_PARENT != 0 {
		p, forker = t.group.parent, t.group.forker
		g.exitSignal = t.group.exitSignal
	}
	g.parent, g.forker = p, forker
	g.hasReaper = p != nil && (p.hasReaper || p.subreaper)
	g.limits.copyFrom(&t.group.limits)
	if a.Flags&linux.CLONE_VM == 0 {
		t.group.shm.fork(&g.shm)
	}
	g.noTHP.Store(t.group.noTHP.Load())
	g.barriers.Store(t.group.barriers.Load())
	g.coreFilter.Store(t.group.coreFilter.Load())
	t.group.mu.Lock()
	if g.pending.set = b.signals; b.signals != 0 {
		n.work.Store(true)
	}
	g.oomScore, g.oomFloor, g.dumpable = t.group.oomScore, t.group.oomFloor, t.group.dumpable
	if a.Flags&linux.CLONE_SIGHAND != 0 {
		g.sighand = t.group.sighand
		g.sighand.users.Add(1)
	} else {
		g.sighand = t.group.sighand.clone()
		if a.Flags&linux.CLONE_CLEAR_SIGHAND != 0 {
			g.sighand.resetHandlers(false)
		}
	}
	t.group.mu.Unlock()
	if a.Flags&linux.CLONE_SYSVSEM != 0 {
		u := t.SemUndo()
		u.Share()
		g.undo.Store(u)
	}
	if p != nil {
		p.children = append(p.children, g)
	}
	ns := n.pid.ns()
	if ns.init == nil {
		ns.init = g
		if ns.parent != nil && n.pid.NrIn(ns) == 1 {
			g.hasReaper = false
		}
	}
	if t.group.pgrp != nil {
		g.joinPgrp(t.group.pgrp)
		g.tty = t.group.tty
	}
}

// makeGroup returns a group of the one thread n.
func (k *Kernel) makeGroup(n *Task) *Group {
	g := &Group{k: k, leader: n, tasks: []*Task{n}, live: 1, exited: make(chan struct{}), dumpable: 1}
	g.started, g.startMon = k.Clock.Boottime(), k.Clock.Monotonic()
	n.group = g
	n.pid.group = g
	return g
}

// vfork is a parent that sleeps until its child has let go of the memory.
type vfork struct {
	parent *Task
	done   atomic.Bool
}

// wait sleeps; only death ends it sooner.
func (v *vfork) wait() {
	t := v.parent
	t.state.Store(stateUninterruptible)
	defer t.state.Store(stateRunning)
	for !v.done.Load() && !t.killed.Load() {
		t.waiter.Doze()
	}
}

// unshareFiles gives the task a descriptor table of its own.
func (t *Task) unshareFiles() {
	old := t.Files()
	if old.Shared() {
		t.files.Store(old.clone(t))
		old.put(t)
	}
}

// UnshareFiles is unshare(2) with CLONE_FILES.
func (t *Task) UnshareFiles() { t.unshareFiles() }

var _ vfs.Ctx = (*Task)(nil)
