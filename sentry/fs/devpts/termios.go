package devpts

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Flags of struct termios (include/uapi/asm-generic/termbits.h), those that mean something here.
const (
	iPARMRK = 0x8
	iISTRIP = 0x20
	iINLCR  = 0x40
	iIGNCR  = 0x80
	iICRNL  = 0x100
	iIUCLC  = 0x200
	iIXON   = 0x400
	iIXANY  = 0x800
	iIUTF8  = 0x4000

	oOPOST  = 0x1
	oOLCUC  = 0x2
	oONLCR  = 0x4
	oOCRNL  = 0x8
	oONOCR  = 0x10
	oONLRET = 0x20
	oXTABS  = 0x1800

	cCBAUD  = 0x100f
	cBOTHER = 0x1000
	cCSIZE  = 0x30
	cCS8    = 0x30
	cCREAD  = 0x80
	cPARENB = 0x100

	lISIG    = 0x1
	lICANON  = 0x2
	lECHO    = 0x8
	lECHOE   = 0x10
	lECHOK   = 0x20
	lECHONL  = 0x40
	lNOFLSH  = 0x80
	lTOSTOP  = 0x100
	lECHOCTL = 0x200
	lECHOPRT = 0x400
	lECHOKE  = 0x800
	lIEXTEN  = 0x8000
	lEXTPROC = 0x10000
)

// Indices of termios.cc.
const (
	vINTR    = 0
	vQUIT    = 1
	vERASE   = 2
	vKILL    = 3
	vEOF     = 4
	vTIME    = 5
	vMIN     = 6
	vSTART   = 8
	vSTOP    = 9
	vSUSP    = 10
	vEOL     = 11
	vREPRINT = 12
	vDISCARD = 13
	vWERASE  = 14
	vLNEXT   = 15
	vEOL2    = 16
)

// termios is struct termios2 of the kernel.
type termios struct {
	iflag, oflag, cflag, lflag uint32
	line                       byte
	cc                         [19]byte
	ispeed, ospeed             uint32
}

// defaults are tty_std_termios.
func defaults() termios {
	return termios{
		iflag: iICRNL | iIXON, oflag: oOPOST | oONLCR, cflag: 0xf | cCS8 | cCREAD,
		lflag: lISIG | lICANON | lECHO | lECHOE | lECHOK | lECHOCTL | lECHOKE | lIEXTEN,
		cc: [19]byte{vINTR: 3, vQUIT: 28, vERASE: 127, vKILL: 21, vEOF: 4, vMIN: 1, vSTART: 17, vSTOP: 19, vSUSP: 26, vREPRINT: 18,
			vDISCARD: 15, vWERASE: 23, vLNEXT: 22},
		ispeed: 38400, ospeed: 38400,
	}
}

// Sizes of struct termio, termios and termios2.
const (
	termioSize   = 18
	termiosSize  = 36
	termios2Size = 44
)

// encode lays t out as the struct of size bytes.
func (t *termios) encode(size int) []byte {
	le, flags := binary.LittleEndian, [...]uint32{t.iflag, t.oflag, t.cflag, t.lflag}
	if size == termioSize {
		b := make([]byte, termioSize)
		for i, v := range flags {
			le.PutUint16(b[2*i:], uint16(v))
		}
		b[8] = t.line
		copy(b[9:], t.cc[:8])
		return b
	}
	b := make([]byte, termiosSize, termios2Size)
	for i, v := range flags {
		le.PutUint32(b[4*i:], v)
	}
	b[16] = t.line
	copy(b[17:], t.cc[:])
	if size == termios2Size {
		b = le.AppendUint32(le.AppendUint32(b, t.ispeed), t.ospeed)
	}
	return b
}

// decode changes t to what the struct b says.
func (t *termios) decode(b []byte) {
	le, flags := binary.LittleEndian, [...]*uint32{&t.iflag, &t.oflag, &t.cflag, &t.lflag}
	if len(b) == termioSize {
		for i, v := range flags {
			*v = *v&^0xffff | uint32(le.Uint16(b[2*i:]))
		}
		t.line = b[8]
		copy(t.cc[:8], b[9:])
	} else {
		for i, v := range flags {
			*v = le.Uint32(b[4*i:])
		}
		t.line = b[16]
		copy(t.cc[:], b[17:termiosSize])
	}
	if speed, ok := baud(t.cflag); ok {
		t.ispeed, t.ospeed = speed, speed
	} else if len(b) == termios2Size {
		t.ispeed, t.ospeed = le.Uint32(b[36:]), le.Uint32(b[40:])
	}
}

// keep gives t the settings of old that are locked (unset_locked_termios).
func (t *termios) keep(old, locked *termios) {
	for _, f := range [...][3]*uint32{{&t.iflag, &old.iflag, &locked.iflag}, {&t.oflag, &old.oflag, &locked.oflag},
		{&t.cflag, &old.cflag, &locked.cflag}, {&t.lflag, &old.lflag, &locked.lflag}} {
		*f[0] = *f[0]&^*f[2] | *f[1]&*f[2]
	}
	if locked.line != 0 {
		t.line = old.line
	}
	for i := range t.cc {
		if locked.cc[i] != 0 {
			t.cc[i] = old.cc[i]
		}
	}
}

var bauds = [...]uint32{0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
	0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000}

// baud is the speed that the control flags say: none with BOTHER.
func baud(cflag uint32) (uint32, bool) {
	i := cflag & cCBAUD
	if i == cBOTHER {
		return 0, false
	}
	return bauds[i&0xf|i>>12<<4], true
}

// usesFlow tells whether ^S and ^Q stop and start the terminal, for packet mode.
func (t *termios) usesFlow() bool {
	return t.iflag&iIXON != 0 && t.cc[vSTOP] == 19 && t.cc[vSTART] == 17
}

// States of packet mode (TIOCPKT_*, ioctl_tty(2)).
const (
	pktFlushRead  = 1
	pktFlushWrite = 2
	pktStop       = 4
	pktStart      = 8
	pktNoStop     = 16
	pktDoStop     = 32
	pktIoctl      = 64
)

var signalOf = [...]struct {
	cc     int
	signal int
}{{vINTR, linux.SIGINT}, {vQUIT, linux.SIGQUIT}, {vSUSP, linux.SIGTSTP}}
