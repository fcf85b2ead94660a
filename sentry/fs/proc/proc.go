// Package proc is procfs (proc(5), fs/proc): the kernel's state as files. Nothing is kept: every
// look-up makes inodes anew, and a file's text is made when it is read.
//
//	proc.go     the file system, its options, what inodes share
//	dir.go      directories
//	file.go     files that are made when they are read
//	links.go    symbolic links, and links that lead straight to an object
//	root.go     the top directory
//	system.go   what its files say
//	sysctl.go   /proc/sys
//	pid.go      /proc/PID and /proc/PID/task/TID
//	status.go   what their files say
//	mem.go      a process's memory: mem, maps, cmdline and so on
//	fd.go       /proc/PID/fd, fdinfo
//	ns.go       /proc/PID/ns; idmap.go: uid_map and its like
//	net.go      /proc/PID/net
package proc

import (
	"hash/fnv"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FS is one mount of proc: it shows the processes of a PID namespace.
type FS struct {
	k    *kernel.Kernel
	ns   *kernel.PIDNS
	sb   *vfs.Super
	host Host

	options atomic.Pointer[options]
}

// Host holds what some files repeat.
type Host struct {
	CPUInfo  string // the first processor's paragraph of /proc/cpuinfo
	BootTime int64  // seconds since the epoch
}

const magic = 0x9fa0

// New returns a proc that shows ns: EINVAL for options it does not know.
func New(k *kernel.Kernel, ns *kernel.PIDNS, host Host, data string) (*vfs.Super, linux.Errno) {
	f := &FS{k: k, ns: ns, host: host}
	if errno := f.configure(nil, data); errno != 0 {
		return nil, errno
	}
	f.sb = &vfs.Super{Type: "proc", Source: "proc", Dev: vfs.NewDev(), NoNegative: true, NoExec: true, NoDev: true, Depth: 2}
	f.sb.Options = f.showOptions
	f.sb.Reconfigure = f.configure
	f.sb.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: magic, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
	}
	root := &dir{entries: f.rootEntries(), more: processes{f}}
	if f.options.Load().pidOnly {
		root.entries = selfLinks()
	}
	root.init(root, f, "/", linux.S_IFDIR|0o555, nil)
	f.sb.SetRoot(&root.Inode)
	return f.sb, 0
}

// options are the mount options (proc(5)).
type options struct {
	hide    int // hidepid
	gid     auth.GID
	pidOnly bool // subset=pid
}

// The values of hidepid.
const (
	hideOff = iota
	hideNoAccess
	hideInvisible
	hidePtraceable = 4
)

var hideNames = map[string]int{
	"off": hideOff, "noaccess": hideNoAccess, "invisible": hideInvisible, "ptraceable": hidePtraceable,
	"0": hideOff, "1": hideNoAccess, "2": hideInvisible, "4": hidePtraceable,
}

// configure takes mount options: a remount keeps what it does not name.
func (f *FS) configure(ctx vfs.Ctx, data string) linux.Errno {
	var o options
	if old := f.options.Load(); old != nil {
		o = *old
	}
	for _, word := range strings.Split(data, ",") {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "":
		case "hidepid":
			hide, ok := hideNames[value]
			if !ok {
				return linux.EINVAL
			}
			o.hide = hide
		case "gid":
			id, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return linux.EINVAL
			}
			ns := f.k.UserNS
			if ctx != nil {
				ns = ctx.Cred().NS
			}
			gid, ok := ns.ToKernelGID(uint32(id))
			if !ok {
				return linux.EINVAL
			}
			o.gid = gid
		case "subset":
			if value != "pid" {
				return linux.EINVAL
			}
			o.pidOnly = true
		default:
			return linux.EINVAL
		}
	}
	f.options.Store(&o)
	return 0
}

// showOptions is what /proc/mounts says (proc_show_options).
func (f *FS) showOptions() string {
	o := f.options.Load()
	var words []string
	if o.gid != 0 {
		words = append(words, "gid="+strconv.FormatUint(uint64(o.gid), 10))
	}
	if o.hide != hideOff {
		words = append(words, "hidepid="+map[int]string{hideNoAccess: "noaccess", hideInvisible: "invisible", hidePtraceable: "ptraceable"}[o.hide])
	}
	if o.pidOnly {
		words = append(words, "subset=pid")
	}
	return strings.Join(words, ",")
}

// shows tells whether the caller may know of t when hidepid is at least least
// (has_pid_permissions).
func (f *FS) shows(ctx vfs.Ctx, t *kernel.Task, least int) bool {
	o := f.options.Load()
	switch {
	case o.hide == hidePtraceable:
		return mayLook(ctx, t)
	case o.hide < least:
		return true
	}
	return ctx.Cred().InGroup(o.gid) || mayLook(ctx, t)
}

// mayLook tells whether the caller could trace t.
func mayLook(ctx vfs.Ctx, t *kernel.Task) bool {
	c, ok := ctx.(*kernel.Task)
	return !ok || t == nil || c.MayAccess(t, false)
}

// alive tells whether t is not reaped yet.
func (f *FS) alive(t *kernel.Task) bool { return f.k.TaskIn(f.ns, t.TIDIn(f.ns)) == t }

// ino is a stable inode number of a path.
func ino(path string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(path))
	return h.Sum64()>>16 | 1<<40
}

// node is what all inodes share. task is whose directory it lies in, nil above those.
type node struct {
	vfs.Inode
	fs   *FS
	path string
	task *kernel.Task
}

// init fills a node in; of a task's it has the task's owner.
func (n *node) init(ops vfs.InodeOps, f *FS, path string, mode uint32, task *kernel.Task) {
	n.fs, n.path, n.task = f, path, task
	at := vfs.Attr{Mode: mode, Nlink: 1, Blksize: 1024}
	if mode&linux.S_IFMT == linux.S_IFDIR {
		at.Nlink = 2
	}
	at.Atime = f.k.Clock.Realtime()
	at.Mtime, at.Ctime = at.Atime, at.Atime
	n.Init(ops, f.sb, ino(path), at)
	n.own()
}

// own gives a task's node the task's owner; but for directories that everybody may list, it is
// root if the task may not be looked into (task_dump_owner).
func (n *node) own() {
	if n.task == nil {
		return
	}
	c := n.task.Cred()
	uid, gid := c.Euid, c.Egid
	if n.Mode() != linux.S_IFDIR|0o555 && n.task.Group().Dumpable() != 1 {
		uid, gid = 0, 0
		if id, ok := c.NS.ToKernelUID(0); ok {
			uid = id
		}
		if id, ok := c.NS.ToKernelGID(0); ok {
			gid = id
		}
	}
	n.Update(func(a *vfs.Attr) { a.UID, a.GID = uid, gid })
}

// Getattr is vfs.Getattrer's.
func (n *node) Getattr(vfs.Ctx) linux.Errno {
	n.own()
	return 0
}

// Setattr takes times, and a size without effect so that O_TRUNC goes; modes are not to be changed
// (proc_setattr). A task's file does not keep an owner that it is given.
func (n *node) Setattr(ctx vfs.Ctx, s vfs.SetAttr) linux.Errno {
	if s.Mask&vfs.AttrMode != 0 || n.task == nil && s.Mask&(vfs.AttrUID|vfs.AttrGID) != 0 {
		return linux.EPERM
	}
	s.Mask &^= vfs.AttrSize
	n.Update(func(a *vfs.Attr) { s.Apply(a, ctx.Now()) })
	return 0
}

// is returns the node that an inode of this file system is.
func (n *node) is() *node { return n }
