package syscalls

import (
	"encoding/binary"
	"strconv"

	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// straceKinds are the words of Row.Format: how an argument of that kind is shown. A kind that
// is not here is shown in hexadecimal.
var straceKinds = map[string]func(p *printer, i int, v uint64){
	"fd":     func(p *printer, _ int, v uint64) { p.int(int64(int32(v))) },
	"int":    func(p *printer, _ int, v uint64) { p.int(int64(int32(v))) },
	"pid":    func(p *printer, _ int, v uint64) { p.int(int64(int32(v))) },
	"uint":   func(p *printer, _ int, v uint64) { p.int(int64(uint32(v))) },
	"long":   func(p *printer, _ int, v uint64) { p.int(int64(v)) },
	"off":    func(p *printer, _ int, v uint64) { p.int(int64(v)) },
	"size":   func(p *printer, _ int, v uint64) { p.int(int64(v)) },
	"id":     func(p *printer, _ int, v uint64) { p.int(int64(int32(v))) },
	"oct":    func(p *printer, _ int, v uint64) { p.out.WriteString("0" + strconv.FormatUint(v&0xffffffff, 8)) },
	"mode":   func(p *printer, _ int, v uint64) { p.out.WriteString("0" + strconv.FormatUint(v&0xffffffff, 8)) },
	"path":   func(p *printer, _ int, v uint64) { p.path(v) },
	"str":    func(p *printer, _ int, v uint64) { p.path(v) },
	"dirfd":  straceDirfd,
	"buf":    straceIn,
	"obuf":   straceOut,
	"iov":    straceVec,
	"argv":   straceArgv,
	"open":   func(p *printer, _ int, v uint64) { straceOpen(p, v) },
	"prot":   func(p *printer, _ int, v uint64) { p.flags(v, straceProt) },
	"map":    func(p *printer, _ int, v uint64) { p.flags(v, straceMap) },
	"clone":  func(p *printer, _ int, v uint64) { p.flags(v&^0xff, straceClone) },
	"futex":  func(p *printer, _ int, v uint64) { straceFutex(p, v) },
	"sig":    func(p *printer, _ int, v uint64) { straceSignal(p, v) },
	"sigset": straceSigset,
	"ts":     straceTimespec,
	"intp":   straceIntPtr,
}

func straceDirfd(p *printer, _ int, v uint64) {
	if int32(v) == -100 {
		p.out.WriteString("AT_FDCWD")
		return
	}
	p.int(int64(int32(v)))
}

// straceIn is data for the kernel; the next argument is its length.
func straceIn(p *printer, i int, v uint64) {
	n := uint64(0)
	if i+1 < len(p.args) {
		n = uint64(p.args[i+1])
	}
	p.quote(v, n)
}

// straceOut is a buffer the kernel filled with as many bytes as the call returned.
func straceOut(p *printer, _ int, v uint64) {
	if p.failed {
		p.hex(v)
		return
	}
	p.quote(v, uint64(p.ret))
}

func straceVec(p *printer, i int, v uint64) {
	n := 0
	if i+1 < len(p.args) {
		n = int(min(p.args[i+1], 8))
	}
	p.out.WriteByte('[')
	for k := range n {
		var b [16]byte
		if _, errno := p.mem.CopyIn(usermem.Addr(v)+usermem.Addr(k*16), b[:]); errno != 0 {
			break
		}
		if k > 0 {
			p.out.WriteString(", ")
		}
		p.out.WriteString("{")
		p.quote(binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]))
		p.out.WriteString("}")
	}
	p.out.WriteByte(']')
}

func straceArgv(p *printer, _ int, v uint64) {
	p.out.WriteByte('[')
	for k := range 16 {
		var b [8]byte
		if _, errno := p.mem.CopyIn(usermem.Addr(v)+usermem.Addr(k*8), b[:]); errno != 0 {
			break
		}
		s := binary.LittleEndian.Uint64(b[:])
		if s == 0 {
			break
		}
		if k > 0 {
			p.out.WriteString(", ")
		}
		p.path(s)
	}
	p.out.WriteByte(']')
}

func straceOpen(p *printer, v uint64) {
	p.out.WriteString([]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[v&3])
	if rest := v & 0xffffffff &^ 3; rest != 0 {
		p.out.WriteByte('|')
		p.flags(rest, straceOpenFlags)
	}
}

var straceOpenFlags = []flagName{
	{0o20200000, "O_TMPFILE"}, {0o4010000, "O_SYNC"}, {0o100, "O_CREAT"}, {0o200, "O_EXCL"}, {0o400, "O_NOCTTY"}, {0o1000, "O_TRUNC"},
	{0o2000, "O_APPEND"}, {0o4000, "O_NONBLOCK"}, {0o10000, "O_DSYNC"}, {0o20000, "O_ASYNC"}, {0o40000, "O_DIRECT"},
	{0o100000, "O_LARGEFILE"}, {0o200000, "O_DIRECTORY"}, {0o400000, "O_NOFOLLOW"}, {0o1000000, "O_NOATIME"},
	{0o2000000, "O_CLOEXEC"}, {0o10000000, "O_PATH"},
}

var straceProt = []flagName{{0, "PROT_NONE"}, {1, "PROT_READ"}, {2, "PROT_WRITE"}, {4, "PROT_EXEC"}}

var straceMap = []flagName{
	{3, "MAP_SHARED_VALIDATE"}, {1, "MAP_SHARED"}, {2, "MAP_PRIVATE"}, {0x10, "MAP_FIXED"}, {0x20, "MAP_ANONYMOUS"},
	{0x40, "MAP_32BIT"}, {0x100, "MAP_GROWSDOWN"}, {0x800, "MAP_DENYWRITE"}, {0x1000, "MAP_EXECUTABLE"}, {0x2000, "MAP_LOCKED"},
	{0x4000, "MAP_NORESERVE"}, {0x8000, "MAP_POPULATE"}, {0x10000, "MAP_NONBLOCK"}, {0x20000, "MAP_STACK"},
	{0x40000, "MAP_HUGETLB"}, {0x80000, "MAP_SYNC"}, {0x100000, "MAP_FIXED_NOREPLACE"},
}

var straceClone = []flagName{
	{0x100, "CLONE_VM"}, {0x200, "CLONE_FS"}, {0x400, "CLONE_FILES"}, {0x800, "CLONE_SIGHAND"}, {0x1000, "CLONE_PIDFD"},
	{0x2000, "CLONE_PTRACE"}, {0x4000, "CLONE_VFORK"}, {0x8000, "CLONE_PARENT"}, {0x10000, "CLONE_THREAD"}, {0x20000, "CLONE_NEWNS"},
	{0x40000, "CLONE_SYSVSEM"}, {0x80000, "CLONE_SETTLS"}, {0x100000, "CLONE_PARENT_SETTID"}, {0x200000, "CLONE_CHILD_CLEARTID"},
	{0x400000, "CLONE_DETACHED"}, {0x800000, "CLONE_UNTRACED"}, {0x1000000, "CLONE_CHILD_SETTID"}, {0x2000000, "CLONE_NEWCGROUP"},
	{0x4000000, "CLONE_NEWUTS"}, {0x8000000, "CLONE_NEWIPC"}, {0x10000000, "CLONE_NEWUSER"}, {0x20000000, "CLONE_NEWPID"},
	{0x40000000, "CLONE_NEWNET"}, {0x80000000, "CLONE_IO"},
}

func straceFutex(p *printer, v uint64) {
	names := []string{"FUTEX_WAIT", "FUTEX_WAKE", "FUTEX_FD", "FUTEX_REQUEUE", "FUTEX_CMP_REQUEUE", "FUTEX_WAKE_OP", "FUTEX_LOCK_PI",
		"FUTEX_UNLOCK_PI", "FUTEX_TRYLOCK_PI", "FUTEX_WAIT_BITSET", "FUTEX_WAKE_BITSET", "FUTEX_WAIT_REQUEUE_PI", "FUTEX_CMP_REQUEUE_PI", "FUTEX_LOCK_PI2"}
	if op := v & 0x7f; op < uint64(len(names)) {
		p.out.WriteString(names[op])
		if v&0x80 != 0 {
			p.out.WriteString("_PRIVATE")
		}
		if v&0x100 != 0 {
			p.out.WriteString("|FUTEX_CLOCK_REALTIME")
		}
		return
	}
	p.hex(v)
}

var straceSignals = [...]string{"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
	"SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
	"SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"}

func straceSignal(p *printer, v uint64) {
	if v < uint64(len(straceSignals)) {
		p.out.WriteString(straceSignals[v])
		return
	}
	p.out.WriteString("SIGRT_" + strconv.FormatUint(v-32, 10))
}

func straceSigset(p *printer, _ int, v uint64) {
	var b [8]byte
	if v == 0 {
		p.out.WriteString("NULL")
		return
	}
	if _, errno := p.mem.CopyIn(usermem.Addr(v), b[:]); errno != 0 {
		p.hex(v)
		return
	}
	set, sep := binary.LittleEndian.Uint64(b[:]), ""
	if set>>32 == 0xffffffff {
		p.out.WriteByte('~')
		set = ^set
	}
	p.out.WriteByte('[')
	for s := uint64(1); s <= 64; s++ {
		if set&(1<<(s-1)) != 0 {
			p.out.WriteString(sep)
			straceSignal(p, s)
			sep = " "
		}
	}
	p.out.WriteByte(']')
}

func straceTimespec(p *printer, _ int, v uint64) {
	var b [16]byte
	if v == 0 {
		p.out.WriteString("NULL")
		return
	}
	if _, errno := p.mem.CopyIn(usermem.Addr(v), b[:]); errno != 0 {
		p.hex(v)
		return
	}
	p.out.WriteString("{" + strconv.FormatInt(int64(binary.LittleEndian.Uint64(b[:])), 10) + ", " +
		strconv.FormatInt(int64(binary.LittleEndian.Uint64(b[8:])), 10) + "}")
}

func straceIntPtr(p *printer, _ int, v uint64) {
	var b [4]byte
	if v == 0 {
		p.out.WriteString("NULL")
		return
	}
	if _, errno := p.mem.CopyIn(usermem.Addr(v), b[:]); errno != 0 {
		p.hex(v)
		return
	}
	p.out.WriteString("[" + strconv.Itoa(int(int32(binary.LittleEndian.Uint32(b[:])))) + "]")
}
