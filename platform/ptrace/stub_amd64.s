#include "textflag.h"

// The stub page's code, copied from here. Offsets are in stub.go.

// stubCode: 0: SYSCALL, INT3. 16: SYSCALL; a child (AX = 0) goes to 32, the parent to INT3.
// 32: pause(2) for ever. 48: the calls of a table, INT3.
TEXT ·stubCode(SB), NOSPLIT|NOFRAME, $0
	SYSCALL
	BYTE $0xcc // INT3
	BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90
	BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90
	// 16
	SYSCALL
	BYTE $0x48; BYTE $0x85; BYTE $0xc0 // TESTQ AX, AX
	BYTE $0x74; BYTE $0x09             // JZ 32
	BYTE $0xcc // INT3
	BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90
	// 32
	BYTE $0xb8; BYTE $0x22; BYTE $0x00; BYTE $0x00; BYTE $0x00 // MOVL $SYS_pause, AX
	SYSCALL
	BYTE $0xeb; BYTE $0xf7                                     // JMP 32
	BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90; BYTE $0x90
	// 48: BX is the next call of the table, BP the end of it. A call that fails ends the loop.
	MOVQ 0(BX), AX
	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	MOVQ 24(BX), DX
	MOVQ 32(BX), R10
	MOVQ 40(BX), R8
	MOVQ 48(BX), R9
	SYSCALL
	BYTE $0x48; BYTE $0x3d; BYTE $0x00; BYTE $0xf0; BYTE $0xff; BYTE $0xff // CMPQ AX, $-4096
	BYTE $0x77; BYTE $0x09                                                 // JHI the INT3
	BYTE $0x48; BYTE $0x83; BYTE $0xc3; BYTE $0x38                         // ADDQ $56, BX
	BYTE $0x48; BYTE $0x39; BYTE $0xeb                                     // CMPQ BX, BP
	BYTE $0x72; BYTE $0xd2                                                 // JCS 48
	BYTE $0xcc // INT3
	RET

// func stubCodeAddr() *byte
TEXT ·stubCodeAddr(SB), NOSPLIT, $0-8
	LEAQ ·stubCode(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func forkMaster(flags uintptr) (pid uintptr)
//
// The child does not return: it waits to be seized in the pause loop.
TEXT ·forkMaster(SB), NOSPLIT, $0-16
	MOVQ flags+0(FP), DI
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX
	SYSCALL
	CMPQ AX, $0
	JNE  parent
	LEAQ ·stubCode(SB), AX
	ADDQ $32, AX
	JMP  AX
parent:
	MOVQ AX, pid+8(FP)
	RET
