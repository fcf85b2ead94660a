#include "go_asm.h"
#include "textflag.h"

// The code of application threads. It is copied to textAt of each stub process, so it may name nothing
// outside itself but fixed addresses. doc.go says how it is used.

#define SYS_write 1
#define SYS_writev 20
#define SYS_sendto 44
#define SYS_recvfrom 45
#define SYS_sched_yield 24
#define SYS_getpid 39
#define SYS_getppid 110
#define SYS_getuid 102
#define SYS_getgid 104
#define SYS_geteuid 107
#define SYS_getegid 108
#define SYS_gettid 186
#define SYS_futex 202
#define SIGUSR1 10
#define SIGUSR2 12

// What application threads run.
TEXT ·stubCode(SB), NOSPLIT|NOFRAME, $0
	JMP born
	PCALIGN $16
	JMP handler
	PCALIGN $16
	BYTE $0x0f; BYTE $0x0b // the restorer: UD2, nobody returns through it
	PCALIGN $16
	JMP callSite
	PCALIGN $16
	BYTE $0x0f; BYTE $0x0b // UD2
	PCALIGN $16
	JMP openSite
	PCALIGN $16
	BYTE $0x0f; BYTE $0x0b // UD2
	PCALIGN $16
copy:
	REP
	MOVSB
	JMP copied
	PCALIGN $16

	// A new thread.
born:
	MOVL $const_kindBorn, const_areaKind(BX)
	MOVQ $0, const_areaFP(BX)
	JMP  post

	// The process is to be used again: whatever the thread did is forgotten. It is as a new one once the
	// sentry knows that this has come to all.
callBack:
	LEAQ const_areaSize(BX), SP
	MOVL $(const_ctlAt+const_ctlFresh), CX
	MOVL (CX), AX
	TESTL AX, AX
	JNZ  born
	MOVL $SYS_sched_yield, AX
	SYSCALL
	JMP  callBack

	// A signal: DI is its number, SI the siginfo, DX the ucontext. SP is inside the area.
handler:
	MOVQ SP, BX
	ANDQ $~(const_areaSize-1), BX
	CMPL DI, $SIGUSR1
	JNE  outside
	INCL const_areaSeen(BX)
	MOVQ const_ucRip(DX), CX
	CMPQ CX, $const_minAddr
	JCS  back
outside:
	CMPL DI, $SIGUSR2
	JEQ  callBack
	MOVQ const_ucRip(DX), CX
	CMPQ CX, $(const_textAt+const_entryCopy)
	JEQ  cannot
	MOVL DI, const_areaSig(BX)
	MOVL 8(SI), AX
	MOVL AX, const_areaCode(BX)
	MOVQ 16(SI), AX
	MOVQ AX, const_areaAddr(BX)
	MOVL 28(SI), AX
	MOVL AX, const_areaArch(BX)
	MOVQ DX, const_areaFrame(BX)
	MOVQ const_ucFpState(DX), AX
	MOVQ AX, const_areaFP(BX)
	RDFSBASEQ AX
	MOVQ AX, const_areaFs(BX)
	RDGSBASEQ AX
	MOVQ AX, const_areaGs(BX)
	MOVL $const_kindSignal, const_areaKind(BX)

	JMP  post

	// A call from a patched site, by its trampoline. EAX is the slot, RCX and R11 are free as
	// they are for a system call, everything else is the application's, the flags too until they
	// are stored. GS must be the area, in the uppermost 4 GiB: no instruction before the JCXZL
	// changes the flags.
callSite:
	RDGSBASEQ R11
	MOVQ $-const_areaAt, CX
	LEAQ (R11)(CX*1), CX
	BSWAPQ CX
	JCXZL mine
	JMP  noArea
mine:
	MOVL AX, const_areaSlot(R11)
store:
	MOVQ SP, (const_areaIn+15*8)(R11)
	LEAQ (const_areaFlags+8)(R11), SP
	PUSHFQ
	MOVQ R8, (const_areaIn+0)(R11)
	MOVQ R9, (const_areaIn+8)(R11)
	MOVQ R10, (const_areaIn+16)(R11)
	MOVQ R12, (const_areaIn+32)(R11)
	MOVQ R13, (const_areaIn+40)(R11)
	MOVQ R14, (const_areaIn+48)(R11)
	MOVQ R15, (const_areaIn+56)(R11)
	MOVQ DI, (const_areaIn+64)(R11)
	MOVQ SI, (const_areaIn+72)(R11)
	MOVQ BP, (const_areaIn+80)(R11)
	MOVQ BX, (const_areaIn+88)(R11)
	MOVQ DX, (const_areaIn+96)(R11)
	MOVQ R11, BX
	MOVQ $0, const_areaFP(BX)
	RDFSBASEQ AX
	MOVQ AX, const_areaFs(BX)
	MOVQ BX, const_areaGs(BX)
	MOVL const_areaIO(BX), CX
	TESTL CX, CX
	JZ   request
	MOVL $0, const_areaIO(BX)
	JMP  borrow

	// A call whose number is open. RCX is where to go on behind it, R11 the area. Flags stay.
openSite:
	MOVL CX, const_areaSlot(R11)
	LEAL -SYS_getpid(AX), CX
	JCXZL pid
	LEAL -SYS_gettid(AX), CX
	JCXZL tid
	LEAL -SYS_getuid(AX), CX
	JCXZL uid
	LEAL -SYS_geteuid(AX), CX
	JCXZL euid
	LEAL -SYS_getgid(AX), CX
	JCXZL gid
	LEAL -SYS_getegid(AX), CX
	JCXZL egid
	LEAL -SYS_getppid(AX), CX
	JCXZL ppid
	LEAL -SYS_sched_yield(AX), CX
	JCXZL yield
	JMP  ask
pid:
	MOVL const_areaPID(R11), CX
	JMP  fact
tid:
	MOVL const_areaTID(R11), CX
	JMP  fact
uid:
	MOVL const_areaUID(R11), CX
	JMP  fact
euid:
	MOVL const_areaEUID(R11), CX
	JMP  fact
gid:
	MOVL const_areaGID(R11), CX
	JMP  fact
egid:
	MOVL const_areaEGID(R11), CX
	JMP  fact
ppid:
	MOVL const_areaPPID(R11), CX
	JMP  fact
yield:
	MOVL const_areaYield(R11), CX
	JCXZL ask
	SYSCALL
	RDGSBASEQ R11
	MOVL const_areaSlot(R11), CX
	JMP  CX
fact:
	JCXZL ask // forwards: the assembler's JCXZL backwards goes a byte too far
	LEAL -1(CX), AX
	MOVL const_areaSlot(R11), CX
	JMP  CX
ask:
	MOVQ AX, (const_areaIn+13*8)(R11)
	MOVL AX, CX
	JCXZL reads
	LEAL -SYS_write(AX), CX
	JCXZL writes
	LEAL -SYS_recvfrom(AX), CX
	JCXZL receives
	LEAL -SYS_sendto(AX), CX
	JCXZL sends
	LEAL -SYS_writev(AX), CX
	JCXZL gathers
	JMP  store
reads:
	MOVL $const_ioRead, const_areaIO(R11)
	JMP  store
writes:
	MOVL $const_ioWrite, const_areaIO(R11)
	JMP  store
receives:
	MOVL $const_ioRecv, const_areaIO(R11)
	JMP  store
sends:
	MOVL $const_ioSend, const_areaIO(R11)
	JMP  store
gathers:
	MOVL $const_ioGather, const_areaIO(R11)
	JMP  store

#include "lend_amd64.h"

#include "lendopen_amd64.h"

#include "lendpath_amd64.h"

	// The sentry is to make the call after all. The copy was made with another direction flag.
declined:
	LEAQ const_areaFlags(BX), SP
	POPFQ

	// A call: the sentry is told what it needs to make it. The rest it can look up.
request:
	MOVL const_areaSlot(BX), AX
	MOVQ (const_areaIn+13*8)(BX), CX
	MOVQ (const_areaIn+64)(BX), DI
	MOVQ (const_areaIn+72)(BX), SI
	MOVQ (const_areaIn+96)(BX), DX
	MOVQ (const_areaIn+16)(BX), R10
	MOVL AX, const_areaKind(BX)
	MOVL CX, const_areaNumber(BX)
	MOVQ DI, (const_areaArgs+0)(BX)
	MOVQ SI, (const_areaArgs+8)(BX)
	MOVQ DX, (const_areaArgs+16)(BX)
	MOVQ R10, (const_areaArgs+24)(BX)
	MOVQ R8, (const_areaArgs+32)(BX)
	MOVQ R9, (const_areaArgs+40)(BX)

	// Hand over to the sentry and wait for the answer.
post:
	MOVL $const_stateTrap, AX
	XCHGL AX, const_areaState(BX)
	MOVL const_areaAsleep(BX), AX
	TESTL AX, AX
	JZ   awake
	MOVQ BX, DI
	MOVL $1, SI
	MOVL $1, DX
	MOVL $SYS_futex, AX
	SYSCALL
	MOVL const_areaSpin(BX), CX // it may have been woken on another processor
	JMP  spin
awake:
	MOVL const_areaSpin(BX), CX
	TESTL CX, CX
	JZ   spin

	// The sentry is awake. Each look would take the cache line from it, which it needs for the answer, so the first look is made when
	// that should be there: about when it was with calls of this number. To be late by a PAUSE costs as much as to be early, and
	// how long a call takes varies: who was late looks sooner by two the next time, who was early later by one.
	MOVL (const_areaIn+13*8)(BX), SI
	ANDL $(const_areaIO-const_areaQuiet-1), SI
	MOVBLZX const_areaQuiet(BX)(SI*1), DX
	MOVL DX, AX
quiet:
	TESTL AX, AX
	JZ   first
	PAUSE
	DECL AX
	JMP  quiet
first:
	MOVL const_areaState(BX), AX
	CMPL AX, $const_stateTrap
	JEQ  early
	SUBL $2, DX
	JCC  sooner
	XORL DX, DX
sooner:
	MOVB DX, const_areaQuiet(BX)(SI*1)
	JMP  turn
early:
	CMPL DX, $const_mostQuiet
	JAE  spin
	INCB const_areaQuiet(BX)(SI*1)
spin:
	MOVL const_areaState(BX), AX
	CMPL AX, $const_stateTrap
	JNE  turn
	MOVL $(const_ctlAt+const_ctlHelp), AX
	MOVL (AX), AX
	TESTL AX, AX
	JNZ  help
look:
	TESTL CX, CX
	JZ   sleep
	PAUSE
	DECL CX
	JMP  spin

	// There is an order for the service thread, which is best made on this processor.
help:
	MOVL $(const_ctlAt+const_ctlDone), DI
	MOVL (DI), AX
	TESTL AX, AX
	JNZ  look
	MOVL $(const_ctlAt+const_ctlSeq), DI
	MOVL $1, SI
	MOVL $1, DX
	MOVL $SYS_futex, AX
	SYSCALL
	MOVL $(const_ctlAt+const_ctlDone), DI
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	MOVL $SYS_futex, AX
	SYSCALL
	JMP  awake
sleep:
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, const_areaSince(BX)
	MOVL $1, AX
	XCHGL AX, const_areaWaits(BX)
again:
	MOVL const_areaState(BX), AX
	CMPL AX, $const_stateTrap
	JNE  woken
	MOVQ BX, DI
	XORL SI, SI
	MOVL $const_stateTrap, DX
	XORL R10, R10
	MOVL $SYS_futex, AX
	SYSCALL
	JMP  again
woken:
	MOVL $0, const_areaWaits(BX)

	// The stub's turn.
turn:
	MOVL const_areaState(BX), AX
	CMPL AX, $const_stateSave
	JNE  resume
	MOVL $-1, AX
	MOVL $-1, DX
	XSAVE64 const_areaFPU(BX)
	MOVL $const_kindSaved, const_areaKind(BX)
	JMP  post
resume:
	CMPL const_areaFast(BX), $0
	JEQ  all
	MOVQ (const_areaIn+16)(BX), R10
	MOVQ (const_areaIn+64)(BX), DI
	MOVQ (const_areaIn+72)(BX), SI
	MOVQ (const_areaIn+96)(BX), DX
	MOVQ (const_areaIn+15*8)(BX), SP
	MOVL const_areaFlags(BX), AX
	MOVL AX, CX
	SHLL $8, AX
	SHRL $11, CX
	ANDL $1, CX
	ORL  CX, AX
	ADDB $0x7f, AX // OF
	SAHF
	MOVQ const_areaGoOn(BX), CX
	MOVQ const_areaResult(BX), AX
	MOVQ (const_areaIn+88)(BX), BX
	JMP  CX
all:
	MOVQ const_areaFP(BX), CX
	TESTQ CX, CX
	JZ   loaded
	MOVL $-1, AX
	MOVL $-1, DX
	XRSTOR64 (CX)
loaded:
	MOVQ const_areaFsNew(BX), AX
	WRFSBASEQ AX
	MOVQ const_areaGsNew(BX), AX
	WRGSBASEQ AX
	LEAQ (const_areaFlags+8)(BX), SP
	PUSHQ $2 // no flags: IRETQ faults with NT, which the application may have set
	POPFQ
	LEAQ const_areaIret(BX), SP
	MOVQ (const_areaRegs+0)(BX), R8
	MOVQ (const_areaRegs+8)(BX), R9
	MOVQ (const_areaRegs+16)(BX), R10
	MOVQ (const_areaRegs+24)(BX), R11
	MOVQ (const_areaRegs+32)(BX), R12
	MOVQ (const_areaRegs+40)(BX), R13
	MOVQ (const_areaRegs+48)(BX), R14
	MOVQ (const_areaRegs+56)(BX), R15
	MOVQ (const_areaRegs+64)(BX), DI
	MOVQ (const_areaRegs+72)(BX), SI
	MOVQ (const_areaRegs+80)(BX), BP
	MOVQ (const_areaRegs+96)(BX), DX
	MOVQ (const_areaRegs+104)(BX), AX
	MOVQ (const_areaRegs+112)(BX), CX
	MOVQ (const_areaRegs+88)(BX), BX
	IRETQ

	// The application uses GS for itself: entryNoArea traps, with the slot in EAX.
noArea:
	MOVQ $(const_textAt+const_entryNoArea), CX
	JMP  CX

	// An interrupt signal found the stub's own code: go on there. The sentry sends it again if
	// it is still wanted. The frame is at DX.
back:
	MOVQ DX, BX
	MOVQ const_ucFpState(BX), CX
	MOVL $-1, AX
	MOVL $-1, DX
	XRSTOR64 (CX)
	SUBQ $48, SP
	ANDQ $~15, SP
	PUSHQ $2
	POPFQ
	MOVQ const_ucRip(BX), AX
	MOVQ AX, 0(SP)
	MOVQ $0x33, 8(SP)
	MOVQ (const_ucRip+8)(BX), AX
	MOVQ AX, 16(SP)
	MOVQ (const_ucRip-8)(BX), AX
	MOVQ AX, 24(SP)
	MOVQ $0x2b, 32(SP)
	MOVQ (const_ucRegs+0)(BX), R8
	MOVQ (const_ucRegs+8)(BX), R9
	MOVQ (const_ucRegs+16)(BX), R10
	MOVQ (const_ucRegs+24)(BX), R11
	MOVQ (const_ucRegs+32)(BX), R12
	MOVQ (const_ucRegs+40)(BX), R13
	MOVQ (const_ucRegs+48)(BX), R14
	MOVQ (const_ucRegs+56)(BX), R15
	MOVQ (const_ucRegs+64)(BX), DI
	MOVQ (const_ucRegs+72)(BX), SI
	MOVQ (const_ucRegs+80)(BX), BP
	MOVQ (const_ucRegs+96)(BX), DX
	MOVQ (const_ucRegs+104)(BX), AX
	MOVQ (const_ucRegs+112)(BX), CX
	MOVQ (const_ucRegs+88)(BX), BX
	IRETQ

TEXT ·stubEnd(SB), NOSPLIT|NOFRAME, $0
	RET

// func stubCodeAddr() (start, end uintptr)
TEXT ·stubCodeAddr(SB), NOSPLIT, $0-16
	LEAQ ·stubCode(SB), AX
	MOVQ AX, start+0(FP)
	LEAQ ·stubEnd(SB), AX
	MOVQ AX, end+8(FP)
	RET


// func threadBase() uint64
TEXT ·threadBase(SB), NOSPLIT, $0-8
	RDFSBASEQ AX
	MOVQ AX, ret+0(FP)
	RET

