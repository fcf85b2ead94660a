// Package arch holds the x86-64 machine state of an application thread: the general
// registers and the extended (FPU, SSE, AVX, AVX-512, PKRU) state as an XSAVE image.
package arch

// Registers are the general registers of an application thread, in the layout of
// struct user_regs_struct (arch/x86/include/asm/user_64.h), so that ptrace(2) can fill them.
type Registers struct {
	R15, R14, R13, R12, Rbp, Rbx, R11, R10, R9, R8 uint64
	Rax, Rcx, Rdx, Rsi, Rdi                        uint64
	OrigRax                                        uint64
	Rip, Cs, Eflags, Rsp, Ss                       uint64
	FsBase, GsBase                                 uint64
	Ds, Es, Fs, Gs                                 uint64
}

// Segment selectors of a 64-bit user thread.
const (
	UserCs = 0x33
	UserDs = 0x2b
)

// Flags of Registers.Eflags.
const (
	FlagTF = 1 << 8  // single step
	FlagIF = 1 << 9  // always set in user mode
	FlagDF = 1 << 10 // string direction
	FlagRF = 1 << 16 // resume
)

// SyscallNo is the number of the system call that trapped.
func (r *Registers) SyscallNo() uint64 { return r.OrigRax }

// Args are the six arguments of the system call that trapped.
func (r *Registers) Args() [6]uint64 {
	return [6]uint64{r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9}
}

// SetReturn sets the value the system call returns (-errno on failure).
func (r *Registers) SetReturn(v uint64) { r.Rax = v }
