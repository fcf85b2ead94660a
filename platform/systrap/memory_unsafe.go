package systrap

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ctl is a control page, as layout.go has it. Stubs can read it, and only their service thread
// can change it, by pwrite(2) to done and value.
type ctl struct {
	seq   atomic.Uint32
	help  atomic.Uint32
	count uint32
	want  uint32
	page  uint64
	fresh atomic.Uint32
	_     [20]byte
	done  atomic.Uint32
	_     uint32
	value uint32
	_     uint32
	calls [maxCalls]call
}

// area is a thread area. Everything in it may change at any time to anything: it is read once,
// and checked.
type area struct {
	state  atomic.Uint32
	kind   uint32
	number uint32 // areaFast is the same
	may    atomic.Int32
	args   [6]uint64
	asleep atomic.Uint32
	spin   uint32
	waits  atomic.Uint32
	seen   atomic.Uint32
	since  uint64
	_      [10]uint32
	slot   uint32
	_      [3]uint32
	flags  uint64
	_      [2]uint64
	fs, gs uint64
	fp     uint64
	_      [areaPID - areaFP - 8]byte
	facts  facts // from areaPID on
	_      [areaRegs - areaPPID - 4]byte
	regs   [15]uint64
	fsNew  uint64
	gsNew  uint64
	_      uint64
	iret   [5]uint64
	_      uint64
	stack  [3]uint64
	sig    uint32
	code   int32
	arch   uint32
	_      uint32
	frame  uint64
	addr   uint64
	_      uint64
	in     [24]uint64
	_      [areaIO - areaIn - 24*8]byte
	io     uint32
	posts  atomic.Uint32
	used   uint32
	takes  atomic.Uint32
	vec    [2]uint64
	sent   atomic.Uint32
	opened atomic.Uint32
	open   opened
	knows  atomic.Uint32
	stat   [statSize]byte
	linked atomic.Uint32
	_      [areaLoans - areaLinked - 4]byte
	loans  [maxLoans]loan
	posted [maxPosts]post
	rest   [areaSize - areaFPU]byte
}

// loan is what was lent of a file.
type loan struct {
	fd    atomic.Uint32
	state atomic.Uint32
	len   uint32
	off   uint32
	room  uint32
	close atomic.Uint32
	stat  atomic.Uint32
	file  atomic.Uint32
}

// opened is how a file was opened.
type opened struct{ dir, flags, name, len, size uint32 }

// post is a piece that was written.
type post struct{ loan, off, len, _ uint32 }

// facts are what the stub may answer.
type facts [(areaPPID-areaPID)/4 + 1]atomic.Uint32

// answer is what the stub is to go on with after a call, if only RAX is new: with what is told here instead of arguments.
func (a *area) answer(goOn, result uint64) { a.number, a.args[0], a.args[1] = 1, goOn, result }

// bytes returns n bytes of the area from offset off; ok is false if they are not all behind the
// control part. Safe: the range is inside the area, which stays mapped for ever.
func (a *area) bytes(off, n uint64) (b []byte, ok bool) {
	if off < areaFPU || off > areaSize || n > areaSize-off {
		return nil, false
	}
	return a.rest[off-areaFPU:][:n], true
}

// links is the table of names of what is no symbolic link. Safe: it is inside the area, aligned, and any bytes are a name.
func (a *area) links() *[mostNames]name {
	return (*[mostNames]name)(unsafe.Pointer(&a.rest[areaLinks-areaFPU]))
}

// wipe clears all that a stopped thread does not need to stay so. Safe: it is inside the area.
func (a *area) wipe() {
	a.kind, a.number, a.args = 0, 0, [6]uint64{}
	a.may.Store(0)
	clear(unsafe.Slice((*byte)(unsafe.Pointer(&a.seen)), areaSize-areaSeen))
}

// shared is a memory file of which the sentry maps the whole.
type shared struct {
	fd   int
	base unsafe.Pointer
	unit uint64
}

// newShared makes a file of n units of so many bytes. Its pages exist once they are used.
func newShared(name string, unit, n uint64) (*shared, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	if err := unix.Ftruncate(fd, int64(unit*n)); err != nil {
		return nil, fmt.Errorf("ftruncate: %w", err)
	}
	base, err := unix.MmapPtr(fd, 0, nil, uintptr(unit*n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return &shared{fd: fd, base: base, unit: unit}, nil
}

// clear makes a unit zero, and gives its memory back.
func (s *shared) clear(i int) {
	unix.Fallocate(s.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(i)*int64(s.unit), int64(s.unit))
}

// ctl and area return unit i. Safe: newShared mapped that many, for ever, and any bytes are
// valid values of these types.
func (s *shared) ctl(i int) *ctl   { return (*ctl)(unsafe.Add(s.base, uint64(i)*s.unit)) }
func (s *shared) area(i int) *area { return (*area)(unsafe.Add(s.base, uint64(i)*s.unit)) }

// patchUnit and page return unit i as bytes. Safe: as above.
func (s *shared) patchUnit(i int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(s.base, uint64(i)*s.unit)), patchUnit)
}

// setWord stores a word of unit i that stubs read. Safe: off is a multiple of 8 in the unit.
func (s *shared) setWord(i, off int, v uint64) {
	if off&7 == 0 && uint64(off) <= s.unit-8 {
		(*atomic.Uint64)(unsafe.Add(s.base, uint64(i)*s.unit+uint64(off))).Store(v)
	}
}

func (s *shared) page(i int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(s.base, uint64(i)*s.unit)), pageSize)
}

// stubText returns the bytes of the text page. Safe: they are text of this program, which does
// not move.
func stubText() []byte {
	return codeBytes(stubCodeAddr())
}

// serviceText returns those of the service page.
func serviceText() []byte { return codeBytes(serviceCodeAddr()) }

func codeBytes(start, end uintptr) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&start))), end-start)
}

// mapFixed maps a page of fd at a fixed address that nothing is mapped at.
func mapFixed(addr uintptr, fd int, off int64, prot uintptr) error {
	const noReplace = 0x100000
	_, _, e := unix.Syscall6(unix.SYS_MMAP, addr, pageSize, prot, unix.MAP_SHARED|noReplace, uintptr(fd), uintptr(off))
	if e != 0 {
		return fmt.Errorf("mmap at %#x: %w", addr, e)
	}
	return nil
}

func unmapFixed(addr uintptr) { unix.Syscall(unix.SYS_MUNMAP, addr, pageSize, 0) }

// setMask sets the calling thread's signal mask and returns the old one. Safe: the host reads
// and writes 8 bytes each.
func setMask(mask uint64) (old uint64) {
	const set = 2
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, set, uintptr(unsafe.Pointer(&mask)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	return old
}

// futexWait sleeps until somebody wakes p, if it is still old, at most for ns nanoseconds, and
// tells whether they have passed. The Go scheduler is told. Safe: the host reads p and the time.
func futexWait(p *atomic.Uint32, old uint32, ns int64) (timeout bool) {
	ts := unix.NsecToTimespec(ns)
	_, _, e := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), 0, uintptr(old), uintptr(unsafe.Pointer(&ts)), 0, 0)
	return e == unix.ETIMEDOUT
}

// futexWaitShort is futexWait for a time so short that the Go runtime is not told.
func futexWaitShort(p *atomic.Uint32, old uint32, ns int64) (timeout bool) {
	ts := unix.NsecToTimespec(ns)
	_, _, e := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), 0, uintptr(old), uintptr(unsafe.Pointer(&ts)), 0, 0)
	return e == unix.ETIMEDOUT
}

// futexWake wakes one thread that sleeps on p, and tells whether there was one. Safe: only the
// address matters.
func futexWake(p *atomic.Uint32) bool {
	n, _, _ := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), 1, 1, 0, 0, 0)
	return n == 1
}

// reg returns register i of the signal frame b.
func reg(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[ucRegs+8*i:]) }

// waitEnd waits until some child of the calling thread has ended, and leaves it to wait4(2). What other threads trace
// (debug.go) is theirs. Safe: the host writes a siginfo_t.
func waitEnd() (pid int, e unix.Errno) {
	var info [128]byte
	_, _, e = unix.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT|unix.WALL|unix.WNOTHREAD, 0, 0)
	return int(binary.LittleEndian.Uint32(info[16:])), e
}

// setAffinity binds a thread to processors. Safe: the host reads the set.
func setAffinity(tid int, cpus []int) {
	var set [16]uint64
	for _, c := range cpus {
		if c < len(set)*64 {
			set[c/64] |= 1 << (c % 64)
		}
	}
	unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(tid), unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
}

// scribble writes a word at any offset of an area, for tests. Safe: it is inside.
func scribble(a *area, off int, v uint64) {
	off &^= 7
	if off <= areaSize-8 {
		*(*uint64)(unsafe.Add(unsafe.Pointer(a), off)) = v
	}
}
