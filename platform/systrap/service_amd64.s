#include "go_asm.h"
#include "textflag.h"

// The code of service threads. It is copied to serviceAt of each stub process, so it may name nothing outside itself but
// fixed addresses. doc.go says how it is used.

#define SYS_mmap 9
#define SYS_rt_sigprocmask 14
#define SYS_pwrite64 18
#define SYS_madvise 28
#define SYS_clone 56
#define SYS_sigaltstack 131
#define SYS_prctl 157
#define PR_SET_PDEATHSIG 1
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define SIGKILL 9
#define SYS_futex 202
#define SYS_exit_group 231
#define SYS_seccomp 317

// What service threads run, on a page of its own: the host lets nobody else call from there.
TEXT ·serviceCode(SB), NOSPLIT|NOFRAME, $0
	// The service thread. BX is the control page, R15 the last order.
service:
	MOVL const_ctlSeq(BX), AX
	CMPL AX, R15
	JNE  order
	LEAQ const_ctlSeq(BX), DI
	XORL SI, SI
	MOVL R15, DX
	XORL R10, R10
	MOVL $SYS_futex, AX
	SYSCALL
	JMP  service

order:
	MOVL AX, R15
	MOVL const_ctlCount(BX), R14
	LEAQ const_ctlCalls(BX), R13
	XORL AX, AX
call:
	TESTL R14, R14
	JZ   report
	MOVQ 0(R13), BP
	MOVQ 8(R13), DI
	MOVQ 16(R13), SI
	MOVQ 24(R13), DX
	MOVQ 32(R13), R10
	MOVQ 40(R13), R8
	MOVQ 48(R13), R9
	CMPQ BP, $const_copyCall
	JEQ  copy
	MOVQ BP, AX
	SYSCALL
	TESTQ AX, AX
	JS   failed
	JNZ  next
	CMPQ BP, $SYS_clone
	JEQ  child
	JMP  next
copy:
	MOVQ DX, CX
	XORL AX, AX
	CLD
	REP
	MOVSB
next:
	ADDQ $const_callSize, R13
	DECL R14
	JMP  call

	// The result: the value a byte at a time, if it is asked for, then errno + 1.
report:
	XORL BP, BP
	MOVL const_ctlWant(BX), CX
	TESTL CX, CX
	JZ   done
	MOVL AX, R12
	XORL R14, R14
value:
	MOVL $(const_dataAt+const_dataCtlFD), DI
	MOVL (DI), DI
	LEAL -1(R12), SI
	ANDL $255, SI
	SHLL $3, SI
	ADDL $(const_dataAt+const_dataTable), SI
	MOVL $1, DX
	MOVQ const_ctlPage(BX), R10
	LEAQ const_ctlValue(R10)(R14*1), R10
	MOVL $SYS_pwrite64, AX
	SYSCALL
	SHRL $8, R12
	INCL R14
	CMPL R14, $4
	JNE  value
	JMP  done
failed:
	NEGL AX
	MOVL AX, BP
	CMPL BP, $255
	JLS  done
	MOVL $255, BP
done:
	MOVL $(const_dataAt+const_dataCtlFD), DI
	MOVL (DI), DI
	LEAQ (const_dataAt+const_dataTable)(BP*8), SI
	MOVL $8, DX
	MOVQ const_ctlPage(BX), R10
	ADDQ $const_ctlDone, R10
	MOVL $SYS_pwrite64, AX
	SYSCALL
	LEAQ const_ctlDone(BX), DI
	MOVL $1, SI
	MOVL $0x7fffffff, DX // the sentry, and who helps
	MOVL $SYS_futex, AX
	SYSCALL
	JMP  service

	// The child of a clone: a thread, whose area is R9, or a process, whose control page is
	// at R9 of the control file.
child:
	TESTL $0x100, DI
	JNZ  thread
	MOVL $const_ctlAt, DI
	MOVL $const_pageSize, SI
	MOVL $1, DX
	MOVL $0x11, R10
	MOVL $(const_dataAt+const_dataCtlFD), R8
	MOVL (R8), R8
	MOVL $SYS_mmap, AX
	SYSCALL
	CMPQ AX, DI
	JNE  die
	MOVL $const_pageSize, SI
	MOVL $10, DX
	MOVL $SYS_madvise, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die
	MOVL $PR_SET_PDEATHSIG, DI
	MOVL $SIGKILL, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $SYS_prctl, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die
	MOVL $const_ctlAt, BX
	XORL R15, R15
	JMP  service
die:
	MOVL $1, DI
	MOVL $SYS_exit_group, AX
	SYSCALL
	BYTE $0x0f; BYTE $0x0b

	// A new application thread gives up what the service thread may do.
thread:
	MOVQ R9, BX
	LEAQ const_areaStack(BX), DI
	XORL SI, SI
	MOVL $SYS_sigaltstack, AX
	SYSCALL
	MOVL $2, DI
	MOVL $(const_dataAt+const_dataZero), SI
	XORL DX, DX
	MOVL $8, R10
	MOVL $SYS_rt_sigprocmask, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die
	MOVL $(const_dataAt+const_dataNoSUD), DX
	MOVL (DX), DX
	TESTL DX, DX
	JNZ  filter
	MOVL $PR_SET_SYSCALL_USER_DISPATCH, DI
	MOVL $1, SI
	MOVL $const_textAt, DX
	MOVL $const_textSize, R10
	XORL R8, R8
	MOVL $SYS_prctl, AX
	JMP  confine
filter:
	MOVL $1, DI
	XORL SI, SI
	MOVL $(const_dataAt+const_dataThread), DX
	MOVL $SYS_seccomp, AX
confine:
	SYSCALL
	TESTQ AX, AX
	JNZ  die
	MOVQ $(const_textAt+const_entryBorn), AX
	JMP  AX

TEXT ·serviceEnd(SB), NOSPLIT|NOFRAME, $0
	RET

// func serviceCodeAddr() (start, end uintptr)
TEXT ·serviceCodeAddr(SB), NOSPLIT, $0-16
	LEAQ ·serviceCode(SB), AX
	MOVQ AX, start+0(FP)
	LEAQ ·serviceEnd(SB), AX
	MOVQ AX, end+8(FP)
	RET

// func forkMaster(flags uintptr) (pid uintptr)
//
// The child does not return: it is the service thread of the master.
TEXT ·forkMaster(SB), NOSPLIT, $0-16
	MOVQ flags+0(FP), DI
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $SYS_clone, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  parent
	MOVL $const_ctlAt, BX
	XORL R15, R15
	XORQ SP, SP
	MOVL $const_serviceAt, AX
	JMP  AX
parent:
	MOVQ AX, pid+8(FP)
	RET
