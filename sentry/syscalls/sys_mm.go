package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	register(rows{
		linux.SYS_MMAP:              {"mmap", "hex size prot map fd off", mmap, ""},
		linux.SYS_MUNMAP:            {"munmap", "hex size", munmap, ""},
		linux.SYS_MPROTECT:          {"mprotect", "hex size prot", mprotect, ""},
		linux.SYS_PKEY_MPROTECT:     {"pkey_mprotect", "hex size prot int", pkeyMprotect, "only key -1: there are no others"},
		linux.SYS_PKEY_ALLOC:        {"pkey_alloc", "hex hex", pkeyAlloc, "no keys: ENOSPC, as without the feature"},
		linux.SYS_PKEY_FREE:         {"pkey_free", "int", pkeyFree, "no keys: EINVAL"},
		linux.SYS_MREMAP:            {"mremap", "hex size size hex hex", mremap, ""},
		linux.SYS_BRK:               {"brk", "hex", brk, ""},
		linux.SYS_MADVISE:           {"madvise", "hex size int", madvise, ""},
		linux.SYS_PROCESS_MADVISE:   {"process_madvise", "fd iov int int hex", processMadvise, ""},
		linux.SYS_MSYNC:             {"msync", "hex size hex", msync, ""},
		linux.SYS_MINCORE:           {"mincore", "hex size hex", mincore, "pages of files always count as resident"},
		linux.SYS_MLOCK:             {"mlock", "hex size", mlock, ""},
		linux.SYS_MLOCK2:            {"mlock2", "hex size hex", mlock2, ""},
		linux.SYS_MUNLOCK:           {"munlock", "hex size", munlock, ""},
		linux.SYS_MLOCKALL:          {"mlockall", "hex", mlockall, ""},
		linux.SYS_MUNLOCKALL:        {"munlockall", "", munlockall, ""},
		linux.SYS_MSEAL:             {"mseal", "hex size hex", mseal, ""},
		linux.SYS_REMAP_FILE_PAGES:  {"remap_file_pages", "hex size prot size hex", remapFilePages, ""},
		linux.SYS_MEMBARRIER:        {"membarrier", "int hex int", membarrier, ""},
		linux.SYS_PROCESS_VM_READV:  {"process_vm_readv", "pid hex long hex long hex", processVMReadv, ""},
		linux.SYS_PROCESS_VM_WRITEV: {"process_vm_writev", "pid hex long hex long hex", processVMWritev, ""},
		linux.SYS_PROCESS_MRELEASE:  {"process_mrelease", "fd hex", processMrelease, ""},
		linux.SYS_MBIND:             {"mbind", "hex size int hex long hex", mbind, "one node: the policy has no effect"},
		linux.SYS_SET_MEMPOLICY:     {"set_mempolicy", "int hex long", setMempolicy, "one node: the policy has no effect"},
		linux.SYS_GET_MEMPOLICY:     {"get_mempolicy", "hex hex long hex hex", getMempolicy, "one node: always the default policy"},
	})
}

// mmap is mmap(2).
func mmap(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	m := mm.MapArgs{Addr: a.Addr(0), Len: a.Size(1), Prot: a.Uint(2), Flags: a.Uint(3), Off: a[5]}
	if m.Off&usermem.PageMask != 0 {
		return 0, linux.EINVAL
	}
	if m.Flags&linux.MAP_ANONYMOUS == 0 {
		f, errno := t.File(a.Int(4))
		if errno != 0 {
			return 0, errno
		}
		defer f.Put()
		if errno := f.Mmap(t, &m); errno != 0 {
			return 0, errno
		}
	}
	addr, errno := t.MM().Map(m)
	return uintptr(addr), errno
}

// munmap is munmap(2).
func munmap(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Unmap(a.Addr(0), a.Size(1)))
}

// mprotect is mprotect(2).
func mprotect(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Protect(a.Addr(0), a.Size(1), a.Uint(2)))
}

// pkeyMprotect is pkey_mprotect(2).
func pkeyMprotect(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(3) != -1 {
		return 0, linux.EINVAL
	}
	return mprotect(t, a)
}

// pkeyAlloc is pkey_alloc(2).
func pkeyAlloc(_ *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(0) != 0 || a.Size(1)&^3 != 0 {
		return 0, linux.EINVAL
	}
	return 0, linux.ENOSPC
}

// pkeyFree is pkey_free(2).
func pkeyFree(*kernel.Task, Args) (uintptr, linux.Errno) { return 0, linux.EINVAL }

// mremap is mremap(2).
func mremap(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	addr, errno := t.MM().Remap(a.Addr(0), a.Size(1), a.Size(2), a.Uint(3), a.Addr(4))
	return uintptr(addr), errno
}

// brk is the system call under brk(2): it returns the end of the heap.
func brk(t *kernel.Task, a Args) (uintptr, linux.Errno) { return uintptr(t.MM().Brk(a.Addr(0))), 0 }

// madvise is madvise(2).
func madvise(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Advise(a.Addr(0), a.Size(1), int(a.Int(2))))
}

// processMadvise is process_madvise(2).
func processMadvise(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(4) != 0 {
		return 0, linux.EINVAL
	}
	ranges, errno := t.Space().CopyInRanges(a.Addr(1), int(min(a.Size(2), 1<<20)))
	if errno != 0 {
		return 0, errno
	}
	p, errno := pidfd(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	o := p.Task(t.Kernel())
	if o == nil {
		return 0, linux.ESRCH
	}
	switch int(a.Int(3)) {
	case linux.MADV_COLD, linux.MADV_PAGEOUT, linux.MADV_WILLNEED, linux.MADV_COLLAPSE:
	default:
		if o.Group() != t.Group() {
			return 0, linux.EINVAL
		}
	}
	if !t.MayAccess(o, false) {
		return 0, linux.EPERM
	}
	m := o.GetMM()
	if m == nil {
		return 0, linux.ESRCH
	}
	defer m.Put()
	done := uintptr(0)
	for _, r := range ranges {
		if errno := m.Advise(r.Start, r.Len(), int(a.Int(3))); errno != 0 {
			if done > 0 {
				return done, 0
			}
			return 0, errno
		}
		done += uintptr(r.Len())
	}
	return done, 0
}

// msync is msync(2).
func msync(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Sync(a.Addr(0), a.Size(1), a.Uint(2)))
}

// mincore is mincore(2).
func mincore(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	addr, n := a.Addr(0), a.Size(1)
	if !addr.Aligned() {
		return 0, linux.EINVAL
	}
	end, ok := addr.Add(n)
	if !ok || end > userEnd {
		return 0, linux.ENOMEM
	}
	pages := (n + usermem.PageMask) >> usermem.PageShift
	dst := a.Addr(2)
	for pages > 0 {
		b := make([]byte, min(pages, usermem.PageSize))
		if errno := t.MM().Incore(addr, b); errno != 0 {
			return 0, errno
		}
		if _, errno := t.Space().CopyOut(dst, b); errno != 0 {
			return 0, errno
		}
		addr, dst, pages = addr+usermem.Addr(len(b)<<usermem.PageShift), dst+usermem.Addr(len(b)), pages-uint64(len(b))
	}
	return 0, 0
}

// mlock is mlock(2).
func mlock(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Lock(a.Addr(0), a.Size(1), 0))
}

// mlock2 is mlock2(2).
func mlock2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(2)&^linux.MLOCK_ONFAULT != 0 {
		return 0, linux.EINVAL
	}
	return ret(t.MM().Lock(a.Addr(0), a.Size(1), a.Uint(2)))
}

// munlock is munlock(2).
func munlock(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Unlock(a.Addr(0), a.Size(1)))
}

// mlockall is mlockall(2).
func mlockall(t *kernel.Task, a Args) (uintptr, linux.Errno) { return ret(t.MM().LockAll(a.Uint(0))) }

// munlockall is munlockall(2).
func munlockall(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return ret(t.MM().UnlockAll()) }

// mseal is mseal(2).
func mseal(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().Seal(a.Addr(0), a.Size(1), a.Size(2)))
}

// remapFilePages is remap_file_pages(2).
func remapFilePages(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.MM().RemapFilePages(a.Addr(0), a.Size(1), a.Uint(2), a.Size(3), a.Uint(4)))
}

// Commands of membarrier(2).
const (
	membarrierQuery               = 0
	membarrierGlobal              = 1
	membarrierGlobalExpedited     = 2
	membarrierRegisterGlobal      = 4
	membarrierPrivateExpedited    = 8
	membarrierRegisterPrivate     = 16
	membarrierPrivateSyncCore     = 32
	membarrierRegisterPrivateSync = 64
	membarrierGetRegistrations    = 512
	membarrierAll                 = membarrierGlobal | membarrierGlobalExpedited | membarrierRegisterGlobal | membarrierPrivateExpedited |
		membarrierRegisterPrivate | membarrierPrivateSyncCore | membarrierRegisterPrivateSync | membarrierGetRegistrations
)

// membarrier is membarrier(2): every other thread concerned is made to leave application code
// once, which is a barrier.
func membarrier(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(1) != 0 { // MEMBARRIER_CMD_FLAG_CPU is for rseq(2)
		return 0, linux.EINVAL
	}
	need := uint32(membarrierRegisterPrivate)
	switch cmd := a.Int(0); cmd {
	case membarrierQuery:
		return membarrierAll, 0
	case membarrierGlobal:
		t.Barrier(true, 0)
		return 0, 0
	case membarrierGlobalExpedited:
		t.Barrier(false, membarrierRegisterGlobal)
		return 0, 0
	case membarrierRegisterGlobal, membarrierRegisterPrivate, membarrierRegisterPrivateSync:
		t.Group().RegisterBarrier(uint32(cmd))
		return 0, 0
	case membarrierPrivateExpedited:
	case membarrierPrivateSyncCore:
		need = membarrierRegisterPrivateSync
	case membarrierGetRegistrations:
		return uintptr(t.Group().Barriers()), 0
	default:
		return 0, linux.EINVAL
	}
	if t.Group().Barriers()&need == 0 {
		return 0, linux.EPERM
	}
	t.Barrier(false, 0)
	return 0, 0
}

// processVMReadv is process_vm_readv(2).
func processVMReadv(t *kernel.Task, a Args) (uintptr, linux.Errno) { return processVM(t, a, false) }

// processVMWritev is process_vm_writev(2).
func processVMWritev(t *kernel.Task, a Args) (uintptr, linux.Errno) { return processVM(t, a, true) }

// processVM copies between the caller's memory and another's, as far as it goes.
func processVM(t *kernel.Task, a Args, write bool) (uintptr, linux.Errno) {
	if a.Size(5) != 0 {
		return 0, linux.EINVAL
	}
	local, errno := t.Space().CopyInVec(a.Addr(1), int(min(a.Size(2), 1<<20)))
	if errno != 0 {
		return 0, errno
	}
	remote, errno := t.Space().CopyInRanges(a.Addr(3), int(min(a.Size(4), 1<<20)))
	if errno != 0 {
		return 0, errno
	}
	o := t.Kernel().TaskIn(t.PIDNS(), a.Int(0))
	if o == nil {
		return 0, linux.ESRCH
	}
	if !t.MayAccess(o, true) {
		return 0, linux.EPERM
	}
	m := o.GetMM()
	if m == nil {
		return 0, linux.ESRCH
	}
	defer m.Put()
	other := usermem.NewVec(m.Space(), remote)
	total := 0
	b := make([]byte, 64<<10)
	for local.Len() > 0 && other.Len() > 0 {
		from, to := &other, &local
		if write {
			from, to = to, from
		}
		n, errno := from.CopyIn(b[:min(len(b), local.Len(), other.Len())])
		if n > 0 {
			n, errno = to.CopyOut(b[:n])
			total += n
		}
		if errno != 0 {
			if total == 0 {
				return 0, errno
			}
			break
		}
	}
	return uintptr(total), 0
}

// processMrelease is process_mrelease(2): a dying process gives its memory back by itself here.
func processMrelease(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(1) != 0 {
		return 0, linux.EINVAL
	}
	p, errno := pidfd(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	o := p.Task(t.Kernel())
	if o == nil || o.MM() == nil {
		return 0, linux.ESRCH
	}
	if !o.Group().Exiting() {
		return 0, linux.EINVAL
	}
	return 0, 0
}

// Modes of mbind(2) and set_mempolicy(2).
const (
	mpolDefault      = 0
	mpolMax          = 6
	mpolModeFlags    = 0xe000
	mpolFlagNode     = 1
	mpolFlagAddr     = 2
	mpolFlagMemsAlwd = 4
)

func checkMempolicy(mode int32) linux.Errno {
	if mode&^mpolModeFlags < 0 || mode&^mpolModeFlags > mpolMax {
		return linux.EINVAL
	}
	return 0
}

// mbind is mbind(2).
func mbind(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if !a.Addr(0).Aligned() || a.Uint(5)&^7 != 0 {
		return 0, linux.EINVAL
	}
	return ret(checkMempolicy(a.Int(2)))
}

// setMempolicy is set_mempolicy(2).
func setMempolicy(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(checkMempolicy(a.Int(0)))
}

// getMempolicy is get_mempolicy(2).
func getMempolicy(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags, s := a.Uint(4), t.Space()
	if flags&^(mpolFlagNode|mpolFlagAddr|mpolFlagMemsAlwd) != 0 || flags&mpolFlagAddr == 0 && a.Addr(3) != 0 {
		return 0, linux.EINVAL
	}
	if p := a.Addr(0); p != 0 {
		if errno := usermem.CopyOutInt(s, p, int32(mpolDefault)); errno != 0 {
			return 0, errno
		}
	}
	if p := a.Addr(1); p != 0 {
		n := (a.Size(2) + 63) / 64 * 8
		if n > usermem.PageSize {
			return 0, linux.EINVAL
		}
		mask := make([]byte, n)
		if n > 0 && flags&mpolFlagMemsAlwd != 0 {
			mask[0] = 1
		}
		if _, errno := s.CopyOut(p, mask); errno != 0 {
			return 0, errno
		}
	}
	return 0, 0
}
