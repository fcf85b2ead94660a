package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/eventfd"
	"github.com/seed-7423c386/runsc/sentry/fs/pipe"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	register(rows{
		linux.SYS_PIPE:         {"pipe", "hex", pipeCall, ""},
		linux.SYS_PIPE2:        {"pipe2", "hex open", pipe2, ""},
		linux.SYS_EVENTFD:      {"eventfd", "uint", eventfdCall, ""},
		linux.SYS_EVENTFD2:     {"eventfd2", "uint hex", eventfd2, ""},
		linux.SYS_MEMFD_CREATE: {"memfd_create", "str hex", memfdCreate, "no huge pages: MFD_HUGETLB is ENOSYS"},
	})
}

// pipeCall is pipe(2).
func pipeCall(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doPipe(t, a.Addr(0), 0) }

// pipe2 is pipe2(2).
func pipe2(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doPipe(t, a.Addr(0), a.Uint(1)) }

func doPipe(t *kernel.Task, addr usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK|linux.O_DIRECT) != 0 {
		return 0, linux.EINVAL
	}
	r, w := pipe.New(t, flags&^linux.O_CLOEXEC)
	rfd, errno := t.Install(r, flags&linux.O_CLOEXEC != 0)
	if errno != 0 {
		w.Put()
		return 0, errno
	}
	wfd, errno := t.Install(w, flags&linux.O_CLOEXEC != 0)
	if errno == 0 {
		errno = usermem.CopyOutInts(t.Space(), addr, []int32{rfd, wfd})
		if errno != 0 {
			t.Files().Close(t, wfd)
		}
	}
	if errno != 0 {
		t.Files().Close(t, rfd)
	}
	return 0, errno
}

// efdSemaphore is eventfd2(2)'s EFD_SEMAPHORE.
const efdSemaphore = 1

// eventfdCall is the call without flags.
func eventfdCall(t *kernel.Task, a Args) (uintptr, linux.Errno) { return doEventfd(t, a.Uint(0), 0) }

// eventfd2 is eventfd(2).
func eventfd2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return doEventfd(t, a.Uint(0), a.Uint(1))
}

func doEventfd(t *kernel.Task, count, flags uint32) (uintptr, linux.Errno) {
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK|efdSemaphore) != 0 {
		return 0, linux.EINVAL
	}
	f := eventfd.New(t, uint64(count), flags&efdSemaphore != 0, flags&linux.O_NONBLOCK)
	fd, errno := t.Install(f, flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

// Flags of memfd_create(2).
const (
	mfdCloexec      = 1
	mfdAllowSealing = 2
	mfdHugetlb      = 4
	mfdNoexecSeal   = 8
	mfdExec         = 16
)

// memfdCreate is memfd_create(2).
func memfdCreate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(1)
	if flags&mfdHugetlb != 0 {
		return 0, linux.ENOSYS
	}
	if flags&^(mfdCloexec|mfdAllowSealing|mfdNoexecSeal|mfdExec) != 0 || flags&(mfdExec|mfdNoexecSeal) == mfdExec|mfdNoexecSeal {
		return 0, linux.EINVAL
	}
	const longest = linux.NAME_MAX - len("memfd:")
	name, errno := t.Space().CopyInString(a.Addr(0), longest+1)
	if errno == linux.ENAMETOOLONG {
		errno = linux.EINVAL
	}
	if errno != 0 {
		return 0, errno
	}
	mode := uint32(0o777)
	if flags&mfdNoexecSeal != 0 {
		mode = 0o666
		flags |= mfdAllowSealing
	}
	f, errno := t.Kernel().Memfds.New(t, name, mode, flags&mfdAllowSealing != 0)
	if errno != 0 {
		return 0, errno
	}
	fd, errno := t.Install(f, flags&mfdCloexec != 0)
	return uintptr(fd), errno
}
