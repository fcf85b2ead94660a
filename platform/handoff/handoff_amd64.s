#include "textflag.h"

// func Counter() uint64
TEXT ·Counter(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func Processor() int
TEXT ·Processor(SB), NOSPLIT, $0-8
	RDTSCP
	ANDL $0xfff, CX
	MOVQ CX, ret+0(FP)
	RET

// func Own(a *atomic.Uint32)
TEXT ·Own(SB), NOSPLIT, $0-8
	MOVQ a+0(FP), AX
	BYTE $0x0f; BYTE $0x0d; BYTE $0x08 // PREFETCHW (AX)
	RET

// func Look(a *atomic.Uint32, wasA uint32, b *atomic.Uint32, wasB, n uint32) bool
TEXT ·Look(SB), NOSPLIT, $0-33
	MOVQ a+0(FP), DI
	MOVL wasA+8(FP), SI
	MOVQ b+16(FP), BX
	MOVL wasB+24(FP), DX
	MOVL n+28(FP), CX
look:
	MOVL (DI), AX
	CMPL AX, SI
	JNE  changed
	MOVL (BX), AX
	CMPL AX, DX
	JNE  changed
	PAUSE
	DECL CX
	JNZ  look
	MOVB $0, ret+32(FP)
	RET
changed:
	MOVB $1, ret+32(FP)
	RET
