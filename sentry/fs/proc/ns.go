package proc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// nsfs is where namespaces are files.
var nsfs = vfs.NewPseudo("nsfs", 0x6e736673)

// nsNode is a namespace as a file; setns(2) asks it for what it is.
type nsNode struct {
	vfs.Inode
	ns any
}

// Namespace is the namespace.
func (n *nsNode) Namespace() any { return n.ns }

// Setattr is not allowed.
func (n *nsNode) Setattr(vfs.Ctx, vfs.SetAttr) linux.Errno { return linux.EPERM }

// Open is vfs.InodeOps's.
func (n *nsNode) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nsOpen{}, 0 }

type nsOpen struct{}

// Read is not possible.
func (nsOpen) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Write is not possible.
func (nsOpen) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EINVAL
}

// Release is vfs.FileOps's.
func (nsOpen) Release(*vfs.File) {}

// nsDir is /proc/PID/ns.
func (f *FS) nsDir(t *kernel.Task) entry {
	var es []entry
	add := func(name, kind string, get func(n *kernel.Namespaces) (any, uint64)) {
		es = append(es, f.magic(t, name, func() (vfs.Path, linux.Errno) {
			n := t.Namespaces()
			if n == nil {
				return vfs.Path{}, linux.ENOENT
			}
			ns, ino := get(n)
			i := &nsNode{ns: ns}
			i.Init(i, nsfs.Super(), ino, vfs.Attr{Mode: linux.S_IFREG | 0o444, Nlink: 1, Blksize: 4096})
			return nsfs.Path(&i.Inode, fmt.Sprintf("%s:[%d]", kind, ino)), 0
		}))
	}
	add("cgroup", "cgroup", func(n *kernel.Namespaces) (any, uint64) { return n.Cgroup, n.Cgroup.Ino })
	add("ipc", "ipc", func(n *kernel.Namespaces) (any, uint64) { return n.IPC, n.IPC.Ino })
	add("mnt", "mnt", func(n *kernel.Namespaces) (any, uint64) { return n.Mount, n.Mount.Ino() })
	add("net", "net", func(n *kernel.Namespaces) (any, uint64) { return n.Net, n.Net.Ino })
	add("pid", "pid", func(*kernel.Namespaces) (any, uint64) { ns := t.PIDNS(); return ns, ns.Ino })
	add("pid_for_children", "pid", func(n *kernel.Namespaces) (any, uint64) { return n.PIDChildren, n.PIDChildren.Ino })
	add("time", "time", func(n *kernel.Namespaces) (any, uint64) { return n.Time, n.Time.Ino })
	add("time_for_children", "time", func(n *kernel.Namespaces) (any, uint64) { return n.Time, n.Time.Ino })
	add("user", "user", func(*kernel.Namespaces) (any, uint64) { ns := t.Cred().NS; return ns, ns.Ino() })
	add("uts", "uts", func(n *kernel.Namespaces) (any, uint64) { return n.UTS, n.UTS.Ino })
	return f.subOf(t, "ns", 0o511, nil, es...)
}

// idMap is uid_map or gid_map (map_write, kernel/user_namespace.c).
func (f *FS) idMap(t *kernel.Task, name string, uids bool) entry {
	return f.ofCtl(t, name, 0o644, false, func(vfs.Ctx) (string, linux.Errno) {
		u, g := t.Cred().NS.Maps()
		if !uids {
			u = g
		}
		var b strings.Builder
		for _, m := range u {
			fmt.Fprintf(&b, "%10d %10d %10d\n", m.Inside, m.Outside, m.Count)
		}
		return b.String(), 0
	}, func(ctx vfs.Ctx, s string) linux.Errno { return writeMap(ctx, t.Cred().NS, s, uids) })
}

func writeMap(ctx vfs.Ctx, ns *auth.UserNS, s string, uids bool) linux.Errno {
	var maps []auth.IDMap
	for _, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		var m auth.IDMap
		w := strings.Fields(line)
		if len(w) != 3 {
			return linux.EINVAL
		}
		for i, to := range []*uint32{&m.Inside, &m.Outside, &m.Count} {
			v, err := strconv.ParseUint(w[i], 10, 32)
			if err != nil {
				return linux.EINVAL
			}
			*to = uint32(v)
		}
		maps = append(maps, m)
	}
	if ns.Parent == nil {
		return linux.EPERM
	}
	c, capability := ctx.Cred(), linux.CAP_SETUID
	if !uids {
		capability = linux.CAP_SETGID
	}
	if !c.HasIn(ns, linux.CAP_SYS_ADMIN) {
		return linux.EPERM
	}
	if !c.HasIn(ns.Parent, capability) {
		// One id, the creator's own; for groups only with setgroups(2) denied.
		own := ns.Parent.FromKernelUID(c.Euid)
		if !uids {
			own = ns.Parent.FromKernelGID(c.Egid)
		}
		if len(maps) != 1 || maps[0].Count != 1 || maps[0].Outside != own || !uids && !ns.SetgroupsDenied() || c.Euid != ns.Owner {
			return linux.EPERM
		}
	}
	if uids {
		return ns.SetUIDMap(maps)
	}
	return ns.SetGIDMap(maps)
}

// setgroups is /proc/PID/setgroups.
func (f *FS) setgroups(t *kernel.Task) entry {
	return f.ofCtl(t, "setgroups", 0o644, false, func(vfs.Ctx) (string, linux.Errno) {
		if t.Cred().NS.SetgroupsDenied() {
			return "deny\n", 0
		}
		return "allow\n", 0
	}, func(ctx vfs.Ctx, s string) linux.Errno {
		ns := t.Cred().NS
		if !ctx.Cred().HasIn(ns, linux.CAP_SYS_ADMIN) {
			return linux.EPERM
		}
		switch strings.TrimSpace(s) {
		case "allow":
			if ns.SetgroupsDenied() {
				return linux.EPERM
			}
			return 0
		case "deny":
			return ns.DenySetgroups()
		}
		return linux.EINVAL
	})
}
