package syscalls

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

func init() {
	register(rows{
		linux.SYS_SEMGET:     {"semget", "hex int oct", semget, ""},
		linux.SYS_SEMOP:      {"semop", "int hex size", semop, ""},
		linux.SYS_SEMTIMEDOP: {"semtimedop", "int hex size ts", semtimedop, ""},
		linux.SYS_SEMCTL:     {"semctl", "int int int hex", semctl, ""},
		linux.SYS_MSGGET:     {"msgget", "hex oct", msgget, ""},
		linux.SYS_MSGSND:     {"msgsnd", "int hex size hex", msgsnd, ""},
		linux.SYS_MSGRCV:     {"msgrcv", "int hex size long hex", msgrcv, ""},
		linux.SYS_MSGCTL:     {"msgctl", "int int hex", msgctl, ""},
		linux.SYS_SHMGET:     {"shmget", "hex size oct", shmget, "no huge pages"},
		linux.SYS_SHMAT:      {"shmat", "int hex hex", shmat, ""},
		linux.SYS_SHMDT:      {"shmdt", "hex", shmdt, ""},
		linux.SYS_SHMCTL:     {"shmctl", "int int hex", shmctl, ""},
	})
}

func ipcOf(t *kernel.Task) *ipc.Namespace { return t.Namespaces().IPC.Namespace }

// semget is semget(2).
func semget(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	id, errno := ipcOf(t).Semget(t, a.Int(0), int(a.Int(1)), a.Uint(2))
	return uintptr(id), errno
}

// semop is semop(2).
func semop(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doSemop(t, a, wait.Forever) }

// semtimedop is semtimedop(2).
func semtimedop(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, _, errno := timeout(t, a.Addr(3))
	if errno != 0 {
		return 0, errno
	}
	return doSemop(t, a, deadline)
}

func doSemop(t *kernel.Task, a Args, deadline time.Time) (uintptr, linux.Errno) {
	n := a.Size(2)
	switch {
	case n < 1 || a.Int(0) < 0:
		return 0, linux.EINVAL
	case n > ipcOf(t).Limits.SemOpm.Load():
		return 0, linux.E2BIG
	}
	ops, errno := usermem.CopyInSlice[linux.Sembuf](t.Space(), a.Addr(1), int(n))
	if errno != 0 {
		return 0, errno
	}
	var undo *ipc.Undo
	for i := range ops {
		if ops[i].Flg&linux.SEM_UNDO != 0 {
			undo = t.SemUndo()
		}
	}
	errno = ipcOf(t).Semop(t, a.Int(0), ops, deadline, undo)
	switch errno {
	case linux.ERESTARTSYS:
		errno = linux.EINTR
	case linux.ETIMEDOUT:
		errno = linux.EAGAIN
	}
	return 0, errno
}

// semctl is semctl(2).
func semctl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	ns, s, id, n, cmd := ipcOf(t), t.Space(), a.Int(0), int(a.Int(1)), int(a.Int(2))&^linux.IPC_64
	if id < 0 {
		return 0, linux.EINVAL
	}
	switch cmd {
	case linux.IPC_INFO, linux.SEM_INFO:
		info, top := ns.SemInfo(cmd == linux.SEM_INFO)
		return uintptr(top), usermem.CopyOut(s, a.Addr(3), &info)
	case linux.IPC_STAT, linux.SEM_STAT, linux.SEM_STAT_ANY:
		ds, got, errno := ns.SemStat(t, id, cmd != linux.IPC_STAT, cmd == linux.SEM_STAT_ANY)
		if errno != 0 {
			return 0, errno
		}
		if cmd == linux.IPC_STAT {
			got = 0
		}
		return uintptr(got), usermem.CopyOut(s, a.Addr(3), &ds)
	case linux.IPC_SET:
		ds, errno := usermem.CopyIn[linux.SemidDS](s, a.Addr(3))
		if errno != 0 {
			return 0, errno
		}
		u, g, errno := ipcOwner(t, ds.Perm.UID, ds.Perm.GID)
		if errno != 0 {
			return 0, errno
		}
		return ret(ns.SemSet(t, id, u, g, uint32(ds.Perm.Mode)))
	case linux.IPC_RMID:
		return ret(ns.SemRemove(t, id))
	case linux.GETALL:
		v, errno := ns.SemValues(t, id)
		if errno != 0 {
			return 0, errno
		}
		return ret(usermem.CopyOutInts(s, a.Addr(3), v))
	case linux.SETALL:
		count, errno := ns.SemCount(t, id)
		if errno != 0 {
			return 0, errno
		}
		v, errno := usermem.CopyInInts[uint16](s, a.Addr(3), count)
		if errno != 0 {
			return 0, errno
		}
		return ret(ns.SemSetValues(t, id, -1, v))
	case linux.SETVAL:
		if v := a.Int(3); v < 0 || v > 32767 {
			return 0, linux.ERANGE
		}
		if n < 0 {
			return 0, linux.EINVAL
		}
		return ret(ns.SemSetValues(t, id, n, []uint16{uint16(a.Int(3))}))
	case linux.GETVAL, linux.GETPID, linux.GETNCNT, linux.GETZCNT:
		v, errno := ns.SemValue(t, id, n, cmd)
		return uintptr(v), errno
	}
	return 0, linux.EINVAL
}

// ipcOwner maps the ids of an IPC_SET.
func ipcOwner(t *kernel.Task, uid, gid uint32) (auth.UID, auth.GID, linux.Errno) {
	ns := t.Cred().NS
	u, uok := ns.ToKernelUID(uid)
	g, gok := ns.ToKernelGID(gid)
	if !uok || !gok {
		return 0, 0, linux.EINVAL
	}
	return u, g, 0
}

// msgget is msgget(2).
func msgget(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	id, errno := ipcOf(t).Msgget(t, a.Int(0), a.Uint(1))
	return uintptr(id), errno
}

// msgsnd is msgsnd(2).
func msgsnd(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	typ, errno := usermem.CopyInInt[int64](t.Space(), a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	if n := a.Size(2); n > ipcOf(t).Limits.MsgMax.Load() || a.Int(0) < 0 || typ < 1 {
		return 0, linux.EINVAL
	}
	b := make([]byte, a.Size(2))
	if _, errno := t.Space().CopyIn(a.Addr(1)+8, b); errno != 0 {
		return 0, errno
	}
	errno = ipcOf(t).Msgsnd(t, a.Int(0), ipc.Message{Type: typ, Data: b}, a.Uint(3))
	if errno == linux.ERESTARTSYS {
		errno = linux.ERESTARTNOHAND
	}
	return 0, errno
}

// msgrcv is msgrcv(2).
func msgrcv(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if int64(a.Size(2)) < 0 || a.Int(0) < 0 {
		return 0, linux.EINVAL
	}
	m, errno := ipcOf(t).Msgrcv(t, a.Int(0), a.Size(2), a.Long(3), a.Uint(4))
	if errno != 0 {
		if errno == linux.ERESTARTSYS {
			errno = linux.ERESTARTNOHAND
		}
		return 0, errno
	}
	if errno := usermem.CopyOutInt(t.Space(), a.Addr(1), m.Type); errno != 0 {
		return 0, errno
	}
	_, errno = t.Space().CopyOut(a.Addr(1)+8, m.Data)
	return uintptr(len(m.Data)), errno
}

// msgctl is msgctl(2).
func msgctl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	ns, s, id, cmd := ipcOf(t), t.Space(), a.Int(0), int(a.Int(1))&^linux.IPC_64
	if id < 0 || cmd < 0 {
		return 0, linux.EINVAL
	}
	switch cmd {
	case linux.IPC_INFO, linux.MSG_INFO:
		info, top := ns.MsgInfo(cmd == linux.MSG_INFO)
		return uintptr(top), usermem.CopyOut(s, a.Addr(2), &info)
	case linux.IPC_STAT, linux.MSG_STAT, linux.MSG_STAT_ANY:
		ds, got, errno := ns.MsgStat(t, id, cmd != linux.IPC_STAT, cmd == linux.MSG_STAT_ANY)
		if errno != 0 {
			return 0, errno
		}
		if cmd == linux.IPC_STAT {
			got = 0
		}
		return uintptr(got), usermem.CopyOut(s, a.Addr(2), &ds)
	case linux.IPC_SET:
		ds, errno := usermem.CopyIn[linux.MsqidDS](s, a.Addr(2))
		if errno != 0 {
			return 0, errno
		}
		u, g, errno := ipcOwner(t, ds.Perm.UID, ds.Perm.GID)
		if errno != 0 {
			return 0, errno
		}
		return ret(ns.MsgSet(t, id, u, g, uint32(ds.Perm.Mode), ds.Qbytes))
	case linux.IPC_RMID:
		return ret(ns.MsgRemove(t, id))
	}
	return 0, linux.EINVAL
}

// shmget is shmget(2).
func shmget(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	id, errno := ipcOf(t).Shmget(t, a.Int(0), a.Size(1), a.Uint(2), t.Kernel().Pool)
	return uintptr(id), errno
}

// shmLBA is SHMLBA.
const shmLBA = usermem.PageSize

// shmat is shmat(2).
func shmat(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	addr, flags := a.Addr(1), a.Uint(2)
	if a.Int(0) < 0 {
		return 0, linux.EINVAL
	}
	mf := uint32(linux.MAP_SHARED)
	if addr != 0 {
		if addr.PageOffset() != 0 {
			if flags&linux.SHM_RND == 0 {
				return 0, linux.EINVAL
			}
			addr = addr.PageDown()
			if addr == 0 && flags&linux.SHM_REMAP != 0 {
				return 0, linux.EINVAL
			}
		}
		mf |= linux.MAP_FIXED
		if flags&linux.SHM_REMAP == 0 {
			mf |= linux.MAP_FIXED_NOREPLACE
		}
	} else if flags&linux.SHM_REMAP != 0 {
		return 0, linux.EINVAL
	}
	seg, errno := ipcOf(t).Attach(t, a.Int(0), flags&linux.SHM_RDONLY != 0, flags&linux.SHM_EXEC != 0)
	if errno != 0 {
		return 0, errno
	}
	prot := uint32(linux.PROT_READ)
	if flags&linux.SHM_RDONLY == 0 {
		prot |= linux.PROT_WRITE
	}
	if flags&linux.SHM_EXEC != 0 {
		prot |= linux.PROT_EXEC
	}
	at, errno := t.MM().Map(mm.MapArgs{
		Addr: addr, Len: max(seg.Size(), 1), Prot: prot, Flags: mf, File: seg, Mappable: seg, Readable: true, Writable: flags&linux.SHM_RDONLY == 0,
	})
	if errno == linux.EEXIST {
		errno = linux.EINVAL
	}
	seg.Put() // the area holds one of its own
	if errno != 0 {
		return 0, errno
	}
	t.ShmAttached(at, seg)
	return uintptr(at), 0
}

// shmdt is shmdt(2).
func shmdt(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Addr(0).PageOffset() != 0 {
		return 0, linux.EINVAL
	}
	seg, errno := t.ShmDetach(a.Addr(0))
	if errno != 0 {
		return 0, errno
	}
	n, _ := usermem.PageUp(seg.Size())
	seg.Detached(t)
	return ret(t.MM().Unmap(a.Addr(0), max(n, usermem.PageSize)))
}

// shmctl is shmctl(2).
func shmctl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	ns, s, id, cmd := ipcOf(t), t.Space(), a.Int(0), int(a.Int(1))&^linux.IPC_64
	if id < 0 || cmd < 0 {
		return 0, linux.EINVAL
	}
	switch cmd {
	case linux.IPC_INFO:
		info, top := ns.ShmLimits()
		return uintptr(top), usermem.CopyOut(s, a.Addr(2), &info)
	case linux.SHM_INFO:
		info, top := ns.ShmUsage()
		return uintptr(top), usermem.CopyOut(s, a.Addr(2), &info)
	case linux.IPC_STAT, linux.SHM_STAT, linux.SHM_STAT_ANY:
		ds, got, errno := ns.ShmStat(t, id, cmd != linux.IPC_STAT, cmd == linux.SHM_STAT_ANY)
		if errno != 0 {
			return 0, errno
		}
		if cmd == linux.IPC_STAT {
			got = 0
		}
		return uintptr(got), usermem.CopyOut(s, a.Addr(2), &ds)
	case linux.IPC_SET:
		ds, errno := usermem.CopyIn[linux.ShmidDS](s, a.Addr(2))
		if errno != 0 {
			return 0, errno
		}
		u, g, errno := ipcOwner(t, ds.Perm.UID, ds.Perm.GID)
		if errno != 0 {
			return 0, errno
		}
		return ret(ns.ShmSet(t, id, u, g, uint32(ds.Perm.Mode)))
	case linux.IPC_RMID:
		return ret(ns.ShmRemove(t, id))
	case linux.SHM_LOCK, linux.SHM_UNLOCK:
		return ret(ns.ShmLock(t, id, cmd == linux.SHM_LOCK))
	}
	return 0, linux.EINVAL
}
