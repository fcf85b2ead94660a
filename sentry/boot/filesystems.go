package boot

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/fs/cgroup"
	"github.com/seed-7423c386/runsc/sentry/fs/dev"
	"github.com/seed-7423c386/runsc/sentry/fs/devpts"
	"github.com/seed-7423c386/runsc/sentry/fs/overlay"
	"github.com/seed-7423c386/runsc/sentry/fs/pipe"
	"github.com/seed-7423c386/runsc/sentry/fs/proc"
	"github.com/seed-7423c386/runsc/sentry/fs/sys"
	"github.com/seed-7423c386/runsc/sentry/fs/tmpfs"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket/hostinet"
	"github.com/seed-7423c386/runsc/sentry/socket/inet"
	"github.com/seed-7423c386/runsc/sentry/socket/netlink"
	"github.com/seed-7423c386/runsc/sentry/socket/packet"
	"github.com/seed-7423c386/runsc/sentry/socket/tun"
	"github.com/seed-7423c386/runsc/sentry/socket/unix"
	"github.com/seed-7423c386/runsc/sentry/syscalls"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// registerFileSystems names the file systems of the sandbox.
func (s *sandbox) registerFileSystems() {
	k := s.kernel
	pipe.Register()
	unix.Register()
	inet.Register()
	netlink.Register()
	packet.Register(s.pool)
	tun.Register()
	if s.cfg.Network == "host" {
		hostinet.Register(k.InitNS.Net)
	}
	dev.Register(k.Random)
	k.Memfds = tmpfs.NewMemfds(s.pool, k.TotalRAM)
	tmp := func(_ *kernel.Task, source, data string) (*vfs.Super, linux.Errno) {
		return tmpfs.New(s.pool, k.TotalRAM, source, data)
	}
	k.RegisterFS(kernel.FSType{Name: "tmpfs", Nodev: true, UserNS: true, Mount: tmp, Param: tmpfs.Param})
	k.RegisterFS(kernel.FSType{Name: "proc", Nodev: true, UserNS: true, Reveals: true, Owner: func(n *kernel.Namespaces) *auth.UserNS { return n.PIDChildren.Owner }, Mount: func(t *kernel.Task, _, data string) (*vfs.Super, linux.Errno) {
		ns := k.InitNS.PIDChildren
		if t != nil {
			ns = t.Namespaces().PIDChildren
		}
		return proc.New(k, ns, proc.Host{CPUInfo: s.cfg.Host.CPUInfo, BootTime: s.cfg.Host.BootTime}, data)
	}})
	k.RegisterFS(kernel.FSType{Name: "sysfs", Nodev: true, UserNS: true, Reveals: true, Owner: func(n *kernel.Namespaces) *auth.UserNS { return n.Net.Owner }, Mount: func(t *kernel.Task, _, _ string) (*vfs.Super, linux.Errno) {
		ns := k.InitNS.Net
		if t != nil {
			ns = t.Namespaces().Net
		}
		return sys.New(k, ns), 0
	}})
	cg := s.cfg.Cgroup
	group := func(*kernel.Task, string, string) (*vfs.Super, linux.Errno) {
		return cgroup.New(k, cgroup.Limits{Memory: cg.Memory, Swap: cg.Swap, Pids: cg.Pids, CPUs: cg.CPUs, Shares: cg.Shares}), 0
	}
	k.RegisterFS(kernel.FSType{Name: "cgroup", Nodev: true, UserNS: true, Owner: cgroupOwner, Mount: group})
	k.RegisterFS(kernel.FSType{Name: "cgroup2", Nodev: true, UserNS: true, Owner: cgroupOwner, Mount: group})
	dev.RegisterPtmx(devpts.OpenPtmx)
	devpts.RegisterSlaves()
	k.RegisterFS(kernel.FSType{Name: "devpts", Nodev: true, UserNS: true, Mount: func(_ *kernel.Task, _, data string) (*vfs.Super, linux.Errno) { return devpts.New(data) }})
	k.RegisterFS(kernel.FSType{Name: "mqueue", Nodev: true, UserNS: true, Owner: func(n *kernel.Namespaces) *auth.UserNS { return n.IPC.Owner }, Mount: func(t *kernel.Task, _, _ string) (*vfs.Super, linux.Errno) {
		ns := k.InitNS.IPC
		if t != nil {
			ns = t.Namespaces().IPC
		}
		return syscalls.Queues(ns).Super(), 0
	}})
	k.RegisterFS(kernel.FSType{Name: "overlay", Nodev: true, UserNS: true, Param: overlay.Param, Mount: func(t *kernel.Task, source, data string) (*vfs.Super, linux.Errno) {
		if t == nil {
			return nil, linux.ENODEV // a bundle's mount: its directories would be the host's
		}
		return overlay.Mount(overlay.Mounter{
			Ctx: t, Random: k.Random, Trusted: t.Cred().HasIn(k.UserNS, linux.CAP_SYS_ADMIN),
			Walk: func(path string) (vfs.Path, linux.Errno) {
				at := t.FS().At()
				defer at.Put()
				return vfs.Walk(t, at, path, vfs.Follow)
			},
		}, source, data)
	}})
	k.RegisterFS(kernel.FSType{Name: "ramfs", Nodev: true, UserNS: true, Mount: tmp})
	k.RegisterFS(kernel.FSType{Name: "devtmpfs", Nodev: true, Mount: tmp})
}

// cgroupOwner is who may mount cgroups.
func cgroupOwner(n *kernel.Namespaces) *auth.UserNS { return n.Cgroup.Owner }

// overlay is the writable layer in memory over lower.
func (s *sandbox) overlay(lower *vfs.Super) (*vfs.Super, linux.Errno) {
	upper, errno := tmpfs.New(s.pool, s.kernel.TotalRAM, "overlay", "")
	if errno != 0 {
		return nil, errno
	}
	return overlay.New(lower, upper)
}
