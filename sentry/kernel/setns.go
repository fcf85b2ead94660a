package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Setns is setns(2) with the namespace of a file of /proc/PID/ns; flags is its kind or 0.
func (t *Task) Setns(ns any, flags uint32) linux.Errno {
	n := *t.Namespaces()
	c := t.Cred()
	may := func(owner *auth.UserNS) bool {
		return c.HasIn(owner, linux.CAP_SYS_ADMIN) && c.Has(linux.CAP_SYS_ADMIN)
	}
	want := func(kind uint32) bool { return flags == 0 || flags == kind }
	switch o := ns.(type) {
	case *UTSNS:
		if !want(linux.CLONE_NEWUTS) {
			return linux.EINVAL
		}
		if !may(o.Owner) {
			return linux.EPERM
		}
		n.UTS = o
	case *IPCNS:
		if !want(linux.CLONE_NEWIPC) {
			return linux.EINVAL
		}
		if !may(o.Owner) {
			return linux.EPERM
		}
		t.exitSem()
		n.IPC = o
	case *NetNS:
		if !want(linux.CLONE_NEWNET) {
			return linux.EINVAL
		}
		if !may(o.Owner) {
			return linux.EPERM
		}
		n.Net = o
	case *CgroupNS:
		if !want(linux.CLONE_NEWCGROUP) {
			return linux.EINVAL
		}
		if !may(o.Owner) {
			return linux.EPERM
		}
		n.Cgroup = o
	case *PIDNS:
		if !want(linux.CLONE_NEWPID) {
			return linux.EINVAL
		}
		if !may(o.Owner) {
			return linux.EPERM
		}
		if o.level < t.PIDNS().level || !o.below(t.PIDNS()) {
			return linux.EINVAL
		}
		n.PIDChildren = o
	case *vfs.MountNS:
		if !want(linux.CLONE_NEWNS) {
			return linux.EINVAL
		}
		return t.enterMounts(o, &n)
	case *auth.UserNS:
		if !want(linux.CLONE_NEWUSER) {
			return linux.EINVAL
		}
		return t.enterUserNS(o)
	case *TimeNS:
		return 0
	default:
		return linux.EINVAL
	}
	n.hold()
	t.SetNS(&n)
	return 0
}

// below tells whether ns is o or below it.
func (ns *PIDNS) below(o *PIDNS) bool {
	for ; ns != nil; ns = ns.parent {
		if ns == o {
			return true
		}
	}
	return false
}

// enterMounts moves the task to the root of another mount namespace.
func (t *Task) enterMounts(o *vfs.MountNS, n *Namespaces) linux.Errno {
	c := t.Cred()
	if !c.HasIn(o.Owner, linux.CAP_SYS_ADMIN) || !c.Has(linux.CAP_SYS_CHROOT) || !c.Has(linux.CAP_SYS_ADMIN) {
		return linux.EPERM
	}
	if t.FS().Shared() {
		return linux.EINVAL
	}
	if !o.TryGet() {
		return linux.ESRCH // of a process that ends just now
	}
	n.Mount = o
	n.Net.Hold()
	t.SetNS(n)
	root := o.Root()
	root.Get()
	t.FS().SetRoot(root)
	t.FS().SetCwd(root)
	return 0
}

// enterUserNS gives the task all capabilities in a user namespace it may administer.
func (t *Task) enterUserNS(o *auth.UserNS) linux.Errno {
	c := t.Cred()
	if o == c.NS || t.group.Threads() > 1 || t.FS().Shared() {
		return linux.EINVAL
	}
	if !c.HasIn(o, linux.CAP_SYS_ADMIN) {
		return linux.EPERM
	}
	n := c.Clone()
	n.NS, n.Securebits = o, 0
	n.Inheritable, n.Ambient = 0, 0
	n.Permitted, n.Effective, n.Bounding = auth.AllCaps, auth.AllCaps, auth.AllCaps
	t.SetCred(n)
	return 0
}

// SetnsOf is setns(2) with a pidfd: the namespaces of flags that the process has.
func (t *Task) SetnsOf(p *Pidfd, flags uint32) linux.Errno {
	const known = newNamespaceFlags | linux.CLONE_NEWUSER
	if flags == 0 || flags&^known != 0 {
		return linux.EINVAL
	}
	o := p.Task(t.k)
	if o == nil {
		return linux.ESRCH
	}
	if !t.MayAccess(o, false) {
		return linux.EPERM
	}
	n := o.Namespaces()
	if n == nil {
		return linux.ESRCH
	}
	for _, x := range []struct {
		flag uint32
		ns   any
	}{
		{linux.CLONE_NEWUSER, o.Cred().NS}, {linux.CLONE_NEWCGROUP, n.Cgroup}, {linux.CLONE_NEWIPC, n.IPC}, {linux.CLONE_NEWUTS, n.UTS},
		{linux.CLONE_NEWNET, n.Net}, {linux.CLONE_NEWPID, o.PIDNS()}, {linux.CLONE_NEWNS, n.Mount},
	} {
		if flags&x.flag == 0 || x.ns == any(t.Cred().NS) {
			continue
		}
		if errno := t.Setns(x.ns, x.flag); errno != 0 {
			return errno
		}
	}
	return 0
}
