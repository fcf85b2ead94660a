package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Namespaces are a task's namespaces but the user namespace, which is its credentials', and
// the PID namespace it lives in, which is its id's (struct nsproxy). It is never changed.
type Namespaces struct {
	Mount       *vfs.MountNS
	UTS         *UTSNS
	IPC         *IPCNS
	Net         *NetNS
	PIDChildren *PIDNS // of children to come
	Cgroup      *CgroupNS
	Time        *TimeNS
}

// UTSNS is a UTS namespace (uts_namespaces(7)).
type UTSNS struct {
	Owner *auth.UserNS
	Ino   uint64

	mu       sync.Mutex
	hostname string
	domain   string
}

// IPCNS is an IPC namespace: System V objects and POSIX message queues.
type IPCNS struct {
	*ipc.Namespace
	Owner *auth.UserNS
	Ino   uint64

	mqOnce sync.Once
	mq     any // the message queues, of the package that has them
}

// NetNS is a network namespace. What is in it belongs to the socket layer. It ends when no task, no open file and no socket
// has it, and then its interfaces go.
type NetNS struct {
	Owner *auth.UserNS
	Ino   uint64

	refs atomic.Int64

	mu    sync.Mutex
	stuff map[string]any
}

// Hold adds a reference; TryHold does unless the namespace has ended.
func (n *NetNS) Hold() { n.refs.Add(1) }

// TryHold is described at Hold.
func (n *NetNS) TryHold() bool {
	for {
		r := n.refs.Load()
		if r == 0 {
			return false
		}
		if n.refs.CompareAndSwap(r, r+1) {
			return true
		}
	}
}

// Drop drops a reference. With the last the namespace ends.
func (n *NetNS) Drop() {
	if n.refs.Add(-1) == 0 {
		socket.End(n)
	}
}

// hold adds a reference to those namespaces that end, drop drops it.
func (n *Namespaces) hold() {
	n.Mount.Get()
	n.Net.Hold()
}

func (n *Namespaces) drop() {
	n.Mount.Put()
	n.Net.Drop()
}

// Hold is for who makes a copy of a task's set; Drop for who has no use for it.
func (n *Namespaces) Hold() { n.hold() }

// Drop is described at Hold.
func (n *Namespaces) Drop() { n.drop() }

// Get returns what the namespace holds under name, made by make at the first call.
func (n *NetNS) Get(name string, make func() any) any {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.stuff[name]
	if !ok {
		v = make()
		n.stuff[name] = v
	}
	return v
}

// CgroupNS and TimeNS have an identity and nothing else as yet.
type CgroupNS struct {
	Owner *auth.UserNS
	Ino   uint64
}

// TimeNS is a time namespace: there is only the first.
type TimeNS struct{ Ino uint64 }

// Names returns host and domain name.
func (n *UTSNS) Names() (host, domain string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hostname, n.domain
}

// SetHostname is sethostname(2); permission has been checked.
func (n *UTSNS) SetHostname(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hostname = s
}

// SetDomainname is setdomainname(2).
func (n *UTSNS) SetDomainname(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.domain = s
}

func (k *Kernel) newNet(owner *auth.UserNS) *NetNS {
	n := &NetNS{Owner: owner, Ino: k.nsIno.Add(1), stuff: map[string]any{}}
	n.refs.Store(1)
	return n
}

func (k *Kernel) newIPC(owner *auth.UserNS) *IPCNS {
	return &IPCNS{Namespace: ipc.NewNamespace(owner), Owner: owner, Ino: k.nsIno.Add(1)}
}

// newNamespaces makes a full set without mounts, for a new container.
func (k *Kernel) newNamespaces() Namespaces {
	pids, _ := k.newPIDNS(nil, k.UserNS)
	return Namespaces{
		UTS:         &UTSNS{Owner: k.UserNS, Ino: k.nsIno.Add(1), hostname: k.Hostname, domain: "(none)"},
		IPC:         k.newIPC(k.UserNS),
		Net:         k.newNet(k.UserNS),
		PIDChildren: pids,
		Cgroup:      &CgroupNS{Owner: k.UserNS, Ino: k.nsIno.Add(1)},
		Time:        &TimeNS{Ino: k.nsIno.Add(1)},
	}
}

const newNamespaceFlags = linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWCGROUP | linux.CLONE_NEWTIME

// copyNamespaces is copy_namespaces (kernel/nsproxy.c): new ones for the CLONE_NEW flags, owned by
// the user namespace of cred. fs, whose directories are moved into a new mount namespace, is
// the new task's.
func (t *Task) copyNamespaces(flags uint64, c *auth.Cred, fs *vfs.FS) (*Namespaces, linux.Errno) {
	old := t.Namespaces()
	if flags&newNamespaceFlags == 0 {
		old.hold()
		return old, 0
	}
	if !c.Has(linux.CAP_SYS_ADMIN) {
		return nil, linux.EPERM
	}
	if flags&linux.CLONE_NEWTIME != 0 {
		return nil, linux.EINVAL
	}
	n, k, owner := *old, t.k, c.NS
	if flags&linux.CLONE_NEWPID != 0 {
		var errno linux.Errno
		if n.PIDChildren, errno = k.newPIDNS(n.PIDChildren, owner); errno != 0 {
			return nil, errno
		}
	}
	if flags&linux.CLONE_NEWUTS != 0 {
		host, domain := old.UTS.Names()
		n.UTS = &UTSNS{Owner: owner, Ino: k.nsIno.Add(1), hostname: host, domain: domain}
	}
	if flags&linux.CLONE_NEWIPC != 0 {
		n.IPC = k.newIPC(owner)
	}
	if flags&linux.CLONE_NEWNET != 0 {
		n.Net = k.newNet(owner)
	} else {
		n.Net.Hold()
	}
	if flags&linux.CLONE_NEWCGROUP != 0 {
		n.Cgroup = &CgroupNS{Owner: owner, Ino: k.nsIno.Add(1)}
	}
	if flags&linux.CLONE_NEWNS != 0 {
		n.Mount = old.Mount.CloneNS(owner, fs)
	} else {
		n.Mount.Get()
	}
	return &n, 0
}

// Unshare is unshare(2).
func (t *Task) Unshare(flags uint64) linux.Errno {
	const known = linux.CLONE_THREAD | linux.CLONE_FS | linux.CLONE_NEWNS | linux.CLONE_SIGHAND | linux.CLONE_VM | linux.CLONE_FILES |
		linux.CLONE_SYSVSEM | linux.CLONE_NEWUSER | newNamespaceFlags
	if flags&^known != 0 {
		return linux.EINVAL
	}
	if flags&linux.CLONE_NEWUSER != 0 {
		flags |= linux.CLONE_THREAD | linux.CLONE_FS
	}
	if flags&linux.CLONE_VM != 0 {
		flags |= linux.CLONE_SIGHAND
	}
	if flags&linux.CLONE_SIGHAND != 0 {
		flags |= linux.CLONE_THREAD
	}
	if flags&linux.CLONE_NEWNS != 0 {
		flags |= linux.CLONE_FS
	}
	g := t.group
	if flags&(linux.CLONE_THREAD|linux.CLONE_SIGHAND|linux.CLONE_VM) != 0 && g.Threads() > 1 {
		return linux.EINVAL
	}
	if flags&(linux.CLONE_SIGHAND|linux.CLONE_VM) != 0 && g.sighandUsers() > 1 {
		return linux.EINVAL
	}
	if flags&linux.CLONE_VM != 0 && t.MM().Users() > 1 {
		return linux.EINVAL
	}
	c := t.Cred()
	if flags&linux.CLONE_NEWUSER != 0 {
		var errno linux.Errno
		if c, errno = t.newUserNS(c); errno != 0 {
			return errno
		}
	}
	fs := t.FS()
	if flags&linux.CLONE_FS != 0 && fs.Shared() {
		fs = fs.Clone()
	}
	var ns *Namespaces
	if flags&newNamespaceFlags != 0 {
		var errno linux.Errno
		if ns, errno = t.copyNamespaces(flags, c, fs); errno != 0 {
			if fs != t.FS() {
				fs.Put()
			}
			return errno
		}
	}
	t.SetCred(c)
	if fs != t.FS() {
		old := t.fs.Swap(fs)
		old.Put()
	}
	if ns != nil {
		t.ns.Swap(ns).drop()
	}
	if flags&linux.CLONE_FILES != 0 {
		t.unshareFiles()
	}
	if flags&(linux.CLONE_SYSVSEM|linux.CLONE_NEWIPC) != 0 {
		t.exitSem()
	}
	return 0
}

// SetNS publishes changed namespaces: setns(2). The references to those that end are the new
// set's.
func (t *Task) SetNS(n *Namespaces) { t.ns.Swap(n).drop() }

// newUserNS makes the credentials of the creator of a user namespace (create_user_ns): all
// capabilities in it and none outside.
func (t *Task) newUserNS(c *auth.Cred) (*auth.Cred, linux.Errno) {
	if !t.mayMakeUserNS(c) {
		return nil, linux.EPERM
	}
	ns, errno := auth.NewUserNS(c.NS, c.Euid, c.Egid)
	if errno != 0 {
		return nil, errno
	}
	n := c.Clone()
	n.NS = ns
	n.Securebits = 0
	n.Inheritable, n.Ambient = 0, 0
	n.Permitted, n.Effective, n.Bounding = auth.AllCaps, auth.AllCaps, auth.AllCaps
	return n, 0
}

// mayMakeUserNS: the creator's ids must be mapped, and it must not be in a chroot.
func (t *Task) mayMakeUserNS(c *auth.Cred) bool {
	if !c.NS.HasUID(c.Euid) || !c.NS.HasGID(c.Egid) {
		return false
	}
	root, top := t.FS().Root(), t.Namespaces().Mount.Root()
	defer root.Put()
	defer top.Put()
	return root == top
}
