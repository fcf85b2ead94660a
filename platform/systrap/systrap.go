package systrap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/host"
)

// Most processes and threads that a sandbox can have.
const (
	maxProcesses = 16384
	maxAreas     = 16384
)

// Platform makes stub processes. It implements platform.Platform.
type Platform struct {
	log       func(format string, args ...any)
	text      int // the file of the text page, the data page and the service page
	ctls      *shared
	areas     *shared
	tramps    *shared      // of patch sets
	copies    *shared      // of patched pages
	answers   *shared      // of processors
	memory    atomic.Int64 // the descriptor of the memory file; 0: nothing is patched
	cpus      cpus
	spare     chan *process // forked ahead of need
	refilling atomic.Bool
	late      atomic.Int32 // address spaces that are being released beside other work
	infos     infos
	again     bool // the host can do what it takes to use processes again
	debugs    bool // and lets stubs be traced

	mu                   sync.Mutex
	freeCtls             units
	freeAreas            units
	freeSets, freeCopies units
	copyRefs             []int32          // processes that have a copy mapped
	processes            map[int]*process // by pid
	early                map[int]bool     // pids of processes that ended before they were known
	master               *process
	used                 []*process // to be used again
}

// units hands out numbers.
type units struct {
	free      []int
	next, end int
}

func (u *units) take() (n int, ok bool) {
	if k := len(u.free); k > 0 {
		n, u.free = u.free[k-1], u.free[:k-1]
		return n, true
	}
	if u.next == u.end {
		return 0, false
	}
	u.next++
	return u.next - 1, true
}

func (u *units) put(n int) { u.free = append(u.free, n) }

// New makes the master stub. It is called once, before the sentry is sealed. log is told of stubs
// that end in other ways than they should.
func New(log func(format string, args ...any)) (*Platform, error) {
	if err := suitable(); err != nil {
		return nil, err
	}
	p := &Platform{
		log:        log,
		processes:  map[int]*process{},
		early:      map[int]bool{},
		debugs:     traceable(),
		infos:      infos{files: map[infoFile]*textFile{}},
		spare:      make(chan *process, 1),
		freeCtls:   units{end: maxProcesses},
		freeAreas:  units{end: maxAreas},
		freeSets:   units{end: maxSets},
		freeCopies: units{end: maxCopies},
		copyRefs:   make([]int32, maxCopies),
	}
	p.cpus.init()
	var err error
	if p.ctls, err = newShared("stub-control", pageSize, maxProcesses); err != nil {
		return nil, fmt.Errorf("the control pages: %w", err)
	}
	if p.areas, err = newShared("stub-areas", areaSize, maxAreas); err != nil {
		return nil, fmt.Errorf("the thread areas: %w", err)
	}
	if p.tramps, err = newShared("stub-trampolines", patchUnit, maxSets); err != nil {
		return nil, fmt.Errorf("the trampolines: %w", err)
	}
	if p.copies, err = newShared("stub-patched", pageSize, maxCopies); err != nil {
		return nil, fmt.Errorf("the patched pages: %w", err)
	}
	if p.answers, err = newShared("stub-answers", pageSize, answersSize/pageSize); err != nil {
		return nil, fmt.Errorf("the answers of processors: %w", err)
	}
	if p.text, err = unix.MemfdCreate("stub-text", unix.MFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	for at, page := range [][]byte{stubText(), p.dataPage(), serviceText()} {
		if len(page) > pageSize {
			return nil, errors.New("the stub's code is too large")
		}
		if _, err := unix.Pwrite(p.text, page, int64(at)*pageSize); err != nil {
			return nil, fmt.Errorf("writing the stub's code: %w", err)
		}
	}
	if err := unix.Ftruncate(p.text, 3*pageSize); err != nil {
		return nil, fmt.Errorf("ftruncate: %w", err)
	}
	failed := make(chan error)
	go p.reap(failed)
	if err := <-failed; err != nil {
		return nil, err
	}
	if errno := p.prepareMaster(); errno != 0 {
		p.master.kill()
		return nil, fmt.Errorf("preparing the master stub: %w", errno)
	}
	return p, nil
}

// suitable tells what the host lacks.
func suitable() error {
	if arch.FPUSize > areaAlt-areaFPU {
		return fmt.Errorf("an extended state of %d bytes is too large", arch.FPUSize)
	}
	const hwcap2, fsgsbase = 26, 1 << 1
	aux, err := unix.Auxv()
	if err != nil {
		return fmt.Errorf("reading the auxiliary vector: %w", err)
	}
	for _, a := range aux {
		if a[0] == hwcap2 && a[1]&fsgsbase != 0 {
			return nil
		}
	}
	return errors.New("the host does not let programs set their segment bases (FSGSBASE)")
}

// dataPage makes the constants that the stub's code uses.
func (p *Platform) dataPage() []byte {
	b := make([]byte, pageSize)
	u16, u32, u64 := binary.LittleEndian.PutUint16, binary.LittleEndian.PutUint32, binary.LittleEndian.PutUint64
	u32(b[dataCtlFD:], uint32(p.ctls.fd))
	at := dataFilter
	program := func(fprog int, filter []unix.SockFilter) {
		u16(b[fprog:], uint16(len(filter)))
		u64(b[fprog+8:], uint64(dataAt+at))
		for _, f := range filter {
			u16(b[at:], f.Code)
			b[at+2], b[at+3] = f.Jt, f.Jf
			u32(b[at+4:], f.K)
			at += 8
		}
	}
	threads := page{textAt, threadRules(), wordRules()}
	program(dataThread, compile(threads))
	program(dataMaster, compile(threads, page{serviceAt, serviceRules(p.ctls.fd), nil}))
	if !userDispatch() {
		u64(b[dataNoSUD:], 1)
	}
	if at > dataTable {
		panic("systrap: the filters are too large")
	}
	const saSiginfo, saRestorer, saOnStack, saNoDefer = 4, 0x04000000, 0x08000000, 0x40000000
	u64(b[dataAct:], textAt+entryHandler)
	u64(b[dataAct+8:], saSiginfo|saRestorer|saOnStack|saNoDefer)
	u64(b[dataAct+16:], textAt+entryRestorer)
	u64(b[dataIgnore:], 1)
	for i := range 256 {
		u64(b[dataTable+8*i:], uint64(i+1))
	}
	return b
}

// reap makes the master, and sees the end of it and all its offspring. The host ends them when
// the thread that does this ends.
func (p *Platform) reap(failed chan<- error) {
	runtime.LockOSThread()
	err := p.forkMaster()
	failed <- err
	if err != nil {
		return
	}
	for {
		// It is noted before its number can belong to another.
		pid, e := waitEnd()
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return // the master is gone, the last
		}
		p.ended(pid)
		var status unix.WaitStatus
		unix.Wait4(pid, &status, unix.WALL|unix.WNOTHREAD, nil)
		if status.Exited() || status.Signal() != unix.SIGKILL {
			p.log("systrap: stub process %d ended with status %#x", pid, uint32(status))
		}
	}
}

// forkMaster makes the master process.
func (p *Platform) forkMaster() error {
	master, errno := p.newProcess()
	if errno != 0 {
		return errno
	}
	pages := []struct {
		at   uintptr
		fd   int
		off  int64
		prot uintptr
	}{
		{textAt, p.text, 0, unix.PROT_READ | unix.PROT_EXEC},
		{dataAt, p.text, pageSize, unix.PROT_READ},
		{serviceAt, p.text, 2 * pageSize, unix.PROT_READ | unix.PROT_EXEC},
		{ctlAt, p.ctls.fd, int64(master.page) * pageSize, unix.PROT_READ},
	}
	for _, m := range pages {
		if err := mapFixed(m.at, m.fd, m.off, m.prot); err != nil {
			return fmt.Errorf("mapping the stub's pages: %w", err)
		}
		defer unmapFixed(m.at)
	}
	dropRseq()
	old := setMask(^uint64(0))
	pid := int(int64(forkMaster(uintptr(unix.CLONE_FILES | int(unix.SIGCHLD)))))
	setMask(old)
	if pid < 0 {
		return fmt.Errorf("forking the master stub: %w", unix.Errno(-pid))
	}
	p.register(master, pid)
	p.master = master
	return nil
}

// prepareMaster empties the memory of the master, which is a copy of the sentry, and makes it
// what the other stubs are to be.
func (p *Platform) prepareMaster() linux.Errno {
	const end = 1<<47 - pageSize
	calls := []call{
		{unix.SYS_MUNMAP, ctlAt + pageSize, end - ctlAt - pageSize},
		mapCall(answersAt, answersSize, p.answers.fd, 0, platform.Read, false),
		{unix.SYS_MADVISE, ctlAt, pageSize, unix.MADV_DONTFORK},
		{unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL)},
		{unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0},
		{unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1},
	}
	for sig := uint64(1); sig <= 64; sig++ {
		act := uint64(dataAt + dataIgnore)
		switch unix.Signal(sig) {
		case unix.SIGKILL, unix.SIGSTOP:
			continue
		case unix.SIGSYS, unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, interruptSignal, callBackSignal:
			act = dataAt + dataAct
		}
		calls = append(calls, call{unix.SYS_RT_SIGACTION, sig, act, 0, 8})
	}
	const setFilter = 1
	_, errno := p.master.order(false, call{unix.SYS_MEMBARRIER, membarrierRegister})
	p.again = errno == 0 // processes forked from it are registered too
	calls = append(calls, call{unix.SYS_SECCOMP, setFilter, 0, dataAt + dataMaster})
	for len(calls) > 0 {
		n := min(len(calls), maxCalls)
		if _, errno := p.master.order(false, calls[:n]...); errno != 0 {
			return errno
		}
		calls = calls[n:]
	}
	return 0
}

// NewAddressSpace implements platform.Platform.
func (p *Platform) NewAddressSpace() (platform.AddressSpace, linux.Errno) {
	return &space{p: p}, 0
}

// NewContext implements platform.Platform.
func (p *Platform) NewContext() platform.Context {
	if p.debugs {
		c := newContext(p)
		return debuggable{c, &c.debug.BreakPoints}
	}
	return newContext(p)
}

// Limits implements platform.Platform.
func (p *Platform) Limits() (min, max uint64) { return minAddr, maxAddr }

// Policy is what the platform asks of the host beyond host.Policy.
func Policy() []host.Call {
	return []host.Call{
		{Name: "wait4", No: linux.SYS_WAIT4},
		{Name: "ptrace", No: linux.SYS_PTRACE, Any: host.OneOf(0, unix.PTRACE_SEIZE, unix.PTRACE_INTERRUPT, unix.PTRACE_CONT, unix.PTRACE_DETACH,
			unix.PTRACE_PEEKUSR, unix.PTRACE_POKEUSR)},
		{Name: "waitid", No: linux.SYS_WAITID},
		// Stubs come and go, so their numbers are not known here.
		{Name: "tgkill", No: linux.SYS_TGKILL, Any: host.OneOf(2, uint32(interruptSignal))},
		{Name: "kill", No: linux.SYS_KILL, Any: host.OneOf(1, uint32(unix.SIGKILL))},
		{Name: "sched_setaffinity", No: linux.SYS_SCHED_SETAFFINITY},
		{Name: "getcpu", No: linux.SYS_GETCPU},
	}
}
