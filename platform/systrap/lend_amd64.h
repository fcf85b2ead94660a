// What application threads do with what was lent to them: a part of stubCode.

	// A call of kind CX may be answered from what was lent (lend.go). BX is the area, flags and registers are stored; those
	// that resume does not load stay.
borrow:
	CMPL CX, $const_ioOpenAt
	JEQ  open
	CMPL CX, $const_ioReadlink
	JEQ  readlink
	MOVL DI, R11
	ANDL $(const_maxLoans-1), R11
	SHLL $const_loanShift, R11
	LEAQ const_areaLoans(BX)(R11*1), R11
	LEAL 1(DI), AX
	CMPL AX, const_loanFD(R11)
	JNE  own
	CMPL CX, $const_ioSendfile
	JEQ  sendfile
	CMPL CX, $const_ioClose
	JCC  file
	CMPL CX, $const_ioRead
	JEQ  read
	CMPL CX, $const_ioWrite
	JEQ  write
	CMPL CX, $const_ioGather
	JEQ  gather
	CMPL const_loanState(R11), $const_loanPackets
	JHI  packet
	TESTQ R8, R8 // an address
	JNZ  request
	CMPL CX, $const_ioSend
	JEQ  send
	TESTL $~0x40, R10 // MSG_DONTWAIT
	JNZ  request
read:
	MOVL const_loanLen(R11), CX
	TESTL CX, CX
	JZ   request
	CMPQ DX, CX
	JCS  request
	CMPL const_loanState(R11), $const_loanOpen
	JNE  request
	MOVQ CX, R10
	MOVQ SI, DI
	MOVL const_loanOff(R11), SI
	ADDQ BX, SI
	MOVL $const_copiedIn, AX
	CLD
	JMP  copy
gather: // of one piece
	CMPL const_loanRoom(R11), $0
	JEQ  request
	CMPQ DX, $1
	JNE  request
	LEAQ const_areaVec(BX), DI
	MOVL $16, CX
	MOVL $const_copiedVec, AX
	CLD
	JMP  copy
send:
	TESTL $~0x4040, R10 // MSG_DONTWAIT, MSG_NOSIGNAL
	JNZ  request
write:
	TESTQ DX, DX
	JZ   request
	MOVL const_loanRoom(R11), AX
	CMPQ DX, AX
	JHI  request
	CMPL const_areaPosts(BX), $const_maxPosts
	JCC  request
	MOVL const_areaUsed(BX), R10
	LEAQ (R10)(DX*1), AX
	CMPQ AX, $const_areaSize
	JHI  request
	LEAQ (BX)(R10*1), DI
	MOVQ DX, CX
	MOVL $const_copiedOut, AX
	CLD
	JMP  copy

	// A datagram: who sent it, if that is asked for, then its bytes. One that is longer than what there is room for is the sentry's.
packet:
	CMPL CX, $const_ioRecv
	JNE  request
	TESTL $~0x40, R10 // MSG_DONTWAIT
	JNZ  request
	CLD
	TESTQ R8, R8
	JZ   data
	MOVQ R9, SI
	LEAQ const_areaVec(BX), DI
	MOVL $4, CX
	MOVL $const_copiedRoom, AX
	JMP  copy
name:
	MOVL const_loanOff(R11), SI
	CMPL SI, $(const_areaSize-const_packetData)
	JHI  declined
	MOVL const_packetNamed(BX)(SI*1), CX
	CMPL const_areaVec(BX), CX
	JLT  declined
	LEAQ const_packetName(BX)(SI*1), SI
	MOVQ R8, DI
	MOVL $const_copiedName, AX
	JMP  copy
named:
	MOVL const_loanOff(R11), SI
	LEAQ const_packetNamed(BX)(SI*1), SI
	MOVQ R9, DI
	MOVL $4, CX
	MOVL $const_copiedNamed, AX
	JMP  copy
data:
	MOVL const_loanOff(R11), SI
	CMPL SI, $(const_areaSize-const_packetData)
	JHI  declined
	MOVL const_packetLen(BX)(SI*1), CX
	CMPQ DX, CX
	JCS  declined
	MOVQ CX, R10
	LEAQ const_packetData(BX)(SI*1), SI
	MOVQ (const_areaIn+72)(BX), DI
	MOVL $const_copiedData, AX
	JMP  copy
taken:
	MOVL const_loanState(R11), AX
	CMPL AX, $const_loanPackets
	JLS  declined
	LEAL -1(AX), CX
	LOCK
	CMPXCHGL CX, const_loanState(R11)
	JNE  declined
	LEAL (const_packetData+7)(R10), CX
	ANDL $~7, CX
	ADDL CX, const_loanOff(R11)
	INCL const_areaTakes(BX)
	MOVQ R10, AX
	JMP  answer

	// Calls of a file that was opened just now (lendfile.go).
file:
	JEQ  close
	CMPL CX, $const_ioFcntl
	JCC  request
attributes:
	CMPL const_loanStat(R11), $0
	JEQ  request
	CMPL CX, $const_ioStat
	JEQ  stat
	CMPL R10, $0x1000 // AT_EMPTY_PATH
	JNE  request
	LEAQ const_areaVec(BX), DI
	MOVL $1, CX
	MOVL $const_copiedAt, AX
	CLD
	JMP  copy
statAt:
	CMPB const_areaVec(BX), $0 // the path
	JNE  request
	MOVQ DX, SI
stat:
	CMPL const_areaKnows(BX), $0
	JEQ  request
	MOVQ SI, DI
	LEAQ const_areaStat(BX), SI
	MOVL $const_statSize, CX
	MOVL $const_copiedStat, AX
	CLD
	JMP  copy
close:
	MOVL $const_closeOpen, AX
	MOVL $const_closeDone, CX
	LOCK
	CMPXCHGL CX, const_loanClose(R11)
	JNE  request
	MOVL $0, const_loanFD(R11)
	INCL const_areaTakes(BX)
	XORL AX, AX
	JMP  answer
told: // once
	MOVL $0, const_loanStat(R11)
	XORL AX, AX
	JMP  answer

	// The bytes of such a file are sent, from an offset, to what room was lent for.
sendfile:
	CMPL const_areaKnows(BX), $0
	JEQ  request
	MOVL SI, DI
	ANDL $(const_maxLoans-1), DI
	SHLL $const_loanShift, DI
	LEAL 1(SI), AX
	CMPL AX, (const_areaLoans+const_loanFD)(BX)(DI*1)
	JNE  request
	CMPL (const_areaLoans+const_loanFile)(BX)(DI*1), $0
	JEQ  request
	TESTQ R10, R10
	JLE  request
	MOVQ DX, SI
	LEAQ const_areaVec(BX), DI
	MOVL $8, CX
	MOVL $const_copiedPos, AX
	CLD
	JMP  copy
position:
	MOVL (const_areaIn+72)(BX), DI
	ANDL $(const_maxLoans-1), DI
	SHLL $const_loanShift, DI
	LEAQ const_areaLoans(BX)(DI*1), DI
	MOVL const_loanFile(DI), CX
	MOVQ const_areaVec(BX), SI
	CMPQ SI, CX
	JCC  declined
	SUBQ SI, CX
	CMPQ R10, CX
	CMOVQCS R10, CX
	MOVL const_loanRoom(R11), AX
	CMPQ CX, AX
	JHI  declined
	CMPL const_areaPosts(BX), $const_maxPosts
	JCC  declined
	MOVL const_areaUsed(BX), AX
	LEAQ (AX)(CX*1), DX
	CMPQ DX, $const_areaSize
	JHI  declined
	MOVQ CX, (const_areaVec+8)(BX)
	MOVL const_loanOff(DI), DX
	ADDQ DX, SI
	ADDQ BX, SI
	LEAQ (BX)(AX*1), DI
	MOVL $const_copiedFile, AX
	JMP  copy
filed:
	MOVQ (const_areaVec+8)(BX), CX
	ADDQ CX, const_areaVec(BX)
	LEAQ const_areaVec(BX), SI
	MOVQ (const_areaIn+96)(BX), DI
	MOVL $8, CX
	MOVL $const_copiedMoved, AX
	JMP  copy
moved: // once
	MOVL (const_areaIn+72)(BX), DI
	ANDL $(const_maxLoans-1), DI
	SHLL $const_loanShift, DI
	MOVL $0, (const_areaLoans+const_loanFile)(BX)(DI*1)
	INCL const_areaSent(BX)
	MOVL const_areaUsed(BX), R10
	MOVQ (const_areaVec+8)(BX), DX
	JMP  posted

	// The file that was opened last and closed since is opened again, by the same name.
open:
	CMPL const_areaOpened(BX), $0
	JEQ  request
	CMPL const_areaKnows(BX), $0
	JEQ  request
	CMPL DI, const_areaOpenDir(BX)
	JNE  request
	CMPL DX, const_areaOpenFlags(BX)
	JNE  request
	MOVL const_areaOpenName(BX), DI
	MOVL const_areaOpenLen(BX), CX
	CMPL DI, $(const_areaSize-2*const_mostPath)
	JHI  request
	CMPL CX, $const_mostPath
	JHI  request
	LEAQ const_mostPath(BX)(DI*1), DI
	MOVL $const_copiedPath, AX
	CLD
	JMP  copy
path:
	MOVL const_areaOpenName(BX), SI
	MOVL const_areaOpenLen(BX), CX
	CMPL SI, $(const_areaSize-2*const_mostPath)
	JHI  declined
	CMPL CX, $const_mostPath
	JHI  declined
	ADDQ BX, SI
	LEAQ const_mostPath(SI), DI
	CMPQ CX, $0
	REP
	CMPSB
	JNE  declined
	MOVL const_areaOpened(BX), SI // the descriptor, and 1
	LEAL -1(SI), R11
	ANDL $(const_maxLoans-1), R11
	SHLL $const_loanShift, R11
	LEAQ const_areaLoans(BX)(R11*1), R11
	CMPL const_loanClose(R11), $const_closeDone
	JNE  declined
	MOVL const_areaOpenSize(BX), AX
	MOVL AX, const_loanFile(R11)
	MOVL $1, const_loanStat(R11)
	MOVL SI, const_loanFD(R11)
	MOVL $const_closeDone, AX
	MOVL $const_closeOpen, CX
	LOCK
	CMPXCHGL CX, const_loanClose(R11)
	JNE  unopened
	LEAL -1(SI), AX
	JMP  answer
unopened: // the sentry was told of the close meanwhile
	MOVL $0, const_loanFD(R11)
	MOVL $0, const_loanStat(R11)
	MOVL $0, const_loanFile(R11)
	JMP  declined

	// Copied; AX tells what. Only now the bytes are taken, or published.
copied:
	CMPL AX, $const_copiedOut
	JEQ  posted
	CMPL AX, $const_copiedVec
	JEQ  vec
	CMPL AX, $const_copiedAt
	JEQ  statAt
	CMPL AX, $const_copiedStat
	JEQ  told
	CMPL AX, $const_copiedRoom
	JEQ  name
	CMPL AX, $const_copiedName
	JEQ  named
	CMPL AX, $const_copiedNamed
	JEQ  data
	CMPL AX, $const_copiedData
	JEQ  taken
	CMPL AX, $const_copiedPos
	JEQ  position
	CMPL AX, $const_copiedFile
	JEQ  filed
	CMPL AX, $const_copiedMoved
	JEQ  moved
	CMPL AX, $const_copiedPath
	JEQ  path
	CMPL AX, $const_copiedLink
	JEQ  linked
	MOVL $const_loanOpen, AX
	MOVL $const_loanTaken, CX
	LOCK
	CMPXCHGL CX, const_loanState(R11)
	JNE  declined
	INCL const_areaTakes(BX)
	MOVQ R10, AX
	JMP  answer
vec:
	MOVQ const_areaVec(BX), SI
	MOVQ (const_areaVec+8)(BX), DX
	JMP  write
posted:
	MOVL const_areaPosts(BX), DI
	SHLL $const_postShift, DI
	LEAQ const_areaPosted(BX)(DI*1), DI
	MOVQ R11, SI
	SUBQ BX, SI
	SUBQ $const_areaLoans, SI
	SHRQ $const_loanShift, SI
	MOVL SI, const_postLoan(DI)
	MOVL R10, const_postOff(DI)
	MOVL DX, const_postLen(DI)
	ADDL DX, const_areaUsed(BX)
	SUBL DX, const_loanRoom(R11)
	INCL const_areaPosts(BX)
	MOVQ DX, AX
answer:
	MOVL const_areaSlot(BX), CX
	CMPL CX, $const_trampAt
	JCC  there
	IMULL $const_trampSize, CX
	ADDL $(const_trampAt+const_trampEnd), CX
there:
	LEAQ const_areaFlags(BX), SP
	POPFQ
	MOVQ (const_areaIn+16)(BX), R10
	MOVQ (const_areaIn+64)(BX), DI
	MOVQ (const_areaIn+72)(BX), SI
	MOVQ (const_areaIn+96)(BX), DX
	MOVQ (const_areaIn+15*8)(BX), SP
	MOVQ (const_areaIn+88)(BX), BX
	JMP  CX

	// The copy has found a page that is not there, or not to be written: the sentry makes the call. The frame is at DX.
cannot:
	MOVQ const_ucFpState(DX), CX
	MOVL $-1, AX
	MOVL $-1, DX
	XRSTOR64 (CX)
	MOVQ (const_areaIn+0)(BX), R8
	MOVQ (const_areaIn+8)(BX), R9
	MOVQ (const_areaIn+32)(BX), R12
	MOVQ (const_areaIn+40)(BX), R13
	MOVQ (const_areaIn+48)(BX), R14
	MOVQ (const_areaIn+56)(BX), R15
	MOVQ (const_areaIn+80)(BX), BP
	JMP  declined
