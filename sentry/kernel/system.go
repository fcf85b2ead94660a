package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// SharedMemory is how many bytes of memory are shared (tmpfs, memfd, System V).
func (k *Kernel) SharedMemory() uint64 { return k.Pool.Used(pages.Shmem) }

// Reboot ends a PID namespace as if its init had been killed by signo.
func (k *Kernel) Reboot(ns *PIDNS, signo int) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	if ns.init == nil {
		return
	}
	ns.init.mu.Lock()
	defer ns.init.mu.Unlock()
	ns.init.exitGroupLocked(uint32(signo), nil)
}

// FSType is a file system that mount(2) can make.
type FSType struct {
	Name string
	// Nodev says that it needs no device, as /proc/filesystems shows.
	Nodev bool
	// UserNS says that the root of a user namespace may mount it (FS_USERNS_MOUNT).
	UserNS bool
	// Owner is the user namespace that the caller must administer to mount it beside its own: that of
	// the namespace it would show. nil: none.
	Owner func(n *Namespaces) *auth.UserNS
	// Reveals says that it shows the kernel, so that a user namespace may mount it only where an
	// unrestricted mount of it can be seen already (SB_I_USERNS_VISIBLE).
	Reveals bool
	// Param checks an option for fsconfig(2), flag without a value; known is false for others. nil: any
	// option is taken, and judged when the file system is made.
	Param func(key, value string, flag bool) (known bool, errno linux.Errno)
	Mount func(t *Task, source, data string) (*vfs.Super, linux.Errno)
}

// RegisterFS adds a file system; start-up only.
func (k *Kernel) RegisterFS(f FSType) { k.fsTypes = append(k.fsTypes, f) }

// FS finds a file system by name: ENODEV.
func (k *Kernel) FS(name string) (*FSType, linux.Errno) {
	for i := range k.fsTypes {
		if k.fsTypes[i].Name == name {
			return &k.fsTypes[i], 0
		}
	}
	return nil, linux.ENODEV
}

// Filesystems are the names, in the order of /proc/filesystems.
func (k *Kernel) Filesystems() (names []string) {
	for _, f := range k.fsTypes {
		names = append(names, f.Name)
	}
	return names
}

// FSTypes are the file systems.
func (k *Kernel) FSTypes() []FSType { return k.fsTypes }

// EachFS calls f for the FS of every task: pivot_root(2) moves them.
func (k *Kernel) EachFS(f func(*vfs.FS)) {
	k.tasks.RLock()
	defer k.tasks.RUnlock()
	for _, p := range k.InitNS.PIDChildren.pids {
		if p.task == nil {
			continue
		}
		if fs := p.task.FS(); fs != nil {
			f(fs)
		}
	}
}
