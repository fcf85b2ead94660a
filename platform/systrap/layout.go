package systrap

import "github.com/seed-7423c386/runsc/platform"

// Where things are in a stub process. Everything below minAddr and from maxAddr on belongs to
// the stub; applications have what lies between. The assembly uses these
// constants too.
const (
	pageSize = 4096

	textAt    = 0x10000 // the stub's code, read and execute
	textSize  = pageSize
	dataAt    = 0x11000 // its constants, read only
	serviceAt = 0x12000 // the code of the service thread, read and execute
	ctlAt     = 0x13000 // orders for it, read only
	windowAt  = 0x14000 // where it copies a page of text to
	answersAt = 0x15000 // what processors answer to CPUID, read only (cpuid.go)
	trampAt   = 0x20000 // what patched call sites jump to, read and execute (patch.go)
	slotsAt   = 0x60000 // the addresses of those, read only; behind them those of cpuid.go
	minAddr   = 0x70000

	areaAt   = 0x7fffc0000000 // thread areas, the only memory of the stub that can be written
	areaSize = 32 << 10
	maxAddr  = areaAt
	// maxThreads is how many threads a process may have.
	maxThreads = 4096
)

// Offsets in the text page.
const (
	entryBorn     = 0 // of a new thread: RBX is its area
	entryHandler  = 16
	entryRestorer = 32
	entryCall     = 48 // from a trampoline: EAX is the slot
	entryNoArea   = 64 // where a call traps whose GS is the application's
	// The same for calls whose number is open, in EAX: RCX is the end of the trampoline, R11 the
	// area; and RCX is the slot.
	entryOpen       = 80
	entryOpenNoArea = 96
	entryCopy       = 112 // the one instruction of the stub that touches the application's memory
)

// Offsets in the data page.
const (
	dataCtlFD  = 0    // the descriptor of the control file
	dataZero   = 8    // an empty signal set
	dataThread = 16   // sock_fprog of application threads
	dataMaster = 32   // sock_fprog of everybody
	dataNoSUD  = 48   // 1: threads are confined by dataThread
	dataAct    = 64   // struct sigaction of the handler
	dataIgnore = 96   // that of SIG_IGN
	dataFilter = 128  // the filters
	dataTable  = 2048 // entry i of 256 words is i + 1
)

// Offsets in a control page. It belongs to one process: the sentry writes, the service thread
// reads it, and answers with pwrite(2). Application code can read it.
const (
	ctlSeq   = 0  // counts orders; the service thread waits for the next
	ctlHelp  = 4  // 1: the service thread is to be woken by an application thread that looks for its turn
	ctlCount = 8  // calls in the order
	ctlWant  = 12 // the result of the last one is asked for
	ctlPage  = 16 // where this page is in the control file
	ctlFresh = 24 // 1: threads that were called back may begin anew
	ctlDone  = 48 // 0 until the order is done, then errno + 1
	ctlValue = 56 // the result, if asked for
	ctlCalls = 64 // number and six arguments of each
	callSize = 56
	maxCalls = (pageSize - ctlCalls) / callSize
)

// copyCall is the number of what only looks like a host call in an order: copy so many bytes
// (third argument) from the second argument to the first.
const copyCall = 0x1000

// Offsets in a thread area. Application code can write all of it at any time. What one side tells the other by a patched call is
// in the cache line of the state, both ways; the next line hardly ever changes.
const (
	areaState  = 0x00
	areaKind   = 0x04 // what the trap is
	areaNumber = 0x08 // of a call: EAX,
	areaMay    = 0x0c // descriptors that may be closed without a call (lendopen.go), and 1: a byte each
	areaArgs   = 0x10 // and its arguments
	areaFast   = 0x08 // on resume, in the same place: only RAX and what the stub has changed are to be loaded
	areaGoOn   = 0x10 // where to go on, for that,
	areaResult = 0x18 // and RAX
	areaAsleep = 0x40 // the sentry waits in a futex for the state to change
	areaSpin   = 0x44 // how often the stub looks at the state before it sleeps
	areaWaits  = 0x48 // the stub waits in a futex
	areaSeen   = 0x4c // counts interrupt signals
	areaSince  = 0x50 // the counter when the stub was about to wait in a futex
	areaSlot   = 0x80 // of a call: the slot, or the end of the trampoline
	areaFlags  = 0x90 // and EFLAGS; the word below is a stack
	areaFs     = 0xa8 // the segment bases
	areaGs     = 0xb0
	areaFP     = 0xb8 // address of the XSAVE image to load on resume; 0: none
	areaPID    = 0xd0 // answers to getpid(2) and so on, and 1; 0: ask the sentry
	areaTID    = 0xd4
	areaUID    = 0xd8
	areaEUID   = 0xdc
	areaGID    = 0xe0
	areaEGID   = 0xe4
	areaYield  = 0xe8  // 0: the sentry is to be asked for sched_yield(2)
	areaPPID   = 0xec  // as areaPID
	areaRegs   = 0x100 // registers on resume: r8-r15, rdi, rsi, rbp, rbx, rdx, rax, rcx
	areaFsNew  = 0x178
	areaGsNew  = 0x180
	areaIret   = 0x190 // rip, cs, eflags, rsp, ss
	areaStack  = 0x1c0 // stack_t of the signal stack
	areaSig    = 0x1d8 // kindSignal: the signal
	areaCode   = 0x1dc // si_code
	areaArch   = 0x1e0 // si_arch
	areaFrame  = 0x1e8 // address of the ucontext
	areaAddr   = 0x1f0 // si_addr
	areaIn     = 0x200 // the registers of a call, as sigcontext_64 has them
	areaQuiet  = 0x2c0 // by the lower bits of a call's number, how many PAUSEs the stub makes before it looks at the state; bytes
	areaIO     = 0x300 // what kind of call it is, if it may be answered from what was lent
	areaPosts  = 0x304 // how many posts there are
	areaUsed   = 0x308 // where there is room for the bytes of the next
	areaTakes  = 0x30c // how many loans were taken
	areaVec    = 0x310 // a struct iovec
	areaSent   = 0x320 // counts files that were sent from what was lent
	// The file that may be opened again (lendfile.go): its descriptor and 1, or 0; directory and flags of the call; where the
	// path is in the area and how long, with the 0; and how much of the file is lent.
	areaOpened    = 0x324
	areaOpenDir   = 0x328
	areaOpenFlags = 0x32c
	areaOpenName  = 0x330
	areaOpenLen   = 0x334
	areaOpenSize  = 0x338
	areaKnows     = 0x33c // 0: something about files has changed, and none of what was lent of them holds but close
	mostPath      = platform.MostPath
	areaStat      = 0x340 // the struct stat of the file that was opened last (lendfile.go)
	areaLinked    = 0x3d0 // 0: none of what is at areaLinks holds
	areaLoans     = 0x400 // what was lent, by descriptor (lend.go)
	areaPosted    = 0xc00 // what the application has written
	areaFPU       = 0x1000
	areaAlt       = 0x2000 // the signal stack
	areaPath      = 0x4fc0 // the path of a call, as a name
	areaLinks     = 0x5000 // names of what is no symbolic link (lendpath.go)
	areaBytes     = 0x6000 // bytes lent and posted, up to the end
)

// On resume there is the file that was opened by the call that is answered (lendopen.go): its descriptor and 1, or 0; its flags
// and those of the descriptor, and whether areaStat is its own. Or the directory of which everything was read, in the same way.
const (
	areaFile        = 0x20
	areaFileFlags   = 0x24
	areaFileCloexec = 0x28
	areaFileStat    = 0x2c
	areaEnd         = 0x30
)

// Kinds of calls that may be answered from what was lent.
const (
	ioRead   = 1
	ioWrite  = 2
	ioRecv   = 3
	ioSend   = 4
	ioGather = 5
	ioClose  = 6
	ioStat   = 7
	ioStatAt = 8

	ioSendfile = 9
	ioOpenAt   = 10
	ioFcntl    = 11
	ioGetdents = 12
	ioReadlink = 13
)

// Offsets in a loan, its size, and how many there may be; the same of a post.
const (
	loanFD    = 0 // and 1; 0: none
	loanState = 4
	loanLen   = 8  // of the bytes to be read, 0: none
	loanOff   = 12 // where they are in the area
	loanRoom  = 16 // for bytes to be written
	loanClose = 20 // whether it may be closed
	loanStat  = 24 // whether areaStat is its own
	loanFile  = 28 // how long the file is whose bytes are at loanOff, 0: they are not
	loanShift = 5
	maxLoans  = 64

	postLoan  = 0
	postOff   = 4
	postLen   = 8
	postShift = 4
	maxPosts  = 64
)

// What the stub has copied.
const (
	copiedIn   = 1
	copiedOut  = 2
	copiedVec  = 3
	copiedAt   = 4
	copiedStat = 5
	// Of a datagram:
	copiedRoom  = 6 // how much room there is for the address of who sent it
	copiedName  = 7 // that
	copiedNamed = 8 // its length
	copiedData  = 9
	// Of a file that is sent:
	copiedPos   = 10 // the offset
	copiedFile  = 11 // the bytes
	copiedMoved = 12 // the offset behind them
	copiedPath  = 13 // of a file that is opened, behind that of the last one
	copiedLink  = 14 // of a call of readlink(2), and what is behind it
)

// What is lent of a datagram: offsets. Behind it comes the next, at a multiple of 8.
const (
	packetLen   = 0
	packetNamed = 4 // the length of
	packetName  = 8 // the address of who sent it
	mostName    = 32
	packetData  = packetName + mostName
)

// statSize is the size of struct stat.
const statSize = 144

// States of what may be closed: the stub changes one to the other.
const (
	closeOpen = 1
	closeDone = 2
)

// States of a loan: the stub changes one to the other when it has copied the bytes.
const (
	loanOpen  = 1
	loanTaken = 2
	// loanPackets and so many datagrams: the stub counts down when it has copied one
	loanPackets = 0x100
)

// States of a thread area. Whoever sees his own turn acts, then hands over by changing it.
const (
	stateDead   = 0 // written by the sentry when the process has ended
	stateRun    = 1 // the stub's turn: application code runs
	stateTrap   = 2 // the sentry's turn
	stateSave   = 3 // the stub's turn: store the FPU state at areaFPU, then stateTrap
	stateKicked = 4 // as stateRun, and an interrupt is under way
)

// mostQuiet bounds what is in areaQuiet: longer calls gain little.
const mostQuiet = 48

// Kinds of traps. What is less than kindSignal is areaSlot of a call from a patched site: its arguments are at areaArgs, its
// registers at areaIn, the FPU state is live.
const (
	kindSignal = 1<<31 + iota // registers are in the frame
	kindBorn                  // a new thread
	kindSaved                 // stateSave is done
)

// struct ucontext and struct sigcontext_64 (arch/x86/include/uapi/asm): offsets in a frame.
const (
	ucRegs    = 40
	ucRip     = ucRegs + 16*8
	ucFpState = ucRegs + 23*8
	ucSize    = ucRegs + 24*8
)
