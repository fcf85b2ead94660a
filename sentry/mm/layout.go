package mm

import (
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// TaskSize is the end of what a program may use (TASK_SIZE_MAX: 47 bits less a page).
const TaskSize usermem.Addr = 1<<47 - usermem.PageSize

// Layout is where the parts of a program are, for exec, brk(2) and /proc/PID/stat.
type Layout struct {
	MmapBase           usermem.Addr // mmap(2) searches downward from here
	StartCode, EndCode usermem.Addr
	StartData, EndData usermem.Addr
	StartBrk, Brk      usermem.Addr
	StartStack         usermem.Addr // the first stack pointer
	ArgStart, ArgEnd   usermem.Addr
	EnvStart, EnvEnd   usermem.Addr
	VDSO               usermem.Addr
	Auxv               []uint64 // as /proc/PID/auxv shows it
	ReadImpliesExec    bool     // personality(2) READ_IMPLIES_EXEC
}

// Randomness of the layout, in pages (arch/x86/mm/mmap.c, arch/x86/kernel/process.c).
const (
	mmapRandomPages  = 1 << 28
	stackRandomPages = 1 << 22
	brkRandomPages   = 1 << 18 // 1 GiB
	pieBase          = TaskSize / 3 * 2
)

// Place is where exec puts things in an empty address space.
type Place struct {
	StackTop usermem.Addr // the stack ends here
	MmapBase usermem.Addr
	PIEBase  usermem.Addr // of a position-independent program with an interpreter
	// BrkGap is the distance from the end of the program's data to the start of the heap.
	BrkGap uint64
}

// PlaceFor returns a layout for a program with the stack limit stack, with the addresses shifted by what random returns (a
// number below its argument); nil for no randomness (personality(2) ADDR_NO_RANDOMIZE).
// It follows arch_pick_mmap_layout, randomize_stack_top, arch_randomize_brk.
//
// top is the end of the address space, TaskSize or less.
func PlaceFor(top usermem.Addr, stack uint64, random func(n uint64) uint64) Place {
	pages := func(n uint64) usermem.Addr { return 0 }
	stackMax := uint64(0)
	if random != nil {
		pages = func(n uint64) usermem.Addr { return usermem.Addr(random(n)) << usermem.PageShift }
		stackMax = stackRandomPages << usermem.PageShift
	}
	const gapMin, gapMax = 128 << 20, uint64(TaskSize) / 6 * 5
	gap := stack
	if pad := stackMax + stackGuardGap; gap+pad > gap {
		gap += pad
	}
	gap = max(gapMin, min(gap, gapMax))
	p := Place{StackTop: top - pages(stackRandomPages)}
	p.MmapBase, _ = (top - usermem.Addr(gap) - pages(mmapRandomPages)).PageUp()
	p.PIEBase = (pieBase + pages(mmapRandomPages)).PageDown()
	if random != nil {
		p.BrkGap = uint64(pages(brkRandomPages))
	}
	return p
}

// Layout returns where the parts of the program are.
func (m *MM) Layout() Layout {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.layout
}

// SetReadImpliesExec is personality(2)'s READ_IMPLIES_EXEC: what is mapped readable from now on
// may be executed.
func (m *MM) SetReadImpliesExec(on bool) {
	m.lock()
	defer m.unlock()
	m.layout.ReadImpliesExec = on
}

// SetLayout replaces the layout: exec, and prctl(2) PR_SET_MM.
func (m *MM) SetLayout(l Layout) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.layout = l
}

// growAhead is how far a stack grows below the address that was touched, limits permitting,
// since each growth costs a trap.
const growAhead = 64 << 10

// growDown lets the area v above addr grow down to it, if it is of that kind (expand_downwards, mm/mmap.c), and
// tells whether it did. addr is the start of a page.
func (m *MM) growDown(v *vma, addr usermem.Addr) bool {
	if v.flags&vmGrowsDown == 0 || addr < m.lowest() {
		return false
	}
	if ahead := addr &^ (growAhead - 1); v.end > m.layout.StartStack && v.start <= m.layout.StartStack && ahead >= m.lowest() && m.growTo(v, ahead) {
		return true
	}
	return m.growTo(v, addr)
}

// growTo makes v start at start if limits and neighbours allow it.
func (m *MM) growTo(v *vma, start usermem.Addr) bool {
	if prev := m.areas.before(m.areas.find(v.start)); prev != nil {
		switch {
		case start < prev.end:
			return false
		case prev.flags&vmGrowsDown == 0 && prev.flags&vmAccess != 0 && start-prev.end < stackGuardGap:
			return false
		}
	}
	l := m.limits.Load()
	n := uint64(v.start-start) >> usermem.PageShift
	if uint64(v.end-start) > l.Stack || m.mayExpand(v.flags, n) != 0 {
		return false
	}
	if v.flags&vmLocked != 0 && !m.mayLock(n) {
		return false
	}
	if v.flags&vmAccount != 0 {
		if m.sys.commit(n) != 0 {
			return false
		}
		m.count.committed += n
	}
	v.off -= uint64(v.start - start)
	m.areas.resize(v, start, v.end)
	m.account(v.flags, int64(n))
	return true
}

// lowest is the lowest address that may be mapped.
func (m *MM) lowest() usermem.Addr { return max(m.min, usermem.Addr(m.sys.MinAddr.Load())) }
