package linux

// Signals (include/uapi/asm-generic/signal.h, arch/x86/include/uapi/asm/signal.h).
const (
	SIGHUP    = 1
	SIGINT    = 2
	SIGQUIT   = 3
	SIGILL    = 4
	SIGTRAP   = 5
	SIGABRT   = 6
	SIGBUS    = 7
	SIGFPE    = 8
	SIGKILL   = 9
	SIGUSR1   = 10
	SIGSEGV   = 11
	SIGUSR2   = 12
	SIGPIPE   = 13
	SIGALRM   = 14
	SIGTERM   = 15
	SIGSTKFLT = 16
	SIGCHLD   = 17
	SIGCONT   = 18
	SIGSTOP   = 19
	SIGTSTP   = 20
	SIGTTIN   = 21
	SIGTTOU   = 22
	SIGURG    = 23
	SIGXCPU   = 24
	SIGXFSZ   = 25
	SIGVTALRM = 26
	SIGPROF   = 27
	SIGWINCH  = 28
	SIGIO     = 29
	SIGPWR    = 30
	SIGSYS    = 31
	SIGRTMIN  = 32
	SIGRTMAX  = 64
)

// Flags of sigaction(2).
const (
	SA_NOCLDSTOP      = 0x1
	SA_NOCLDWAIT      = 0x2
	SA_SIGINFO        = 0x4
	SA_UNSUPPORTED    = 0x400
	SA_EXPOSE_TAGBITS = 0x800
	SA_RESTORER       = 0x04000000
	SA_ONSTACK        = 0x08000000
	SA_RESTART        = 0x10000000
	SA_NODEFER        = 0x40000000
	SA_RESETHAND      = 0x80000000

	SIG_DFL = 0
	SIG_IGN = 1

	SIG_BLOCK   = 0
	SIG_UNBLOCK = 1
	SIG_SETMASK = 2

	SS_ONSTACK    = 1
	SS_DISABLE    = 2
	SS_AUTODISARM = 1 << 31

	MINSIGSTKSZ = 2048
)

// Values of si_code (include/uapi/asm-generic/siginfo.h).
const (
	SI_USER    = 0
	SI_KERNEL  = 0x80
	SI_QUEUE   = -1
	SI_TIMER   = -2
	SI_MESGQ   = -3
	SI_ASYNCIO = -4
	SI_SIGIO   = -5
	SI_TKILL   = -6

	ILL_ILLOPN  = 2
	FPE_INTDIV  = 1
	SEGV_MAPERR = 1
	SEGV_ACCERR = 2
	BUS_ADRALN  = 1
	BUS_ADRERR  = 2
	TRAP_BRKPT  = 1
	TRAP_TRACE  = 2
	SI_SECCOMP  = 1 // SYS_SECCOMP of SIGSYS

	CLD_EXITED    = 1
	CLD_KILLED    = 2
	CLD_DUMPED    = 3
	CLD_TRAPPED   = 4
	CLD_STOPPED   = 5
	CLD_CONTINUED = 6

	POLL_IN  = 1
	POLL_OUT = 2
	POLL_MSG = 3
	POLL_ERR = 4
	POLL_PRI = 5
	POLL_HUP = 6
)

// Sigevent notification (include/uapi/asm-generic/siginfo.h).
const (
	SIGEV_SIGNAL    = 0
	SIGEV_NONE      = 1
	SIGEV_THREAD    = 2
	SIGEV_THREAD_ID = 4
)

// SignalSet is sigset_t of the kernel: bit n-1 is signal n.
type SignalSet uint64

// SignalBit returns the set that holds signo alone.
func SignalBit(signo int) SignalSet { return 1 << (signo - 1) }

// Has tells whether signo is in the set.
func (s SignalSet) Has(signo int) bool { return s&SignalBit(signo) != 0 }

// Signals with something in common (include/linux/signal.h).
const (
	UnblockableSignals SignalSet = 1<<(SIGKILL-1) | 1<<(SIGSTOP-1)
	StopSignals        SignalSet = 1<<(SIGSTOP-1) | 1<<(SIGTSTP-1) | 1<<(SIGTTIN-1) | 1<<(SIGTTOU-1)
	IgnoredSignals     SignalSet = 1<<(SIGCONT-1) | 1<<(SIGCHLD-1) | 1<<(SIGWINCH-1) | 1<<(SIGURG-1)
	CoreSignals        SignalSet = 1<<(SIGQUIT-1) | 1<<(SIGILL-1) | 1<<(SIGTRAP-1) | 1<<(SIGABRT-1) | 1<<(SIGFPE-1) | 1<<(SIGSEGV-1) |
		1<<(SIGBUS-1) | 1<<(SIGSYS-1) | 1<<(SIGXCPU-1) | 1<<(SIGXFSZ-1)
	SyncSignals SignalSet = 1<<(SIGSEGV-1) | 1<<(SIGBUS-1) | 1<<(SIGILL-1) | 1<<(SIGTRAP-1) | 1<<(SIGFPE-1) | 1<<(SIGSYS-1)
)

// Sigaction is struct sigaction of the kernel.
type Sigaction struct {
	Handler  uint64
	Flags    uint64
	Restorer uint64
	Mask     SignalSet
}

// Sigaltstack is stack_t without its hole.
type Sigaltstack struct {
	SP    uint64
	Flags uint32
	_     uint32
	Size  uint64
}

// Siginfo is siginfo_t. Fields holds the union; its members overlap as on x86-64.
type Siginfo struct {
	Signo  int32
	Errno  int32
	Code   int32
	_      int32
	Fields [112]byte
}

// Sigevent is struct sigevent.
type Sigevent struct {
	Value  uint64
	Signo  int32
	Notify int32
	TID    int32
	_      [44]byte
}

// SignalfdSiginfo is struct signalfd_siginfo.
type SignalfdSiginfo struct {
	Signo   uint32
	Errno   int32
	Code    int32
	PID     uint32
	UID     uint32
	FD      int32
	TID     uint32
	Band    uint32
	Overrun uint32
	Trapno  uint32
	Status  int32
	Int     int32
	Ptr     uint64
	Utime   uint64
	Stime   uint64
	Addr    uint64
	AddrLsb uint16
	_       uint16
	Syscall int32
	Call    uint64
	Arch    uint32
	_       [28]byte
}

// Sigcontext is struct sigcontext (arch/x86/include/uapi/asm/sigcontext.h).
type Sigcontext struct {
	R8, R9, R10, R11, R12, R13, R14, R15   uint64
	Rdi, Rsi, Rbp, Rbx, Rdx, Rax, Rcx, Rsp uint64
	Rip, Eflags                            uint64
	Cs, Gs, Fs, Ss                         uint16
	Err, Trapno, Oldmask, Cr2, Fpstate     uint64
	_                                      [8]uint64
}

// Ucontext is struct ucontext of an rt signal frame.
type Ucontext struct {
	Flags    uint64
	Link     uint64
	Stack    Sigaltstack
	Mcontext Sigcontext
	Sigmask  SignalSet
}

// Flags of Ucontext.Flags.
const (
	UC_FP_XSTATE         = 1
	UC_SIGCONTEXT_SS     = 2
	UC_STRICT_RESTORE_SS = 4
)

func (Sigaction) fixed()       {}
func (Sigaltstack) fixed()     {}
func (Siginfo) fixed()         {}
func (Sigevent) fixed()        {}
func (SignalfdSiginfo) fixed() {}
func (Sigcontext) fixed()      {}
func (Ucontext) fixed()        {}
