// What application threads know of paths: a part of stubCode.

	// readlink(2) of what is no symbolic link (lendpath.go). DI is the path. What is copied ends with a page, so that no page is touched that
	// the path is not in.
readlink:
	CMPL const_areaLinked(BX), $0
	JEQ  request
	MOVL DI, AX
	ANDL $(const_pageSize-1), AX
	CMPL AX, $(const_pageSize-const_nameSize)
	JHI  request
	MOVQ DI, SI
	LEAQ const_areaPath(BX), DI
	MOVL $const_nameSize, CX
	MOVL $const_copiedLink, AX
	CLD
	JMP  copy
linked: // clear what is behind the 0, which all names have; DX becomes the hash of all words
	CMPB const_areaPath(BX), $0x2f // "/"
	JNE  declined
	LEAQ const_areaPath(BX), SI
	MOVQ $-1, R10 // 0 behind the end
	XORL DX, DX
	MOVL $(const_nameSize/8), CX
word:
	MOVQ (SI), AX
	ANDQ R10, AX
	MOVQ $0xfefefefefefefeff, DI // the lowest byte that is 0 gets its uppermost bit,
	ADDQ AX, DI
	MOVQ AX, R11
	NOTQ R11
	ANDQ R11, DI
	MOVQ $0x8080808080808080, R11
	ANDQ R11, DI
	JZ   whole
	MOVQ DI, R11 // from which a mask is made of all below
	NEGQ R11
	ANDQ R11, DI
	SHRQ $7, DI
	DECQ DI
	ANDQ DI, AX
	XORL R10, R10
whole:
	MOVQ AX, (SI)
	XORQ AX, DX
	MOVQ $const_hashBy, R11
	IMULQ R11, DX
	ADDQ $8, SI
	DECL CX
	JNZ  word
	SHRQ $const_nameShift, DX
	IMULL $const_nameSize, DX
	MOVL $2, R10 // places
place:
	LEAQ const_areaLinks(BX)(DX*1), DI
	LEAQ const_areaPath(BX), SI
	MOVL $(const_nameSize/8), CX
	REP
	CMPSQ
	JEQ  none
	XORL $const_nameSize, DX // the other
	DECL R10
	JNZ  place
	JMP  declined
none:
	CMPL const_areaLinked(BX), $0
	JEQ  declined
	MOVQ $-22, AX // EINVAL
	JMP  answer
