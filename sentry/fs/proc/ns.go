package proc

import (
	"fmt"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// nsfs is where namespaces are files.
var nsfs = newNSFS()

func newNSFS() *vfs.Pseudo {
	p := vfs.NewPseudo("nsfs", 0x6e736673)
	p.Super().Bindable = true
	return p
}

// nsNode is a namespace as a file; setns(2) asks it for what it is.
type nsNode struct {
	vfs.Inode
	ns any
}

// Namespace is the namespace.
func (n *nsNode) Namespace() any { return n.ns }

// Evict is vfs.Evicter's: the file kept the mounts, or the interfaces, of a namespace.
func (n *nsNode) Evict() {
	switch ns := n.ns.(type) {
	case *vfs.MountNS:
		ns.Put()
	case *kernel.NetNS:
		ns.Drop()
	}
}

// Setattr is not allowed.
func (n *nsNode) Setattr(vfs.Ctx, vfs.SetAttr) linux.Errno { return linux.EPERM }

// CheckPermission is vfs.Permissioner's: nobody writes.
func (n *nsNode) CheckPermission(ctx vfs.Ctx, want uint32) linux.Errno {
	if want&vfs.MayWrite != 0 {
		return linux.EPERM
	}
	at := n.Attr()
	return vfs.CheckMode(ctx.Cred(), at.Mode, at.UID, at.GID, want)
}

// Open is vfs.InodeOps's.
func (n *nsNode) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &nsOpen{n.ns}, 0 }

// nsOpen is an open namespace.
type nsOpen struct{ ns any }

// Read is not possible.
func (*nsOpen) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Write is not possible.
func (*nsOpen) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Release is vfs.FileOps's.
func (*nsOpen) Release(*vfs.File) {}

// nsKinds are the files of /proc/PID/ns, with how a task's namespace is found. There are no time
// namespaces, as in a Linux built without them.
var nsKinds = []struct {
	file, kind string
	of         func(t *kernel.Task, n *kernel.Namespaces) any
}{
	{"cgroup", "cgroup", func(_ *kernel.Task, n *kernel.Namespaces) any { return n.Cgroup }},
	{"ipc", "ipc", func(_ *kernel.Task, n *kernel.Namespaces) any { return n.IPC }},
	{"mnt", "mnt", func(_ *kernel.Task, n *kernel.Namespaces) any { return n.Mount }},
	{"net", "net", func(_ *kernel.Task, n *kernel.Namespaces) any { return n.Net }},
	{"pid", "pid", func(t *kernel.Task, _ *kernel.Namespaces) any { return t.PIDNS() }},
	{"pid_for_children", "pid", func(t *kernel.Task, n *kernel.Namespaces) any {
		if !t.Kernel().Begun(n.PIDChildren) {
			return nil
		}
		return n.PIDChildren
	}},
	{"user", "user", func(t *kernel.Task, _ *kernel.Namespaces) any { return t.Cred().NS }},
	{"uts", "uts", func(_ *kernel.Task, n *kernel.Namespaces) any { return n.UTS }},
}

// describe says what a namespace is: its kind, its CLONE_NEW flag, its number, its owner.
func describe(ns any) (kind string, flag uint64, ino uint64, owner *auth.UserNS) {
	switch n := ns.(type) {
	case *kernel.CgroupNS:
		return "cgroup", linux.CLONE_NEWCGROUP, n.Ino, n.Owner
	case *kernel.IPCNS:
		return "ipc", linux.CLONE_NEWIPC, n.Ino, n.Owner
	case *vfs.MountNS:
		return "mnt", linux.CLONE_NEWNS, n.Ino(), n.Owner
	case *kernel.NetNS:
		return "net", linux.CLONE_NEWNET, n.Ino, n.Owner
	case *kernel.PIDNS:
		return "pid", linux.CLONE_NEWPID, n.Ino, n.Owner
	case *auth.UserNS:
		return "user", linux.CLONE_NEWUSER, n.Ino(), n.Parent
	case *kernel.UTSNS:
		return "uts", linux.CLONE_NEWUTS, n.Ino, n.Owner
	}
	return "", 0, 0, nil
}

// nsPath is the path to a namespace as a file: ENOENT if it has just ended.
func nsPath(ns any) (vfs.Path, linux.Errno) {
	if m, ok := ns.(*vfs.MountNS); ok && !m.TryGet() {
		return vfs.Path{}, linux.ENOENT
	}
	if m, ok := ns.(*kernel.NetNS); ok && !m.TryHold() {
		return vfs.Path{}, linux.ENOENT
	}
	kind, _, ino, _ := describe(ns)
	i := &nsNode{ns: ns}
	i.Init(i, nsfs.Super(), ino, vfs.Attr{Mode: linux.S_IFREG | 0o444, Nlink: 1, Blksize: 4096})
	return nsfs.Path(&i.Inode, fmt.Sprintf("%s:[%d]", kind, ino)), 0
}

// nsDir is /proc/PID/ns.
func nsDir() entry {
	var es []entry
	for _, k := range nsKinds {
		es = append(es, magicTo(k.file, func(t *kernel.Task) (vfs.Path, linux.Errno) {
			n := t.Namespaces()
			if n == nil && k.file != "pid" && k.file != "user" {
				return vfs.Path{}, linux.ENOENT
			}
			ns := k.of(t, n)
			if ns == nil {
				return vfs.Path{}, linux.ENOENT
			}
			return nsPath(ns)
		}))
	}
	return subPerm("ns", 0o511, nil, es)
}

// Calls of ioctl_nsfs(2).
const (
	nsGetUserns   = 0xb701
	nsGetParent   = 0xb702
	nsGetNstype   = 0xb703
	nsGetOwnerUID = 0xb704
)

// Ioctl is vfs.Ioctler's: ioctl_nsfs(2).
func (o *nsOpen) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	t, ok := ctx.(*kernel.Task)
	if !ok {
		return 0, linux.ENOTTY
	}
	_, flag, _, owner := describe(o.ns)
	switch cmd {
	case nsGetNstype:
		return uintptr(flag), 0
	case nsGetUserns:
		if owner == nil || !within(owner, t.Cred().NS) {
			return 0, linux.EPERM
		}
		return openNS(t, owner)
	case nsGetParent:
		return o.parent(t)
	case nsGetOwnerUID:
		u, ok := o.ns.(*auth.UserNS)
		if !ok {
			return 0, linux.EINVAL
		}
		return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), t.Cred().NS.FromKernelUID(u.Owner))
	}
	return 0, linux.ENOTTY
}

// parent is NS_GET_PARENT: EPERM for what lies outside of the caller's own.
func (o *nsOpen) parent(t *kernel.Task) (uintptr, linux.Errno) {
	switch n := o.ns.(type) {
	case *auth.UserNS:
		if n.Parent == nil || !within(n.Parent, t.Cred().NS) {
			return 0, linux.EPERM
		}
		return openNS(t, n.Parent)
	case *kernel.PIDNS:
		p := n.Parent()
		for at := p; ; at = at.Parent() {
			if at == nil {
				return 0, linux.EPERM
			}
			if at == t.PIDNS() {
				return openNS(t, p)
			}
		}
	}
	return 0, linux.EINVAL
}

// within tells whether ns is top or below it.
func within(ns, top *auth.UserNS) bool {
	for ; ns != nil; ns = ns.Parent {
		if ns == top {
			return true
		}
	}
	return false
}

func openNS(t *kernel.Task, ns any) (uintptr, linux.Errno) {
	p, errno := nsPath(ns)
	if errno != 0 {
		return 0, errno
	}
	f, errno := vfs.OpenPath(t, p, linux.O_RDONLY)
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, true)
	return uintptr(fd), errno
}
