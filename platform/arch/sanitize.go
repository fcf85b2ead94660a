package arch

// Flags of Registers.Eflags that user mode may choose (FLAG_MASK in
// arch/x86/kernel/ptrace.c): CF PF AF ZF SF TF DF OF RF AC.
const userFlags = 0x50dd5

// The end of what a 64-bit user address can be without 5-level paging (TASK_SIZE_MAX), and
// the page of the old system calls, which is executable though above it.
const (
	TaskSizeMax   = 0x7ffffffff000
	VsyscallStart = 0xffffffffff600000
	VsyscallEnd   = 0xffffffffff601000
)

// Sanitize makes r a state that the host takes and that user mode may be in: instruction
// pointer and segment bases below TaskSizeMax, 64-bit segments, only the flags user mode may
// choose. An instruction pointer out of range becomes TaskSizeMax, which faults when run.
func (r *Registers) Sanitize() {
	if r.Rip > TaskSizeMax && (r.Rip < VsyscallStart || r.Rip >= VsyscallEnd) {
		r.Rip = TaskSizeMax
	}
	if r.FsBase >= TaskSizeMax {
		r.FsBase = 0
	}
	if r.GsBase >= TaskSizeMax {
		r.GsBase = 0
	}
	r.Eflags = r.Eflags&userFlags | FlagIF | 1<<1
	r.Cs, r.Ss = UserCs, UserDs
	if r.Ds|r.Es|r.Fs|r.Gs != 0 {
		r.Ds, r.Es, r.Fs, r.Gs = selector(r.Ds), selector(r.Es), selector(r.Fs), selector(r.Gs)
	}
}

// selector returns s if it is one that a data segment register of user mode may hold (an
// entry of the GDT with privilege 3), else 0.
func selector(s uint64) uint64 {
	const rplUser, ti, last = 3, 1 << 2, 0x7f
	if s&rplUser != rplUser || s&ti != 0 || s > last {
		return 0
	}
	return s
}
