// What application threads do with files that they have opened: a part of stubCode.

	// Calls of files that the application has opened (lendopen.go). AX is the descriptor, and 1.
own:
	CMPL CX, $const_ioClose
	JEQ  shut
	CMPL CX, $const_ioGetdents
	JEQ  list
	CMPL AX, const_areaFile(BX)
	JNE  request
	TESTL AX, AX
	JEQ  request
	CMPL const_areaKnows(BX), $0
	JEQ  request
	CMPL CX, $const_ioFcntl
	JEQ  control
	LEAQ (const_areaFileStat-const_loanStat)(BX), R11
	CMPL CX, $const_ioStat
	JEQ  attributes
	CMPL CX, $const_ioStatAt
	JEQ  attributes
	JMP  request
list: // nothing more, once
	TESTL AX, AX
	JEQ  request
	CMPL AX, const_areaEnd(BX)
	JNE  request
	CMPL const_areaKnows(BX), $0
	JEQ  request
	MOVL $0, const_areaEnd(BX)
	XORL AX, AX
	JMP  answer
control:
	MOVL const_areaFileFlags(BX), AX
	CMPL SI, $3 // F_GETFL
	JEQ  answer
	MOVL const_areaFileCloexec(BX), AX
	CMPL SI, $1 // F_GETFD
	JEQ  answer
	CMPL SI, $2 // F_SETFD to what they are
	JNE  request
	ANDL $1, DX
	CMPL AX, DX
	JNE  request
	XORL AX, AX
	JMP  answer
shut:
	CMPL DI, $254
	JCC  request
	MOVL AX, CX
	MOVL const_areaMay(BX), AX
	MOVL $0xff, R11
search:
	MOVL AX, DX
	ANDL R11, DX
	CMPL DX, CX
	JEQ  may
	SHLL $8, CX
	SHLL $8, R11
	JNZ  search
	JMP  request
may:
	NOTL R11
	ANDL AX, R11
	LOCK
	CMPXCHGL R11, const_areaMay(BX)
	JNE  request
	MOVL $0, const_areaFile(BX)
	MOVL $0, const_areaEnd(BX)
	XORL AX, AX
	JMP  answer
