package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Call is a row of the table of allowed host system calls.
type Call struct {
	Name string
	No   uint32
	// Any lists when the call is allowed: if all checks of one of them hold. None: always.
	Any []Checks
}

// Checks must all hold.
type Checks []Check

// Check says that argument Arg, under Mask, is Value; or, with Self, the id of the process
// that seals itself.
type Check struct {
	Arg   int
	Mask  uint64
	Value uint64
	Self  bool
}

// Int checks an argument of which the host looks at the lower 32 bits.
func Int(arg int, value uint32) Check { return Check{Arg: arg, Mask: 1<<32 - 1, Value: uint64(value)} }

// Long checks all 64 bits of an argument.
func Long(arg int, value uint64) Check { return Check{Arg: arg, Mask: ^uint64(0), Value: value} }

// Clear checks that an argument has none of the bits.
func Clear(arg int, bits uint64) Check { return Check{Arg: arg, Mask: bits} }

// OneOf makes the alternatives in which argument arg is one of the values.
func OneOf(arg int, values ...uint32) []Checks {
	out := make([]Checks, len(values))
	for i, v := range values {
		out[i] = Checks{Int(arg, v)}
	}
	return out
}

// goThread are the flags with which the Go runtime makes a thread (runtime/os_linux.go,
// clone in runtime/sys_linux_amd64.s).
const goThread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD | unix.CLONE_SETTLS

// Policy is what the sealed sentry may ask of the host on every platform; platforms have rows
// of their own. Nothing in it opens a file or makes a socket by name, or starts a program.
func Policy() []Call {
	files := []Call{
		// The functions of this package: files that came as descriptors.
		{"read", linux.SYS_READ, nil},
		{"write", linux.SYS_WRITE, nil},
		{"readv", linux.SYS_READV, nil},
		{"writev", linux.SYS_WRITEV, nil},
		{"pread64", linux.SYS_PREAD64, nil},
		{"pwrite64", linux.SYS_PWRITE64, nil},
		{"preadv", linux.SYS_PREADV, nil},
		{"pwritev", linux.SYS_PWRITEV, nil},
		{"lseek", linux.SYS_LSEEK, nil},
		{"fstat", linux.SYS_FSTAT, nil},
		{"fstatfs", linux.SYS_FSTATFS, nil},
		{"ftruncate", linux.SYS_FTRUNCATE, nil},
		{"fallocate", linux.SYS_FALLOCATE, nil},
		{"fadvise64", linux.SYS_FADVISE64, nil},
		{"fsync", linux.SYS_FSYNC, nil},
		{"fdatasync", linux.SYS_FDATASYNC, nil},
		{"sync_file_range", linux.SYS_SYNC_FILE_RANGE, nil},
		{"copy_file_range", linux.SYS_COPY_FILE_RANGE, nil},
		{"close", linux.SYS_CLOSE, nil},
		{"fcntl", linux.SYS_FCNTL, OneOf(1, unix.F_GETFL, unix.F_SETFL, unix.F_DUPFD_CLOEXEC)},
		{"ioctl", linux.SYS_IOCTL, OneOf(1, unix.TCGETS, unix.TCSETS, unix.TCSETSW, unix.TCSETSF,
			unix.TIOCGWINSZ, unix.TIOCSWINSZ, unix.TIOCINQ)},
		// Sockets that came as descriptors.
		{"sendmsg", linux.SYS_SENDMSG, nil},
		{"recvmsg", linux.SYS_RECVMSG, nil},
		{"recvmmsg", linux.SYS_RECVMMSG, nil},
		{"accept4", linux.SYS_ACCEPT4, nil},
		{"shutdown", linux.SYS_SHUTDOWN, nil},
		{"getsockopt", linux.SYS_GETSOCKOPT, []Checks{{Int(1, unix.SOL_SOCKET), Int(2, unix.SO_ERROR)}}},
		// Waiting, time, randomness.
		{"ppoll", linux.SYS_PPOLL, nil},
		{"clock_gettime", linux.SYS_CLOCK_GETTIME, nil},
		{"getrandom", linux.SYS_GETRANDOM, nil},
	}
	return append(files, Runtime()...)
}

// Runtime is what a Go program needs of the host once it runs, whatever it does.
func Runtime() []Call {
	var (
		noExec = []Checks{{Clear(2, unix.PROT_EXEC)}}
		self   = []Checks{{Check{Arg: 0, Mask: 1<<32 - 1, Self: true}}}
	)
	return []Call{
		// Its own memory: never executable.
		{"mmap", linux.SYS_MMAP, noExec},
		{"mprotect", linux.SYS_MPROTECT, noExec},
		{"munmap", linux.SYS_MUNMAP, nil},
		{"madvise", linux.SYS_MADVISE, nil},
		{"mincore", linux.SYS_MINCORE, nil},
		// Threads and signals.
		{"futex", linux.SYS_FUTEX, OneOf(1, futexWait, futexWake, futexWait|futexPrivate, futexWake|futexPrivate)},
		{"clone", linux.SYS_CLONE, []Checks{{Long(0, goThread)}}},
		{"exit", linux.SYS_EXIT, nil},
		{"exit_group", linux.SYS_EXIT_GROUP, nil},
		{"sched_yield", linux.SYS_SCHED_YIELD, nil},
		{"sched_getaffinity", linux.SYS_SCHED_GETAFFINITY, nil},
		{"nanosleep", linux.SYS_NANOSLEEP, nil},
		{"restart_syscall", linux.SYS_RESTART_SYSCALL, nil},
		{"sigaltstack", linux.SYS_SIGALTSTACK, nil},
		{"rt_sigaction", linux.SYS_RT_SIGACTION, nil},
		{"rt_sigprocmask", linux.SYS_RT_SIGPROCMASK, nil},
		{"rt_sigreturn", linux.SYS_RT_SIGRETURN, nil},
		{"getpid", linux.SYS_GETPID, nil},
		{"gettid", linux.SYS_GETTID, nil},
		{"tgkill", linux.SYS_TGKILL, self},
		{"eventfd2", linux.SYS_EVENTFD2, nil},
		{"read", linux.SYS_READ, nil}, // of that descriptor; write, too
		{"write", linux.SYS_WRITE, nil},
		{"epoll_create1", linux.SYS_EPOLL_CREATE1, nil},
		{"epoll_ctl", linux.SYS_EPOLL_CTL, nil},
		{"epoll_wait", linux.SYS_EPOLL_WAIT, nil},
		{"epoll_pwait", linux.SYS_EPOLL_PWAIT, nil},
		{"prctl", linux.SYS_PRCTL, []Checks{{Int(0, unix.PR_SET_VMA), Long(1, unix.PR_SET_VMA_ANON_NAME)}}},
	}
}

// Operations of futex(2).
const (
	futexWait    = 0
	futexWake    = 1
	futexPrivate = 128
)
