#include "textflag.h"

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() uint64
TEXT ·xgetbv(SB), NOSPLIT, $0-8
	XORL CX, CX
	XGETBV
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func StoreInt32(p *atomic.Int32, v int32)
TEXT ·StoreInt32(SB), NOSPLIT, $0-12
	MOVQ p+0(FP), AX
	MOVL v+8(FP), CX
	MOVL CX, (AX)
	RET

// func StoreInt64(p *atomic.Int64, v int64)
TEXT ·StoreInt64(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ v+8(FP), CX
	MOVQ CX, (AX)
	RET

// func fxsave(image *[512]byte)
TEXT ·fxsave(SB), NOSPLIT, $0-8
	MOVQ image+0(FP), AX
	FXSAVE64 (AX)
	RET

// func cpu() uint64
//
// The limit of the segment that Linux keeps for it (__CPUNODE_SEG) has the processor's number in
// its low 12 bits, as the vDSO's getcpu reads it.
TEXT ·cpu(SB), NOSPLIT, $0-8
	MOVQ $0x7b, AX
	MOVQ $0, CX
	BYTE $0x48; BYTE $0x0f; BYTE $0x03; BYTE $0xc8 // LSLQ AX, CX
	MOVQ CX, ret+0(FP)
	RET
